"""Writing: a file is whole or as it was, whatever call of the system fails."""

import errno
import os
from pathlib import Path

import pytest

from dlspec.errors import RunBusyError, RunError, UsageError
from dlspec.run import storage

from .faults import System, replaced

OLD, NEW = b"old content\n", bytes(range(256)) * 40
WRITE_CALLS = ["open", "write", "fsync", "close", "replace", "open", "fsync", "close"]
RENAMED_AFTER = WRITE_CALLS.index("replace")
FAULTS = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EINTR]
BUSY = (errno.EROFS, errno.EACCES)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(OLD)
    return path


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


def open_descriptors():
    descriptors = Path("/proc/self/fd")
    return len(names_in(descriptors)) if descriptors.is_dir() else 0


def test_bytes_are_synced_before_the_rename_and_the_directory_after_it(file, monkeypatch):
    with replaced(monkeypatch, System()) as system:
        storage.write_file(file, NEW)
    assert system.calls == WRITE_CALLS
    assert file.read_bytes() == NEW
    assert names_in(file.parent) == ["report.json"]


@pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
@pytest.mark.parametrize("number", range(len(WRITE_CALLS)))
def test_a_failing_call_leaves_the_old_file_or_the_new_one(number, code, file, monkeypatch):
    before = open_descriptors()
    with replaced(monkeypatch, System(fail_at=number, code=code)), pytest.raises(RunError) as caught:
        storage.write_file(file, NEW)
    assert file.read_bytes() == (OLD if number <= RENAMED_AFTER else NEW)
    assert names_in(file.parent) == ["report.json"]  # no temporary is left
    assert (type(caught.value) is RunBusyError) == (code in BUSY)
    (message,) = caught.value.problems
    assert message.startswith(f"{file}: cannot write: {os.strerror(code).lower()}")
    assert ("MB are free" in message) == (code in (errno.ENOSPC, errno.EDQUOT))
    assert open_descriptors() == before


def test_a_new_file_is_not_there_after_a_failure(tmp_path, monkeypatch):
    with replaced(monkeypatch, System(fail_at=1, code=errno.ENOSPC)), pytest.raises(RunError, match="free some space"):
        storage.write_file(tmp_path / "new.json", NEW)
    assert names_in(tmp_path) == []


