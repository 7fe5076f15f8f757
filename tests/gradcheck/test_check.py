"""The check itself: its numbers, its verdicts, what it leaves out, and that it leaves everything as it was."""

import numpy as np
import pytest

from dlspec.core.activations import Relu, Tanh
from dlspec.core.cost import Cost, Penalty
from dlspec.core.gradcheck import (
    EPSILON,
    LOOK_AGAIN,
    RIGHT,
    SURELY_WRONG,
    Measure,
    Objective,
    check,
    measure,
    most_severe,
)
from dlspec.core.initializers import He
from dlspec.core.layers import BatchNorm, Dense, Dropout, Elementwise
from dlspec.core.losses import AbsoluteError, SquaredError
from dlspec.core.network import Network
from dlspec.core.regularizers import L1


def cost_of(*layers, n_x=3, units=2, loss=None, penalties=(), seed=0, dtype=np.float64):
    network = Network([*layers, Dense(units, initializer=He())], in_shape=(n_x,))
    parameters = network.parameters(dtype=dtype)
    rng = np.random.default_rng(seed)
    network.initialize(parameters, rng)
    parameters.theta += 0.1 * rng.standard_normal(parameters.theta.shape).astype(dtype)
    where = parameters.decayed
    return Cost(
        network=network,
        loss=loss or SquaredError(),
        penalties=[Penalty(penalty, where) for penalty in penalties],
        parameters=parameters,
    )


def objective_of(*layers, m=5, rng=None, w=None, **settings):
    cost, numbers = cost_of(*layers, **settings), np.random.default_rng(9)
    n_x, (units,) = cost.network.in_shape[0], cost.network.out_shape
    return Objective(cost, numbers.standard_normal((m, n_x)), numbers.standard_normal((m, units)), w, rng=rng)


def checked(objective, **settings):
    return {block.name: block for block in check(objective, rng=np.random.default_rng(5), **settings)}


def dense(units):
    return Dense(units, initializer=He())


# --- numbers ---------------------------------------------------------------------------------------------


def test_the_ratio_is_that_of_the_course():
    result = measure(np.array([3.0, 4.0]), np.array([3.0, 4.5]), np.array([0.0, 0.1]), left_out=2)
    assert result.relative_error == pytest.approx(0.5 / (5.0 + np.hypot(3.0, 4.5)), rel=1e-15)
    assert result.rounding == pytest.approx(0.1 / (5.0 + np.hypot(3.0, 4.5)), rel=1e-15)
    assert (result.count, result.left_out) == (2, 2)
    assert measure(np.zeros(2), np.zeros(2), np.zeros(2)).relative_error == 0.0


@pytest.mark.parametrize(
    ("relative_error", "rounding", "verdict"),
    [
        (0.0, 0.0, "ok"),
        (RIGHT, 0.0, "ok"),
        (1.1 * RIGHT, 0.0, "suspicious"),
        (LOOK_AGAIN, 0.0, "suspicious"),
        (1.1 * LOOK_AGAIN, 0.0, "wrong"),
        (SURELY_WRONG, 0.0, "wrong"),
        (1.0, 0.0, "wrong"),
        (np.nan, 0.0, "wrong"),
        (np.nan, np.nan, "wrong"),
        (1.0, 2.0, "ok"),  # nothing but rounding
        (1e-6, 2e-6, "ok"),
        (1.0, 1e-3, "wrong"),
    ],
)
def test_verdicts_are_by_the_thresholds_of_the_course(relative_error, rounding, verdict):
    assert (RIGHT, LOOK_AGAIN, SURELY_WRONG) == (1e-7, 1e-5, 1e-3)
    assert Measure(relative_error, rounding, 3, 0).verdict == verdict


def test_what_was_not_compared_has_no_verdict():
    assert Measure(0.0, 0.0, 0, 4).verdict == "unchecked"
    assert most_severe([]) == "unchecked"
    assert most_severe(["ok", "unchecked"]) == "ok"
    assert most_severe(["ok", "wrong", "suspicious"]) == "wrong"


def test_a_linear_network_by_hand():
    """J = ½(w·x + b − y)² has the gradient (w·x + b − y)(x, 1)."""
    cost = cost_of(n_x=2, units=1)
    cost.parameters.theta[:] = [2.0, -1.0, 0.5]
    X, Y = np.array([[3.0, 4.0]]), np.array([[1.0]])
    blocks = checked(Objective(cost, X, Y))
    e = 2 * 3 - 4 + 0.5 - 1
    np.testing.assert_allclose(blocks["W1"].entries.analytic, [e * 3, e * 4], rtol=1e-15)
    np.testing.assert_allclose(blocks["W1"].entries.numeric, [e * 3, e * 4], rtol=1e-9)
    np.testing.assert_allclose(blocks["b1"].entries.numeric, [e], rtol=1e-9)
    assert blocks["b1"].shape == (1,)
    assert [(block.layer, block.size) for block in blocks.values()] == [(0, 2), (0, 1)]


