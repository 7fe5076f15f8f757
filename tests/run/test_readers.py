"""Readers beside a running run: none fails, and none keeps the run from its work."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest

from dlspec import measurement, run_page, runner
from dlspec.compare import compare
from dlspec.config import loader
from dlspec.errors import RunError, UsageError
from dlspec.preparation import prepare
from dlspec.run import checkpoint, checkpoints, directory, listing
from dlspec.run.overview import overview
from dlspec.run.record import read_record

from .resuming import stop_after, train, write
from .test_kill import in_child


def show(run):
    assert overview(run)["status"] in ("running", "interrupted")


def evaluate(run):
    for parameters in (None, "best", "last"):
        measured = measurement.evaluate(measurement.open_run(run, parameters=parameters), split="dev")
        assert measured.splits[0]["examples"] == 16


def compared(run):
    """`dlspec compare` with a run beside it, which has finished."""
    now = datetime.now(UTC)
    runs = [run, *directory.all_runs(run.parent.parent / "finished")]
    content = compare(listing.ordered(listing.listed(runs, now=now), "seed"), now=now)
    assert {one["status"] for one in content["runs"]} <= {"running", "interrupted", "finished"}
    assert all(one["curves"] for one in content["runs"])
    (test,) = [one["against_reference"] for one in content["runs"] if one["against_reference"]]
    assert 0 <= test["p"] <= 1, test


def diagnose(run):
    try:
        run_page.read(run)
    except UsageError as error:
        assert "has no report" in str(error)  # noqa: PT017 - a thread of its own
    else:
        raise AssertionError


READERS = (show, evaluate, compared, diagnose)


def read_again_and_again(run, until, failures, counts):
    """Read a run in every way until then."""
    while time.monotonic() < until:
        for reader in READERS:
            try:
                reader(run)
                counts.append(1)
            except Exception as error:
                failures.append(f"{reader.__name__}: {error!r}")


def commands_again_and_again(run, until, failures, counts):
    """The same by processes of their own."""
    while time.monotonic() < until:
        for line in (["show", run], ["evaluate", run], ["compare", run, "--json"], ["runs", "--runs-dir", run.parent]):
            process = subprocess.run(
                [sys.executable, "-m", "dlspec", *map(str, line)], capture_output=True, text=True, check=False
            )
            if process.returncode:
                failures.append(process.stderr)
            counts.append(1)


@pytest.mark.parametrize(
    ("readers", "seconds"), [(4, 2.0), pytest.param(50, 60.0, marks=[pytest.mark.long, pytest.mark.timeout(200)])]
)
def test_readers_of_a_running_run(readers, seconds, tmp_path):
    config = write(tmp_path, "dropout")
    runner.train(prepare(loader.load(config)), runs_dir=tmp_path / "finished")
    flags = ["training.epochs=10000000", "evaluation.every=1", "checkpoint.every_seconds=0"]
    stop = []

    def train_on():
        signal.signal(signal.SIGTERM, lambda number, _frame: stop.append(number))
        prepared = prepare(loader.load(config, flags))
        runner.train(prepared, runs_dir=tmp_path / "runs", interrupted=lambda: bool(stop))

    child = in_child(train_on)
    deadline = time.monotonic() + 30
    while not (tmp_path / "runs").exists() or not list((tmp_path / "runs").glob("*/checkpoints/step-*.h5")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run = directory.latest(tmp_path / "runs")
    failures, counts, until = [], [], time.monotonic() + seconds
    before = overview(run)["epoch"]
    threads = [
        threading.Thread(target=work, args=(run, until, failures, counts))
        for work in [commands_again_and_again] * (readers // 10 or 1) + [read_again_and_again] * readers
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


@pytest.mark.parametrize("moment", ["before it is looked for", "before it is read"])
@pytest.mark.parametrize("times", [1, 10])
def test_a_checkpoint_that_is_replaced_while_it_is_read(times, moment, tmp_path, monkeypatch):
    run = train(tmp_path, "dropout").run
    replaced = []

    def replace_newest():
        if len(replaced) < times:
            *_, (step, path) = checkpoints.step_files(run).items()
            path.rename(checkpoints.step_file(run, step + 1))
            replaced.append(path)

    of_name, load = checkpoints.of_name, checkpoint.load

    def of_name_then_replaced(run, name):
        found = of_name(run, name)
        replace_newest()
        return found

    def replaced_then_load(path):
        replace_newest()
        return load(path)

    if moment == "before it is looked for":
        monkeypatch.setattr(checkpoints, "of_name", of_name_then_replaced)
    else:
        monkeypatch.setattr(checkpoint, "load", replaced_then_load)
    name, path, saved = checkpoints.load_of_run(run)
    assert (name, path.name) == ("last", f"step-{15 + times:08d}.h5")
    assert saved.progress["step"] == 15


def test_a_checkpoint_that_is_missing_is_told_at_once(tmp_path):
    run = train(tmp_path, "dropout", interrupted=stop_after(1)).run
    with pytest.raises(RunError, match=r"best\.h5: no checkpoint yet; the run is interrupted"):
        checkpoints.load_of_run(run, "best")
