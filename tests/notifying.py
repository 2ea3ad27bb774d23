"""Words for tests of the notifier: one in this process, and a target that is none."""

from collections.abc import Callable
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any, cast

import redis

from mutt_tasks.core.addresses import Address
from mutt_tasks.core.notice_text import Notice
from mutt_tasks.notify.news import News
from mutt_tasks.notify.notifier import Notifier
from mutt_tasks.notify.post import deliver
from mutt_tasks.notify.posting import Posting
from mutt_tasks.operations.looking import Looker
from mutt_tasks.operations.sparing import Time
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store
from tests.looking import Clock
from tests.pipeline import settings_of

AT_ONCE = {"NOTIFY_WAIT": 0, "NOTIFY_AGAIN": 0, "NOTIFY_RECOVERED_FROM": 1}
LEASE = "mutt:remediation:notify:lease"


def notify_settings(urls: str = "ops=json://127.0.0.1/", **env: object) -> Settings:
    """Settings with targets, which are told at once."""
    return settings_of(**{"NOTIFY_URLS": urls} | AT_ONCE | env)


@dataclass
class Receiver:
    """What targets took: names and notices. `answer` is why they do not take what comes."""

    took: list[tuple[str, Notice]] = field(default_factory=list)
    answer: str = ""
    before: Callable[[], object] = lambda: None

    def prepare(self, address: Address, notice: Notice, _timeout: float) -> Callable[[], str]:
        """What is returned takes it, or answers why not."""

        def send() -> str:
            self.before()
            if not self.answer:
                self.took.append((address.name, notice))
            return self.answer

        return send

    @property
    def titles(self) -> list[str]:
        """What it was told, without what every title begins with."""
        return [notice.title.removeprefix("MUTT remediation: ") for _, notice in self.took]


class Ended:
    """A process that has ended."""

    def poll(self) -> int:
        """Its status."""
        return 0

    def wait(self, _timeout: float = 0) -> int:
        """The same."""
        return 0


def notifier_on(
    store: Store,
    settings: Settings,
    receiver: Receiver,
    *,
    keyed: frozenset[str] = frozenset(),
    grace: float = 90.0,
) -> Notifier:
    """A notifier whose messages are sent in this process, before it goes on."""
    clock = Clock()
    looker = Looker(store, settings, Time(clock.monotonic, clock.wait))

    def begin(target: str, its_id: str) -> Popen[bytes]:
        deliver(store, settings, target, its_id, receiver.prepare)
        return cast("Popen[bytes]", Ended())

    posting = Posting(settings.notify.timeout, begin, grace)
    return Notifier(store, settings, News(looker), posting, keyed=keyed)


def let_lease_run_out(client: redis.Redis) -> None:
    """As if its time were over."""
    client.delete(LEASE)


def state(client: redis.Redis) -> dict[str, str]:
    """What the notifier keeps."""
    found: Any = client.hgetall("mutt:remediation:notify:state")
    return {name.decode(): value.decode() for name, value in found.items()}
