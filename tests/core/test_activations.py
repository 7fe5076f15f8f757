"""Activation functions and their derivatives."""

import math

import numpy as np
import pytest
import reference
from families import ACTIVATION_CASES, case_id

from dlspec.core.activations import ACTIVATIONS

SHAPES = [(1, 1), (1, 6), (5, 1), (7, 3), (3, 2, 4)]
TOLERANCES = {np.float64: {"rtol": 1e-12, "atol": 1e-15}, np.float32: {"rtol": 2e-6, "atol": 1e-6}}

each_member = pytest.mark.parametrize(("name", "settings"), ACTIVATION_CASES, ids=case_id)
each_dtype = pytest.mark.parametrize("dtype", TOLERANCES)


def sample(shape, dtype, rng):
    """Random Z with an exact 0 at its first place."""
    Z = (3 * rng.standard_normal(shape)).astype(dtype)
    Z.flat[0] = 0.0
    return Z


@each_member
@each_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_is_the_formula(name, settings, dtype, shape, rng):
    Z = sample(shape, dtype, rng)
    expected = reference.ACTIVATIONS[name](Z.astype(np.float64), **settings)
    A = ACTIVATIONS[name](**settings).bind(shape, dtype).forward(Z)
    np.testing.assert_allclose(A, expected, **TOLERANCES[dtype])


@each_member
@each_dtype
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_backward_is_the_derivative_times_dA(name, settings, dtype, shape, rng):
    Z, dA = sample(shape, dtype, rng), rng.standard_normal(shape).astype(dtype)
    derivative = reference.DERIVATIVES[name](Z.astype(np.float64), **settings)
    expected = dA.astype(np.float64) * derivative
    bound = ACTIVATIONS[name](**settings).bind(shape, dtype)
    bound.forward(Z)
    np.testing.assert_allclose(bound.backward(dA), expected, **TOLERANCES[dtype])


@each_member
@each_dtype
def test_works_in_place_and_keeps_the_dtype(name, settings, dtype, rng):
    Z, dA = sample((4, 3), dtype, rng), np.ones((4, 3), dtype)
    bound = ACTIVATIONS[name](**settings).bind((4, 3), dtype)
    assert bound.forward(Z) is Z
    assert bound.backward(dA) is dA
    assert Z.dtype == dA.dtype == dtype


@each_member
def test_backward_belongs_to_the_last_forward(name, settings, rng):
    first, last = rng.standard_normal((4, 3)), rng.standard_normal((4, 3))
    expected = reference.DERIVATIVES[name](last, **settings)
    bound = ACTIVATIONS[name](**settings).bind((4, 3), np.float64)
    bound.forward(first)
    bound.forward(last)
    np.testing.assert_allclose(bound.backward(np.ones((4, 3))), expected, rtol=1e-12, atol=1e-15)


@each_member
def test_two_bindings_of_one_member_do_not_share_memory(name, settings, rng):
    member = ACTIVATIONS[name](**settings)
    Z, other_Z = rng.standard_normal((4, 3)), rng.standard_normal((2, 5))
    expected = reference.DERIVATIVES[name](Z, **settings)
    bound, other = member.bind((4, 3), np.float64), member.bind((2, 5), np.float64)
    bound.forward(Z)
    other.forward(other_Z)
    other.backward(np.full((2, 5), 9.0))
    np.testing.assert_allclose(bound.backward(np.ones((4, 3))), expected, rtol=1e-12, atol=1e-15)


