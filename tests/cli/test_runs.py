"""`dlspec runs`: a line per run, whatever state it is in."""

import pytest

from dlspec.cli import console

from .commands import TINY, write


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def runs_dir(place, dlspec):
    """Three runs: two with Adam, one with plain gradient descent; and one whose record is damaged."""
    runs = place / "runs"
    if not runs.exists():
        config = write(place / "tiny.yaml", TINY)
        for flags in ([], ["optimizer.learning_rate=0.1"], ["optimizer=sgd"]):
            overrides = [word for flag in flags for word in ("--set", flag)]
            assert dlspec("train", config, "--runs-dir", runs, "-q", *overrides).code == 0
        (runs / "broken").mkdir()
        (runs / "broken" / "run.json").write_text("{")
        (runs / "other").mkdir()
    return runs


def test_a_line_per_run(runs_dir, dlspec):
    result = dlspec("runs", "--runs-dir", runs_dir)
    assert (result.code, result.err) == (0, "")
    head, *rows = result.out.splitlines()
    assert head.split() == ["run", "status", "dev_accuracy", "age", "epoch", "time", "dev_loss"]
    assert len(rows) == 4
    assert [row.split()[1] for row in rows] == ["finished"] * 3 + ["damaged"]


def test_conditions_and_order(runs_dir, dlspec):
    flags = ("--where", "optimizer.name == adam", "--sort", "-optimizer.learning_rate")
    found = dlspec("runs", "--runs-dir", runs_dir, *flags, "--json").json
    assert [run["optimizer.learning_rate"] for run in found] == [0.1, 0.001]
    assert [run["optimizer.name"] for run in found] == ["adam", "adam"]
    assert all(run["dev_error"] == pytest.approx(1 - run["dev_accuracy"]) for run in found)
    lines = dlspec("runs", "--runs-dir", runs_dir, *flags).out.splitlines()
    assert "optimizer.learning_rate" in lines[0].split()
    assert len(lines) == 3


@pytest.mark.parametrize(
    ("width", "flags", "columns"),
    [
        (80, [], ["status", "dev_accuracy", "age", "epoch", "time", "dev_loss"]),
        (60, [], ["status", "dev_accuracy", "age", "epoch"]),
        (80, ["--sort", "optimizer.learning_rate"], ["status", "optimizer.learning_rate", "dev_accuracy", "age"]),
        (80, ["--sort", "-seconds"], ["status", "time", "dev_accuracy", "age", "epoch", "dev_loss"]),
        (37, ["--where", "epoch >= 0"], ["status", "epoch"]),
    ],
)
def test_a_terminal_shows_the_columns_that_fit(width, flags, columns, runs_dir, dlspec, monkeypatch):
    monkeypatch.setattr(console, "room_of_terminal", lambda: width)
    result = dlspec("runs", "--runs-dir", runs_dir, *flags)
    head, *rows = result.out.splitlines()
    assert head.split() == ["run", *columns]
    note = [row for row in rows if row.startswith("         for lack of width without ")]
    assert len(note) == ("dev_loss" not in columns)
    assert not [row for row in rows if len(row) > width and row not in note]


def test_long_names_make_room_for_the_results(tmp_path, dlspec, monkeypatch):
    config = write(tmp_path / "tiny.yaml", TINY.replace("tiny", "n" * 60 + "-end"))
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "-q").code == 0
    monkeypatch.setattr(console, "room_of_terminal", lambda: 80)
    head, row, *_ = dlspec("runs", "--runs-dir", tmp_path / "runs").out.splitlines()
    assert head.split()[:3] == ["run", "status", "dev_accuracy"]
    name = row.split()[0]
    assert (len(name), name[8:16], name[-4:]) == (40, name[8:15] + "Z", "-end")
    assert "…" in name


def test_no_run_fits(runs_dir, dlspec):
    result = dlspec("runs", "--runs-dir", runs_dir, "--where", "epoch > 1000", "--json")
    assert (result.code, result.json) == (0, [])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--where", "optimizer.name = adam"], "expected KEY OP VALUE"),
        (["--where", "optimiser.name == adam"], "no run has 'optimiser.name'"),
        (["--runs-dir", "nowhere"], "nowhere: there is no such directory"),
    ],
)
def test_mistakes_are_one_line(runs_dir, dlspec, flags, words):
    result = dlspec("runs", "--runs-dir", runs_dir, *flags)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_an_empty_directory(tmp_path, dlspec):
    result = dlspec("runs", "--runs-dir", tmp_path)
    assert (result.code, len(result.out.splitlines())) == (0, 1)
