"""The watchers that write lines: exact rows, whole lines, and a resumed run whose rows go on."""

import json
import math
from datetime import UTC, datetime

import pytest

from dlspec.errors import RunError
from dlspec.run import storage
from dlspec.run.recorder import Log, MetricsRecorder
from dlspec.training.events import RunStarted
from dlspec.training.spikes import Spike

from .faults import Counting
from .telling import STARTED, Clock, epoch_done, finished, state, steps_done


class TestMetrics:
    def test_rows(self, tmp_path):
        clock = Clock()
        recorder = MetricsRecorder(tmp_path, clock=clock)
        clock.now = 200.0
        recorder(STARTED)
        recorder(steps_done(3))
        for epoch, now in ((1, 200.5), (2, 201.1234567)):
            clock.now = now
            recorder(epoch_done(epoch, improved=epoch == 1))
        recorder(finished("completed", 2))
        recorder.close()
        quantities = '"train_cost": 0.5, "dev_accuracy": 0.75'
        assert (tmp_path / "metrics.jsonl").read_text() == (
            f'{{"epoch": 1, "step": 10, "segment": 1, "learning_rate": 0.1, {quantities}, "improved": true, '
            '"spikes": []}\n'
            f'{{"epoch": 2, "step": 20, "segment": 1, "learning_rate": 0.05, {quantities}, "improved": false, '
            '"spikes": []}\n'
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
        clock = Clock()
        recorder = MetricsRecorder(tmp_path, clock=clock)
        for epoch in range(1, 30):
            clock.now += 0.1
            recorder(epoch_done(epoch))
            lines = (tmp_path / "metrics.jsonl").read_text().split("\n")
            assert lines[-1] == ""
            assert [json.loads(line)["epoch"] for line in lines[:-1]] == list(range(1, epoch + 1))
        recorder.close()

    def test_a_sign_of_life_shows_the_rows_before_it(self, tmp_path):
        recorder = MetricsRecorder(tmp_path, clock=Clock())
        for epoch in (1, 2):
            recorder(epoch_done(epoch))
        assert [row["epoch"] for row in rows_of(tmp_path, "metrics.jsonl")] == [1]
        recorder(steps_done(21))
        for name in ("metrics.jsonl", "timings.jsonl"):
            assert [row["epoch"] for row in rows_of(tmp_path, name)] == [1, 2]
        recorder.close()

    def test_spikes_are_listed_with_their_numbers(self, tmp_path):
        recorder = MetricsRecorder(tmp_path, segment=3)
        recorder(epoch_done(1, spikes=(Spike(4, 88.5, 0.1 + 0.2), Spike(9, 1e30, 0.7))))
        recorder.close()
        row = json.loads((tmp_path / "metrics.jsonl").read_text())
        assert row["segment"] == 3
        assert row["spikes"] == [
            {"step": 4, "loss": 88.5, "usual": 0.1 + 0.2}, {"step": 9, "loss": 1e30, "usual": 0.7}
        ]  # fmt: skip

    def test_syncing_gives_the_bytes_so_far(self, tmp_path):
        recorder = MetricsRecorder(tmp_path)
        sizes = [recorder.sync()]
        for epoch in (1, 2):
            recorder(epoch_done(epoch))
            sizes.append(recorder.sync())
            assert sizes[-1] == (tmp_path / "metrics.jsonl").stat().st_size
        recorder.close()
        assert sizes[0] == 0
        assert sizes[1] == len((tmp_path / "metrics.jsonl").read_bytes().splitlines(keepends=True)[0])


def recorded(run, *, epochs, begun=200.0, seconds=1.5, **settings):
    """Record these epochs, each so many seconds after the one before; gives the bytes of the metrics after each."""
    clock = Clock()
    recorder = MetricsRecorder(run, clock=clock, **settings)
    clock.now = begun
    recorder(STARTED)
    sizes = []
    for epoch in epochs:
        clock.now += seconds
        recorder(epoch_done(epoch))
        sizes.append(recorder.sync())
    recorder.close()
    return sizes


def rows_of(run, name):
    return [json.loads(line) for line in (run / name).read_text().splitlines()]


class TestResumedMetrics:
    def test_rows_go_on_and_so_do_the_seconds(self, tmp_path):
        sizes = recorded(tmp_path, epochs=[1, 2])
        recorded(tmp_path, epochs=[3, 4], begun=9000.0, seconds=0.25, keep=sizes[-1], segment=2)
        metrics, timings = rows_of(tmp_path, "metrics.jsonl"), rows_of(tmp_path, "timings.jsonl")
        assert [(row["epoch"], row["segment"]) for row in metrics] == [(1, 1), (2, 1), (3, 2), (4, 2)]
        assert [(row["epoch"], row["seconds"]) for row in timings] == [(1, 1.5), (2, 3.0), (3, 3.25), (4, 3.5)]

    @pytest.mark.parametrize("kept", [0, 1, 2, 3])
    def test_rows_after_the_checkpoint_are_cut_off(self, kept, tmp_path):
        sizes = recorded(tmp_path, epochs=[1, 2, 3])
        (tmp_path / "whole").mkdir()
        recorded(tmp_path / "whole", epochs=[1, 2, 3, 4])
        recorded(tmp_path, epochs=range(kept + 1, 5), begun=9000.0, keep=[0, *sizes][kept])
        for name in ("metrics.jsonl", "timings.jsonl"):
            assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()

    def test_opening_alone_cuts(self, tmp_path):
        """A session that is killed before its first epoch leaves no row that it has not trained."""
        sizes = recorded(tmp_path, epochs=[1, 2, 3])
        MetricsRecorder(tmp_path, keep=sizes[0]).close()
        assert [row["epoch"] for row in rows_of(tmp_path, "metrics.jsonl")] == [1]
        assert [row["epoch"] for row in rows_of(tmp_path, "timings.jsonl")] == [1]

    def test_half_a_row_is_cut_off(self, tmp_path):
        sizes = recorded(tmp_path, epochs=[1])
        for name in ("metrics.jsonl", "timings.jsonl"):
            with (tmp_path / name).open("a") as file:
                file.write('{"epoch": 2, "st')
        recorded(tmp_path, epochs=[2], keep=sizes[0])
        assert [row["epoch"] for row in rows_of(tmp_path, "metrics.jsonl")] == [1, 2]
        assert [row["seconds"] for row in rows_of(tmp_path, "timings.jsonl")] == [1.5, 3.0]

    @pytest.mark.parametrize("line", [b"\0\0\0\n", b'{"epoch": 2}\n', b"[1.5]\n", b'{"seconds": null}\n', b"7\n"])
    def test_damaged_timings_keep_no_run_from_going_on(self, line, tmp_path):
        sizes = recorded(tmp_path, epochs=[1, 2])
        path = tmp_path / "timings.jsonl"
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0] + line)
        recorded(tmp_path, epochs=[3], keep=sizes[-1])
        assert [row["epoch"] for row in rows_of(tmp_path, "metrics.jsonl")] == [1, 2, 3]
        assert path.read_bytes().endswith(line + b'{"epoch": 3, "step": 30, "seconds": 1.5}\n')

    @pytest.mark.parametrize("lost", [0, 1, 2])
    def test_timings_may_have_been_lost(self, lost, tmp_path):
        """They are synced at the end alone; what is left counts."""
        sizes = recorded(tmp_path, epochs=[1, 2])
        path = tmp_path / "timings.jsonl"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[: 2 - lost]))
        recorded(tmp_path, epochs=[3], keep=sizes[-1])
        timings = [(row["epoch"], row["seconds"]) for row in rows_of(tmp_path, "timings.jsonl")]
        assert timings == [*[(1, 1.5), (2, 3.0)][: 2 - lost], (3, 1.5 * (3 - lost))]

    def test_metrics_that_are_lost_are_an_error(self, tmp_path):
        (size,) = recorded(tmp_path, epochs=[1])
        before = (tmp_path / "metrics.jsonl").read_bytes(), (tmp_path / "timings.jsonl").read_bytes()
        with pytest.raises(RunError) as caught:
            MetricsRecorder(tmp_path, keep=size + 1)
        assert str(caught.value) == (
            f"{tmp_path / 'metrics.jsonl'}: has {size} bytes, expected at least {size + 1}; its end was lost or it is "
            "another file; restore it from a copy"
        )
        assert before == ((tmp_path / "metrics.jsonl").read_bytes(), (tmp_path / "timings.jsonl").read_bytes())


