"""Plans are kept whole, for a quarter of an hour, or not at all."""

import hashlib

import pytest
import redis

from mutt_tasks.core.frozen import FrozenSet
from mutt_tasks.core.plan import Plan, Verb
from mutt_tasks.store import plans
from mutt_tasks.store.store import Store
from tests.redis_server import RedisServer

PLAN = Plan("p-0123456789ab", "e1", Verb.REDIRECT, {"alerter": 40_000, "dead": 1})
KEYS = "mutt:remediation:plan:*"


def some(count: int) -> FrozenSet:
    return FrozenSet.of(hashlib.sha1(b"%d" % n).digest() for n in range(count))


def test_a_plan_is_read_as_it_was_kept(client: redis.Redis, store: Store) -> None:
    kept = Plan(
        **{
            **vars(PLAN),
            "skipped": {"poison": 2},
            "sample": ("m-1", "m-2"),
            "where": 'host:"ü" \x1b',
            "destination": "lab",
            "made_at": 1_800_000_000.5,
        }
    )
    sets = {"alerter": some(40_000), "dead": some(1)}

    store.plans.save(kept, sets)

    found = Store(client).plans.load(kept.id)
    assert found is not None
    assert vars(found) == vars(kept) | {"expires_at": found.expires_at}
    assert found.expires_at == pytest.approx(store.now() + plans.KEPT, abs=2)
    for source, members in sets.items():
        assert Store(client).plans.members(kept.id, source) == members


def test_no_command_moves_more_than_a_quarter_of_a_mebibyte(redis_server: RedisServer) -> None:
    with redis.Redis(port=redis_server.port) as client, client.monitor() as monitor:
        Store(redis_server.client).plans.save(PLAN, {"alerter": some(40_000)})
        redis_server.client.echo("end")
        sent = []
        for each in monitor.listen():
            sent.append(each["command"])
            if each["command"].startswith("ECHO"):
                break
        names = [command.split()[0] for command in sent]
    assert names.count("APPEND") == 3  # 640,000 bytes
    assert names.index("HSET") > max(at for at, name in enumerate(names) if name == "APPEND")


def test_all_of_a_plan_expires(client: redis.Redis, store: Store) -> None:
    store.plans.save(PLAN, {"alerter": some(40_000), "dead": some(1)})

    names = client.keys(KEYS)
    assert len(names) == 3
    for name in names:
        assert 0 < client.ttl(name) <= plans.KEPT
    client.delete(*names)
    assert Store(client).plans.load(PLAN.id) is None
    assert len(Store(client).plans.members(PLAN.id, "alerter")) == 0


def test_a_plan_whose_keeping_is_interrupted_leaves_nothing(
    client: redis.Redis, store: Store
) -> None:
    class Torn(FrozenSet):
        @property
        def data(self) -> bytes:
            raise KeyboardInterrupt

    torn = object.__new__(Torn)

    with pytest.raises(KeyboardInterrupt):
        store.plans.save(PLAN, {"alerter": some(40_000), "dead": torn})

    assert client.keys(KEYS) == []


@pytest.mark.parametrize("damage", [{"verb": "sing"}, {"sources": "{"}, {"skipped": "[1]"}])
def test_a_damaged_plan_is_none(client: redis.Redis, store: Store, damage: dict[str, str]) -> None:
    store.plans.save(PLAN, {"dead": some(1)})
    for name, value in damage.items():
        client.hset(f"mutt:remediation:plan:{PLAN.id}", name, value)

    assert store.plans.load(PLAN.id) is None
