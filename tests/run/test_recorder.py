"""The watchers that write: exact rows, whole lines, checkpoints when they are due."""

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest

from dlspec.run import checkpoint
from dlspec.run.checkpoint import Checkpoint
from dlspec.run.recorder import CHECKPOINT_EVERY_S, CheckpointWriter, Log, MetricsRecorder
from dlspec.training.events import EpochDone, RunFinished, RunStarted, StepsDone, TrainingState


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def state(epoch, *, best_epoch=None, value=1.0):
    """A state whose numbers tell the epoch."""
    return TrainingState(
        epoch=epoch,
        batch=0,
        step=10 * epoch,
        vector=np.full(3, value),
        optimizer={},
        rng={},
        best_vector=np.full(3, 0.5),
        best_epoch=epoch if best_epoch is None else best_epoch,
        best_value=0.25,
        waited=0,
    )


def epoch_done(epoch, *, improved=True, quantities=None, **changes):
    quantities = quantities or {"train_cost": 0.5, "dev_accuracy": 0.75}
    return EpochDone(epoch, 10 * epoch, 0.1 / epoch, quantities, improved, lambda: state(epoch, **changes))


def finished(reason, epoch, **changes):
    return RunFinished(reason, epoch, 10 * epoch, "why it ended", lambda: state(epoch, **changes))


STARTED = RunStarted(5, 10, lambda: state(0))


class TestMetrics:
    def test_rows(self, tmp_path):
        clock = Clock()
        recorder = MetricsRecorder(tmp_path, clock=clock)
        clock.now = 200.0
        recorder(STARTED)
        recorder(StepsDone(0, 3, 0.7))
        for epoch, now in ((1, 200.5), (2, 201.1234567)):
            clock.now = now
            recorder(epoch_done(epoch, improved=epoch == 1))
        recorder(finished("completed", 2))
        recorder.close()
        quantities = '"train_cost": 0.5, "dev_accuracy": 0.75'
        assert (tmp_path / "metrics.jsonl").read_text() == (
            f'{{"epoch": 1, "step": 10, "learning_rate": 0.1, {quantities}, "improved": true}}\n'
            f'{{"epoch": 2, "step": 20, "learning_rate": 0.05, {quantities}, "improved": false}}\n'
        )
        assert (tmp_path / "timings.jsonl").read_text() == (
            '{"epoch": 1, "step": 10, "seconds": 0.5}\n{"epoch": 2, "step": 20, "seconds": 1.123457}\n'
        )

    def test_the_metrics_do_not_depend_on_the_clock(self, tmp_path):
        for name, clock in (("slow", Clock()), ("fast", lambda: 0.0)):
            (tmp_path / name).mkdir()
            recorder = MetricsRecorder(tmp_path / name, clock=clock)
            recorder(epoch_done(1))
            recorder.close()
        slow, fast = ((tmp_path / name / "metrics.jsonl").read_bytes() for name in ("slow", "fast"))
        assert slow == fast

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_finite_is_null(self, value, tmp_path):
        recorder = MetricsRecorder(tmp_path)
        recorder(epoch_done(1, quantities={"dev_cost": value, "dev_loss": 1e-300}))
        recorder.close()
        row = json.loads((tmp_path / "metrics.jsonl").read_text())
        assert (row["dev_cost"], row["dev_loss"]) == (None, 1e-300)

    def test_floats_come_back_exactly(self, tmp_path):
        values = {"a": 0.1 + 0.2, "b": 1 / 3, "c": 5e-324, "d": 1.7976931348623157e308}
        recorder = MetricsRecorder(tmp_path)
        recorder(epoch_done(1, quantities=values))
        recorder.close()
        row = json.loads((tmp_path / "metrics.jsonl").read_text())
        assert {name: row[name] for name in values} == values

    def test_a_reader_sees_whole_lines_at_any_moment(self, tmp_path):
        recorder = MetricsRecorder(tmp_path)
        for epoch in range(1, 30):
            recorder(epoch_done(epoch))
            lines = (tmp_path / "metrics.jsonl").read_text().split("\n")
            assert lines[-1] == ""
            assert [json.loads(line)["epoch"] for line in lines[:-1]] == list(range(1, epoch + 1))
        recorder.close()


class TestLog:
    def test_lines(self, tmp_path):
        log = Log(tmp_path, now=lambda: datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC))
        log.say("warning: two\nlines")
        log(STARTED)
        log(StepsDone(0, 3, 0.7))
        log(epoch_done(1))
        log(epoch_done(2, improved=False))
        log(finished("completed", 2))
        log.close()
        stamp = "2026-02-03T04:05:06+00:00"
        assert (tmp_path / "log.txt").read_text().splitlines() == [
            f"{stamp} warning: two\\nlines",
            f"{stamp} training: 5 epochs of 10 steps",
            f"{stamp} epoch 1 is the best so far: train_cost 0.5, dev_accuracy 0.75",
            f"{stamp} completed after epoch 2, step 20: why it ended",
        ]

    @pytest.mark.parametrize("hostile", ["\x1b[31m", "\x9b31m", "\u202e", "\x07"], ids=ascii)
    def test_control_characters_stay_out(self, hostile, tmp_path):
        log = Log(tmp_path, now=lambda: datetime(2026, 2, 3, tzinfo=UTC))
        log.say(f"warning: class {hostile}")
        log.close()
        assert (tmp_path / "log.txt").read_text().removesuffix("\n").isprintable()


