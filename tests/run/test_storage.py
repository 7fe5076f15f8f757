"""Writing: a file is whole or as it was, whatever call of the system fails."""

import contextlib
import errno
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from dlspec.errors import RunBusyError, RunError, UsageError
from dlspec.run import storage
from dlspec.run.storage import FileSystem

from .faults import OPERATIONS, Counting, Dying, Failing, Killed, Short, once, onwards

OLD, NEW = b"old content\n", bytes(range(256)) * 40
WRITE_CALLS = ["create", "write", "fsync", "close", "replace", "sync_directory"]
RENAMED_AFTER = WRITE_CALLS.index("replace")
FAULTS = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EINTR]
BUSY = (errno.EROFS, errno.EACCES)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(OLD)
    return path


@pytest.fixture
def on(monkeypatch):
    """Puts a file system in the place of the real one, until the end of the test or the next."""

    def put(filesystem):
        monkeypatch.setattr(storage, "filesystem", filesystem)
        return filesystem

    return put


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


def open_descriptors():
    descriptors = Path("/proc/self/fd")
    return len(names_in(descriptors)) if descriptors.is_dir() else 0


def test_bytes_are_synced_before_the_rename_and_the_directory_after_it(file, on):
    system = on(Counting())
    storage.write_file(file, NEW)
    assert system.calls == WRITE_CALLS
    assert file.read_bytes() == NEW
    assert names_in(file.parent) == ["report.json"]


@pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
@pytest.mark.parametrize("number", range(len(WRITE_CALLS)))
def test_a_failing_call_leaves_the_old_file_or_the_new_one(number, code, file, on):
    before = open_descriptors()
    on(Failing(once(number), code))
    with pytest.raises(RunError) as caught:
        storage.write_file(file, NEW)
    assert file.read_bytes() == (OLD if number <= RENAMED_AFTER else NEW)
    assert names_in(file.parent) == ["report.json"]  # no temporary is left
    assert (type(caught.value) is RunBusyError) == (code in BUSY)
    (message,) = caught.value.problems
    assert message.startswith(f"{file}: cannot write: {os.strerror(code).lower()}")
    assert ("MB are free" in message) == (code in (errno.ENOSPC, errno.EDQUOT))
    assert open_descriptors() == before


@pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
@pytest.mark.parametrize("number", range(RENAMED_AFTER + 1))
def test_where_no_call_works_any_more_the_old_file_stays(number, code, file, on):
    on(Failing(onwards(number), code))
    with pytest.raises(RunError, match=f"^{file}: cannot write: "):
        storage.write_file(file, NEW)
    assert file.read_bytes() == OLD


@pytest.mark.parametrize("number", range(len(WRITE_CALLS) + 1))
def test_a_kill_leaves_the_old_file_or_the_new_one_and_what_can_be_swept(number, file, on):
    before = open_descriptors()
    on(Dying(number))
    with contextlib.suppress(Killed):
        storage.write_file(file, NEW)
    on(FileSystem())
    assert file.read_bytes() == (OLD if number <= RENAMED_AFTER else NEW)
    assert len(names_in(file.parent)) == (2 if 0 < number <= RENAMED_AFTER else 1)
    storage.sweep(file.parent)
    assert names_in(file.parent) == ["report.json"]
    assert open_descriptors() == before


def test_a_new_file_is_not_there_after_a_failure(tmp_path, on):
    on(Failing(once(1), errno.ENOSPC))
    with pytest.raises(RunError, match="free some space"):
        storage.write_file(tmp_path / "new.json", NEW)
    assert names_in(tmp_path) == []


