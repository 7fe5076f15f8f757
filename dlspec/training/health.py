"""The health of a network: what one pass forward and backward over a fixed batch shows of every layer.

A sample is a function of the state of the training alone, with dropout off and no random number drawn. It works in the
arrays of the training itself, which stands still meanwhile, and puts back what it changed: a run that is sampled ends
in the same bytes as one that is not, and a run that was interrupted is sampled as one that was not.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.core.activations import Activation, Bound, HardTanh, Relu, Sigmoid, Tanh
from dlspec.core.arrays import Array, Shape
from dlspec.core.constraints import Constraint
from dlspec.core.cost import Cost
from dlspec.core.layers import Binding, Dense, Dropout, Elementwise, Layer
from dlspec.core.network import Network
from dlspec.core.optimizers import BoundOptimizer
from dlspec.core.parameters import ParameterSpec
from dlspec.data.batches import Batch
from dlspec.data.blocks import spread
from dlspec.training.events import TrainingState

EXAMPLES = 64
"""Training examples of a sample, which costs about as much as a step of so many: see benchmarks/health.py."""

DIGITS = 6  # significant digits that are kept: what a sample says is no more exact than that

# |g(z)| from which on g' is below 5 % of its largest value: there a unit hardly learns.
_TANH_SATURATED = 0.975  # 1 − a² < 0.05
_TINY = 1e-30  # a sum of squares below this has lost digits in float32

_Look = tuple[str, float, float, float | None, float | None]  # the first columns of `LayerHealth`, without the number


class LayerHealth(NamedTuple):
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


class InputHealth(NamedTuple):
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
        look: called with A `(m, n)` of every forward pass, and with an array of that size to write to.
    """

    owns_output = False

    def __init__(self, look: Callable[[Array, Array], None]):
        self.look = look

    def shapes(self, in_shape: Shape) -> tuple[Shape, list[ParameterSpec]]:
        """The shape stays; no parameters."""
        return in_shape, []

    def initialize(self, values: dict[str, Array], rng: np.random.Generator) -> None:
        """Nothing to start."""

    def bind(self, to: Binding) -> Bound:
        """Look at A and pass it on."""
        look, spare = self.look, to.input_gradient  # nothing is in there before the gradient comes back
        assert spare is not None  # noqa: S101 - there are weights before every probe

        def forward(A: Array) -> Array:
            look(A, spare)
            return A

        return Bound(forward, lambda dA: dA)


class HealthSampler:
    """Samples the health of a network in training.

    Nothing is allocated before the first sample: a run that is resumed for a few steps may need none.

    Args:
        cost: of the training.
        optimizer: of the training, bound to the parameters of `cost`.
        before_step: what is done to dθ before a step, such as clipping.
        rate: α of a state.
        names: of the activations by their class.
        batch: inputs, targets and weights of the training examples to look at, as from `sample_of`.
    """

    def __init__(
        self,
        *,
        cost: Cost,
        optimizer: BoundOptimizer,
        before_step: Sequence[Constraint],
        rate: Callable[[TrainingState], float],
        names: dict[type, str],
        batch: Batch,
    ):
        self._cost = cost
        self._optimizer = optimizer
        self._before_step = before_step
        self._rate = rate
        self._names = names
        self._batch = batch
        self._seen: list[_Look] = []
        self._sample: Callable[[TrainingState], list[LayerHealth]] | None = None

    def __call__(self, state: TrainingState) -> list[LayerHealth]:
        """Every layer, from the first to the output.

        Args:
            state: that of the training now, from which what the sample changes is put back; dθ is not.
        """
        if self._sample is None:
            self._sample = self._bind()
        return self._sample(state)

    def inputs(self) -> InputHealth:
        """What goes into the first layer."""
        X = self._batch[0]
        squares = np.add.reduce(np.multiply(X, X, dtype=np.float64), axis=0).tolist()
        present = [square for square in squares if square > 0]
        ratio = math.sqrt(max(present) / min(present)) if present else 1.0
        return InputHealth(_rounded(math.sqrt(sum(squares) / X.size)), _rounded(ratio))

    def _bind(self) -> Callable[[TrainingState], list[LayerHealth]]:
        """Buffers for the batch over the θ and dθ of the training, and the function that samples with them."""
        original, parameters, optimizer = self._cost, self._cost.parameters, self._optimizer
        network = Network(self._probed(original.network), in_shape=original.network.in_shape)
        cost = Cost(network=network, loss=original.loss, penalties=original.penalties, parameters=parameters)
        loss_and_gradient = cost.bind(len(self._batch[0]))
        constraints = [constraint.bind(parameters) for constraint in self._before_step]
        theta, grad = parameters.theta, parameters.grad
        weights = [spec.name for spec in parameters.specs if spec.kind == "weight"]
        places = [parameters.slices[name] for name in weights]

        def sample(state: TrainingState) -> list[LayerHealth]:
            self._seen.clear()
            sizes = [_norm(theta[place]) for place in places]
            alike = [_alike(parameters.values[name]) for name in weights]
            loss_and_gradient(*self._batch)
            gradients = [_norm(grad[place]) for place in places]
            for constrain in constraints:
                constrain()
            optimizer.step(self._rate(state), state.step + 1)
            np.subtract(theta, state.vector[: theta.size], out=grad)
            updates = [_norm(grad[place]) for place in places]
            np.copyto(parameters.vector, state.vector)  # also the statistics, which the forward pass averages
            for name, average in optimizer.state.items():
                np.copyto(average, state.optimizer[name])
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

    def _looker(self, activation: Activation | None) -> Callable[[Array, Array], None]:
        name = "output" if activation is None else self._names[type(activation)]

        def look(A: Array, spare: Array) -> None:
            dead = _dead(A) if isinstance(activation, Relu) else None
            self._seen.append((name, *_mean_and_std(A, spare), dead, _saturated(activation, A)))

        return look


