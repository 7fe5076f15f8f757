"""What is drawn, in numbers."""

import math

import pytest

from dlspec.report import figures

from .reports import classification, health, metrics, multi_task, regression

SPIKE = {"step": 15, "loss": 9.0, "usual": 0.5}


def test_the_curves_of_a_classification():
    report = classification()
    loss, accuracy, rate = figures.curves(report, metrics(12, spikes=[SPIKE]))
    assert (loss.key, accuracy.key, rate.key) == ("loss", "accuracy", "learning_rate")
    assert loss.x == tuple(range(1, 13))
    assert [series.name for series in loss.series] == ["train", "dev", "cost J (train)"]
    assert loss.series[0].y[:3] == (0.5, 0.25, 0.125)
    assert loss.series[2].y[0] == 1.0
    assert [series.name for series in accuracy.series] == ["train", "dev"]
    assert rate.series[0].y[1] == 0.05
    marks = [
        ("segment", 1.0, "changed: data.target=yes"),
        ("best", 12.0, "best epoch: 12"),
        ("spike", 2.0, "loss spike at step 15: 9, usually 0.5"),
    ]
    assert [(mark.kind, mark.x, mark.text) for mark in loss.marks] == marks
    assert [mark.kind for mark in rate.marks] == ["segment"]
    assert loss.starts_logarithmic
    assert accuracy.log_axis is None


def test_without_dev_and_of_one_epoch():
    loss, rmse = figures.curves(regression(), metrics(1, metric="rmse", dev=False))
    assert [series.name for series in loss.series] == ["train", "cost J (train)"]
    assert (rmse.title, rmse.series[0].y) == ("RMSE", (0.5,))
    assert (loss.x_axis.low, loss.x_axis.high) == (0.5, 1.5)


def test_a_cost_that_is_the_loss_is_drawn_once():
    rows = [{**row, "train_cost": row["train_loss"]} for row in metrics(3)]
    assert [series.name for series in figures.curves(classification(), rows)[0].series] == ["train", "dev"]


def test_what_is_no_number_is_a_gap():
    rows = [{**row, "train_loss": bad} for row, bad in zip(metrics(4), (None, math.nan, 1e200, 0.5), strict=True)]
    loss = figures.curves(classification(), rows)[0]
    assert loss.series[0].y == (None, None, None, 0.5)
    rows = [{**row, "train_loss": None, "dev_loss": None, "train_cost": None} for row in metrics(2)]
    assert [figure.key for figure in figures.curves(classification(), rows)] == ["accuracy", "learning_rate"]
    assert figures.curves(classification(), []) == []


def test_health_is_a_curve_per_layer():
    found = {figure.key: figure for figure in figures.health(health(3))}
    assert list(found) == ["health_update_ratio", "health_gradient_norm", "health_std"]  # nothing dead or saturated
    assert [series.name for series in found["health_std"].series] == ["layer 1 (relu)", "layer 2 (relu)"]
    assert found["health_update_ratio"].series[0].y == pytest.approx((1e-3, 2e-3, 3e-3))
    assert [series.role for series in found["health_std"].series] == ["l0", "l1"]
    assert figures.health([]) == []


def test_a_layer_has_one_colour_in_every_figure():
    samples = health(2)
    for sample in samples:
        sample["layers"][1]["dead"] = 0.5
    dead = next(figure for figure in figures.health(samples) if figure.key == "health_dead")
    assert [(series.name, series.role) for series in dead.series] == [("layer 2 (relu)", "l1")]


def test_of_many_layers_some_are_drawn():
    names = [series.name for series in figures.health(health(2, layers=30))[0].series]
    assert len(names) == figures.LAYERS_UP_TO
    assert names[0] == "layer 1 (relu)"
    assert names[-1] == "layer 30 (relu)"


def test_long_runs_keep_their_extremes():
    y = [math.sin(number / 50) for number in range(10_000)]
    y[7_777], y[1_234] = 5.0, -5.0
    lines = figures.Lines("k", "t", tuple(map(float, range(10_000))), (figures.Series("train", tuple(y), "train"),))
    thin = figures.thinned(lines)
    assert len(thin.x) <= figures.POINTS_UP_TO + 2
    assert (thin.x[0], thin.x[-1]) == (0, 9_999)
    points = dict(zip(thin.x, thin.series[0].y, strict=True))
    assert (points[7_777], points[1_234]) == (5.0, -5.0)
    assert figures.thinned(thin).x == thin.x or len(thin.x) > figures.POINTS_UP_TO


def test_errors_have_wilson_s_interval():
    rows = figures.errors(classification()).rows
    assert [row.name for row in rows] == ["human level", "train", "dev"]
    assert (rows[0].low, rows[0].high) == (0.01, 0.01)
    assert (rows[2].low, rows[2].high) == (pytest.approx(0.0455873), pytest.approx(0.6993582))


def test_the_interval_of_a_multi_task_counts_labels():
    report = multi_task()
    assert figures.errors(report).rows[2].high < figures.errors(classification()).rows[2].high


def test_the_interval_of_the_diagnosis_is_the_one_that_is_drawn():
    """That of a regression comes from a bootstrap, which a report cannot repeat."""
    report = classification()
    report["diagnosis"]["errors"] = [{"split": "dev", "error": 0.25, "low": 0.2, "high": 0.3, "examples": 4}]
    assert (figures.errors(report).rows[2].low, figures.errors(report).rows[2].high) == (0.2, 0.3)


def test_a_regression_of_one_example_has_no_interval():
    report = regression()
    report["splits"][0] |= {"examples": 1, "error_std": None}
    report["diagnosis"]["gaps"][0] |= {"low": None, "high": None}
    assert (figures.errors(report).rows[1].low, figures.errors(report).rows[1].high) == (0.015, 0.015)
    assert figures.gaps(report).rows == ()


def test_a_figure_in_words():
    lines = figures.curves(classification(), metrics(3))[1]
    assert figures.described(lines) == (
        "Accuracy by epoch, 1 to 3. train: from 50.00 % to 87.50 %, lowest 50.00 % at 1, highest 87.50 % at 3; "
        "dev: from 50.00 % to 87.50 %, lowest 50.00 % at 1, highest 87.50 % at 3."
    )


def test_the_matrix_is_that_of_dev():
    matrix = figures.confusion(figures.decided_on(classification()))
    assert matrix.counts == ((1, 1), (0, 2))
    assert figures.confusion(figures.decided_on(multi_task())) is None
    assert figures.confusion(figures.decided_on(regression())) is None