def test_an_interruption_leaves_no_temporary(file, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        storage.write_file(file, NEW)
    assert file.read_bytes() == OLD
    assert names_in(file.parent) == ["report.json"]


@pytest.mark.parametrize("at_once", [1, 7, 4096])
def test_short_writes_are_continued(at_once, file, on):
    system = on(Short(onwards(0), at_once))
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
def test_a_directory_that_cannot_be_made(code, error, tmp_path, on):
    on(Failing(once(0), code))
    with pytest.raises(RunError) as caught:
        storage.make_directory(tmp_path / "run")
    assert type(caught.value) is error
    assert str(caught.value).startswith(f"{tmp_path / 'run'}: cannot create: ")
    assert not (tmp_path / "run").exists()


def test_parents_are_made_and_may_exist(tmp_path):
    storage.make_parents(tmp_path / "a" / "b")
    storage.make_parents(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_every_new_directory_is_synced_into_its_parent(tmp_path, on):
    system = on(Counting())
    storage.make_parents(tmp_path / "a" / "b")
    assert system.calls == ["mkdir", "sync_directory"] * 2


@pytest.mark.parametrize("below", ["file", "file/runs"])
def test_parents_that_are_files(below, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(RunError) as caught:
        storage.make_parents(tmp_path / below)
    assert str(caught.value).startswith(f"{tmp_path / below}: cannot create: a part of this path is a file")
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
    def test_one_call_per_line(self, tmp_path, on):
        system = on(Counting())
        appender = storage.Appender(tmp_path / "metrics.jsonl")
        appender.append('{"epoch": 1}')
        appender.append('{"epoch": "ü"}')
        appender.close()
        assert system.calls == ["open_append", "sync_directory", "write", "write", "fsync", "close"]
        assert (tmp_path / "metrics.jsonl").read_bytes() == '{"epoch": 1}\n{"epoch": "ü"}\n'.encode()

    def test_an_older_file_grows(self, tmp_path):
        (tmp_path / "log.txt").write_text("old\n")
        appender = storage.Appender(tmp_path / "log.txt")
        appender.append("new")
        appender.close()
        assert (tmp_path / "log.txt").read_text() == "old\nnew\n"

    @pytest.mark.parametrize(
        ("length", "kept"),
        [
            (None, "one\ntwo ü\n"),  # half a line is cut
            (0, ""),
            (4, "one\n"),
            (11, "one\ntwo ü\n"),
            (15, "one\ntwo ü\nhalf"),
        ],
    )
    def test_an_older_file_is_cut(self, length, kept, tmp_path):
        (tmp_path / "metrics.jsonl").write_text("one\ntwo ü\nhalf")
        appender = storage.Appender(tmp_path / "metrics.jsonl", length=length)
        assert appender.size == len(kept.encode())
        appender.append("ß")
        appender.close()
        assert appender.size == len(kept.encode()) + 3
        assert (tmp_path / "metrics.jsonl").read_text() == kept + "ß\n"

    @pytest.mark.parametrize(("content", "length"), [(b"12345678\n", 10), (None, 1)])
    def test_an_older_file_that_is_too_short(self, content, length, tmp_path):
        path = tmp_path / "metrics.jsonl"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RunError) as caught:
            storage.Appender(path, length=length)
        assert str(caught.value).startswith(f"{path}: has {length - 1} bytes, expected at least {length}; ")
        assert names_in(tmp_path) == ([] if content is None else ["metrics.jsonl"])

    def test_the_size_counts_bytes(self, tmp_path):
        appender = storage.Appender(tmp_path / "metrics.jsonl")
        assert appender.size == 0
        appender.append("ü")
        assert appender.size == 3
        appender.close()

    @pytest.mark.parametrize("number", range(3))
    def test_a_failure_to_open_frees_the_descriptor(self, number, tmp_path, on):
        (tmp_path / "log.txt").write_text("half a line")
        before = open_descriptors()
        on(Failing(once(number), errno.EIO))
        with pytest.raises(RunError, match="cannot open"):
            storage.Appender(tmp_path / "log.txt")
        assert open_descriptors() == before

    def test_a_short_write_is_continued(self, tmp_path, on):
        on(Short(onwards(0), 2))
        appender = storage.Appender(tmp_path / "log.txt")
        appender.append("a line of text")
        appender.close()
        assert (tmp_path / "log.txt").read_text() == "a line of text\n"

    @pytest.mark.parametrize(("method", "action"), [("append", "append"), ("sync", "sync")])
    @pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
    def test_a_failure_names_the_file(self, method, action, code, tmp_path, on):
        appender = storage.Appender(tmp_path / "log.txt")
        appender.append("first")
        on(Failing(once(0), code))
        with pytest.raises(RunError) as caught:
            getattr(appender, method)(*(["second"] if method == "append" else []))
        appender.close()
        assert str(caught.value).startswith(f"{tmp_path / 'log.txt'}: cannot {action}: ")
        assert (type(caught.value) is RunBusyError) == (code in BUSY)
        assert (tmp_path / "log.txt").read_text().startswith("first\n")

    def test_closing_syncs_first(self, tmp_path, on):
        appender = storage.Appender(tmp_path / "log.txt")
        system = on(Counting())
        appender.close()
        assert system.calls == ["fsync", "close"]

    @pytest.mark.parametrize(("number", "action"), [(0, "sync"), (1, "close")])
    def test_closing_frees_the_descriptor_even_where_it_fails(self, number, action, tmp_path, on):
        before = open_descriptors()
        appender = storage.Appender(tmp_path / "log.txt")
        system = on(Failing(once(number), errno.EIO))
        with pytest.raises(RunError, match=f"log.txt: cannot {action}: input/output error"):
            appender.close()
        assert system.calls == ["fsync", "close"]
        assert open_descriptors() == before

    def test_a_file_that_cannot_be_opened(self, tmp_path):
        with pytest.raises(RunError, match="cannot open: the directory is gone"):
            storage.Appender(tmp_path / "gone" / "log.txt")


def test_removing(file, on):
    system = on(Counting())
    storage.remove(file)
    storage.remove(file)
    assert names_in(file.parent) == []
    assert system.calls == ["unlink", "unlink"]


def test_what_cannot_be_removed(file, on):
    on(Failing(once(0), errno.EACCES))
    with pytest.raises(RunBusyError, match=f"^{file}: cannot remove: permission denied"):
        storage.remove(file)


def test_renaming(file, on):
    system = on(Counting())
    storage.rename(file, file.with_name("damaged-report.json"))
    assert (file.parent / "damaged-report.json").read_bytes() == OLD
    assert names_in(file.parent) == ["damaged-report.json"]
    assert system.calls == ["replace", "sync_directory"]


def test_what_cannot_be_renamed(file):
    with pytest.raises(RunError, match=r"cannot rename to b\.h5: the directory is gone"):
        storage.rename(file.parent / "gone" / "a.h5", file.parent / "gone" / "b.h5")


def test_sweeping_removes_what_a_killed_writer_left_and_nothing_else(tmp_path):
    kept = [".lock", ".notes.tmp", "a.12.tmp", "best.h5", ".best.h5.12x.tmp", ".12.tmp"]
    for name in (*kept, ".best.h5.12.tmp", ".a.b.1234567.tmp"):
        (tmp_path / name).write_text("")
    storage.sweep(tmp_path)
    assert names_in(tmp_path) == sorted(kept)


def test_sweeping_where_there_is_nothing(tmp_path):
    storage.sweep(tmp_path)
    storage.sweep(tmp_path / "gone")
    assert names_in(tmp_path) == []


def test_the_seam_is_whole():
    """A method added to the file system is one that the doubles count."""
    assert sorted(OPERATIONS) == sorted(
        ["create", "open_append", "write", "truncate", "fsync", "close", "replace", "unlink", "mkdir", "sync_directory"]
    )


# --- files written in parts ------------------------------------------------------------------------------


def write_parts(path):
    with storage.new_file(path) as file:
        file.write(NEW[:100])
        file.write(NEW[100:])


def write_hdf5(path):
    with storage.new_hdf5(path) as file:
        dataset = file.create_dataset("x", shape=(1000, 3), dtype="f4", chunks=(100, 3), compression="gzip")
        for start in range(0, 1000, 250):
            dataset[start : start + 250] = start
        file.attrs["names"] = ["a", "b"]


def write_npz(path):
    with storage.new_npz(path) as add:
        add("x", np.arange(60_000.0).reshape(20_000, 3))
        add("names", np.array(["a", "b"]))


@pytest.mark.parametrize("write", [write_parts, write_hdf5, write_npz])
def test_a_file_written_in_parts_appears_whole(write, file, on):
    system = on(Counting())
    before = open_descriptors()
    write(file)
    first = file.read_bytes()
    assert system.calls[0] == "create"
    assert system.calls[-4:] == WRITE_CALLS[-4:]
    write(file)
    assert file.read_bytes() == first  # no clock in it
    assert names_in(file.parent) == ["report.json"]
    assert open_descriptors() == before
    if write is write_hdf5:
        with h5py.File(file) as content:
            assert content["x"][:, 0].tolist() == np.repeat([0, 250, 500, 750], 250).tolist()
            assert content.attrs["names"].tolist() == ["a", "b"]
    elif write is write_npz:
        with np.load(file) as content:
            assert content["x"].tolist() == np.arange(60_000.0).reshape(20_000, 3).tolist()
            assert content["names"].tolist() == ["a", "b"]
    else:
        assert first == NEW


@pytest.mark.parametrize("write", [write_parts, write_hdf5, write_npz])
@pytest.mark.parametrize("operation", ["create", "first write", "last write", "fsync", "replace"])
def test_a_fault_while_it_is_written_leaves_the_old_file(write, operation, tmp_path, on):
    calls = on(Counting()).calls
    write(tmp_path / "other")
    last = len(calls) - 1 - calls[::-1].index("write")
    number = last if operation == "last write" else calls.index(operation.split()[-1])
    (tmp_path / "other").write_bytes(OLD)
    before = open_descriptors()
    on(Failing(once(number), errno.ENOSPC))
    with pytest.raises(RunError) as caught:
        write(tmp_path / "other")
    assert "cannot write: no space left on device" in str(caught.value)
    assert (tmp_path / "other").read_bytes() == OLD
    assert names_in(tmp_path) == ["other"]
    assert open_descriptors() == before


def test_an_error_in_the_midst_leaves_the_old_file(file):
    def interrupted():
        with storage.new_file(file) as content:
            content.write(NEW)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert file.read_bytes() == OLD
    assert names_in(file.parent) == ["report.json"]
