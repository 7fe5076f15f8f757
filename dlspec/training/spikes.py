"""Loss spikes: steps whose loss is far above what has been usual."""

import math
from dataclasses import dataclass

# The last 50 steps or so make the usual loss: exponentially weighted averages with β = 0.98 (course 2, week 2).
WEIGHT = 0.02
_ALIKE = 1 / WEIGHT  # steps at the beginning that count alike
WARM_UP = 50  # steps before anything can be called usual
DEVIATIONS = 8.0  # a loss this many standard deviations above the mean, and more than twice the mean, is a spike
# In smaller mini-batches one odd example makes the loss, and every outlier would be a spike.
SMALLEST_BATCH = 8
LISTED = 100  # spikes that are kept until they are taken


@dataclass(frozen=True, slots=True)
class Spike:
    """One spike: its step (from 1), its loss, and the usual loss before it."""

    step: int
    loss: float
    usual: float


@dataclass(frozen=True, slots=True)
class SpikeState:
    """What is known so far.

    Attributes:
        steps: losses seen.
        mean: of the loss, weighted exponentially.
        variance: likewise.
        found: spikes since they were last taken.
    """

    steps: int = 0
    mean: float = 0.0
    variance: float = 0.0
    found: tuple[Spike, ...] = ()


class SpikeWatch:
    """Looks at the loss of every step.

    With d = loss − μ and w = max(0.02, 1/steps), so that the first steps count alike: μ ← μ + w d and
    σ² ← (1 − w)(σ² + w d²). A spike counts too, so that the steps right after it need a larger one to be told: a burst
    is told once. Nothing is decided by what it finds; training goes on.
    """

    def __init__(self) -> None:
        self.restore(SpikeState())

    def restore(self, state: SpikeState) -> None:
        """Go on from a saved state."""
        self._steps, self._mean, self._variance = state.steps, state.mean, state.variance
        self._found = list(state.found)

    def state(self) -> SpikeState:
        """Everything that decides what is found next."""
        return SpikeState(self._steps, self._mean, self._variance, tuple(self._found))

    def __call__(self, loss: float, step: int) -> None:
        """Take in the loss of a step."""
        self._steps = steps = self._steps + 1
        away = loss - self._mean
        if (
            away > self._mean
            and steps > WARM_UP
            and away * away > DEVIATIONS * DEVIATIONS * self._variance
            and len(self._found) < LISTED
        ):
            self._found.append(Spike(step, loss, self._mean))
        weight = WEIGHT if steps > _ALIKE else 1 / steps
        self._mean += weight * away
        self._variance = (1 - weight) * (self._variance + weight * away * away)
        if self._variance == math.inf:  # losses beyond 1e154: what is usual has to be learnt anew
            self.restore(SpikeState(found=tuple(self._found)))

    def take(self) -> tuple[Spike, ...]:
        """The spikes since the last call."""
        found, self._found = tuple(self._found), []
        return found
