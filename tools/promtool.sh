#!/usr/bin/env bash
# Sees to it that the tests find promtool, which tests the alerting rules.
#
#   tools/promtool.sh          takes it out of Debian's package `prometheus` into .venv/bin, unless
#                              there is one already
#   tools/promtool.sh --note   prints a line if there is none: what was not tested, how to get it
#
# The package itself is not installed: that would start a server, now and at every boot. As root the
# list of packages is brought up to date if that is needed. Always ends well, for elsewhere than on
# Debian the tests do without.
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PWD/.venv/bin:$PATH command -v promtool >/dev/null && exit

if [ "${1:-}" = --note ]; then
    echo "Skipped: tests/monitoring/test_promtool.py (the alerting rules), for there is no promtool." \
        "Install the package \`prometheus\` (apt, brew), or put promtool of" \
        "https://prometheus.io/download/ on the PATH."
    exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() { (cd "$work" && apt-get -qq -o Acquire::http::Timeout=20 download prometheus); }

take() {
    command -v apt-get && command -v dpkg-deb || return
    download || { [ "$(id -u)" = 0 ] && apt-get -qq update && download; } || return
    dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" ./usr/bin/promtool || return
    mv "$work/usr/bin/promtool" .venv/bin/
}

take >"$work/log" 2>&1 || { echo "promtool: Debian's package could not be had" && cat "$work/log"; } >&2
