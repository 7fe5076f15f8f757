"""`dlspec init`: a project that trains, and nothing that was there is touched."""

import pytest

from dlspec import starter

from .commands import files_in, only_run, spawn


def test_the_project_trains(tmp_path):
    result = spawn("init", "project", cwd=tmp_path)
    assert (result.code, result.err) == (0, "")
    count = len(starter.files())
    assert result.out == f"project: {count} files; try: cd project && dlspec train configs/digits.yaml\n"
    project = tmp_path / "project"
    assert {path.name for path in project.iterdir()} == {"configs", "datasets", "runs"}
    trained = spawn("train", "configs/digits.yaml", "--set", "training.epochs=2", cwd=project)
    assert trained.code == 0
    assert only_run(project / "runs").name.endswith("-digits")


def test_the_files_are_those_of_the_clone(tmp_path, dlspec):
    assert dlspec("init", tmp_path / "new" / "project").code == 0
    written = files_in(tmp_path / "new" / "project")
    assert set(written) == {path.as_posix() for path in starter.files()}
    assert {"configs/digits.yaml", "configs/moons.yaml", "datasets/digits.h5", "datasets/iris.csv"} <= set(written)
    for name, content in written.items():
        assert content == (starter.source() / name).read_bytes()


def test_every_example_is_valid(tmp_path, dlspec):
    assert dlspec("init", tmp_path).code == 0
    configs = sorted((tmp_path / "configs").glob("*.yaml"))
    assert len(configs) >= 5
    for config in configs:
        result = dlspec("validate", config)
        assert result.code == 0, result.err


@pytest.mark.parametrize("existing", ["configs/iris.yaml", "datasets/digits.h5"])
def test_nothing_is_overwritten_and_then_nothing_written(existing, tmp_path, dlspec):
    file = tmp_path / existing
    file.parent.mkdir()
    file.write_text("mine")
    result = dlspec("init", tmp_path)
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        f"{file}: already there (1 of {len(starter.files())} files are); nothing was written; "
        "choose another directory\n"
    )
    assert files_in(tmp_path) == {existing: b"mine"}
    assert list(tmp_path.iterdir()) == [file.parent]


def test_other_files_are_left_alone(tmp_path, dlspec):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "runs").mkdir()
    assert dlspec("init", tmp_path).code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_place_that_is_a_file(below, tmp_path, dlspec):
    (tmp_path / "file").write_text("mine")
    result = dlspec("init", tmp_path / "file" / below)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("folder", ["configs", "datasets", "runs"])
def test_a_folder_that_is_a_file(folder, tmp_path, dlspec):
    (tmp_path / folder).write_text("mine")
    result = dlspec("init", tmp_path)
    assert result.code in (1, 2)
    assert str(tmp_path / folder) in result.err
    assert (tmp_path / folder).read_text() == "mine"
