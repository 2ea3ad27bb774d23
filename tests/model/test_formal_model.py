"""The formal model holds, and finds what is broken on purpose."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECK = ROOT / "model" / "check.py"
MODEL = (ROOT / "model" / "remediation.pml").read_text(encoding="utf-8")

_spec = importlib.util.spec_from_file_location("model_check", CHECK)
assert _spec is not None
assert _spec.loader is not None
check = importlib.util.module_from_spec(_spec)
sys.modules["model_check"] = check
_spec.loader.exec_module(check)

ENDED = "State-vector 124 byte, depth reached 203, errors: 0\n  127012 states, stored\n"


@pytest.mark.skipif(
    not (shutil.which("spin") and shutil.which("gcc")), reason="there is no spin (make model)"
)
def test_the_short_searches_hold_and_find_what_is_broken() -> None:
    ended = subprocess.run(
        [sys.executable, CHECK, "--short"], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "caught" in ended.stdout


def test_a_search_that_ended_without_a_find_is_ok() -> None:
    assert check.judged(ENDED, 1.0) == check.Found("", 127012.0, 203, 1.0)


@pytest.mark.parametrize(
    "cut",
    [
        "error: max search depth too small\n",
        "pan: reached -DMEMLIM bound\n",
        "pan: out of memory\n",
        "Bit statespace search (bitstate) for:\n",
        "Warning: Search not completed\n",
    ],
)
def test_a_search_that_did_not_come_to_its_end_is_not_ok(cut: str) -> None:
    search = check.Search("a search", "")
    assert not check.verdict(search, check.judged(cut + ENDED, 1.0))[0]


def test_a_break_that_is_not_found_is_not_ok() -> None:
    search = check.Search("a break", "NO_FENCE", finds="owner==")
    other = ENDED + "pan:1: assertion violated (books==0) (at depth 3)\n"
    assert not check.verdict(search, check.judged(ENDED, 1.0))[0]
    assert not check.verdict(search, check.judged(other, 1.0))[0]


def test_the_model_knows_every_macro_that_the_searches_use() -> None:
    used = {macro for each in (*check.HOLD, *check.BROKEN) for macro in each.macros.split()}
    names = {macro.partition("=")[0] for macro in used}
    known = set(re.findall(r"#(?:ifdef|ifndef|elif|if)[^\n]*", MODEL))
    assert {
        name for name in names if not any(re.search(rf"\b{name}\b", line) for line in known)
    } == set()
