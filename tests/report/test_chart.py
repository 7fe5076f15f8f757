"""Curves as text: every mark where it belongs."""

import math

from dlspec.report.chart import Series, chart

LINE = """\
         y
         4 |    *
           |
         2 |  *
           |
         0 |*
           +-----
            0 1 2
            x"""


def test_a_line_of_three_points():
    lines = chart([Series("a", [0, 1, 2], [0, 2, 4])], x_label="x", y_label="y", width=5, height=5)
    assert lines == LINE.splitlines()


def test_logarithmic_axes():
    lines = chart(
        [Series("a", [1, 10, 100], [1, 10, 100])], x_label="x", y_label="y", width=21, height=5, log_x=True, log_y=True
    )
    assert [line.find("*") - 12 for line in lines[1:6]] == [20, -13, 10, -13, 0]
    assert lines[-2].split() == ["1", "10", "100"]


def test_what_cannot_be_drawn_is_left_out():
    nothing = [math.nan, math.inf]
    assert chart([Series("a", nothing, nothing)], x_label="x", y_label="y") == []
    assert chart([], x_label="x", y_label="y") == []
    assert chart([Series("a", [1, 2], [0, -1])], x_label="x", y_label="y", log_y=True) == []
    lines = chart([Series("a", [1, 2, 3], [1, math.nan, 3])], x_label="x", y_label="y")
    assert sum(line.count("*") for line in lines) == 2


def test_one_point_stands_in_the_middle():
    lines = chart([Series("a", [3], [7])], x_label="x", y_label="y", width=11, height=5)
    assert [line.find("*") for line in lines].index(12 + 5) == 3


def test_several_curves_have_a_legend():
    lines = chart([Series("one", [0], [0]), Series("two", [1], [1])], x_label="x", y_label="y")
    assert lines[-1].strip() == "x     * one   o two"
    drawn = "".join(lines[1:-3])
    assert (drawn.count("*"), drawn.count("o")) == (1, 1)