@each_member
@each_dtype
def test_extreme_inputs_stay_finite(name, settings, dtype):
    Z = np.array([[-1e4, -100.0, 100.0, 1e4]], dtype)
    limits = {
        "linear": [-1e4, -100, 100, 1e4],
        "sigmoid": [0, 0, 1, 1],
        "tanh": [-1, -1, 1, 1],
        "relu": [0, 0, 100, 1e4],
        "leaky_relu": [-1e4 * settings.get("slope", 0.01), -100 * settings.get("slope", 0.01), 100, 1e4],
        "hard_tanh": [-1, -1, 1, 1],
        "elu": [-settings.get("alpha", 1.0), -settings.get("alpha", 1.0), 100, 1e4],
        "selu": [-1.758099340847376, -1.758099340847376, 105.07009873554805, 10507.009873554805],
        "softplus": [0, 0, 100, 1e4],
        "silu": [0, 0, 100, 1e4],
        "gelu": [0, 0, 100, 1e4],
    }
    bound = ACTIVATIONS[name](**settings).bind((1, 4), dtype)
    np.testing.assert_allclose(bound.forward(Z), [limits[name]], rtol=1e-6, atol=1e-30)
    assert np.isfinite(bound.backward(np.ones((1, 4), dtype))).all()


def test_derivative_of_the_sigmoid_at_minus_6_to_6():
    falling = [0.25, 0.19661193, 0.10499359, 0.04517666, 0.01766271, 0.00664806, 0.00246651]  # z = 0 … 6
    table = [*reversed(falling), *falling[1:]]
    bound = ACTIVATIONS["sigmoid"]().bind((1, 13), np.float64)
    bound.forward(np.arange(-6.0, 7.0)[np.newaxis])
    np.testing.assert_allclose(bound.backward(np.ones((1, 13))), [table], rtol=0, atol=5e-9)


def test_relu_has_slope_0_at_0():
    bound = ACTIVATIONS["relu"]().bind((1, 3), np.float64)
    np.testing.assert_array_equal(bound.forward(np.array([[-2.0, 0.0, 3.0]])), [[0, 0, 3]])
    np.testing.assert_array_equal(bound.backward(np.array([[5.0, 5.0, 5.0]])), [[0, 0, 5]])


@each_dtype
@pytest.mark.parametrize("size", [1, 3, 8, 31, 64, 1000])
def test_relu_takes_both_zeros_for_0_and_the_smallest_number_for_positive(dtype, size):
    smallest = np.nextafter(dtype(0), dtype(1))
    Z = np.resize(np.array([-0.0, smallest, 0.0, -smallest, np.inf, -np.inf, 1.0], dtype), (1, size))
    dA = np.linspace(-2.0, 2.0, size).astype(dtype).reshape(1, size)
    expected = np.where(Z > 0, dA, dtype(0))
    bound = ACTIVATIONS["relu"]().bind((1, size), dtype)
    assert not np.signbit(bound.forward(Z)).any()
    np.testing.assert_array_equal(bound.backward(dA), expected)


def test_leaky_relu_has_its_slope_at_0():
    bound = ACTIVATIONS["leaky_relu"](slope=0.25).bind((1, 3), np.float64)
    np.testing.assert_array_equal(bound.forward(np.array([[-2.0, 0.0, 3.0]])), [[-0.5, 0, 3]])
    np.testing.assert_array_equal(bound.backward(np.array([[4.0, 4.0, 4.0]])), [[1, 1, 4]])


