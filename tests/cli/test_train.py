"""`dlspec train` from the file to the run directory, and every way it can end."""

import json
import os
import textwrap

import pytest

from dlspec.changes import identity
from dlspec.config import loader
from dlspec.run import checkpoint, checkpoints

from .commands import RUN_FILES, TINY, files_in, only_run, spawn, without_privileges, write, write_table


def test_results_on_stdout_and_the_rest_on_stderr(tiny, tmp_path):
    result = spawn("train", tiny, cwd=tmp_path)
    run = only_run(tmp_path / "runs")
    assert result.code == 0
    head, *lines = result.out.splitlines()
    assert head.split() == ["split", "examples", "accuracy", "f1", "loss", "cost"]
    assert [line.split()[:2] for line in lines[:3]] == [["train", "36"], ["dev", "12"], []]
    (verdict,) = [line.split(maxsplit=1)[1] for line in lines if line.startswith("verdict")]
    assert verdict == json.loads((run / "report.json").read_text())["diagnosis"]["verdict"]
    assert lines[-1].split() == ["run", f"runs/{run.name}"]
    assert result.err.splitlines() == [
        "tiny: 36 train, 12 dev, 12 test; 2 features, 2 classes",
        "network 2-4-1, adam, 1 thread",
    ]


def test_the_run_directory_holds_exactly_these_files(tiny, tmp_path, dlspec):
    assert dlspec("train", tiny, "--runs-dir", tmp_path / "runs").code == 0
    run = only_run(tmp_path / "runs")
    assert set(files_in(run)) == RUN_FILES | {"checkpoints/step-00000009.h5"}
    assert (run / "config.yaml").read_bytes() == tiny.read_bytes()
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["epoch"], record["step"], record["result"]) == ("finished", 3, 9, "last")
    assert (record["run"], record["process"]["pid"]) == (run.name, os.getpid())
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 3
    progress = checkpoint.load(checkpoints.of_name(run, "last")).progress
    assert (progress["epoch"], progress["seen"], progress["step"], progress["segment"]) == (3, 0, 9, 1)
    assert progress["metrics_bytes"] == (run / "metrics.jsonl").stat().st_size


