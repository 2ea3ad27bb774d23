"""Go through one list from its old end on, and find the messages of a job there.

What the job does not want keeps its place. Deep inside a long list it would cost Redis too much to
take something out of the middle, so a job that needs no pace steps over what is older: that lies
in a list beside this one until the job has done its work here.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from mutt_tasks.core.hunt import Hunt
from mutt_tasks.core.policy import Action, Decision
from mutt_tasks.replay.beside import STEP
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.store import keys
from mutt_tasks.store.asides import OWNER, Aside
from mutt_tasks.store.batch import Batch
from mutt_tasks.store.queues import MOST_BYTES, MOST_MESSAGES, most_behind

# One search looks at so many pages at most, so that whoever searches does other things as well.
_PAGES = 20

WAITS = Decision(Action.WAIT)


@dataclass(frozen=True)
class Found:
    """Messages of a job in a batch, in which those between them wait, and their places in its set.

    `before` is the digest of the message in front of the batch (empty: there is none).
    """

    batch: Batch
    places: list[int]
    before: bytes


class Finder:
    """A pass through one list, and further ones while others change it.

    `judge` says what becomes of a message of the job, which may have to wait. `owner` is the job's
    id, for whom older messages step aside. `passes` counts those that are over.
    """

    def __init__(
        self,
        context: CycleContext,
        name: str,
        key: str,
        hunt: Hunt,
        judge: Callable[[bytes], Decision],
        *,
        owner: str = "",
    ) -> None:
        self._context = context
        self._name, self._key, self._hunt, self._judge = name, key, hunt, judge
        self._place, self._last, self._found_some = 0, b"", False
        self._beside, self._owner = keys.aside(name), owner
        self._aside = context.store.queues.length(self._beside)
        self.steps_aside, self.has_ended, self.passes = True, False, 0

    def next(self, most: int) -> Found | None:
        """The next messages that go, at most `most`; None when the pages of this search hold none.

        Then `has_ended` says whether a whole pass found none.
        """
        for _ in range(_PAGES):
            if not self._hunt.left:
                break
            overlap = 1 if self._last else 0
            page = self._context.store.queues.look(
                self._key, self._place - overlap, MOST_MESSAGES + overlap, MOST_BYTES
            )
            if overlap and (not page or _digest(page[0]) != self._last):
                self._begin_anew()  # somebody else took or put back messages at the old end
                continue
            page = page[overlap:]
            if not page:
                self.has_ended = not self._found_some
                self._begin_anew()
                if self.has_ended:
                    return None
                continue
            found = self._among(page, min(most, most_behind(self._place)))
            if found is not None:
                return found
            self._passed(len(page), page[-1])
        self.has_ended = not self._hunt.left
        return None

    def moved(self, found: Found) -> None:
        """What goes of these has left the list."""
        batch = found.batch
        self._found_some = True
        self._hunt.note(found.places)
        kept = [
            raw
            for raw, decision in zip(batch.messages, batch.decisions, strict=True)
            if decision.action is Action.WAIT
        ]
        self._place = batch.skip + len(kept)
        self._last = _digest(kept[-1]) if kept else found.before

    def go_home(self) -> bool:
        """Put back something of what lies beside the list; True when nothing is left there."""
        if self._aside:
            self._aside = self._step(max(0, self._aside - STEP))
            self._place, self._last = 0, b""
        return not self._aside

    def _among(self, page: list[bytes], most: int) -> Found | None:
        decisions: list[Decision] = []
        places: list[int] = []
        first, last = 0, 0
        for at, raw in enumerate(page):
            place = self._hunt.place_of(raw, places) if len(places) < most else None
            decision = WAITS if place is None else self._judge(raw)
            decisions.append(decision)
            if place is None or decision.action is Action.WAIT:
                continue
            first, last = (first, at + 1) if places else (at, at + 1)
            places.append(place)
        if not places:
            return None
        before = _digest(page[first - 1]) if first else self._last
        batch = Batch(self._place + first, page[first:last], decisions[first:last])
        return Found(batch, places, before)

    def _begin_anew(self) -> None:
        while not self.go_home():
            pass
        self._place, self._last, self._found_some = 0, b"", False
        self.passes += 1

    def _passed(self, count: int, last: bytes) -> None:
        self._place += count
        self._last = _digest(last)
        while self.steps_aside and self._place > self._context.surroundings.scan.deep:
            before = self._aside
            self._aside = self._step(before + min(STEP, self._place))
            if self._aside <= before:
                return  # the list has become short: the next look sees it
            self._place -= self._aside - before
            if not self._place:
                self._last = b""  # it lies beside the list now

    def _step(self, wanted: int) -> int:
        context = self._context
        state = {OWNER: self._owner}
        step = Aside(self._name, self._key, self._beside, self._aside, wanted, state=state)
        return context.store.asides.step(context.token, step)


def _digest(raw: bytes) -> bytes:
    return hashlib.sha1(raw, usedforsecurity=False).digest()
