"""What a run knows of its route and has still to write, and the commits that write it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from mutt_tasks.core.flow import Flow
from mutt_tasks.core.routes import Route
from mutt_tasks.core.suspects import Suspects
from mutt_tasks.replay.cycle_context import CycleContext
from mutt_tasks.replay.feedback import Learnt, speed
from mutt_tasks.replay.looking import Look
from mutt_tasks.replay.result import Pending
from mutt_tasks.replay.traffic import Traffic
from mutt_tasks.store.batch import Batch, Moved
from mutt_tasks.store.counters import BAD_COUNTERS, BOUNCED, FIRST_BOUNCED, FORGIVEN, without_zeros
from mutt_tasks.store.queues import REPLAY, Commit, JobStep, Verb
from mutt_tasks.store.states import encoded


@dataclass(frozen=True)
class Sending:
    """What one commit sends: a batch from the list `source`, and what is known after it.

    `state` are further fields of the route's state; `suspects` is what is known of suspects then.
    """

    batch: Batch
    source: Route
    state: Mapping[str, Any]
    suspects: Suspects
    verb: Verb = REPLAY
    job: JobStep | None = field(default=None)


class RouteBooks:
    """One route's flow and suspects during a run; `pending` is what is unwritten of them."""

    def __init__(
        self, context: CycleContext, route: Route, traffic: Traffic, learnt: Learnt
    ) -> None:
        self._context, self._route, self._traffic = context, route, traffic
        self._commits = count(1)
        self.flow, self.suspects, self.pending = learnt.flow, learnt.suspects, learnt.pending
        self._kept = learnt.flow

    @property
    def is_canary(self) -> bool:
        """Whether what goes next, or went last, is a canary."""
        return self.flow.window.is_canary

    def take_back(self, undone: int) -> None:
        """So many replays of this route were moved back into its source, untried."""
        self.flow = replace(self.flow, in_flight=self.flow.in_flight.taken_back(undone))
        self._keep_flow(self.flow)

    def held(self, is_untaken: bool, now: float) -> None:
        """A limit leaves nothing at this moment."""
        self._keep_flow(self.flow.held(is_untaken, now))

    def waits(self, suspects: Suspects, state: Mapping[str, Any], *, keep: bool) -> None:
        """Nothing may go of what was seen; `keep` it, for no commit did."""
        self.suspects = suspects
        if keep:
            self._keep({**state, **encoded(suspects)})

    def commit(self, look: Look, sending: Sending) -> Moved | None:
        """Move a batch; None when somebody changed the list since the look."""
        context, batch, now = self._context, sending.batch, look.now
        sent = batch.pushed_to_target
        is_own = sending.source.source == self._route.source
        flow = self.flow.moved(sent, batch.going if is_own else 0, now)
        is_sure = self._route.target == context.settings.lists.alert_queue
        pace, watch = self._traffic.after(sent, is_sure, now)
        moved = context.store.queues.commit(
            Commit(
                token=context.token,
                id=f"{context.cycle}:{self._route.name}:{next(self._commits)}",
                cycle=context.cycle,
                route=replace(self._route, source=sending.source.source),
                batch=batch,
                state={
                    **self.pending.state,
                    **sending.state,
                    **encoded(flow),
                    **encoded(sending.suspects),
                    **(speed(context.settings, look, batch.going) if is_own else {}),
                },
                pace=self._traffic.fields(pace, watch),
                increments={**_counted(self._route, batch), **self.pending.increments},
                verb=sending.verb,
                job=sending.job,
            )
        )
        if moved is None:
            return None
        self.flow, self.suspects, self.pending = flow, sending.suspects, Pending()
        self._kept = flow
        self._traffic.written(pace, watch)
        return moved

    def _keep_flow(self, flow: Flow) -> None:
        # Slice after slice may be held, and the flow stays the same.
        if flow != self._kept:
            self._kept = flow
            self._keep(encoded(flow))

    def _keep(self, state: Mapping[str, Any]) -> None:
        self.pending = replace(self.pending, state={**self.pending.state, **state})


def _counted(route: Route, batch: Batch) -> dict[str, int]:
    """What a commit counts beside the moves."""
    return without_zeros(
        {
            BAD_COUNTERS.of(route.name): batch.bad_counters,
            BOUNCED.of(route.name): batch.came_back,
            FIRST_BOUNCED.of(route.name): batch.first_bounces,
            FORGIVEN.of(route.name): batch.forgiven,
        }
    )
