"""The test split is looked at only when asked, and every look is counted."""

import json

import pytest

from .commands import TINY, only_run, write

KEPT = "test was not looked at"


def trained(dlspec, place, text=TINY, *flags):
    config = write(place / "e.yaml", text)
    result = dlspec("train", config, "--runs-dir", place / "runs", "--json", *flags)
    assert result.code == 0, result.err
    return only_run(place / "runs"), result.json


def looks(run):
    path = run / "test_uses.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_report_leaves_test_alone_where_there_is_a_dev_set(dlspec, tmp_path):
    run, report = trained(dlspec, tmp_path)
    assert [split["split"] for split in report["splits"]] == ["train", "dev"]
    assert [gap["name"] for gap in report["diagnosis"]["gaps"]] == ["bias", "variance"]
    assert any(note.startswith(KEPT) for note in report["diagnosis"]["notes"])
    assert looks(run) == []


def test_a_report_looks_at_test_where_it_is_asked_to(dlspec, tmp_path):
    run, report = trained(dlspec, tmp_path, TINY, "--set", "evaluation.test=true")
    assert [split["split"] for split in report["splits"]] == ["train", "dev", "test"]
    assert not any(note.startswith(KEPT) for note in report["diagnosis"]["notes"])
    assert [(look["by"], look["parameters"]) for look in looks(run)] == [("report", "last")]


NO_DEV = TINY.replace("examples: 60", "examples: 60, seed: 1, test: {examples: 30, seed: 2}")


@pytest.mark.parametrize(
    ("flags", "measured"), [((), ["train", "test"]), (("--set", "evaluation.test=false"), ["train"])]
)
def test_without_a_dev_set_test_takes_its_place_unless_told_not_to(flags, measured, dlspec, tmp_path):
    run, report = trained(dlspec, tmp_path, NO_DEV, *flags)
    assert [split["split"] for split in report["splits"]] == measured
    assert len(looks(run)) == len(measured) - 1


def test_every_look_of_evaluate_is_counted(dlspec, tmp_path):
    run, _ = trained(dlspec, tmp_path)
    results = [dlspec("evaluate", run, "--split", split) for split in ("dev", "test", "train", "all", "test")]
    assert [result.code for result in results] == [0] * 5
    assert [look["by"] for look in looks(run)] == ["evaluate"] * 3
    said = [line for result in results for line in result.err.splitlines()]
    assert said == [
        f"warning: look number {n} at test; whatever is chosen by it makes its error too low" for n in (2, 3)
    ]


def test_a_look_that_cannot_be_counted_is_told(dlspec, tmp_path):
    run, _ = trained(dlspec, tmp_path)
    (run / "test_uses.jsonl").mkdir()
    result = dlspec("evaluate", run, "--split", "test")
    assert result.code == 0
    assert result.err.startswith("warning: this look at test could not be counted: ")
