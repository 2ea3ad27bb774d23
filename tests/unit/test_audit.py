"""The audit's chain: whatever is done to its entries is found, and from where on."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.audit import (
    HASH,
    PREV,
    THE_END,
    AuditEntry,
    ChainCheck,
    Head,
    Verdict,
    chained,
    hash_of,
    presentable,
)
from mutt_tasks.core.redaction import ALL, Hints

Chain = list[tuple[str, dict[str, str]]]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ENTRIES = st.builds(AuditEntry, TEXT, TEXT, TEXT, reason=TEXT, count=st.integers(0, 10**6))


def chain_of(entries: list[AuditEntry], prev: str = "") -> Chain:
    """The entries as they are kept, one a second."""
    chain: Chain = []
    for at, entry in enumerate(entries):
        fields = chained(entry, f"2026-11-27T00:00:{at:02}Z", "0.1.0", prev)
        chain.append((f"{1000 + at}-0", fields))
        prev = fields[HASH]
    return chain


def head_of(chain: Chain) -> Head:
    """The head that belongs to a chain."""
    if not chain:
        return Head()
    return Head(chain[-1][1][HASH], chain[-1][0], chain[0][0], len(chain))


def checked(chain: Chain, head: Head, anchor: str = "") -> Verdict:
    """The verdict on a chain."""
    check = ChainCheck(head.oldest, anchor)
    for entry_id, fields in chain:
        check.follow(entry_id, fields)
    return check.verdict(head)


CHAINS = st.lists(ENTRIES, min_size=1, max_size=8).map(chain_of)


@given(st.lists(ENTRIES, max_size=8).map(chain_of))
def test_a_chain_that_nobody_touched_is_whole(chain: Chain) -> None:
    last_hash = chain[-1][1][HASH] if chain else ""
    assert checked(chain, head_of(chain)) == Verdict(len(chain), last_hash=last_hash)


@given(CHAINS, st.data())
def test_a_changed_entry_is_found_where_it_stands(chain: Chain, data: st.DataObject) -> None:
    head, at = head_of(chain), data.draw(st.integers(0, len(chain) - 1))
    entry_id, fields = chain[at]
    name = data.draw(st.sampled_from([*fields, "another"]))
    value = data.draw(TEXT.filter(lambda text: text != fields.get(name)))
    chain[at] = (entry_id, {**fields, name: value})

    found = checked(chain, head)

    assert (found.entries, found.from_id) == (at, entry_id)
    assert found.wrong.startswith(entry_id)


@given(CHAINS, st.data())
def test_a_field_that_is_gone_is_a_change(chain: Chain, data: st.DataObject) -> None:
    head, at = head_of(chain), data.draw(st.integers(0, len(chain) - 1))
    entry_id, fields = chain[at]
    gone = data.draw(st.sampled_from(sorted(set(fields) - {PREV})))
    chain[at] = (entry_id, {name: value for name, value in fields.items() if name != gone})

    assert checked(chain, head).from_id == entry_id


@given(CHAINS, st.data())
def test_an_entry_that_is_changed_with_its_hash_no_longer_has_a_follower(
    chain: Chain, data: st.DataObject
) -> None:
    head, at = head_of(chain), data.draw(st.integers(0, len(chain) - 1))
    entry_id, fields = chain[at]
    forged = {**fields, "actor": fields["actor"] + "!"}
    chain[at] = (entry_id, {**forged, HASH: hash_of(forged)})

    found = checked(chain, head)

    is_last = at == len(chain) - 1
    assert found.entries == at + 1
    assert found.from_id == (THE_END if is_last else chain[at + 1][0])
    assert is_last or entry_id in found.wrong


@given(CHAINS, st.data())
def test_a_removed_entry_is_missed(chain: Chain, data: st.DataObject) -> None:
    head, at = head_of(chain), data.draw(st.integers(0, len(chain) - 1))
    del chain[at]

    found = checked(chain, head)

    assert found.wrong
    assert found.entries == at
    assert found.from_id == (chain[at][0] if at < len(chain) else THE_END)


@given(CHAINS, st.integers(1, 8))
def test_many_that_are_removed_at_either_end_are_missed(chain: Chain, count: int) -> None:
    head = head_of(chain)

    assert checked(chain[:-count], head).from_id == THE_END
    assert checked(chain[count:], head).wrong


@given(CHAINS, ENTRIES, st.data())
def test_an_inserted_entry_is_found_however_well_it_is_forged(
    chain: Chain, entry: AuditEntry, data: st.DataObject
) -> None:
    head, at = head_of(chain), data.draw(st.integers(0, len(chain)))
    prev = chain[at - 1][1][HASH] if at else ""
    chain.insert(at, ("2000-0", chained(entry, "2026-11-27T00:00:00Z", "0.1.0", prev)))

    found = checked(chain, head)

    assert found.wrong
    assert found.entries in (at, at + 1)
    assert found.from_id in ("2000-0", THE_END, *[each for each, _ in chain[at : at + 2]])


@given(st.lists(ENTRIES, min_size=2, max_size=8).map(chain_of), st.data())
def test_two_entries_that_changed_places_are_found(chain: Chain, data: st.DataObject) -> None:
    head, at = head_of(chain), data.draw(st.integers(0, len(chain) - 2))
    chain[at], chain[at + 1] = chain[at + 1], chain[at]

    assert checked(chain, head).entries == at


@given(CHAINS)
def test_a_head_that_is_gone_or_another_one_is_found(chain: Chain) -> None:
    assert checked(chain, Head()).wrong
    changed = Head("0" * 64, *list(asdict(head_of(chain)).values())[1:])
    assert checked(chain, changed).from_id == THE_END


@given(CHAINS)
def test_a_beginning_that_was_removed_for_its_age_is_whole_where_the_head_says_so(
    chain: Chain,
) -> None:
    later = chain_of([AuditEntry("pause", "ann", "--actor")] * 3, prev=chain[-1][1][HASH])

    whole = Verdict(3, is_from_first=False, last_hash=later[-1][1][HASH])
    assert checked(later, head_of(later)) == whole
    assert checked(later[1:], head_of(later)).from_id == later[1][0]


@given(CHAINS, st.data())
def test_a_chain_that_was_written_anew_lacks_the_hash_that_the_log_has(
    chain: Chain, data: st.DataObject
) -> None:
    anchor = data.draw(st.sampled_from([fields[HASH] for _, fields in chain]))
    forged = chain_of([AuditEntry("pause", "mallory", "--actor")] * len(chain))

    assert checked(chain, head_of(chain), anchor).wrong == ""
    assert checked(forged, head_of(forged)).wrong == ""
    found = checked(forged, head_of(forged), anchor)
    assert anchor in found.wrong
    assert found.from_id == forged[0][0]


def test_what_was_removed_with_its_head_can_only_be_told_from_the_log() -> None:
    assert checked([], Head()) == Verdict(0)


@given(st.dictionaries(TEXT, TEXT, max_size=4), st.dictionaries(TEXT, TEXT, max_size=4))
def test_other_fields_have_another_hash(one: dict[str, str], other: dict[str, str]) -> None:
    one.pop(HASH, None)
    other.pop(HASH, None)
    assert (hash_of(one) == hash_of(other)) == (one == other)
    assert hash_of(one) == hash_of(dict(reversed(one.items())))


# A hash that is reckoned otherwise tomorrow would make every chain of today look broken.
def test_the_hash_stays_what_it_is() -> None:
    entry = AuditEntry("pause", "Ann Ä", "--actor", reason='change "4711"\n', after="paused")
    fields = chained(entry, "2026-11-27T03:00:00.000Z", "0.1.0", "")
    assert fields[HASH] == "8d38fb70291be0d4af4124dfc45fc3e3a9cc96642a584ab783f82eeb5beb0d5d"
    assert next(iter(fields)) == "at"
    assert list(fields)[-3:] == ["version", "prev", "hash"]


@pytest.mark.parametrize("name", ["actor", "scope", "reason", "before", "after", "outcome"])
def test_what_people_type_is_kept_without_credentials_on_one_line(name: str) -> None:
    texts = {"actor": "ann"} | {name: "it was\npassword=hunter2 and s3cr3t-of-ours " + "x" * 900}
    entry = AuditEntry("pause", known_by="--actor", **texts)  # type: ignore[arg-type]

    shown = getattr(presentable(entry, Hints.of(["s3cr3t-of-ours"])), name)

    assert shown.startswith("it was password=*** and *** xxx")
    assert len(shown) == 400


def test_bytes_that_are_no_text_can_be_kept() -> None:
    shown = presentable(AuditEntry("pause", "\udcff", "--actor"), ALL)
    assert shown.actor == "\\udcff"


@pytest.mark.parametrize(("letters", "shown"), [(400, "y" * 400), (401, "y" * 399 + "…")])
def test_a_text_is_cut_to_four_hundred_characters(letters: int, shown: str) -> None:
    entry = AuditEntry("pause", "ann", "--actor", reason="y" * letters)

    assert presentable(entry, ALL).reason == shown


def test_an_entry_is_kept_with_all_its_fields_as_text() -> None:
    entry = AuditEntry("pause", "ann", "--actor", count=7, job="j1", cycle="c1", commit="abc")

    fields = chained(entry, "2026-11-27T00:00:00Z", "0.1.0", "before")

    assert {name: fields[name] for name in ("count", "job", "cycle", "commit", "role")} == {
        **{"count": "7", "job": "j1", "cycle": "c1", "commit": "abc", "role": "operator"}
    }
    assert (fields["prev"], fields["version"], fields["outcome"]) == ("before", "0.1.0", "done")


def test_what_no_one_typed_stays_as_it_is() -> None:
    entry = AuditEntry("pause", "ann", "token=abc", job="token=abc")

    assert presentable(entry, ALL) == entry


def test_nothing_counts_behind_an_entry_that_is_wrong() -> None:
    chain = chain_of([AuditEntry("pause", "ann", "--actor")] * 4)
    chain[1] = (chain[1][0], {**chain[1][1], "actor": "eve"})

    found = checked(chain, head_of(chain))

    assert (found.entries, found.from_id, found.wrong) == (1, "1001-0", "1001-0 was changed")


def test_an_anchor_that_is_not_found_in_an_empty_chain_is_missed_at_its_end() -> None:
    found = checked([], Head(), anchor="f" * 64)

    assert (found.entries, found.from_id) == (0, THE_END)
