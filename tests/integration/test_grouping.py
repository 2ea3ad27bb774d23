"""Groups of messages that look alike, exact and estimated."""

import pytest
import redis

from mutt_tasks.errors import InvalidArgument
from mutt_tasks.operations import grouping, looking, shown
from mutt_tasks.operations.grouping import SHORT
from mutt_tasks.operations.looking import Wanted
from mutt_tasks.store.store import Store
from tests.looking import looker_on
from tests.pipeline import DEAD, DLQ, event, fill


def test_groups_are_counted_over_all_lists_the_largest_first(
    client: redis.Redis, store: Store
) -> None:
    fill(client, DLQ, [event(n, message=f"link {n} down", hour=5) for n in range(7)])
    fill(client, DLQ, [event(n, message=f"disk {n} full") for n in range(3)])
    dead = {"reason": "poison", "route": "alerter", "replays": 3}
    fill(client, DEAD, [event(n, message=f"link {n} down", _remediation=dead) for n in range(2)])

    found = grouping.groups(looker_on(store))

    shown = [(group.template, group.reason, group.count, group.replays) for group in found.groups]
    assert shown == [
        ("link <n> down", "failed", 7, 0),
        ("disk <n> full", "failed", 3, 0),
        ("link <n> down", "poison", 2, 6),
    ]
    assert (found.is_exact, found.seen, found.length) == (True, 12, 12)
    assert found.groups[0].routes == {"alerter": 7}
    assert found.groups[0].oldest == found.groups[0].newest is not None
    only = grouping.groups(looker_on(store), ("dead",), "reason:poison")
    assert [group.count for group in only.groups] == [2]


def test_long_lists_are_sampled_and_exact_when_asked(client: redis.Redis, store: Store) -> None:
    length = SHORT + 5000
    kinds = [b'{"message":"kind %s"}' % name for name in (b"a", b"a", b"a", b"b")]
    client.lpush(DLQ, *(kinds[n % 4] for n in range(length)))
    fill(client, DEAD, [b"malformed"])

    sampled = grouping.groups(looker_on(store))
    exact = grouping.groups(looker_on(store), is_exact=True)

    assert not sampled.is_exact
    assert sampled.seen == 2001
    counts = [group.count for group in sampled.groups]
    assert counts == pytest.approx([length * 3 / 4, length / 4, 1])
    assert exact.is_exact
    assert [group.count for group in exact.groups] == [length * 3 / 4, length / 4, 1]


@pytest.mark.parametrize(("length", "is_exact"), [(SHORT, True), (SHORT + 1, False)])
def test_a_list_that_is_short_enough_is_looked_at_whole(
    client: redis.Redis, store: Store, length: int, is_exact: bool
) -> None:
    client.lpush(DLQ, *[event(1, _remediation={"replays": 2, "forgiven": 0})] * length)

    found = grouping.groups(looker_on(store))

    (group,) = found.groups
    assert (found.is_exact, found.length) == (is_exact, length)
    # Each message that was seen stands for others, with its replays.
    assert group.count == pytest.approx(length)
    assert group.replays == pytest.approx(2 * length)


def test_a_sample_reaches_from_the_oldest_message_to_the_newest(
    client: redis.Redis, store: Store
) -> None:
    ends = [b'{"message":"the oldest"}', b'{"message":"the newest"}']
    between = [b'{"message":"between"}'] * (SHORT + 5000)
    client.lpush(DLQ, *[ends[0]] * 100, *between, *[ends[1]] * 100)

    sampled = grouping.groups(looker_on(store))

    length = len(between) + 200
    counts = {group.template: group.count for group in sampled.groups}
    assert counts == {
        "between": pytest.approx(0.9 * length),
        "the oldest": pytest.approx(0.05 * length),
        "the newest": pytest.approx(0.05 * length),
    }


def test_a_moment_that_is_yet_to_come_has_no_age(client: redis.Redis, store: Store) -> None:
    now = store.now()
    fill(client, DLQ, [event(n, timestamp=now + 3600) for n in range(2)])
    (group,) = grouping.groups(looker_on(store)).groups
    told = shown.group(group, now, is_exact=True)
    assert (told["oldest_age_seconds"], told["newest_age_seconds"]) == (0.0, 0.0)


def test_a_known_secret_is_not_in_a_template(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(1, message="see opensesame there")])

    (group,) = grouping.groups(looker_on(store, MOOG_API_KEY="opensesame")).groups

    assert group.template == "see *** there"


def test_an_operator_s_masks_make_groups_of_their_own(client: redis.Redis, store: Store) -> None:
    fill(client, DLQ, [event(n, message=f"change CHG{n}abc begins") for n in range(3)])
    plain, own = looker_on(store), looker_on(store, REMEDIATION_MASKS="ticket=CHG[0-9]+[a-z]+")

    assert len(grouping.groups(plain).groups) == 3
    (group,) = grouping.groups(own).groups

    assert (group.template, group.count) == ("change <ticket> begins", 3)
    page = looking.page(own, Wanted(where=f"group:{group.id[:-3]}*"))
    assert len(page.entries) == 3
    with pytest.raises(InvalidArgument, match=r"accepts s1c[0-9a-f]{4}- and the first digits"):
        looking.page(own, Wanted(where="group:s1-9f3a"))
