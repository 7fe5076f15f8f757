"""Update rules."""

import math

import numpy as np
import pytest
import reference
from families import OPTIMIZER_CASES, case_id

from dlspec.core.optimizers import BLOCK, OPTIMIZERS

# Every case at small sizes; at the sizes around the edges of a block, every member once.
SIZED_CASES = [(name, settings, size) for name, settings in OPTIMIZER_CASES for size in (1, 7)]
SIZED_CASES += [(name, {}, size) for name in OPTIMIZERS for size in (BLOCK, BLOCK + 1, 3 * BLOCK + 5)]
RATES = [0.1, 0.1, 0.05, 0.2, 0.01, 0.01, 0.3, 0.02, 1e-4, 0.1]

each_case = pytest.mark.parametrize(("name", "settings"), OPTIMIZER_CASES, ids=case_id)
each_member = pytest.mark.parametrize("name", OPTIMIZERS)


def sample(size, dtype, rng):
    """Start θ (P,) and 10 gradients (P,); the first entry's gradient is 0 in every second step."""
    theta = rng.standard_normal(size).astype(dtype)
    gradients = [rng.standard_normal(size).astype(dtype) for _ in RATES]
    for g in gradients[::2]:
        g[0] = 0.0
    return theta, gradients


@pytest.mark.parametrize(("name", "settings", "size"), SIZED_CASES, ids=case_id)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_10_steps_are_the_formula(name, settings, size, dtype, rtol, rng):
    theta, gradients = sample(size, dtype, rng)
    grad = np.empty_like(theta)
    naive = reference.OPTIMIZERS[name](
        theta.astype(np.float64), [g.astype(np.float64) for g in gradients], RATES, **settings
    )
    step, state = OPTIMIZERS[name](**settings).bind(theta, grad)
    for t, (g, rate, expected) in enumerate(zip(gradients, RATES, naive, strict=True), start=1):
        grad[:] = g
        step(rate, t)
        np.testing.assert_allclose(theta, expected, rtol=rtol, atol=rtol)
        np.testing.assert_array_equal(grad, g)  # the gradient is the trainer's, not scratch
    assert theta.dtype == dtype
    assert all(array.dtype == dtype and array.shape == (size,) for array in state.values())


@each_case
def test_state_round_trip_gives_bit_identical_steps(name, settings, rng):
    theta, gradients = sample(BLOCK + 3, np.float32, rng)
    grad = np.empty_like(theta)
    step, state = OPTIMIZERS[name](**settings).bind(theta, grad)
    for t in range(1, 6):
        grad[:] = gradients[t - 1]
        step(RATES[t - 1], t)
    resumed_theta, resumed_grad = theta.copy(), np.empty_like(grad)
    resumed_step, resumed_state = OPTIMIZERS[name](**settings).bind(resumed_theta, resumed_grad)
    assert set(resumed_state) == set(state)
    for key, array in state.items():
        resumed_state[key][:] = array
    for t in range(6, 11):
        grad[:] = resumed_grad[:] = gradients[t - 1]
        step(RATES[t - 1], t)
        resumed_step(RATES[t - 1], t)
        np.testing.assert_array_equal(resumed_theta, theta)


@pytest.mark.parametrize(
    ("name", "keys"), [("sgd", set()), ("momentum", {"v"}), ("rmsprop", {"s"}), ("adam", {"v", "s"})]
)
def test_state_holds_the_averages_and_starts_at_0(name, keys):
    _, state = OPTIMIZERS[name]().bind(np.ones(3), np.ones(3))
    assert set(state) == keys
    assert all((array == 0).all() for array in state.values())


@each_member
def test_one_description_binds_twice(name, rng):
    optimizer = OPTIMIZERS[name]()
    grad = rng.standard_normal(4)
    thetas = [np.ones(4), np.ones(4)]
    first, second = (optimizer.bind(theta, grad).step for theta in thetas)
    for t in (1, 2, 3):
        first(0.1, t)
    for t in (1, 2, 3):
        second(0.1, t)
    assert (thetas[0] != 1).all()
    np.testing.assert_array_equal(thetas[0], thetas[1])


@each_member
def test_no_gradient_no_step(name):
    theta = np.array([1.0, -2.0])
    step = OPTIMIZERS[name]().bind(theta, np.zeros(2)).step
    for t in (1, 2):
        step(0.5, t)
    np.testing.assert_array_equal(theta, [1.0, -2.0])


