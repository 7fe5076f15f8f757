"""Networks for the tests, and the naive network that must agree with them."""

import functools

import numpy as np
import reference

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost, Penalty
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Dense, Dropout, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.core.regularizers import REGULARIZERS


def build_network(sizes, *, activation=("tanh", {}), initializer=("he", {}), keep_prob=None, input_keep_prob=None):
    """A network n_x → … → units with the same activation and keep_prob in every hidden layer.

    Args:
        sizes: (n_x, hidden units …, output units).
        activation: name and settings.
        initializer: name and settings.
        keep_prob: of the hidden layers; None leaves dropout out.
        input_keep_prob: of the input; None leaves dropout out.
    """
    start = INITIALIZERS[initializer[0]](**initializer[1])
    layers = [] if input_keep_prob is None else [Dropout(keep_prob=input_keep_prob)]
    for units in sizes[1:-1]:
        layers += [Dense(units, initializer=start), Elementwise(ACTIVATIONS[activation[0]](**activation[1]))]
        layers += [] if keep_prob is None else [Dropout(keep_prob=keep_prob)]
    return Network([*layers, Dense(sizes[-1], initializer=start)], in_shape=(sizes[0],))


def build_cost(network, loss, *, penalties=(), seed=0, dtype=np.float64):
    """The cost over a network with random weights and random biases (of standard deviation ½)."""
    parameters = network.parameters(dtype=dtype)
    rng = np.random.default_rng(seed)
    network.initialize(parameters, rng)
    biases = slice(parameters.decayed.stop, None)
    parameters.theta[biases] = 0.5 * rng.standard_normal(parameters.theta[biases].size)
    penalties = [Penalty(REGULARIZERS[name](**settings), parameters.decayed) for name, settings in penalties]
    return Cost(network=network, loss=LOSSES[loss](), penalties=penalties, parameters=parameters)


def weights_and_biases(views):
    """[W1, W2, …] and [b1, b2, …] of the named views of θ or dθ, as float64 copies."""
    depth = len(views) // 2
    return tuple([views[f"{kind}{layer}"].astype(np.float64) for layer in range(1, depth + 1)] for kind in "Wb")


def naive_activation(activation):
    """g and g' of the reference."""
    name, settings = activation
    return tuple(functools.partial(table[name], **settings) for table in (reference.ACTIVATIONS, reference.DERIVATIVES))


def naive_loss_and_gradient(parameters, X, Y, *, activation, loss, masks=None):
    """Mean loss, dWs and dbs of the reference, without penalties."""
    Ws, bs = weights_and_biases(parameters.values)
    g, g_derivative = naive_activation(activation)
    masks = masks or [1.0] * len(Ws)
    Zs, inputs = reference.network_forward(X, Ws, bs, g, masks)
    Y_hat = reference.OUTPUTS[loss](Zs[-1])
    dZ = reference.LOSS_GRADIENTS[loss](Y_hat, Y)
    dWs, dbs = reference.network_backward(dZ, Zs, inputs, Ws, g_derivative, masks)
    return reference.LOSSES[loss](Y_hat, Y), dWs, dbs


def draw_masks(rng, batch, sizes, *, keep_prob, input_keep_prob):
    """The factors D/keep_prob that the network's dropout layers draw from `rng` in one forward; 1.0 without one."""
    keep_probs = [input_keep_prob] + [keep_prob] * (len(sizes) - 2)
    return [
        1.0 if keep is None else reference.dropout_mask(rng, (batch, units), keep) / keep
        for units, keep in zip(sizes[:-1], keep_probs, strict=True)
    ]
