"""The cost J once more, as plain formulas on complex numbers: a second witness for gradients.

Complex-step derivative (Squire and Trapp, 1998): f(θ + ih) = f(θ) + ih f'(θ) + O(h²) for an analytic f,
so Im f(θ + ih)/h is the derivative. No difference is taken, so nothing is rounded away and h can be so
small that h² is 0 beside 1: all digits are right. Where a formula has pieces (relu, |e|), the real part
says which piece it is, and the slope on a kink is the one that dlspec uses there.

Nothing here shares code with the layers, activations and losses it repeats, and nothing is fast.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dlspec.core import activations, layers, losses, regularizers
from dlspec.core.arrays import Array
from dlspec.core.cost import Cost
from dlspec.core.randomness import uniform_16_bits

Complex = npt.NDArray[np.complexfloating[Any, Any]]

STEP = 1e-40  # h


def has_forms(cost: Cost) -> bool:
    """Whether every layer, every activation, the loss and every penalty have a plain formula here."""
    parts = [placed.layer for placed in cost.network.placed]
    known = [_form(LAYERS, layer) for layer in parts]
    known += [_form(ACTIVATIONS, layer.activation) for layer in parts if isinstance(layer, layers.Elementwise)]
    known += [_form(REGULARIZERS, regularizer) for regularizer, _ in cost.penalties]
    return None not in known and _form(LOSSES, cost.loss) is not None


def cost(
    described: Cost,
    theta: Complex,
    X: Array,
    Y: npt.NDArray[Any],
    w: Array | None,
    rng: np.random.Generator | None,
) -> complex:
    """J(θ) = (1/m) Σ_i w_i loss_i + Σ penalties, in training mode.

    Args:
        described: the parts, which all have a plain formula.
        theta: θ (P,), complex.
        X: inputs (m, n_x).
        Y: targets.
        w: weights (m,) of the examples; None for 1.
        rng: generator of the dropout masks, drawn as the layers draw them.
    """
    values = described.parameters.views_of(theta)  # type: ignore[arg-type] # views of any dtype
    A: Complex = X.astype(complex)
    for placed in described.network.placed:
        own = {local: values[name] for local, name in placed.names.items() if name in values}
        A = _form(LAYERS, placed.layer)(placed.layer, own, A, rng)
    losses_ = _form(LOSSES, described.loss)(described.loss, A, Y)
    penalties = [_form(REGULARIZERS, r)(r, theta[where], len(X)) for r, where in described.penalties]
    return complex(np.mean(losses_ if w is None else w * losses_) + sum(penalties))


def _form(table: Mapping[type, Any], part: object) -> Any:
    """The formula of a part, by its class or the nearest one above; None where there is none."""
    return next((table[kind] for kind in type(part).__mro__ if kind in table), None)


# --- activations ---------------------------------------------------------------------------------------


def _sigmoid(z: Complex) -> Any:
    return 0.5 * (1 + np.tanh(z / 2))  # 1/(1 + e⁻ᶻ) would overflow


def _softplus(z: Complex) -> Any:
    positive = z.real > 0
    return np.where(positive, z, 0) + np.log1p(np.exp(np.where(positive, -z, z)))


def _exponential(z: Complex, slope: float, depth: float) -> Any:
    positive = z.real > 0
    return np.where(positive, slope * z, depth * np.expm1(np.where(positive, 0, z)))


def _erf(z: Complex) -> Any:
    """2/√π · e^(−z²) Σ 2ⁿ z^(2n+1)/(2n + 1)!!: terms of one sign, so no digits cancel. ±1 beyond 6."""
    inside = np.where(np.abs(z.real) < 6, z, 0)
    term = total = inside
    for n in range(1, 150):
        term = term * (2 * inside * inside / (2 * n + 1))
        total = total + term
    return np.where(inside == z, 2 / math.sqrt(math.pi) * np.exp(-inside * inside) * total, np.sign(z.real))


def _gelu(g: activations.Gelu, z: Complex) -> Any:
    if g.form == "tanh":
        return 0.5 * z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
    return 0.5 * z * (1 + _erf(z / math.sqrt(2)))


ACTIVATIONS: dict[type, Callable[[Any, Complex], Any]] = {
    activations.Linear: lambda _, z: z,
    activations.Sigmoid: lambda _, z: _sigmoid(z),
    activations.Tanh: lambda _, z: np.tanh(z),
    activations.Relu: lambda _, z: np.where(z.real > 0, z, 0),
    activations.LeakyRelu: lambda g, z: np.where(z.real > 0, z, g.slope * z),
    activations.HardTanh: lambda _, z: np.where(np.abs(z.real) < 1, z, np.sign(z.real)),
    activations.Elu: lambda g, z: _exponential(z, 1.0, g.alpha),
    activations.Selu: lambda g, z: _exponential(z, g.SCALE, g.SCALE * g.ALPHA),
    activations.Softplus: lambda _, z: _softplus(z),
    activations.Silu: lambda _, z: z * _sigmoid(z),
    activations.Gelu: _gelu,
}

# --- layers --------------------------------------------------------------------------------------------

Values = Mapping[str, Complex]
Generator = np.random.Generator | None


def _dense(_: layers.Dense, own: Values, A: Complex, _rng: Generator) -> Any:
    return A @ own["W"].T + own.get("b", 0)


def _elementwise(layer: layers.Elementwise, _own: Values, Z: Complex, _rng: Generator) -> Any:
    return _form(ACTIVATIONS, layer.activation)(layer.activation, Z)


def _dropout(layer: layers.Dropout, _own: Values, A: Complex, rng: Generator) -> Any:
    if rng is None:
        raise ValueError("dropout needs a random generator; pass rng")
    draw, u = uniform_16_bits(rng, A.shape)
    draw()
    return A * (u < max(1, round(layer.keep_prob * 65_536))) / layer.keep_prob


def _batch_norm(layer: layers.BatchNorm, own: Values, Z: Complex, _rng: Generator) -> Any:
    mu = Z.mean(axis=0)
    sigma2 = ((Z - mu) ** 2).mean(axis=0)
    return own["gamma"] * (Z - mu) / np.sqrt(sigma2 + layer.epsilon) + own["beta"]


LAYERS: dict[type, Callable[[Any, Values, Complex, Generator], Any]] = {
    layers.Dense: _dense,
    layers.Elementwise: _elementwise,
    layers.Dropout: _dropout,
    layers.BatchNorm: _batch_norm,
}

# --- losses: (m,) from logits Z (m, units) and targets -----------------------------------------------------


def _smoothed(Y: npt.NDArray[Any], smoothing: float, classes: int) -> npt.NDArray[Any]:
    return (1 - smoothing) * Y + smoothing / classes


def _absolute_error(_: losses.AbsoluteError, Z: Complex, Y: npt.NDArray[Any]) -> Any:
    e = Z - Y
    return (np.sign(e.real) * e).sum(axis=1)


def _huber(loss: losses.Huber, Z: Complex, Y: npt.NDArray[Any]) -> Any:
    e, delta = Z - Y, loss.delta
    far = delta * (np.sign(e.real) * e - delta / 2)
    return np.where(np.abs(e.real) <= delta, e**2 / 2, far).sum(axis=1)


def _binary(loss: losses.BinaryCrossEntropy, Z: Complex, Y: npt.NDArray[Any]) -> Any:
    z = Z[:, 0]
    return _softplus(z) - z * _smoothed(Y, loss.label_smoothing, 2)


def _categorical(loss: losses.CategoricalCrossEntropy, Z: Complex, Y: npt.NDArray[Any]) -> Any:
    classes = Z.shape[1]
    largest = Z.real.max(axis=1, keepdims=True)
    log_sum = largest[:, 0] + np.log(np.exp(Z - largest).sum(axis=1))
    return log_sum - (Z * _smoothed(np.eye(classes)[Y], loss.label_smoothing, classes)).sum(axis=1)


def _multi_task(loss: losses.MultiTaskCrossEntropy, Z: Complex, Y: npt.NDArray[Any]) -> Any:
    present = ~np.isnan(Y)
    y = _smoothed(np.where(present, Y, 0), loss.label_smoothing, 2)
    return np.where(present, _softplus(Z) - Z * y, 0).sum(axis=1)


LOSSES: dict[type, Callable[[Any, Complex, npt.NDArray[Any]], Any]] = {
    losses.SquaredError: lambda _, Z, Y: ((Z - Y) ** 2).sum(axis=1) / 2,
    losses.AbsoluteError: _absolute_error,
    losses.Huber: _huber,
    losses.BinaryCrossEntropy: _binary,
    losses.CategoricalCrossEntropy: _categorical,
    losses.MultiTaskCrossEntropy: _multi_task,
}

# --- penalties, from all weights W (P_decayed,) and m --------------------------------------------------------

REGULARIZERS: dict[type, Callable[[Any, Complex, int], Any]] = {
    regularizers.L2: lambda penalty, W, m: penalty.lambda_ / (2 * m) * (W**2).sum(),
    regularizers.L1: lambda penalty, W, m: penalty.lambda_ / m * (np.sign(W.real) * W).sum(),
}
