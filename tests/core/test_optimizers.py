"""Update rules."""

import math

import numpy as np
import pytest
import reference
from families import OPTIMIZER_CASES, case_id

from dlspec.core.arrays import BLOCK
from dlspec.core.optimizers import OPTIMIZERS

# Every case at small sizes; at the sizes around the edges of a block, every member and every step once.
SIZED_CASES = [(name, settings, size) for name, settings in OPTIMIZER_CASES for size in (1, 7)]
STEPS = [*((name, {}) for name in OPTIMIZERS), ("momentum", {"nesterov": True}), ("adam", {"amsgrad": True})]
SIZED_CASES += [(name, settings, size) for name, settings in STEPS for size in (BLOCK, BLOCK + 1, 3 * BLOCK + 5)]
NO_WEIGHTS = slice(0, 0)  # all of θ is biases, which no weight decay touches
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
    weights = slice(0, (size + 1) // 2)  # ends in the midst of a block
    naive = reference.OPTIMIZERS[name](
        theta.astype(np.float64), [g.astype(np.float64) for g in gradients], RATES, weights, **settings
    )
    step, state = OPTIMIZERS[name](**settings).bind(theta, grad, decayed=weights)
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
    weights = slice(0, BLOCK + 1)
    step, state = OPTIMIZERS[name](**settings).bind(theta, grad, decayed=weights)
    for t in range(1, 6):
        grad[:] = gradients[t - 1]
        step(RATES[t - 1], t)
    resumed_theta, resumed_grad = theta.copy(), np.empty_like(grad)
    resumed_step, resumed_state = OPTIMIZERS[name](**settings).bind(resumed_theta, resumed_grad, decayed=weights)
    assert set(resumed_state) == set(state)
    for key, array in state.items():
        resumed_state[key][:] = array
    for t in range(6, 11):
        grad[:] = resumed_grad[:] = gradients[t - 1]
        step(RATES[t - 1], t)
        resumed_step(RATES[t - 1], t)
        np.testing.assert_array_equal(resumed_theta, theta)


STATES = {
    "sgd": set(),
    "momentum": {"v"},
    "adagrad": {"s"},
    "rmsprop": {"s"},
    "adadelta": {"s", "d"},
    "adam": {"v", "s"},
    "adamw": {"v", "s"},
    "nadam": {"v", "s"},
}


@each_case
def test_state_holds_the_averages_and_starts_at_0(name, settings):
    _, state = OPTIMIZERS[name](**settings).bind(np.ones(3), np.ones(3), decayed=slice(0, 2))
    assert set(state) == STATES[name] | ({"largest_s"} if settings.get("amsgrad") else set())
    assert all((array == 0).all() for array in state.values())


@each_case
def test_one_description_binds_twice(name, settings, rng):
    optimizer = OPTIMIZERS[name](**settings)
    grad = rng.standard_normal(4)
    thetas = [np.ones(4), np.ones(4)]
    first, second = (optimizer.bind(theta, grad, decayed=slice(0, 2)).step for theta in thetas)
    for t in (1, 2, 3):
        first(0.1, t)
    for t in (1, 2, 3):
        second(0.1, t)
    assert (thetas[0] != 1).all()
    np.testing.assert_array_equal(thetas[0], thetas[1])


@each_case
def test_no_gradient_no_step(name, settings):
    theta = np.array([1.0, -2.0])
    step = OPTIMIZERS[name](**settings).bind(theta, np.zeros(2), decayed=NO_WEIGHTS).step
    for t in (1, 2):
        step(0.5, t)
    np.testing.assert_array_equal(theta, [1.0, -2.0])


# α of the first step, its factor per step, and the number of steps. The steps of rmsprop, the adams and
# adadelta hardly depend on the size of the gradient, so only a falling α brings them to rest.
PARABOLA = {
    "sgd": (0.1, 1.0, 100),
    "momentum": (0.1, 1.0, 300),
    "adagrad": (1.0, 1.0, 500),
    "rmsprop": (0.2, 0.98, 500),
    "adadelta": (100.0, 0.99, 1500),
    "adam": (0.5, 0.98, 500),
    "amsgrad": (0.5, 1.0, 500),
    "adamw": (0.5, 0.98, 500),
    "nadam": (0.5, 0.98, 500),
}


@each_case
def test_finds_the_minimum_of_a_parabola(name, settings):
    learning_rate, factor, steps = PARABOLA["amsgrad" if settings.get("amsgrad") else name]
    w, grad = np.zeros(1), np.zeros(1)
    step = OPTIMIZERS[name](**settings).bind(w, grad, decayed=NO_WEIGHTS).step
    for t in range(1, steps + 1):
        grad[:] = 2 * w - 10  # of w² − 10w + 25
        step(learning_rate * factor ** (t - 1), t)
    assert w[0] == pytest.approx(5.0, abs=1e-3)


ROSENBROCK = {
    "sgd": 1e-3,
    "momentum": 1e-3,
    "adagrad": 0.2,
    "rmsprop": 1e-2,
    "adadelta": 1.0,
    "adam": 1e-2,
    "amsgrad": 3e-2,
    "adamw": 1e-2,
    "nadam": 1e-2,
}


@pytest.mark.parametrize(("name", "settings"), STEPS, ids=case_id)
def test_goes_downhill_on_rosenbrock(name, settings):
    point, grad = np.array([-1.2, 1.0]), np.empty(2)
    step = OPTIMIZERS[name](**settings).bind(point, grad, decayed=NO_WEIGHTS).step
    learning_rate = ROSENBROCK["amsgrad" if settings.get("amsgrad") else name]

    def value():
        x, y = point
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    values = [value()]
    assert values[0] == pytest.approx(24.2)
    for t in range(1, 1501):
        x, y = point
        grad[:] = -2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)
        step(learning_rate, t)
        if t in (100, 500, 1500):
            values.append(value())
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5


