"""The proof that the check catches bugs: slips planted in the backward pass, one at a time."""

# ruff: noqa: ARG001, ARG005 - every slip of a kind takes the same arguments

import numpy as np
import pytest

from dlspec.battery import targets
from dlspec.core import gradcheck
from dlspec.core.activations import Gelu, LeakyRelu, Relu, Sigmoid, Tanh
from dlspec.core.cost import Cost, Penalty
from dlspec.core.initializers import Xavier
from dlspec.core.layers import BatchNorm, Dense, Dropout, Elementwise
from dlspec.core.losses import LOSSES, CategoricalCrossEntropy, Huber, MultiTaskCrossEntropy
from dlspec.core.network import Network
from dlspec.core.regularizers import L1, L2
from dlspec.core.slips import explain, label

from . import planting

M, N, KEEP = 7, 4, 0.8


def dense(units=N, *, bias=True):
    return Dense(units, initializer=Xavier(gain=1.5), bias=bias)


def objective(*second, loss=None, penalties=(), weighted=False, cost=Cost, seed=0):
    """4 → 4 tanh → `second` → 3 outputs. W2 is square, so that transposes keep their shape."""
    second = second or (dense(), Elementwise(Tanh()))
    network = Network([dense(), Elementwise(Tanh()), *second, dense(3)], in_shape=(N,))
    rng = np.random.default_rng(seed)
    parameters = network.parameters(dtype=np.float64)
    network.initialize(parameters, rng)
    biases = parameters.theta[parameters.decayed.stop :]
    biases += 0.5 * rng.standard_normal(len(biases))
    loss = loss or CategoricalCrossEntropy()
    name = next(name for name, kind in LOSSES.items() if isinstance(loss, kind))
    X, Y = rng.standard_normal((M, N)), targets(name, M, 3, rng)
    whole = cost(
        network=network,
        loss=loss,
        penalties=[Penalty(penalty, parameters.decayed) for penalty in penalties],
        parameters=parameters,
    )
    w = rng.random(M) + 0.5 if weighted else None
    return gradcheck.Objective(whole, X, Y, w, rng=np.random.default_rng(1))


def found_in(checked, *, keep_probs=()):
    blocks = gradcheck.check(checked, rng=np.random.default_rng(2))
    return blocks, explain(blocks, examples=M, keep_probs=keep_probs)


# --- the slips -------------------------------------------------------------------------------------------


def of_loss(gradient, part=None, **settings):
    part = part or CategoricalCrossEntropy()
    return lambda: objective(loss=planting.loss(part, gradient), **settings)


def of_penalty(gradient, part, *, also=()):
    return lambda: objective(penalties=[planting.regularizer(part, gradient), *also])


def of_cost(step, **settings):
    return lambda: objective(cost=planting.cost(step), **settings)


def of_activation(part, derivative):
    return lambda: objective(dense(), Elementwise(planting.activation(part, derivative)))


def of_dropout(backward):
    return lambda: objective(dense(), Elementwise(Tanh()), planting.layer(Dropout(keep_prob=KEEP), backward))


def of_dense(backward):
    return lambda: objective(planting.layer(dense(), backward), Elementwise(Tanh()))


def of_batch_norm(backward):
    norm = planting.layer(BatchNorm(), backward)
    return lambda: objective(dense(bias=False), norm, Elementwise(Tanh()))


def forget_weights(cost, right, X, Y, w):
    return right(X, Y, None)


def penalise_biases(cost, right, X, Y, w):
    loss = right(X, Y, w)
    biases = slice(cost.parameters.decayed.stop, None)
    cost.parameters.grad[biases] += 0.7 / M * cost.parameters.theta[biases]
    return loss


def forget_first_penalty(cost, right, X, Y, w):
    loss = right(X, Y, w)
    cost.parameters.gradients["W1"][...] -= 0.7 / M * cost.parameters.values["W1"]
    return loss


def own_output(right, to, A_prev, out, dZ):
    dA = right(dZ)
    to.gradients["W"][...] = dZ.T @ out
    return dA


def transposed_W(right, to, A_prev, out, dZ):
    right(dZ)
    return dZ @ to.values["W"].T


