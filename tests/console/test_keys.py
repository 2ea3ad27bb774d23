"""The file of keys, and the commands that write it."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from mutt_tasks.cli.group import dlq
from mutt_tasks.errors import InvalidArgument, NotFound, Refused
from mutt_tasks.operations.access import KeyFile, new_key, remove_key


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "keys")


def test_a_key_is_somebodys_and_stands_nowhere(path: str) -> None:
    secret = new_key(path, "ann", "operator", ("redirect",))

    found = KeyFile(path).who(secret, "console key")

    assert found is not None
    assert (found.name, found.role, found.may("redirect")) == ("ann", "operator", True)
    assert secret not in Path(path).read_text()
    assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert KeyFile(path).who(secret + "x", "console key") is None


def test_no_two_keys_are_alike(path: str) -> None:
    secrets = {new_key(path, f"p{n}", "viewer") for n in range(20)}

    assert len(secrets) == 20
    assert all(len(secret) > 40 for secret in secrets)


def test_a_name_has_one_key_until_it_is_removed(path: str) -> None:
    old = new_key(path, "ann", "operator")
    with pytest.raises(Refused, match="has a key"):
        new_key(path, "ann", "admin")
    remove_key(path, "ann")

    new = new_key(path, "ann", "viewer")

    keys = KeyFile(path)
    assert keys.who(old, "") is None
    assert keys.who(new, "") is not None
    with pytest.raises(NotFound):
        remove_key(path, "bob")


def test_a_file_that_changes_is_heeded_at_once(path: str) -> None:
    keys = KeyFile(path)
    assert keys.is_open()

    secret = new_key(path, "ann", "operator")
    assert not keys.is_open()
    assert keys.who(secret, "") is not None

    Path(path).unlink()
    assert keys.who(secret, "") is None


def test_comments_and_the_order_of_lines_are_kept(path: str) -> None:
    new_key(path, "ann", "operator")
    Path(path).write_text(Path(path).read_text() + "# the night shift\n")
    new_key(path, "bob", "operator")
    remove_key(path, "ann")

    kinds = [line.split()[0] for line in Path(path).read_text().splitlines()]
    assert kinds == ["#", "#", "bob"]


def test_a_broken_line_lets_nobody_in_and_stops_nobody_else(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = new_key(path, "ann", "operator")
    text = Path(path).read_text()
    Path(path).write_text(f"eve admin 00:00\n{text}ann admin {text.split()[-1]}\n")

    keys = KeyFile(path)

    found = keys.who(secret, "")
    assert found is not None
    assert found.role == "operator"
    assert [key.name for key in keys.in_force()] == ["ann"]
    assert "key 1 is ignored" in caplog.text
    assert "ann has one" in caplog.text


def test_a_file_that_cannot_be_read_is_not_an_open_door(tmp_path: Path) -> None:
    keys = KeyFile(str(tmp_path))  # a folder

    assert not keys.is_open()
    assert keys.in_force() == ()


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be written"):
        new_key(str(tmp_path / "nowhere" / "keys"), "ann", "viewer")
    for name, role, more in (
        ("a b", "viewer", ()),
        ("ann", "root", ()),
        ("ann", "viewer", ("all",)),
    ):
        with pytest.raises(InvalidArgument):
            new_key(str(tmp_path / "keys"), name, role, more)
    assert not (tmp_path / "keys").exists()


def test_the_command_prints_a_key_once(path: str) -> None:
    run = CliRunner().invoke

    made = run(dlq, ["key", "new", "ann", "--role", "operator", "--file", path])
    again = run(dlq, ["key", "new", "ann", "--role", "operator", "--file", path])
    listed = run(dlq, ["key", "list", "--file", path, "-o", "json"])
    removed = run(dlq, ["key", "remove", "ann", "--file", path])

    found = KeyFile(path).who(made.stdout.strip(), "")
    assert found is None  # it was removed
    assert made.stdout.startswith("mutt-")
    assert made.stdout.count("\n") == 1
    assert "not shown again" in made.stderr
    assert (again.exit_code, removed.exit_code) == (4, 0)
    assert json.loads(listed.stdout) == [{"name": "ann", "role": "operator", "more": []}]
