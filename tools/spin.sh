#!/usr/bin/env bash
# Sees to it that Spin is there, which searches the model: as root on Debian its package is installed.
#
#   tools/spin.sh          installs the packages `spin` and `gcc`, if they are missing
#   tools/spin.sh --note   prints a line if there is none: what was not tested, how to get it
#
# Always ends well: `make test` does without, and `make model` says itself what is missing.
set -euo pipefail

command -v spin >/dev/null && command -v gcc >/dev/null && exit

if [ "${1:-}" = --note ]; then
    echo "Skipped: the searches of tests/model/test_formal_model.py (the model in Promela), for there" \
        "is no Spin. Install the packages \`spin\` and \`gcc\` (apt), or see https://spinroot.com."
    exit
fi

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || exit 0

install() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::http::Timeout=20 install -y --no-install-recommends spin gcc libc6-dev; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ install || { apt-get -qq update && install; }; } >"$log" 2>&1 ||
    { echo "spin: Debian's package could not be had" && cat "$log"; } >&2
