"""Run directories: made once each, locked by one, found by what a person types."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from dlspec.config.experiment import Experiment
from dlspec.errors import RunBusyError, RunError, UsageError
from dlspec.run import directory

NOW = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
STAMP = "20260203T040506Z"


@pytest.fixture
def runs_dir(tmp_path):
    return tmp_path / "runs"


def make_run(runs_dir, *, name="moons", now=NOW, started="2026-02-03T04:05:06+00:00"):
    """A run directory with its record."""
    run = directory.create(runs_dir, name=name, now=now)
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.h5").write_bytes(b"")
    (run / directory.RUN_FILE).write_text(json.dumps({"started": started, "process": {"pid": 4711, "host": "deep"}}))
    return run


TOO_LONG = "x" * 300


class TestCreate:
    def test_names_are_the_stamp_the_name_and_a_number_from_the_second_on(self, runs_dir):
        runs = [directory.create(runs_dir, name="moons", now=NOW) for _ in range(3)]
        assert runs == [runs_dir / f"{STAMP}-moons{suffix}" for suffix in ("", "-2", "-3")]
        assert all(run.is_dir() for run in runs)

    def test_the_stamp_is_in_utc(self, runs_dir):
        east = NOW.astimezone(timezone(timedelta(hours=9)))
        assert directory.create(runs_dir, name="moons", now=east).name == f"{STAMP}-moons"

    def test_a_file_that_has_the_name_is_left_alone(self, runs_dir):
        runs_dir.mkdir()
        (runs_dir / f"{STAMP}-moons").write_text("kept")
        assert directory.create(runs_dir, name="moons", now=NOW).name == f"{STAMP}-moons-2"
        assert (runs_dir / f"{STAMP}-moons").read_text() == "kept"

    def test_a_runs_dir_that_is_a_file(self, tmp_path):
        (tmp_path / "runs").write_text("kept")
        with pytest.raises(RunError, match="runs: cannot create"):
            directory.create(tmp_path / "runs", name="moons", now=NOW)

    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", "../up", "a/b", "/etc", ".hidden", "a\0b", "a\nb", "a\n", "a b", "a:b", "a\\b", "~", "$HOME",
         "a;b", "*", "\x1b[31m", "ü", "x" * 101, "\u202e", "-\t"],
        ids=ascii,
    )  # fmt: skip
    def test_hostile_names_cannot_occur(self, name):
        with pytest.raises(ValidationError):
            Experiment.model_validate({"name": name, "data": {"synthetic": "moons"}})

    def test_200_processes_that_start_at_once_get_200_directories(self, runs_dir):
        script = """
import os, sys
from datetime import datetime
from pathlib import Path
from dlspec.run import directory

now = datetime.fromisoformat(sys.argv[2])
gate, opener = os.pipe()
for _ in range(200):
    if os.fork() == 0:
        os.close(opener)
        os.read(gate, 1)  # all wait here until the last one has been started
        path = directory.create(Path(sys.argv[1]), name="moons", now=now)
        (path / "mine").touch(exist_ok=False)
        os._exit(0)
