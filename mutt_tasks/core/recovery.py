"""When a backlog is gone: how many messages are back, how many are dead, and how long it took."""

from dataclasses import dataclass, replace

# So long nothing may wait or move before a backlog counts as gone, in seconds: what comes back at
# once belongs to it.
QUIET = 30.0


@dataclass(frozen=True)
class Books:
    """Counters since counting began, as they were `at` a moment (seconds since 1970).

    So many messages `wait`. Of what was `replayed`, `bounced` came back; `dead` went to the dead
    letter list.
    """

    at: float = 0.0
    replayed: int = 0
    bounced: int = 0
    dead: int = 0
    wait: int = 0

    @property
    def moved(self) -> int:
        """How many left their queues."""
        return self.replayed + self.dead


@dataclass(frozen=True)
class Backlog:
    """Messages that wait, or did until lately: since when, and the books before them.

    `moved_at` is when something waited or moved last, `most` how many waited at most. `held` says
    what held the replays meanwhile.
    """

    began_at: float
    before: Books
    moved_at: float
    most: int = 0
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recovered:
    """A backlog that is gone: so many messages are `back`, so many `dead`."""

    began_at: float
    ended_at: float
    back: int
    dead: int
    most: int
    held: tuple[str, ...] = ()


def follow(
    backlog: Backlog | None, before: Books, now: Books, held: tuple[str, ...] = ()
) -> tuple[Backlog | None, Recovered | None]:
    """The backlog after another look at the books, and what is to tell if it is gone.

    `before` are the books at the last look, `held` what held replays since.
    """
    is_busy = now.wait > 0 or now.moved > before.moved
    if backlog is None:
        if not is_busy:
            return None, None
        backlog = Backlog(now.at, before, now.at)
    if is_busy:
        backlog = replace(
            backlog,
            moved_at=now.at,
            most=max(backlog.most, now.wait),
            held=tuple(dict.fromkeys((*backlog.held, *held))),
        )
    if is_busy or now.at - backlog.moved_at < QUIET:
        return backlog, None
    first = backlog.before
    dead = max(0, now.dead - first.dead)
    back = max(0, now.replayed - first.replayed - (now.bounced - first.bounced))
    return None, Recovered(
        began_at=backlog.began_at,
        ended_at=backlog.moved_at,
        back=back,
        dead=dead,
        most=backlog.most,
        held=backlog.held,
    )
