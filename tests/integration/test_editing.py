"""An edit in words: what is shown of a message, what is refused, and what differs."""

import pytest
import redis

from mutt_tasks.errors import Refused
from mutt_tasks.operations import editing, looking
from mutt_tasks.operations.looking import Entry, Looker, Wanted
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill


def laid(client: redis.Redis, store: Store, raw: bytes, where: str = DLQ) -> tuple[Looker, Entry]:
    """A look at the one message that lies there."""
    fill(client, where, [raw])
    looks = looker_on(store)
    (entry,) = looking.page(looks, Wanted()).entries
    return looks, entry


def edited(looks: Looker, entry: Entry, old: bytes, new: bytes) -> bytes:
    """The message after somebody has replaced something in what was shown."""
    draft = editing.draft(looks, entry)
    assert old in draft.shown
    return editing.finished(looks, entry, draft, draft.shown.replace(old, new))


@pytest.mark.parametrize("where", [DLQ, DEAD])
def test_what_the_pipeline_would_destroy_is_refused(
    client: redis.Redis, store: Store, where: str
) -> None:
    looks, entry = laid(client, store, event(1, hostname="r1"), where)
    with pytest.raises(Refused, match="its consumer would drop it"):
        edited(looks, entry, b'"r1"', b'""')
    with pytest.raises(Refused, match="no consumer could decode it"):
        edited(looks, entry, b'"r1"', b'"r1')
    assert edited(looks, entry, b'"r1"', b'"r2"') == event(1, hostname="r2")


def test_what_would_only_be_set_aside_again_may_be_edited(
    client: redis.Redis, store: Store
) -> None:
    poison = event(1, hostname="r1", _remediation={"replays": 9, "forgiven": 0})
    looks, entry = laid(client, store, poison)
    assert b'"r2"' in edited(looks, entry, b'"r1"', b'"r2"')


def test_a_credential_comes_back_as_it_was_and_is_never_shown(
    client: redis.Redis, store: Store
) -> None:
    raw = event(1, hostname="r1", api_key="hunter2Zk4")
    looks, entry = laid(client, store, raw)
    assert b"hunter2" not in editing.draft(looks, entry).shown
    after = edited(looks, entry, b'"r1"', b'"r2"')
    assert after == event(1, hostname="r2", api_key="hunter2Zk4")
    told = "\n".join(editing.differences(looks, raw, after))
    assert "r1" in told
    assert "r2" in told
    assert "hunter2" not in told
    with pytest.raises(Refused, match="stands for a credential"):
        edited(looks, entry, b'"***1***"', b'"mine"')


def test_a_difference_that_cannot_be_seen_is_said_all_the_same(
    client: redis.Redis, store: Store
) -> None:
    looks, entry = laid(client, store, event(1))
    assert editing.differences(looks, entry.raw, entry.raw) == []
    spaced = entry.raw.replace(b", ", b" , ", 1)
    assert editing.differences(looks, entry.raw, spaced) == [
        "(only white space, or what is not shown, differs)"
    ]
