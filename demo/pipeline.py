"""Stand-ins for MUTT's alerter and forwarder, so that replayed messages go somewhere.

They take and give as MUTT's do, and destroy what MUTT's destroy: events that are no JSON or lack
a required field, and every alert that meets the forwarder's full rate window. What is destroyed is
noted, so that the demo can account for every message. Only the breaker rests for less long than
MUTT's.
"""

import argparse
import sys
from collections.abc import Iterable
from threading import Event

import redis

from demo.alerter import Alerter
from demo.backlog import DEFAULT_EVENTS
from demo.consumer import REDIS_DELAY, Consumer
from demo.forwarder import Forwarder, Waits
from demo.seeding import is_untouched, seed
from mutt_tasks.errors import SettingsError
from mutt_tasks.settings import Settings, load
from mutt_tasks.settings.redis_address import RedisAddress
from mutt_tasks.store.connection import connect
from stand_ins.books import Losses
from stand_ins.stopping import stop_on_signals

# MUTT's own, except that a breaker that rests for five minutes is no sight for a demo.
DEMO_WAITS = Waits(breaker=3.0)


class Pipeline:
    """Both stand-ins while the context lasts; `url` is where Moogsoft takes events.

    `losses` holds what they destroyed.
    """

    def __init__(
        self, address: RedisAddress, settings: Settings, url: str, waits: Waits = DEMO_WAITS
    ) -> None:
        self.losses = Losses()
        self.forwarder = Forwarder(address, settings, url, self.losses, waits)
        self.consumers: tuple[Consumer, ...] = (
            Alerter(address, settings, self.losses),
            self.forwarder,
        )

    @property
    def processing(self) -> tuple[str, ...]:
        """Lists of what is in hand just now."""
        return tuple(consumer.processing for consumer in self.consumers)

    def came_back(self, dlqs: Iterable[str]) -> int:
        """How many messages they gave up so far into these dead letter queues."""
        return sum(consumer.came_back for consumer in self.consumers if consumer.dlq in dlqs)

    def __enter__(self) -> "Pipeline":
        for consumer in self.consumers:
            consumer.start()
        return self

    def __exit__(self, *_: object) -> None:
        for consumer in self.consumers:
            consumer.stopping.set()
        for consumer in self.consumers:
            consumer.join()


def main(argv: list[str] | None = None) -> int:
    """Run both stand-ins until SIGINT or SIGTERM, on the Redis and Moogsoft of the environment.

    A Redis that nobody has used yet gets the sample backlog.
    """
    parser = argparse.ArgumentParser(
        prog="python -m demo.pipeline",
        description="Stand-ins for MUTT's alerter and forwarder, with a sample backlog.",
    )
    parser.add_argument("--events", type=int, default=DEFAULT_EVENTS, help="size of the backlog")
    options = parser.parse_args(argv)
    try:
        settings = load()
    except SettingsError as error:
        print(*(f"stand-in pipeline: {line}" for line in error.lines), sep="\n", file=sys.stderr)
        return 1
    if not settings.moogsoft.webhook_url:
        print(
            "stand-in pipeline: MOOG_WEBHOOK_URL: needs the address of Moogsoft",
            file=sys.stderr,
        )
        return 1
    stopping = stop_on_signals()
    pipeline = Pipeline(settings.redis.address, settings, settings.moogsoft.webhook_url)
    _seed(settings, pipeline, options.events, stopping)
    with pipeline:
        print(f"stand-in pipeline: at work on {settings.redis.address.shown}", flush=True)
        stopping.wait()
    given_up = pipeline.came_back((settings.lists.alerter_dlq, settings.lists.moog_dlq))
    destroyed = pipeline.losses.total
    print(
        f"stand-in pipeline: stopped; messages given up: {given_up}, destroyed: {destroyed}",
        flush=True,
    )
    return 0


def _seed(settings: Settings, pipeline: Pipeline, events: int, stopping: Event) -> None:
    """Put the sample into a Redis that nobody has used yet; wait for Redis meanwhile."""
    client = connect(settings.redis.address, retries=0)
    while not stopping.is_set():
        try:
            if is_untouched(client, settings, pipeline.processing):
                backlog = seed(client, settings, events)
                print(f"stand-in pipeline: {len(backlog)} sample messages put in", flush=True)
            break
        except redis.RedisError as error:
            print(f"stand-in pipeline: waiting for Redis ({type(error).__name__})", flush=True)
            stopping.wait(REDIS_DELAY)
    client.close()


if __name__ == "__main__":
    sys.exit(main())
