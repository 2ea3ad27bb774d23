"""One run: what it needs is started in order, watched, and stopped in the opposite order."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import redis

from demo import intro, summary
from demo.backlog import Backlog
from demo.choices import Choices, choose
from demo.console import Doors, console, doors
from demo.embedded import embedded_redis
from demo.live import LiveTraffic
from demo.outage import Outage
from demo.pipeline import Pipeline
from demo.seeding import is_untouched, message_lists, seed
from demo.services import worker_and_beat
from demo.status import Reader, Status
from demo.strain import Strain
from demo.view import is_live, view
from demo.watch import Ends, Watch
from mutt_tasks.errors import StoreError
from mutt_tasks.settings import Settings, load
from mutt_tasks.store.connection import connect, translated
from stand_ins.books import Arrivals, Books
from stand_ins.moogsoft import Moogsoft
from stand_ins.processes import Child


@dataclass(frozen=True)
class Options:
    """What the command line decides; times in seconds, an `outage` of 0 is none."""

    data: Path
    events: int
    until_drained: bool
    timeout: float | None
    outage: float


@dataclass(frozen=True)
class Surroundings:
    """What the run stands in: the `env` of what it starts, and what was started for that."""

    choices: Choices
    env: Mapping[str, str]
    servers: tuple[Child, ...]
    moogsoft: Moogsoft
    arrivals: Arrivals
    doors: Doors


def run(options: Options, environ: Mapping[str, str], stopping: Event) -> int:
    """Run until `stopping` is set, or the backlog is drained if that is asked for.

    Returns the exit status. Raises SettingsError, EmbeddedError, and StoreError when a
    configured Redis does not answer at the start.
    """
    choices = choose(environ)
    # A bad environment is told before anything is started.
    load(choices.environment(environ, "", ""))
    arrivals = Arrivals()
    with (
        _redis(choices, options.data) as (redis_url, servers),
        Moogsoft(on_accept=arrivals.note) as moogsoft,
        doors(environ) as its_doors,
    ):
        env = {**choices.environment(environ, redis_url, moogsoft.url), **its_doors.env}
        surroundings = Surroundings(choices, env, tuple(servers), moogsoft, arrivals, its_doors)
        return _run(options, surroundings, stopping)


@contextmanager
def _redis(choices: Choices, data: Path) -> Iterator[tuple[str, list[Child]]]:
    """The embedded server's address and process; nothing when a Redis is configured."""
    if not choices.embeds_redis:
        yield "", []
        return
    with embedded_redis(data) as (address, server):
        yield address.shown, [server]


def _run(options: Options, around: Surroundings, stopping: Event) -> int:
    choices, moogsoft = around.choices, around.moogsoft
    settings = load(around.env)
    # The samples go to the stand-in even if a real Moogsoft is there to be probed.
    pipeline = (
        Pipeline(settings.redis.address, settings, moogsoft.url) if choices.embeds_redis else None
    )
    processing = pipeline.processing if pipeline else ()
    with closing(connect(settings.redis.address)) as client:
        backlog = books = None
        try:
            if pipeline:
                backlog = _seeded(client, settings, processing, options.events)
                books = _opened(client, settings, around.arrivals, pipeline)
            reader = Reader(client, settings, processing)
            first = reader.read(0.0)
        except StoreError as error:
            raise type(error)(f"{settings.redis.address.shown}: {error}") from None
        strain = _strain(options, around, settings, pipeline, first.waiting)
        has_terminal = is_live()
        logs = options.data if has_terminal else None
        parts = intro.Parts(choices, moogsoft, backlog, strain.outage, around.doors)
        intro.show(settings, parts, first, options.data, logs)

        ends = Ends(options.until_drained, options.timeout)
        watch = Watch(reader, strain, moogsoft, pipeline, ends)
        with (
            view(has_terminal, "Ctrl-C stops everything") as screen,
            pipeline or nullcontext(),
            worker_and_beat(around.env, logs) as children,
            console(around.env, logs),
            strain.live or nullcontext(),
        ):
            is_well = watch.until_the_end(screen, [*around.servers, *children], stopping)
            screen.note(watch.elapsed, "stopping")
        try:
            sums = _summary(books, pipeline, strain, first, reader.read(watch.elapsed))
        except StoreError as error:
            print(f"\nNo summary: {error}", flush=True)
            return 1
    summary.show(sums, watch.elapsed)
    return 0 if is_well and not sums.complaints else 1


def _strain(
    options: Options,
    around: Surroundings,
    settings: Settings,
    pipeline: Pipeline | None,
    waiting: int,
) -> Strain:
    """The outage, and the live events around it.

    No queue of the user's ever gets an event of ours, nor does a run without an outage.
    """
    has_outage = pipeline is not None and around.choices.stands_in_for_moogsoft
    outage = Outage(around.moogsoft, options.outage if has_outage else 0.0, waiting)
    live = (
        LiveTraffic(settings.redis.address, settings.lists.ingest_queue) if outage.seconds else None
    )
    return Strain(outage, live, pipeline, settings)


def _seeded(
    client: redis.Redis, settings: Settings, processing: tuple[str, ...], events: int
) -> Backlog | None:
    """The sample that a Redis gets that nobody has used yet."""
    with translated():
        if is_untouched(client, settings, processing):
            return seed(client, settings, events)
    return None


def _opened(
    client: redis.Redis, settings: Settings, arrivals: Arrivals, pipeline: Pipeline
) -> Books:
    lists = (*message_lists(settings), *pipeline.processing)
    return Books(client, lists, settings.lists.dead_letter_queue, arrivals, pipeline.losses)


def _summary(
    books: Books | None, pipeline: Pipeline | None, strain: Strain, first: Status, last: Status
) -> summary.Summary:
    if not books or not pipeline:
        return summary.of_configured_redis(first, last)
    last = replace(
        last,
        came_back=pipeline.came_back(last.dlqs),
        would_be_destroyed=strain.would_be_destroyed(),
    )
    joined = strain.live.sent if strain.live else None
    return summary.of_own_pipeline(books.balance(joined), last)
