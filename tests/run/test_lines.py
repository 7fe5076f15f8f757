"""Lines that are gathered: nothing waits for long, nothing is written twice, nothing is lost but by a kill."""

import errno

import pytest

from dlspec.errors import RunError
from dlspec.run import storage
from dlspec.run.lines import Lines

from .faults import Counting, Failing, once
from .telling import Clock


def test_the_lines_of_a_tenth_of_a_second_are_one_call(tmp_path, monkeypatch):
    clock, path = Clock(), tmp_path / "metrics.jsonl"
    lines = Lines(path, clock=clock)
    monkeypatch.setattr(storage, "filesystem", system := Counting())
    seen = []
    for number in range(6):
        lines.append(f"line {number} ü")
        seen.append(len(path.read_text().splitlines()))
        clock.now += 0.05
    assert seen == [1, 1, 3, 3, 5, 5]
    assert lines.sync() == len(path.read_bytes())
    assert path.read_text() == "".join(f"line {number} ü\n" for number in range(6))
    assert system.calls == ["write"] * 4 + ["fsync"]
    lines.close()


@pytest.mark.parametrize("end", ["write", "sync", "close"])
def test_what_waits_is_written(end, tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("old\n")
    lines = Lines(path, clock=Clock())
    for line in ("one", "two", "three"):
        lines.append(line)
    assert path.read_text() == "old\none\n"
    getattr(lines, end)()
    assert path.read_text() == "old\none\ntwo\nthree\n"


def test_where_nothing_waits_nothing_is_called(tmp_path, monkeypatch):
    lines = Lines(tmp_path / "log.txt", clock=Clock())
    monkeypatch.setattr(storage, "filesystem", system := Counting())
    lines.write()
    assert system.calls == []
    lines.close()


def test_a_failure_is_told_once_and_what_was_waiting_is_not_tried_again(tmp_path, monkeypatch):
    path = tmp_path / "metrics.jsonl"
    lines = Lines(path, clock=Clock())
    for line in ("first", "second", "third"):
        lines.append(line)
    with monkeypatch.context() as patch:
        patch.setattr(storage, "filesystem", Failing(once(0), errno.ENOSPC))
        with pytest.raises(RunError, match="cannot append: no space left on device") as caught:
            lines.write()
    assert str(caught.value).startswith(f"{path}: ")
    lines.close()
    assert path.read_text().startswith("first\n")
    assert path.read_text().count("second") <= 1
    Lines(path).close()
    assert path.read_text().endswith("\n")  # half a line is cut
