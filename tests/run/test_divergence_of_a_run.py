"""Numbers that are no longer finite: where the run stops, what it says, and what it keeps."""

import json

import h5py
import numpy as np
import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import DataError
from dlspec.preparation import prepare
from dlspec.run import checkpoint, checkpoints
from dlspec.run.record import read_record

from .resuming import content_of, rows_of, stop_after, train, write

MILLION = ["optimizer={name: sgd, learning_rate: 1e6}", "checkpoint.every_steps=1"]


def check_kept(run, outcome):
    """The run says why it ended, its newest checkpoint is finite, and no value of its metrics is not."""
    finished = outcome.finished
    assert (finished.reason, outcome.report) == ("diverged", None)
    assert (read_record(run)["status"], read_record(run)["message"]) == ("diverged", finished.message)
    assert "NaN" not in (run / "metrics.jsonl").read_text()
    saved = checkpoint.load(checkpoints.of_name(run, "last"))
    for group in (saved.parameters, saved.best):
        assert all(np.isfinite(array).all() for array in group.values())
    return saved


@pytest.mark.parametrize("flags", [MILLION, [*MILLION, "training.early_stopping={patience: 9}"]])
def test_a_learning_rate_of_a_million(flags, tmp_path):
    outcome = train(tmp_path, "dropout", overrides=flags)
    run, finished = outcome.run, outcome.finished
    assert (
        finished.message == "the loss is inf at step 5 in epoch 2; first in layer 2, Z2: 15 of 16 values are not finite"
    )
    assert finished.advice[0] == "lower optimizer.learning_rate, by a factor of 10 to begin with"
    saved = check_kept(run, outcome)
    assert (saved.progress["step"], saved.progress["best_epoch"]) == (4, 1)
    assert [row["epoch"] for row in rows_of(run)] == [1]


def test_a_diverged_run_goes_on_with_a_smaller_rate(tmp_path):
    run = train(tmp_path, "dropout", overrides=[*MILLION[:1], "checkpoint.every_seconds=null"]).run
    before = content_of(run)
    again = runner.resume(run)  # the same rate: the same end
    check_kept(run, again)
    assert content_of(run) == before
    outcome = runner.resume(run, overrides=["optimizer.learning_rate=1e-9"])
    assert outcome.finished.reason == "completed"
    assert [row["segment"] for row in rows_of(run)] == [1, 2, 2, 2, 2]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dropout", "the loss is nan at step 9 in epoch 3; first in layer 1, W1: 1 of 12 values are not finite"),
        ("streaming", "the loss is nan at step 9 in epoch 1; first in layer 1, W1: 1 of 50 values are not finite"),
    ],
)
def test_an_infinite_weight(name, message, tmp_path):
    run = train(tmp_path, name, overrides=["checkpoint.every_steps=4"], interrupted=stop_after(8)).run
    path = checkpoints.step_file(run, 8)
    saved = checkpoint.load(path)
    saved.parameters["W1"][0, 0] = np.inf
    checkpoint.save(path, saved)
    outcome = runner.resume(run)
    assert (outcome.finished.reason, outcome.finished.message) == ("diverged", message)
    assert list(checkpoints.step_files(run)) == [4, 8]  # nothing newer is written, and the one before stays
    assert np.isfinite(checkpoint.load(checkpoints.step_file(run, 4)).parameters["W1"]).all()


def test_nan_in_streamed_data_is_found_before_the_run(tmp_path):
    config = write(tmp_path, "streaming")
    with h5py.File(tmp_path / "rows.h5", "r+") as file:
        file["x"][555, 3] = np.nan
    with pytest.raises(DataError, match=r"rows\.h5: row 555, feature x4: found nan; expected a finite number"):
        prepare(loader.load(config))


def test_a_spike_is_a_row_of_the_metrics(tmp_path):
    run = train(tmp_path, "dropout", overrides=["training.epochs=60", "batch_size=16"], interrupted=stop_after(170)).run
    runner.resume(run, overrides=["optimizer={name: adam, learning_rate: 30}"])
    spikes = [spike for row in rows_of(run) for spike in row["spikes"]]
    assert spikes
    assert all(spike["loss"] > 2 * spike["usual"] for spike in spikes)
    assert "loss spike at step" in (run / "log.txt").read_text()
    assert json.loads((run / "report.json").read_text())["segments"][1]["step"] == 170
