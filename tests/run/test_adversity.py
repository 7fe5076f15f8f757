"""A run directory that vanishes or turns read-only, and memory that runs out."""

import errno
import os
import shutil
import signal

import pytest
from cli.commands import spawn

from dlspec import runner
from dlspec.errors import RunBusyError, RunError
from dlspec.run import directory, storage
from dlspec.run.record import read_record
from dlspec.training.events import EpochDone

from .resuming import content_of, stop_after, train
from .test_signals import check_whole

OFTEN = ["checkpoint.every_seconds=0"]


def at_epoch(number, action):
    """A watcher that does something after that epoch."""

    def watch(event):
        if isinstance(event, EpochDone) and event.epoch == number:
            action()

    return watch


def test_a_run_directory_that_vanishes_is_one_line_and_stays_away(tmp_path):
    runs = tmp_path / "runs"
    with pytest.raises(RunError) as caught:
        train(tmp_path, "dropout", overrides=OFTEN, watcher=at_epoch(2, lambda: shutil.rmtree(runs)))
    (line,) = caught.value.problems
    assert line.endswith(": cannot write: the directory is gone; was it moved or removed?")
    assert not runs.exists()


def test_a_run_directory_that_turns_read_only_is_one_line(tmp_path, monkeypatch):
    class ReadOnly(storage.FileSystem):
        def create(self, path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    def turn():
        monkeypatch.setattr(storage, "filesystem", ReadOnly())

    with pytest.raises(RunBusyError) as caught:
        train(tmp_path, "dropout", overrides=OFTEN, watcher=at_epoch(2, turn))
    (line,) = caught.value.problems
    monkeypatch.undo()
    run = directory.latest(tmp_path / "runs")
    assert ": cannot write: read-only file system; choose a writable place" in line
    assert line.endswith(f"; then go on with: dlspec resume {run}")
    assert read_record(run)["status"] == "running"  # which a reader knows to be untrue
    runner.resume(run)
    assert content_of(run) == content_of(train(tmp_path / "whole", "dropout", overrides=OFTEN).run)


def test_a_run_that_failed_for_want_of_space_goes_on(tmp_path, monkeypatch):
    class Full(storage.FileSystem):
        def create(self, path):
            if path.name.startswith(".step-"):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return super().create(path)

    def fill():
        monkeypatch.setattr(storage, "filesystem", Full())

    with pytest.raises(RunError, match=r"no space left on device; .* MB are free; free some space"):
        train(tmp_path, "dropout", overrides=OFTEN, watcher=at_epoch(2, fill))
    monkeypatch.undo()
    run = directory.latest(tmp_path / "runs")
    record = read_record(run)
    assert record["status"] == "failed"
    assert "no space left on device" in record["message"]
    check_whole(run)
    runner.resume(run)
    assert content_of(run) == content_of(train(tmp_path / "whole", "dropout", overrides=OFTEN).run)


def test_a_lock_dies_with_its_owner(tmp_path):
    run = train(tmp_path, "dropout", interrupted=stop_after(4)).run
    child = os.fork()
    if not child:
        with directory.locked(run):
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert not directory.is_locked(run)
    with directory.locked(run):
        assert directory.is_locked(run)
    runner.resume(run)


BIG = """\
seed: 3
data: {synthetic: moons, examples: 4000}
architecture: {layers: [{units: 800}, {units: 800}]}
batch_size: 512
training: {epochs: 2}
checkpoint: {every_seconds: 0}
"""


@pytest.mark.parametrize(
    "megabytes", [180, 260, *(pytest.param(mb, marks=pytest.mark.long) for mb in range(120, 1000, 30))]
)
def test_a_limit_of_memory_never_tears_a_file(megabytes, tmp_path):
    (tmp_path / "big.yaml").write_text(BIG)
    limited = ["sh", "-c", f'ulimit -v {1000 * megabytes}; exec "$@"', "sh"]
    result = spawn("train", "big.yaml", "-q", cwd=tmp_path, prefix=limited, env={"OPENBLAS_NUM_THREADS": "1"})
    # OpenBLAS does not check every allocation of its own: a process it takes down leaves whole files all the same.
    assert result.code in (0, 1, -signal.SIGSEGV, -signal.SIGABRT), result.err
    if result.code == 1:
        assert any(word in result.err.lower() for word in ("memory", "malloc"))
    for run in directory.all_runs(tmp_path / "runs"):
        check_whole(run)
