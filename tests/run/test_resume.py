"""Resuming: the bytes of a run that was never interrupted, and changes on the way."""

import errno
import json
import os
import shutil
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import RunBusyError, RunError, UsageError
from dlspec.preparation import prepare
from dlspec.run import checkpoint, checkpoints, directory
from dlspec.run.record import read_record, segments_of, status_of

from .resuming import EXPERIMENTS, STEPS, content_of, stop_after, train, write
from .tiny import of_format


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Every experiment, trained without interruption: (run, its content)."""
    place = tmp_path_factory.mktemp("whole")
    runs = {name: train(place / name, name).run for name in EXPERIMENTS}
    return {name: (run, content_of(run)) for name, run in runs.items()}


def copy_of(run, place):
    """A run of its own, at the same depth, so that its relative paths hold."""
    target = place / "runs" / run.name
    shutil.copytree(run, target)
    for data in run.parent.parent.glob("*.npz"):
        shutil.copy(data, place)
    return target


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_interrupted_anywhere_it_ends_in_the_same_bytes(name, whole, tmp_path):
    _, expected = whole[name]
    steps = STEPS.get(name, 14)
    for step in range(1, steps + 1, 2 if name == "dropout" else 5):
        outcome = train(tmp_path / f"{step}", name, interrupted=stop_after(step))
        assert outcome.finished.reason == "interrupted"
        resumed = runner.resume(outcome.run)
        assert resumed.finished.reason in ("completed", "early_stopping")
        assert content_of(outcome.run) == expected, f"interrupted after step {step}"


def test_interrupted_after_every_single_step(whole, tmp_path):
    outcome = train(tmp_path, "dropout", interrupted=stop_after(1))
    sessions = 1
    while outcome.finished.reason == "interrupted":
        outcome = runner.resume(outcome.run, interrupted=stop_after(1))
        sessions += 1
    assert sessions == 16  # one of each step, and one that measures the last epoch
    assert content_of(outcome.run) == whole["dropout"][1]
    record = read_record(outcome.run)
    assert [session["from_step"] for session in record["lineage"]] == list(range(16))
    assert [session["status"] for session in record["lineage"]] == ["interrupted"] * 15 + ["finished"]


@pytest.mark.parametrize("name", ["dropout", "batch-norm", "plateau", "augmentation"])
def test_more_epochs_are_those_of_a_longer_run(name, whole, tmp_path):
    longer = content_of(train(tmp_path / "long", name, overrides=["training.epochs=9"]).run)
    run = copy_of(whole[name][0], tmp_path)
    runner.resume(run, overrides=["training.epochs=9"])
    assert content_of(run) == longer
    assert loader.load(run / "config.resolved.yaml").experiment.training.epochs == 9
    assert len(segments_of(read_record(run))) == 1


def test_more_epochs_do_not_wake_a_run_that_stopped_by_itself(whole, tmp_path):
    run = copy_of(whole["early-stopping"][0], tmp_path)
    runner.resume(run, overrides=["training.epochs=90"])
    assert content_of(run) == whole["early-stopping"][1]


def test_patience_that_is_raised_lets_a_stopped_run_go_on(whole, tmp_path):
    flags = ["training.early_stopping.patience=12"]
    longer = content_of(train(tmp_path / "long", "early-stopping", overrides=flags).run)
    run = copy_of(whole["early-stopping"][0], tmp_path)
    before = len(rows_of(run))
    runner.resume(run, overrides=flags)
    assert content_of(run) == longer
    assert len(rows_of(run)) > before


def test_a_finished_run_has_nothing_to_resume(whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    record = (run / "run.json").read_bytes()
    outcome = runner.resume(run)
    assert outcome == runner.AlreadyFinished(run, f"5 epochs; to train on: dlspec resume {run} --epochs N")
    assert (run / "run.json").read_bytes() == record
    assert content_of(run) == whole["dropout"][1]


def test_a_run_that_died_before_it_said_finished_is_finished(whole, tmp_path):
    run = copy_of(whole["early-stopping"][0], tmp_path)
    for name in ("report.json", "report.md"):
        (run / name).unlink()
    record = json.loads((run / "run.json").read_text())
    record["status"] = record["lineage"][0]["status"] = "running"
    (run / "run.json").write_text(json.dumps(record))
    assert status_of(run, read_record(run)) == "killed"
    runner.resume(run)
    assert content_of(run) == whole["early-stopping"][1]
    assert [session["status"] for session in read_record(run)["lineage"]] == ["killed", "finished"]


def test_fewer_epochs_than_done_are_refused(whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    with pytest.raises(UsageError, match=r"has begun epoch 5; expected training\.epochs of at least that, found 3"):
        runner.resume(run, overrides=["training.epochs=3"])
    assert content_of(run) == whole["dropout"][1]


def test_an_epoch_that_has_begun_counts(tmp_path):
    run = train(tmp_path, "dropout", interrupted=stop_after(4)).run  # of 3 steps per epoch
    before = content_of(run)
    with pytest.raises(UsageError, match=r"has begun epoch 2; expected training\.epochs of at least that, found 1"):
        runner.resume(run, overrides=["training.epochs=1"])
    assert content_of(run) == before


@pytest.mark.parametrize(
    ("name", "fix"), [("dropout", "--epochs N"), ("early-stopping", "--set training.early_stopping.patience=6")]
)
def test_another_rate_for_a_run_that_has_nothing_left_to_train(name, fix, whole, tmp_path):
    run = copy_of(whole[name][0], tmp_path)
    with pytest.raises(UsageError, match=f"would train nothing with these settings: .*; add {fix}"):
        runner.resume(run, overrides=["optimizer.learning_rate=1e-4"])
    assert content_of(run) == whole[name][1]
    assert len(segments_of(read_record(run))) == 1


def test_without_a_checkpoint_it_starts_over(whole, tmp_path):
    outcome = train(tmp_path, "dropout", interrupted=stop_after(4))
    for path in checkpoints.step_files(outcome.run).values():
        path.unlink()
    runner.resume(outcome.run)
    assert content_of(outcome.run) == whole["dropout"][1]


class TestDamage:
    @pytest.fixture
    def two(self, tmp_path):
        """An interrupted run with two checkpoints."""
        flags = ["checkpoint.every_steps=4"]
        outcome = train(tmp_path, "dropout", overrides=flags, interrupted=stop_after(9))
        assert list(checkpoints.step_files(outcome.run)) == [4, 8, 9]
        return outcome.run

    @pytest.mark.parametrize("damage", ["flip", "flip of the format", "cut", "empty"])
    def test_the_newest_is_named_and_the_one_before_is_used(self, damage, two, whole):
        path = checkpoints.step_file(two, 9)
        data = bytearray(path.read_bytes())
        data[data.index(b"2\n") if damage == "flip of the format" else len(data) // 2] ^= 1
        path.write_bytes({"cut": bytes(data[:-100]), "empty": b""}.get(damage, bytes(data)))
        said = []
        runner.resume(two, introduce=lambda _prepared, notes: said.extend(notes))
        assert len(said) == 1
        assert said[0].startswith(f"damaged, set aside: {path}: ")
        assert read_record(two)["lineage"][-1]["from_step"] == 8
        assert (two / "checkpoints" / "damaged-step-00000009.h5").exists()
        expected = whole["dropout"][1].keys() - {"report.html"}  # which shows the setting of `two`
        found = content_of(two)
        assert {name: found[name] for name in expected} == {name: whole["dropout"][1][name] for name in expected}

    def test_a_checkpoint_that_may_not_be_read_is_not_taken_for_a_damaged_one(self, two, monkeypatch):
        read = Path.read_bytes

        def refused(path):
            if path.suffix == ".h5":
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return read(path)

        before = content_of(two)
        monkeypatch.setattr(Path, "read_bytes", refused)
        with pytest.raises(RunError, match=r"\.h5: cannot be read: permission denied; check its permissions"):
            runner.resume(two)
        monkeypatch.undo()
        assert content_of(two) == before

    def test_both_damaged(self, two, whole):
        for path in checkpoints.step_files(two).values():
            path.write_bytes(b"nothing")
        said = []
        runner.resume(two, introduce=lambda _prepared, notes: said.extend(notes))
        assert len(said) == 4
        assert said[-1] == "there is no whole checkpoint: the run starts over"
        assert read_record(two)["lineage"][-1]["from_step"] == 0
        assert content_of(two)["metrics.jsonl"] == whole["dropout"][1]["metrics.jsonl"]

    def test_without_the_hash_a_flipped_bit_would_make_another_run(self, whole, tmp_path, monkeypatch):
        """Which is why the test above can tell."""
        unhashed = SimpleNamespace(sha256=lambda _: SimpleNamespace(hexdigest=lambda: ""))
        monkeypatch.setattr(checkpoint, "hashlib", unhashed)
        run = train(tmp_path, "dropout", interrupted=stop_after(9)).run
        path = checkpoints.step_file(run, 9)
        data = bytearray(path.read_bytes())
        data[data.index(checkpoint.load(path).parameters["W1"].tobytes())] ^= 1
        path.write_bytes(data)
        runner.resume(run)
        assert content_of(run)["metrics.jsonl"] != whole["dropout"][1]["metrics.jsonl"]

    def test_a_newer_format_is_no_damage(self, two):
        path = checkpoints.step_file(two, 9)
        newer = of_format(3, path.read_bytes()[checkpoint.HEADER_BYTES :])
        path.write_bytes(newer)
        with pytest.raises(RunError, match=r"step-00000009\.h5: has format 3; this dlspec reads up to 2; install"):
            runner.resume(two)
        assert path.read_bytes() == newer

    def test_a_record_of_a_newer_format(self, two):
        record = json.loads((two / "run.json").read_text()) | {"format": 3}
        (two / "run.json").write_text(json.dumps(record))
        with pytest.raises(RunError, match=r"run\.json: has format 3; this dlspec reads up to 2"):
            runner.resume(two)

    def test_a_config_that_was_changed_by_hand(self, two):
        config = two / "config.resolved.yaml"
        config.write_text(config.read_text().replace("keep_prob: 0.7", "keep_prob: 0.8"))
        with pytest.raises(RunError, match="was changed since the run began; restore it, and change a running exp"):
            runner.resume(two)

    def test_metrics_that_were_cut(self, two):
        (two / "metrics.jsonl").write_bytes(b"")
        with pytest.raises(RunError, match=r"metrics\.jsonl: has 0 bytes, expected at least \d+"):
            runner.resume(two)


@pytest.mark.parametrize("where", ["the checkpoint of a step", "the end"])
def test_rows_after_the_checkpoint_are_written_again(where, whole, tmp_path):
    outcome = train(tmp_path, "dropout", interrupted=stop_after(7))
    junk = b'{"epoch": 3, "step": 9, "train_cost": 12}\n{"epoch": 4, "st'
    with (outcome.run / "metrics.jsonl").open("ab") as file:
        file.write(junk if where == "the end" else junk * 3)
    runner.resume(outcome.run)
    assert content_of(outcome.run) == whole["dropout"][1]
    timings = [json.loads(line) for line in (outcome.run / "timings.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in timings] == [1, 2, 3, 4, 5]
    assert all(a["seconds"] <= b["seconds"] for a, b in pairwise(timings))


def test_another_writer_is_named(whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    with directory.locked(run), pytest.raises(RunBusyError, match=r"another process \(pid \d+ on .*\) writes to this"):
        runner.resume(run)


class TestEnvironment:
    @pytest.fixture
    def run(self, tmp_path):
        return train(tmp_path, "dropout", interrupted=stop_after(7)).run

    @pytest.mark.parametrize(
        ("fact", "value", "words"),
        [
            ("numpy", "2.1.0", "numpy: 2.1.0 then, "),
            ("dlspec", "0.0.9", "dlspec: 0.0.9 then, "),
            ("simd", ["AVX9"], "simd: AVX9 then, "),
            ("threads", 7, "threads: 7 then, 1 now"),
            ("blas", [{"internal_api": "mkl", "version": "1", "architecture": "x"}], "blas: mkl 1 x then, "),
        ],
    )
    def test_another_one_is_refused(self, fact, value, words, run, whole):
        record = json.loads((run / "run.json").read_text())
        record["environment"][fact] = value
        (run / "run.json").write_text(json.dumps(record))
        before = content_of(run)
        with pytest.raises(RunError) as caught:
            runner.resume(run)
        assert words in str(caught.value)
        assert str(caught.value).endswith("; restore it, or go on with --allow-inexact")
        assert content_of(run) == before
        runner.resume(run, allow_inexact=True)
        assert content_of(run) == whole["dropout"][1]
        assert words in read_record(run)["lineage"][-1]["inexact"][0]
        assert "inexact" not in read_record(run)["lineage"][0]

    def test_other_data_is_refused(self, tmp_path):
        run = train(tmp_path, "augmentation", interrupted=stop_after(4)).run
        write(tmp_path, "augmentation")
        with (tmp_path / "images.npz").open("ab") as file:
            file.write(b"\0")
        with pytest.raises(RunError, match="cannot go on exactly, because the data has changed; restore it, or go on"):
            runner.resume(run)

    def test_other_threads_need_a_word(self, run):
        with pytest.raises(UsageError, match=r"--set threads=2: threads: cannot change in a run that has begun"):
            runner.resume(run, overrides=["threads=2"])
        runner.resume(run, overrides=["threads=2"], allow_inexact=True)
        assert read_record(run)["lineage"][-1]["inexact"] == ["threads: 1 then, 2 now"]


class TestSegments:
    def test_a_new_learning_rate_begins_one(self, whole, tmp_path):
        run = train(tmp_path, "dropout", interrupted=stop_after(7)).run
        runner.resume(run, overrides=["optimizer.learning_rate=1e-4"])
        first, second = segments_of(read_record(run))
        assert (second.config, second.epoch, second.seen, second.step) == ("config.segment-2.yaml", 2, 16, 7)
        assert second.overrides == ("optimizer.learning_rate=1e-4",)
        assert loader.load(run / second.config).experiment.optimizer.learning_rate == 1e-4
        assert loader.load(run / first.config).experiment.optimizer.learning_rate == 1e-3
        rows = rows_of(run)
        assert [(row["segment"], row["learning_rate"]) for row in rows] == [(1, 1e-3)] * 2 + [(2, 1e-4)] * 3
        assert rows[:2] == rows_of(whole["dropout"][0])[:2]
        report = json.loads((run / "report.json").read_text())
        assert report["segments"] == [
            {"epoch": 0, "step": 0, "changes": []},
            {"epoch": 2, "step": 7, "changes": ["optimizer.learning_rate=1e-4"]},
        ]

    @pytest.mark.parametrize(
        "flag",
        ["decay={name: exponential, base: 0.5}", "regularization.l2=0.5", "regularization.keep_prob=0.5",
         "batch_size=8", "batch_size=64", "batch_size=all", "architecture.layers.0.keep_prob=0.9",
         "training.class_weight=balanced", "optimizer.beta1=0.5"],
    )  # fmt: skip
    @pytest.mark.parametrize("step", [5, 6])
    def test_interrupted_anywhere_the_second_segment_ends_in_the_same_bytes(self, flag, step, tmp_path):
        base = train(tmp_path, "dropout", interrupted=stop_after(step)).run
        straight, broken = (copy_of(base, tmp_path / name) for name in ("a", "b"))
        runner.resume(straight, overrides=[flag])
        assert content_of(straight) != content_of(base)
        runner.resume(broken, overrides=[flag], interrupted=stop_after(2))
        runner.resume(broken, interrupted=stop_after(1))
        runner.resume(broken)
        assert content_of(broken) == content_of(straight)

    def test_every_example_is_seen_once_where_the_batch_size_changes_within_an_epoch(self, tmp_path):
        run = train(tmp_path, "dropout", interrupted=stop_after(1)).run  # 16 of 48 examples seen
        runner.resume(run, overrides=["batch_size=8"])
        assert [row["step"] for row in rows_of(run)] == [1 + 4, 1 + 4 + 6, 17, 23, 29]

    def test_three_segments_can_be_reproduced(self, tmp_path):
        run = train(tmp_path, "plateau", interrupted=stop_after(7)).run
        runner.resume(run, overrides=["optimizer.learning_rate=0.1"], interrupted=stop_after(5))
        runner.resume(run, overrides=["batch_size=8", "regularization.l2=0.1"])
        assert len(segments_of(read_record(run))) == 3
        again = runner.reproduce(run, runs_dir=tmp_path / "runs")
        assert again.differences == ()
        assert content_of(again.outcome.run) == content_of(run)
        assert read_record(again.outcome.run)["reproduces"] == run.name

    def test_a_plateau_forgets_what_it_lowered_where_the_rate_is_set(self, tmp_path):
        run = train(tmp_path, "plateau", interrupted=stop_after(20)).run
        assert rows_of(run)[-1]["learning_rate"] < 0.5
        runner.resume(run, overrides=["optimizer.learning_rate=0.125"])
        assert rows_of(run)[-2]["learning_rate"] == 0.125

    def test_two_changes_in_a_row_without_a_step(self, tmp_path):
        base = train(tmp_path, "dropout", interrupted=stop_after(7)).run
        once, twice = (copy_of(base, tmp_path / name) for name in ("a", "b"))
        runner.resume(once, overrides=["optimizer.learning_rate=1e-4", "regularization.l2=0.1"])
        for path in (twice / "checkpoints").glob("*"):
            assert path.exists()
        with pytest.raises(KeyboardInterrupt):
            runner.resume(twice, overrides=["optimizer.learning_rate=1e-4"], watcher=interrupt_at_once)
        runner.resume(twice, overrides=["regularization.l2=0.1"])
        assert [segment.step for segment in segments_of(read_record(twice))] == [0, 7, 7]
        last = [checkpoint.load(checkpoints.of_name(run, "last")).parameters["W1"].tobytes() for run in (once, twice)]
        assert last[0] == last[1]

    def test_epochs_of_a_decay_that_spans_the_run_begin_one(self, whole, tmp_path):
        run = copy_of(whole["schedule"][0], tmp_path)
        runner.resume(run, overrides=["training.epochs=8"])
        assert [segment.step for segment in segments_of(read_record(run))] == [0, 18]

    @pytest.mark.parametrize(
        ("flag", "words"),
        [
            ("seed=4", "seed: cannot change in a run that has begun: everything random in the run follows from it"),
            ("dtype=float64", "dtype: cannot change in a run that has begun: the state of the run is stored in this"),
            (
                "architecture.layers.0.units=7",
                "architecture.layers.0.units: cannot change in a run that has begun: the",
            ),
            ("data.noise=0.1", "data.noise: cannot change in a run that has begun: the parameters, the splits and"),
            (
                "initializer=xavier",
                "initializer.name: cannot change in a run that has begun: the start values have been",
            ),
            ("optimizer=sgd", "optimizer.name: cannot change in a run that has begun: the running averages of"),
            ("name=other", "name: cannot change in a run that has begun: the run directory has been named"),
            ("training.early_stopping={monitor: train_loss}", "training.early_stopping: cannot change in a run that"),
        ],
    )
    def test_what_cannot_change_is_refused_with_the_reason(self, flag, words, whole, tmp_path):
        run = copy_of(whole["dropout"][0], tmp_path)
        with pytest.raises(UsageError) as caught:
            runner.resume(run, overrides=[flag])
        assert any(line.startswith(f"--set {flag}: ") and words in line for line in caught.value.problems)
        assert content_of(run) == whole["dropout"][1]

    def test_running_averages_that_were_never_kept(self, whole, tmp_path):
        run = copy_of(whole["dropout"][0], tmp_path)
        with pytest.raises(
            UsageError, match="the run has kept s, v, and this optimizer needs largest_s, s, v; start a"
        ):
            runner.resume(run, overrides=["optimizer.amsgrad=true"])


def interrupt_at_once(_event):
    raise KeyboardInterrupt


class TestReproduce:
    @pytest.mark.parametrize("name", ["early-stopping", "schedule", "augmentation"])
    def test_a_finished_run(self, name, whole, tmp_path):
        run = copy_of(whole[name][0], tmp_path)
        again = runner.reproduce(run, runs_dir=tmp_path / "runs")
        assert (again.differences, again.environment) == ((), ())
        assert content_of(again.outcome.run) == whole[name][1]

    def test_a_run_that_has_not_finished_is_repeated_up_to_its_checkpoint(self, tmp_path):
        run = train(tmp_path, "dropout", interrupted=stop_after(7)).run
        again = runner.reproduce(run, runs_dir=tmp_path / "runs")
        assert again.differences == ()
        assert content_of(again.outcome.run) == content_of(run)

    def test_what_differs_is_told(self, whole, tmp_path):
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

    def test_data_that_changed_is_refused(self, whole, tmp_path):
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
