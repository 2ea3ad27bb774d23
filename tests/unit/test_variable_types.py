"""A type checker sees what a variable's parser gives, and refuses a field annotated otherwise."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAD = """
from mutt_tasks.settings import load
from mutt_tasks.settings.parsers import boolean, choice, number, rate, statuses, subset, text, whole
from mutt_tasks.settings.variable import variable
"""


def complaints(line: str, folder: Path) -> list[str]:
    """What `mypy --strict` says of a line."""
    (folder / "snippet.py").write_text(HEAD + line + "\n")
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "snippet.py"],
        cwd=folder,
        env={"MYPYPATH": str(ROOT), "MYPY_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.stderr == ""
    return found.stdout.splitlines()


RIGHT = """
a: bool = variable("A", "true", boolean, "")
b: int = variable("B", "1", whole(1, 9), "")
c: float = variable("C", "1", number(1, 9), "")
d: float | None = variable("D", "auto", rate, "")
e: str = variable("E", "", text, "")
f: str = variable("F", "X", choice("X", "Y"), "")
g: tuple[str, ...] = variable("G", "x", subset("x", "y"), "")
h: frozenset[int] = variable("H", "200", statuses(200, 299), "")
i: float = load({}).pace.interval
"""
WRONG = (
    'x: int = variable("X", "1", number(1, 9), "")',
    'x: bool = variable("X", "1", whole(1, 9), "")',
    'x: float = variable("X", "auto", rate, "")',
    'x: str = variable("X", "true", boolean, "")',
    'x: tuple[str, ...] = variable("X", "200", statuses(200, 299), "")',
    "x: int = load({}).pace.interval",
)


def test_a_right_annotation_is_accepted(tmp_path: Path) -> None:
    assert complaints(RIGHT, tmp_path) == []


def test_each_wrong_annotation_is_refused(tmp_path: Path) -> None:
    lines = complaints("\n".join(WRONG), tmp_path)

    first = HEAD.count("\n") + 1
    assert {line.partition(": error: ")[0] for line in lines if ": error: " in line} == {
        f"snippet.py:{first + n}" for n in range(len(WRONG))
    }, lines
