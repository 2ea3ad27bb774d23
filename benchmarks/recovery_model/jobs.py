"""Runs, two at a time, and their measures."""

import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass

from benchmarks.recovery_model.measures import Measures, measure
from benchmarks.recovery_model.run import NONE, OURS, Result, run
from benchmarks.recovery_model.scenario import Scenario
from stand_ins.tied import tie


@dataclass(frozen=True)
class Job:
    """One scenario with one seed."""

    scenario: Scenario
    seed: int


def run_all(
    jobs: Iterable[Job],
    policies: Iterable[str],
    processes: int,
    sample: float,
    done: Callable[[Measures], None],
) -> dict[tuple[int, str], Measures]:
    """Run every policy in every job, `none` too; the answer is by the job's place and the policy.

    `sample` is the time in seconds between two points of a curve; `done` hears of each run.
    """
    jobs, wanted = list(jobs), [policy for policy in policies if policy != NONE]
    found: dict[tuple[int, str], Measures] = {}
    # A worker ends with the process that started it, even when that one is killed.
    with ProcessPoolExecutor(processes, initializer=tie, initargs=(signal.SIGKILL,)) as pool:
        first = [pool.submit(run, job.scenario, NONE, job.seed, sample=sample) for job in jobs]
        baselines = [future.result() for future in first]
        # The longest first: what is short fills the gaps.
        order = sorted(
            ((at, policy) for at in range(len(jobs)) for policy in wanted),
            key=lambda one: (one[1] == OURS, baselines[one[0]].least.seconds),
            reverse=True,
        )
        running: list[tuple[int, str, Future[Result]]] = []
        for at, policy in order:
            job, base = jobs[at], baselines[at]
            bounds = base.least, base.cap_at
            future = pool.submit(run, job.scenario, policy, job.seed, *bounds, sample=sample)
            running.append((at, policy, future))
        for at, base in enumerate(baselines):
            found[at, NONE] = measure(base, base)
        for at, policy, future in running:
            found[at, policy] = measure(future.result(), baselines[at])
            done(found[at, policy])
    return found