def test_loss_and_penalty_are_kept_apart():
    objective = objective_of(penalties=[L1(lambda_=0.5)], m=5)
    entries = checked(objective)["W1"].entries
    np.testing.assert_allclose(entries.penalty, 0.1 * np.sign(entries.values), rtol=1e-8)
    np.testing.assert_allclose(entries.loss + entries.penalty, entries.analytic, rtol=1e-7, atol=1e-9)
    assert not checked(objective)["b1"].entries.penalty.any()


def test_blocks_come_in_the_order_of_the_layers():
    layers = (dense(4), BatchNorm(), Elementwise(Tanh()), dense(3), Elementwise(Tanh()))
    blocks = checked(objective_of(*layers))
    assert list(blocks) == ["W1", "b1", "gamma1", "beta1", "W2", "b2", "W3", "b3"]
    assert [block.layer for block in blocks.values()] == [0, 0, 1, 1, 3, 3, 5, 5]


def test_the_worst_entries_come_first_with_both_values():
    objective = objective_of(n_x=3, units=2)
    right = objective.gradient

    def gradient():
        dtheta = right()
        dW = objective.cost.parameters.views_of(dtheta)["W1"]
        dW[1, 2] += 0.3
        dW[0, 1] += 0.1
        return dtheta

    objective.gradient = gradient
    block = checked(objective)["W1"]
    (first, a1, n1), (second, a2, n2) = block.worst(2)
    assert (first, second) == ((1, 2), (0, 1))
    assert a1 - n1 == pytest.approx(0.3, rel=1e-6)
    assert a2 - n2 == pytest.approx(0.1, rel=1e-6)
    assert block.verdict == "wrong"


def test_nan_is_among_the_worst_entries():
    objective = objective_of()
    objective.gradient = lambda: np.full(objective.cost.parameters.theta.size, np.nan)
    block = checked(objective)["b1"]
    assert block.verdict == "wrong"
    assert np.isnan(block.worst(1)[0][1])


# --- how much is checked ----------------------------------------------------------------------------------


def test_every_entry_or_a_sample_with_directions():
    objective = objective_of(dense(6), Elementwise(Tanh()))
    full = checked(objective, directions=4)
    assert {name: block.differences.count for name, block in full.items()} == {"W1": 18, "b1": 6, "W2": 12, "b2": 2}
    assert all(block.directions is None for block in full.values())
    sampled = checked(objective, coordinates=6, directions=4)
    assert {name: block.differences.count for name, block in sampled.items()} == {"W1": 6, "b1": 6, "W2": 6, "b2": 2}
    assert {name: block.directions and block.directions.count for name, block in sampled.items()} == {
        "W1": 4,
        "b1": None,
        "W2": 4,
        "b2": None,
    }
    positions = sampled["W1"].entries.positions
    assert len(set(positions.tolist())) == 6
    assert positions.max() < 18
    assert checked(objective, coordinates=6)["W1"].directions is None


def test_the_same_generator_gives_the_same_check():
    objective = objective_of(dense(6), Elementwise(Tanh()))
    one, other = (checked(objective, coordinates=3, directions=2) for _ in range(2))
    for name, block in one.items():
        np.testing.assert_array_equal(block.entries.positions, other[name].entries.positions)
        assert block.measures == other[name].measures


def test_the_error_of_central_differences_is_of_second_order():
    """(1e-2)² against (1e-3)² of truncation: a hundred times less, and far above rounding."""
    objective = objective_of(dense(6), Elementwise(Tanh()))
    objective.has_plain_form = False
    errors = [checked(objective, epsilon=epsilon)["W1"].differences for epsilon in (1e-2, 1e-3)]
    # With steps that are up to a hundred times smaller for what disagrees, even these are right.
    assert [error.verdict for error in errors] == ["ok", "ok"]
    start = objective.cost.parameters.theta[0]
    values = []
    for step in (0.0, 1e-2, -1e-2, 1e-3, -1e-3):
        objective.cost.parameters.theta[0] = start + step
        values.append(objective.value()[0])
    objective.cost.parameters.theta[0] = start
    exact = objective.gradient()[0]
    coarse, fine = (values[1] - values[2]) / 2e-2 - exact, (values[3] - values[4]) / 2e-3 - exact
    assert coarse / fine == pytest.approx(100, rel=0.01)


