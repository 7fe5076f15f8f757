"""The specification in plain NumPy: every formula as it is written down, allocating freely, in float64.

Tests compare the in-place code of `dlspec.core` with these. Nothing here is clever; where a formula
could overflow or lose digits it does, so callers keep to moderate numbers.
"""

import itertools
import math
from fractions import Fraction

import numpy as np

# --- activations g(Z) and their derivatives g'(Z), both from Z ---------------------------------------


def linear(Z):
    return Z


def linear_derivative(Z):
    return np.ones_like(Z)


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def sigmoid_derivative(Z):
    return sigmoid(Z) * (1 - sigmoid(Z))


def tanh(Z):
    return (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z))


def tanh_derivative(Z):
    return 1 - tanh(Z) ** 2


def relu(Z):
    return np.where(Z > 0, Z, 0.0)


def relu_derivative(Z):
    return np.where(Z > 0, 1.0, 0.0)


def leaky_relu(Z, slope=0.01):
    return np.where(Z > 0, Z, slope * Z)


def leaky_relu_derivative(Z, slope=0.01):
    return np.where(Z > 0, 1.0, slope)


def hard_tanh(Z):
    return np.where(Z > 1, 1.0, np.where(Z < -1, -1.0, Z))


def hard_tanh_derivative(Z):
    return np.where(np.abs(Z) < 1, 1.0, 0.0)


def elu(Z, alpha=1.0):
    return np.where(Z > 0, Z, alpha * (np.exp(Z) - 1))


def elu_derivative(Z, alpha=1.0):
    return np.where(Z > 0, 1.0, alpha * np.exp(Z))


def selu(Z):
    return 1.0507009873554804934193349852946 * elu(Z, alpha=1.6732632423543772848170429916717)


def selu_derivative(Z):
    return 1.0507009873554804934193349852946 * elu_derivative(Z, alpha=1.6732632423543772848170429916717)


def softplus(Z):
    return np.log(1 + np.exp(Z))


def softplus_derivative(Z):
    return sigmoid(Z)


def silu(Z):
    return Z * sigmoid(Z)


def silu_derivative(Z):
    return sigmoid(Z) * (1 + Z * (1 - sigmoid(Z)))


def gelu(Z, form="exact"):
    return Z * normal_distribution(Z)[form]


def gelu_derivative(Z, form="exact"):
    Phi = normal_distribution(Z)[form]
    inner_derivative = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * Z**2)
    Phi_derivative = {
        "exact": np.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi),
        "tanh": (1 - (2 * Phi - 1) ** 2) / 2 * inner_derivative,
    }[form]
    return Phi + Z * Phi_derivative


def normal_distribution(Z):
    """Φ(Z), and its approximation by a tanh."""
    erf = np.vectorize(math.erf, otypes=[np.float64])
    return {
        "exact": (1 + erf(Z / math.sqrt(2))) / 2,
        "tanh": (1 + np.tanh(math.sqrt(2 / math.pi) * (Z + 0.044715 * Z**3))) / 2,
    }


ACTIVATIONS = {
    "linear": linear,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "hard_tanh": hard_tanh,
    "elu": elu,
    "selu": selu,
    "softplus": softplus,
    "silu": silu,
    "gelu": gelu,
}
DERIVATIVES = {
    "linear": linear_derivative,
    "sigmoid": sigmoid_derivative,
    "tanh": tanh_derivative,
    "relu": relu_derivative,
    "leaky_relu": leaky_relu_derivative,
    "hard_tanh": hard_tanh_derivative,
    "elu": elu_derivative,
    "selu": selu_derivative,
    "softplus": softplus_derivative,
    "silu": silu_derivative,
    "gelu": gelu_derivative,
}

# --- losses: the output ŷ, the mean loss from ŷ and Y, and its gradient by the logits Z ---------------


def softmax(Z):
    return np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)


def squared_error(Y_hat, Y):
    return 0.5 * ((Y_hat - Y) ** 2).sum(axis=1).mean()


def squared_error_gradient(Y_hat, Y):
    return (Y_hat - Y) / len(Y)


def absolute_error(Y_hat, Y):
    return np.mean(np.sum(np.abs(Y_hat - Y), axis=1))


def absolute_error_gradient(Y_hat, Y):
    return np.sign(Y_hat - Y) / len(Y)


def huber(Y_hat, Y, *, delta=1.0):
    e = np.abs(Y_hat - Y)
    return np.mean(np.sum(np.where(e <= delta, e**2 / 2, delta * (e - delta / 2)), axis=1))


def huber_gradient(Y_hat, Y, *, delta=1.0):
    return np.clip(Y_hat - Y, -delta, delta) / len(Y)


