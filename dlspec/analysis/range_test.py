"""A learning rate out of a range test: α rises from step to step, and the loss tells where it is too small or large.

Source: Smith, 1506.01186.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dlspec.core.arrays import Array

DIVERGED = 4.0  # times the loss at the start: it has left for good
SMOOTHING = 0.05  # share of all steps that the mean of a loss spans on either side
LEAST_FALL = 0.05  # of the loss at the start; a smaller fall tells nothing
BELOW_MINIMUM = 10.0
FEWEST_STEPS = 10


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A learning rate, or why there is none.

    Attributes:
        learning_rate: α; None where nothing can be suggested.
        message: how it was found, or why there is none.
    """

    learning_rate: float | None
    message: str


def rates(low: float, high: float, steps: int) -> list[float]:
    """α of each step, from low to high in equal factors."""
    return [low * (high / low) ** (step / (steps - 1)) for step in range(steps)]


def has_diverged(losses: Sequence[float]) -> bool:
    """Whether the newest loss is not finite, or four times as large as the first."""
    return not math.isfinite(losses[-1]) or losses[-1] > DIVERGED * losses[0]


def smoothed(losses: Sequence[float], *, steps: int) -> Array:
    """Mean of each loss and its neighbours, as many before as after, so that nothing is shifted along the axis.

    Args:
        losses: finite.
        steps: of the whole test, of which the width of the mean is a share.
    """
    width = max(1, round(SMOOTHING * steps))
    total = np.concatenate(([0.0], np.cumsum(losses)))
    at = np.arange(len(losses))
    reach = np.minimum(np.minimum(at, len(losses) - 1 - at), width)
    mean: Array = (total[at + reach + 1] - total[at - reach]) / (2 * reach + 1)
    return mean


def suggest(tried: Sequence[float], losses: Sequence[float], *, steps: int) -> Suggestion:
    """A tenth of the α at which the smoothed loss is lowest, where it fell at all.

    At the minimum α is about to be too large: the fall of one half of the curve and the rise of the other cancel there.
    The other rule in use, the α of the steepest fall, fails where a curve bounces and is steep far behind its minimum;
    docs/guides/looking-closer.md has both on the bundled experiments.

    Args:
        tried: α of each step.
        losses: after the steps before, one per α; the last one may not be finite.
        steps: that the test would have had, had it not ended early.
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return Suggestion(None, "no suggestion: the loss is not finite before the first step; check the initializer")
    if len(finite) < FEWEST_STEPS:
        found = f"the loss diverged after {len(finite)} steps, at a learning rate of {tried[len(finite) - 1]:.2g}"
        return Suggestion(None, f"no suggestion: {found}; begin lower with --low")
    mean = smoothed(finite, steps=steps)
    lowest = int(np.argmin(mean))
    fall = 1 - mean[lowest] / mean[0] if mean[0] > 0 else 0.0
    if fall < LEAST_FALL:
        message = f"no suggestion: the loss fell by no more than {max(fall, 0):.1%} at any learning rate"
        return Suggestion(None, f"{message} from {tried[0]:.2g} to {tried[len(finite) - 1]:.2g}")
    at = tried[lowest]
    found = f"the loss is lowest, {mean[lowest]:.4g}, at a learning rate of {at:.2g}"
    return Suggestion(float(f"{at / BELOW_MINIMUM:.2g}"), f"{found}; a tenth of it is a good start")
