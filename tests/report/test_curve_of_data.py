"""The figure of a learning curve."""

from dlspec.report import curve_of_data, svg

CURVE = {
    "seeds": [1, 2],
    "points": [
        {"examples": 50, "train_error": 0.01, "dev_error": 0.2},
        {"examples": 100, "train_error": None, "dev_error": 0.1},
    ],
    "fit": {"a": 10.0, "b": 1.0, "c": 0.0},
    "verdict": "more data would help",
}


def test_measured_errors_are_dots_and_the_fit_is_one_line_to_twice_the_data():
    figure = curve_of_data.figure(CURVE)
    train, dev, fit = figure.series
    assert (figure.x[0], figure.x[-1], figure.across) == (50.0, 200.0, "examples")
    assert [y for y in dev.y if y is not None] == [0.2, 0.1]
    assert [y for y in train.y if y is not None] == [0.01]
    assert None not in fit.y
    assert dict(zip(figure.x, fit.y, strict=True))[100.0] == 0.1
    drawn = svg.lines(figure)
    assert drawn.count('class="dot dev"') == 2
    assert 'class="line dev"' not in drawn
    assert ">examples<" in drawn


def test_without_a_fit_and_without_anything():
    points = [{"examples": 50, "train_error": None, "dev_error": None}]
    assert [one.name for one in curve_of_data.figure(CURVE | {"fit": None}).series] == ["train", "dev"]
    assert curve_of_data.figure(CURVE | {"fit": None, "points": points}) is None
