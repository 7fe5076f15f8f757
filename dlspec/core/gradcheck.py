"""Gradient checking: dθ of the backward pass against derivatives of the cost J itself.

Two witnesses for every checked entry i of θ:

    central differences    (J(θ + ε eᵢ) − J(θ − ε eᵢ)) / 2ε, of the cost as training computes it
    complex step           Im J(θ + ih eᵢ) / h, of plain formulas (see `plain`); no rounding error

and the ratio ‖analytic − witness‖₂ / (‖analytic‖₂ + ‖witness‖₂) per parameter block: at most 1e-7 is right,
up to 1e-5 wants a second look, more is wrong (course 2, week 1). Everything is done in float64.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from dlspec.core import plain
from dlspec.core.activations import Bound
from dlspec.core.arrays import Array, Shape
from dlspec.core.cost import Cost
from dlspec.core.layers import Binding, Elementwise, Layer
from dlspec.core.network import Network
from dlspec.core.parameters import ParameterSpec

RIGHT, LOOK_AGAIN, SURELY_WRONG = 1e-7, 1e-5, 1e-3
EPSILON = 3e-6  # the least error over many networks: see docs/guides/gradient-checking.md

# What steps across a kink or disagrees is measured again with steps this much smaller.
SMALLER = (1.0, 0.1, 0.01)

UNIT = float(np.finfo(np.float64).eps)

T = TypeVar("T")
Move = tuple[slice, Array]  # a part of θ, and the direction to move it in
Verdict = Literal["ok", "suspicious", "wrong", "unchecked"]
BY_SEVERITY: tuple[Verdict, ...] = ("unchecked", "ok", "suspicious", "wrong")


def most_severe(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe of several verdicts; `unchecked` where there are none."""
    return max(verdicts, key=BY_SEVERITY.index, default="unchecked")


@dataclass(frozen=True, slots=True)
class Measure:
    """The analytic gradient against one witness, over entries or directions of one block.

    Attributes:
        relative_error: ‖analytic − witness‖₂ / (‖analytic‖₂ + ‖witness‖₂); 0 where both are 0.
        rounding: what rounding errors alone can make of that ratio; large where the gradient vanishes.
        count: entries or directions that were compared.
        left_out: those left out, because a kink lies between the two evaluations.
    """

    relative_error: float
    rounding: float
    count: int
    left_out: int

    @property
    def vanishes(self) -> bool:
        """Whether so little of the gradient is left that the ratio compares rounding errors."""
        return self.rounding > RIGHT

    @property
    def verdict(self) -> Verdict:
        """By the thresholds of the course; an error that rounding explains is none. NaN is wrong."""
        if self.count == 0:
            return "unchecked"
        if self.relative_error <= max(RIGHT, self.rounding):
            return "ok"
        return "suspicious" if self.relative_error <= max(LOOK_AGAIN, self.rounding) else "wrong"