# g and g' at z = −3, −1, −½, ½, 2, rounded from 60-digit arithmetic: Python's decimal, with erf from its
# power series and π, λ and α to 30 digits or more; each g' agreed with (g(z + h) − g(z − h))/2h at h = 1e-20.
GOLDEN = [
    ("hard_tanh", {}, [-1, -1, -0.5, 0.5, 1], [0, 0, 1, 1, 0]),
    (
        "elu",
        {},
        [-0.950212931632136, -0.6321205588285577, -0.3934693402873666, 0.5, 2],
        [0.049787068367863944, 0.36787944117144233, 0.6065306597126334, 1, 1],
    ),
    (
        "elu",
        {"alpha": 0.5},
        [-0.475106465816068, -0.31606027941427883, -0.1967346701436833, 0.5, 2],
        [0.024893534183931972, 0.18393972058572117, 0.3032653298563167, 1, 1],
    ),
    (
        "selu",
        {},
        [-1.670568728767112, -1.1113307378125628, -0.6917581878028713, 0.5253504936777402, 2.101401974710961],
        [0.08753061208026489, 0.6467686030348141, 1.0663411530445055, 1.0507009873554805, 1.0507009873554805],
    ),
    (
        "softplus",
        {},
        [0.04858735157374206, 0.3132616875182228, 0.4740769841801067, 0.9740769841801067, 2.1269280110429727],
        [0.04742587317756678, 0.2689414213699951, 0.37754066879814546, 0.6224593312018546, 0.8807970779778824],
    ),
    (
        "silu",
        {},
        [-0.14227761953270035, -0.2689414213699951, -0.18877033439907273, 0.3112296656009273, 1.7615941559557649],
        [-0.08810410601516962, 0.07232948812851327, 0.2600388126973482, 0.7399611873026518, 1.0907842487848955],
    ),
    (
        "gelu",
        {},
        [-0.0040496940948902835, -0.15865525393145705, -0.15426876936299344, 0.34573123063700656, 1.9544997361036416],
        [-0.011945647204183927, -0.0833154705876863, 0.13250487534383715, 0.8674951246561629, 1.085231801078197],
    ),
    (
        "gelu",
        {"form": "tanh"},
        [-0.003637392081773019, -0.1588080093917233, -0.15428599017485609, 0.34571400982514394, 1.954597694087775],
        [-0.011584166630969726, -0.08296408384578255, 0.1326300964653577, 0.8673699035346423, 1.0860992566236183],
    ),
]


@pytest.mark.parametrize(
    ("name", "settings", "values", "derivatives"),
    GOLDEN,
    ids=[f"{name}-{case_id(settings)}" for name, settings, *_ in GOLDEN],
)
@each_dtype
def test_golden_values(name, settings, values, derivatives, dtype):
    tolerance = {np.float64: 1e-15, np.float32: 5e-7}[dtype]
    bound = ACTIVATIONS[name](**settings).bind((1, 5), dtype)
    A = bound.forward(np.array([[-3, -1, -0.5, 0.5, 2]], dtype))
    np.testing.assert_allclose(A, [values], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(bound.backward(np.ones((1, 5), dtype)), [derivatives], rtol=tolerance, atol=tolerance)


def test_hard_tanh_has_slope_0_at_its_corners():
    bound = ACTIVATIONS["hard_tanh"]().bind((1, 4), np.float64)
    bound.forward(np.array([[-1.0, -0.999, 0.999, 1.0]]))
    np.testing.assert_array_equal(bound.backward(np.ones((1, 4))), [[0, 1, 1, 0]])


@pytest.mark.parametrize("z", [-20.0, -1e-10, 1e-10])
def test_small_outputs_keep_their_digits(z):
    """1 − e⁻ᵃ, eᶻ − 1 and log(1 + e) written out would lose half of them."""
    Z = np.array([[z]])
    assert ACTIVATIONS["elu"]().bind((1, 1), np.float64).forward(Z.copy())[0, 0] == pytest.approx(
        z if z > 0 else math.expm1(z), rel=1e-15
    )
    softplus = ACTIVATIONS["softplus"]().bind((1, 1), np.float64)
    assert softplus.forward(Z.copy())[0, 0] == pytest.approx(math.log1p(math.exp(z)), rel=1e-15)
    assert softplus.backward(np.ones((1, 1)))[0, 0] == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-15)


def test_selu_keeps_mean_0_and_variance_1(rng):
    """What its two constants are for."""
    A = ACTIVATIONS["selu"]().bind((1000, 1000), np.float64).forward(rng.standard_normal((1000, 1000)))
    assert abs(A.mean()) < 4e-3
    assert abs(A.var() - 1) < 1e-2


def test_gelu_by_tanh_is_close_to_the_exact_one():
    Z = np.linspace(-6, 6, 1001)
    exact, approximate = (
        ACTIVATIONS["gelu"](form=form).bind(Z.shape, np.float64).forward(Z.copy()) for form in ("exact", "tanh")
    )
    assert 4e-4 < np.abs(exact - approximate).max() < 5e-4
