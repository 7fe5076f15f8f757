"""Whatever a person gives a command that it cannot use: a line that says what is wrong, and nothing is changed.

Every line of the tables in `wrong_files`, `wrong_runs` and `wrong_lines` is such an input.
"""

import shutil
from dataclasses import dataclass
from itertools import product

import pytest

from dlspec.cli import app

from . import wrong_files, wrong_runs
from .commands import spawn, without_privileges
from .wrong_files import CONTENTS, DATA
from .wrong_lines import (
    BESIDE,
    CONFIG_PATHS,
    FLAGS,
    LINES,
    NEW_EXPERIMENT,
    OPTIONS,
    PLACES,
    RUN_PATHS,
    RUNNING_EXPERIMENT,
    WITH_CONFIG,
    WITH_DATA,
)
from .wrong_runs import DAMAGE, RECORDS, RUN_COMMANDS

# A command that waits for a pipe or a device fails its test instead of stopping the suite.
pytestmark = pytest.mark.timeout(20)


@dataclass(frozen=True)
class Wrong:
    """A command line, and words of the message that say what is at fault."""

    arguments: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def name(self):
        return " ".join(self.arguments).encode("unicode_escape").decode()[:70]


def _with_config(command, config):
    return (command, *(config if word == "CONFIG" else word for word in WITH_CONFIG[command]))


def _in_turn(names, commands):
    """Each name with two commands, so that in the end every command has met something of every kind."""
    for position, name in enumerate(names):
        for step in range(2):
            yield name, commands[(position + step) % len(commands)]


def _files():
    for command, (path, word) in product(WITH_CONFIG, CONFIG_PATHS.items()):
        yield Wrong(_with_config(command, path), (word,))
    for name, command in _in_turn(CONTENTS, list(WITH_CONFIG)):
        yield Wrong(_with_config(command, f"content-{name}.yaml"), (f"content-{name}.yaml", CONTENTS[name][1]))
    for name, command in _in_turn(DATA, WITH_DATA):
        yield Wrong(_with_config(command, f"data-{name}.yaml"), (DATA[name][1],))
    for command, (path, word) in product(RUN_COMMANDS, RUN_PATHS.items()):
        yield Wrong((command, path, *BESIDE.get(command, ())), (word,))
    for place, word in PLACES.items():
        for line in ("train tiny.yaml", "ensemble tiny.yaml --seeds 2", "reproduce runs/good"):
            yield Wrong((*line.split(), "--runs-dir", place), (word,))
        yield Wrong(("init", place), (word,))
        for command in RUN_COMMANDS[:4]:
            yield Wrong((command, "latest", "--runs-dir", place), ())
        for command in ("runs", "compare"):
            yield Wrong((command, "--runs-dir", place), ())


def _options():
    for flag, word in FLAGS:
        yield Wrong(("train", "tiny.yaml", "--set", flag), ("--set", word))
        yield Wrong(("resume", "runs/good", "-q", "--set", flag), ("--set",))
    for flag in NEW_EXPERIMENT:
        yield Wrong(("train", "tiny.yaml", "--set", flag), (f"--set {flag}",))
    for flag in RUNNING_EXPERIMENT:
        yield Wrong(("resume", "runs/good", "-q", "--set", flag), (f"--set {flag}", "cannot change"))
    for line, word in LINES:
        yield Wrong(tuple(line.split()), (word,))
    for line, values in OPTIONS.items():
        for value in values:
            yield Wrong((*line.split(), value), (line.split()[-1] if value else "empty argument",))


CASES = [*_files(), *_options()]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A directory with every wrong file and one run in which nothing is wrong, and what it looks like."""
    place = tmp_path_factory.mktemp("world")
    wrong_files.build(place)
    wrong_runs.stopped(place / "tiny.yaml", place)
    return place, look_of(place)


def look_of(place):
    """Every name below, when it was changed, and its content. A lock is opened and closed."""
    return {
        path.relative_to(place).as_posix(): (
            path.lstat().st_mode,
            path.name == ".lock" or path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in place.rglob("*")
    }


def check_message(result, words):
    assert (result.code in (1, 2, 4), result.out) == (True, ""), result
    assert "Traceback" not in result.err
    lines = result.err.splitlines()
    assert lines
    assert all(line.isprintable() and len(line) < 1_200 for line in lines), lines
    for word in words:
        assert word in result.err


@pytest.mark.parametrize("wrong", CASES, ids=lambda wrong: wrong.name)
def test_a_wrong_input(wrong, world, dlspec, monkeypatch):
    place, before = world
    monkeypatch.chdir(place)
    result = dlspec(*wrong.arguments)
    check_message(result, wrong.words)
    assert look_of(place) == before


@pytest.fixture
def run(world, tmp_path, monkeypatch):
    """A copy of the good run beside it, `runs/bad` of the working directory."""
    place, _ = world
    shutil.copytree(place / "runs", tmp_path / "runs")
    shutil.copytree(place / "runs" / "good", tmp_path / "runs" / "bad")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs" / "bad"


@pytest.mark.parametrize(("name", "command"), [*_in_turn(RECORDS, RUN_COMMANDS)])
def test_a_wrong_record(name, command, run, dlspec):
    wrong_runs.with_record(run, RECORDS[name])
    before = look_of(run.parent)
    result = dlspec(command, "runs/bad", *BESIDE.get(command, ()))
    check_message(result, ["runs/bad/run.json"])
    assert (result.code, len(result.err.splitlines())) == (1, 1)
    assert look_of(run.parent) == before


@pytest.mark.parametrize(
    ("name", "command"), [(name, command) for name, (_, commands) in DAMAGE.items() for command in commands]
)
def test_a_damaged_run(name, command, run, dlspec):
    damage, _ = DAMAGE[name]
    damage(run)
    before = look_of(run.parent)
    check_message(dlspec(command, "runs/bad", *BESIDE.get(command, ())), ["runs/bad"])
    assert look_of(run.parent) == before


def test_a_damaged_neighbour_is_told_where_the_newest_run_is_asked_for_and_nowhere_else(run, dlspec):
    (run / "run.json").write_bytes(b"")
    assert dlspec("show", "runs/good").code == 0
    assert dlspec("show", "nothing").err.startswith("nothing: no such run; ")
    assert dlspec("show", "latest").err.startswith("runs/bad/run.json: is no JSON")


@pytest.mark.parametrize("command", ["train", "validate"])
def test_a_file_that_may_not_be_read(command, tmp_path):
    path = tmp_path / "exp.yaml"
    path.write_text("data: {synthetic: moons}\n")
    path.chmod(0)
    result = spawn(command, path, cwd=tmp_path, prefix=without_privileges())
    check_message(result, [f"{path}: the file cannot be read: Permission denied"])


def test_every_command_is_given_wrong_inputs():
    commands = set(app.COMMANDS)
    assert commands == {wrong.arguments[0] for wrong in CASES if wrong.arguments} & commands
    assert len(CASES) + 2 * len(RECORDS) + sum(len(each) for _, each in DAMAGE.values()) >= 500