def measure(analytic: Array, witness: Array, rounding: Array, *, left_out: int = 0) -> Measure:
    """Compare two vectors; `rounding` is what rounding may add to each difference."""
    scale = float(np.linalg.norm(analytic) + np.linalg.norm(witness))
    unit = 1.0 if scale == 0 else scale
    return Measure(
        relative_error=float(np.linalg.norm(analytic - witness)) / unit,
        rounding=float(np.linalg.norm(rounding)) / unit,
        count=len(analytic),
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The checked entries of one block, each array `(n,)`.

    Attributes:
        positions: places in the block's part of θ.
        values: θ there.
        analytic: dθ of the backward pass.
        loss: derivative of the mean loss by central differences.
        penalty: derivative of the penalties likewise.
    """

    positions: npt.NDArray[np.intp]
    values: Array
    analytic: Array
    loss: Array
    penalty: Array

    @property
    def numeric(self) -> Array:
        """Derivative of J by central differences."""
        return self.loss + self.penalty


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """One parameter of the network, checked.

    Attributes:
        name: as in θ, such as W1 or gamma2.
        layer: position of its layer in the network, from 0.
        shape: of the parameter.
        entries: what was compared; for a look at the worst ones, and at what kind of slip they show.
        differences: against central differences.
        complex_step: against the complex step; None where a part of the network has no plain formula.
        directions: slopes along random directions within the block; None without them.
    """

    name: str
    layer: int
    shape: Shape
    entries: Entries
    differences: Measure
    complex_step: Measure | None
    directions: Measure | None

    @property
    def measures(self) -> list[Measure]:
        """Those that were taken."""
        return [one for one in (self.differences, self.complex_step, self.directions) if one is not None]

    @property
    def verdict(self) -> Verdict:
        """The most severe one of all its measures."""
        return most_severe(one.verdict for one in self.measures)

    @property
    def size(self) -> int:
        """Number of entries of the parameter."""
        return int(np.prod(self.shape))

    def worst(self, count: int) -> list[tuple[tuple[int, ...], float, float]]:
        """(index, analytic, numeric) of the entries that differ most, the worst first."""
        differs = np.abs(self.entries.analytic - self.entries.numeric)
        order = np.argsort(-np.where(np.isfinite(differs), differs, np.inf), kind="stable")[:count]
        indices = np.stack(np.unravel_index(self.entries.positions[order], self.shape, order="F"), axis=1)
        return [
            (tuple(map(int, index)), float(self.entries.analytic[k]), float(self.entries.numeric[k]))
            for index, k in zip(indices, order, strict=True)
        ]


class Objective:
    """J(θ) on one batch, as a function that gives the same for the same θ.

    The batch is computed as in training: batch normalisation takes μ and σ² from it, and dropout draws the
    same masks each time. The running averages are left as they were.

    Args:
        cost: over float64 parameters.
        X: inputs (m, n_x).
        Y: targets.
        w: weights (m,) of the examples; None for 1.
        rng: generator of the dropout masks.

    Raises:
        ValueError: parameters that are not float64.
    """

    def __init__(
        self,
        cost: Cost,
        X: Array,
        Y: npt.NDArray[Any],
        w: Array | None = None,
        *,
        rng: np.random.Generator | None = None,
    ):
        if cost.parameters.theta.dtype != np.float64:
            raise ValueError(f"gradients are checked in float64; found parameters of {cost.parameters.theta.dtype}")
        self.cost = cost
        self._X, self._Y, self._w, self._rng = X, Y, w, rng
        self._state = None if rng is None else rng.bit_generator.state
        self._sides: list[bytes] = []
        self._loss_and_gradient = cost.bind(len(X), rng=rng)
        probed = Network(list(_with_probes(cost.network, self._sides)), in_shape=cost.network.in_shape)
        self._plan = probed.bind(cost.parameters, batch=len(X), training=True, rng=rng)
        self._losses_and_gradient = cost.loss.bind(len(X), cost.network.out_shape[0], np.float64)
        self.has_plain_form = plain.has_forms(cost)

    def gradient(self) -> Array:
        """dθ (P,) of the backward pass. It is written over NaN, which shows what is added instead of written."""
        self.cost.parameters.grad.fill(np.nan)
        self._repeatably(lambda: self._loss_and_gradient(self._X, self._Y, self._w))
        return self.cost.parameters.grad.copy()

    def value(self) -> tuple[float, float, bytes]:
        """Mean loss, penalty, and the side of its kinks on which everything is."""
        return self._repeatably(self._value)

    def plain_cost(self, theta: plain.Complex) -> complex:
        """J by the plain formulas, at a complex θ (P,)."""
        return self._repeatably(lambda: plain.cost(self.cost, theta, self._X, self._Y, self._w, self._rng))

    def _value(self) -> tuple[float, float, bytes]:
        self._sides.clear()
        cost, m = self.cost, len(self._X)
        Z = self._plan.forward(self._X)
        losses, _ = self._losses_and_gradient(Z, self._Y)
        mean = float(np.mean(losses if self._w is None else losses * self._w))
        self._sides.extend((kink < Z - self._Y).tobytes() for kink in cost.loss.kinks)
        for regularizer, where in cost.penalties:
            self._sides.extend((kink < cost.parameters.theta[where]).tobytes() for kink in regularizer.kinks)
        return mean, cost.penalty(m), b"".join(self._sides)

    def _repeatably(self, compute: Callable[[], T]) -> T:
        parameters = self.cost.parameters
        averages = parameters.vector[len(parameters.theta) :]
        before = averages.copy()
        if self._rng is not None and self._state is not None:
            self._rng.bit_generator.state = self._state
        result = compute()
        averages[...] = before
        return result


class _Probe:
    """The identity: notes on which side of the kinks of the activation behind it each z is."""

    owns_output = True  # it hands on the output of the layer before, which an activation may overwrite

    def __init__(self, kinks: tuple[float, ...], sides: list[bytes]):
        self.kinks, self.sides = kinks, sides

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        return in_shape, []

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None: ...

    def bind(self, to: Binding) -> Bound:  # noqa: ARG002 - the signature of the family
        def forward(Z: Array) -> Array:
            self.sides.extend((kink < Z).tobytes() for kink in self.kinks)
            return Z

        return Bound(forward, lambda dZ: dZ)


def _with_probes(network: Network, sides: list[bytes]) -> Iterator[Layer]:
    for placed in network.placed:
        if isinstance(placed.layer, Elementwise) and placed.layer.activation.kinks:
            yield _Probe(placed.layer.activation.kinks, sides)
        yield placed.layer


def check(
    objective: Objective,
    *,
    rng: np.random.Generator,
    epsilon: float = EPSILON,
    coordinates: int | None = None,
    directions: int = 0,
) -> list[Block]:
    """Check every parameter block, in the order of the layers. θ is left as it was.

    Args:
        objective: J on one batch.
        rng: chooses coordinates and directions.
        epsilon: step ε of the central differences.
        coordinates: entries to check per block; None for all.
        directions: random unit directions to check per block that is not checked in full.
    """
    checker = _Checker(objective, epsilon, rng)
    return [
        checker.block(placed.names[spec.name], layer, coordinates=coordinates, directions=directions)
        for layer, placed in enumerate(objective.cost.network.placed)
        for spec in placed.specs
        if spec.kind != "statistic"
    ]


class _Checker:
    """One gradient, and the means to compare it block by block."""

    def __init__(self, objective: Objective, epsilon: float, rng: np.random.Generator):
        self.objective, self.epsilon, self.rng = objective, epsilon, rng
        self.parameters, self.theta = objective.cost.parameters, objective.cost.parameters.theta
        self.gradient = objective.gradient()
        self.noise, self.fuzz = self._rounding()

    def block(self, name: str, layer: int, *, coordinates: int | None, directions: int) -> Block:
        """Entries by both witnesses, directions by differences."""
        where = self.parameters.slices[name]
        size = where.stop - where.start
        full = coordinates is None or size <= coordinates
        positions = np.arange(size) if full else np.sort(self.rng.choice(size, coordinates, replace=False))
        analytic = self.gradient[where][positions]
        places = [slice(where.start + p, where.start + p + 1) for p in positions.tolist()]
        (kept, loss, penalty), differences = self._differences([(place, np.ones(1)) for place in places])
        complex_step = along = None
        if self.objective.has_plain_form:
            witness = np.array([self._complex_step(place) for place in places])
            complex_step = measure(analytic, witness, self.fuzz[where][positions])
        if not full and directions:
            drawn = self.rng.standard_normal((directions, size))
            drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
            _, along = self._differences([(where, d) for d in drawn])
        return Block(
            name=name,
            layer=layer,
            shape=self.parameters.values[name].shape,
            entries=Entries(positions[kept], self.theta[where][positions[kept]], analytic[kept], loss, penalty),
            differences=differences,
            complex_step=complex_step,
            directions=along,
        )

    def _differences(self, moves: list[Move]) -> tuple[tuple[npt.NDArray[np.bool_], Array, Array], Measure]:
        """Which moves cross no kink; the slopes of loss and penalty along those; and their measure."""
        analytic = np.array([float(np.dot(self.gradient[where], along)) for where, along in moves])
        fuzz = np.array([float(np.linalg.norm(self.fuzz[where] * along)) for where, along in moves])
        found = [self._nearest(*each) for each in zip(moves, analytic.tolist(), fuzz.tolist(), strict=True)]
        kept = np.array([slopes is not None for slopes in found])
        loss, penalty, rounding = np.array([slopes for slopes in found if slopes is not None]).reshape(-1, 3).T
        compared = measure(analytic[kept], loss + penalty, rounding, left_out=int((~kept).sum()))
        return (kept, loss, penalty), compared

    def _nearest(self, move: Move, expected: float, fuzz: float) -> tuple[float, float, float] | None:
        """Slopes of loss and penalty, and their rounding error; None where a kink is too near.

        A slope that crosses a kink, or is not what the backward pass says, is taken again with smaller steps, and
        the nearest one is kept: with some step the right gradient agrees, a wrong one with none.
        """
        best, least = None, np.inf
        for factor in SMALLER:
            step = factor * self.epsilon
            slopes = self._central(move, step)
            if slopes is None:
                continue
            rounding = fuzz + self.noise / step
            differs = abs(sum(slopes) - expected)
            if best is None or differs - rounding < least:
                best, least = (*slopes, rounding), differs - rounding
            if differs <= RIGHT * abs(expected) + rounding:
                break
        return best

    def _central(self, move: Move, step: float) -> tuple[float, float] | None:
        where, along = move
        start = self.theta[where].copy()
        self.theta[where] = start + step * along
        loss_above, penalty_above, above = self.objective.value()
        self.theta[where] = start - step * along
        loss_below, penalty_below, below = self.objective.value()
        self.theta[where] = start
        if above != below:
            return None
        return (loss_above - loss_below) / (2 * step), (penalty_above - penalty_below) / (2 * step)

    def _complex_step(self, place: slice) -> float:
        theta = self.theta.astype(complex)
        theta[place] += 1j * plain.STEP
        return self.objective.plain_cost(theta).imag / plain.STEP

    def _rounding(self) -> tuple[float, Array]:
        """Rounding errors of a difference of two J, and of dθ (P,), both measured.

        J(θ + δ) + J(θ − δ) − 2J(θ) is of the order of δ². With δ a billionth of θ that is below all digits, so what
        is found is rounding. Saturated units stay what they were, and batch normalisation multiplies their rounding
        errors by up to 1/√ε: hence the least value of dθ's.
        """
        start, (loss, penalty, _) = self.theta.copy(), self.objective.value()
        J = loss + penalty
        noise = 2 * UNIT * abs(J)
        fuzz = np.full(len(start), 1024 * UNIT * (1 + float(np.linalg.norm(self.gradient))))
        for _ in range(8):
            delta = 1e-9 * start * self.rng.standard_normal(len(start))
            (above, above_sides, d_above), (below, below_sides, d_below) = map(self._at, (start + delta, start - delta))
            if above_sides == below_sides:
                noise = max(noise, abs(above + below - 2 * J))
                np.maximum(fuzz, 2 * np.abs(d_above + d_below - 2 * self.gradient), out=fuzz)
        self.theta[:] = start
        return noise, fuzz

    def _at(self, theta: Array) -> tuple[float, bytes, Array]:
        """J, sides and dθ elsewhere."""
        self.theta[:] = theta
        loss, penalty, sides = self.objective.value()
        return loss + penalty, sides, self.objective.gradient()
