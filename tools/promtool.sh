#!/usr/bin/env bash
# Sees to it that the tests find Prometheus' programs, which test the alerting rules and how people
# are told: promtool, prometheus, amtool, prometheus-alertmanager.
#
#   tools/promtool.sh          takes them out of Debian's packages into .venv/bin, those that are not
#                              there already
#   tools/promtool.sh --note   prints a line if some are missing: what was not tested, how to get them
#
# The packages themselves are not installed: that would start servers, now and at every boot. As root
# the list of packages is brought up to date if that is needed. Always ends well, for elsewhere than
# on Debian the tests do without.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A packages=(
    [promtool]=prometheus [prometheus]=prometheus
    [amtool]=prometheus-alertmanager [prometheus-alertmanager]=prometheus-alertmanager
)
# Elsewhere than on Debian a program may have the name that its authors gave it.
declare -A also=([prometheus-alertmanager]=alertmanager)

missing=()
for program in "${!packages[@]}"; do
    for name in "$program" ${also[$program]:-}; do
        PATH=$PWD/.venv/bin:$PATH command -v "$name" >/dev/null && continue 2
    done
    missing+=("$program")
done
[ ${#missing[@]} = 0 ] && exit

if [ "${1:-}" = --note ]; then
    echo "Skipped: tests in tests/monitoring (the alerting rules, and who is told), for there is no" \
        "${missing[*]}. Install the packages \`prometheus\` and \`prometheus-alertmanager\` (apt;" \
        "\`prometheus\` and \`alertmanager\` with brew), or put the programs of" \
        "https://prometheus.io/download/ on the PATH."
    exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

download() { (cd "$work" && apt-get -qq -o Acquire::http::Timeout=20 download "$@"); }

take() {
    command -v apt-get && command -v dpkg-deb || return
    # From Debian 13 on it has a package of its own.
    apt-cache show promtool && packages[promtool]=promtool
    local wanted program package
    wanted=$(for program in "${missing[@]}"; do echo "${packages[$program]}"; done | sort -u)
    # shellcheck disable=SC2086 # two words are two packages
    download $wanted || { [ "$(id -u)" = 0 ] && apt-get -qq update && download $wanted; } || return
    for program in "${missing[@]}"; do
        package=${packages[$program]}
        dpkg-deb --fsys-tarfile "$work/${package}"_*.deb |
            tar -x -C "$work" "./usr/bin/$program" || return
        mv "$work/usr/bin/$program" .venv/bin/
    done
}

take >"$work/log" 2>&1 || { echo "${missing[*]}: Debian's packages could not be had" && cat "$work/log"; } >&2
