"""Checkpoints of a run: written when they are due, kept as long as asked for, and never of what is not finite."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dlspec.run import checkpoint, checkpoints
from dlspec.run.checkpoint import Checkpoint
from dlspec.run.recorder import CheckpointWriter
from dlspec.training.events import StepsDone

from .telling import STARTED, Clock, epoch_done, finished, state, steps_done

EVERY_S = 10.0


@pytest.fixture
def saved(monkeypatch):
    """What is written instead of checkpoints: (file, epoch, θ[0])."""
    written = []
    monkeypatch.setattr(checkpoint, "save", lambda path, content: written.append((path.name, *content)))
    return written


class TestCheckpoints:
    def writer(self, run, clock, sync=lambda: 0, **settings):
        def describe(state, content, _):
            return (state.best_epoch, 0.5) if content == "best" else (state.epoch, float(state.vector[0]))

        return CheckpointWriter(run, describe=describe, sync=sync, clock=clock, **settings)

    def test_at_most_one_in_ten_seconds_and_one_at_the_end(self, tmp_path, saved):
        clock = Clock()
        writer = self.writer(tmp_path, clock)
        writer(STARTED)
        times = [5, EVERY_S - 0.01, EVERY_S, 15, 19.99, 20, 20.5]
        for epoch, seconds in enumerate(times, start=1):
            clock.now = 100 + seconds
            writer(epoch_done(epoch, best_epoch=min(epoch, 2)))
        assert saved == [("best.h5", 2, 0.5), ("step-00000030.h5", 3, 1.0), ("step-00000060.h5", 6, 1.0)]
        writer(finished("completed", 7, best_epoch=2))
        assert saved[3:] == [("step-00000070.h5", 7, 1.0)]

    def test_ten_seconds_count_from_the_last_one(self, tmp_path, saved):
        clock = Clock()
        writer = self.writer(tmp_path, clock)
        for epoch, seconds in enumerate([17, 20, 26.9, 27], start=1):
            clock.now = 100 + seconds
            writer(epoch_done(epoch, best_epoch=1))
        assert [(name, epoch) for name, epoch, _ in saved if name != "best.h5"] == [
            ("step-00000010.h5", 1),
            ("step-00000040.h5", 4),
        ]

    def test_best_is_written_when_there_is_a_better_one(self, tmp_path, saved):
        clock = Clock()
        writer = self.writer(tmp_path, clock)
        for epoch, best_epoch in ((1, 1), (2, 1), (3, 3)):
            clock.now += EVERY_S
            writer(epoch_done(epoch, best_epoch=best_epoch))
        assert [(name, epoch) for name, epoch, _ in saved] == [
            ("best.h5", 1), ("step-00000010.h5", 1), ("step-00000020.h5", 2), ("best.h5", 3), ("step-00000030.h5", 3)
        ]  # fmt: skip

    @pytest.mark.parametrize("reason", ["completed", "early_stopping", "interrupted"])
    def test_the_end_writes_the_state_of_the_end(self, reason, tmp_path, saved):
        writer = self.writer(tmp_path, Clock())
        writer(STARTED)
        writer(epoch_done(1))
        writer(finished(reason, 2, best_epoch=1))
        assert saved == [("best.h5", 1, 0.5), ("step-00000020.h5", 2, 1.0)]

    def test_after_a_divergence_last_is_the_last_finite_epoch(self, tmp_path, saved):
        writer = self.writer(tmp_path, Clock())
        writer(STARTED)
        writer(epoch_done(1, value=1.0))
        writer(epoch_done(2, best_epoch=1, value=2.0))
        writer(finished("diverged", 2, best_epoch=1, value=math.nan))
        assert saved == [("best.h5", 1, 0.5), ("step-00000020.h5", 2, 2.0)]

    def test_a_divergence_in_the_first_epoch_keeps_the_start_values(self, tmp_path, saved):
        writer = self.writer(tmp_path, Clock())
        writer(STARTED)
        writer(finished("diverged", 0, best_epoch=0, value=math.nan))
        assert saved == [("step-00000000.h5", 0, 1.0)]

    def test_the_metrics_are_synced_before(self, tmp_path, saved):
        writer = self.writer(tmp_path, Clock(), sync=lambda: saved.append("synced"))
        writer(epoch_done(1))
        writer(finished("completed", 1))
        assert saved[0] == "synced"

    def test_a_snapshot_is_written_after_its_epoch(self, tmp_path, saved):
        def describe(state, content, _):
            return (content, state.epoch)

        writer = CheckpointWriter(tmp_path, describe=describe, sync=lambda: 0, snapshots=[2, 3], clock=Clock())
        for epoch in (1, 2, 3):
            writer(epoch_done(epoch))
        assert saved == [("snapshot-1.h5", "snapshot", 2), ("snapshot-2.h5", "snapshot", 3)]

    def test_the_files_are_checkpoints(self, tmp_path):
        def describe(state, content, metrics_bytes):
            vector = state.best_vector if content == "best" else state.vector
            return Checkpoint({"b1": vector}, {}, {}, {}, {"epoch": state.epoch, "bytes": metrics_bytes}, {})

        writer = CheckpointWriter(tmp_path, describe=describe, sync=lambda: 17, clock=Clock())
        writer(epoch_done(1))
        writer(finished("completed", 2, best_epoch=1))
        last, best = (checkpoint.load(checkpoints.of_name(tmp_path, name)) for name in ("last", "best"))
        np.testing.assert_array_equal(last.parameters["b1"], np.ones(3))
        np.testing.assert_array_equal(best.parameters["b1"], np.full(3, 0.5))
        assert last.progress == {"epoch": 2, "bytes": 17}


def contents(run):
    """What is in the checkpoints of a run: name → (step, examples seen)."""
    found = {}
    for path in sorted((run / "checkpoints").iterdir()):
        progress = checkpoint.load(path).progress
        found[path.name] = progress["step"], progress["seen"]
    return found


def steps_of(run):
    return list(checkpoints.step_files(run))


class TestWhen:
    """`every_steps`, `every_seconds` and `keep`, in a run of 10 steps per epoch whose every step is told."""

    def writer(self, run, clock=None, **settings):
        def describe(state, content, _):
            vector = state.best_vector if content == "best" else state.vector
            return Checkpoint({"b1": vector}, {}, {}, {}, {"step": state.step, "seen": state.seen}, {})

        return CheckpointWriter(run, describe=describe, sync=lambda: 0, clock=clock or Clock(), **settings)

    def told(self, writer, steps, **changes):
        """Tell the writer these steps, and the ends of the epochs among them."""
        for step in steps:
            writer(steps_done(step, **changes))
            if step % 10 == 0:
                writer(epoch_done(step // 10, **changes))

    @pytest.mark.parametrize(
        ("every", "to", "written"),
        [
            (1, 4, [1, 2, 3, 4]),
            (4, 23, [4, 8, 12, 16, 20]),
            (10, 29, [10, 20]),
            (7, 22, [7, 14, 21]),
            (100, 99, []),
            (None, 99, []),
        ],
    )
    def test_every_so_many_steps(self, every, to, written, tmp_path):
        writer = self.writer(tmp_path, every_steps=every, every_seconds=None, keep=99)
        writer(STARTED)
        self.told(writer, range(1, to + 1))
        assert steps_of(tmp_path) == written

    def test_in_the_midst_of_an_epoch_and_at_its_end(self, tmp_path):
        writer = self.writer(tmp_path, every_steps=5, every_seconds=None, keep=9)
        self.told(writer, range(1, 17))
        assert contents(tmp_path) == {
            "best.h5": (10, 0),
            "step-00000005.h5": (5, 5),
            "step-00000010.h5": (10, 0),  # the epoch is measured
            "step-00000015.h5": (15, 5),
        }

    @pytest.mark.parametrize("end", ["interrupted", "completed"])
    def test_no_file_is_written_twice(self, end, tmp_path, monkeypatch):
        """A reader may hold it; and each time costs three syncs."""
        names, save = [], checkpoint.save
        monkeypatch.setattr(checkpoint, "save", lambda path, content: (names.append(path.name), save(path, content)))
        writer = self.writer(tmp_path, every_steps=5, every_seconds=None)
        self.told(writer, range(1, 11))
        writer(finished(end, 1))
        assert sorted(names) == ["best.h5", "step-00000005.h5", "step-00000010.h5"]

    def test_by_the_clock_between_epochs(self, tmp_path):
        clock = Clock()
        writer = self.writer(tmp_path, clock, every_seconds=2.0, keep=1)
        for step in range(1, 9):
            clock.now = 100 + step * 0.75
            writer(steps_done(step))
        assert contents(tmp_path) == {"step-00000003.h5": (3, 3), "step-00000006.h5": (6, 6)}

    def test_steps_and_clock_together(self, tmp_path):
        """A checkpoint by steps starts the clock again."""
        clock = Clock()
        writer, times = self.writer(tmp_path, clock, every_steps=4, every_seconds=10.0, keep=9), []
        for step, seconds in enumerate([3, 6, 9, 9.5, 12, 19.4, 19.6, 20, 29.9, 30.1], start=1):
            clock.now, before = 100 + seconds, steps_of(tmp_path)
            writer(steps_done(step) if step < 10 else epoch_done(1))
            times += [step] if steps_of(tmp_path) != before else []
        assert times == [4, 7, 8, 10]

    def test_no_clock_writes_at_the_end_alone(self, tmp_path):
        clock = Clock()
        writer = self.writer(tmp_path, clock, every_seconds=None)
        for step in range(1, 26):
            clock.now += 1e6
            self.told(writer, [step])
        assert steps_of(tmp_path) == []
        writer(finished("interrupted", 3))
        assert steps_of(tmp_path) == [30]

    def test_a_clock_of_0_seconds_writes_every_time(self, tmp_path):
        writer = self.writer(tmp_path, every_seconds=0.0)
        self.told(writer, [3])
        assert steps_of(tmp_path) == [3]
        self.told(writer, [4])
        assert steps_of(tmp_path) == [3, 4]

    @pytest.mark.parametrize(
        ("keep", "going_on", "interrupted", "completed"),
        [
            # Written are 3, 5, 10, 12, 15, 17 and, at the end, 20.
            (1, [15, 17], [17, 20], [20]),
            (2, [10, 15, 17], [15, 17, 20], [15, 20]),
            (3, [5, 10, 15, 17], [10, 15, 17, 20], [10, 15, 20]),
            (9, [5, 10, 15, 17], [5, 10, 15, 17, 20], [5, 10, 15, 20]),
        ],
    )
    def test_so_many_by_steps_stay_beside_the_newest(self, keep, going_on, interrupted, completed, tmp_path):
        clock = Clock()
        writer = self.writer(tmp_path, clock, every_steps=5, every_seconds=3.0, keep=keep)
        for step in range(1, 18):
            clock.now += 3.0 if step in (3, 12, 17) else 0.0
            self.told(writer, [step])
        assert steps_of(tmp_path) == going_on
        writer(finished("interrupted", 2))
        assert steps_of(tmp_path) == interrupted
        writer(finished("completed", 2))
        assert steps_of(tmp_path) == completed

    def test_without_steps_the_newest_two_stay_and_at_the_end_the_last(self, tmp_path):
        writer = self.writer(tmp_path, every_seconds=0.0, keep=9)
        for step in range(1, 8):
            self.told(writer, [step])
            assert steps_of(tmp_path) == [step - 1, step][-step:]
        writer(finished("interrupted", 1))
        assert steps_of(tmp_path) == [7, 10]
        writer(finished("completed", 1))
        assert steps_of(tmp_path) == [10]

    def test_what_the_clock_wrote_has_no_influence_on_what_a_finished_run_leaves(self, tmp_path):
        left = []
        for name, seconds in (("never", None), ("always", 0.0)):
            (tmp_path / name).mkdir()
            writer = self.writer(tmp_path / name, every_steps=4, every_seconds=seconds)
            self.told(writer, range(1, 31))
            writer(finished("completed", 3))
            left.append(contents(tmp_path / name))
        assert left[0] == left[1]
        assert [name for name in left[0] if name != "best.h5"] == [
            "step-00000024.h5", "step-00000028.h5", "step-00000030.h5"
        ]  # fmt: skip

    def test_where_the_metrics_end_goes_into_the_checkpoint(self, tmp_path):
        def describe(state, _, metrics_bytes):
            return Checkpoint({"b1": state.vector}, {}, {}, {}, {"bytes": metrics_bytes}, {})

        sizes = iter([17, 34])
        writer = CheckpointWriter(tmp_path, describe=describe, sync=lambda: next(sizes), every_steps=5)
        self.told(writer, [5])
        writer(finished("interrupted", 1, best_epoch=0))
        found = [checkpoint.load(path).progress["bytes"] for path in checkpoints.step_files(tmp_path).values()]
        assert found == [17, 34]


class TestNotFinite:
    """Numbers that are not finite go to no file: the last finite state is where a run could go on."""

    writer, told = TestWhen.writer, TestWhen.told

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("event", ["step", "epoch", "interruption"])
    def test_they_are_never_written(self, event, value, tmp_path):
        writer = self.writer(tmp_path, every_steps=1)
        self.told(writer, [7, 8], best_epoch=0)
        before = {path.name: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()}
        writer(
            {
                "step": steps_done(9, value=value),
                "epoch": epoch_done(1, value=value),
                "interruption": finished("interrupted", 1, value=value),
            }[event]
        )
        assert {path.name: path.read_bytes() for path in (tmp_path / "checkpoints").iterdir()} == before
        assert steps_of(tmp_path) == [7, 8]

    def test_one_value_among_many_is_enough(self, tmp_path):
        vector = np.ones(1000)
        vector[-1] = math.inf  # a statistic, behind θ
        writer = self.writer(tmp_path, every_seconds=0.0)
        writer(StepsDone(0, 1, 0.5, False, lambda: replace(state(0), vector=vector)))
        assert steps_of(tmp_path) == []

    @pytest.mark.parametrize(
        ("told", "left"),
        [
            ([], {"step-00000000.h5": (0, 0)}),  # the start values
            ([3, 5], {"step-00000005.h5": (5, 5)}),  # newer than those
            ([5, 10], {"best.h5": (10, 0), "step-00000005.h5": (5, 5), "step-00000010.h5": (10, 0)}),
            ([5, 10, 13], {"best.h5": (10, 0), "step-00000005.h5": (5, 5), "step-00000010.h5": (10, 0)}),
            ([5, 10, 15], {"best.h5": (10, 0), "step-00000010.h5": (10, 0), "step-00000015.h5": (15, 5)}),
        ],
    )
    def test_after_a_divergence_the_newest_is_the_last_finite_state(self, told, left, tmp_path):
        writer = self.writer(tmp_path, every_steps=5, every_seconds=None, keep=1)
        writer(STARTED)
        self.told(writer, told)
        writer(finished("diverged", 3, value=math.nan))
        assert contents(tmp_path) == left

    def test_an_epoch_that_was_due_later_is_written_after_all(self, tmp_path):
        writer = self.writer(tmp_path, every_steps=4, every_seconds=None)
        writer(STARTED)
        self.told(writer, range(1, 12))
        assert contents(tmp_path) == {"step-00000004.h5": (4, 4), "step-00000008.h5": (8, 8)}
        writer(finished("diverged", 1, value=math.nan))
        assert contents(tmp_path) == {
            "best.h5": (10, 0), "step-00000004.h5": (4, 4), "step-00000008.h5": (8, 8), "step-00000010.h5": (10, 0),
        }  # fmt: skip
