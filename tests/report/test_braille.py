"""Curves as characters."""

from dlspec.report import braille
from dlspec.report.axes import Axis
from dlspec.report.figures import Lines, Series


def lines(*ys):
    series = tuple(Series(f"s{number}", tuple(y), "train") for number, y in enumerate(ys))
    return Lines("k", "t", tuple(map(float, range(1, len(ys[0]) + 1))), series)


def drawn(figure, **size):
    return ["".join(text for text, _ in row) for row in braille.chart(figure, **size)]


def test_a_rising_line():
    assert drawn(lines([0.0, 1.0]), width=4, height=2) == [
        "     1.1 \u2800\u2800\u2860\u280a",
        "       0 \u2860\u280a\u2800\u2800",
        "         1epoch 2",
    ]  # fmt: skip


def test_a_falling_line_and_a_gap():
    rows = drawn(lines([1.0, 0.5, None, 0.5, 1.0]), width=9, height=2)
    assert "\u2800" in rows[0][braille.MARGIN :]
    middle = braille.MARGIN + 4
    assert rows[0][middle] == rows[1][middle] == "\u2800"


def test_cells_name_their_curve():
    cells = braille.chart(lines([0.0, 0.0], [1.0, 1.0]), width=3, height=3)
    assert [owner for _, owner in cells[0][1:]] == [1, 1, 1]
    assert [owner for _, owner in cells[2][1:]] == [0, 0, 0]
    assert [owner for _, owner in cells[1][1:]] == [None] * 3


def test_a_single_point_and_every_size():
    for width, height in ((2, 2), (80, 10)):
        rows = drawn(lines([3.0]), width=width, height=height)
        assert len(rows) == height + 1
        assert sum(cell != "\u2800" for row in rows[:-1] for cell in row[braille.MARGIN :]) == 1


def test_sparklines():
    assert braille.sparkline([0.0, 0.5, 1.0], Axis(0, 1)) == "▁▅█"
    assert braille.sparkline([1.0, None, 0.0], Axis(0, 1)) == "█ ▁"
    assert braille.sparkline([0.0] * 50 + [1.0] * 50, Axis(0, 1), width=4) == "▁▁██"
