"""θ and dθ as one vector each, tiled by named views."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlspec.core.initializers import INITIALIZERS
from dlspec.core.layers import Dense
from dlspec.core.network import Network
from dlspec.core.parameters import Parameters, ParameterSpec

layer_sizes = st.lists(st.integers(1, 9), min_size=2, max_size=6)
each_network = settings(deadline=None, derandomize=True, max_examples=60, database=None)


def dense_parameters(sizes, dtype=np.float64):
    layers = [Dense(units, initializer=INITIALIZERS["he"]()) for units in sizes[1:]]
    return Network(layers, in_shape=(sizes[0],)).parameters(dtype=dtype)


@each_network
@given(layer_sizes)
def test_views_tile_theta_and_dtheta_exactly(sizes):
    parameters = dense_parameters(sizes)
    P = sum(n_out * n_in + n_out for n_in, n_out in itertools.pairwise(sizes))
    for vector, views in [(parameters.theta, parameters.values), (parameters.grad, parameters.gradients)]:
        assert vector.shape == (P,)
        vector[:] = 0
        for view in views.values():
            view += 1  # an overlap would count 2, a gap 0
        np.testing.assert_array_equal(vector, np.ones(P))


@each_network
@given(layer_sizes)
def test_slices_name_the_places_of_the_views(sizes):
    parameters = dense_parameters(sizes)
    parameters.theta[:] = np.arange(parameters.theta.size)
    for name, place in parameters.slices.items():
        np.testing.assert_array_equal(np.sort(parameters.values[name], axis=None), np.arange(place.start, place.stop))


@each_network
@given(layer_sizes)
def test_weights_come_first(sizes):
    parameters = dense_parameters(sizes)
    parameters.theta[:] = np.arange(parameters.theta.size)
    weights = [view for name, view in parameters.values.items() if name.startswith("W")]
    assert parameters.decayed == slice(0, sum(W.size for W in weights))
    assert max(W.max() for W in weights) == parameters.decayed.stop - 1
    assert [spec.kind for spec in parameters.specs] == ["weight"] * len(weights) + ["bias"] * len(weights)


@each_network
@given(layer_sizes)
def test_views_have_the_shapes_of_the_course(sizes):
    parameters = dense_parameters(sizes)
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
        for views in (parameters.values, parameters.gradients):
            assert views[f"W{layer}"].shape == (n_out, n_in)
            assert views[f"b{layer}"].shape == (n_out,)
            assert views[f"W{layer}"].T.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_theta_starts_at_0_in_the_dtype_of_the_run(dtype):
    parameters = dense_parameters([3, 2], dtype)
    np.testing.assert_array_equal(parameters.theta, np.zeros(8))
    np.testing.assert_array_equal(parameters.grad, np.zeros(8))
    assert {array.dtype for array in (parameters.theta, parameters.grad, *parameters.values.values())} == {
        np.dtype(dtype)
    }


def test_layout_worked_by_hand():
    """Decayed first, else in the order given, whatever the names."""
    specs = [
        ParameterSpec("B", (2,), kind="bias"),
        ParameterSpec("W10", (2, 3), kind="weight"),
        ParameterSpec("A", (1,), kind="bias"),
        ParameterSpec("W1", (1, 2), kind="weight"),
    ]
    parameters = Parameters(specs, dtype=np.float64)
    parameters.theta[:] = np.arange(11)
    assert parameters.slices == {"W10": slice(0, 6), "W1": slice(6, 8), "B": slice(8, 10), "A": slice(10, 11)}
    np.testing.assert_array_equal(parameters.values["W10"], [[0, 2, 4], [1, 3, 5]])  # column by column
    np.testing.assert_array_equal(parameters.values["W1"], [[6, 7]])
    np.testing.assert_array_equal(parameters.values["B"], [8, 9])
    np.testing.assert_array_equal(parameters.values["A"], [10])


def test_views_of_another_vector_have_the_same_layout():
    parameters = dense_parameters([3, 4, 2])
    vector = np.arange(float(parameters.theta.size))
    parameters.theta[:] = vector
    views = parameters.views_of(vector)
    assert list(views) == list(parameters.values)
    for name, view in views.items():
        assert np.shares_memory(view, vector)
        np.testing.assert_array_equal(view, parameters.values[name])
