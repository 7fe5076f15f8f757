"""A run that diverged or was stopped leaves a page, which a run that goes on replaces by its own."""

import errno
import os

import pytest

from dlspec import run_page, runner, second_look, unfinished
from dlspec.run import storage
from dlspec.run.record import read_record
from dlspec.run.storage import FileSystem

from .resuming import content_of, stop_after, train

DIVERGES = ["optimizer={name: sgd, learning_rate: 1e6}"]


def page_of(run):
    return (run / "report.html").read_text()


def test_a_divergence_leaves_a_page_that_says_where_it_broke(tmp_path):
    run = train(tmp_path, "dropout", overrides=DIVERGES).run
    sizes = read_record(run)["sizes"]
    assert [name for name, _ in sizes] == [
        "the inputs", "layer 1, W1", "layer 1, b1", "layer 1, Z1", "layer 1, activation A1", "layer 1, dropout of A1",
        "layer 2, W2", "layer 2, b2", "layer 2, Z2",
    ]  # fmt: skip
    assert [size is None for _, size in sizes] == [False] * 8 + [True]
    for words in (">Diverged<", "first in layer 2, Z2", "optimizer.learning_rate=1<", ">not finite<", 'id="curves"'):
        assert words in page_of(run), words
    assert not (run / "report.json").exists()


def test_the_same_divergence_leaves_the_same_page(tmp_path):
    runs = [train(tmp_path / name, "dropout", overrides=DIVERGES).run for name in ("one", "two")]
    assert page_of(runs[0]) == page_of(runs[1])


@pytest.mark.parametrize("steps", [1, 7])
def test_a_stop_leaves_a_page_that_the_end_of_the_run_replaces(steps, tmp_path):
    whole = train(tmp_path / "whole", "dropout").run
    run = train(tmp_path / "stopped", "dropout", interrupted=stop_after(steps)).run
    assert ">Interrupted<" in page_of(run)
    assert f"Stopped after step {steps}." in page_of(run)
    runner.resume(run)
    assert content_of(run) == content_of(whole)


def test_what_said_how_the_session_before_ended_is_left_behind(tmp_path):
    run = train(tmp_path, "dropout", overrides=DIVERGES).run
    runner.resume(run, overrides=["optimizer.learning_rate=1e-9"], interrupted=stop_after(1))
    assert not {"advice", "sizes"} & read_record(run).keys()
    known = unfinished.read(run)
    assert (known.status, known.actions, known.sizes) == ("interrupted", [], [])


def test_a_page_that_cannot_be_written_changes_nothing_about_the_end(tmp_path, monkeypatch):
    class NoPages(FileSystem):
        def create(self, path):
            if "report.html" in path.name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return super().create(path)

    monkeypatch.setattr(storage, "filesystem", NoPages())
    outcome = train(tmp_path, "dropout", interrupted=stop_after(3))
    assert (outcome.finished.reason, read_record(outcome.run)["status"]) == ("interrupted", "interrupted")
    assert not (outcome.run / "report.html").exists()


def test_a_finished_run_that_diverges_when_it_goes_on_tells_of_that(tmp_path):
    run = train(tmp_path, "plateau").run
    report = (run / "report.json").read_bytes()
    runner.resume(run, overrides=["training.epochs=20", "optimizer.learning_rate=1e30"])
    assert ">Diverged<" in page_of(run)
    second_look.rewrite(run, run_page.read(run))
    assert ">Diverged<" in page_of(run)
    assert (run / "report.json").read_bytes() == report
