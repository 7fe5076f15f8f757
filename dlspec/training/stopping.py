"""Which epoch is the best, and when to stop waiting for a better one: pure functions of the history."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Limit:
    """What a quantity must satisfy beside the one that is watched.

    Attributes:
        monitor: name of the quantity, such as `dev_recall`.
        at_least: whether the bound is the smallest value allowed, not the largest.
        bound: that value.
    """

    monitor: str
    at_least: bool
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether a value is within it."""
        return value >= self.bound if self.at_least else value <= self.bound


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched.

    Attributes:
        monitor: name of a recorded quantity, such as `dev_loss`.
        rising: whether larger is better.
        min_delta: a change up to this is no improvement, ≥ 0.
        patience: epochs without improvement before training stops; None never stops.
        start_epoch: the first epoch that counts, from 1; those before it are neither the best nor waiting.
        limits: an epoch that meets all of them is better than any that does not.
    """

    monitor: str
    rising: bool
    min_delta: float = 0.0
    patience: int | None = None
    start_epoch: int = 1
    limits: tuple[Limit, ...] = ()

    def limits_met(self, quantities: Mapping[str, float]) -> bool:
        """Whether an epoch with these quantities meets all limits."""
        return all(limit.is_met(quantities[limit.monitor]) for limit in self.limits)


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch so far. Ties keep the earliest.

    Attributes:
        epoch: its number, 0 before the first.
        value: its monitored value, None before the first.
        waited: epochs from it to the last one that was measured.
        meets_limits: whether it meets the limits; where no epoch does, the best is the best by value.
    """

    epoch: int = 0
    value: float | None = None
    waited: int = 0
    meets_limits: bool = True


def after_epoch(best: Best, watch: Watch, *, epoch: int, value: float, meets_limits: bool = True) -> Best:
    """The best epoch, now that `epoch` ended with `value`, within the limits or not."""
    if epoch < watch.start_epoch:
        return best
    gain = math.inf
    if best.value is not None and meets_limits == best.meets_limits:
        gain = value - best.value if watch.rising else best.value - value
    elif best.value is not None and best.meets_limits:
        gain = -math.inf
    if gain > watch.min_delta:
        return Best(epoch, value, 0, meets_limits)
    return replace(best, waited=epoch - best.epoch)


def is_over(best: Best, watch: Watch) -> bool:
    """Whether patience has run out."""
    return watch.patience is not None and best.waited >= watch.patience
