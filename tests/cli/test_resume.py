"""`dlspec resume`, `dlspec reproduce` and `dlspec show RUN`, as a user sees them."""

import json
import shutil
import signal
from pathlib import Path

import pytest

from dlspec.config import loader
from dlspec.run import directory

from .commands import ENDLESS, REPRODUCIBLE_FILES, TINY, files_in, only_run, start, wait_for_epochs, write


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of the small experiment."""
    from .commands import spawn

    place = tmp_path_factory.mktemp("finished")
    spawn("train", write(place / "tiny.yaml", TINY), "-q", cwd=place)
    return only_run(place / "runs")


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A copy of it in `runs/` of the working directory."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(finished, tmp_path / "runs" / finished.name)).relative_to(tmp_path)


@pytest.mark.parametrize(
    "inside", ["", "/", "/run.json", "/checkpoints", "/checkpoints/step-00000009.h5", "/metrics.jsonl", "latest"]
)
def test_any_path_inside_a_run_names_it(inside, run, dlspec):
    result = dlspec("resume", "latest" if inside == "latest" else f"{run}{inside}", "--epochs", 4, "-q")
    assert (result.code, result.err) == (0, "")
    assert json.loads((run / "run.json").read_text())["epoch"] == 4


def test_more_epochs_are_those_of_a_longer_training(run, dlspec, tmp_path):
    result = dlspec("resume", run, "--epochs", 10, "--json")
    assert result.code == 0, result.err
    longer = dlspec("train", write(tmp_path / "tiny.yaml", TINY), "--set", "training.epochs=10", "--json").json
    assert {**result.json, "run": ""} == {**longer, "run": ""}
    for name in REPRODUCIBLE_FILES:
        assert (run / name).read_bytes() == (Path(longer["run"]) / name).read_bytes(), name


def test_it_says_from_where_it_goes_on(run, dlspec):
    assert dlspec("resume", run, "--epochs", 5).code == 0
    assert "training: 5 epochs of 3 steps, resumed after epoch 3, step 9" in (run / "log.txt").read_text()


def test_a_finished_run_is_no_error(run, dlspec):
    result = dlspec("resume", run)
    assert (result.code, result.out) == (0, "")
    assert result.err == f"{run}: nothing to do: 3 epochs; to train on: dlspec resume {run} --epochs N\n"


def test_what_cannot_change(run, dlspec):
    result = dlspec("resume", run, "--set", "seed=9", "--set", "data.noise=0.3", "--set", "optimizer.learning_rat=1")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "--set optimizer.learning_rat=1: optimizer.learning_rat: unknown key; did you mean learning_rate? "
        "expected one of: name, learning_rate, beta1, beta2, epsilon, amsgrad\n"
    )
    result = dlspec("resume", run, "--set", "seed=9", "--set", "data.noise=0.3")
    assert result.code == 2
    assert [line.split(":")[0] for line in result.err.splitlines()] == ["--set seed=9", "--set data.noise=0.3"]


def test_another_environment(run, dlspec):
    record = json.loads((run / "run.json").read_text())
    record["environment"]["numpy"] = "1.0"
    (run / "run.json").write_text(json.dumps(record))
    result = dlspec("resume", run, "--epochs", 4)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"{run}: cannot go on exactly, because numpy: 1.0 then, ")
    result = dlspec("resume", run, "--epochs", 4, "--allow-inexact", "-q")
    assert result.code == 0
    assert result.err.startswith("inexact: numpy: 1.0 then, ")


def test_strict(run, dlspec):
    path = run / "checkpoints" / "step-00000009.h5"
    path.write_bytes(path.read_bytes()[:-1])
    before = files_in(run)
    result = dlspec("resume", run, "--epochs", 4, "--strict")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"{path}: damaged: ")
    assert files_in(run) == before
    result = dlspec("resume", run, "--epochs", 4, "-q")
    assert (result.code, result.err.splitlines()[0][: len("damaged, set aside: ")]) == (0, "damaged, set aside: ")


def test_a_busy_run(run, dlspec):
    with directory.locked(run):
        result = dlspec("resume", run, "--epochs", 4)
        assert (result.code, result.out) == (4, "")
        assert "another process (pid " in result.err
        assert dlspec("show", run).code == dlspec("evaluate", run).code == 0
    assert dlspec("resume", run, "--epochs", 4).code == 0


def test_a_new_segment_is_shown(run, dlspec):
    result = dlspec("resume", run, "--set", "optimizer.learning_rate=1e-4", "--epochs", 5)
    assert result.code == 0
    shown = dlspec("show", run)
    assert "changed  after epoch 3, step 9: optimizer.learning_rate=1e-4, training.epochs=5\n" in shown.out
    assert "trained  5 epochs, 15 steps, 2 sessions\n" in shown.out
    assert "| after epoch | after step |" in (run / "report.md").read_text()
    assert loader.load(run / "config.segment-2.yaml").experiment.optimizer.learning_rate == 1e-4
    assert dlspec("evaluate", run, "--json").json["epoch"] == 5


class TestShow:
    def test_a_finished_run(self, run, dlspec):
        result = dlspec("show", "latest")
        assert (result.code, result.err) == (0, "")
        words = dict(line.split(maxsplit=1) for line in result.out.splitlines())
        assert (words["run"], words["status"]) == (str(run), "finished: 3 epochs")
        assert words["trained"] == "3 epochs, 9 steps, 1 session"
        assert words["saved"] == "best, step-00000009"
        assert words["metrics"].startswith("train_cost ")
        assert "go" not in words

    def test_json(self, run, dlspec):
        found = dlspec("show", run, "--json").json
        assert (found["status"], found["epoch"], found["step"]) == ("finished", 3, 9)
        assert found["segments"] == [{"epoch": 0, "step": 0, "changes": []}]
        assert set(found["metrics"]) == {f"{s}_{n}" for s in ("train", "dev") for n in ("cost", "loss", "accuracy")}

    def test_an_experiment_as_json(self, tiny, dlspec):
        assert dlspec("show", tiny, "--json").json["training"]["epochs"] == 3

    def test_flags_belong_to_experiments(self, run, dlspec):
        result = dlspec("show", run, "--set", "seed=2")
        assert result.code == 2
        assert result.err.startswith("--set changes an experiment file; a run is changed with: dlspec resume RUN")


def test_a_killed_run_is_told_from_a_running_one(tmp_path, dlspec, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = write(tmp_path / "endless.yaml", ENDLESS + "checkpoint: {every_seconds: 0}\n")
    with start("train", config, "-q", cwd=tmp_path) as process:
        run, _ = wait_for_epochs(tmp_path / "runs", more_than=3)
        shown = dlspec("show", run, "--json").json
        assert shown["status"] == "running"
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=10)
    result = dlspec("show", run)
    assert "status   killed\n" in result.out
    assert result.out.endswith(f"go on    dlspec resume {run}\n")
    epoch = dlspec("show", run, "--json").json["epoch"]
    with start("resume", "latest", "-q", cwd=tmp_path) as process:
        _, epochs = wait_for_epochs(tmp_path / "runs", more_than=epoch + 3)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143
    rows = [json.loads(line)["epoch"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows == list(range(1, len(rows) + 1))
    assert len(rows) >= epochs


class TestReproduce:
    def test_every_bit(self, run, dlspec):
        result = dlspec("reproduce", run, "-q")
        assert (result.code, result.err) == (0, "")
        (other,) = (path for path in directory.all_runs(Path("runs")) if path.name != run.name)
        assert result.out == f"{run} and {other}: every bit is the same\n"

    def test_a_difference(self, run, dlspec):
        rows = (run / "metrics.jsonl").read_text().replace('"train_accuracy": ', '"train_accuracy": 1')
        (run / "metrics.jsonl").write_text(rows)
        result = dlspec("reproduce", run, "-q")
        assert result.code == 1
        first, last = result.out.splitlines()
        assert first.startswith("metrics.jsonl: from epoch 1 on: train_accuracy 1")
        assert last.endswith(": not the same")
        result = dlspec("reproduce", run, "-q", "--json")
        assert (result.code, result.json["same"]) == (1, False)
        assert [difference["what"] for difference in result.json["differences"]] == ["metrics.jsonl"]


@pytest.mark.parametrize("command", ["resume", "reproduce", "show"])
def test_a_run_that_is_none(command, dlspec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dlspec(command, "latest").err == "runs: no run here yet; start one with: dlspec train CONFIG\n"
    assert dlspec(command, "nothing").code == 2
    assert list(tmp_path.iterdir()) == []
