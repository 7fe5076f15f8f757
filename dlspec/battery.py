"""Gradient checks of everything there is: what a user runs after an install to trust the build.

Every member of the tables of `dlspec.core` is in a case by its name, so that a new one cannot be forgotten.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dlspec.core import gradcheck
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.arrays import Array
from dlspec.core.cost import Cost, Penalty
from dlspec.core.gradcheck import Block, Objective
from dlspec.core.initializers import He
from dlspec.core.layers import BatchNorm, Dense, Dropout, Elementwise, Layer
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.regularizers import REGULARIZERS
from dlspec.core.slips import Finding, explain

Settings = Mapping[str, Any]

# Beside the default settings, which every member is checked with.
ACTIVATION_SETTINGS: dict[str, Sequence[Settings]] = {
    "leaky_relu": ({"slope": 0.3}, {"slope": 0.0}),
    "elu": ({"alpha": 0.3},),
    "gelu": ({"form": "tanh"},),
}
LOSS_SETTINGS: dict[str, Sequence[Settings]] = {
    "huber": ({"delta": 0.3},),
    "binary_cross_entropy": ({"label_smoothing": 0.1},),
    "categorical_cross_entropy": ({"label_smoothing": 0.1},),
    "multi_task_cross_entropy": ({"label_smoothing": 0.1},),
}
# Units of the output layer; a loss that is not named here is one of numbers.
LOSS_UNITS: dict[str, Sequence[int]] = {
    "binary_cross_entropy": (1,),
    "categorical_cross_entropy": (2, 5),
}
STRENGTHS = {"l2": 0.7, "l1": 0.3}

N_X, EXAMPLES = 4, 7


@dataclass(frozen=True, slots=True)
class Case:
    """One network on one batch.

    Attributes:
        group: what it is about: layer, activation, loss, penalty, normalization or batch.
        name: within the group.
        hidden: layers before the output layer.
        loss: name and settings.
        units: of the output layer.
        penalties: names, over all weights.
        examples: m.
        weighted: whether the examples count differently.
        zeros: whether all weights are 0.
        layout: of X in memory.
    """

    group: str
    name: str
    hidden: tuple[Layer, ...] = ()
    loss: tuple[str, Settings] = ("squared_error", {})
    units: int = 2
    penalties: tuple[str, ...] = ()
    examples: int = EXAMPLES
    weighted: bool = False
    zeros: bool = False
    layout: str = "rows"


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """A case, checked.

    Attributes:
        case: what.
        blocks: one per parameter, in the order of the layers.
        finding: where the gradient breaks; None where it does not.
    """

    case: Case
    blocks: list[Block]
    finding: Finding | None


def run(*, epsilon: float = gradcheck.EPSILON) -> Iterator[Checked]:
    """Check every case, every entry of it; the same numbers each time."""
    for number, case in enumerate(cases()):
        rng = np.random.default_rng(number)
        blocks = gradcheck.check(objective(case, rng), rng=rng, epsilon=epsilon)
        keep_probs = [layer.keep_prob for layer in case.hidden if isinstance(layer, Dropout)]
        yield Checked(case, blocks, explain(blocks, examples=case.examples, keep_probs=keep_probs))


def cases() -> list[Case]:
    """All cases, by group."""
    return [*_layers(), *_activations(), *_losses(), *_penalties(), *_normalization(), *_batches()]


def objective(case: Case, rng: np.random.Generator) -> Objective:
    """The cost of a case with random weights, biases, examples and targets."""
    network = Network([*case.hidden, Dense(case.units, initializer=He())], in_shape=(N_X,))
    parameters = network.parameters(dtype=np.float64)
    network.initialize(parameters, rng)
    biases = parameters.theta[parameters.decayed.stop :]
    biases += 0.5 * rng.standard_normal(biases.shape)
    if case.zeros:
        parameters.theta[parameters.decayed] = 0.0
    loss, settings = case.loss
    penalties = [
        Penalty(REGULARIZERS[name](lambda_=STRENGTHS.get(name, 0.5)), parameters.decayed) for name in case.penalties
    ]
    cost = Cost(network=network, loss=LOSSES[loss](**settings), penalties=penalties, parameters=parameters)
    X = _laid_out(rng.standard_normal((case.examples, N_X)), case.layout)
    Y = targets(loss, case.examples, case.units, rng)
    w = 2 * rng.random(case.examples) if case.weighted else None
    return Objective(cost, X, Y, w, rng=np.random.default_rng(1))


def targets(loss: str, m: int, units: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Random targets of the kind that a loss takes."""
    if loss == "multi_task_cross_entropy":  # a third of the labels is missing
        return rng.choice([0.0, 1.0, np.nan], (m, units))
    if loss in LOSS_UNITS:
        return rng.integers(0, max(units, 2), m)
    return 2 * rng.standard_normal((m, units))


