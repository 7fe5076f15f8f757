"""What the curves of a run say: whether the cost still falls, jumps about or rises, and where train and dev part.

A row is a line of `metrics.jsonl`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dlspec.diagnosis.findings import Finding

Row = Mapping[str, Any]

STILL_FALLING = 0.05
"""Fall of the training loss over the last third of the measurements, as a share of its mean there."""
OSCILLATING = 0.05
"""Mean change of the training loss from one measurement to the next in the last half, as a share of its mean."""
RISING = 0.05
"""Share of the measurements of full-batch descent at which J has risen by more than rounding explains."""
PARTED = 0.1
"""Rise of the dev loss from its lowest point to the end, as a share."""
MOVED = 1.0
"""Sum of ‖ΔW‖/‖W‖ over all steps: below it the weights can hardly have left their start."""

_ROUNDING = 1e-4


@dataclass(frozen=True, slots=True)
class Trend:
    """The training loss in numbers.

    Attributes:
        fall: over the last third of the measurements by the slope of a line through it, as a share of its mean there.
        roughness: mean change from one to the next in the last half, as a share; 0 where it falls all the way.
        moved: ‖ΔW‖/‖W‖, added up over all steps; infinite where it is unknown.
    """

    fall: float
    roughness: float
    moved: float


def trend_of(rows: Sequence[Row], samples: Sequence[Mapping[str, Any]]) -> Trend:
    """The trend of a run, from its metrics and its samples of health."""
    losses = [row["train_loss"] for row in rows]
    return Trend(_fall(losses[-max(3, len(losses) // 3) :]), _roughness(losses[len(losses) // 2 :]), _moved(samples))


def _moved(samples: Sequence[Mapping[str, Any]]) -> float:
    """∑ ‖ΔW‖/‖W‖ over the steps, by the trapezoidal rule; of the median layer."""

    def median(sample: Mapping[str, Any]) -> float:
        ratios = sorted(layer["update_ratio"] or 0.0 for layer in sample["layers"])
        return float(ratios[len(ratios) // 2])

    if len(samples) < 2 or samples[0]["epoch"] != 0:
        return math.inf
    return sum(((median(a) + median(b)) / 2 * (b["step"] - a["step"]) for a, b in pairwise(samples)), start=0.0)


def _fall(losses: Sequence[float]) -> float:
    n = len(losses)
    mean = sum(losses) / n if n else 0.0
    if n < 3 or mean <= 0:
        return 0.0
    slope = sum((i - (n - 1) / 2) * (loss - mean) for i, loss in enumerate(losses)) / (n * (n * n - 1) / 12)
    return -slope * (n - 1) / mean


def _roughness(losses: Sequence[float]) -> float:
    changes = [b - a for a, b in pairwise(losses)]
    up, down = sum(c for c in changes if c > 0), -sum(c for c in changes if c < 0)
    level = sum(losses) / len(losses) if losses else 0.0
    if len(changes) < 4 or level <= 0 or up < 0.5 * down:
        return 0.0
    return (up + down) / len(changes) / level


def curve_findings(
    rows: Sequence[Row], trend: Trend, *, underfits: bool, overfits: bool, descent: bool, ends: bool
) -> list[Finding]:
    """What is wrong with the curves.

    Args:
        rows: of the run.
        trend: from `trend_of`.
        underfits: whether the bias is not fine: else a loss that falls, jumps or spikes from a
            low level does no harm.
        overfits: whether the variance is high: else a dev loss that rises costs no example, as far as can be told.
        descent: whether every step went against the gradient of all examples, without noise, so that J must fall.
        ends: whether the parameters of the last epoch are the result, so that a rise of the dev loss does harm.
    """
    findings = list(_rises(rows)) if descent else []
    if underfits:
        findings += [*_spikes(rows), *_of_trend(trend)]
    return [*findings, *(_parting(rows) if overfits and ends else ())]


def _spikes(rows: Sequence[Row]) -> Iterator[Finding]:
    found = [
        (spike["loss"] / spike["usual"], spike["step"], row["epoch"]) for row in rows for spike in row.get("spikes", ())
    ]
    if found:
        worst, step, epoch = max(found)
        words = (
            f"{len(found)} loss spike{'s' if len(found) > 1 else ''}; the highest is {worst:.3g} times the usual loss"
        )
        yield Finding("loss spikes", None, epoch, worst, 2.0, f"{words}, at step {step:,}")


def _rises(rows: Sequence[Row]) -> Iterator[Finding]:
    costs = [row["train_cost"] for row in rows]
    rising = [row["epoch"] for row, (a, b) in zip(rows[1:], pairwise(costs), strict=True) if b > a * (1 + _ROUNDING)]
    share = len(rising) / max(1, len(costs) - 1)
    if share > RISING:
        words = f"the cost J of full-batch descent has risen at {len(rising):,} of {len(costs) - 1:,} measurements"
        words += ", though every step should lower it: the learning rate is too large, or a gradient is wrong"
        yield Finding("rising cost", None, rising[0], share, RISING, words)


def _of_trend(trend: Trend) -> Iterator[Finding]:
    if trend.roughness > OSCILLATING:
        words = f"the training loss changes by {trend.roughness:.0%} from one measurement to the next"
        yield Finding("oscillating cost", None, None, trend.roughness, OSCILLATING, words)
    elif trend.fall > STILL_FALLING:
        words = f"the training loss falls by {trend.fall:.0%} over the last third of the run, and has not settled"
        yield Finding("cost still falling", None, None, trend.fall, STILL_FALLING, words)
    if trend.moved < MOVED:
        words = f"all updates together are {trend.moved:.2g} times as large as the weights: they have hardly moved"
        yield Finding("steps too small", None, None, trend.moved, MOVED, words)


def _parting(rows: Sequence[Row]) -> Iterator[Finding]:
    if not rows or "dev_loss" not in rows[0]:
        return
    best = min(rows, key=lambda row: row["dev_loss"])
    last = rows[-1]
    rise = last["dev_loss"] / best["dev_loss"] - 1 if best["dev_loss"] > 0 else 0.0
    if rise > PARTED and last["train_loss"] < best["train_loss"]:
        words = f"from epoch {best['epoch']} on the dev loss rises, by {rise:.0%}, while the training loss falls"
        yield Finding("diverging curves", None, best["epoch"], rise, PARTED, words)
