"""When to ask Moogsoft again while it is down: soon at first, then rarely, never too often.

Three questions a minute are the most. They are spread so that a recovery is seen within half a
minute nevertheless: 0, 5, 32.5, 60, 87.5, … seconds after the first failed answer.
"""

from dataclasses import dataclass

MINUTE, MOST_A_MINUTE = 60.0, 3

# From the first failed answer to the next question, and between all further ones.
FIRST_GAP, GAP = 5.0, 27.5
# A probe that used up its timeout is not followed by the next one at once.
LEAST_GAP = 2.0


@dataclass(frozen=True)
class Asking:
    """How many answers in a row were `failures`, and when the last questions were asked."""

    failures: int = 0
    asked: tuple[float, ...] = ()

    def answered(self, healthy: bool, asked_at: float, ttl: float) -> "Asking":
        """After an answer; a healthy one is used for `ttl` seconds.

        Whoever lets it be used for less than a third of a minute wants more questions than that
        anyway, so that those before it do not count.
        """
        asked = (*self.asked, asked_at)[-MOST_A_MINUTE:]
        if not healthy:
            return Asking(self.failures + 1, asked)
        return Asking(0, asked if ttl >= MINUTE / MOST_A_MINUTE else ())

    def earliest(self) -> float:
        """The moment from which on one more question is not too many."""
        return self.asked[0] + MINUTE if len(self.asked) == MOST_A_MINUTE else 0.0

    def next_at(self, now: float) -> float:
        """When to ask again after a failed answer that came at `now`."""
        asked_at = self.asked[-1] if self.asked else now
        gap = FIRST_GAP if self.failures <= 1 else GAP
        return max(asked_at + gap, now + LEAST_GAP, self.earliest())

    def may_hasten(self, now: float) -> bool:
        """Whether to ask at once because live alerts pass.

        Not if one of the regular questions after it would have to wait longer for that.
        """
        before, last = (-MINUTE, -MINUTE, *self.asked)[-2:]
        next_two_are_free = before + MINUTE <= now + GAP and last + MINUTE <= now + 2 * GAP
        return now >= self.earliest() and next_two_are_free