def test_an_interruption_leaves_no_temporary(file, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            storage.write_file(file, NEW)
    assert file.read_bytes() == OLD
    assert names_in(file.parent) == ["report.json"]


@pytest.mark.parametrize("at_once", [1, 7, 4096])
def test_short_writes_are_continued(at_once, file, monkeypatch):
    with replaced(monkeypatch, System(at_once=at_once)) as system:
        storage.write_file(file, NEW)
    assert file.read_bytes() == NEW
    assert system.calls.count("write") == -(-len(NEW) // at_once)


def test_an_empty_file(tmp_path):
    storage.write_file(tmp_path / "empty", b"")
    assert (tmp_path / "empty").read_bytes() == b""


def test_a_directory_that_is_gone_is_named(tmp_path):
    with pytest.raises(RunError, match="the directory is gone") as caught:
        storage.write_file(tmp_path / "gone" / "a.json", NEW)
    assert str(tmp_path / "gone" / "a.json") in str(caught.value)


def test_a_directory_is_made_once(tmp_path):
    path = tmp_path / "run"
    assert storage.make_directory(path) is True
    (path / "file").write_text("kept")
    assert storage.make_directory(path) is False
    assert (path / "file").read_text() == "kept"


def test_a_file_of_that_name_is_no_new_directory(tmp_path):
    (tmp_path / "run").write_text("kept")
    assert storage.make_directory(tmp_path / "run") is False
    assert (tmp_path / "run").read_text() == "kept"


@pytest.mark.parametrize(("code", "error"), [(errno.EROFS, RunBusyError), (errno.ENOSPC, RunError)])
def test_a_directory_that_cannot_be_made(code, error, tmp_path, monkeypatch):
    with replaced(monkeypatch, System(fail_at=0, code=code)), pytest.raises(RunError) as caught:
        storage.make_directory(tmp_path / "run")
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"{tmp_path / 'run'}: cannot create: ")
    assert not (tmp_path / "run").exists()


def test_parents_are_made_and_may_exist(tmp_path):
    storage.make_parents(tmp_path / "a" / "b")
    storage.make_parents(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("below", ["file", "file/runs"])
def test_parents_that_are_files(below, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(RunError) as caught:
        storage.make_parents(tmp_path / below)
    assert str(tmp_path / below) in str(caught.value)
    assert (tmp_path / "file").read_text() == "kept"


def test_checking_writes_nothing(tmp_path):
    storage.check_writable(tmp_path / "a" / "b" / "c")
    storage.check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_checking_names_the_parent_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    for below in ("file", "file/a/b"):
        with pytest.raises(UsageError, match="is a file, not a directory") as caught:
            storage.check_writable(tmp_path / below)
        assert str(caught.value).startswith(f"{tmp_path / 'file'}: ")


def test_checking_names_the_parent_that_is_not_writable(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    with pytest.raises(RunBusyError) as caught:
        storage.check_writable(tmp_path / "a" / "b")
    assert str(caught.value) == f"{tmp_path}: not writable; choose a writable place"


class TestAppender:
    def test_one_call_per_line(self, tmp_path, monkeypatch):
        appender = storage.Appender(tmp_path / "metrics.jsonl")
        with replaced(monkeypatch, System()) as system:
            appender.append('{"epoch": 1}')
            appender.append('{"epoch": "ü"}')
        appender.close()
        assert system.calls == ["write", "write"]
        assert (tmp_path / "metrics.jsonl").read_bytes() == '{"epoch": 1}\n{"epoch": "ü"}\n'.encode()

    def test_an_older_file_grows(self, tmp_path):
        (tmp_path / "log.txt").write_text("old\n")
        appender = storage.Appender(tmp_path / "log.txt")
        appender.append("new")
        appender.close()
        assert (tmp_path / "log.txt").read_text() == "old\nnew\n"

    def test_a_short_write_is_continued(self, tmp_path, monkeypatch):
        appender = storage.Appender(tmp_path / "log.txt")
        with replaced(monkeypatch, System(at_once=2)):
            appender.append("a line of text")
        appender.close()
        assert (tmp_path / "log.txt").read_text() == "a line of text\n"

    @pytest.mark.parametrize(("method", "action"), [("append", "append"), ("sync", "sync")])
    @pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
    def test_a_failure_names_the_file(self, method, action, code, tmp_path, monkeypatch):
        appender = storage.Appender(tmp_path / "log.txt")
        appender.append("first")
        with replaced(monkeypatch, System(fail_at=0, code=code)), pytest.raises(RunError) as caught:
            getattr(appender, method)(*(["second"] if method == "append" else []))
        appender.close()
        assert str(caught.value).startswith(f"{tmp_path / 'log.txt'}: cannot {action}: ")
        assert (type(caught.value) is RunBusyError) == (code in BUSY)
        assert (tmp_path / "log.txt").read_text().startswith("first\n")

    def test_closing_syncs_first(self, tmp_path, monkeypatch):
        appender = storage.Appender(tmp_path / "log.txt")
        with replaced(monkeypatch, System()) as system:
            appender.close()
        assert system.calls == ["fsync", "close"]

    def test_closing_frees_the_descriptor_even_where_the_sync_fails(self, tmp_path, monkeypatch):
        appender = storage.Appender(tmp_path / "log.txt")
        with replaced(monkeypatch, System(fail_at=0)) as system, pytest.raises(RunError):
            appender.close()
        assert system.calls == ["fsync", "close"]

    def test_a_file_that_cannot_be_opened(self, tmp_path):
        with pytest.raises(RunError, match="cannot open: the directory is gone"):
            storage.Appender(tmp_path / "gone" / "log.txt")
