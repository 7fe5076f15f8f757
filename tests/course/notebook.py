"""The course's notebooks in short: examples are columns, as there, and no step is taken for speed.

X (n_x, m), Y (1, m), W (n_out, n_in), b (n_out, 1). The only change is the cost, which is taken from Z where the
notebooks take the logarithm of A and get inf from large start values.
"""

import numpy as np


def first_parameters(weights):
    """W1, W2, … and biases of 0, by layer."""
    return [{"W": W.copy(), "b": np.zeros((len(W), 1))} for W in weights.values()]


def forward(X, layers, activation, masks=None, keep_prob=1.0):
    """A of every layer from the input on, but Z of the last."""
    A = [X]
    for number, layer in enumerate(layers):
        Z = layer["W"] @ A[-1] + layer["b"]
        if number == len(layers) - 1:
            return [*A, Z]
        hidden = np.tanh(Z) if activation == "tanh" else np.maximum(0, Z)
        A.append(hidden if masks is None else hidden * masks[number] / keep_prob)


def backward(A, Y, layers, activation, lambd=0.0, masks=None, keep_prob=1.0):
    """The gradient of the cost, by layer."""
    m = Y.shape[1]
    with np.errstate(over="ignore"):
        dZ = 1 / (1 + np.exp(-A[-1])) - Y
    gradients = []
    for number in reversed(range(len(layers))):
        W, A_prev = layers[number]["W"], A[number]
        gradients.insert(0, {"W": dZ @ A_prev.T / m + lambd / m * W, "b": dZ.sum(axis=1, keepdims=True) / m})
        if number > 0:
            dA = W.T @ dZ
            if masks is not None:
                dA = dA * masks[number - 1] / keep_prob
            dZ = dA * (1 - A_prev**2 if activation == "tanh" else A_prev > 0)
    return gradients


def cost(X, Y, layers, activation, lambd=0.0):
    """J, dropout off: −log a for y = 1 and −log(1 − a) for y = 0, and the penalty."""
    Z = forward(X, layers, activation)[-1]
    penalty = lambd / (2 * Y.shape[1]) * sum(float(np.sum(layer["W"] ** 2)) for layer in layers)
    return float(np.mean(np.logaddexp(0, Z) - Y * Z)) + penalty


def gradient_descent(theta, gradient, memory, t, alpha):  # noqa: ARG001 - the signature of the rules
    return theta - alpha * gradient


def momentum(theta, gradient, memory, t, alpha, beta=0.9):  # noqa: ARG001
    memory["v"] = beta * memory.get("v", 0) + (1 - beta) * gradient
    return theta - alpha * memory["v"]


def adam(theta, gradient, memory, t, alpha, beta1=0.9, beta2=0.999, epsilon=1e-8):
    memory["v"] = beta1 * memory.get("v", 0) + (1 - beta1) * gradient
    memory["s"] = beta2 * memory.get("s", 0) + (1 - beta2) * gradient**2
    v_corrected, s_corrected = memory["v"] / (1 - beta1**t), memory["s"] / (1 - beta2**t)
    return theta - alpha * v_corrected / (np.sqrt(s_corrected) + epsilon)


def model(
    X,
    Y,
    weights,
    *,
    learning_rate,
    epochs,
    activation="relu",
    rule=gradient_descent,
    lambd=0.0,
    keep_prob=1.0,
    masks=lambda: None,
    batches=None,
):
    """Train, and give the cost on all examples after each epoch.

    `masks()` gives those of each forward pass, `batches(epoch)` the columns of each step.
    """
    layers = first_parameters(weights)
    memories = [{"W": {}, "b": {}} for _ in layers]
    costs, t = [], 0
    for epoch in range(epochs):
        for columns in [slice(None)] if batches is None else batches(epoch):
            D, t = masks(), t + 1
            A = forward(X[:, columns], layers, activation, D, keep_prob)
            gradients = backward(A, Y[:, columns], layers, activation, lambd, D, keep_prob)
            for layer, gradient, memory in zip(layers, gradients, memories, strict=True):
                for name in ("W", "b"):
                    layer[name] = rule(layer[name], gradient[name], memory[name], t, learning_rate)
        costs.append(cost(X, Y, layers, activation, lambd))
    return costs