def test_quiet_leaves_only_the_results(tiny, tmp_path, dlspec):
    loud = dlspec("train", tiny, "--runs-dir", tmp_path / "loud")
    quiet = dlspec("train", tiny, "--runs-dir", tmp_path / "quiet", "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert quiet.out.splitlines()[:-1] == loud.out.splitlines()[:-1]


def test_json_has_the_words_of_the_design(trained):
    run, result = trained
    content = result.json
    assert list(content) == [
        "run", "format", "name", "task", "message", "parameters", "epoch", "human_level_error", "diagnosis", "actions",
        "selection", "health", "splits", "segments", "warnings",
    ]  # fmt: skip
    assert content.pop("run") == f"runs/{run.name}"
    assert content["segments"] == [{"epoch": 0, "step": 0, "changes": []}]
    assert content == json.loads((run / "report.json").read_text())
    assert set(content["diagnosis"]) == {"verdict", "gaps", "errors", "next_steps", "notes"}
    assert [split["split"] for split in content["splits"]] == ["train", "dev", "test"]
    assert set(content["splits"][0]) == {
        "split", "examples", "cost", "loss", "accuracy", "f1", "error", "error_std", "classes", "confusion_matrix"
    }  # fmt: skip


def test_an_override_is_used_and_recorded(tiny, tmp_path, dlspec):
    flags = ["--set", "training.epochs=2", "--set", "name=other"]
    assert dlspec("train", tiny, "--runs-dir", tmp_path / "runs", *flags).code == 0
    run = only_run(tmp_path / "runs")
    record = json.loads((run / "run.json").read_text())
    (segment,), (session,) = record["segments"], record["lineage"]
    assert segment.pop("sha256") == identity(loader.load(run / "config.resolved.yaml").experiment)
    assert segment == {
        "config": "config.resolved.yaml", "epoch": 0, "seen": 0, "step": 0,
        "overrides": ["training.epochs=2", "name=other"],
    }  # fmt: skip
    assert session == {
        "started": record["started"], "finished": record["finished"], "status": "finished", "from_step": 0,
        "overrides": segment["overrides"],
    }  # fmt: skip
    assert (record["epoch"], record["name"]) == (2, "other")
    assert run.name.endswith("-other")


def test_a_regression_reports_its_own_metrics(tmp_path, dlspec):
    rows = "\n".join(f"{i},{i % 7},{0.5 * i + 0.25}" for i in range(50))
    write(tmp_path / "houses.csv", f"area,rooms,price\n{rows}\n")
    config = write(tmp_path / "a.yaml", "data: {path: houses.csv}\ntraining: {epochs: 2}\n")
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs", "--json")
    assert (result.code, result.json["task"]) == (0, "regression")
    assert set(result.json["splits"][0]) == {
        "split", "examples", "cost", "loss", "rmse", "mae", "r2", "error", "error_std"
    }  # fmt: skip
    assert "dev rmse" not in result.out


@pytest.mark.parametrize(
    ("text", "flags", "message"),
    [
        ("nonsense: 1\n" + TINY, [], "tiny.yaml:1:1: nonsense"),
        (TINY.replace("units: 4", "units: 0"), [], "tiny.yaml:4:"),
        (TINY.replace("seed: 3", "seed: .nan"), [], "tiny.yaml:2:"),
        (TINY + "decay: {name: cubic}\n", [], "tiny.yaml:7:"),
        ("- 1\n", [], "tiny.yaml"),
        ("", [], "tiny.yaml"),
        ("a: [\n", [], "tiny.yaml"),
        ("\x00", [], "tiny.yaml"),
        (TINY, ["--set", "optimizer.speed=1"], "optimizer.speed"),
        (TINY, ["--set", "no equals sign"], "--set"),
        (TINY + "evaluation: {metric: rmse}\n", [], "tiny.yaml:7:"),
        (TINY.replace("{epochs: 3}", "{early_stopping: {monitor: dev_f1}}"), [], "dev_f1"),
    ],
)
def test_a_config_error_exits_with_2_and_writes_nothing(text, flags, message, tiny, tmp_path, dlspec):
    tiny.write_text(text)
    result = dlspec("train", tiny, "--runs-dir", tmp_path / "runs", *flags)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert list(tmp_path.iterdir()) == [tiny]


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\nb.yaml"])
def test_a_config_that_cannot_be_read(name, tmp_path, dlspec, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = dlspec("train", name)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_data_error_names_the_file_and_the_row(tmp_path, dlspec):
    table = write_table(tmp_path / "cats.csv", ["no", "yes"])
    table.write_text(table.read_text().replace("\n0.0001", "\nmany", 1).replace("1.0024", "nothing", 1))
    line = table.read_text().splitlines().index(next(row for row in table.read_text().splitlines() if "nothing" in row))
    config = write(tmp_path / "cats.yaml", "data: {path: cats.csv}\n")
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs")
    assert (result.code, result.out) == (2, "")
    assert f"cats.csv:{line + 1}: column a: found 'nothing'; expected a number" in result.err
    assert not (tmp_path / "runs").exists()


def test_missing_data(tmp_path, dlspec):
    config = write(tmp_path / "cats.yaml", "data: {path: cats.csv}\n")
    result = dlspec("train", config, "--runs-dir", tmp_path / "runs")
    assert (result.code, result.out) == (2, "")
    assert f"cats.yaml:1:14: data.path: there is no file {tmp_path / 'cats.csv'}" in result.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("flags", [[], ["--json"], ["--quiet"]])
def test_a_divergence_exits_with_3_and_keeps_the_last_finite_state(flags, tiny, tmp_path, dlspec):
    overrides = ["--set", "optimizer={name: sgd, learning_rate: 1e30}"]
    result = dlspec("train", tiny, "--runs-dir", tmp_path / "runs", *overrides, *flags)
    run = only_run(tmp_path / "runs")
    assert (result.code, result.out) == (3, "")
    message = "the loss is nan at step 2 in epoch 1; first in layer 2, Z2: 15 of 16 values are not finite"
    assert result.err.splitlines()[-3:] == [
        f"{run}: diverged: {message}",
        "try: lower the learning rate: --set optimizer.learning_rate=1",
        f"look: {run}/report.html",
    ]
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["message"]) == ("diverged", message)
    saved = checkpoint.load(checkpoints.of_name(run, "last"))
    assert (saved.progress["epoch"], saved.progress["seen"], saved.progress["step"]) == (0, 0, 0)
    assert all(abs(array).max() < 10 for array in saved.parameters.values())
    kept = RUN_FILES - {"report.json", "report.md", "pictures.json", "checkpoints/best.h5"}
    assert set(files_in(run)) == kept | {"checkpoints/step-00000000.h5"}


def test_a_divergence_found_by_measuring_keeps_the_epoch_before(tiny, tmp_path, dlspec):
    tiny.write_text(
        textwrap.dedent("""\
            data: {synthetic: moons, examples: 60}
            optimizer: {name: sgd, learning_rate: 0.1}
            batch_size: all
            decay: {name: manual, points: [{epoch: 2, learning_rate: 1e300}]}
            dtype: float32
            regularization: {l2: 1.0}
            training: {epochs: 9}
            """)
    )
    result = dlspec("train", tiny, "--runs-dir", tmp_path / "runs")
    run = only_run(tmp_path / "runs")
    assert result.code == 3
    message = "train_cost is nan after epoch 3; first in layer 1, W1: 2 of 2 values are not finite"
    assert result.err.splitlines()[-4:] == [
        f"{run}: diverged: {message}",
        "try: lower the learning rates of decay.points: --set optimizer.learning_rate=0.01 --set decay=constant",
        "try: limit the gradient: --set regularization.clip_norm=1",
        f"look: {run}/report.html",
    ]
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    saved = checkpoint.load(checkpoints.of_name(run, "last"))
    assert (saved.progress["epoch"], saved.progress["best_epoch"]) == (2, 2)
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.h5", "step-00000002.h5"}


def test_a_runs_dir_that_is_a_file(tiny, tmp_path, dlspec):
    (tmp_path / "runs").write_text("kept")
    for place in ("runs", "runs/deeper"):
        result = dlspec("train", tiny, "--runs-dir", tmp_path / place)
        assert (result.code, result.out) == (2, "")
        assert result.err == f"{tmp_path / 'runs'}: is a file, not a directory; choose another place\n"
    assert (tmp_path / "runs").read_text() == "kept"


@pytest.mark.parametrize("below", ["", "deeper/runs"])
def test_a_runs_dir_that_is_not_writable(below, tiny, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    result = spawn("train", tiny, "--runs-dir", locked / below, cwd=tmp_path, prefix=without_privileges())
    assert (result.code, result.out) == (4, "")
    assert result.err == f"{locked}: not writable; choose a writable place\n"
    assert list(locked.iterdir()) == []


def test_a_runs_dir_that_the_system_calls_read_only(tiny, tmp_path, dlspec, monkeypatch):
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: real(path, mode) and not (mode & os.W_OK))
    result = dlspec("train", tiny, "--runs-dir", tmp_path / "runs")
    assert (result.code, result.err) == (4, f"{tmp_path}: not writable; choose a writable place\n")
    assert not (tmp_path / "runs").exists()


def test_a_file_that_cannot_be_written_fails_the_run_with_one_line(tiny, tmp_path):
    limit = ["sh", "-c", 'ulimit -f 4; exec "$@"', "sh"]  # 2 or 4 kB, by shell; a checkpoint is larger
    result = spawn("train", tiny, "-q", cwd=tmp_path, prefix=limit)
    run = only_run(tmp_path / "runs")
    assert (result.code, result.out) == (1, "")
    message = (
        f"runs/{run.name}/checkpoints/best.h5: cannot write: file too large; raise the limit of this shell: ulimit -f"
    )
    assert result.err == f"{message}; then go on with: dlspec resume runs/{run.name}\n"
    record = json.loads((run / "run.json").read_text())
    assert (record["status"], record["message"]) == ("failed", message)
    assert list((run / "checkpoints").iterdir()) == []


def test_no_secret_of_the_environment_is_recorded(tiny, tmp_path):
    assert spawn("train", tiny, "-q", cwd=tmp_path, env={"API_TOKEN": "hunter2-secret"}).code == 0
    assert not any(b"hunter2" in content for content in files_in(tmp_path / "runs").values())
