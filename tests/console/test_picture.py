"""What the console keeps reading costs Redis little, however much there is to see."""

from typing import Any

import redis

from mutt_tasks.console import picture
from mutt_tasks.console.picture import COMMANDS, COMMANDS_A_SECOND, LISTED, SECONDS, Picture
from mutt_tasks.core.plan import Verb
from mutt_tasks.operations import jobs
from mutt_tasks.store.store import Store
from tests.jobs import OFF, order, plan_of
from tests.looking import looker_on
from tests.pipeline import DLQ, LIMITER, MOOG_DLQ, consume, event, fill, now_of, run_cycle


class Watcher:
    """Takes one picture after the other, and counts what each costs."""

    def __init__(self, store: Store, client: redis.Redis) -> None:
        self._looks, self._client = looker_on(store), client
        self.now, self.found = 100.0, Picture()

    def look(self, seconds: float = SECONDS) -> int:
        """Take a picture so many seconds later; how many commands that took."""
        self.now += seconds
        before = self._calls()
        self.found = picture.read(self._looks, self.found, self.now)
        return self._calls() - before

    def _calls(self) -> int:
        stats: dict[str, Any] = self._client.info("commandstats")
        return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")


def submitted(store: Store, client: redis.Redis, count: int) -> None:
    """Discards of a message each."""
    fill(client, DLQ, events := [event(n) for n in range(count)])
    for each in events:
        jobs.submit(store, plan_of(store, Verb.DISCARD, {"alerter": [each]}), order())


def test_a_picture_takes_few_commands_while_everything_moves(
    store: Store, client: redis.Redis
) -> None:
    fill(client, DLQ, [event(n) for n in range(300)])
    fill(client, MOOG_DLQ, [event(n, _moog_retry_count=6) for n in range(300)])
    now = now_of(store) * 1000
    client.zadd(LIMITER, {str(n): now - n * 20 for n in range(50)})
    watcher = Watcher(store, client)
    watcher.look()
    for _ in range(3):
        run_cycle(store, watcher._looks.settings)
        consume(client, store)

    assert watcher.look() <= COMMANDS
    assert watcher.found.parts["status"]["is_draining"]


def test_with_many_jobs_pictures_are_taken_less_often(store: Store, client: redis.Redis) -> None:
    submitted(store, client, 40)
    watcher = Watcher(store, client)
    watcher.look()

    cost = watcher.look()

    assert cost <= COMMANDS + 40
    assert watcher.found.lasts > SECONDS
    assert cost / watcher.found.lasts <= COMMANDS_A_SECOND


def test_a_full_trash_is_not_measured_again_and_again(store: Store, client: redis.Redis) -> None:
    submitted(store, client, 20)
    run_cycle(store, OFF)
    watcher = Watcher(store, client)
    watcher.look()

    costs = [watcher.look() for _ in range(3)]

    assert watcher.found.parts["status"]["trash_depth"] == 20
    assert max(costs) <= COMMANDS
    assert watcher.look(LISTED) > COMMANDS


def test_what_happens_to_a_job_is_seen_at_once(store: Store, client: redis.Redis) -> None:
    watcher = Watcher(store, client)
    watcher.look()
    states = []
    for step in (lambda: submitted(store, client, 1), lambda: run_cycle(store, OFF)):
        step()
        watcher.look()
        states.append(
            [
                *(each["state"] for each in watcher.found.parts["jobs"]),
                watcher.found.parts["status"]["trash_depth"],
            ]
        )

    assert states == [["queued", 0], ["done", 1]]
