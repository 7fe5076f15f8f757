"""`health.jsonl`: when a run is sampled, and that an interruption changes no byte of it."""

import json

import pytest

from dlspec import runner
from dlspec.run import health
from dlspec.run.health import HealthRecorder, read_health
from dlspec.training.health import InputHealth, LayerHealth

from .resuming import stop_after, train
from .telling import STARTED, epoch_done, finished

LAYER = LayerHealth(1, "relu", 0.5, 1.0, 0.25, None, 0.0, 0.125, 1e-3)


class Sampler:
    """Says the same of every state."""

    def __call__(self, _):
        return [LAYER]

    def inputs(self):
        return InputHealth(1.0, 2.0)


def record(run, events, *, step=0):
    recorder = HealthRecorder(run, sampler=Sampler(), step=step)
    for event in events:
        recorder(event)
    recorder.close()
    return [(sample["epoch"], sample["step"]) for sample in read_health(run)]


def epochs(first, last):
    return [epoch_done(epoch) for epoch in range(first, last + 1)]  # of 10 steps each


def test_the_lines(tmp_path):
    record(tmp_path, [STARTED, finished("completed", 1)])
    layer = {"layer": 1, "activation": "relu", "mean": 0.5, "std": 1.0, "dead": 0.25, "saturated": None, "alike": 0.0,
             "gradient_norm": 0.125, "update_ratio": 0.001}  # fmt: skip
    assert [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()] == [
        {"epoch": 0, "step": 0, "inputs": {"rms": 1.0, "scale_ratio": 2.0}, "layers": [layer]},
        {"epoch": 1, "step": 10, "layers": [layer]},
    ]


@pytest.mark.parametrize(
    ("events", "sampled"),
    [
        ([STARTED, *epochs(1, 5), finished("completed", 5)], [0, 5]),
        ([STARTED, *epochs(1, 99), finished("completed", 99)], [0, 99]),
        ([STARTED, *epochs(1, 100), finished("completed", 100)], [0, 100]),
        ([STARTED, *epochs(1, 450), finished("early_stopping", 450)], [0, 100, 200, 400, 450]),
        ([STARTED, *epochs(1, 150), finished("interrupted", 150)], [0, 100]),
        ([STARTED, *epochs(1, 150), finished("diverged", 150)], [0, 100]),
    ],
)
def test_it_is_sampled_at_the_start_whenever_the_steps_have_doubled_and_at_the_end(events, sampled, tmp_path):
    assert record(tmp_path, events) == [(epoch, 10 * epoch) for epoch in sampled]


@pytest.mark.parametrize("checkpoint", [0, 50, 100, 150, 200, 449, 450])
def test_who_goes_on_keeps_the_lines_until_there_but_not_the_end_of_a_shorter_run(checkpoint, tmp_path):
    record(tmp_path, [STARTED, *epochs(1, 450), finished("completed", 450)])
    started = [STARTED] if checkpoint == 0 else []
    events = [*started, *epochs(checkpoint + 1, 900), finished("completed", 900)]
    sampled = record(tmp_path, events, step=10 * checkpoint)
    assert [epoch for epoch, _ in sampled] == [0, 100, 200, 400, 800, 900]


@pytest.mark.parametrize("end", ['{"epoch": 4', "\n", "[]\n", '{"epoch": "x"}\n', "\x00\n"])
def test_a_damaged_line_ends_what_is_read(end, tmp_path):
    record(tmp_path, [STARTED, finished("completed", 1)])
    with (tmp_path / "health.jsonl").open("a") as file:
        file.write(end)
    assert [sample["epoch"] for sample in read_health(tmp_path)] == [0, 1]
    assert record(tmp_path, [STARTED, finished("completed", 3)]) == [(0, 0), (3, 30)]


def test_a_run_of_a_dlspec_that_kept_none_has_none(tmp_path):
    assert read_health(tmp_path) == []


@pytest.mark.parametrize("name", ["dropout", "batch-norm", "plateau", "schedule", "augmentation", "all-at-once"])
def test_an_interrupted_run_is_sampled_as_one_that_was_not(name, tmp_path, monkeypatch):
    monkeypatch.setattr(health, "FIRST", 2)
    expected = (train(tmp_path / "whole", name).run / "health.jsonl").read_bytes()
    for steps in (1, 5, 6):
        outcome = train(tmp_path / f"{steps}", name, interrupted=stop_after(steps))
        runner.resume(outcome.run)
        assert (outcome.run / "health.jsonl").read_bytes() == expected


def test_a_run_that_goes_on_for_longer_is_sampled_as_one_that_was_so_long_from_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(health, "FIRST", 2)
    expected = (train(tmp_path / "long", "dropout", overrides=["training.epochs=9"]).run / "health.jsonl").read_bytes()
    outcome = train(tmp_path / "short", "dropout")
    runner.resume(outcome.run, overrides=["training.epochs=9"])
    assert (outcome.run / "health.jsonl").read_bytes() == expected


def test_sampling_changes_no_byte_of_the_training(tmp_path, monkeypatch):
    sampled = train(tmp_path / "sampled", "dropout").run
    monkeypatch.setattr(HealthRecorder, "__call__", lambda *_: None)
    plain = train(tmp_path / "plain", "dropout").run
    assert read_health(plain) == []
    names = ["metrics.jsonl", *(f"checkpoints/{path.name}" for path in (plain / "checkpoints").iterdir())]
    for name in names:
        assert (plain / name).read_bytes() == (sampled / name).read_bytes()
