"""A running experiment that is changed: a segment of its own, and what may not change."""

import json
import re

import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import DlspecError, UsageError
from dlspec.run import checkpoint, checkpoints
from dlspec.run.record import read_record, segments_of

from .resuming import content_of, copy_of, rows_of, stop_after, train


def interrupt_at_once(_event):
    raise KeyboardInterrupt


def test_a_new_learning_rate_begins_one(whole, tmp_path):
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
    words = re.sub(r"[ \\]+", " ", (run / "report.md").read_text())
    assert "| 2 | 7 | optimizer.learning _rate=1e-4 |" in words
    page = (run / "report.html").read_text()
    for key in ("loss", "accuracy", "learning_rate"):
        (figure,) = re.findall(rf'<figure id="figure-{key}">.*?</figure>', page, re.DOTALL)
        assert figure.count(">learning_rate=1e-4</text>") == 1
        assert "changed: optimizer.learning_rate=1e-4 (epoch 2)" in figure
    assert "after epoch 2, step 7: optimizer.learning_rate=1e-4" in page


@pytest.mark.parametrize(
    "flag",
    ["decay={name: exponential, base: 0.5}", "regularization.l2=0.5", "regularization.keep_prob=0.5",
     "batch_size=8", "batch_size=64", "batch_size=all", "architecture.layers.0.keep_prob=0.9",
     "training.class_weight=balanced", "optimizer.beta1=0.5"],
)  # fmt: skip
@pytest.mark.parametrize("step", [5, 6])
def test_interrupted_anywhere_the_second_segment_ends_in_the_same_bytes(flag, step, tmp_path):
    base = train(tmp_path, "dropout", interrupted=stop_after(step)).run
    straight, broken = (copy_of(base, tmp_path / name) for name in ("a", "b"))
    runner.resume(straight, overrides=[flag])
    assert content_of(straight) != content_of(base)
    runner.resume(broken, overrides=[flag], interrupted=stop_after(2))
    runner.resume(broken, interrupted=stop_after(1))
    runner.resume(broken)
    assert content_of(broken) == content_of(straight)


def test_every_example_is_seen_once_where_the_batch_size_changes_within_an_epoch(tmp_path):
    run = train(tmp_path, "dropout", interrupted=stop_after(1)).run  # 16 of 48 examples seen
    runner.resume(run, overrides=["batch_size=8"])
    assert [row["step"] for row in rows_of(run)] == [1 + 4, 1 + 4 + 6, 17, 23, 29]


def test_three_segments_can_be_reproduced(tmp_path):
    run = train(tmp_path, "plateau", interrupted=stop_after(7)).run
    runner.resume(run, overrides=["optimizer.learning_rate=0.1"], interrupted=stop_after(5))
    runner.resume(run, overrides=["batch_size=8", "regularization.l2=0.1"])
    assert len(segments_of(read_record(run))) == 3
    again = runner.reproduce(run, runs_dir=tmp_path / "runs")
    assert again.differences == ()
    assert content_of(again.outcome.run) == content_of(run)
    assert read_record(again.outcome.run)["reproduces"] == run.name


def test_a_plateau_forgets_what_it_lowered_where_the_rate_is_set(tmp_path):
    run = train(tmp_path, "plateau", interrupted=stop_after(20)).run
    assert rows_of(run)[-1]["learning_rate"] < 0.5
    runner.resume(run, overrides=["optimizer.learning_rate=0.125"])
    assert rows_of(run)[-2]["learning_rate"] == 0.125


def test_two_changes_in_a_row_without_a_step(tmp_path):
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


def test_epochs_of_a_decay_that_spans_the_run_begin_one(whole, tmp_path):
    run = copy_of(whole["schedule"][0], tmp_path)
    runner.resume(run, overrides=["training.epochs=8"])
    assert [segment.step for segment in segments_of(read_record(run))] == [0, 18]


@pytest.mark.parametrize(
    ("every", "segments"),
    [
        (4, [0]),
        (3, [0, 24]),  # the last epoch was measured because it was the last one
    ],
)
def test_more_epochs_where_not_every_one_is_measured(every, segments, tmp_path):
    flags = [f"evaluation.every={every}", "decay=constant"]
    run = train(tmp_path, "seldom-measured", overrides=flags).run
    runner.resume(run, overrides=["training.epochs=16"])
    assert [segment.step for segment in segments_of(read_record(run))] == segments
    again = runner.reproduce(run, runs_dir=tmp_path / "runs")
    assert again.differences == ()
    if len(segments) == 1:
        longer = train(tmp_path / "long", "seldom-measured", overrides=[*flags, "training.epochs=16"]).run
        assert content_of(run) == content_of(longer)


def test_measuring_more_often_begins_one(tmp_path):
    run = train(tmp_path, "seldom-measured", interrupted=stop_after(14)).run
    runner.resume(run, overrides=["evaluation.every=1"])
    assert [(row["epoch"], row["segment"]) for row in rows_of(run)] == [(1, 1), (3, 1), (5, 2), (6, 2), (7, 2), (8, 2)]


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
def test_what_cannot_change_is_refused_with_the_reason(flag, words, whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    with pytest.raises(UsageError) as caught:
        runner.resume(run, overrides=[flag])
    assert any(line.startswith(f"--set {flag}: ") and words in line for line in caught.value.problems)
    assert content_of(run) == whole["dropout"][1]


NO_DEV = ["data={synthetic: moons, examples: 48, noise: 0.3, test: {seed: 9}}"]


@pytest.mark.parametrize(
    ("flags", "steps", "monitor", "refused"),
    [
        ([], 7, "dev_loss", ""),
        ([], 7, "train_loss", "the best epoch so far was found by dev_loss, and this watches train_loss"),
        ([], 1, "train_loss", ""),  # before the first epoch there is no best one
        (NO_DEV, 7, "train_loss", ""),
        (NO_DEV, 7, "train_accuracy", "the best epoch so far was found by train_loss, and this watches"),
        (NO_DEV, 7, "dev_loss", "the best epoch so far was found by train_loss, and this watches dev_"),
        (NO_DEV, 1, "dev_loss", "watches dev_loss, but there is no dev set"),
    ],
)
def test_early_stopping_from_here_on(flags, steps, monitor, refused, tmp_path):
    run = train(tmp_path, "dropout", overrides=flags, interrupted=stop_after(steps)).run
    stopping = f"training.early_stopping={{monitor: {monitor}, patience: 2}}"
    if refused:
        with pytest.raises(DlspecError, match=refused):
            runner.resume(run, overrides=[stopping])
        return
    runner.resume(run, overrides=[stopping])
    straight = train(tmp_path / "straight", "dropout", overrides=[*flags, stopping]).run
    found, expected = content_of(run), content_of(straight)
    assert {**found, "report.html": b""} == {**expected, "report.html": b""}  # which tells the flags of the start


def test_running_averages_that_were_never_kept(whole, tmp_path):
    run = copy_of(whole["dropout"][0], tmp_path)
    with pytest.raises(UsageError, match="the run has kept s, v, and this optimizer needs largest_s, s, v; start a"):
        runner.resume(run, overrides=["optimizer.amsgrad=true", "training.epochs=9"])