def transposed_dW(right, to, A_prev, out, dZ):
    dA = right(dZ)
    to.gradients["W"][...] = A_prev.T @ dZ
    return dA


def unsummed_bias(right, to, A_prev, out, dZ):
    dA = right(dZ)
    to.gradients["b"][...] = dZ[0]
    return dA


def mean_bias(right, to, A_prev, out, dZ):
    dA = right(dZ)
    to.gradients["b"][...] = dZ.mean(axis=0)
    return dA


def accumulated(right, to, A_prev, out, dZ):
    before = to.gradients["W"].copy()
    dA = right(dZ)
    to.gradients["W"][...] += before
    return dA


def unwritten(right, to, A_prev, out, dZ):
    dA = right(dZ)
    to.gradients["b"][...] = 0.0
    return dA


def cut_off(right, to, A_prev, out, dZ):
    return 0 * right(dZ)


def no_keep_prob(right, to, A_prev, out, dA):
    return right(dA) * KEEP


def keep_prob_twice(right, to, A_prev, out, dA):
    return right(dA) / KEEP


def times_keep_prob(right, to, A_prev, out, dA):
    return right(dA) * KEEP**2


def no_mask(right, to, A_prev, out, dA):
    return dA


def batch_norm_backward(*, gamma=True, inverse=True, mean=True, variance=True):
    """dz from the formula of 1502.03167, with terms left out."""

    def backward(right, to, Z, out, d_out):
        right(d_out.copy())
        scale = 1 / np.sqrt(Z.var(axis=0) + 1e-5)
        Z_hat = (Z - Z.mean(axis=0)) * scale
        dZ = d_out - mean * d_out.mean(axis=0) - variance * Z_hat * (d_out * Z_hat).mean(axis=0)
        return dZ * (to.values["gamma"] if gamma else 1) * (scale if inverse else 1)

    return backward


def dgamma_from_output(right, to, Z, out, d_out):
    from_output = (d_out * out).sum(axis=0)
    dZ = right(d_out)
    to.gradients["gamma"][...] = from_output
    return dZ


def dbeta_as_mean(right, to, Z, out, d_out):
    mean = d_out.mean(axis=0)
    dZ = right(d_out)
    to.gradients["beta"][...] = mean
    return dZ


SMOOTHED = CategoricalCrossEntropy(label_smoothing=0.2)
LAST, SECOND, FIRST = {"W3", "b3"}, {"W2", "b2"}, {"W1", "b1"}

