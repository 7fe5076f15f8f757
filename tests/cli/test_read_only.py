"""A run in a place that may only be read."""

import shutil

from .commands import files_in, spawn, without_privileges


def test_a_run_that_may_only_be_read_is_read(trained, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "runs" / "run")
    before = files_in(tmp_path / "runs")
    for path in (tmp_path / "runs").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    (tmp_path / "runs").chmod(0o555)
    for line in (["show", run], ["evaluate", run], ["diagnose", run]):
        result = spawn(*line, cwd=tmp_path, prefix=without_privileges())
        assert (result.code, bool(result.out)) == (0, True), result.err
        assert (result.err == "") == (line[0] != "diagnose")
    result = spawn("resume", run, "--epochs", 9, cwd=tmp_path, prefix=without_privileges())
    assert (result.code, result.out) == (4, "")
    assert result.err == (f"{run}: cannot be locked: permission denied; make it writable, or work on a copy of it\n")
    result = spawn("train", "no-such.yaml", cwd=tmp_path, prefix=without_privileges())
    assert (result.code, result.err) == (4, "runs: not writable; choose a writable place\n")
    assert files_in(tmp_path / "runs") == before
