"""Where numbers stop being finite: the first block of the forward pass is named, in every kind of place."""

import math

import numpy as np
import pytest
from core.builders import build_network

from dlspec.core.activations import ACTIVATIONS
from dlspec.core.cost import Cost
from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import BatchNorm, Dense, Dropout, Elementwise
from dlspec.core.losses import LOSSES
from dlspec.core.network import Network
from dlspec.training.divergence import ADVICE, Divergence, first_not_finite, not_finite_parameters
from dlspec.training.events import RunFinished

from .builders import epochs_of, make_cost, make_examples, make_trainer

X = np.arange(12.0).reshape(4, 3) / 12 + 0.1  # 4 examples, every input above 0


def cost_of(network, *, loss="squared_error", dtype=np.float64):
    parameters = network.parameters(dtype=dtype)
    network.initialize(parameters, np.random.default_rng(0))
    return Cost(network=network, loss=LOSSES[loss](), penalties=(), parameters=parameters)


def deep(*, activation="relu", dtype=np.float64, keep_prob=None):
    """3-5-2-1, its weights all 1."""
    cost = cost_of(build_network((3, 5, 2, 1), activation=(activation, {}), keep_prob=keep_prob), dtype=dtype)
    cost.parameters.theta[cost.parameters.decayed] = 1.0
    return cost


def normalised(*, position, dtype=np.float64):
    """3-4-1 with batch normalisation before or after the activation."""
    he = INITIALIZERS["he"]()
    hidden = [Elementwise(ACTIVATIONS["relu"]()), BatchNorm()]
    if position == "before":
        hidden.reverse()
    return cost_of(Network([Dense(4, initializer=he), *hidden, Dense(1, initializer=he)], in_shape=(3,)), dtype=dtype)


def found_in(cost, inputs=X):
    with np.errstate(all="ignore"):
        return first_not_finite(cost, inputs.astype(cost.dtype))


# --- the first block of a forward pass ----------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("where", "lost"), [([(0, 0)], 1), ([(1, 2), (3, 0)], 2), ([(i, 1) for i in range(4)], 4)])
def test_inputs(value, where, lost):
    inputs = X.copy()
    for place in where:
        inputs[place] = value
    assert found_in(deep(), inputs) == Divergence("inputs", f"the inputs: {lost} of 12 values are not finite")


def test_inputs_that_are_too_large_for_the_dtype():
    with np.errstate(over="ignore"):
        inputs = np.full((2, 3), 1e39).astype(np.float32)
    assert found_in(deep(dtype=np.float32), inputs).place == "the inputs: 6 of 6 values are not finite"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("name", "layer", "size"), [("W1", 1, 15), ("b1", 1, 5), ("W2", 2, 10), ("b2", 2, 2), ("W3", 3, 2), ("b3", 3, 1)]
)
def test_parameters_of_each_layer(value, name, layer, size):
    cost = deep()
    cost.parameters.values[name].flat[0] = value
    assert found_in(cost) == Divergence("parameters", f"layer {layer}, {name}: 1 of {size} values are not finite")


@pytest.mark.parametrize("name", ["W1", "b1", "W2", "b2", "W3", "b3"])
def test_counts_are_of_all_values(name):
    cost = deep()
    values = cost.parameters.values[name]
    values[...] = math.nan
    assert found_in(cost).place.endswith(f"{name}: {values.size} of {values.size} values are not finite")


def test_thousands_are_set_apart():
    cost = cost_of(build_network((3, 400, 1)))
    cost.parameters.values["W1"][...] = math.nan
    assert found_in(cost).place == "layer 1, W1: 1,200 of 1,200 values are not finite"


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        (["inputs", "W1", "W2"], "the inputs: 1 of 12 values are not finite"),
        (["W3", "b1", "W2"], "layer 1, b1: 1 of 5 values are not finite"),
        (["b2", "W3"], "layer 2, b2: 1 of 2 values are not finite"),
        (["b1", "W1"], "layer 1, W1: 1 of 15 values are not finite"),
    ],
)
def test_the_first_in_the_order_of_the_forward_pass_is_named(broken, place):
    cost, inputs = deep(), X.copy()
    for name in broken:
        (inputs if name == "inputs" else cost.parameters.values[name]).flat[0] = math.nan
    assert found_in(cost, inputs).place == place


