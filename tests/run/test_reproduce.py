"""A run trained once more from its beginning, and compared."""

import json

import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import RunError
from dlspec.preparation import prepare
from dlspec.run import checkpoint, checkpoints

from .resuming import content_of, copy_of, rows_of, stop_after, train


@pytest.mark.parametrize("name", ["early-stopping", "schedule", "augmentation"])
def test_a_finished_run(name, whole, tmp_path):
    run = copy_of(whole[name][0], tmp_path)
    again = runner.reproduce(run, runs_dir=tmp_path / "runs")
    assert (again.differences, again.environment) == ((), ())
    assert content_of(again.outcome.run) == whole[name][1]


def test_a_run_that_has_not_finished_is_repeated_up_to_its_checkpoint(tmp_path):
    run = train(tmp_path, "dropout", interrupted=stop_after(7)).run
    again = runner.reproduce(run, runs_dir=tmp_path / "runs")
    assert again.differences == ()
    assert content_of(again.outcome.run) == content_of(run)


def test_what_differs_is_told(whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    metrics = run / "metrics.jsonl"
    rows = rows_of(run)
    rows[3]["train_cost"] = 0.5
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = checkpoints.of_name(run, "last")
    saved = checkpoint.load(path)
    saved.parameters["b2"][0] += 0.25
    checkpoint.save(path, saved)
    again = runner.reproduce(run, runs_dir=tmp_path / "runs")
    found = {difference.what: difference.detail for difference in again.differences}
    assert set(found) == {"metrics.jsonl", "checkpoint last, parameters"}
    assert found["metrics.jsonl"].startswith("from epoch 4 on: train_cost 0.5, now 0.")
    assert found["checkpoint last, parameters"].startswith("b2: up to 0.25 apart, where values reach ")


def test_data_that_changed_is_refused(whole, tmp_path):
    run = copy_of(whole["augmentation"][0], tmp_path)
    with (tmp_path / "images.npz").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(RunError, match="the data has changed since this run was trained"):
        runner.reproduce(run, runs_dir=tmp_path / "runs")


def test_the_config_as_it_was_trains_to_the_same(whole, tmp_path):
    run = copy_of(whole["schedule"][0], tmp_path)
    outcome = runner.train(prepare(loader.load(run / "config.resolved.yaml")), runs_dir=tmp_path / "again")
    found, expected = content_of(outcome.run), dict(whole["schedule"][1])
    del found["report.html"], expected["report.html"]  # which tells what was written out from what was left open
    assert found == expected
