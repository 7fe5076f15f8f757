"""One metric to optimize, the others as limits: which epoch is the best, what is recorded, and what is refused."""

import json

import numpy as np
import pytest

from dlspec import run_page, runner
from dlspec.config import loader
from dlspec.config.evaluation import Limit as SettingsLimit
from dlspec.config.evaluation import parse_limit
from dlspec.errors import ConfigError
from dlspec.preparation import prepare
from dlspec.run import checkpoint, checkpoints
from dlspec.run.record import read_record
from dlspec.run_report import limits
from dlspec.training.latency import PREDICTIONS, predict_ms
from dlspec.training.stopping import Best, Limit, Watch, after_epoch, is_over

EXPERIMENT = """\
seed: 3
data: {synthetic: moons, examples: 120, noise: 0.4}
architecture: {layers: [{units: 6}]}
optimizer: {name: adam, learning_rate: 0.05}
batch_size: 16
training: {epochs: 12}
"""
RECALL = Limit("dev_recall", at_least=True, bound=0.8)


def prepared(place, *overrides, text=EXPERIMENT):
    path = place / "e.yaml"
    path.write_text(text)
    return prepare(loader.load(path, overrides))


def train(place, *overrides, **settings):
    return runner.train(prepared(place, *overrides), runs_dir=place / "runs", **settings)


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("history", "best"),
    [
        ([(0.5, 0.9), (0.7, 0.9), (0.6, 0.9)], Best(2, 0.7, 1, True)),
        ([(0.9, 0.1), (0.5, 0.9)], Best(2, 0.5, 0, True)),  # whatever it is worth, it meets the limit
        ([(0.5, 0.9), (0.9, 0.1)], Best(1, 0.5, 1, True)),
        ([(0.5, 0.1), (0.7, 0.2), (0.6, 0.3)], Best(2, 0.7, 1, False)),  # none meets it: the best by value
        ([(0.5, 0.8)], Best(1, 0.5, 0, True)),  # the bound is within
        ([(0.7, 0.1), (0.5, 0.9), (0.6, 0.9), (0.8, 0.1)], Best(3, 0.6, 1, True)),
    ],
)
def test_an_epoch_within_the_limits_is_better_than_any_that_is_not(history, best):
    watch = Watch("dev_f1", rising=True, limits=(RECALL,))
    found = Best()
    for epoch, (value, recall) in enumerate(history, start=1):
        found = after_epoch(
            found, watch, epoch=epoch, value=value, meets_limits=watch.limits_met({"dev_recall": recall})
        )
    assert found == best


def test_an_epoch_that_breaks_a_limit_is_waited_for_like_any_other():
    watch = Watch("dev_f1", rising=True, patience=2, limits=(RECALL,))
    best = Best(1, 0.5)
    for epoch in (2, 3):
        assert not is_over(best, watch)
        best = after_epoch(best, watch, epoch=epoch, value=0.9, meets_limits=False)
    assert is_over(best, watch)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("recall >= 0.9", SettingsLimit("recall", True, 0.9)),
        ("predict_ms<=5", SettingsLimit("predict_ms", False, 5.0)),
        ("model_kb <= 1e3", SettingsLimit("model_kb", False, 1000.0)),
        ("loss  <=  .25", SettingsLimit("loss", False, 0.25)),
    ],
)
def test_limits_are_taken_apart(text, limit):
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    ("value", "at_least", "at_most"), [(0.9, True, True), (0.91, True, False), (0.89, False, True), (None, None, None)]
)
def test_a_bound_is_within(value, at_least, at_most):
    assert SettingsLimit("recall", True, 0.9).is_met(value) is at_least
    assert SettingsLimit("recall", False, 0.9).is_met(value) is at_most


@pytest.mark.parametrize("bound", [0.0, 0.85, 1.0])
def test_the_result_is_the_best_epoch_of_dev(bound, tmp_path):
    outcome = train(tmp_path, "evaluation.optimize=f1", f"evaluation.subject_to=[recall >= {bound}]")
    rows = rows_of(outcome.run)
    within = [row for row in rows if row["dev_recall"] >= bound] or rows
    best = max(within, key=lambda row: row["dev_f1"])
    report = outcome.report
    assert (report["parameters"], report["epoch"]) == ("best", best["epoch"])
    assert checkpoint.load(checkpoints.of_name(outcome.run, "best")).progress["epoch"] == best["epoch"]
    selection = report["selection"]
    assert (selection["optimize"], selection["value"]) == ("f1", pytest.approx(best["dev_f1"]))
    (limit,) = selection["limits"]
    assert (limit["limit"], limit["met"]) == (f"recall >= {bound}", best["dev_recall"] >= bound)
    assert limit["value"] == pytest.approx(best["dev_recall"])


