"""Resuming: the bytes of a run that was never interrupted."""

import errno
import json
import os
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import ConfigError, RunBusyError, RunError, UsageError
from dlspec.run import checkpoint, checkpoints, directory
from dlspec.run.record import read_record, segments_of, status_of

from .resuming import EXPERIMENTS, STEPS, content_of, copy_of, rows_of, stop_after, train, write
from .tiny import of_format


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


@pytest.mark.parametrize("name", ["augmentation", "streaming"])
def test_a_finished_run_needs_no_data_to_say_so(name, whole, tmp_path):
    run = copy_of(whole[name][0], tmp_path)
    for path in (tmp_path / "images.npz", tmp_path / "rows.h5"):
        path.unlink(missing_ok=True)
    outcome = runner.resume(run)
    assert outcome.message.endswith(f" epochs; to train on: dlspec resume {run} --epochs N")
    with pytest.raises(UsageError, match=r"would train nothing with these settings: .*; add --epochs N"):
        runner.resume(run, overrides=["optimizer.learning_rate=1e-4"])
    with pytest.raises(ConfigError, match=r"data\.path: there is no file"):
        runner.resume(run, overrides=["training.epochs=9"])
    assert content_of(run) == whole[name][1]


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


def test_fewer_epochs_are_no_way_around_a_damaged_checkpoint(whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    checkpoints.of_name(run, "last").write_bytes(b"")
    before = content_of(run)
    with pytest.raises(UsageError, match=r"has begun epoch 5; expected training\.epochs of at least that, found 3"):
        runner.resume(run, overrides=["training.epochs=3"])
    assert content_of(run) == before
    runner.resume(run)
    found = content_of(run)
    assert found.pop("damaged-step-00000015.h5") == b""
    assert found == whole["dropout"][1]


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
    said = []
    runner.resume(outcome.run, introduce=lambda _prepared, notes: said.extend(notes))
    assert said == ["there is no checkpoint yet: the run starts over"]
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

    def test_strict_takes_no_older_one(self, two):
        path = checkpoints.step_file(two, 9)
        path.write_bytes(path.read_bytes()[:-1])
        before = content_of(two)
        with pytest.raises(
            RunError, match=r"step-00000009\.h5: damaged: its length or SHA-256 is not the recorded one"
        ):
            runner.resume(two, strict=True)
        assert content_of(two) == before
        runner.resume(two)
        assert read_record(two)["lineage"][-1]["from_step"] == 8

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
        unhashed = SimpleNamespace(sha256=lambda _: SimpleNamespace(update=lambda _: None, hexdigest=lambda: ""))
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
            ("streams", 2, "streams: 2 then, 1 now"),
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


def test_one_stream_in_the_place_of_two_needs_a_word(tmp_path):
    run = train(tmp_path, "two-streams", interrupted=stop_after(4)).run
    with pytest.raises(UsageError, match=r"--set streams=1: streams: cannot change in a run that has begun"):
        runner.resume(run, overrides=["streams=1"])
    runner.resume(run, overrides=["streams=1"], allow_inexact=True)
    assert read_record(run)["lineage"][-1]["inexact"] == ["streams: 2 then, 1 now"]


def test_an_interrupted_run_has_the_parameters_of_its_best_epoch(tmp_path):
    flags = ["training.early_stopping.patience=30", "training.epochs=30"]
    whole = train(tmp_path / "whole", "early-stopping", overrides=flags)
    best = min(rows_of(whole.run), key=lambda row: row["dev_loss"])
    later = best["step"] + 4  # in the midst of a later epoch
    run = train(tmp_path / "a", "early-stopping", overrides=flags, interrupted=stop_after(later)).run
    that_epoch = train(tmp_path / "b", "early-stopping", overrides=[*flags[:1], f"training.epochs={best['epoch']}"]).run
    last = checkpoint.load(checkpoints.of_name(that_epoch, "last"))
    for found in (checkpoints.load_of_run(run), checkpoints.load_of_run(whole.run)):  # Ctrl-C, and the budget
        assert (found[0], found[2].progress["epoch"]) == ("best", best["epoch"])
        for name, array in last.parameters.items():
            np.testing.assert_array_equal(found[2].parameters[name], array)
    assert best["epoch"] < 30
