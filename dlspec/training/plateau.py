"""Lowering the learning rate where a quantity stops improving: pure functions of the history."""

from dataclasses import dataclass, replace

from dlspec.training.stopping import Best, Watch, after_epoch, is_over


@dataclass(frozen=True, slots=True)
class Plateau:
    """When to lower the learning rate, and by how much.

    Attributes:
        watch: what is watched; each time its patience has run out the rate is lowered, and waiting starts anew.
        factor: what the rate is multiplied by, 0 < factor < 1.
        min_rate: α0 is not lowered below this, ≥ 0.
        cooldown: epochs after a lowering that do not count as waiting, ≥ 0.
    """

    watch: Watch
    factor: float = 0.5
    min_rate: float = 0.0
    cooldown: int = 0


@dataclass(frozen=True, slots=True)
class PlateauState:
    """What is known so far.

    Attributes:
        factor: what all lowerings make together; the learning rate is this times what the decay says.
        best: the best epoch.
        waits_from: the epoch from which waiting counts: the last one of the cooldown after the last lowering.
    """

    factor: float = 1.0
    best: Best = Best()  # noqa: RUF009 - frozen
    waits_from: int = 0


def lowered(state: PlateauState, plateau: Plateau, *, learning_rate: float, epoch: int, value: float) -> PlateauState:
    """The state, now that `epoch` ended with `value`; `learning_rate` is α0."""
    best = after_epoch(state.best, plateau.watch, epoch=epoch, value=value)
    waited = epoch - max(best.epoch, state.waits_from)
    if not is_over(replace(best, waited=waited), plateau.watch):
        return replace(state, best=best)
    lowest = min(state.factor, plateau.min_rate / learning_rate)
    factor = max(state.factor * plateau.factor, lowest)
    return PlateauState(factor, best, epoch + plateau.cooldown)
