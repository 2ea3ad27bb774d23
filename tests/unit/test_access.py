"""Roles are sets of permissions, and a key is known by a hash of it."""

import pytest

from mutt_tasks.core.access import ADMIN, OPERATOR, PERMISSIONS, ROLES, VIEWER, Key, highest, key_of

SALT = "0123456789abcdef" * 2


def test_each_role_may_all_that_the_one_before_may_and_more() -> None:
    viewer, operator, admin = (ROLES[role] for role in (VIEWER, OPERATOR, ADMIN))

    assert viewer < operator < admin == PERMISSIONS
    assert viewer == {"view"}
    assert admin - operator == {"redirect"}


def test_what_is_not_allowed_has_a_reason_that_says_who_may() -> None:
    eve = Key.of("secret", "eve", VIEWER, (), SALT).identity("console key")

    assert (eve.may("view"), eve.why_not("view")) == (True, "")
    assert eve.why_not("discard") == "the role viewer may not discard; operator and admin may"
    assert eve.why_not("redirect") == "the role viewer may not redirect; admin may"
    assert "see what messages say" in eve.why_not("bodies")


def test_more_than_a_role_can_be_granted() -> None:
    key = key_of(Key.of("secret", "eve", VIEWER, ("bodies", "note"), SALT).line())

    assert key.identity("").permissions == {"view", "bodies", "note"}


def test_a_line_tells_a_key_and_never_its_secret() -> None:
    key = Key.of("secret", "ann", OPERATOR, (), SALT)

    assert key_of(key.line()) == key
    assert "secret" not in key.line()
    assert key.fits("secret")
    assert not any(map(key.fits, ("", "secre", "secret ", "Secret", "s\u00e9cret", "\ud800")))


def test_the_same_secret_has_another_hash_with_another_salt() -> None:
    keys = {Key.of("secret", "ann", OPERATOR, (), salt).digest for salt in (SALT, SALT[::-1])}

    assert len(keys) == 2


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ann",
        "ann operator",
        f"ann operator {SALT}",
        f"ann operator {SALT}:{'0' * 63}",
        f"ann operator {SALT}:{'0' * 64} more",
        f"ann root {SALT}:{'0' * 64}",
        f"ann operator+everything {SALT}:{'0' * 64}",
        f"a/b operator {SALT}:{'0' * 64}",
        f"{'a' * 65} operator {SALT}:{'0' * 64}",
    ],
)
def test_a_line_that_tells_no_key_says_what_is_accepted(line: str) -> None:
    with pytest.raises(ValueError, match=r"accepts|is one of"):
        key_of(line)


def test_the_highest_role_counts_and_none_is_a_viewer() -> None:
    assert highest([VIEWER, ADMIN, OPERATOR]) == ADMIN
    assert highest([]) == VIEWER