# α of the first step, its factor per step, and the number of steps. The steps of rmsprop and adam
# hardly depend on the size of the gradient, so only a falling α brings them to rest.
PARABOLA = {"sgd": (0.1, 1.0, 100), "momentum": (0.1, 1.0, 300), "rmsprop": (0.2, 0.98, 500), "adam": (0.5, 0.98, 500)}


@each_member
def test_finds_the_minimum_of_a_parabola(name):
    learning_rate, factor, steps = PARABOLA[name]
    w, grad = np.zeros(1), np.zeros(1)
    step = OPTIMIZERS[name]().bind(w, grad).step
    for t in range(1, steps + 1):
        grad[:] = 2 * w - 10  # of w² − 10w + 25
        step(learning_rate * factor ** (t - 1), t)
    assert w[0] == pytest.approx(5.0, abs=1e-3)


ROSENBROCK = {"sgd": 1e-3, "momentum": 1e-3, "rmsprop": 1e-2, "adam": 1e-2}


@each_member
def test_goes_downhill_on_rosenbrock(name):
    point, grad = np.array([-1.2, 1.0]), np.empty(2)
    step = OPTIMIZERS[name]().bind(point, grad).step

    def value():
        x, y = point
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    values = [value()]
    assert values[0] == pytest.approx(24.2)
    for t in range(1, 1501):
        x, y = point
        grad[:] = -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)
        step(ROSENBROCK[name], t)
        if t in (100, 500, 1500):
            values.append(value())
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5


def test_sgd_and_momentum_worked_by_hand():
    theta, grad = np.array([1.0]), np.array([4.0])
    OPTIMIZERS["sgd"]().bind(theta, grad).step(0.25, 1)
    assert theta[0] == 0.0  # 1 − 0.25 · 4
    theta[:] = 1.0
    step = OPTIMIZERS["momentum"](beta=0.5).bind(theta, grad).step
    step(0.25, 1)
    assert theta[0] == 0.5  # v = 0.5 · 4 = 2; 1 − 0.25 · 2
    step(0.25, 2)
    assert theta[0] == -0.25  # v = 0.5 · 2 + 0.5 · 4 = 3; 0.5 − 0.25 · 3


def test_adam_divides_the_average_by_0_0396_at_its_second_step():
    # β1 = 0.98: v = 0.98 · 0.02 · 3 + 0.02 · 2 = 0.0988, v̂ = 0.0988 / (1 − 0.98²) = 0.0988 / 0.0396.
    # β2 = 0: ŝ = g² = 4, so the step is α v̂ / 2.
    theta, grad = np.array([0.0]), np.array([3.0])
    step = OPTIMIZERS["adam"](beta1=0.98, beta2=0.0, epsilon=1e-15).bind(theta, grad).step
    step(0.1, 1)
    assert theta[0] == pytest.approx(-0.1, rel=1e-12)  # v̂ = g at the first step
    grad[:] = 2.0
    step(0.1, 2)
    assert theta[0] == pytest.approx(-0.1 - 0.1 * 0.0988 / 0.0396 / 2, rel=1e-12)


@pytest.mark.parametrize("name", ["rmsprop", "adam"])
def test_epsilon_stands_outside_the_root(name):
    # g = 2, ρ = β2 = 0 (no average): α g / (√g² + ε) = 0.3 · 2 / (2 + 1) = 0.2; inside the root it would be 0.268.
    settings = {"rmsprop": {"rho": 0.0, "epsilon": 1.0}, "adam": {"beta1": 0.0, "beta2": 0.0, "epsilon": 1.0}}
    theta = np.array([0.0])
    OPTIMIZERS[name](**settings[name]).bind(theta, np.array([2.0])).step(0.3, 1)
    assert theta[0] == pytest.approx(-0.2, rel=1e-14)


def test_adam_at_a_late_step_has_no_correction_left():
    # v and s at their limits g and g²: the step is α g / √g² = α, however large t is.
    theta, grad = np.array([0.0]), np.array([3.0])
    step, state = OPTIMIZERS["adam"]().bind(theta, grad)
    state["v"][:], state["s"][:] = 3.0 / (1 - 0.9), 9.0 / (1 - 0.999)
    step(0.1, 10**6)
    assert theta[0] == pytest.approx(-0.1, rel=1e-8)
    assert math.isfinite(state["s"][0])
