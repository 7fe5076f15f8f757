"""Axes: where a number stands on a line, linear or logarithmic, and which numbers are written beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LIMIT = 1e100  # a number beyond it would make the length of an axis infinite; one below its inverse counts as 0
DECADES_UP_TO = 6  # more powers of ten than these are thinned out


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of numbers.

    Attributes:
        low: its beginning; above 0 where it is logarithmic.
        high: its end, above `low`.
        logarithmic: equal steps are equal factors.
    """

    low: float
    high: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value stands: 0 at the beginning, 1 at the end."""
        if self.logarithmic:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self, *, whole: bool = False) -> list[float]:
        """Round numbers within, three to seven of them; `whole` ones for what is counted."""
        return _powers(self) if self.logarithmic else _rounds(self, whole=whole)


def linear(values: Sequence[float], *, within: tuple[float, float] | None = None) -> Axis:
    """An axis for values: from 0 where they come near it, with some room otherwise.

    Args:
        values: finite, at least one.
        within: what the quantity cannot leave, such as 0 to 1.
    """
    low, high = min(values), max(values)
    if 0 < low < 0.4 * high:
        low = 0.0
    room = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = low - (room if low else 0.0), high + room
    if within is not None:
        low, high = max(low, within[0]), min(high, within[1])
    return Axis(low, high)


def logarithmic(values: Sequence[float]) -> Axis:
    """A logarithmic axis for values above 0, at least one."""
    low, high = min(values), max(values)
    room = (high / low) ** 0.05 if high > low else 2.0
    return Axis(low / room, high * room, logarithmic=True)


def _rounds(axis: Axis, *, whole: bool) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    rough = (axis.high - axis.low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _powers(axis: Axis) -> list[float]:
    """Powers of ten; where there are few, 2 and 5 times them too; where there is hardly one, round numbers."""
    first, last = math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high))
    decades = last - first
    stride = math.ceil(decades / DECADES_UP_TO)
    factors = (1,) if decades > 3 else (1, 2, 5)
    found = [factor * 10.0**power for power in range(first, last + 1, stride) for factor in factors]
    inside = [tick for tick in found if axis.low <= tick <= axis.high]
    return inside if len(inside) > 1 else [tick for tick in _rounds(axis, whole=False) if tick > 0]


def finite(value: object) -> float | None:
    """A number that can be drawn; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or abs(value) > LIMIT:
        return None
    return float(value) if abs(value) > 1 / LIMIT else 0.0


def short(value: float) -> str:
    """A number beside a tick: `0.002`, `15000`, `2e-5`."""
    if 1e4 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e+")