def multi_task_cross_entropy(Y_hat, Y):
    losses = -(Y * np.log(Y_hat) + (1 - Y) * np.log(1 - Y_hat))
    return np.nansum(losses) / len(Y)


def multi_task_cross_entropy_gradient(Y_hat, Y):
    return np.where(np.isnan(Y), 0.0, Y_hat - Y) / len(Y)


def binary_cross_entropy(Y_hat, Y):
    y_hat = Y_hat[:, 0]
    return -(Y * np.log(y_hat) + (1 - Y) * np.log(1 - y_hat)).mean()


def binary_cross_entropy_gradient(Y_hat, Y):
    return (Y_hat - Y[:, np.newaxis]) / len(Y)


def categorical_cross_entropy(Y_hat, Y):
    onehot = np.eye(Y_hat.shape[1])[Y]
    return -(onehot * np.log(Y_hat)).sum(axis=1).mean()


def categorical_cross_entropy_gradient(Y_hat, Y):
    onehot = np.eye(Y_hat.shape[1])[Y]
    return (Y_hat - onehot) / len(Y)


OUTPUTS = {
    "squared_error": linear,
    "absolute_error": linear,
    "huber": linear,
    "binary_cross_entropy": sigmoid,
    "categorical_cross_entropy": softmax,
    "multi_task_cross_entropy": sigmoid,
}
LOSSES = {
    "squared_error": squared_error,
    "absolute_error": absolute_error,
    "huber": huber,
    "binary_cross_entropy": binary_cross_entropy,
    "categorical_cross_entropy": categorical_cross_entropy,
    "multi_task_cross_entropy": multi_task_cross_entropy,
}
LOSS_GRADIENTS = {
    "squared_error": squared_error_gradient,
    "absolute_error": absolute_error_gradient,
    "huber": huber_gradient,
    "binary_cross_entropy": binary_cross_entropy_gradient,
    "categorical_cross_entropy": categorical_cross_entropy_gradient,
    "multi_task_cross_entropy": multi_task_cross_entropy_gradient,
}

# --- batch normalisation over a batch Z (m, n), and its gradient by the chain rule through μ and σ² ----


def batch_norm(Z, gamma, beta, epsilon):
    return gamma * (Z - Z.mean(axis=0)) / np.sqrt(Z.var(axis=0) + epsilon) + beta


def batch_norm_backward(d_out, Z, gamma, epsilon):
    m, centered, sigma = len(Z), Z - Z.mean(axis=0), np.sqrt(Z.var(axis=0) + epsilon)
    dZ_hat = d_out * gamma
    d_variance = (dZ_hat * centered).sum(axis=0) * -0.5 / sigma**3
    d_mean = -dZ_hat.sum(axis=0) / sigma - 2 * d_variance * centered.mean(axis=0)
    dZ = dZ_hat / sigma + 2 * d_variance * centered / m + d_mean / m
    return dZ, (d_out * centered / sigma).sum(axis=0), d_out.sum(axis=0)


# --- penalties on the weights of a cost over m examples -----------------------------------------------


def l2(W, m, lambda_):
    return lambda_ / (2 * m) * (W**2).sum()


def l2_gradient(W, m, lambda_):
    return lambda_ / m * W


def l1(W, m, lambda_):
    return lambda_ / m * np.abs(W).sum()


def l1_gradient(W, m, lambda_):
    return lambda_ / m * np.sign(W)


PENALTIES = {"l2": l2, "l1": l1}
PENALTY_GRADIENTS = {"l2": l2_gradient, "l1": l1_gradient}

# --- start values of W (n_out, n_in): their standard deviation at gain 1, and how they are drawn ------

INITIALIZER_FACTORS = {
    "zeros": lambda n_out, n_in: 0.0,  # noqa: ARG005 - the signature of the family
    "constant": lambda n_out, n_in: 0.0,  # noqa: ARG005
    "small": lambda n_out, n_in: 0.01,  # noqa: ARG005
    "large": lambda n_out, n_in: 10.0,  # noqa: ARG005
    "xavier": lambda n_out, n_in: math.sqrt(1 / n_in),  # noqa: ARG005
    "lecun": lambda n_out, n_in: math.sqrt(1 / n_in),  # noqa: ARG005
    "he": lambda n_out, n_in: math.sqrt(2 / n_in),  # noqa: ARG005
    "glorot": lambda n_out, n_in: math.sqrt(2 / (n_in + n_out)),
    "xavier_uniform": lambda n_out, n_in: math.sqrt(1 / n_in),  # noqa: ARG005
    "lecun_uniform": lambda n_out, n_in: math.sqrt(1 / n_in),  # noqa: ARG005
    "he_uniform": lambda n_out, n_in: math.sqrt(2 / n_in),  # noqa: ARG005
    "glorot_uniform": lambda n_out, n_in: math.sqrt(2 / (n_in + n_out)),
    "orthogonal": lambda n_out, n_in: math.sqrt(1 / max(n_in, n_out)),  # n unit vectors hold n of n_in·n_out squares
}


