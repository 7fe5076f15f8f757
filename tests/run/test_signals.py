"""SIGINT and SIGTERM at random moments: the right exit code, whole files, and a run that resumes to the same bytes."""

import json
import os
import random
import signal
import sys
import time

import pytest

from dlspec import runner
from dlspec.cli import app, signals
from dlspec.config import loader
from dlspec.preparation import prepare
from dlspec.run import checkpoint, directory
from dlspec.session import Session

from .resuming import content_of, write

FLAGS = ["training.epochs=40", "checkpoint.every_seconds=0"]
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


def command_in_child(*arguments, before=lambda: None):
    """Run a command in a fork of this process, its output thrown away; gives the process id."""
    signal.pthread_sigmask(signal.SIG_BLOCK, CODES)  # nothing arrives before the child has handlers
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CODES)
        return child
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        sys.argv = ["dlspec", *map(str, arguments)]
        signals.exit_at_once()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CODES)
        before()
        app.main()
        os._exit(0)
    except SystemExit as end:
        os._exit(end.code or 0)
    except BaseException:
        os._exit(99)


def exit_code(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def check_whole(run):
    """Every file of a run reads."""
    for path in run.glob("*.json"):
        json.loads(path.read_bytes())
    for path in (run / "checkpoints").glob("*.h5"):
        checkpoint.load(path)
    assert not list(run.rglob("*.tmp"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    place = tmp_path_factory.mktemp("signals")
    started = time.perf_counter()
    outcome = runner.train(prepare(loader.load(write(place, "dropout"), FLAGS)), runs_dir=place / "runs")
    return content_of(outcome.run), time.perf_counter() - started


MANY = pytest.param(100, marks=[pytest.mark.long, pytest.mark.timeout(900)], id="many")


@pytest.mark.parametrize("number", [pytest.param(10, id="some"), MANY])
def test_signals_at_random_moments(number, whole, tmp_path):
    expected, takes = whole
    config = write(tmp_path, "dropout")
    rng, interrupted = random.Random(number), 0
    for attempt in range(number):
        runs_dir = tmp_path / f"runs-{attempt}"
        flags = [argument for flag in FLAGS for argument in ("--set", flag)]
        child = command_in_child("train", config, *flags, "--runs-dir", runs_dir)
        time.sleep(rng.uniform(0.0, 1.3 * takes))
        sent = rng.choice([signal.SIGINT, signal.SIGTERM])
        os.kill(child, sent)
        code = exit_code(child)
        assert code in (0, CODES[sent])
        if not runs_dir.exists():
            continue
        (run,) = directory.all_runs(runs_dir)
        check_whole(run)
        status = json.loads((run / "run.json").read_text())["status"]
        assert status in ("interrupted", "finished")
        interrupted += status == "interrupted"
        runner.resume(run)
        assert content_of(run) == expected
    assert interrupted >= number / 5


@pytest.mark.parametrize("sent", CODES)
@pytest.mark.parametrize("moment", ["evaluation", "report", "save"])
def test_a_signal_that_arrives_in_the_midst_of(moment, sent, whole, tmp_path):
    """The work that has begun is ended, and the code says what came."""
    config = write(tmp_path, "dropout")

    def arrange():
        owner, name = {
            "evaluation": (sys.modules["dlspec.training.evaluation"].Evaluator, "evaluate"),
            "report": (sys.modules["dlspec.session"].markdown, "render"),
            "save": (checkpoint, "save"),
        }[moment]
        real = getattr(owner, name)

        def slow(*arguments, **keywords):
            setattr(owner, name, real)
            os.kill(os.getpid(), sent)
            return real(*arguments, **keywords)

        setattr(owner, name, slow)

    flags = [argument for flag in FLAGS for argument in ("--set", flag)]
    child = command_in_child("train", config, *flags, "--runs-dir", tmp_path / "runs", before=arrange)
    assert exit_code(child) == CODES[sent]
    (run,) = directory.all_runs(tmp_path / "runs")
    check_whole(run)
    status = "interrupted" if moment == "save" else "finished"
    assert json.loads((run / "run.json").read_text())["status"] == status
    runner.resume(run)
    assert content_of(run) == whole[0]


def test_a_second_signal_ends_at_once(tmp_path):
    config = write(tmp_path, "dropout")

    def arrange():
        def stuck(*_arguments, **_keywords):
            (tmp_path / "begun").touch()
            while True:
                time.sleep(0.01)

        Session._train = stuck

    child = command_in_child("train", config, "--runs-dir", tmp_path / "runs", before=arrange)
    deadline = time.monotonic() + 30
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child, signal.SIGINT)
    time.sleep(0.2)
    assert os.waitpid(child, os.WNOHANG) == (0, 0)
    started = time.perf_counter()
    os.kill(child, signal.SIGTERM)
    assert exit_code(child) == 143
    assert time.perf_counter() - started < 5