def test_sgd_and_momentum_worked_by_hand():
    theta, grad = np.array([1.0]), np.array([4.0])
    OPTIMIZERS["sgd"]().bind(theta, grad, decayed=NO_WEIGHTS).step(0.25, 1)
    assert theta[0] == 0.0  # 1 − 0.25 · 4
    theta[:] = 1.0
    step = OPTIMIZERS["momentum"](beta=0.5).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.25, 1)
    assert theta[0] == 0.5  # v = 0.5 · 4 = 2; 1 − 0.25 · 2
    step(0.25, 2)
    assert theta[0] == -0.25  # v = 0.5 · 2 + 0.5 · 4 = 3; 0.5 − 0.25 · 3


def test_nesterov_worked_by_hand():
    theta, grad = np.array([1.0]), np.array([4.0])
    step = OPTIMIZERS["momentum"](beta=0.5, nesterov=True).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.25, 1)
    assert theta[0] == 0.25  # v = 2; 0.5 · 2 + 0.5 · 4 = 3; 1 − 0.25 · 3
    step(0.25, 2)
    assert theta[0] == -0.625  # v = 3; 0.5 · 3 + 0.5 · 4 = 3.5; 0.25 − 0.25 · 3.5


@pytest.mark.parametrize("nesterov", [False, True])
def test_corrected_momentum_takes_full_steps_along_a_constant_gradient(nesterov):
    theta, grad = np.array([1.0]), np.array([4.0])
    momentum = OPTIMIZERS["momentum"](beta=0.98, nesterov=nesterov, bias_correction=True)
    step = momentum.bind(theta, grad, decayed=NO_WEIGHTS).step
    for t in range(1, 6):  # an average of equal gradients is that gradient
        step(0.125, t)
        assert theta[0] == pytest.approx(1 - 0.5 * t, rel=1e-13)


