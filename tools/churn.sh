#!/usr/bin/env bash
# Takes a service up and down many times on one controller, which must be started once and never again.
#
#   tools/churn.sh [ROUNDS]        (1000; DWELL=path of the binary)
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${1:-1000}
binary=${DWELL:-$PWD/.build/debug/dwell}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/dwell-churn.XXXXXX")
export DWELL_HOME=$scratch/home
trap '"$binary" terminate local --force >/dev/null 2>&1 || true; sleep 0.2; rm -rf "$scratch"' EXIT

cat >"$scratch/service.yaml" <<'YAML'
name: churn
run: exec python3 -m http.server --bind 127.0.0.1 "$PORT"
service: {readiness_probe: /}
YAML

begun=$SECONDS
for ((round = 1; round <= rounds; round++)); do
    "$binary" up "$scratch/service.yaml" >"$scratch/out" 2>&1 || { cat "$scratch/out"; exit 1; }
    "$binary" down churn >"$scratch/out" 2>&1 || { cat "$scratch/out"; exit 1; }
    if ((round % 100 == 0)); then echo "$round rounds after $((SECONDS - begun)) s"; fi
done

ask() { sqlite3 -readonly "$DWELL_HOME/dwell.db" "$1"; }
starts=$(ask "select count(*) from events where type = 'controller.starting'")
woken=$(ask "select count(*) from idle_periods where how = 'woken'")
check=$(ask "pragma integrity_check")
echo "$rounds rounds in $((SECONDS - begun)) s: $starts controller start, woken $woken times, database $check"
[[ $starts == 1 && $woken == $((rounds - 1)) && $check == ok ]]
