"""Search the model of lease, commit, finish, jobs and shelter to its end, with Spin.

    python model/check.py            every search that must hold, every break that must be found
    python model/check.py --short    the small ones (what `make test` runs)

One line each. Exit status 1 when a search that must hold finds something or does not come to its
end, and when a break that was made on purpose is not found; 2 when Spin or a C compiler is missing.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).with_name("remediation.pml")
# Far deeper and larger than any search is; one that reaches a bound has not come to its end.
DEPTH, MEMORY_MB = 2_000_000, 4096
# So many searches at once.
TOGETHER = 2
_TRUNCATED = r"max search depth too small|reached -DMEMLIM|out of memory|hash-compact|bitstate"
HOW_TO_GET = "the model is checked with Spin: apt-get install spin gcc, or https://spinroot.com"


@dataclass(frozen=True)
class Search:
    """One search: the macros that choose it, and the LTL formula, or none for assertions.

    `finds` is a part of what it must find: broken on purpose. One that `is_small` takes seconds.
    """

    name: str
    macros: str
    formula: str = ""
    finds: str = ""
    is_small: bool = False


@dataclass(frozen=True)
class Found:
    """What a search came to; `trouble` is empty when it came to its end and found nothing."""

    trouble: str
    states: float
    depth: int
    seconds: float


_JOBS, _UNDO, _SHELTER = "JOBS TROUBLES=2", "JOBS UNDOES TROUBLES=2", "SHELTER TROUBLES=2"
_OWNER, _TOLD, _STUCK = "owner==", "owed[me]==0", "acceptance cycle"

HOLD = (
    Search("replays: any number of faults", ""),
    Search("discard at any moment: 1 fault", "JOBS TROUBLES=1"),
    Search("discard: 2 faults", f"{_JOBS} AT_ONCE"),
    Search("shelter: 1 fault", "SHELTER TROUBLES=1"),
    Search("undo: 2 faults", _UNDO, is_small=True),
    Search("replays: nothing stuck", "LIVE TROUBLES=1", "nothing_stuck"),
    Search("shelter: nothing stuck", "LIVE SHELTER TROUBLES=1", "nothing_stuck"),
    Search("discard: nothing stuck", "LIVE JOBS AT_ONCE TROUBLES=1", "nothing_stuck"),
    Search("discard: the job ends", "LIVE JOBS AT_ONCE TROUBLES=1", "job_ends"),
    Search("undo: the job ends", "LIVE JOBS UNDOES TROUBLES=1", "job_ends", is_small=True),
)
BROKEN = (
    Search("commit without the fence", "NO_FENCE KEEP_FENCED TROUBLES=2", "", _OWNER, True),
    Search("commit without an id", "NO_COMMIT_ID", "", _TOLD, True),
    Search("count apart from the move", "COUNT_APART", "", "books==0", True),
    Search("commit without the digests", f"NO_DIGEST {_SHELTER}", "", "==made["),
    Search("finish without the fence", "FINISH_UNFENCED KEEP_FENCED", "", "counted[me]", True),
    Search("replay step without a token", "SHARED_STEP TROUBLES=2", "", _OWNER, True),
    Search("resume without a token", "SHARED_RESUME JOBS TROUBLES=1", "", _OWNER),
    Search("late commit not known as late", f"LAST_COMMIT_ONLY {_JOBS} AT_ONCE", "", "taken["),
    Search("cycle that begins twice", "BEGINS_AGAIN", "", _TOLD),
    Search("job without its done bits", f"NO_DONE_BITS {_JOBS} AT_ONCE", "", "taken["),
    Search("lease that never ends", "NO_EXPIRY LIVE TROUBLES=1", "nothing_stuck", _STUCK, True),
    Search("nobody looks on", "NO_WATCH LIVE TROUBLES=1", "nothing_stuck", _STUCK, True),
)


def run(search: Search) -> Found:
    """Run one search in a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        _make(search, Path(folder))
        began_at = time.monotonic()
        goal = ["-a", "-f", "-N", search.formula] if search.formula else []
        ended = subprocess.run(
            ["./pan", f"-m{DEPTH}", *goal], cwd=folder, capture_output=True, text=True
        )
        return judged(ended.stdout + ended.stderr, time.monotonic() - began_at)


def _make(search: Search, folder: Path) -> None:
    macros = [f"-D{macro}" for macro in search.macros.split()]
    subprocess.run(["spin", "-a", *macros, str(MODEL)], cwd=folder, check=True, capture_output=True)
    # The sooner a search ends, the less its speed is worth a slow compilation.
    level = "-O0" if search.is_small else "-O1" if search.finds else "-O2"
    kind = [] if search.formula else ["-DSAFETY", "-DNOREDUCE"]
    flags = [level, "-w", "-DNFAIR=3", f"-DMEMLIM={MEMORY_MB}", *kind]
    subprocess.run(["gcc", *flags, "-o", "pan", "pan.c"], cwd=folder, check=True)


def judged(report: str, seconds: float) -> Found:
    """What Spin's report says."""
    states = re.search(r"([\d.e+]+) states, stored", report)
    depth = re.search(r"depth reached (\d+)", report)
    violated = re.search(r"^pan:1: (.*)", report, re.MULTILINE)
    trouble = violated[1] if violated else ""
    is_whole = "errors: 0" in report and "Search not completed" not in report
    # pan searches every state unless it says otherwise: too deep, out of memory, or by hashes only.
    if re.search(_TRUNCATED, report, re.IGNORECASE):
        trouble = trouble or "the search did not come to its end"
    elif not trouble and not is_whole:
        trouble = "no result: " + report.strip()[-200:]
    return Found(
        trouble, float(states[1]) if states else 0.0, int(depth[1]) if depth else 0, seconds
    )


def verdict(search: Search, found: Found) -> tuple[bool, str]:
    """Whether that is as it should be, and the word for it."""
    if not search.finds:
        return not found.trouble, found.trouble or "ok"
    if search.finds in found.trouble:
        return True, "caught"
    return False, f"NOT CAUGHT (wanted {search.finds!r}): {found.trouble or 'nothing found'}"


def check(searches: list[Search]) -> bool:
    """Run them, two at once; one line each. True when all is well."""
    is_well = True
    with ThreadPoolExecutor(TOGETHER) as pool:
        for search, found in zip(searches, pool.map(run, searches), strict=True):
            is_right, word = verdict(search, found)
            is_well = is_well and is_right
            print(
                f"{search.name:32}{found.states:>12,.0f} states{found.depth:>8} deep"
                f"{found.seconds:>7.1f} s   {word}",
                flush=True,
            )
    return is_well


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--short", action="store_true", help="only what takes seconds")
    is_short = parser.parse_args().short
    if not (shutil.which("spin") and shutil.which("gcc")):
        print(HOW_TO_GET, file=sys.stderr)
        return 2
    began_at = time.monotonic()
    searches = [each for each in (*HOLD, *BROKEN) if each.is_small or not is_short]
    is_well = check(searches)
    took = time.monotonic() - began_at
    print(f"{'all as it should be' if is_well else 'WRONG: see above'}, {took:.0f} s")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