# What is planted, which blocks must be named, and what must be said of the pattern (None: it cannot be told).
SLIPS = {
    "loss: sign": (of_loss(lambda Z, Y, dZ: -dZ), LAST, "the sign is wrong"),
    "loss: no 1/m": (of_loss(lambda Z, Y, dZ: dZ * M), LAST, "a 1/m is missing"),
    "loss: 1/m twice": (of_loss(lambda Z, Y, dZ: dZ / M), LAST, "1/m is there twice"),
    "loss: twice": (of_loss(lambda Z, Y, dZ: 2 * dZ), LAST, "a factor ½ is missing"),
    "loss: labels not smoothed": (
        of_loss(lambda Z, Y, dZ: CategoricalCrossEntropy().bind(M, 3, np.float64)(Z, Y)[1], SMOOTHED),
        LAST,
        None,
    ),
    "loss: missing labels counted": (
        of_loss(lambda Z, Y, dZ: (1 / (1 + np.exp(-Z)) - np.nan_to_num(Y)) / M, MultiTaskCrossEntropy()),
        LAST,
        None,
    ),
    "loss: huber not cut": (of_loss(lambda Z, Y, dZ: (Z - Y) / M, Huber(delta=0.5)), LAST, None),
    "cost: weights of the examples": (of_cost(forget_weights, weighted=True), LAST, None),
    "l2: missing": (
        of_penalty(lambda W, m: 0, L2(lambda_=0.7)),
        {"W3"},
        "l2 is 0 times what it should be: it is missing",
    ),
    "l2: λ/2m": (of_penalty(lambda W, m: 0.7 / 2 / m * W, L2(lambda_=0.7)), {"W3"}, "a factor ½ too many"),
    "l2: λ without 1/m": (of_penalty(lambda W, m: 0.7 * W, L2(lambda_=0.7)), {"W3"}, "a 1/m is missing"),
    "l2: missing beside l1": (
        of_penalty(lambda W, m: 0, L2(lambda_=0.7), also=[L1(lambda_=0.3)]),
        {"W3"},
        "the term of l2 is 0 times",
    ),
    "l2: missing in layer 1": (
        of_cost(forget_first_penalty, penalties=[L2(lambda_=0.7)]),
        {"W1"},
        "the term of l2 is 0",
    ),
    "l1: missing": (of_penalty(lambda W, m: 0, L1(lambda_=0.3)), {"W3"}, "the term of l1 is 0 times"),
    "l1: sign": (of_penalty(lambda W, m: -0.3 / m * np.sign(W), L1(lambda_=0.3)), {"W3"}, "the sign is wrong"),
    "l1: w for sign w": (of_penalty(lambda W, m: 0.3 / m * W, L1(lambda_=0.3)), {"W3"}, "a term of l2 too many"),
    "penalty: biases too": (
        of_cost(penalise_biases, penalties=[L2(lambda_=0.7)]),
        {"b3"},
        "a penalty where there is none",
    ),
    "dropout: no keep_prob": (of_dropout(no_keep_prob), SECOND, "a division by keep_prob (0.8) is missing"),
    "dropout: keep_prob squared": (of_dropout(keep_prob_twice), SECOND, "divided by keep_prob (0.8) once too often"),
    "dropout: times keep_prob": (of_dropout(times_keep_prob), SECOND, "multiplied by keep_prob (0.8)"),
    "dropout: no mask": (of_dropout(no_mask), SECOND, None),
    "dense: A[l] for A[l-1]": (of_dense(own_output), {"W2"}, None),
    "dense: dA from W transposed": (of_dense(transposed_W), FIRST, None),
    "dense: dW transposed": (of_dense(transposed_dW), {"W2"}, "transposed"),
    "dense: db not summed": (of_dense(unsummed_bias), {"b2"}, None),
    "dense: db as mean": (of_dense(mean_bias), {"b2"}, "1/m is there twice"),
    "dense: dW added, not written": (of_dense(accumulated), {"W2"}, "added to what was there"),
    "dense: db not written": (of_dense(unwritten), {"b2"}, "0 throughout"),
    "dense: nothing flows on": (of_dense(cut_off), FIRST, "0 throughout"),
    "relu: of the wrong argument": (of_activation(Relu(), lambda Z, A, dA: dA > 0), SECOND, None),
    "leaky relu: slope": (of_activation(LeakyRelu(slope=0.2), lambda Z, A, dA: Z > 0), SECOND, None),
    "sigmoid: of z": (of_activation(Sigmoid(), lambda Z, A, dA: Z * (1 - Z)), SECOND, None),
    "tanh: no square": (of_activation(Tanh(), lambda Z, A, dA: 1 - A), SECOND, None),
    "tanh: forgotten": (of_activation(Tanh(), lambda Z, A, dA: 1), SECOND, None),
    "gelu: no zφ(z)": (of_activation(Gelu(), lambda Z, A, dA: A / Z), SECOND, None),
    "batch norm: no mean term": (of_batch_norm(batch_norm_backward(mean=False)), {"W2"}, None),
    "batch norm: no variance term": (of_batch_norm(batch_norm_backward(variance=False)), {"W2"}, None),
    "batch norm: no γ": (of_batch_norm(batch_norm_backward(gamma=False)), {"W2"}, "a factor of its own for each unit"),
    "batch norm: no 1/√(σ² + ε)": (of_batch_norm(batch_norm_backward(inverse=False)), {"W2"}, "a factor of its own"),
    "batch norm: dγ from z̃": (of_batch_norm(dgamma_from_output), {"gamma2"}, None),
    "batch norm: dβ as mean": (of_batch_norm(dbeta_as_mean), {"beta2"}, "1/m is there twice"),
}


def test_there_are_more_than_25():
    assert len(SLIPS) >= 25


