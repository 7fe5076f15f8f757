"""Columns that are not all numbers, from the experiment file to the measured run."""

import json
import sys

import pytest

from dlspec.config import loader

from .commands import only_run, write

COLUMNS = "columns: {missing: median, indicator: true, types: {id: ignore}, date_parts: [month]}"


@pytest.fixture
def place(tmp_path, monkeypatch):
    rows = ["id,age,city,since,buys"]
    for row in range(80):
        age = "" if row % 7 == 0 else 20 + row
        rows.append(f"u{row},{age},{('Rome', 'Oslo')[row % 2]},2024-0{1 + row % 9}-15,{('no', 'yes')[row % 4 // 2]}")
    write(tmp_path / "people.csv", "\n".join(rows) + "\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def experiment(place, columns=COLUMNS):
    return write(place / "people.yaml", f"data: {{path: people.csv, {columns}}}\ntraining: {{epochs: 3}}\n")


def test_a_run_is_measured_with_the_numbers_of_its_training(place, dlspec):
    assert dlspec("train", experiment(place), "-q", "--set", "evaluation.test=true").code == 0
    run = only_run(place / "runs")
    report = json.loads((run / "report.json").read_text())
    assert dlspec("evaluate", run, "--split", "all", "--json").json["splits"] == report["splits"]
    types = loader.load(run / "config.resolved.yaml").experiment.data.columns.types
    assert types == {"id": "ignore", "age": "number", "city": "category", "since": "date"}
    assert dlspec("reproduce", run, "-q").code == 0
    assert dlspec("resume", run, "--epochs", "5", "-q").code == 0


def test_a_category_that_came_later_counts_as_none(place, dlspec):
    assert dlspec("train", experiment(place), "-q").code == 0
    data = (place / "people.csv").read_text()
    write(place / "people.csv", data.replace("u5,25,Oslo", "u5,25,Paris").replace("u6,26,", "u6,old,"))
    result = dlspec("evaluate", "latest")
    assert (result.code, result.out) == (2, "")
    assert ":8: column age: found 'old'; expected a number" in result.err
    write(place / "people.csv", data.replace("Oslo", "Paris"))
    result = dlspec("evaluate", "latest", "--split", "dev")
    assert result.code == 0
    assert "warning: the data has changed since this run was trained" in result.err
    assert "warning: dev: column city has a category unknown in training in" in result.err


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            "task: auto",
            "people.csv:2: column id: found 'u0'; expected a number (data.columns takes text and empty cells)",
        ),
        (
            "columns: {types: {id: ignore}}",
            "people.csv:2: column age: empty; expected a value (data.columns: {missing: ",
        ),
        ("columns: {missing: 0, types: {idd: ignore}}", "people.csv: no column 'idd'; did you mean 'id'?"),
        ("columns: {missing: 0}, target: sex", "people.csv: no column 'sex'"),
    ],
)
def test_errors(columns, message, place, dlspec):
    result = dlspec("train", experiment(place, columns))
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not (place / "runs").exists()


def test_without_pyarrow(place, dlspec, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = dlspec("train", experiment(place))
    assert (result.code, result.out) == (2, "")
    assert "pip install 'dlspec[data]'" in result.err


def test_other_formats_have_none(place, dlspec):
    write(place / "a.h5", "")
    write(place / "a.yaml", "data: {path: a.h5, columns: {missing: 0}}\n")
    result = dlspec("validate", "a.yaml")
    assert (result.code, "a.h5: has no columns of different kinds; expected one of .csv, .tsv" in result.err) == (
        2,
        True,
    )
