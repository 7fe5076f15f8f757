"""A run that dies or fails at any call of the storage, and is resumed, ends in the bytes of one that did not."""

import errno
import os
import random

import pytest

from dlspec import runner
from dlspec.errors import RunBusyError, RunError
from dlspec.run import lines, storage

from . import tiny
from .faults import OPERATIONS, Counting, Dying, Failing, Killed, Short, once, onwards
from .resuming import content_of

FAULTS = {
    "killed": Dying,
    "ENOSPC": lambda number: Failing(once(number), errno.ENOSPC),
    "EIO": lambda number: Failing(once(number), errno.EIO),
    "EROFS": lambda number: Failing(once(number), errno.EROFS),
    "full from here on": lambda number: Failing(onwards(number), errno.ENOSPC),
    "short write": lambda number: Short(once(number), 1),
}


pytestmark = pytest.mark.usefixtures("hasty")


@pytest.fixture(scope="module")
def calls(experiment, tmp_path_factory):
    """Those of a run in which nothing happens."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "filesystem", counting := Counting())
        patch.setattr(lines, "TOGETHER_S", 0.0)
        tiny.train(experiment, tmp_path_factory.mktemp("runs") / "runs")
    return counting.calls


def attempt(filesystem, work, monkeypatch):
    """Do some work on such a disk; a failure is told in one line that says where, a kill not at all."""
    error = None
    with monkeypatch.context() as patch:
        patch.setattr(storage, "filesystem", filesystem)
        patch.setattr(os, "getpid", lambda: 12345)  # another process than that which resumes
        try:
            work()
        except (Killed, RunError) as caught:
            error = caught
    if isinstance(error, RunError):
        (message,) = error.problems
        assert message.startswith("/")
        assert "\n" not in message
        assert isinstance(error, RunBusyError) == (filesystem.code == errno.EROFS)


def finish(experiment, runs_dir):
    """What a user does next: resume the run where there is one, else start anew. Gives the run directory."""
    for run in runs_dir.iterdir() if runs_dir.is_dir() else ():
        if (run / "run.json").exists():
            runner.resume(run)
            return run
        assert not (run / "checkpoints").exists(), "work was done, but cannot be resumed"
    return tiny.train(experiment, runs_dir).run


def check(faults, experiment, expected, runs_dir, monkeypatch):
    """Train a run through one fault, resume it through the next, and so on; then let it end in peace."""
    for fault, number in faults:
        attempt(FAULTS[fault](number), lambda: finish(experiment, runs_dir), monkeypatch)
    run = finish(experiment, runs_dir)
    assert content_of(run) == expected
    assert not list(run.rglob("*.tmp"))


def test_a_run_makes_every_kind_of_call_but_truncate(calls):
    assert {*OPERATIONS} - {*calls} == {"truncate"}


def test_a_run_killed_at_every_tenth_call(experiment, expected, calls, tmp_path, monkeypatch):
    for number in range(0, len(calls) + 1, 10):
        check([("killed", number)], experiment, expected, tmp_path / str(number), monkeypatch)


@pytest.mark.parametrize("times", [2, pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
@pytest.mark.parametrize("fault", FAULTS)
def test_several_faults_one_after_the_other(fault, times, experiment, expected, calls, tmp_path, monkeypatch):
    draw = random.Random(fault)
    for time in range(times):
        faults = [(name, draw.randrange(len(calls))) for name in (fault, draw.choice(list(FAULTS)), "killed")]
        check(faults, experiment, expected, tmp_path / str(time), monkeypatch)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_call(fault, experiment, expected, calls, tmp_path, monkeypatch):
    for number in range(len(calls) + 1):
        check([(fault, number)], experiment, expected, tmp_path / str(number), monkeypatch)
