import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from dlspec.data.synthetic import SYNTHETIC, flower, linear, spirals, xor

GOLDEN = json.loads(Path(__file__).with_name("golden_synthetic.json").read_text())


def made(name, examples, seed, noise=None):
    recipe = SYNTHETIC[name]
    return recipe.make(examples, recipe.noise if noise is None else noise, np.random.RandomState(seed))


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: f"{g['name']}-{g['seed']}-{g['examples']}")
def test_same_points_as_the_published_recipe(golden):
    X, y = made(golden["name"], golden["examples"], golden["seed"])
    # Sines and cosines may differ in the last bit between processors.
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(X[:3], golden["first_rows"], **close)
    np.testing.assert_allclose(X[-1], golden["last_row"], **close)
    np.testing.assert_allclose(X.sum(axis=0), golden["sums"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(np.arange(len(X)) @ X, golden["ordered_sums"], rtol=1e-10, atol=1e-8)
    assert hashlib.sha256(y.astype("<i8").tobytes()).hexdigest() == golden["labels_sha256"]


@pytest.mark.parametrize("name", SYNTHETIC)
@pytest.mark.parametrize("examples", [2, 3, 7, 400, 401])
def test_shapes_kinds_and_balance(name, examples):
    X, y = made(name, examples, seed=5)
    assert X.shape == (examples, 2)
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    assert y.shape == (examples,)
    assert set(y.tolist()) == {0, 1}
    if name != "blobs":
        assert abs(2 * int(y.sum()) - examples) <= 1


@pytest.mark.parametrize("name", SYNTHETIC)
def test_seed_and_noise_decide_everything(name):
    X, y = made(name, 50, seed=3)
    again = made(name, 50, seed=3)
    assert np.array_equal(X, again[0])
    assert np.array_equal(y, again[1])
    assert not np.array_equal(X, made(name, 50, seed=4)[0])
    assert not np.array_equal(X, made(name, 50, seed=3, noise=0.5)[0])


def test_flower_without_noise_lies_on_the_petals():
    X, y = flower(101, 0.0, np.random.RandomState(0))
    theta = np.concatenate((np.linspace(0, 3.12, 50), np.linspace(3.12, 6.24, 51)))
    np.testing.assert_allclose(np.hypot(*X.T), np.abs(4 * np.sin(4 * theta)), atol=1e-12)
    assert y.tolist() == [0] * 50 + [1] * 51


def test_spirals_without_noise():
    X, y = spirals(6, 0.0, np.random.RandomState(0))
    expected = [(0, 0), (0, -0.5), (-1, 0), (0, 0), (0, 0.5), (1, 0)]
    np.testing.assert_allclose(X, expected, atol=1e-12)
    assert y.tolist() == [0, 0, 0, 1, 1, 1]


def test_xor_and_linear_without_noise_follow_their_rule():
    X, y = xor(1001, 0.0, np.random.RandomState(0))
    assert np.array_equal(X[:, 0] * X[:, 1] < 0, y == 1)
    assert np.abs(X).max() <= 1
    X, y = linear(1001, 0.0, np.random.RandomState(0))
    assert np.array_equal(X.sum(axis=1) > 0, y == 1)
    assert np.abs(X).max() <= 1
