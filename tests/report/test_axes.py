"""Axes and their ticks."""

import math

import pytest

from dlspec.report.axes import Axis, finite, linear, logarithmic, short


@pytest.mark.parametrize(
    ("values", "within", "low", "high"),
    [
        ([0.2, 1.0], None, 0.0, 1.05),  # from 0 where it is near
        ([0.9, 1.0], None, 0.895, 1.005),
        ([0.9, 1.0], (0.0, 1.0), 0.895, 1.0),
        ([-1.0, 1.0], None, -1.1, 1.1),
        ([3.0], None, 2.7, 3.3),
        ([0.0], None, 0.0, 1.0),
    ],
)
def test_a_linear_axis_has_room_for_its_values(values, within, low, high):
    axis = linear(values, within=within)
    assert (axis.low, axis.high) == (pytest.approx(low), pytest.approx(high))
    assert all(0 <= axis.place(value) <= 1 for value in values)


@pytest.mark.parametrize("values", [[1e-12, 1e9], [2.0, 3.0], [5.0], [1e-99, 1e99]])
def test_a_logarithmic_axis_has_its_values_within(values):
    axis = logarithmic(values)
    assert all(0 <= axis.place(value) <= 1 for value in values)
    assert 2 <= len(axis.ticks()) <= 12


@pytest.mark.parametrize(
    ("axis", "ticks"),
    [
        (Axis(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (Axis(-3, 7), [-2, 0, 2, 4, 6]),
        (Axis(0.5, 1.5), [0.6, 0.8, 1, 1.2, 1.4]),
        (Axis(0, 1e6), [0, 2e5, 4e5, 6e5, 8e5, 1e6]),
        (Axis(1, 1000, logarithmic=True), [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
        (Axis(1e-6, 1, logarithmic=True), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]),
        (Axis(1.1, 1.9, logarithmic=True), [1.2, 1.4, 1.6, 1.8]),
    ],
)
def test_ticks_are_round_numbers(axis, ticks):
    assert axis.ticks() == pytest.approx(ticks)


def test_whole_ticks_count():
    assert Axis(1, 3).ticks(whole=True) == [1, 2, 3]
    assert Axis(0.5, 1.5).ticks(whole=True) == [1]


@pytest.mark.parametrize("axis", [Axis(0.25, 0.75), Axis(0.25, 0.75, logarithmic=True)])
def test_places_go_from_0_to_1(axis):
    assert axis.place(0.25) == 0
    assert axis.place(0.75) == 1


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1.0),
        (0.5, 0.5),
        (None, None),
        ("1", None),
        (True, None),
        (math.nan, None),
        (math.inf, None),
        (1e200, None),
        (1e-200, 0.0),
    ],
)
def test_what_can_be_drawn(value, number):
    assert finite(value) == number


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.002, "0.002"), (1500.0, "1500"), (2e-5, "2e-5"), (0.30000000000000004, "0.3"), (1e12, "1e+12")],
)
def test_numbers_beside_ticks_are_short(value, text):
    assert short(value) == text