class TestLog:
    def test_lines(self, tmp_path):
        log = Log(tmp_path, now=lambda: datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC))
        log.say("warning: two\nlines")
        log(STARTED)
        log(steps_done(3))
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

    def test_a_resumed_run_and_its_spikes(self, tmp_path):
        log = Log(tmp_path, now=lambda: datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC))
        log(RunStarted(5, 10, 50, 2, 23, lambda: state(2)))
        log(epoch_done(3, improved=False, spikes=(Spike(24, 88.54321, 1 / 3), Spike(29, 1e30, 0.7))))
        log.close()
        stamp = "2026-02-03T04:05:06+00:00"
        assert (tmp_path / "log.txt").read_text().splitlines() == [
            f"{stamp} training: 5 epochs of 10 steps, resumed after epoch 2, step 23",
            f"{stamp} loss spike at step 24: 88.543, usual is 0.33333",
            f"{stamp} loss spike at step 29: 1e+30, usual is 0.7",
        ]

    def test_a_log_goes_on(self, tmp_path):
        for line in ("one", "two"):
            log = Log(tmp_path, now=lambda: datetime(2026, 2, 3, tzinfo=UTC))
            log.say(line)
            log.close()
        assert [line.split()[1] for line in (tmp_path / "log.txt").read_text().splitlines()] == ["one", "two"]

    @pytest.mark.parametrize("hostile", ["\x1b[31m", "\x9b31m", "\u202e", "\x07"], ids=ascii)
    def test_control_characters_stay_out(self, hostile, tmp_path):
        log = Log(tmp_path, now=lambda: datetime(2026, 2, 3, tzinfo=UTC))
        log.say(f"warning: class {hostile}")
        log.close()
        assert (tmp_path / "log.txt").read_text().removesuffix("\n").isprintable()


def test_a_row_costs_the_same_after_five_thousand_epochs(tmp_path, monkeypatch):
    class Sizes(Counting):
        def write(self, fd, data):
            self.sizes.append(len(data))
            return super().write(fd, data)

    filesystem = Sizes()
    filesystem.sizes = []
    monkeypatch.setattr(storage, "filesystem", filesystem)
    clock = Clock()
    recorder = MetricsRecorder(tmp_path, clock=clock)
    for epoch in range(1, 5_001):
        clock.now += 1.0
        late = {"dev_f1": 0.5} if epoch > 4_000 else {}  # a metric that first shows up late
        recorder(epoch_done(epoch, quantities={"train_cost": 0.5, **late}))
    assert filesystem.calls.count("write") == len(filesystem.sizes) == 10_000
    assert max(filesystem.sizes) < 250
    assert len(filesystem.calls) < 10_010  # nothing else but opening the two files
    recorder.close()
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 5_000
