"""What is recorded of where a run was trained."""

import platform
import socket
import subprocess
from importlib.metadata import version

import pytest

from dlspec.run.environment import environment, process


def facts(source):
    return environment(threads=1, streams=1, source=source)


def git(place, *arguments):
    command = ["git", "-C", str(place), "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_the_facts_are_those_that_python_tells(tmp_path):
    found = facts(tmp_path / "a.yaml")
    assert found["platform"] == platform.platform()
    assert (found["numpy"], found["h5py"]) == (version("numpy"), version("h5py"))
    assert found["threads"] == 1
    assert process()["host"] == socket.gethostname()


def test_there_is_no_commit_without_a_repository_nor_before_the_first_one(tmp_path):
    assert facts(tmp_path / "a.yaml")["git"] is None
    git(tmp_path, "init", "-q")
    assert facts(tmp_path / "a.yaml")["git"] is None


@pytest.mark.parametrize(
    ("written", "staged", "changed"),
    [(None, False, False), ("seed: 2\n", False, True), ("seed: 2\n", True, True), ("seed: 1\n", False, False)],
)
def test_the_commit_and_whether_a_file_of_it_was_changed_since(tmp_path, written, staged, changed):
    source = tmp_path / "a.yaml"
    source.write_text("seed: 1\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a.yaml")
    git(tmp_path, "commit", "-q", "-m", "first")
    (tmp_path / "untracked.txt").write_text("no change\n")
    if written is not None:
        source.write_text(written)
    if staged:
        git(tmp_path, "add", "a.yaml")
    assert facts(source)["git"] == {"commit": git(tmp_path, "rev-parse", "HEAD"), "changed": changed}