def test_corrected_momentum_divides_by_0_0396_at_its_second_step():
    # β = 0.98: v = 0.98 · 0.02 · 3 + 0.02 · 2 = 0.0988; v̂ = 0.0988 / (1 − 0.98²).
    theta, grad = np.array([0.0]), np.array([3.0])
    step = OPTIMIZERS["momentum"](beta=0.98, bias_correction=True).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.0, 1)
    grad[:] = 2.0
    step(0.1, 2)
    assert theta[0] == pytest.approx(-0.1 * 0.0988 / 0.0396, rel=1e-12)


def test_adagrad_worked_by_hand():
    theta, grad = np.array([1.0]), np.array([3.0])
    step = OPTIMIZERS["adagrad"](epsilon=1.0).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.5, 1)
    assert theta[0] == pytest.approx(1 - 0.5 * 3 / (3 + 1), rel=1e-15)
    grad[:] = 4.0
    step(0.5, 2)
    assert theta[0] == pytest.approx(1 - 0.375 - 0.5 * 4 / (5 + 1), rel=1e-15)  # √(9 + 16) = 5


def test_adadelta_worked_by_hand():
    # ρ = 0 (no average), ε = 7: u = 3 √7 / √(9 + 7) = ¾ √7; then d = u² = 63/16, g = 1: u = √(63/16 + 7) / √(1 + 7).
    theta, grad = np.array([0.0]), np.array([3.0])
    step = OPTIMIZERS["adadelta"](rho=0.0, epsilon=7.0).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(1.0, 1)
    assert theta[0] == pytest.approx(-0.75 * math.sqrt(7), rel=1e-14)
    grad[:] = 1.0
    step(0.5, 2)
    assert theta[0] == pytest.approx(-0.75 * math.sqrt(7) - 0.5 * math.sqrt((63 / 16 + 7) / 8), rel=1e-14)


def test_amsgrad_remembers_the_largest_square():
    # β1 = β2 = 0: v̂ = g; after g = 4, a gradient of 1 is still divided by 4.
    theta, grad = np.array([0.0]), np.array([4.0])
    adam = OPTIMIZERS["adam"](beta1=0.0, beta2=0.0, epsilon=1e-15, amsgrad=True)
    step = adam.bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.5, 1)
    assert theta[0] == pytest.approx(-0.5, rel=1e-14)
    grad[:] = 1.0
    step(0.5, 2)
    assert theta[0] == pytest.approx(-0.5 - 0.5 / 4, rel=1e-14)


def test_amsgrad_compares_the_squares_before_their_correction():
    # β2 = ½: s = ½ · 16 = 8, then ½ · 8 + ½ · 4 = 6, so the largest is 8 and ŝ = 8 / (1 − ¼) = 32/3. Corrected before
    # they are compared it would be 8 / (1 − ½) = 16.
    theta, grad = np.array([0.0]), np.array([4.0])
    adam = OPTIMIZERS["adam"](beta1=0.0, beta2=0.5, epsilon=1e-15, amsgrad=True)
    step = adam.bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.0, 1)
    grad[:] = 2.0
    step(1.0, 2)
    assert theta[0] == pytest.approx(-2 / math.sqrt(32 / 3), rel=1e-14)


def test_weight_decay_shrinks_weights_and_leaves_biases():
    theta = np.array([8.0, -8.0, 8.0, -8.0])
    adamw = OPTIMIZERS["adamw"](weight_decay=0.5)
    step = adamw.bind(theta, np.zeros(4), decayed=slice(0, 2)).step
    step(0.5, 1)
    step(0.25, 2)
    np.testing.assert_array_equal(theta, [5.25, -5.25, 8.0, -8.0])  # 8 · (1 − ½ · ½) = 6; 6 · (1 − ¼ · ½) = 5.25


def test_a_small_weight_decay_is_not_lost_in_float32():
    theta = np.linspace(0.5, 1.0, 1000, dtype=np.float32)
    step = OPTIMIZERS["adamw"](weight_decay=0.01).bind(theta, np.zeros(1000, np.float32), decayed=slice(None)).step
    before = theta.astype(np.float64).mean()
    for t in range(1, 1001):
        step(1e-4, t)
    lost = 1 - theta.astype(np.float64).mean() / before
    assert lost == pytest.approx(1e-3, rel=0.1)  # 1,000 · 1e-4 · 0.01


