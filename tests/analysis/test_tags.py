"""Ceilings of error analysis, with the numbers of the course."""

import pytest

from dlspec.analysis.tags import Ceiling, Looked, ceilings


def test_the_example_of_the_course():
    """10 % error; of 100 errors 5 are dogs, so that solving dogs gives 9.5 % at most; of 50 dogs it would be 5 %."""
    for dogs, error in ((5, 0.095), (50, 0.05)):
        looked = [Looked(("dog",), 1.0)] * dogs + [Looked((), 1.0)] * (100 - dogs)
        found = ceilings(looked, error=0.1, whole=100)
        assert found[0] == Ceiling("dog", dogs, dogs / 100, pytest.approx(error))
        assert found[-1].tag == ""


def test_an_error_may_have_several_tags():
    looked = [Looked(("dog", "blurry"), 1), Looked(("Blurry",), 1), Looked(("great cat",), 1), Looked((), 1)]
    found = ceilings(looked, error=0.2, whole=4)
    assert [(one.tag, one.count, one.share, one.error) for one in found] == [
        ("blurry", 2, 0.5, pytest.approx(0.1)),
        ("dog", 1, 0.25, pytest.approx(0.15)),
        ("great cat", 1, 0.25, pytest.approx(0.15)),
        ("", 1, 0.25, pytest.approx(0.15)),
    ]


def test_the_same_tag_twice_counts_once():
    (found,) = ceilings([Looked(("dog", "Dog"), 1)], error=0.2, whole=1)
    assert (found.count, found.share, found.error) == (1, 1.0, 0.0)


def test_weights():
    found = ceilings([Looked(("far",), 3.0), Looked(("near",), 1.0)], error=0.5, whole=8.0)
    assert [(one.tag, one.share, one.error) for one in found] == [
        ("far", 3 / 8, pytest.approx(0.5 * 5 / 8)),
        ("near", 1 / 8, pytest.approx(0.5 * 7 / 8)),
    ]
