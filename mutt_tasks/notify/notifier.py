"""One look after the other: what has happened, whom to tell, what became of what is under way.

Each look writes once, all or nothing, under a lease of its own: what is to be sent is written down
before anything is sent, and what came of it is noted by the process that sends. So a kill at any
moment leaves a state from which the next one goes on.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import replace

from mutt_tasks.core.due import decide, is_done, noted
from mutt_tasks.core.knowledge import Knowledge, knowledge_of
from mutt_tasks.core.notice_text import Notice, notice
from mutt_tasks.core.telling import Rules, Sending, Target, Told, begun, lost, refused, taken
from mutt_tasks.errors import LeaseLost, StoreError
from mutt_tasks.notify.news import News
from mutt_tasks.notify.post import REFUSED, TAKEN, fields_of
from mutt_tasks.notify.posting import MOST_AT_ONCE, Posting
from mutt_tasks.settings import Settings
from mutt_tasks.store.store import Store

logger = logging.getLogger(__name__)


def rules_of(settings: Settings) -> Rules:
    """The rules of telling, as the settings have them."""
    its = settings.notify
    return Rules(its.wait, its.again, its.repeat, its.most_per_hour)


class Notifier:
    """Tells the targets of the settings; those that are in `keyed` keep incidents under our keys.

    `new_token` gives a text that no other process has.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        news: News,
        posting: Posting,
        *,
        keyed: frozenset[str] = frozenset(),
        new_token: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._store = store
        self._settings = settings
        self._rules = rules_of(settings)
        self._news = news
        self._posting = posting
        self._keyed = keyed
        self._new_token = new_token
        self._token = new_token()
        self._known: Knowledge | None = None
        self._written: dict[str, str] = {}

    def step(self) -> bool:
        """One look; False when another process has the lease. Raises StoreError."""
        try:
            if not self._store.notices.take(self._token):
                self._known = None
                return False
            if self._known is None:
                self._written = self._store.notices.known()
                self._known = knowledge_of(self._written)
            self._look(self._known)
        except (StoreError, LeaseLost) as error:
            # What is kept may be other than what is known here.
            self._known = None
            if isinstance(error, LeaseLost):
                return False
            raise
        self._posting.reap()
        return True

    def close(self) -> None:
        """Wait for what is under way, and let another process go on."""
        self._posting.wait()
        self._store.notices.release(self._token)

    def _look(self, known: Knowledge) -> None:
        known = self._news.look(self._with_targets(known))
        now = known.looked_at
        messages: dict[str, tuple[str, Notice]] = {}
        targets = {
            name: noted(self._settled(name, target, now), known.causes, now, self._rules)
            for name, target in known.targets.items()
        }
        room = MOST_AT_ONCE - sum(target.sending is not None for target in targets.values())
        for name, target in targets.items():
            message = decide(target, known.causes, now, self._rules)
            if message is not None and len(messages) < room:
                told = frozenset(target.told)
                shown = notice(message, known.causes, told, self._settings.notify.console_url)
                its_id = self._new_token()
                targets[name] = begun(target, message, its_id, now)
                messages[name] = (its_id, shown)
        causes = {
            key: cause
            for key, cause in known.causes.items()
            if not all(is_done(target, cause, now, self._rules) for target in targets.values())
        }
        self._save(replace(known, causes=causes, targets=targets), messages)
        for name, (its_id, _) in messages.items():
            self._posting.send(name, its_id)

    def _with_targets(self, known: Knowledge) -> Knowledge:
        """The knowledge with exactly the targets of the settings.

        A new one is not told of what the others know already.
        """
        kept = {}
        for address in self._settings.notify.addresses:
            is_keyed = address.name in self._keyed
            new = Target(told={key: Told(known.looked_at) for key in known.causes})
            target = known.targets.get(address.name, new)
            kept[address.name] = replace(target, keeps_incidents=is_keyed)
        return replace(known, targets=kept)

    def _settled(self, name: str, target: Target, now: float) -> Target:
        """The target after what became of what is under way to it."""
        if target.sending is None:
            return target
        its_id = target.sending.id
        # Asked first: what a process notes before it ends is there when it has ended.
        is_running = self._posting.is_running(name, its_id)
        found = self._store.notices.message(name)
        outcome = found.get("outcome") if found.get("id") == its_id else None
        if outcome == TAKEN:
            logger.info("%s was told: %s", name, found.get("title"))
            return taken(target, now)
        if outcome == REFUSED:
            if not target.failures:
                logger.warning("%s was not told, and is tried again: %s", name, found.get("why"))
            return refused(target, now)
        if is_running:
            return target
        if found.get("id") == its_id and not found.get("claimed"):
            if not self._posting.was_ours(name, its_id):
                # It was to be started by a process that is gone.
                self._posting.send(name, its_id)
                return target
            logger.error("%s: the process that was to send ended before it began", name)
            return refused(target, now)
        if not self._posting.was_ours(name, its_id) and not self._is_over(target.sending, now):
            return target
        logger.warning("%s: nobody knows whether it was told: %s", name, found.get("title"))
        return lost(target, now, knows_keys=target.keeps_incidents)

    def _is_over(self, sending: Sending, now: float) -> bool:
        """Whether a process that somebody else started must have ended."""
        return not 0 <= now - sending.at <= self._posting.longest

    def _save(self, known: Knowledge, messages: dict[str, tuple[str, Notice]]) -> None:
        fields = known.fields()
        changed = {
            name: value for name, value in fields.items() if self._written.get(name) != value
        }
        gone = [name for name in self._written if name not in fields and name != "step"]
        known = replace(known, step=known.step + 1)
        self._store.notices.save(
            self._token,
            known.step,
            changed,
            gone,
            {name: fields_of(its_id, shown) for name, (its_id, shown) in messages.items()},
        )
        self._written = {**fields, "step": str(known.step)}
        self._known = known