@pytest.fixture
def saved(monkeypatch):
    """What is written instead of checkpoints: (file, epoch, θ[0])."""
    written = []
    monkeypatch.setattr(checkpoint, "save", lambda path, content: written.append((path.name, *content)))
    return written


class TestCheckpoints:
    def writer(self, run, clock, before=lambda: None):
        def describe(state, content):
            return (state.best_epoch, 0.5) if content == "best" else (state.epoch, float(state.vector[0]))

        return CheckpointWriter(run, describe=describe, before=before, clock=clock)

    def test_at_most_one_in_ten_seconds_and_one_at_the_end(self, tmp_path, saved):
        clock = Clock()
        writer = self.writer(tmp_path, clock)
        writer(STARTED)
        times = [5, CHECKPOINT_EVERY_S - 0.01, CHECKPOINT_EVERY_S, 15, 19.99, 20, 20.5]
        for epoch, seconds in enumerate(times, start=1):
            clock.now = 100 + seconds
            writer(epoch_done(epoch, best_epoch=min(epoch, 2)))
        assert saved == [("best.h5", 2, 0.5), ("last.h5", 3, 1.0), ("last.h5", 6, 1.0)]
        writer(finished("completed", 7, best_epoch=2))
        assert saved[3:] == [("last.h5", 7, 1.0)]

    def test_ten_seconds_count_from_the_last_one(self, tmp_path, saved):
        clock = Clock()
        writer = self.writer(tmp_path, clock)
        for epoch, seconds in enumerate([17, 20, 26.9, 27], start=1):
            clock.now = 100 + seconds
            writer(epoch_done(epoch, best_epoch=1))
        assert [(name, epoch) for name, epoch, _ in saved if name == "last.h5"] == [("last.h5", 1), ("last.h5", 4)]

    def test_best_is_written_when_there_is_a_better_one(self, tmp_path, saved):
        clock = Clock()
        writer = self.writer(tmp_path, clock)
        for epoch, best_epoch in ((1, 1), (2, 1), (3, 3)):
            clock.now += CHECKPOINT_EVERY_S
            writer(epoch_done(epoch, best_epoch=best_epoch))
        assert [(name, epoch) for name, epoch, _ in saved] == [
            ("best.h5", 1), ("last.h5", 1), ("last.h5", 2), ("best.h5", 3), ("last.h5", 3)
        ]  # fmt: skip

    @pytest.mark.parametrize("reason", ["completed", "early_stopping", "interrupted"])
    def test_the_end_writes_the_state_of_the_end(self, reason, tmp_path, saved):
        writer = self.writer(tmp_path, Clock())
        writer(STARTED)
        writer(epoch_done(1))
        writer(finished(reason, 2, best_epoch=1))
        assert saved == [("best.h5", 1, 0.5), ("last.h5", 2, 1.0)]

    def test_after_a_divergence_last_is_the_last_finite_epoch(self, tmp_path, saved):
        writer = self.writer(tmp_path, Clock())
        writer(STARTED)
        writer(epoch_done(1, value=1.0))
        writer(epoch_done(2, best_epoch=1, value=2.0))
        writer(finished("diverged", 2, best_epoch=1, value=math.nan))
        assert saved == [("best.h5", 1, 0.5), ("last.h5", 2, 2.0)]

    def test_a_divergence_in_the_first_epoch_keeps_the_start_values(self, tmp_path, saved):
        writer = self.writer(tmp_path, Clock())
        writer(STARTED)
        writer(finished("diverged", 0, best_epoch=0, value=math.nan))
        assert saved == [("last.h5", 0, 1.0)]

    def test_the_metrics_are_synced_before(self, tmp_path, saved):
        writer = self.writer(tmp_path, Clock(), before=lambda: saved.append("synced"))
        writer(epoch_done(1))
        writer(finished("completed", 1))
        assert saved[0] == "synced"

    def test_a_snapshot_is_written_after_its_epoch(self, tmp_path, saved):
        def describe(state, content):
            return (content, state.epoch)

        writer = CheckpointWriter(tmp_path, describe=describe, before=lambda: None, snapshots=[2, 3], clock=Clock())
        for epoch in (1, 2, 3):
            writer(epoch_done(epoch))
        assert saved == [("snapshot-1.h5", "snapshot", 2), ("snapshot-2.h5", "snapshot", 3)]

    def test_the_files_are_checkpoints(self, tmp_path):
        def describe(state, content):
            vector = state.best_vector if content == "best" else state.vector
            return Checkpoint({"b1": vector}, {}, {}, {}, {"epoch": state.epoch}, {})

        writer = CheckpointWriter(tmp_path, describe=describe, before=lambda: None, clock=Clock())
        writer(epoch_done(1))
        writer(finished("completed", 2, best_epoch=1))
        last, best = (checkpoint.load(tmp_path / "checkpoints" / f"{name}.h5") for name in ("last", "best"))
        np.testing.assert_array_equal(last.parameters["b1"], np.ones(3))
        np.testing.assert_array_equal(best.parameters["b1"], np.full(3, 0.5))
        assert last.progress == {"epoch": 2}