def test_adamw_without_decay_is_adam_to_the_last_bit(rng):
    theta, gradients = sample(2 * BLOCK + 3, np.float32, rng)
    thetas, grad = [theta.copy(), theta.copy()], np.empty_like(theta)
    members = [OPTIMIZERS["adam"](), OPTIMIZERS["adamw"](weight_decay=0.0)]
    steps = [
        member.bind(vector, grad, decayed=slice(0, BLOCK + 1)).step
        for member, vector in zip(members, thetas, strict=True)
    ]
    for t, g in enumerate(gradients, start=1):
        grad[:] = g
        for step in steps:
            step(RATES[t - 1], t)
    np.testing.assert_array_equal(thetas[0], thetas[1])


def test_nadam_worked_by_hand():
    # β1 = ½, β2 = 0, g = 1 then 2: v = ½, then 1¼;
    # v̂ = ½ · ½ / ¾ + ½ · 1 / ½ = 4/3, then ½ · 1¼ / ⅞ + ½ · 2 / ¾ = 43/21.
    theta, grad = np.array([0.0]), np.array([1.0])
    step = OPTIMIZERS["nadam"](beta1=0.5, beta2=0.0, epsilon=1e-15).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.5, 1)
    assert theta[0] == pytest.approx(-0.5 * 4 / 3, rel=1e-14)
    grad[:] = 2.0
    step(0.5, 2)
    assert theta[0] == pytest.approx(-0.5 * 4 / 3 - 0.5 * (43 / 21) / 2, rel=1e-14)


def test_adam_divides_the_average_by_0_0396_at_its_second_step():
    # β1 = 0.98: v = 0.98 · 0.02 · 3 + 0.02 · 2 = 0.0988, v̂ = 0.0988 / (1 − 0.98²) = 0.0988 / 0.0396.
    # β2 = 0: ŝ = g² = 4, so the step is α v̂ / 2.
    theta, grad = np.array([0.0]), np.array([3.0])
    step = OPTIMIZERS["adam"](beta1=0.98, beta2=0.0, epsilon=1e-15).bind(theta, grad, decayed=NO_WEIGHTS).step
    step(0.1, 1)
    assert theta[0] == pytest.approx(-0.1, rel=1e-12)  # v̂ = g at the first step
    grad[:] = 2.0
    step(0.1, 2)
    assert theta[0] == pytest.approx(-0.1 - 0.1 * 0.0988 / 0.0396 / 2, rel=1e-12)


@pytest.mark.parametrize("name", ["adagrad", "rmsprop", "adam", "adamw", "nadam"])
def test_epsilon_stands_outside_the_root(name):
    # g = 2, no averages: α g / (√g² + ε) = 0.3 · 2 / (2 + 1) = 0.2; inside the root it would be 0.268.
    averages = {"adagrad": (), "rmsprop": ("rho",)}.get(name, ("beta1", "beta2"))
    theta = np.array([0.0])
    optimizer = OPTIMIZERS[name](epsilon=1.0, **dict.fromkeys(averages, 0.0))
    optimizer.bind(theta, np.array([2.0]), decayed=NO_WEIGHTS).step(0.3, 1)
    assert theta[0] == pytest.approx(-0.2, rel=1e-14)


def test_adam_at_a_late_step_has_no_correction_left():
    # v and s at their limits g and g²: the step is α g / √g² = α, however large t is.
    theta, grad = np.array([0.0]), np.array([3.0])
    step, state = OPTIMIZERS["adam"]().bind(theta, grad, decayed=NO_WEIGHTS)
    state["v"][:], state["s"][:] = 3.0 / (1 - 0.9), 9.0 / (1 - 0.999)
    step(0.1, 10**6)
    assert theta[0] == pytest.approx(-0.1, rel=1e-8)
    assert math.isfinite(state["s"][0])
