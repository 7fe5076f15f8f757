"""Runs killed outright at random moments, and resumed until they end: the bytes of a run that was left alone."""

import os
import random
import signal
import time
from datetime import UTC, datetime
from itertools import count

import pytest

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import UsageError
from dlspec.preparation import prepare
from dlspec.run import directory

from .resuming import content_of, write

MODELS = ("dropout", "batch-norm", "plateau", "early-stopping", "augmentation", "streaming")
FLAGS = ["training.epochs=60", "checkpoint.every_seconds=0"]  # a checkpoint after every epoch
MORE_FLAGS = {"early-stopping": ["training.early_stopping.patience=30"], "streaming": ["training.epochs=20"]}
NOW = datetime(2026, 2, 3, tzinfo=UTC)


def overrides_of(name):
    return FLAGS + MORE_FLAGS.get(name, [])


def session(config, name, runs_dir):
    """What a person does after a crash: resume the run if there is one, else start it again."""
    try:
        runner.resume(directory.latest(runs_dir))
    except UsageError:
        prepared = prepare(loader.load(config, overrides_of(name)))
        runner.train(prepared, runs_dir=runs_dir, now=lambda: NOW)


def in_child(work):
    """Run in a fork of this process; gives its process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException:
        os._exit(1)


def killed_until_done(config, name, runs_dir, *, kills, within, rng):
    """Kill so many sessions at random moments, then let one end; gives how many died in the midst of their work.

    One that ended before it could be killed ends it too.
    """
    for died in range(kills):
        child = in_child(lambda: session(config, name, runs_dir))
        time.sleep(rng.uniform(0.0, within))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0
            return died
    _, status = os.waitpid(in_child(lambda: session(config, name, runs_dir)), 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return kills


@pytest.mark.parametrize("kills", [6, pytest.param(40, marks=[pytest.mark.long, pytest.mark.timeout(600)])])
@pytest.mark.parametrize("name", MODELS)
def test_killed_at_random_moments(name, kills, tmp_path):
    config = write(tmp_path, name)
    started = time.perf_counter()
    whole = runner.train(prepare(loader.load(config, overrides_of(name))), runs_dir=tmp_path / "whole").run
    takes = time.perf_counter() - started
    rng = random.Random(f"{name} {kills}")
    runs_dirs = (tmp_path / f"runs-{number}" for number in count())
    died = 0
    while died < kills:
        runs_dir = next(runs_dirs)
        died += killed_until_done(config, name, runs_dir, kills=kills - died, within=takes / kills * 2, rng=rng)
        assert content_of(directory.latest(runs_dir)) == content_of(whole)
