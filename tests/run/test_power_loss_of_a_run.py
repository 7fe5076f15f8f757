"""After a power loss at any call of a training run, the run can be resumed and ends in the same bytes."""

import itertools
from functools import cache
from types import SimpleNamespace

import pytest

from dlspec import runner
from dlspec.errors import RunError
from dlspec.run import checkpoint, recorder, storage

from . import tiny
from .power_loss import (
    PowerLoss,
    WithoutDirectorySync,
    WithoutFileSync,
    WithoutMetricsSync,
    WithoutRename,
    materialise,
    refusals,
)
from .resuming import content_of

pytestmark = pytest.mark.usefixtures("hasty")

RUN = "20260101T000000Z-tiny"


def recorded(power, work, monkeypatch):
    """Do some work on this disk; each checkpoint, once written, is promised to last."""

    def save(path, content):
        checkpoint.save(path, content)
        if path.name.startswith("step-"):
            power.promised = content.progress["step"]

    with monkeypatch.context() as patch:
        patch.setattr(storage, "filesystem", power)
        patch.setattr(recorder, "checkpoint", SimpleNamespace(**{**vars(checkpoint), "save": save}))
        work()
    return power


@pytest.fixture
def trained(experiment, tmp_path, monkeypatch):
    """A run from its beginning, on a disk of some kind."""

    def train(kind, **settings):
        (tmp_path / "disk").mkdir()
        disk = kind(tmp_path / "disk", **settings)
        return recorded(disk, lambda: tiny.train(experiment, disk.root), monkeypatch)

    return train


@pytest.fixture
def gone_on(experiment, tmp_path, monkeypatch):
    """A run that was killed after step 7 and the rows of an epoch that no checkpoint knows of, and is resumed."""

    def resume(kind, **settings):
        steps = itertools.count(1)
        run = tiny.train(experiment, tmp_path / "disk", interrupted=lambda: next(steps) == 7).run
        for name in ("metrics.jsonl", "timings.jsonl"):
            rows = (run / name).read_text()
            (run / name).write_text(f'{rows}{{"epoch": 3, "seconds": 0}}\n{{"epo')
        disk = kind(tmp_path / "disk", **settings)
        disk.promised = 7
        return recorded(disk, lambda: runner.resume(run), monkeypatch)

    return resume


@cache
def progress_in(content):
    """What a checkpoint says of where it stands; None where it is damaged."""
    try:
        return checkpoint.decode(content, source="checkpoint").progress
    except RunError:
        return None


class Newest:
    """Whether the newest whole checkpoint is at least as new as promised, and the lines it counts on are there."""

    def __init__(self, expected):
        self.metrics = expected["metrics.jsonl"]

    def __call__(self, state, promised):
        found = {name.removeprefix(f"{RUN}/"): content for name, content in state.items()}
        if "run.json" in found:
            assert found["run.json"].endswith(b"\n}\n"), "the record is torn"
        for name in sorted((name for name in found if name.startswith("checkpoints/step-")), reverse=True):
            progress = progress_in(found[name])
            if progress is None:
                continue
            assert progress["step"] >= promised, "the newest checkpoint is lost"
            length = progress["metrics_bytes"]
            assert found.get("metrics.jsonl", b"")[:length] == self.metrics[:length], "metrics are lost"
            epochs = self.metrics[:length].count(b"\n")
            timings = found.get("timings.jsonl", b"").splitlines(keepends=True)[:epochs]
            assert [line[:10] + line[-2:] for line in timings] == [b'{"epoch": }\n'] * epochs, "timings are lost"
            assert "run.json" in found, "the record is lost"
            return
        assert promised == 0, "every checkpoint is lost"


def resumed(state, experiment, disk):
    """What the run comes to after a power loss that left this state; started anew where nothing was left."""
    disk.mkdir()
    materialise(state, disk)
    run = disk / RUN
    return content_of(runner.resume(run).run if (run / "run.json").exists() else tiny.train(experiment, disk).run)


FEW_AND_MANY = [10, pytest.param(2000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]


@pytest.mark.parametrize("page", [64, 4096])
@pytest.mark.parametrize("work", ["trained", "gone_on"])
def test_a_power_loss_leaves_the_newest_checkpoint(work, page, expected, request):
    power = request.getfixturevalue(work)(PowerLoss, page=page)
    assert refusals(power, Newest(expected)) == {}
    assert len(power.states) > 500


@pytest.mark.parametrize("page", [64, 4096])
@pytest.mark.parametrize("most", FEW_AND_MANY)
@pytest.mark.parametrize("work", ["trained", "gone_on"])
def test_a_power_loss_changes_no_byte_of_the_result(work, most, page, experiment, expected, tmp_path, request):
    states = list(request.getfixturevalue(work)(PowerLoss, page=page).states)
    for number in range(0, len(states), max(1, len(states) // most)):
        assert resumed(states[number], experiment, tmp_path / str(number)) == expected


@pytest.mark.parametrize(
    ("mutant", "reason"),
    [
        (WithoutFileSync, "the newest checkpoint is lost"),
        (WithoutMetricsSync, "metrics are lost"),
        (WithoutDirectorySync, "the newest checkpoint is lost"),
        (WithoutRename, "the record is torn"),
    ],
)
def test_a_storage_that_leaves_out_one_step_is_found_out(mutant, reason, expected, trained):
    assert reason in refusals(trained(mutant), Newest(expected))