def start_values(name, n_out, n_in, rng, gain=1.0, value=0.0):
    """W, drawn one number after the other, row by row."""
    if name in ("zeros", "constant"):
        return np.full((n_out, n_in), value)
    if name == "orthogonal":
        N = drawn(rng.standard_normal, n_out, n_in)
        return gain * (gram_schmidt(N) if n_out < n_in else gram_schmidt(N.T).T)
    factor = gain * INITIALIZER_FACTORS[name](n_out, n_in)
    if name.endswith("_uniform"):
        return drawn(lambda: rng.uniform(-math.sqrt(3) * factor, math.sqrt(3) * factor), n_out, n_in)
    return factor * drawn(rng.standard_normal, n_out, n_in)


def drawn(draw, n_out, n_in):
    return np.array([[draw() for _ in range(n_in)] for _ in range(n_out)])


def gram_schmidt(rows):
    """Orthonormal rows; this is the QR decomposition with positive numbers on R's diagonal."""
    basis = []
    for row in rows:
        for unit in basis:
            row = row - (unit @ row) * unit
        basis.append(row / math.sqrt(row @ row))
    return np.array(basis)


# --- layers -------------------------------------------------------------------------------------------


def dense_forward(A_prev, W, b):
    return A_prev @ W.T + b


def dense_backward(dZ, A_prev, W):
    """DW, db and dA_prev."""
    return dZ.T @ A_prev, dZ.sum(axis=0), dZ @ W


