"""Fixtures of the tests of the command line."""

import gc
import signal
import sys

import pytest

from dlspec.cli import app, signals

from .commands import TINY, Result, only_run, spawn, write


@pytest.fixture
def dlspec(capsys, monkeypatch):
    """Run a command within this process, through the real entry point."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["dlspec", *map(str, arguments)])
        handlers = {number: signal.getsignal(number) for number in signals.SIGNALS}
        capsys.readouterr()
        try:
            app.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        finally:
            gc.unfreeze()  # this process goes on
            for number, handler in handlers.items():
                signal.signal(number, handler)
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def tiny(tmp_path):
    """The path of a small experiment, in a directory of its own."""
    return write(tmp_path / "tiny.yaml", TINY)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run of the small experiment with early stopping; tests only read it. (run, how train ended)."""
    place = tmp_path_factory.mktemp("trained")
    config = write(place / "tiny.yaml", TINY.replace("{epochs: 3}", "{epochs: 6, early_stopping: {patience: 2}}"))
    result = spawn(
        "train", config, "--set", "optimizer.learning_rate=0.5", "--set", "evaluation.test=true", "--json", cwd=place
    )
    assert result.code == 0, result.err
    return only_run(place / "runs"), result
