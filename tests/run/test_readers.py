"""Readers beside a running run: none fails, and none keeps the run from its work."""

import json
import os
import signal
import threading
import time

import pytest

from dlspec import measurement, runner
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.run import directory
from dlspec.run.overview import overview
from dlspec.run.record import read_record

from .resuming import write
from .test_kill import in_child


def read_again_and_again(run, until, failures, counts):
    """Show and evaluate a run until then; the loops differ in what they ask for."""
    while time.monotonic() < until:
        for parameters in (None, "best", "last"):
            try:
                found = overview(run)
                measured = measurement.evaluate(measurement.open_run(run, parameters=parameters), split="dev")
                assert found["status"] in ("running", "interrupted")
                assert measured.splits[0]["examples"] == 16
                counts.append(1)
            except Exception as error:
                failures.append(repr(error))


@pytest.mark.parametrize(
    ("readers", "seconds"), [(4, 2.0), pytest.param(50, 60.0, marks=[pytest.mark.long, pytest.mark.timeout(200)])]
)
def test_readers_of_a_running_run(readers, seconds, tmp_path):
    config = write(tmp_path, "dropout")
    flags = ["training.epochs=10000000", "checkpoint.every_seconds=0"]
    stop = []

    def train():
        signal.signal(signal.SIGTERM, lambda number, _frame: stop.append(number))
        prepared = prepare(loader.load(config, flags))
        runner.train(prepared, runs_dir=tmp_path / "runs", interrupted=lambda: bool(stop))

    child = in_child(train)
    deadline = time.monotonic() + 30
    while not (tmp_path / "runs").exists() or not list((tmp_path / "runs").glob("*/checkpoints/step-*.h5")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run = directory.latest(tmp_path / "runs")
    failures, counts, until = [], [], time.monotonic() + seconds
    before = overview(run)["epoch"]
    threads = [
        threading.Thread(target=read_again_and_again, args=(run, until, failures, counts)) for _ in range(readers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = overview(run)
    os.kill(child, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert failures == []
    assert len(counts) >= readers
    assert (after["status"], after["epoch"] > before) == ("running", True)
    assert read_record(run)["status"] == overview(run)["status"] == "interrupted"
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))
