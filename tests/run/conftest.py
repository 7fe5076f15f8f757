"""Fixtures of the tests that train one small run again and again."""

import pytest

from dlspec.run import lines, storage

from . import tiny
from .faults import Hasty
from .resuming import EXPERIMENTS, content_of, train


@pytest.fixture(scope="session")
def experiment(tmp_path_factory):
    return tiny.prepared(tmp_path_factory.mktemp("experiment"))


@pytest.fixture(scope="session")
def expected(experiment, tmp_path_factory):
    """The content of a run in which nothing happens."""
    return content_of(tiny.train(experiment, tmp_path_factory.mktemp("runs")).run)


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """Every experiment, trained without interruption: (run, its content)."""
    place = tmp_path_factory.mktemp("whole")
    runs = {name: train(place / name, name).run for name in EXPERIMENTS}
    return {name: (run, content_of(run)) for name, run in runs.items()}


@pytest.fixture
def hasty(monkeypatch):
    """The disk is never waited for, and every line is a call of its own, so that a run can end between any two."""
    monkeypatch.setattr(storage, "filesystem", Hasty())
    monkeypatch.setattr(lines, "TOGETHER_S", 0.0)