# --- kinks -----------------------------------------------------------------------------------------------


def test_a_unit_on_the_kink_is_left_out_and_counted():
    """The only hidden unit is at z = 0 for the only example: each of its entries moves it to both sides."""
    cost = cost_of(dense(1), Elementwise(Relu()), n_x=2, units=1)
    cost.parameters.theta[:] = [1.0, -1.0, 2.0, 0.0, 0.3]  # W1 (2), W2, b1, b2
    blocks = checked(Objective(cost, np.array([[1.0, 1.0]]), np.array([[5.0]])))
    assert [(b.differences.count, b.differences.left_out) for b in blocks.values()] == [(0, 2), (0, 1), (1, 0), (1, 0)]
    assert blocks["W1"].differences.verdict == "unchecked"
    assert blocks["W1"].verdict == "ok"  # the complex step has no two sides
    assert len(blocks["W1"].entries.values) == 0
    assert blocks["W1"].worst(3) == []


def test_a_unit_near_the_kink_is_checked_with_smaller_steps():
    cost = cost_of(dense(1), Elementwise(Relu()), n_x=1, units=1)
    cost.parameters.theta[:] = [1.0, 2.0, EPSILON / 5, 0.3]  # W1, W2, b1, b2: z = ε/5
    blocks = checked(Objective(cost, np.array([[0.0]]), np.array([[5.0]])))
    assert blocks["b1"].differences.left_out == 0
    assert blocks["b1"].verdict == "ok"


def test_a_weight_at_the_kink_of_l1_is_left_out():
    cost = cost_of(penalties=[L1(lambda_=0.3)], n_x=2, units=1)
    cost.parameters.theta[:2] = [0.0, 0.5]
    block = checked(Objective(cost, np.ones((3, 2)), np.zeros((3, 1))))["W1"]
    assert (block.differences.count, block.differences.left_out) == (1, 1)
    np.testing.assert_array_equal(block.entries.positions, [1])
    assert block.verdict == "ok"


def test_an_error_of_exactly_0_is_at_the_kink_of_the_absolute_error():
    cost = cost_of(loss=AbsoluteError(), n_x=1, units=1)
    cost.parameters.theta[:] = [2.0, 1.0]
    blocks = checked(Objective(cost, np.array([[1.0], [0.0]]), np.array([[3.0], [7.0]])))
    assert blocks["W1"].differences.left_out == 1  # moves the first example, whose error is 0
    assert blocks["b1"].differences.left_out == 1


# --- nothing is left behind ---------------------------------------------------------------------------------


def test_parameters_averages_and_masks_are_as_before():
    rng = np.random.default_rng(4)
    layers = (dense(6), BatchNorm(), Elementwise(Tanh()), Dropout(keep_prob=0.5))
    objective = objective_of(*layers, rng=rng)
    vector = objective.cost.parameters.vector
    vector[len(objective.cost.parameters.theta) :] = 0.25
    before = vector.copy()
    assert {block.verdict for block in checked(objective, coordinates=4, directions=2).values()} == {"ok"}
    np.testing.assert_array_equal(vector, before)
    assert objective.value() == objective.value()


def test_weights_of_the_examples_count():
    w = np.array([0.0, 1.0, 2.0, 0.5, 3.0])
    weighted, plain = objective_of(w=w), objective_of()
    assert {block.verdict for block in checked(weighted).values()} == {"ok"}
    assert weighted.value()[0] != plain.value()[0]


def test_float32_is_refused():
    with pytest.raises(ValueError, match="float64; found parameters of float32"):
        Objective(cost_of(dtype=np.float32), np.zeros((2, 3)), np.zeros((2, 2)))


def test_a_part_without_a_plain_formula_has_one_witness_less():
    class Cube:
        """g(z) = z³, which `plain` does not know."""

        kinks = ()

        def bind(self, shape, dtype):
            kept = np.empty(shape, dtype)

            def forward(Z):
                np.copyto(kept, Z)
                return np.power(Z, 3, out=Z)

            return type(Tanh().bind(shape, dtype))(forward, lambda dA: dA * 3 * kept**2)

    objective = objective_of(dense(3), Elementwise(Cube()))
    assert not objective.has_plain_form
    blocks = checked(objective)
    assert {block.complex_step for block in blocks.values()} == {None}
    assert {block.verdict for block in blocks.values()} == {"ok"}