def _laid_out(X: Array, layout: str) -> Array:
    """The same numbers, lying differently in memory."""
    m, n_x = X.shape
    wide = np.empty((2 * m, 2 * n_x))
    wide[::2, ::2] = X
    return {"rows": X, "columns": np.asfortranarray(X), "strided": wide[::2, ::2]}[layout]


def _named(name: str, settings: Settings) -> str:
    return ", ".join([name, *(f"{key} {value}" for key, value in settings.items())])


def _dense(units: int) -> Dense:
    return Dense(units, initializer=He())


def _hidden(
    *units: int,
    activation: str = "tanh",
    settings: Settings | None = None,
    norm: str | None = None,
    keep_prob: float | None = None,
) -> tuple[Layer, ...]:
    """The same layer several times: Dense, activation, batch normalisation before or after it, dropout."""
    layers: list[Layer] = []
    for n in units:
        layers.append(Dense(n, initializer=He(), bias=norm != "before"))
        g = Elementwise(ACTIVATIONS[activation](**(settings or {})))
        order: dict[str | None, list[Layer]] = {"before": [BatchNorm(), g], "after": [g, BatchNorm()], None: [g]}
        layers += order[norm]
        layers += [] if keep_prob is None else [Dropout(keep_prob=keep_prob)]
    return tuple(layers)


def _layers() -> Iterator[Case]:
    yield Case("layer", "no hidden layer")
    yield Case("layer", "one hidden layer", _hidden(5))
    yield Case("layer", "four hidden layers", _hidden(5, 4, 3, 4))
    yield Case("layer", "one unit in every layer", _hidden(1, 1), units=1)
    yield Case("layer", "square weights", _hidden(N_X, N_X), units=N_X)
    yield Case("layer", "no biases", (Dense(5, initializer=He(), bias=False), _dense(3)))
    yield Case("layer", "no activations", (_dense(5), _dense(3)))
    yield Case("layer", "dropout, masks held", _hidden(8, 6, keep_prob=0.6))
    yield Case("layer", "input dropout, mask held", (Dropout(keep_prob=0.7), *_hidden(5)))


def _activations() -> Iterator[Case]:
    for name in ACTIVATIONS:
        for settings in ({}, *ACTIVATION_SETTINGS.get(name, ())):
            layers = _hidden(5, 4, activation=name, settings=settings)
            yield Case("activation", _named(name, settings), layers, loss=("categorical_cross_entropy", {}), units=3)


def _losses() -> Iterator[Case]:
    for name in LOSSES:
        for units in LOSS_UNITS.get(name, (1, 3)):
            for settings in ({}, *LOSS_SETTINGS.get(name, ())):
                text = _named(f"{name}, {units} unit{'s' if units > 1 else ''}", settings)
                yield Case("loss", text, _hidden(4), loss=(name, settings), units=units)
            weighted = f"{name}, {units} unit{'s' if units > 1 else ''}, weighted"
            yield Case("loss", weighted, _hidden(4), loss=(name, {}), units=units, weighted=True)


def _penalties() -> Iterator[Case]:
    combinations = [(name,) for name in REGULARIZERS] + [tuple(REGULARIZERS)]
    for names in combinations:
        yield Case("penalty", "+".join(names), _hidden(5, 4), penalties=names)
        yield Case("penalty", "+".join(names) + ", weights 0", penalties=names, zeros=True)
        yield Case(
            "penalty",
            "+".join(names) + ", relu, dropout",
            _hidden(6, activation="relu", keep_prob=0.7),
            penalties=names,
        )


def _normalization() -> Iterator[Case]:
    for norm in ("before", "after"):
        for name in ACTIVATIONS:
            yield Case("normalization", f"{norm} {name}", _hidden(4, 3, activation=name, norm=norm))
        yield Case("normalization", f"{norm} tanh, dropout", _hidden(5, 4, norm=norm, keep_prob=0.7))
        yield Case("normalization", f"{norm} tanh, 2 examples", _hidden(4, norm=norm), examples=2)
        yield Case(
            "normalization",
            f"{norm} tanh, penalties, weighted",
            _hidden(4, norm=norm),
            penalties=("l2", "l1"),
            weighted=True,
        )


def _batches() -> Iterator[Case]:
    loss: tuple[str, Settings] = ("categorical_cross_entropy", {})
    for m in (1, 2, 3, 8, 64):
        yield Case("batch", f"{m} example{'s' if m > 1 else ''}", _hidden(5), loss=loss, units=3, examples=m)
    for layout in ("columns", "strided"):
        yield Case("batch", f"{layout} in memory", _hidden(5), loss=loss, units=3, layout=layout)
    everything = (Dropout(keep_prob=0.8), *_hidden(6, 5, activation="relu", norm="before", keep_prob=0.8))
    yield Case("batch", "everything at once", everything, loss=loss, units=3, penalties=("l2", "l1"), weighted=True)