def test_early_stopping_waits_for_it(tmp_path):
    flags = ("evaluation.optimize=recall", "training.early_stopping={patience: 2}", "training.epochs=60")
    outcome = train(tmp_path, *flags)
    rows = rows_of(outcome.run)
    assert outcome.finished.reason == "early_stopping"
    assert outcome.finished.message.startswith("no improvement of dev_recall for 2 epochs")
    assert max(rows, key=lambda row: row["dev_recall"])["epoch"] == len(rows) - 2


def test_the_clock_is_kept_out_of_the_report(tmp_path):
    flags = ("evaluation.optimize=accuracy", "evaluation.subject_to=[predict_ms <= 1000, model_kb <= 0.01]")
    outcome = train(tmp_path, *flags)
    selection, measured = outcome.report["selection"], read_record(outcome.run)["predict_ms"]
    assert selection["limits"][0] == {"limit": "predict_ms <= 1000", "value": None, "met": None}
    assert selection["limits"][1] == {"limit": "model_kb <= 0.01", "value": 0.1, "met": False}  # 25 float32
    assert 0 < measured < 1000
    page = (outcome.run / "report.html").read_text()
    assert '<th scope="row">predict_ms &lt;= 1000</th><td class="fine">met</td><td>see dlspec diagnose</td>' in page
    assert '<th scope="row">model_kb &lt;= 0.01</th><td class="high">not met</td>' in page
    assert run_page.rendered(outcome.run, run_page.read(outcome.run)).decode() == page
    assert limits(selection, measured) == [("predict_ms <= 1000", measured, True), ("model_kb <= 0.01", 0.1, False)]
    assert limits(selection, None) == [("model_kb <= 0.01", 0.1, False)]
    again = train(tmp_path, *flags)
    assert (again.run / "report.json").read_bytes() == (outcome.run / "report.json").read_bytes()


def test_an_interrupted_run_chooses_the_same_epoch(tmp_path):
    flags = ("evaluation.optimize=f1", "evaluation.subject_to=[recall >= 0.85]")
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    expected = train(tmp_path / "whole", *flags)
    steps = iter(range(100))
    cut = train(tmp_path / "cut", *flags, interrupted=lambda: next(steps) >= 31)
    assert cut.report is None
    resumed = runner.resume(cut.run)
    assert resumed.report == expected.report


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["evaluation.optimize=rmse"],
         "evaluation.optimize: found rmse, but the task is classification; expected one of: accuracy, f1, precision, "
         "recall, loss"),
        (["evaluation.optimize=f1", "evaluation.subject_to=[r2 >= 0]"],
         "evaluation.subject_to.0: found r2, but the task is classification; expected one of: accuracy, f1, precision, "
         "recall, loss"),
        (["evaluation.optimize=f1", "training.early_stopping={monitor: dev_loss}"],
         "watches dev_loss, but evaluation.optimize is f1; leave out one of them, or watch dev_f1"),
        (["evaluation.optimize=f1", "data={synthetic: moons, test: {examples: 20, seed: 1}}"],
         "there is no dev set to choose"),
        (["evaluation.optimize=f1", "evaluation.subject_to=[recall > 0.9]"], "recall > 0.9"),
        (["evaluation.optimize=f1", "evaluation.subject_to=[speed <= 1]"], "speed <= 1"),
        (["evaluation.optimize=predict_ms"], "predict_ms"),
    ],
)  # fmt: skip
def test_what_cannot_be_optimized_is_refused(overrides, message, tmp_path):
    with pytest.raises(ConfigError) as error:
        prepared(tmp_path, *overrides)
    assert message in str(error.value)


def test_the_optimized_metric_is_reported(tmp_path):
    assert prepared(tmp_path, "evaluation.optimize=f1").experiment.evaluation.metric == "f1"
    assert prepared(tmp_path, "evaluation.optimize=recall").experiment.evaluation.metric == "accuracy"


def test_a_prediction_takes_its_median_time():
    ticks = iter(range(10_000))
    calls = []

    class Model:
        def forward(self, batch):
            assert batch == 1
            return calls.append

    assert predict_ms(Model(), np.zeros((3, 2)), clock=lambda: next(ticks) / 1000) == pytest.approx(1.0)
    assert len(calls) == PREDICTIONS + 1
