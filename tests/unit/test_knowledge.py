"""What the notifier knows is read as it was written; what cannot be read is as at the beginning."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mutt_tasks.core.causes import Cause, Kind
from mutt_tasks.core.knowledge import Knowledge, Reading, knowledge_of
from mutt_tasks.core.recovery import Backlog, Books
from mutt_tasks.core.telling import Message, Sending, Target, Told

moments = st.floats(0, 2e9)
texts = st.text(max_size=20)
told = st.builds(Told, moments, moments, st.booleans())
kinds = st.sampled_from(Kind)
messages = st.builds(
    Message,
    st.lists(kinds, max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.lists(texts, max_size=2).map(tuple),
    st.booleans(),
    st.booleans(),
)
targets = st.builds(
    Target,
    keeps_incidents=st.booleans(),
    told=st.dictionaries(texts, told, max_size=3),
    last=st.dictionaries(kinds, moments, max_size=2),
    recent=st.lists(moments, max_size=3).map(tuple),
    failures=st.integers(0, 99),
    sending=st.none() | st.builds(Sending, texts, moments, messages),
)
books = st.builds(Books, moments, st.integers(0), st.integers(0), st.integers(0), st.integers(0))
knowledge = st.builds(
    Knowledge,
    step=st.integers(0, 10**9),
    looked_at=moments.map(lambda moment: round(moment, 3)),
    reading=st.builds(
        Reading, texts, books, st.none() | st.builds(Backlog, moments, books, moments)
    ),
    groups=st.lists(texts, max_size=3).map(tuple),
    causes=st.dictionaries(
        texts,
        st.builds(Cause, texts, kinds, moments, facts=st.dictionaries(texts, texts)),
        max_size=3,
    ),
    targets=st.dictionaries(texts, targets, max_size=2),
)


@given(knowledge)
def test_it_is_read_as_it_was_written(known: Knowledge) -> None:
    assert knowledge_of(known.fields() | {"step": str(known.step)}) == known


@given(st.dictionaries(st.sampled_from(["step", "reading", "causes", "target:a"]), st.text()))
def test_whatever_stands_there_can_be_read(found: dict[str, str]) -> None:
    assert isinstance(knowledge_of(found), Knowledge)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists), kinds)
def test_json_of_another_shape_is_as_nothing(value: object, kind: Kind) -> None:
    found = {"reading": json.dumps(value), "target:a": json.dumps({"told": {kind: value}})}
    known = knowledge_of(found)

    assert known.reading == Reading()
    assert known.targets["a"] in (Target(), Target(told={}))


def test_what_a_later_version_added_takes_its_default_here() -> None:
    known = knowledge_of({"reading": '{"journal":"1-1","something":"new"}'})

    assert known.reading == Reading(journal="1-1")