os.close(opener)
sys.exit(sum(os.waitstatus_to_exitcode(os.wait()[1]) != 0 for _ in range(200)))
"""
        subprocess.run([sys.executable, "-c", script, str(runs_dir), NOW.isoformat()], check=True)
        expected = {f"{STAMP}-moons"} | {f"{STAMP}-moons-{number}" for number in range(2, 201)}
        assert {run.name for run in runs_dir.iterdir()} == expected
        assert all((run / "mine").exists() for run in runs_dir.iterdir())


@contextmanager
def other_writer(run):
    """A process that holds the lock until it is killed."""
    script = (
        "import sys, time; from pathlib import Path; from dlspec.run import directory\n"
        "with directory.locked(Path(sys.argv[1])):\n    print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(run)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


class TestLock:
    def test_a_second_writer_is_told_who_holds_it(self, runs_dir):
        run = make_run(runs_dir)
        with other_writer(run), pytest.raises(RunBusyError) as caught, directory.locked(run):
            pytest.fail("two writers")
        assert str(caught.value) == (
            f"{run}: another process (pid 4711 on deep) writes to this run; wait for it or stop it"
        )

    def test_a_holder_without_a_record_is_not_named(self, runs_dir):
        run = directory.create(runs_dir, name="moons", now=NOW)
        with other_writer(run), pytest.raises(RunBusyError, match="another process writes to this run"):
            directory.locked(run).__enter__()

    def test_the_lock_dies_with_its_owner(self, runs_dir):
        run = make_run(runs_dir)
        with other_writer(run) as process:
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            with directory.locked(run), pytest.raises(RunBusyError), directory.locked(run):
                pass  # the second one in is refused, so the first one did get the lock

    def test_the_lock_is_free_afterwards_and_after_an_error(self, runs_dir):
        run = make_run(runs_dir)
        with pytest.raises(ZeroDivisionError), directory.locked(run):
            _ = 1 / 0
        with directory.locked(run):
            pass

    def test_readers_are_not_kept_out(self, runs_dir):
        run = make_run(runs_dir)
        with directory.locked(run):
            assert directory.read_json(run / directory.RUN_FILE)["process"]["pid"] == 4711


class TestFind:
    @pytest.mark.parametrize(
        "inside", ["", "run.json", "checkpoints", "checkpoints/last.h5", "checkpoints/../run.json"]
    )
    def test_a_path_inside_or_the_run_itself(self, inside, runs_dir):
        run = make_run(runs_dir)
        assert directory.find(str(run / inside), runs_dir=runs_dir).resolve() == run.resolve()

    def test_a_path_relative_to_the_working_directory(self, runs_dir, monkeypatch):
        run = make_run(runs_dir)
        monkeypatch.chdir(run / "checkpoints")
        for text in ("last.h5", "..", "."):
            assert directory.find(text, runs_dir=runs_dir).resolve() == run.resolve()

    def test_a_name_under_the_runs_directory(self, runs_dir, tmp_path, monkeypatch):
        run = make_run(runs_dir)
        monkeypatch.chdir(tmp_path)
        assert directory.find(f"{STAMP}-moons", runs_dir=runs_dir) == run

    def test_latest_is_the_newest_start(self, runs_dir):
        make_run(runs_dir, now=NOW + timedelta(days=1))
        newest = make_run(runs_dir, name="a", now=NOW + timedelta(days=2))
        make_run(runs_dir, name="z")
        assert directory.find("latest", runs_dir=runs_dir) == newest

    def test_latest_within_one_second_goes_by_the_record(self, runs_dir):
        starts = ["04:05:06.1", "04:05:06.9", "04:05:06.5"]
        runs = [make_run(runs_dir, started=f"2026-02-03T{start}+00:00") for start in starts]
        assert directory.find("latest", runs_dir=runs_dir) == runs[1]

    def test_the_eleventh_run_of_a_second_is_later_than_the_second(self, runs_dir):
        runs = [make_run(runs_dir, started=f"2026-02-03T04:05:06.{number:02}+00:00") for number in range(11)]
        assert runs[-1].name.endswith("-11")
        assert directory.find("latest", runs_dir=runs_dir) == runs[-1]

    def test_a_directory_without_a_record_is_no_run(self, runs_dir):
        run = make_run(runs_dir)
        directory.create(runs_dir, name="moons", now=NOW + timedelta(days=1))
        (runs_dir / "99999999-file").write_text("")
        assert directory.all_runs(runs_dir) == [run]
        assert directory.find("latest", runs_dir=runs_dir) == run

    def test_a_renamed_run_is_not_the_latest_for_ever(self, runs_dir):
        old = make_run(runs_dir)
        old.rename(runs_dir / "keep-this-one")
        newest = make_run(runs_dir, now=NOW + timedelta(days=1), started="2026-02-04T04:05:06+00:00")
        assert directory.find("latest", runs_dir=runs_dir) == newest

    @pytest.mark.parametrize("text", ["latest", "nothing", "a/b", "", "\x00", TOO_LONG], ids=ascii)
    def test_nothing_there(self, text, runs_dir, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UsageError):
            directory.find(text, runs_dir=runs_dir)

    def test_a_wrong_name_is_told_the_newest(self, runs_dir, tmp_path):
        run = make_run(runs_dir)
        with pytest.raises(UsageError, match=f"the newest in {runs_dir} is {run.name}"):
            directory.find("nothing", runs_dir=runs_dir)
        with pytest.raises(UsageError, match=r"neither it nor a parent holds run\.json"):
            directory.find(str(tmp_path), runs_dir=runs_dir)


class TestJson:
    def test_round_trip(self, tmp_path):
        content = {"name": "größe", "value": 0.1, "none": None, "list": [1, 2]}
        (tmp_path / "a.json").write_bytes(directory.to_json(content))
        assert directory.read_json(tmp_path / "a.json") == content
        assert list(directory.read_json(tmp_path / "a.json")) == list(content)

    def test_what_is_not_finite_is_null(self):
        content = {"loss": float("nan"), "gaps": [{"low": -float("inf"), "high": 1.5}]}
        written = directory.to_json(content)
        assert json.loads(written) == {"loss": None, "gaps": [{"low": None, "high": 1.5}]}

    @pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"3", b'{"a": 1} x'])
    def test_damaged(self, content, tmp_path):
        (tmp_path / "run.json").write_bytes(content)
        with pytest.raises(RunError, match="the file is damaged") as caught:
            directory.read_json(tmp_path / "run.json")
        assert str(tmp_path / "run.json") in str(caught.value)

    def test_missing(self, tmp_path):
        with pytest.raises(RunError, match="cannot be read: no such file"):
            directory.read_json(tmp_path / "run.json")


def test_the_lock_file_is_no_obstacle_to_a_read_only_reader(runs_dir):
    run = make_run(runs_dir)
    assert not os.path.lexists(run / ".lock")
    assert directory.find(str(run), runs_dir=runs_dir) == run
    assert not os.path.lexists(run / ".lock")
