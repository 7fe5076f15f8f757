"""How many threads and streams make the steps of an experiment fastest on this machine, measured. It leaves no trace.

tuning = dlspec.tune.run(dlspec.preparation.prepare(loaded), threads=[1, 2])
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

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
    """The steps with one division of the work.

    Attributes:
        threads: their number.
        streams: 1, or 2 for halves of each mini-batch side by side.
        seconds: per step, the median of the rounds.
        low: quarter of the rounds were faster.
        high: quarter of the rounds were slower.
    """

    threads: int
    streams: int
    seconds: float
    low: float
    high: float

    @property
    def flags(self) -> str:
        """What sets it, as on the command line."""
        return f"--set threads={self.threads} --set streams={self.streams}"


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was measured.

    Attributes:
        timings: in the order of the threads, two streams last.
        best: the one to take.
    """

    timings: Sequence[Timing]
    best: Timing


def run(
    prepared: Prepared,
    *,
    threads: Sequence[int],
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the signature
) -> Tuning:
    """Time the steps with each division of the work, in turn, so that what else the machine does falls on all alike.

    Args:
        prepared: from `prepare`.
        threads: the numbers to try, rising; with 2 among them two streams are tried too, where the network can.
        clock: seconds.
        progress: called with the rounds that are done and all of them.
    """
    ways = [(n, 1) for n in threads]
    if 2 in threads and prepared.experiment.obstacle_to_two_streams(2) is None:
        ways.append((2, 2))
    timers = {way: _timer(prepared, *way, clock=clock) for way in ways}
    for seconds_per_step in timers.values():
        seconds_per_step()  # touches every buffer
    rounds: dict[tuple[int, int], list[float]] = {way: [] for way in ways}
    for done in range(ROUNDS):
        for way, seconds_per_step in timers.items():
            rounds[way].append(seconds_per_step())
        progress(done + 1, ROUNDS)
    timings = [_timing(*way, seconds) for way, seconds in rounds.items()]
    return Tuning(timings, choose(timings))


def _timer(prepared: Prepared, threads: int, streams: int, *, clock: Callable[[], float]) -> Callable[[], float]:
    """A function that makes steps for a while and gives the seconds of one."""
    experiment = prepared.experiment.model_copy(update={"threads": threads, "streams": streams})
    cost = builder.build_cost(experiment, n_x=prepared.dataset.splits["train"].n_x, start=prepared.start)
    _, learning_rate = builder.build_optimizer(experiment)
    step = stepper(replace(prepared, experiment=experiment), cost)
    number = 0

    def seconds_per_step() -> float:
        nonlocal number
        with numerics(experiment.threads_per_product):
            first, begin = number, clock()
            while (passed := clock() - begin) < ROUND_S or number == first:
                number += 1
                step(learning_rate, number)
        return passed / (number - first)

    return seconds_per_step


def _timing(threads: int, streams: int, seconds: Sequence[float]) -> Timing:
    low, high = np.quantile(seconds, [0.25, 0.75]).tolist()
    return Timing(threads, streams, statistics.median(seconds), low, high)


def choose(timings: Sequence[Timing]) -> Timing:
    """The first, with the fewest threads, that nothing beats by more than `WORTH` and beyond its own spread."""
    best = timings[0]
    for timing in timings[1:]:
        if timing.seconds < (1.0 - WORTH) * best.seconds and timing.high < best.low:
            best = timing
    return best