@pytest.mark.parametrize(
    ("name", "layer", "lost", "of"),
    [("W1", 1, 20, 20), ("W2", 2, 8, 8), ("W3", 3, 4, 4)],
)
def test_a_layer_that_overflows(name, layer, lost, of):
    """Finite weights whose products are not."""
    cost = deep()
    cost.parameters.values[name][...] = 1e308
    inputs = 100 * X
    assert found_in(cost, inputs) == Divergence(
        "outputs", f"layer {layer}, Z{layer}: {lost} of {of} values are not finite"
    )


def test_an_activation_that_overflows():
    """Z is finite, and selu multiplies it by 1.05."""
    cost = cost_of(build_network((3, 5, 2, 1), activation=("selu", {})))
    cost.parameters.values["b2"][1] = 1.75e308
    assert found_in(cost) == Divergence("outputs", "layer 2, activation A2: 4 of 8 values are not finite")
    cost.parameters.values["b1"][:3] = 1.75e308
    assert found_in(cost) == Divergence("outputs", "layer 1, activation A1: 12 of 20 values are not finite")


@pytest.mark.parametrize("position", ["before", "after"])
def test_batch_normalization(position):
    cost = normalised(position=position)
    values = cost.parameters.values
    values["W1"][...] = 10.0
    values["gamma1"][...] = 1e308
    place = "layer 1, batch normalization of Z1: 16 of 16 values are not finite"
    assert found_in(cost) == Divergence("outputs", place)


@pytest.mark.parametrize(("name", "size"), [("gamma1", 4), ("beta1", 4), ("mean1", 4), ("variance1", 4), ("t1", 1)])
def test_parameters_and_statistics_of_batch_normalization(name, size):
    cost = normalised(position="before")
    cost.parameters.values[name][0] = math.nan
    assert found_in(cost) == Divergence("parameters", f"layer 1, {name}: 1 of {size} values are not finite")


def test_dropout_is_off_and_draws_nothing():
    """The masks of the training, and the state of their generator, are left alone."""
    cost = deep(keep_prob=0.1)
    cost.parameters.values["b3"][0] = math.nan
    before = cost.parameters.vector.copy(), cost.parameters.grad.copy()
    assert found_in(cost).place == "layer 3, b3: 1 of 1 values are not finite"
    np.testing.assert_array_equal(cost.parameters.vector, before[0])
    np.testing.assert_array_equal(cost.parameters.grad, before[1])


def test_dropout_passes_on_what_it_gets():
    network = Network([Dropout(keep_prob=0.5), Dense(2, initializer=INITIALIZERS["he"]())], in_shape=(3,))
    cost = cost_of(network)
    inputs = X.copy()
    inputs[0, 0] = math.inf
    assert found_in(cost, inputs).place == "the inputs: 1 of 12 values are not finite"
    assert found_in(cost).block == "loss"


@pytest.mark.parametrize(("weight", "reach"), [(0.2, "5.6"), (1e150, "2.8e+151"), (-1e150, "2.8e+151"), (0.0, "0")])
def test_the_loss_itself(weight, reach):
    """The logits are 10 w₃ (x₁ + x₂ + x₃), and the largest sum of inputs is 2.8."""
    cost = deep()
    cost.parameters.values["W3"][...] = weight
    place = f"the loss itself: every layer is finite with dropout off, and the logits reach {reach}"
    assert found_in(cost) == Divergence("loss", place)


def test_inputs_and_parameters_are_left_alone():
    cost, inputs = deep(), X.copy()
    before = cost.parameters.vector.copy()
    found_in(cost, inputs)
    np.testing.assert_array_equal(inputs, X)
    np.testing.assert_array_equal(cost.parameters.vector, before)


@pytest.mark.parametrize("block", ["inputs", "parameters", "outputs", "loss"])
def test_every_block_has_its_advice(block):
    assert Divergence(block, "somewhere").advice == ADVICE[block] != ()


# --- parameters alone ---------------------------------------------------------------------------------


