"""What both sides train: 20 steps of 6 → 8 → 5 → units on three mini-batches of 16, 16 and 7 examples.

The first hidden layer is relu, the second tanh. A decay is a name and its settings, with `warmup` among them as in an
experiment file; `plateau` follows a written sequence of values, one per step. Numbers come from `RandomState`, whose
streams NumPy keeps for ever.
"""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from families import DECAY_CASES, OPTIMIZER_CASES, case_id

N_X, HIDDEN, BATCHES, STEPS = 6, (8, 5), (16, 16, 7), 20
KEPT_STEPS = (1, 2, STEPS)  # after which θ is compared
MOMENTUM, EPSILON = 0.8, 1e-4  # of batch normalisation
LAMBDA = 0.4

LEARNING_RATES = {"sgd": 0.1, "momentum": 0.1, "adagrad": 0.05, "adadelta": 1.0}
LEARNING_RATE = 0.01  # of the others

DECAYS = [
    *(row for row in DECAY_CASES if not {"points", "min_rate"} & row[1].keys()),
    # Those that name rates rather than factors, here rates that suit every optimiser.
    ("manual", {"points": ((4, 0.005), (9, 0.002))}),
    ("manual", {"points": ((0, 0.02),)}),
    ("cosine", {"min_rate": 0.002, "cycles": 7}),
    ("cosine", {"cycles": 4}),
    ("constant", {"warmup": 5}),
    ("exponential", {"base": 0.8, "warmup": 3}),
    ("cosine", {"min_rate": 0.001, "warmup": 6}),
    ("plateau", {"factor": 0.5, "patience": 2, "min_delta": 0.05, "min_rate": 1e-3, "cooldown": 1}),
    ("plateau", {"factor": 0.1, "patience": 1}),
]
PLATEAU_VALUES = (3, 2.4, 2.38, 2.41, 2.2, 2.3, 2.3, 2.5, 1.9, 1.2,
                  1.19, 1.18, 1.17, 1.16, 1.5, 1.4, 1.3, 0.9, 0.9, 0.9)  # fmt: skip

LOSSES = [  # name, settings, units of the output layer
    ("squared_error", {}, 2),
    ("absolute_error", {}, 2),
    ("huber", {"delta": 0.7}, 2),
    ("binary_cross_entropy", {}, 1),
    ("binary_cross_entropy", {"label_smoothing": 0.1}, 1),
    ("categorical_cross_entropy", {}, 4),
    ("categorical_cross_entropy", {"label_smoothing": 0.2}, 4),
    ("multi_task_cross_entropy", {}, 3),
    ("multi_task_cross_entropy", {"label_smoothing": 0.1}, 3),
]
NORMALIZATIONS = ("none", "before", "after")
PENALTIES = {"none": {}, "l2": {"l2": LAMBDA}, "l1": {"l1": 0.1}, "l1 and l2": {"l1": 0.1, "l2": LAMBDA}}


@dataclass(frozen=True)
class Case:
    """One training. `optimizer` and `decay` are rows of the tables above, `loss` one with its units."""

    optimizer: tuple[str, dict]
    decay: tuple[str, dict]
    loss: tuple[str, dict, int]
    normalization: str
    penalty: str = "l2"

    @property
    def learning_rate(self):
        return LEARNING_RATES.get(self.optimizer[0], LEARNING_RATE)

    @property
    def key(self):
        """The case in words, the same in every run."""
        names = [label(self.optimizer), label(self.decay), label(self.loss), f"norm {self.normalization}"]
        return " | ".join(names + [f"penalty {self.penalty}"] * (self.penalty != "l2"))


class Result(NamedTuple):
    """What is compared: the same arrays from both sides.

    Attributes:
        losses: mean loss of each step, without the penalty (20,).
        thetas: θ after each of KEPT_STEPS, in the order of `shapes` (3, P).
        statistics: bias-corrected running μ and σ² of batch normalisation.
        logits: of `dev_inputs`, at evaluation, after the last step.
    """

    losses: np.ndarray
    thetas: np.ndarray
    statistics: np.ndarray
    logits: np.ndarray


def label(row):
    return f"{row[0]} {case_id(row[1])}"


def case_of(key):
    """The case with this key, from the rows of today."""
    optimizer, decay, loss, normalization, *penalty = key.split(" | ")
    optimizers, decays, losses = ({label(row): row for row in rows} for rows in (OPTIMIZER_CASES, DECAYS, LOSSES))
    return Case(
        optimizers[optimizer],
        decays[decay],
        losses[loss],
        normalization.removeprefix("norm "),
        *(part.removeprefix("penalty ") for part in penalty),
    )