@pytest.mark.parametrize(("plant", "named", "pattern"), SLIPS.values(), ids=SLIPS)
def test_a_planted_slip_is_caught_and_named(plant, named, pattern):
    blocks, finding = found_in(plant(), keep_probs=[KEEP])
    wrong = {block.name for block in blocks if block.verdict == "wrong"}
    assert named <= wrong
    assert set(finding.blocks) == named
    if pattern is None:
        assert finding.pattern is None
    else:
        assert pattern in finding.pattern


@pytest.mark.parametrize(("plant", "named", "pattern"), SLIPS.values(), ids=SLIPS)
def test_each_witness_catches_it_alone(plant, named, pattern):
    blocks = {block.name: block for block in gradcheck.check(plant(), rng=np.random.default_rng(3))}
    for name in named:
        assert blocks[name].differences.verdict == "wrong"
        assert blocks[name].complex_step.verdict == "wrong"


@pytest.mark.parametrize(("plant", "named", "pattern"), SLIPS.values(), ids=SLIPS)
def test_random_directions_catch_it_too(plant, named, pattern):
    blocks = gradcheck.check(plant(), rng=np.random.default_rng(4), coordinates=1, directions=5)
    for block in blocks:
        if block.name in named and block.size > 1:
            assert block.directions.verdict == "wrong"


@pytest.mark.parametrize(
    "right",
    [
        objective,
        lambda: objective(dense(), Elementwise(Relu())),
        lambda: objective(dense(bias=False), BatchNorm(), Elementwise(Tanh())),
        lambda: objective(dense(), Elementwise(Tanh()), Dropout(keep_prob=KEEP)),
        lambda: objective(penalties=[L2(lambda_=0.7), L1(lambda_=0.3)], weighted=True),
    ],
)
def test_without_a_slip_nothing_is_found(right):
    blocks, finding = found_in(right())
    assert finding is None
    assert {block.verdict for block in blocks} == {"ok"}


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("loss: sign", "what arrives at dW[3] and db[3]: the gradient of the loss"),
        ("tanh: no square", "what arrives at dW[2] and db[2]: the way back from dW[3] and db[3]"),
        ("dense: dW transposed", "the formula of dW[2] itself: what arrives there is right, for db[2] is"),
        ("batch norm: dβ as mean", "the formula of dβ[2] itself: what arrives there is right, for dγ[2] is"),
        ("batch norm: no mean term", "what arrives at dW[2]: the way back from dγ[2] and dβ[2]"),
        ("penalty: biases too", "the formula of db[3] itself: what arrives there is right, for dW[3] is"),
    ],
)
def test_the_place_is_told(name, place):
    assert found_in(SLIPS[name][0]())[1].place == place


def test_a_slip_in_the_only_parameter_of_a_layer_is_told_from_what_flows_on():
    """Without a bias beside it, only what lies nearer the input shows that dW itself is wrong."""

    def own_only(right, to, A_prev, out, dZ):
        dA = right(dZ)
        to.gradients["W"][...] *= 3.0
        return dA

    _, finding = found_in(objective(planting.layer(dense(bias=False), own_only), Elementwise(Tanh())))
    assert finding.blocks == ("W2",)
    assert finding.place == "the formula of dW[2] itself: what flows on from there is right, for dW[1] and db[1] is"
    assert finding.pattern == "3 times what it should be"


def test_a_wrong_forward_pass_is_told_from_a_wrong_gradient():
    class Shifted(Tanh):
        """tanh z + 0.1 z, forward and backward: consistent in itself, but no tanh."""

        def bind(self, shape, dtype):
            right, kept = super().bind(shape, dtype), np.empty(shape, dtype)

            def forward(Z):
                np.multiply(Z, 0.1, out=kept)
                A = right.forward(Z)
                A += kept
                return A

            def backward(dA):
                return dA * (1.1 - np.tanh(10 * kept) ** 2)

            return type(right)(forward, backward)

    _, finding = found_in(objective(dense(), Elementwise(Shifted())))
    assert finding.pattern == "it fits the cost as it is computed, so the forward pass is not that of the formulas"


@pytest.mark.parametrize(
    ("name", "text"), [("W1", "dW[1]"), ("b12", "db[12]"), ("gamma2", "dγ[2]"), ("beta3", "dβ[3]"), ("K", "dK")]
)
def test_labels_are_those_of_the_course(name, text):
    assert label(name) == text
