"""The health of a network: what one pass forward and backward over a fixed batch shows of every layer.

A sample is a function of the state of the training alone. It works on a copy of θ and of the optimizer's averages, with
dropout off, and draws no random number: a run that is sampled ends in the same bytes as one that is not, and a run
that was interrupted is sampled as one that was not.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlspec.core.activations import Activation, Bound, HardTanh, Relu, Sigmoid, Tanh
from dlspec.core.arrays import Array, Shape
from dlspec.core.constraints import Constraint
from dlspec.core.cost import Cost
from dlspec.core.layers import Binding, Dense, Dropout, Elementwise, Layer
from dlspec.core.network import Network
from dlspec.core.optimizers import Optimizer
from dlspec.core.parameters import ParameterSpec
from dlspec.data.batches import Batch
from dlspec.data.blocks import spread
from dlspec.training.events import TrainingState

EXAMPLES = 128
"""Training examples of a sample, which costs about as much as a step of so many: see benchmarks/health.py."""

DIGITS = 6  # significant digits that are kept: what a sample says is no more exact than that

# |g(z)| from which on g' is below 5 % of its largest value: there a unit hardly learns.
_TANH_SATURATED = 0.975  # 1 − a² < 0.05
_LARGE = 1e15  # its square is far from the end of float32
_TINY = 1e-30  # a sum of squares below this has lost digits in float32


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """One layer of a sample. Numbers that make no sense for it are None.

    Attributes:
        layer: its number, from 1; the output layer is the last.
        activation: name of g; `output` for the logits.
        mean: of its activations A `(m, n)`, all together; of the logits of the output layer.
        std: their standard deviation.
        dead: share of units that are 0 for every example, so that no gradient reaches their weights; of relu.
        saturated: share of activations where g' is below 5 % of its largest value; of sigmoid, tanh and hard_tanh.
        alike: share of units whose weights are those of the first unit, to the last bit; 0 for a single unit.
        gradient_norm: ‖dW‖ of the cost, before any clipping.
        update_ratio: ‖ΔW‖/‖W‖ of the step that this gradient would make; None where W is 0.
    """

    layer: int
    activation: str
    mean: float
    std: float
    dead: float | None
    saturated: float | None
    alike: float
    gradient_norm: float
    update_ratio: float | None


@dataclass(frozen=True, slots=True)
class InputHealth:
    """The inputs of the batch, which stay the same.

    Attributes:
        rms: root mean square of all values.
        scale_ratio: the largest root mean square of a feature by the smallest one that is not 0; 1 where all are.
    """

    rms: float
    scale_ratio: float


class _Probe:
    """A layer that changes nothing and shows what passes.

    Args:
        look: called with A `(m, n)` of every forward pass.
    """

    owns_output = False

    def __init__(self, look: Callable[[Array], None]):
        self.look = look

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """The shape stays; no parameters."""
        return in_shape, []

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """Nothing to start."""

    def bind(self, to: Binding) -> Bound:  # noqa: ARG002 - the signature of the family
        """Look at A and pass it on."""

        def forward(A: Array) -> Array:
            self.look(A)
            return A

        return Bound(forward, lambda dA: dA)


class HealthSampler:
    """Samples the health of a network from states of its training.

    Nothing is allocated before the first sample: a run that is resumed for a few steps may need none.

    Args:
        cost: of the training; its parameters are only read for their layout.
        optimizer: the update rule.
        before_step: what is done to dθ before a step, such as clipping.
        rate: α of a state.
        names: of the activations by their class.
        batch: inputs, targets and weights of the training examples to look at, as from `sample_of`.
    """

    def __init__(
        self,
        *,
        cost: Cost,
        optimizer: Optimizer,
        before_step: Sequence[Constraint],
        rate: Callable[[TrainingState], float],
        names: dict[type, str],
        batch: Batch,
    ):
        self._original = cost
        self._optimizer = optimizer
        self._before_step = before_step
        self._rate = rate
        self._names = names
        self._batch = batch
        self._seen: list[tuple[str, float, float, float | None, float | None]] = []
        self._sample: Callable[[TrainingState], list[LayerHealth]] | None = None

    def __call__(self, state: TrainingState) -> list[LayerHealth]:
        """Every layer, from the first to the output."""
        if self._sample is None:
            self._sample = self._bind()
        return self._sample(state)

    def inputs(self) -> InputHealth:
        """What goes into the first layer."""
        of_features = np.sqrt(np.mean(np.square(self._batch[0], dtype=np.float64), axis=0))
        present = of_features[of_features > 0]
        ratio = float(present.max() / present.min()) if present.size else 1.0
        return InputHealth(_rounded(np.sqrt(np.mean(of_features**2))), _rounded(ratio))

    def _bind(self) -> Callable[[TrainingState], list[LayerHealth]]:
        """Allocate the copies, and give the function that samples with them."""
        original = self._original
        network = Network(self._probed(original.network), in_shape=original.network.in_shape)
        parameters = network.parameters(dtype=original.dtype)
        cost = Cost(network=network, loss=original.loss, penalties=original.penalties, parameters=parameters)
        loss_and_gradient = cost.bind(len(self._batch[0]))
        constraints = [constraint.bind(parameters) for constraint in self._before_step]
        bound = self._optimizer.bind(parameters.theta, parameters.grad, decayed=parameters.decayed)
        weights = [spec.name for spec in parameters.specs if spec.kind == "weight"]
        places = [parameters.slices[name] for name in weights]

        def sample(state: TrainingState) -> list[LayerHealth]:
            np.copyto(parameters.vector, state.vector)
            for name, average in bound.state.items():
                np.copyto(average, state.optimizer[name])
            self._seen.clear()
            loss_and_gradient(*self._batch)
            sizes = [_norm(parameters.theta[place]) for place in places]
            alike = [_alike(parameters.values[name]) for name in weights]
            gradients = [_norm(parameters.grad[place]) for place in places]
            for constrain in constraints:
                constrain()
            bound.step(self._rate(state), state.step + 1)
            np.subtract(parameters.vector, state.vector, out=parameters.vector)
            updates = [_norm(parameters.theta[place]) for place in places]
            ratios = [_rounded(update / size) if size else None for update, size in zip(updates, sizes, strict=True)]
            columns = zip(self._seen, alike, gradients, ratios, strict=True)
            return [
                LayerHealth(number, *seen, alike=alike, gradient_norm=_rounded(gradient), update_ratio=ratio)
                for number, (seen, alike, gradient, ratio) in enumerate(columns, start=1)
            ]

        return sample

    def _probed(self, network: Network) -> list[Layer]:
        """Its layers without dropout, and behind each activation and at the end a probe."""
        layers: list[Layer] = []
        for placed in network.placed:
            if not isinstance(placed.layer, Dropout):
                layers.append(placed.layer)
            if isinstance(placed.layer, Elementwise):
                layers.append(_Probe(self._looker(placed.layer.activation)))
        assert isinstance(layers[-1], Dense)  # noqa: S101 - the logits
        return [*layers, _Probe(self._looker(None))]

    def _looker(self, activation: Activation | None) -> Callable[[Array], None]:
        name = "output" if activation is None else self._names[type(activation)]

        def look(A: Array) -> None:
            # Of an exploding signal the squares overflow.
            exact = A if np.abs(A).max(initial=0.0) < _LARGE else A.astype(np.float64)
            dead = _rounded(np.mean(~(A > 0).any(axis=0))) if isinstance(activation, Relu) else None
            self._seen.append((name, _rounded(exact.mean()), _rounded(exact.std()), dead, _saturated(activation, A)))

        return look


def sample_of(X: NDArray[np.floating], Y: NDArray[np.generic], weights: Array | None) -> Batch:
    """The batch to look at: up to 128 training examples at equal distances, so that an order by class does no harm."""
    rows = spread(np.arange(len(X)), EXAMPLES)
    return np.ascontiguousarray(X[rows]), np.ascontiguousarray(Y[rows]), None if weights is None else weights[rows]


def _saturated(activation: Activation | None, A: Array) -> float | None:
    if isinstance(activation, Tanh):
        return _rounded(np.mean(np.abs(A) > _TANH_SATURATED))
    if isinstance(activation, Sigmoid):  # σ(z) = (1 + tanh(z/2))/2
        return _rounded(np.mean(np.abs(2 * A - 1) > _TANH_SATURATED))
    return _rounded(np.mean(np.abs(A) >= 1)) if isinstance(activation, HardTanh) else None


def _alike(W: Array) -> float:
    others = len(W) - 1
    return _rounded((W[1:] == W[0]).all(axis=1).sum() / others) if others else 0.0


def _norm(values: Array) -> float:
    """‖values‖₂ of a vector; in float64 where the squares overflow or vanish."""
    square = float(np.dot(values, values))
    return math.sqrt(square) if _TINY < square < math.inf else float(np.linalg.norm(values.astype(np.float64)))


def _rounded(number: float | np.floating) -> float:
    return float(f"{number:.{DIGITS}g}")