def test_finite_parameters():
    assert not_finite_parameters(deep()) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("broken", "place"),
    [
        (["W1"], "layer 1, W1: 1 of 12 values are not finite"),
        (["mean1"], "layer 1, mean1: 1 of 4 values are not finite"),
        (["gamma1", "W2"], "layer 2, W2: 1 of 4 values are not finite"),  # weights come first in θ
        (["t1", "b2"], "layer 2, b2: 1 of 1 values are not finite"),
    ],
)
def test_not_finite_parameters(value, broken, place):
    cost = normalised(position="before")
    for name in broken:
        cost.parameters.values[name].flat[0] = value
    assert not_finite_parameters(cost) == Divergence("parameters", place)


# --- what a trainer says ------------------------------------------------------------------------------


def trained(cost, examples, **settings):
    """All events of a training that may overflow."""
    with np.errstate(all="ignore"):
        return list(make_trainer(cost, examples, **settings).run())


@pytest.mark.parametrize(("at", "epoch"), [(0, 1), (2, 1), (4, 2), (9, 3)])
def test_the_trainer_names_step_layer_and_block(at, epoch):
    """A weight is spoilt after so many steps; the next one shows it. There are 4 steps in an epoch."""
    cost, steps = make_cost((3, 5, 4, 1)), iter(range(99))

    def spoil():
        if next(steps) == at:
            cost.parameters.values["W2"][1, 2] = math.nan
        return False

    events = trained(cost, make_examples(m=30), batch_size=8, epochs=5, interrupted=spoil, measure=lambda: FINE)
    finished = events[-1]
    assert isinstance(finished, RunFinished)
    step = at + 1  # of those that were done
    assert (finished.reason, finished.step, finished.epoch) == ("diverged", step, epoch - 1)
    assert finished.message == (
        f"the loss is nan at step {step + 1} in epoch {epoch}; first in layer 2, W2: 1 of 20 values are not finite"
    )
    assert finished.advice == ADVICE["parameters"]


FINE = {"train_loss": 0.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_bias_behind_a_relu_is_found_at_the_end_of_the_epoch(value):
    """Whatever is measured: −∞ leaves a unit that is 0 for every example, and a loss that is as finite as ever."""
    cost = cost_of(build_network((3, 5, 1), activation=("relu", {})), loss="binary_cross_entropy")
    examples, calls = make_examples(m=30), iter(range(99))

    def measure():
        if next(calls) == 1:
            cost.parameters.values["b1"][3] = value
        return FINE

    events = trained(cost, examples, batch_size=8, epochs=5, measure=measure)
    assert [event.epoch for event in epochs_of(events)] == [1]
    finished = events[-1]
    assert (finished.reason, finished.epoch, finished.step) == ("diverged", 2, 8)
    assert finished.message == (
        "a parameter is not finite after epoch 2; first in layer 1, b1: 1 of 5 values are not finite"
    )
    assert finished.advice == ADVICE["parameters"]


def test_minus_infinity_behind_a_relu_shows_in_no_loss():
    cost = cost_of(build_network((3, 5, 1), activation=("relu", {})), loss="binary_cross_entropy")
    cost.parameters.values["W1"][3] = -math.inf
    examples = make_examples(m=30)
    positive = type(examples)(X=np.abs(examples.X) + 0.1, Y=examples.Y, rows=examples.rows)
    events = trained(cost, positive, batch_size=8, epochs=5, optimizer=("sgd", {}))
    assert [type(event) for event in events[1:]] == [RunFinished]
    assert (events[-1].reason, events[-1].step) == ("diverged", 4)  # every step of the epoch was taken
    assert (
        events[-1].message
        == "a parameter is not finite after epoch 1; first in layer 1, W1: 3 of 15 values are not finite"
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measured_quantity_and_the_parameter_that_spoils_it(value):
    cost = make_cost()

    def measure():
        cost.parameters.values["W2"][0, 4] = math.nan
        return {"train_loss": 0.5, "dev_cost": value}

    finished = trained(cost, make_examples(), measure=measure)[-1]
    assert finished.message == f"dev_cost is {value} after epoch 1; first in layer 2, W2: 1 of 5 values are not finite"


def test_an_end_without_divergence_gives_no_advice():
    assert trained(make_cost(), make_examples())[-1].advice == ()
