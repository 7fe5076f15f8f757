"""Which epoch is the best, and when to stop waiting for a better one: pure functions of the history."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watch:
    """What is watched.

    Attributes:
        monitor: name of a recorded quantity, such as `dev_loss`.
        rising: whether larger is better.
        min_delta: a change up to this is no improvement, ≥ 0.
        patience: epochs without improvement before training stops; None never stops.
        start_epoch: the first epoch that counts, from 1; those before it are neither the best nor waiting.
    """

    monitor: str
    rising: bool
    min_delta: float = 0.0
    patience: int | None = None
    start_epoch: int = 1


@dataclass(frozen=True, slots=True)
class Best:
    """The best epoch so far. Ties keep the earliest.

    Attributes:
        epoch: its number, 0 before the first.
        value: its monitored value, None before the first.
        waited: epochs since.
    """

    epoch: int = 0
    value: float | None = None
    waited: int = 0


def after_epoch(best: Best, watch: Watch, *, epoch: int, value: float) -> Best:
    """The best epoch, now that `epoch` ended with `value`."""
    if epoch < watch.start_epoch:
        return best
    if best.value is None:
        return Best(epoch, value)
    gain = value - best.value if watch.rising else best.value - value
    if gain > watch.min_delta:
        return Best(epoch, value)
    return Best(best.epoch, best.value, best.waited + 1)


def is_over(best: Best, watch: Watch) -> bool:
    """Whether patience has run out."""
    return watch.patience is not None and best.waited >= watch.patience
