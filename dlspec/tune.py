"""How many threads make the steps of an experiment fastest on this machine, measured. It leaves no trace.

tuning = dlspec.tune.run(dlspec.preparation.prepare(loaded), threads=[1, 2])
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dlspec import builder
from dlspec.preparation import Prepared
from dlspec.run.environment import numerics
from dlspec.stepper import stepper

ROUNDS = 9
ROUND_S = 0.15
# More threads must be faster by so much to be worth it: they take cores from others, and wait for them.
WORTH = 0.05


@dataclass(frozen=True, slots=True)
class Timing:
    """The steps with one number of threads.

    Attributes:
        threads: their number.
        seconds: per step, the median of the rounds.
        low: quarter of the rounds were faster.
        high: quarter of the rounds were slower.
    """

    threads: int
    seconds: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured.

    Attributes:
        timings: in the order of the threads.
        best: the number to take.
    """

    timings: Sequence[Timing]
    best: int


def run(
    prepared: Prepared,
    *,
    threads: Sequence[int],
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the signature
) -> Tuning:
    """Time the steps with each number of threads, in turn, so that what else the machine does falls on all alike.

    Args:
        prepared: from `prepare`.
        threads: the numbers to try, rising.
        clock: seconds.
        progress: called with the rounds that are done and all of them.
    """
    experiment = prepared.experiment
    cost = builder.build_cost(experiment, n_x=prepared.dataset.splits["train"].n_x, start=prepared.start)
    _, learning_rate = builder.build_optimizer(experiment)
    step = stepper(prepared, cost)
    number = 0

    def seconds_per_step() -> float:
        nonlocal number
        first, begin = number, clock()
        while (passed := clock() - begin) < ROUND_S or number == first:
            number += 1
            step(learning_rate, number)
        return passed / (number - first)

    with numerics(threads[0]):
        seconds_per_step()  # touches every buffer
    rounds: dict[int, list[float]] = {n: [] for n in threads}
    for done in range(ROUNDS):
        for n in threads:
            with numerics(n):
                rounds[n].append(seconds_per_step())
        progress(done + 1, ROUNDS)
    timings = [_timing(n, seconds) for n, seconds in rounds.items()]
    return Tuning(timings, choose(timings))


def _timing(threads: int, seconds: Sequence[float]) -> Timing:
    low, high = np.quantile(seconds, [0.25, 0.75]).tolist()
    return Timing(threads, statistics.median(seconds), low, high)


def choose(timings: Sequence[Timing]) -> int:
    """The fewest threads that nothing beats by more than `WORTH` and beyond its own spread."""
    best = timings[0]
    for timing in timings[1:]:
        if timing.seconds < (1.0 - WORTH) * best.seconds and timing.high < best.low:
            best = timing
    return best.threads
