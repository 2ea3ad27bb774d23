"""A token bucket: replays may go as tokens flow in, and no silence is followed by a burst."""

from dataclasses import dataclass, replace

# The bucket holds this much time's worth (seconds), at least one message.
BURST_SECONDS = 0.2

# A clock that went back by more than this many seconds makes the bucket start anew.
_JUMP_SECONDS = 1.0


@dataclass(frozen=True)
class TokenBucket:
    """It holds `tokens` as of `at` (seconds since 1970)."""

    tokens: float = 1.0
    at: float = 0.0

    def refilled(self, rate: float, now: float) -> "TokenBucket":
        """The bucket at `now`, when `rate` tokens a second flow in.

        A clock that went back adds nothing; one that jumped back makes it start anew, full.
        """
        capacity = max(1.0, rate * BURST_SECONDS)
        elapsed = now - self.at
        has_jumped = elapsed < -_JUMP_SECONDS
        tokens = capacity if has_jumped else max(0.0, self.tokens) + rate * max(0.0, elapsed)
        return TokenBucket(min(capacity, tokens), now)

    def delay(self, rate: float) -> float:
        """How many seconds it takes to the next whole token."""
        return max(0.0, 1.0 - self.tokens) / rate

    def spent(self, messages: int) -> "TokenBucket":
        """The bucket after so many messages went."""
        return replace(self, tokens=self.tokens - messages)
