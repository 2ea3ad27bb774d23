"""Groups of messages that look alike: the same for the same text, for ever."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.templates import (
    _LONGEST,
    _SPACES,
    _VARIABLE,
    GROUP_ID,
    Masks,
    _masked,
    parse_masks,
)

MASKS = Masks()
template, group_id = MASKS.template, MASKS.group_id


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "%LINK-3-UPDOWN: Interface Gi1/0/32, changed state to down",
            "%LINK-3-UPDOWN: Interface <if>, changed state to down",
        ),
        (
            "Failed password for invalid user admin from 172.16.3.4 port 22022 ssh2",
            "Failed password for invalid user admin from <ip> port <n> ssh<n>",
        ),
        (
            "%ASA-4-106023: Deny tcp src outside:10.2.3.4/443 dst inside:10.9.8.7/51",
            "%ASA-4-106023: Deny tcp src outside:<ip> dst inside:<ip>",
        ),
        ("EXT4-fs error (device sd12): ext4_find", "EXT4-fs error (device sd<n>): ext4_find"),
        ("Killed process 4242 (java) total-vm:1234kB", "Killed process <n> (java) total-vm:<n>kB"),
        (
            "Server web/web12 is DOWN, duration: 2001ms",
            "Server web/web<n> is DOWN, duration: <n>ms",
        ),
        ("at 2026-11-21T05:00:00.123Z and Oct 11 22:14:15", "at <date> and <date>"),
        ("id 6f9619ff-8b86-d011-b42d-00cf4fc964ff end", "id <uuid> end"),
        ("mac 00:1b:44:11:3a:b7 or 001b.4411.3ab7", "mac <mac> or <mac>"),
        ("trap 1.3.6.1.4.1.318.0.5 of fe80::1%eth0", "trap <oid> of <ip>"),
        ("open /var/log/messages: 0xdeadbeef 9f8a7b6c", "open <path>: <hex> <hex>"),
        ('slots are reserved – "10.1.2.3"  \n\t x', "slots are reserved – <quoted> x"),
        ("10.1.2.3:514 up 3.5% 1,234", "<ip> up <n>% <n>"),
        ("don't mask isn't", "don't mask isn't"),
    ],
)
def test_what_varies_is_masked_and_what_tells_stays(text: str, masked: str) -> None:
    assert template(text) == masked


def test_what_stands_far_behind_does_not_matter() -> None:
    start = "word " * 400

    assert template(start + "one") == template(start + "other") == start.strip()


def test_ids_are_those_of_every_release() -> None:
    """A change here needs a new version in the ids: people keep them in notes."""
    found = group_id("failed", "poison", "%LINK", template("%LINK-3-UPDOWN: Interface Gi1/0/3 ü"))

    assert found == "s1-6994d84f8f0c"


@given(st.text(), st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_make_no_group(text: str, one: int, other: int) -> None:
    assert template(f"{text} {one}") == template(f"{text} {other}") or '"' in text or "'" in text


@given(st.text(), st.text(), st.text(), st.text())
def test_any_text_has_an_id_that_tells_its_parts_apart(a: str, b: str, c: str, d: str) -> None:
    found = group_id(a, b, c, template(d))

    assert found == group_id(a, b, c, template(d))
    assert found.startswith("s1-")
    assert len(found) == len("s1-") + 12
    assert a == b or found != group_id(b, a, c, template(d))


@pytest.mark.parametrize("part", ["a:", "1.", "1", '"', "'", "/", ":", "-", "a", "0x", "<", "::"])
def test_long_and_odd_texts_take_no_time(part: str) -> None:
    template(part * 100_000)


_pieces = st.sampled_from(
    [
        *("Gi1/0/3", "10.1.2.3", ":514", "fe80::1", "0x1F", "0X", "0x", "9f8a7b6c", "sd12", "a1b2"),
        *("%ASA-4-106023", "2026-11-21T05:00:00.1Z", "Oct  9 01:02:03", "'q 1'", '"7"', "'", '"'),
        *("001b.4411.3ab7", "1.3.6.1.4.1.318", "/var/log/7", "C:\\x1", "ext4_find", "7kB", "10"),
        *(
            " ",
            "  ",
            "\t",
            "\x00",
            "\u00a0",
            "\x1c",
            "ü",
            "٣",
            "-",
            "_",
            ".",
            ":",
            "x",
            "f",
            "0",
            "1",
        ),
    ]
)


@given(st.lists(_pieces, max_size=12).map("".join) | st.text())
def test_what_is_remembered_of_a_kind_of_text_changes_no_template(text: str) -> None:
    """The template is what all masks, tried at each place in turn, make of the text."""
    plain = _SPACES.sub(" ", text[:_LONGEST]).strip(" ")

    assert template(text) == _VARIABLE.sub(_masked, plain)


def test_masks_of_ones_own_come_first_and_change_the_version() -> None:
    own = parse_masks("ticket=CHG[0-9]+ user=(?<=user\\s)u[0-9]{2}")

    assert own.template("CHG4711 by user u12 of u12") == "<ticket> by user <user> of u<n>"
    assert own.template("0x1F and CHG1") == "<hex> and <ticket>"
    assert own.version.startswith("s1c")
    assert own.group_id("a", "b", "c", "d").startswith(f"{own.version}-")
    assert parse_masks("ticket=CHG[0-9]+").version not in (own.version, "s1")
    assert parse_masks("") == Masks()
    assert re.fullmatch(GROUP_ID, own.group_id("a", "b", "c", "d"))


@given(st.lists(_pieces, max_size=12).map("".join))
def test_masks_of_ones_own_may_tell_digits_apart(text: str) -> None:
    own = parse_masks("seven=7 sub=10\\.1")
    plain = _SPACES.sub(" ", text[:_LONGEST]).strip(" ")
    plain = plain.replace("7", "<seven>").replace("10.1", "<sub>")

    assert own.template(text) == _VARIABLE.sub(_masked, plain)


@pytest.mark.parametrize("text", ["ticket", "=x", "Ticket=x", "a=(", "a=x*", "a=|x", "a=", "a=x b"])
def test_what_is_no_mask_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as ticket=CHG\[0-9\]\+"):
        parse_masks(text)


def test_the_first_two_thousand_characters_tell_the_kind() -> None:
    start = "x" * 1999

    assert template(start + "a") != template(start + "b")
    assert template(start + "ya") == template(start + "yb")


def test_each_part_of_a_group_tells_it_from_others() -> None:
    known = group_id("failed", "poison", "sshd", "up")

    assert (
        len(
            {
                *(
                    known,
                    group_id("shed", "poison", "sshd", "up"),
                    group_id("failed", "stale", "sshd", "up"),
                ),
                *(
                    group_id("failed", "poison", "cron", "up"),
                    group_id("failed", "poison", "sshd", "down"),
                ),
                group_id("failedp", "oison", "sshd", "up"),
            }
        )
        == 6
    )
