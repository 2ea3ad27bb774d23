"""Runs, two at a time, and their measures."""

import signal
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from unittest.mock import patch

from benchmarks.recovery_model.measures import Measures, measure
from benchmarks.recovery_model.run import NONE, OURS, Result, run
from benchmarks.recovery_model.scenario import Scenario
from stand_ins.tied import tie


@dataclass(frozen=True)
class Job:
    """One scenario with one seed; `constants` (`module.NAME` in mutt_tasks.core) to run with."""

    scenario: Scenario
    seed: int
    constants: Mapping[str, float] = field(default_factory=dict)


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
        # Runs with nobody replaying do not depend on the constants.
        first: dict[tuple[Scenario, int], Future[Result]] = {
            (job.scenario, job.seed): pool.submit(run, job.scenario, NONE, job.seed, sample=sample)
            for job in jobs
        }
        baselines = {key: future.result() for key, future in first.items()}
        # The longest first: what is short fills the gaps.
        order = sorted(
            ((at, policy) for at in range(len(jobs)) for policy in wanted),
            key=lambda one: (one[1] == OURS, baselines[_key(jobs[one[0]])].least),
            reverse=True,
        )
        running = []
        for at, policy in order:
            base = baselines[_key(jobs[at])]
            running.append(
                (at, policy, pool.submit(_run, jobs[at], policy, (base.least, base.cap_at), sample))
            )
        for at, job in enumerate(jobs):
            base = baselines[_key(job)]
            found[at, NONE] = measure(base, base)
        for at, policy, future in running:
            found[at, policy] = measure(future.result(), baselines[_key(jobs[at])])
            done(found[at, policy])
    return found


def _key(job: Job) -> tuple[Scenario, int]:
    return job.scenario, job.seed


def _run(job: Job, policy: str, bounds: tuple[float, float], sample: float) -> Result:
    least, cap_at = bounds
    with ExitStack() as patched:
        for name, value in job.constants.items():
            patched.enter_context(patch(f"mutt_tasks.core.{name}", value))
        return run(job.scenario, policy, job.seed, least=least, cap_at=cap_at, sample=sample)
