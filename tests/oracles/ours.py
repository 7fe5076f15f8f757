"""The cases as dlspec trains them."""

import numpy as np

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost, Penalty
from dlspec.core.decay import DECAYS, Warmup
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import BatchNorm, Dense, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.regularizers import REGULARIZERS
from dlspec.training.plateau import Plateau, PlateauState, lowered
from dlspec.training.stopping import Watch

from .cases import (
    BATCHES,
    EPSILON,
    HIDDEN,
    KEPT_STEPS,
    MOMENTUM,
    N_X,
    PENALTIES,
    PLATEAU_VALUES,
    STEPS,
    Result,
    batches,
    dev_inputs,
    flat,
    shapes,
    start_values,
)


def rates(decay, learning_rate, total):
    """α of each of `total` steps."""
    name, settings = decay[0], dict(decay[1])
    if name == "plateau":
        return _plateau_rates(learning_rate, total, **settings)
    warmup = settings.pop("warmup", 0)
    rule = DECAYS[name](**settings)
    rule = Warmup(rule, length=warmup) if warmup else rule
    return [rule(learning_rate, t, total) for t in range(total)]


def _plateau_rates(learning_rate, total, *, patience, min_delta=0.0, **settings):
    watch = Watch("dev_loss", rising=False, min_delta=min_delta, patience=patience)
    plateau, state, result = Plateau(watch, **settings), PlateauState(), []
    for epoch, value in enumerate(PLATEAU_VALUES[:total], start=1):
        result.append(learning_rate * state.factor)
        state = lowered(state, plateau, learning_rate=learning_rate, epoch=epoch, value=value)
    return result


def network(units, normalization):
    layers, zeros = [], INITIALIZERS["zeros"]()
    for n_out, activation in zip(HIDDEN, ("relu", "tanh"), strict=True):
        g = Elementwise(ACTIVATIONS[activation]())
        norm = BatchNorm(momentum=MOMENTUM, epsilon=EPSILON)
        layers += [Dense(n_out, initializer=zeros, bias=normalization != "before")]
        layers += {"none": [g], "before": [norm, g], "after": [g, norm]}[normalization]
    return Network([*layers, Dense(units, initializer=zeros)], in_shape=(N_X,))


def train(case):
    """The result of one case."""
    loss, loss_settings, units = case.loss
    model = network(units, case.normalization)
    parameters = model.parameters(dtype=np.float64)
    model.initialize(parameters, np.random.default_rng(0))  # γ, β and the statistics; the rest follows
    for name, value in start_values(case).items():
        parameters.values[name][...] = value
    penalties = [
        Penalty(REGULARIZERS[name](lambda_=value), parameters.decayed)
        for name, value in PENALTIES[case.penalty].items()
    ]
    cost = Cost(network=model, loss=LOSSES[loss](**loss_settings), penalties=penalties, parameters=parameters)
    steps = {m: cost.bind(m) for m in set(BATCHES)}
    optimizer = OPTIMIZERS[case.optimizer[0]](**case.optimizer[1])
    update = optimizer.bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step

    names, losses, thetas, data = shapes(units, case.normalization), [], [], batches(case)
    for t, rate in enumerate(rates(case.decay, case.learning_rate, STEPS), start=1):
        X, Y = data[(t - 1) % len(data)]
        losses.append(steps[len(X)](X, Y, None))
        update(rate, t)
        if t in KEPT_STEPS:
            thetas.append(flat(parameters.values, names))
    X = dev_inputs()
    logits = model.bind(parameters, batch=len(X), training=False).forward(X).copy()
    return Result(np.array(losses), np.array(thetas), _statistics(parameters.values, case.normalization), logits)


def _statistics(values, normalization):
    if normalization == "none":
        return np.empty(0)
    corrected = {
        f"{name}{layer}": values[f"{name}{layer}"] / (1 - MOMENTUM ** values[f"t{layer}"][0])
        for layer in range(1, len(HIDDEN) + 1)
        for name in ("mean", "variance")
    }
    return flat(corrected, corrected)


def activation(name, settings, z):
    """g(z) and g'(z)."""
    bound = ACTIVATIONS[name](**settings).bind(np.shape(z), np.float64)
    return bound.forward(np.array(z, float)).copy(), bound.backward(np.ones(np.shape(z)))


def loss_and_gradient(name, settings, Z, Y):
    """The loss of each example, and dZ."""
    losses, dZ = LOSSES[name](**settings).bind(*Z.shape, np.float64)(Z.copy(), Y)
    return losses.copy(), dZ.copy()


class Ones:
    """A generator whose every draw is 1, or the upper end of a range: what is filled is the factor."""

    def standard_normal(self, shape):
        return np.ones(shape)

    def uniform(self, low, high, shape):  # noqa: ARG002 - the signature of a generator
        return np.full(shape, high)


def initializer_factor(name, gain, shape):
    """What N(0, 1) is multiplied by, or the bound of a uniform."""
    W = np.empty(shape)
    INITIALIZERS[name](gain=gain).fill(W, Ones())
    return float(W[0, 0])
