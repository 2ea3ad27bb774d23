"""Live events around the outage: they end soon after it, and only then the cost is reckoned."""

from collections import Counter

import redis

from demo.forwarder import Waits
from demo.live import LiveTraffic
from demo.outage import Outage
from demo.pipeline import Pipeline
from demo.status import Status
from demo.strain import AFTER_RETURN_SECONDS, Strain
from mutt_tasks.settings import load
from stand_ins.moogsoft import Moogsoft
from tests.redis_server import RedisServer


def test_live_events_end_after_the_return_and_the_cost_is_reckoned_once(
    client: redis.Redis, redis_server: RedisServer
) -> None:
    settings = load({"REDIS_URL": redis_server.url, "MOOG_RATE_LIMIT": "100"})
    with Moogsoft() as moogsoft:
        outage = Outage(moogsoft, 20.0, 300)
        live = LiveTraffic(settings.redis.address, "mutt:ingest_queue", rate=1.0)
        pipeline = Pipeline(settings.redis.address, settings, moogsoft.url, Waits(breaker=3.0))
        strain = Strain(outage, live, pipeline, settings)
        with live:
            assert strain.step(Status(elapsed=1.0)) == []
            assert strain.step(Status(elapsed=2.0, replayed=100)) == [
                "the stand-in Moogsoft goes down for 20 s"
            ]
            assert strain.step(Status(elapsed=22.0, replayed=100)) == [
                "the stand-in Moogsoft is back"
            ]
            assert strain.step(Status(elapsed=22.0 + AFTER_RETURN_SECONDS - 0.1)) == []
            assert not strain.is_over
            assert strain.would_be_destroyed() is None
            news = strain.step(Status(elapsed=22.5 + AFTER_RETURN_SECONDS))
            assert news == [f"the live events end: {live.sent.total():,} came"]
            assert strain.is_over
        # As they would have come in the 20 s before the return.
        assert outage.up_at is not None
        outage.down_at = outage.up_at - 20
        live.moments = [outage.down_at + number / 15 for number in range(300)]
        live.sent = Counter(map(str.encode, map(str, range(300))))
        assert strain.would_be_destroyed() is None
        pipeline.forwarder.delivered, pipeline.forwarder.seconds = 100, 0.4
        found = strain.would_be_destroyed()
        assert found is not None
        assert found > 100
        pipeline.forwarder.seconds = 40.0
        assert strain.would_be_destroyed() == found


def test_without_live_events_nothing_is_waited_for_or_reckoned() -> None:
    with Moogsoft() as moogsoft:
        strain = Strain(Outage(moogsoft, 0.0, 0), None, None, load({}))
        assert strain.is_over
        assert strain.step(Status(elapsed=1.0)) == []
        assert strain.would_be_destroyed() is None
