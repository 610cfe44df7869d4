#!/usr/bin/env bash
# Shows the whole life of a controller: up, crash, down, dwelling, stopping itself. Every command that is
# run is shown as one would type it. Uses a home of its own, which is removed at the end, also on Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."

window_seconds=20
binary=${DWELL:-$PWD/.build/debug/dwell}
[[ -x $binary ]] || { echo "demo: there is no $binary; build it first: make build" >&2; exit 1; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/dwell-demo.XXXXXX")
export DWELL_HOME=$scratch/home PATH="${binary%/*}:$PATH"
asker=

# Processes that were started with this demo's home, by their environment; the lookers themselves have none.
ours() {
    local home=$DWELL_HOME
    (unset DWELL_HOME; grep -lszFx "DWELL_HOME=$home" /proc/[0-9]*/environ | cut -d / -f 3) || true
}

clean_up() {
    local code=$?
    trap '' INT TERM
    [[ -z $asker ]] || kill "$asker" 2>/dev/null || true
    if [[ -n $(ours) ]]; then timeout 30 dwell terminate local --force >/dev/null 2>&1 || true; fi
    for pid in $(ours); do kill -9 "$pid" 2>/dev/null || true; done
    rm -rf "$scratch"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' plain=$'\e[0m'; fi
say() { printf '\n# %s\n' "$*"; }
run() {
    printf '%s$ %s%s\n' "$bold" "$1" "$plain"
    eval "$1"
}
fail() {
    echo "demo: $1" >&2
    exit 1
}
# Asks the database and not dwell, for any dwell command would bring back what has died.
ask() { sqlite3 -readonly -cmd '.timeout 5000' "$DWELL_HOME/dwell.db" "$1"; }
wait_for() {
    local limit=$((SECONDS + $1))
    until [[ $(ask "$2") == 1 ]]; do
        ((SECONDS < limit)) || fail "waited $1 s in vain for: $2"
        sleep 0.05
    done
}
request_until_told() {
    local good=0 bad=0
    until [[ -e $scratch/enough ]]; do
        if curl -fs -m 2 -o "$scratch/answer" "$endpoint"; then good=$((good + 1)); else bad=$((bad + 1)); fi
    done
    echo "$good requests answered, $bad failed" >"$scratch/count"
}

say "A service with two replicas. Its controller is started for it."
run "dwell up examples/hello.yaml"
endpoint=$(ask "select 'http://' || host || ':' || port || '/' from services")

say "One address; the load balancer chooses the replica."
run "curl -s $endpoint"
run "curl -s $endpoint"

say "A controller without a service stays warm for 10 minutes. For this demo, for $window_seconds seconds."
run "dwell autostop local --idle ${window_seconds}s"
run "dwell status"

say "A crash: the controller process is killed, while a client asks for the service again and again."
request_until_told &
asker=$!
process=$(ask "select process from controllers")
run "kill -9 $(cut -d : -f 2 <<<"$process")"
wait_for 10 "select process <> '$process' from controllers"
sleep 1
touch "$scratch/enough"
wait "$asker"
asker=
cat "$scratch/count"
run "dwell events | grep recovered"
grep -q ' 0 failed' "$scratch/count" || fail "the service did not go on answering"

say "The service goes down at once; the controller dwells."
run "dwell down hello"
sleep 3
run "dwell status"

say "Nothing comes within the window, so the controller stops itself. No command runs meanwhile."
wait_for $((window_seconds + 15)) "select status = 'STOPPED' from controllers"
for _ in {1..40}; do [[ -z $(ours) ]] || sleep 0.05; done
[[ -z $(ours) ]] || fail "processes are left: $(ours | xargs)"
echo "It has stopped, and none of its processes is left."

say "Everything that happened is in the log, in SQLite."
run "sqlite3 -column \$DWELL_HOME/dwell.db 'select time, event, what from audit_log'"

say "Each idle period, how it ended, and how late that was."
run "sqlite3 -line \$DWELL_HOME/dwell.db 'select * from idle_periods'"
