"""Lists of runs: facts from `run.json` and the metrics, whatever state a run is in."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dlspec.errors import UsageError
from dlspec.run import conditions, listing
from dlspec.run.conditions import Condition

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)

CONFIG = """\
name: tiny
data:
  split: {ratios: 60/20/20}
  synthetic: moons
architecture:
  layers:
    - units: 8
optimizer: {name: NAME, learning_rate: RATE, beta1: 0.9}
"""


def make(place, name, *, rows=(), result="last", rate=0.001, optimizer="adam", **changes):
    """A run directory with a record and metrics."""
    run = place / name
    run.mkdir(parents=True)
    record = {
        "format": 2, "run": name, "name": "tiny", "status": "finished", "message": "done",
        "started": "2026-11-21T10:00:00+00:00", "finished": "2026-11-21T10:00:30+00:00",
        "epoch": 3, "step": 30, "result": result, "data": {"sha256": "0"},
        "segments": [{"config": "config.resolved.yaml", "epoch": 0, "seen": 0, "step": 0, "overrides": [],
                      "sha256": None}],
        "lineage": [
            {"started": "2026-11-21T10:00:00+00:00", "finished": "2026-11-21T10:00:10+00:00", "status": "interrupted"},
            {"started": "2026-11-21T11:00:00+00:00", "finished": "2026-11-21T11:00:20+00:00", "status": "finished"},
        ],
        "environment": {"processor": "abacus"}, "process": {"pid": 1, "host": "here"},
        **changes,
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(record))
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = CONFIG.replace("RATE", str(rate)).replace("NAME", optimizer)
    (run / "config.resolved.yaml").write_text(text)
    return run


def row(epoch, accuracy, *, improved=False):
    return {"epoch": epoch, "step": 10 * epoch, "dev_accuracy": accuracy, "dev_loss": 1.0 / epoch, "improved": improved}


def facts(run):
    return listing.ListedRun(run, now=NOW).facts


def test_the_facts_of_a_finished_run(tmp_path):
    found = facts(make(tmp_path, "a", rows=[row(1, 0.5), row(2, 0.75)]))
    assert found == {
        "run": "a", "name": "tiny", "status": "finished", "message": "done",
        "started": "2026-11-21T10:00:00+00:00", "finished": "2026-11-21T10:00:30+00:00",
        "seconds": 30.0, "epoch": 2, "step": 20, "host": "here", "processor": "abacus",
        "dev_error": 0.25, "dev_accuracy": 0.75, "dev_loss": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(("result", "epoch"), [("last", 4), ("best", 2)])
def test_the_row_is_that_of_the_result(tmp_path, result, epoch):
    rows = [row(1, 0.5, improved=True), row(2, 0.9, improved=True), row(3, 0.8), row(4, 0.7)]
    assert facts(make(tmp_path, "a", rows=rows, result=result))["epoch"] == epoch


def test_a_best_epoch_far_before_the_end_is_found(tmp_path):
    rows = [row(1, 0.9, improved=True), *(row(epoch, 0.8) for epoch in range(2, 2000))]
    assert facts(make(tmp_path, "a", rows=rows, result="best"))["epoch"] == 1


def test_half_a_row_counts_for_nothing(tmp_path):
    run = make(tmp_path, "a", rows=[row(1, 0.5)])
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2, "st')
    assert facts(run)["epoch"] == 1


def test_a_run_without_metrics(tmp_path):
    found = facts(make(tmp_path, "a"))
    assert (found["epoch"], "dev_loss" in found) == (0, False)


def test_a_killed_run_is_told_from_one_that_goes_on(tmp_path):
    lineage = [{"started": "2026-11-21T11:59:00+00:00", "finished": None, "status": "running"}]
    found = facts(make(tmp_path, "a", status="running", lineage=lineage, finished=None))
    assert (found["status"], found["seconds"]) == ("killed", None)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2}', '{"format": 99, "status": "", "result": "", "data": {}}',
                '{"format": 2, "status": "finished", "result": "last", "data": {}}',
                '{"format": 2, "status": "finished", "result": "last", "data": {}, "segments": []}',
                "[" * 100_000],
)  # fmt: skip
def test_a_damaged_record_is_listed_as_damaged(tmp_path, content):
    run = make(tmp_path, "a")
    (run / "run.json").write_text(content)
    found = facts(run)
    assert (found["run"], found["status"]) == ("a", "damaged")
    assert found["message"]


@pytest.mark.parametrize("started", ["yesterday", "2026-13-45"])
def test_a_time_that_is_none_is_damage(tmp_path, started):
    assert facts(make(tmp_path, "a", started=started))["status"] == "damaged"


@pytest.mark.parametrize(
    "line", ["[" * 100_000, "7", '{"epoch": "x", "dev_loss": "y", "dev_accuracy": [], "step": null}']
)
def test_damaged_metrics_say_nothing(tmp_path, line):
    run = make(tmp_path, "a")
    (run / "metrics.jsonl").write_text(line + "\n")
    found = facts(run)
    assert (found["status"], found["epoch"], found["step"], "dev_loss" in found) == ("finished", 0, 0, False)


def test_runs_of_format_1_are_listed():
    found = facts(Path(__file__).parents[1] / "golden" / "format1")
    assert found["status"] == "finished"
    assert found["seconds"] > 0
    assert found["epoch"] > 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("status", "finished"),
        ("optimizer.name", "adam"),
        ("optimizer.learning_rate", 0.001),
        ("data.synthetic", "moons"),
        ("architecture.layers.0.units", 8),
        ("architecture.layers.1.units", None),
        ("architecture.layers", None),
        ("optimizer.rho", None),
        ("nothing", None),
        ("name", "tiny"),
    ],
)
def test_facts_and_settings_by_key(tmp_path, key, value):
    assert listing.ListedRun(make(tmp_path, "a"), now=NOW).get(key) == value


def test_error_rates_come_from_the_report_where_the_metrics_have_none(tmp_path):
    run = make(tmp_path, "a")
    splits = [{"split": "dev", "error": 0.3}, {"split": "test", "error": 0.4}]
    (run / "report.json").write_text(json.dumps({"splits": splits}))
    found = listing.ListedRun(run, now=NOW)
    assert found.get("dev_error") == 0.3
    assert found.get("test_error") is None  # not for choosing among runs


def test_order(tmp_path):
    rates = {"a": 0.3, "b": 0.1, "c": 0.2}
    runs = [make(tmp_path, name, rows=[row(1, 1 - rate)]) for name, rate in rates.items()]
    runs.append(make(tmp_path, "none"))
    found = listing.listed(runs, now=NOW)
    assert [run.run.name for run in listing.ordered(found, "dev_error")] == ["b", "c", "a", "none"]
    assert [run.run.name for run in listing.ordered(found, "-dev_error")] == ["a", "c", "b", "none"]


def asked(place, name, *, optimize, value, limits=(), **record):
    """A run whose report says what was asked for."""
    run = make(place, name, rows=[row(1, 0.5)], **record)
    selection = {"optimize": optimize, "value": value, "model_kb": 2.5, "limits": list(limits)}
    (run / "report.json").write_text(json.dumps({"selection": selection}))
    return run


def test_the_best_first_is_what_was_asked_for(tmp_path):
    slow = {"limit": "predict_ms <= 5", "value": None, "met": None}
    low = {"limit": "recall >= 0.9", "value": 0.5, "met": False}
    runs = [
        asked(tmp_path, "worse", optimize="f1", value=0.5),
        asked(tmp_path, "low", optimize="f1", value=0.9, limits=[low]),
        asked(tmp_path, "slow", optimize="f1", value=0.95, limits=[slow], predict_ms=7.0),
        asked(tmp_path, "fast", optimize="f1", value=0.6, limits=[slow], predict_ms=3.0),
        asked(tmp_path, "never timed", optimize="f1", value=0.99, limits=[slow]),
        make(tmp_path, "no report"),
    ]
    found = listing.by_worth(listing.listed(runs, now=NOW))
    assert [run.run.name for run in found] == ["fast", "worse", "never timed", "slow", "low", "no report"]
    assert [run.get("limits") for run in found] == ["met", None, "not met", "not met", "not met", None]
    assert (found[0].get("model_kb"), found[0].get("predict_ms")) == (2.5, 3.0)


def test_of_a_loss_less_is_better_and_without_a_common_metric_the_error_counts(tmp_path):
    first = asked(tmp_path, "a", optimize="loss", value=0.5)
    second = asked(tmp_path, "b", optimize="loss", value=0.25)
    third = asked(tmp_path, "c", optimize="f1", value=0.25)
    (third / "metrics.jsonl").write_text(json.dumps(row(1, 0.75)) + "\n")

    def names(*runs):
        return [run.run.name for run in listing.by_worth(listing.listed(runs, now=NOW))]

    assert names(first, second) == ["b", "a"]
    assert names(first, second, third) == ["c", "a", "b"]


# --- --where ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optimizer.name == adam", [("optimizer.name", "==", "adam")]),
        ("a<1e-3", [("a", "<", 0.001)]),
        ("a >= 2 and b != 'x and y'", [("a", ">=", 2), ("b", "!=", "x and y")]),
        ('name == "and"', [("name", "==", "and")]),
        ("a == true and b == null", [("a", "==", True), ("b", "==", None)]),
        ("a == '1'", [("a", "==", "1")]),
        ("a <= -0.5", [("a", "<=", -0.5)]),
    ],
)
def test_conditions_are_read(text, expected):
    assert conditions.parse(text) == [Condition(*parts) for parts in expected]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found the end"),
        ("a", "found 'a'"),
        ("a ==", "found 'a =='"),
        ("a = 1", "cannot read '= 1'"),
        ("== 1", "found '== 1'"),
        ("a == 1 or b == 2", "found 'or' after the value"),
        ("a == 1 and", "found the end"),
        ("a == 'x", "cannot read"),
        ("a == == b", "found 'a == =='"),
        ("__import__('os').system('ls') == 1", "found"),
        ("a == " + "9" * 50, "more than 40 characters"),
        ("a == \x1b[31m \x1b", "after the value"),
    ],
)
def test_what_cannot_be_read_is_told(text, words):
    with pytest.raises(UsageError) as caught:
        conditions.parse(text)
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "found", "holds"),
    [
        ("a == 1", 1.0, True),
        ("a == 1", True, False),
        ("a == 1", "1", True),  # a name of digits
        ("a == true", True, True),
        ("a != adam", "sgd", True),
        ("a != adam", None, True),
        ("a == null", None, True),
        ("a < 2", 1, True),
        ("a < 2", 2, False),
        ("a <= 2", 2, True),
        ("a > 2", "3", False),
        ("a < 2", None, False),
        ("a >= 2026-11-20", "2026-11-21T10:00:00+00:00", True),
        ("a < true", 0, False),
    ],
)
def test_what_holds(text, found, holds):
    (condition,) = conditions.parse(text)
    assert condition.holds(found) is holds


def test_runs_are_selected_by_all_conditions(tmp_path):
    pairs = (("a", "adam", 0.1), ("b", "sgd", 0.1), ("c", "adam", 0.5))
    made = [make(tmp_path, name, optimizer=optimizer, rate=rate) for name, optimizer, rate in pairs]
    found = listing.listed(made, now=NOW)
    wanted = conditions.parse("optimizer.name == adam and optimizer.learning_rate <= 0.2")
    assert [run.run.name for run in conditions.select(found, wanted)] == ["a"]


def test_a_key_that_no_run_has_is_a_mistake(tmp_path):
    found = listing.listed([make(tmp_path, "a", rows=[row(1, 0.5)])], now=NOW)
    with pytest.raises(UsageError, match="did you mean dev_error"):
        conditions.select(found, conditions.parse("dev_eror < 1"))