def dropout_mask(rng, shape, keep_prob):
    """1 where a unit is kept: a number of 16 bits below keep_prob, four of them in each random word, lowest first."""
    count = math.prod(shape)
    words = [int(word) for word in rng.bit_generator.random_raw(-(-count // 4))]
    numbers = [(word >> 16 * place) % 2**16 for word in words for place in range(4)][:count]
    kept = [number < max(1, round(keep_prob * 2**16)) for number in numbers]
    return np.array(kept).reshape(shape)


def dropout_forward(A, D, keep_prob):
    return A * D / keep_prob


def dropout_backward(dA, D, keep_prob):
    return dA * D / keep_prob


def network_forward(X, Ws, bs, g, masks):
    """Zs and inputs of every dense layer; `masks[l]` multiplies the input of layer l, 1.0 for no dropout."""
    inputs, Zs = [X * masks[0]], []
    for W, b, mask in zip(Ws, bs, [*masks[1:], 1.0], strict=True):
        Zs.append(dense_forward(inputs[-1], W, b))
        inputs.append(g(Zs[-1]) * mask)
    return Zs, inputs[:-1]


def network_backward(dZ, Zs, inputs, Ws, g_derivative, masks):
    """DWs and dbs, from the gradient by the last layer's Z."""
    dWs, dbs = [], []
    for layer in reversed(range(len(Ws))):
        dW, db, dA = dense_backward(dZ, inputs[layer], Ws[layer])
        dWs.insert(0, dW)
        dbs.insert(0, db)
        if layer > 0:
            dZ = dA * masks[layer] * g_derivative(Zs[layer - 1])
    return dWs, dbs


# --- optimisers: θ after each step, from the gradient g and the learning rate α of each step; `decayed` is W -


def sgd(theta, gradients, rates, decayed):  # noqa: ARG001 - the signature of the family
    for g, alpha in zip(gradients, rates, strict=True):
        theta = theta - alpha * g
        yield theta


def momentum(theta, gradients, rates, decayed, beta=0.9, nesterov=False, bias_correction=False):  # noqa: ARG001
    v = np.zeros_like(theta)
    for t, (g, alpha) in enumerate(zip(gradients, rates, strict=True), start=1):
        v = beta * v + (1 - beta) * g
        direction = beta * v + (1 - beta) * g if nesterov else v
        weights = 1 - beta ** (t + 1 if nesterov else t)
        theta = theta - alpha * (direction / weights if bias_correction else direction)
        yield theta


def adagrad(theta, gradients, rates, decayed, epsilon=1e-8):  # noqa: ARG001
    s = np.zeros_like(theta)
    for g, alpha in zip(gradients, rates, strict=True):
        s = s + g**2
        theta = theta - alpha * g / (np.sqrt(s) + epsilon)
        yield theta


def rmsprop(theta, gradients, rates, decayed, rho=0.9, epsilon=1e-8):  # noqa: ARG001
    s = np.zeros_like(theta)
    for g, alpha in zip(gradients, rates, strict=True):
        s = rho * s + (1 - rho) * g**2
        theta = theta - alpha * g / (np.sqrt(s) + epsilon)
        yield theta


def adadelta(theta, gradients, rates, decayed, rho=0.95, epsilon=1e-6):  # noqa: ARG001
    s, d = np.zeros_like(theta), np.zeros_like(theta)
    for g, alpha in zip(gradients, rates, strict=True):
        s = rho * s + (1 - rho) * g**2
        u = g * np.sqrt(d + epsilon) / np.sqrt(s + epsilon)
        d = rho * d + (1 - rho) * u**2
        theta = theta - alpha * u
        yield theta


def adam(theta, gradients, rates, decayed, beta1=0.9, beta2=0.999, epsilon=1e-8, amsgrad=False):  # noqa: ARG001
    v, s, largest = np.zeros_like(theta), np.zeros_like(theta), np.zeros_like(theta)
    for t, (g, alpha) in enumerate(zip(gradients, rates, strict=True), start=1):
        v = beta1 * v + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        largest = np.maximum(largest, s)
        v_hat = v / (1 - beta1**t)
        s_hat = (largest if amsgrad else s) / (1 - beta2**t)
        theta = theta - alpha * v_hat / (np.sqrt(s_hat) + epsilon)
        yield theta


def adamw(theta, gradients, rates, decayed, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.01):
    v, s = np.zeros_like(theta), np.zeros_like(theta)
    for t, (g, alpha) in enumerate(zip(gradients, rates, strict=True), start=1):
        v = beta1 * v + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        v_hat = v / (1 - beta1**t)
        s_hat = s / (1 - beta2**t)
        theta = theta - alpha * v_hat / (np.sqrt(s_hat) + epsilon)
        theta[decayed] = theta[decayed] - alpha * weight_decay * theta[decayed]
        yield theta


def nadam(theta, gradients, rates, decayed, beta1=0.9, beta2=0.999, epsilon=1e-8):  # noqa: ARG001
    v, s = np.zeros_like(theta), np.zeros_like(theta)
    for t, (g, alpha) in enumerate(zip(gradients, rates, strict=True), start=1):
        v = beta1 * v + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        v_hat = beta1 * v / (1 - beta1 ** (t + 1)) + (1 - beta1) * g / (1 - beta1**t)
        s_hat = s / (1 - beta2**t)
        theta = theta - alpha * v_hat / (np.sqrt(s_hat) + epsilon)
        yield theta


OPTIMIZERS = {
    "sgd": sgd,
    "momentum": momentum,
    "adagrad": adagrad,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adam": adam,
    "adamw": adamw,
    "nadam": nadam,
}

# --- learning-rate decay: α at time t, which counts epochs or steps from 0, in a run of `total` of them -


def constant(alpha0, t, total):  # noqa: ARG001 - the signature of the family
    return alpha0


def inverse_time(alpha0, t, total, rate=0.1):  # noqa: ARG001
    return alpha0 / (1 + rate * t)


def exponential(alpha0, t, total, base=0.95):  # noqa: ARG001
    return alpha0 * base**t


def sqrt(alpha0, t, total, k=1.0):  # noqa: ARG001
    return alpha0 * k / math.sqrt(t + 1)


def staircase(alpha0, t, total, factor=0.5, every=10):  # noqa: ARG001
    return alpha0 * factor ** math.floor(t / every)


def manual(alpha0, t, total, points):  # noqa: ARG001
    reached = [rate for first, rate in points if first <= t]
    return reached[-1] if reached else alpha0


def cosine(alpha0, t, total, min_rate=0.0, cycles=1):
    starts = [math.ceil(Fraction(cycle * total, cycles)) for cycle in range(cycles + 1)]
    for start, end in itertools.pairwise(starts):
        if start <= t < end:
            return min_rate + (alpha0 - min_rate) * (1 + math.cos(math.pi * (t - start) / (end - start))) / 2
    return min_rate


def one_cycle(alpha0, t, total, rise=0.3, start_factor=0.04, end_factor=1e-4, shape="cosine"):
    def way(part):
        return part if shape == "linear" else (1 - math.cos(math.pi * part)) / 2

    peak, first, last = rise * total, start_factor * alpha0, end_factor * alpha0
    if t < peak:
        return first + (alpha0 - first) * way(t / peak)
    return alpha0 + (last - alpha0) * way(min(1, (t - peak) / (total - peak)))


DECAYS = {
    "constant": constant,
    "inverse_time": inverse_time,
    "exponential": exponential,
    "sqrt": sqrt,
    "staircase": staircase,
    "manual": manual,
    "cosine": cosine,
    "one_cycle": one_cycle,
}