def sample_of(X: NDArray[np.floating], Y: NDArray[np.generic], weights: Array | None) -> Batch:
    """The batch to look at: up to 64 training examples at equal distances, so that an order by class does no harm."""
    rows = spread(np.arange(len(X)), EXAMPLES)
    return np.ascontiguousarray(X[rows]), np.ascontiguousarray(Y[rows]), None if weights is None else weights[rows]


def _mean_and_std(A: Array, spare: Array) -> tuple[float, float]:
    """Of all values; in float64 where the squares overflow or vanish. A quarter of the time of `mean` and `std`."""
    mean = float(np.add.reduce(A, axis=None)) / A.size
    centred = np.subtract(A, mean, out=spare).reshape(-1)
    square = float(np.dot(centred, centred))
    if _TINY < square < math.inf:
        return _rounded(mean), _rounded(math.sqrt(square / A.size))
    exact = A.astype(np.float64)
    return _rounded(exact.mean()), _rounded(exact.std())


def _dead(A: Array) -> float:
    """Share of the columns without a positive value."""
    alive = np.maximum.reduce(A, axis=0) > 0
    return _rounded(1 - np.count_nonzero(alive) / alive.size)


def _saturated(activation: Activation | None, A: Array) -> float | None:
    if isinstance(activation, Tanh):
        return _share(np.abs(A) > _TANH_SATURATED)
    if isinstance(activation, Sigmoid):  # σ(z) = (1 + tanh(z/2))/2
        return _share(np.abs(2 * A - 1) > _TANH_SATURATED)
    return _share(np.abs(A) >= 1) if isinstance(activation, HardTanh) else None


def _share(true: NDArray[np.bool_]) -> float:
    return _rounded(np.count_nonzero(true) / true.size)


def _alike(W: Array) -> float:
    """Share of the rows that are the first one; those that differ in the first column need no second look."""
    others = len(W) - 1
    if not others or np.count_nonzero(W[1:, 0] == W[0, 0]) == 0:
        return 0.0
    return _rounded((W[1:] == W[0]).all(axis=1).sum() / others)


def _norm(values: Array) -> float:
    """‖values‖₂ of a vector; in float64 where the squares overflow or vanish."""
    square = float(np.dot(values, values))
    return math.sqrt(square) if _TINY < square < math.inf else float(np.linalg.norm(values.astype(np.float64)))


def _rounded(number: float) -> float:
    return float(f"{float(number):.{DIGITS}g}")
