"""Advice on experiments that are valid as they are, line by line."""

import pytest

from dlspec.config.advice import advise
from dlspec.config.experiment import Experiment

EXAMPLES = {"train": 6_000, "dev": 2_000, "test": 2_000}


def advice(*, hidden=("relu",), examples=EXAMPLES, **sections):
    """`path: text` of every line for hidden layers of these activations."""
    layers = [{"units": 8, "activation": activation} for activation in hidden]
    tree = {"data": {"path": "x.csv"}, "architecture": {"layers": layers}, "batch_size": 64, **sections}
    return [f"{'.'.join(map(str, line.path))}: {line.text}" for line in advise(Experiment(**tree), examples=examples)]


def test_nothing_to_say_about_the_defaults():
    assert advice() == []


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        (
            ("relu", "sigmoid"),
            "architecture.layers.1.activation: sigmoid in a hidden layer learns slowly; "
            "tanh is almost always better, relu the default",
        ),
        (
            ("linear", "relu"),
            "architecture.layers.0.activation: a linear hidden layer adds nothing: "
            "the network stays as linear as without it",
        ),
    ],
)
def test_hidden_activations(hidden, expected):
    assert advice(hidden=hidden) == [expected]


TRY = "try he for relu, xavier for tanh"


@pytest.mark.parametrize(
    ("initializer", "hidden", "expected"),
    [
        ("zeros", ("relu",), f"zeros keep all units of a layer identical for ever; {TRY}"),
        (
            {"name": "constant", "value": 0.1},
            ("tanh",),
            f"constant keeps all units of a layer identical for ever; {TRY}",
        ),
        ("large", ("relu",), f"large weights saturate or explode; {TRY}"),
        ("small", ("relu", "relu"), f"small weights let the signal vanish in a deep network; {TRY}"),
        ("xavier", ("relu",), "xavier loses about half the signal in each relu layer; he keeps most of it"),
        (
            "glorot_uniform",
            ("silu", "gelu", "silu"),
            "glorot_uniform loses about half the signal in each gelu or silu layer; he keeps most of it",
        ),
        ("lecun", ("leaky_relu",), "lecun loses about half the signal in each leaky_relu layer; he keeps most of it"),
        ("he", ("selu",), "selu keeps mean 0 and variance 1 from lecun, whose variance is 1/n_in, not from he"),
        (
            "glorot",
            ("selu", "tanh"),
            "selu keeps mean 0 and variance 1 from lecun, whose variance is 1/n_in, not from glorot",
        ),
        ("he", ("tanh", "tanh"), "he is made for relu; xavier keeps the variance of tanh units"),
        ("he_uniform", ("tanh",), "he_uniform is made for relu; xavier keeps the variance of tanh units"),
    ],
)
def test_initializer_against_activations(initializer, hidden, expected):
    assert advice(hidden=hidden, initializer=initializer) == [f"initializer: {expected}"]


@pytest.mark.parametrize(
    ("initializer", "hidden"),
    [
        ("zeros", ()),
        ({"name": "constant", "value": 0.1}, ()),
        ("small", ("relu",)),
        ("he", ("gelu", "silu", "leaky_relu")),
        ("he_uniform", ("relu",)),
        ("he", ("elu",)),
        ("xavier", ("elu",)),
        ("xavier", ("tanh",)),
        ("xavier", ("relu", "tanh")),
        ("glorot", ("hard_tanh", "softplus")),
        ("lecun", ("selu",)),
        ("xavier_uniform", ("selu",)),
        ("orthogonal", ("relu",)),
        ("orthogonal", ("selu",)),
    ],
)
def test_initializers_that_suit(initializer, hidden):
    assert advice(hidden=hidden, initializer=initializer) == []


def test_inputs_that_are_not_normalised():
    assert advice(data={"path": "x.csv", "normalize": "none"}) == [
        "data.normalize: inputs are not normalised; standard makes the cost rounder and training faster"
    ]


@pytest.mark.parametrize(
    ("examples", "expected"),
    [
        ({"train": 6_000, "dev": 2_000}, ["no test set, so there will be no unbiased estimate of the error"]),
        (
            {"train": 6_000, "test": 2_000},
            ["no dev set, so variance cannot be measured and nothing can be tuned without touching test"],
        ),
        (
            {"train": 700_000, "dev": 150_000, "test": 150_000},
            ["70% of 1,000,000 examples for training; with that many 98/1/1 leaves dev large enough"],
        ),
        (
            {"train": 2_400, "dev": 60, "test": 60},
            ["dev has only 60 of 2,520 examples; with that few 60/20/20 is usual"],
        ),
    ],
)
def test_splits(examples, expected):
    assert advice(examples=examples) == [f"data.split: {line}" for line in expected]


@pytest.mark.parametrize(
    ("batch_size", "m", "expected"),
    [
        ("all", 6_000, "all takes one step per pass over 6,000 examples; try a power of two from 64 to 1024"),
        (64, 1_500, "with 1,500 training examples (up to 2,000) the whole batch is fine: batch_size: all"),
        (100, 6_000, "100 is not a power of two from 64 to 1024, which is what suits the memory"),
        (2_048, 6_000, "2,048 is not a power of two from 64 to 1024, which is what suits the memory"),
    ],
)
def test_batch_size(batch_size, m, expected):
    assert advice(batch_size=batch_size, examples={**EXAMPLES, "train": m}) == [f"batch_size: {expected}"]


def test_dropout_that_drops_too_much():
    assert advice(regularization={"keep_prob": 0.4, "input_keep_prob": 0.5}) == [
        "architecture.layers.0.keep_prob: keep_prob 0.4 drops more units than it keeps; 0.5 to 0.9 is usual",
        "regularization.input_keep_prob: dropout on the input loses features for good; keep it at 1 or close to it",
    ]


def test_dropout_without_a_hidden_layer():
    assert advice(hidden=(), regularization={"keep_prob": 0.8}) == [
        "regularization.keep_prob: there is no hidden layer to drop; dropout is never on the output"
    ]


@pytest.mark.parametrize(
    ("stopping", "epochs", "expected"),
    [
        ({"patience": 10}, 12, False),
        ({"patience": 10}, 11, True),
        ({"patience": 10, "start_epoch": 40}, 50, True),
        ({"patience": 9, "start_epoch": 40}, 50, False),
    ],
)
def test_patience_that_never_stops_a_run(stopping, epochs, expected):
    lines = advice(training={"epochs": epochs, "early_stopping": stopping})
    assert any("never stops a run" in line for line in lines) == expected
    if expected:
        last = lines[-1]
        assert last.startswith(
            f"training.early_stopping.patience: patience 10 never stops a run of {epochs} epochs early"
        )


def test_early_stopping():
    assert advice(training={"early_stopping": {"patience": 3}}) == [
        "training.early_stopping: early stopping turns two knobs at once: it fights variance and raises the training "
        "error; L2 or dropout turn one"
    ]
