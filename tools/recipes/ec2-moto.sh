#!/bin/bash
# Runs the EC2 recipe of docs/hooks.md, as it is written there, against moto's server, which answers as EC2 does: a
# controller that stops for idleness stops the instance that it runs on. VENV is where moto and the AWS CLI are
# installed (by pip, once); DWELL is the program to try.
set -euo pipefail

here=$(cd "$(dirname "$0")/../.." && pwd)
dwell=${DWELL:-$here/.build/debug/dwell}
venv=${VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/dwell-moto}
folder=$(mktemp -d)
server=

clean_up() {
    [ ! -e "$folder/home/dwell.db" ] || DWELL_HOME=$folder/home "$dwell" terminate ec2 --force >/dev/null 2>&1 || true
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT

fail() {
    echo "ec2-moto: $*" >&2
    for log in "$folder/moto.log" "$folder/home/logs/ec2/hooks.log"; do
        [ ! -s "$log" ] || { echo "--- $log" >&2; tail -n 20 "$log" >&2; }
    done
    exit 1
}

wait_until() {  # SECONDS WHAT COMMAND…
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "waited in vain: $what"
        sleep 0.1
    done
}

[ -x "$dwell" ] || fail "there is no $dwell; build it: make build"
if [ ! -x "$venv/bin/moto_server" ] || [ ! -x "$venv/bin/aws" ]; then
    echo "installing moto and the AWS CLI in $venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'moto[server]' awscli
fi

# The text between the backquotes in the row of EC2.
recipe=$(sed -n 's/^| EC2 | `\(.*\)` |$/\1/p' "$here/docs/hooks.md")
[ -n "$recipe" ] || fail "docs/hooks.md has no row | EC2 | \`…\` |"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$folder/moto.log" 2>&1 &
server=$!

export AWS_ENDPOINT_URL=http://127.0.0.1:$port AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_DEFAULT_REGION=eu-central-1 AWS_PAGER= AWS_EC2_METADATA_DISABLED=true
export PATH=$folder/bin:$venv/bin:$PATH
# No service of this machine's is asked.
unset AWS_PROFILE AWS_SESSION_TOKEN || true
is_answering() { aws ec2 describe-instances >/dev/null 2>&1; }
wait_until 30 "moto's server answers" is_answering

image=$(aws ec2 describe-images --query 'Images[0].ImageId' --output text)
instance=$(aws ec2 run-instances --image-id "$image" --query 'Instances[0].InstanceId' --output text)
state() { aws ec2 describe-instances --instance-ids "$instance" --query 'Reservations[0].Instances[0].State.Name' --output text; }
is_in() { [ "$(state)" = "$1" ]; }
wait_until 20 "the instance runs" is_in running

# On an instance this tool asks the metadata service who it is.
mkdir -p "$folder/bin" "$folder/home"
printf '#!/bin/sh\n[ "$1" = --instance-id ] && echo %s\n' "$instance" >"$folder/bin/ec2metadata"
chmod +x "$folder/bin/ec2metadata"

export DWELL_HOME=$folder/home
printf 'serve: {controller: {autostop: {idle: 2s}}}\nhooks:\n  stop: |\n    %s\n' "$recipe" >"$DWELL_HOME/config.yaml"
cat >"$folder/hello.yaml" <<'YAML'
name: hello
run: exec python3 -m http.server "$PORT" --bind 127.0.0.1
service: {readiness_probe: /, replicas: 1}
YAML

"$dwell" up "$folder/hello.yaml" --controller ec2
is_in running || fail "the instance is $(state) while a service is up"
"$dwell" down hello
is_in running || fail "the instance is $(state) before the controller has been idle for its window"
wait_until 30 "the controller stops" bash -c '"$1" status --all | grep -q "^ec2 *STOPPED"' _ "$dwell"
wait_until 20 "the instance is stopped" is_in stopped
"$dwell" events --controller ec2 --type 'controller.hook_ended' | grep -q 'hook stop exited with code 0' ||
    fail "the hook did not end well"
"$dwell" explain ec2
echo "ok: $instance is stopped by: $recipe"
