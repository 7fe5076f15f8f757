"""Named streams of random numbers from one seed."""

import itertools

import numpy as np
import pytest

from dlspec.core.randomness import USES, stream


def draw(seed, use, *indices):
    return stream(seed, use, *indices).random(8)


@pytest.mark.parametrize("use", USES)
def test_the_same_arguments_give_the_same_numbers(use):
    np.testing.assert_array_equal(draw(1, use), draw(1, use))
    np.testing.assert_array_equal(draw(1, use, 4, 2), draw(1, use, 4, 2))


def test_streams_differ_by_seed_use_and_index():
    keys = [(seed, use, *indices) for seed in (0, 1, 2**64 - 1) for use in USES for indices in [(), (0,), (1,), (0, 1)]]
    first_numbers = {tuple(draw(*key)) for key in keys}
    assert len(first_numbers) == len(keys)


def test_streams_of_two_uses_are_uncorrelated():
    n = 10_000
    numbers = [stream(1, use).standard_normal(n) for use in USES]
    for one, other in itertools.combinations(numbers, 2):
        assert abs(np.dot(one, other)) / n < 4.5 / np.sqrt(n)


def test_drawing_from_one_stream_moves_no_other():
    expected = draw(1, "dropout")
    other = stream(1, "init")
    generator = stream(1, "dropout")
    other.random(100)
    np.testing.assert_array_equal(generator.random(8), expected)


def test_numbers_of_the_uses_never_change():
    """A changed number would silently change the results of every old experiment file."""
    before = {"split": 0, "init": 1, "shuffle": 2, "dropout": 3, "augment": 4, "search": 5, "gradcheck": 6}
    assert before | {"bootstrap": 7, "sample": 8} == USES


def test_first_numbers_of_a_stream_never_change():
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=(2, 3)))).random(8)
    np.testing.assert_array_equal(draw(7, "shuffle", 3), expected)


def test_unknown_use_is_refused():
    with pytest.raises(KeyError):
        stream(1, "lottery")
