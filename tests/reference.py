"""The specification in plain NumPy: every formula as it is written down, allocating freely, in float64.

Tests compare the in-place code of `dlspec.core` with these. Nothing here is clever; where a formula
could overflow or lose digits it does, so callers keep to moderate numbers.
"""

import math

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


ACTIVATIONS = {"linear": linear, "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "leaky_relu": leaky_relu}
DERIVATIVES = {
    "linear": linear_derivative,
    "sigmoid": sigmoid_derivative,
    "tanh": tanh_derivative,
    "relu": relu_derivative,
    "leaky_relu": leaky_relu_derivative,
}

# --- losses: the output ŷ, the mean loss from ŷ and Y, and its gradient by the logits Z ---------------


def softmax(Z):
    return np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)


def squared_error(Y_hat, Y):
    return 0.5 * ((Y_hat - Y) ** 2).sum(axis=1).mean()


def squared_error_gradient(Y_hat, Y):
    return (Y_hat - Y) / len(Y)


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


OUTPUTS = {"squared_error": linear, "binary_cross_entropy": sigmoid, "categorical_cross_entropy": softmax}
LOSSES = {
    "squared_error": squared_error,
    "binary_cross_entropy": binary_cross_entropy,
    "categorical_cross_entropy": categorical_cross_entropy,
}
LOSS_GRADIENTS = {
    "squared_error": squared_error_gradient,
    "binary_cross_entropy": binary_cross_entropy_gradient,
    "categorical_cross_entropy": categorical_cross_entropy_gradient,
}

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

# --- factor of the N(0, 1) start values of W (n_out, n_in) --------------------------------------------

INITIALIZER_FACTORS = {
    "zeros": lambda n_out, n_in: 0.0,  # noqa: ARG005 - the signature of the family
    "small": lambda n_out, n_in: 0.01,  # noqa: ARG005
    "large": lambda n_out, n_in: 10.0,  # noqa: ARG005
    "xavier": lambda n_out, n_in: math.sqrt(1 / n_in),  # noqa: ARG005
    "he": lambda n_out, n_in: math.sqrt(2 / n_in),  # noqa: ARG005
    "glorot": lambda n_out, n_in: math.sqrt(2 / (n_in + n_out)),
}

# --- layers -------------------------------------------------------------------------------------------


def dense_forward(A_prev, W, b):
    return A_prev @ W.T + b


def dense_backward(dZ, A_prev, W):
    """DW, db and dA_prev."""
    return dZ.T @ A_prev, dZ.sum(axis=0), dZ @ W


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


# --- optimisers: θ after each step, from the gradient g and the learning rate α of each step -----------


def sgd(theta, gradients, rates):
    for g, alpha in zip(gradients, rates, strict=True):
        theta = theta - alpha * g
        yield theta


def momentum(theta, gradients, rates, beta=0.9):
    v = np.zeros_like(theta)
    for g, alpha in zip(gradients, rates, strict=True):
        v = beta * v + (1 - beta) * g
        theta = theta - alpha * v
        yield theta


def rmsprop(theta, gradients, rates, rho=0.9, epsilon=1e-8):
    s = np.zeros_like(theta)
    for g, alpha in zip(gradients, rates, strict=True):
        s = rho * s + (1 - rho) * g**2
        theta = theta - alpha * g / (np.sqrt(s) + epsilon)
        yield theta


def adam(theta, gradients, rates, beta1=0.9, beta2=0.999, epsilon=1e-8):
    v, s = np.zeros_like(theta), np.zeros_like(theta)
    for t, (g, alpha) in enumerate(zip(gradients, rates, strict=True), start=1):
        v = beta1 * v + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        v_hat = v / (1 - beta1**t)
        s_hat = s / (1 - beta2**t)
        theta = theta - alpha * v_hat / (np.sqrt(s_hat) + epsilon)
        yield theta


OPTIMIZERS = {"sgd": sgd, "momentum": momentum, "rmsprop": rmsprop, "adam": adam}

# --- learning-rate decay: α of an epoch, counted from 0 -----------------------------------------------


def constant(alpha0, epoch):  # noqa: ARG001 - the signature of the family
    return alpha0


def inverse_time(alpha0, epoch, rate=0.1):
    return alpha0 / (1 + rate * epoch)


def exponential(alpha0, epoch, base=0.95):
    return alpha0 * base**epoch


def sqrt(alpha0, epoch, k=1.0):
    return alpha0 * k / math.sqrt(epoch + 1)


def staircase(alpha0, epoch, factor=0.5, every=10):
    return alpha0 * factor ** math.floor(epoch / every)


def manual(alpha0, epoch, points):
    reached = [rate for first, rate in points if first <= epoch]
    return reached[-1] if reached else alpha0


DECAYS = {
    "constant": constant,
    "inverse_time": inverse_time,
    "exponential": exponential,
    "sqrt": sqrt,
    "staircase": staircase,
    "manual": manual,
}