def shapes(units, normalization):
    """Name → shape of all trained parameters, layer by layer."""
    result, n_in = {}, N_X
    for layer, n_out in enumerate((*HIDDEN, units), start=1):
        result[f"W{layer}"] = (n_out, n_in)
        hidden = layer <= len(HIDDEN)
        if not (hidden and normalization == "before"):  # batch normalisation would take b off again
            result[f"b{layer}"] = (n_out,)
        if hidden and normalization != "none":
            result |= {f"gamma{layer}": (n_out,), f"beta{layer}": (n_out,)}
        n_in = n_out
    return result


def start_values(case):
    """Name → start value of every parameter."""
    rng = np.random.RandomState(1)
    result = {}
    for name, shape in shapes(case.loss[2], case.normalization).items():
        normal = rng.standard_normal(shape)
        result[name] = normal * np.sqrt(2 / shape[1]) if name.startswith("W") else 0.5 * normal
        if name.startswith("gamma"):
            result[name] += 1
    return result


def batches(case):
    """Three mini-batches (X, Y); step t = 1, 2, … takes number (t − 1) mod 3."""
    rng = np.random.RandomState(2)
    name, _, units = case.loss
    result = []
    for m in BATCHES:
        X = rng.standard_normal((m, N_X))
        if name in ("squared_error", "absolute_error", "huber"):
            Y = X[:, :units] - X[:, 2 : 2 + units] * X[:, 4 : 4 + units] + 0.3 * rng.standard_normal((m, units))
        elif name == "multi_task_cross_entropy":
            Y = (X[:, :units] * X[:, 3 : 3 + units] > 0).astype(float)
            Y[rng.random_sample(Y.shape) < 0.3] = np.nan  # missing
        else:
            Y = np.argmax(X[:, : max(units, 2)] + 0.5 * rng.standard_normal((m, max(units, 2))), axis=1)
        result.append((X, Y))
    return result


def dev_inputs():
    return np.random.RandomState(3).standard_normal((11, N_X))


def flat(values, names):
    """One vector of several arrays, each row by row."""
    return np.concatenate([np.ravel(values[name]) for name in names])


def fingerprint(result):
    """Five numbers that change if anything in a result does: three losses, ‖θ‖, a projection of all the rest."""
    rest = np.concatenate([result.thetas[-1], result.statistics, np.ravel(result.logits)])
    direction = np.random.RandomState(4).standard_normal(rest.size)
    losses = [float(result.losses[step - 1]) for step in KEPT_STEPS]
    return [*losses, float(np.linalg.norm(result.thetas[-1])), float(direction @ rest)]


def disagreement(ours, theirs):
    """The largest |a − b|/(|b| + 1e-6): relative down to 1e-6, absolute below."""
    ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
    assert ours.shape == theirs.shape
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return np.inf
    return float(np.max(np.abs(ours - theirs) / (np.abs(theirs) + 1e-6), initial=0.0))


# From subnormal results to where e^z overflows, with the kinks.
GRID = (-1e4, -800.0, -40.0, -12.0, -5.0, -2.0, -1.0, -0.5, -1e-3, -1e-8)
GRID = (*GRID, 0.0, *(-z for z in reversed(GRID)))


def loss_inputs(name, units):
    """Logits Z (m, units), up to ±1e4, and targets Y of the kind the loss takes."""
    rng = np.random.RandomState(5)
    Z = 2 * rng.standard_normal((8, units))
    Z[4:6] *= 20
    Z[6] = 1e4 * (-1.0) ** np.arange(units)
    Z[7] = 0.0
    if name in ("squared_error", "absolute_error", "huber"):
        Y = rng.standard_normal(Z.shape)
        Y[7] = 0.0  # as ŷ
        return Z, Y
    if name == "multi_task_cross_entropy":
        Y = rng.randint(0, 2, Z.shape).astype(float)
        Y[::3, 0] = np.nan  # missing
        return Z, Y
    return Z, rng.randint(0, max(units, 2), len(Z))


INITIALIZER_SHAPES = [(5, 7), (9, 3)]


def full_product():
    """Every optimiser × decay × loss × normalisation, with an L2 penalty."""
    return [Case(*row) for row in itertools.product(OPTIMIZER_CASES, DECAYS, LOSSES, NORMALIZATIONS)]


def all_pairs():
    """Every optimiser with every decay; losses and normalisations rotate so that every pair of any two is there."""
    return [
        Case(optimizer, decay, LOSSES[(i + j) % len(LOSSES)], NORMALIZATIONS[(i + 2 * j) % len(NORMALIZATIONS)])
        for i, optimizer in enumerate(OPTIMIZER_CASES)
        for j, decay in enumerate(DECAYS)
    ]


def penalty_cases():
    """Every optimiser with every other penalty."""
    return [
        Case(optimizer, ("exponential", {}), LOSSES[i % len(LOSSES)], NORMALIZATIONS[i % len(NORMALIZATIONS)], penalty)
        for i, optimizer in enumerate(OPTIMIZER_CASES)
        for penalty in PENALTIES
        if penalty != "l2"
    ]
