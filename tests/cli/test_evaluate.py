"""`dlspec evaluate`: the same numbers as the report, of every split and both sets of parameters."""

import json
import shutil

import pytest

from dlspec.run import checkpoint, checkpoints

from .commands import spawn, write, write_table


@pytest.fixture(scope="module")
def cats(tmp_path_factory):
    """A run on a table of three classes, to be copied before it is changed."""
    place = tmp_path_factory.mktemp("cats")
    write_table(place / "cats.csv", ["no", "perhaps", "yes"])
    config = write(
        place / "cats.yaml", "name: cats\ndata: {path: cats.csv}\ntraining: {epochs: 5}\nevaluation: {test: true}\n"
    )
    assert spawn("train", config, "-q", cwd=place).code == 0
    return place


@pytest.fixture
def copy(cats, tmp_path):
    """A copy of that project: (its directory, the run in it)."""
    place = shutil.copytree(cats, tmp_path / "copy")
    (run,) = (place / "runs").iterdir()
    return place, run


def test_all_splits_equal_the_report_exactly(trained, dlspec):
    run, _ = trained
    report = json.loads((run / "report.json").read_text())
    result = dlspec("evaluate", run, "--split", "all", "--json")
    assert result.code == 0
    assert result.json == {
        "run": str(run), "parameters": "best", "epoch": report["epoch"], "splits": report["splits"]
    }  # fmt: skip


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_one_split(split, trained, dlspec):
    run, _ = trained
    report = {measured["split"]: measured for measured in json.loads((run / "report.json").read_text())["splits"]}
    assert dlspec("evaluate", run, "--split", split, "--json").json["splits"] == [report[split]]


def test_the_last_parameters_are_those_of_the_last_epoch(trained, dlspec):
    run, _ = trained
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    best = json.loads((run / "report.json").read_text())["epoch"]
    assert best < last["epoch"]  # else both are the same
    result = dlspec("evaluate", run, "--parameters", "last", "--json").json
    assert (result["parameters"], result["epoch"]) == ("last", last["epoch"])
    (dev,) = result["splits"]
    assert (dev["cost"], dev["loss"], dev["accuracy"]) == (last["dev_cost"], last["dev_loss"], last["dev_accuracy"])


def test_a_full_run_is_evaluated_on_its_last_parameters(copy, dlspec):
    _, run = copy
    report = json.loads((run / "report.json").read_text())
    result = dlspec("evaluate", run, "--split", "all", "--json").json
    assert (result["parameters"], result["epoch"], result["splits"]) == ("last", 5, report["splits"])


def test_the_text_has_a_table_per_question(trained, dlspec):
    run, _ = trained
    result = dlspec("evaluate", run)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith(f"{run}, best parameters, epoch ")
    assert lines[2].split() == ["split", "examples", "accuracy", "f1", "loss", "cost"]
    assert lines[3].split()[:2] == ["dev", "12"]
    assert "dev: classes" in lines
    assert any(line.startswith("mean (macro)") for line in lines)
    assert "dev: confusion matrix" in lines


@pytest.mark.parametrize("inside", ["", "checkpoints/best.h5", "report.md"])
def test_a_run_is_found_by_any_path_inside(inside, trained, dlspec):
    run, _ = trained
    assert dlspec("evaluate", run / inside, "--json").code == 0


@pytest.mark.parametrize("by_name", [True, False], ids=["name", "latest"])
def test_a_run_is_found_under_the_runs_directory(by_name, trained, dlspec):
    run, _ = trained
    result = dlspec("evaluate", run.name if by_name else "latest", "--runs-dir", run.parent, "--json")
    assert result.json["run"] == str(run)


@pytest.mark.parametrize("text", ["latest", "nothing", "no/such/run"])
def test_an_unknown_run(text, tmp_path, dlspec, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = dlspec("evaluate", text)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--split", "everything"], "invalid value for '--split': 'everything' is not one of"),
        (["--parameters", "first"], "invalid value for '--parameters': 'first' is not one of"),
        ([], "missing argument 'RUN'"),
    ],
)
def test_wrong_usage(flags, words, dlspec):
    result = dlspec("evaluate", *flags)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.endswith("evaluate --help\n")


def test_a_split_that_does_not_exist(tmp_path, dlspec):
    config = write(
        tmp_path / "a.yaml",
        "data: {synthetic: moons, examples: 60, split: {ratios: 70/30}}\ntraining: {epochs: 1}\n",
    )
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs").code == 0
    result = dlspec("evaluate", "latest", "--runs-dir", tmp_path / "runs", "--split", "test")
    assert result.code == 2
    assert result.err.endswith("has no test split; expected one of: train, dev, all\n")


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "other"])
def test_a_damaged_checkpoint_is_named(damage, copy, dlspec):
    _, run = copy
    file = checkpoints.of_name(run, "last")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[-1000] ^= 1
    file.write_bytes({"flipped": data, "short": data[:-1], "empty": b"", "other": b"\x89HDF\r\n\x1a\n"}[damage])
    result = dlspec("evaluate", run)
    assert (result.code, result.out) == (1, "")
    (line,) = result.err.splitlines()
    assert line.startswith(f"{file}: ")
    assert "damaged" in line


def test_a_missing_checkpoint(copy, dlspec):
    _, run = copy
    checkpoints.of_name(run, "last").unlink()
    result = dlspec("evaluate", run)
    assert result.code == 1
    assert result.err == f"{run / 'checkpoints' / 'last.h5'}: no checkpoint yet; the run is finished\n"


def test_a_checkpoint_of_another_architecture(copy, trained, dlspec):
    _, run = copy
    shutil.copy(checkpoints.of_name(trained[0], "last"), checkpoints.of_name(run, "last"))
    result = dlspec("evaluate", run)
    assert (result.code, result.out) == (2, "")  # its features are not those of the data
    assert len(result.err.splitlines()) == 1


def test_changed_data_are_measured_with_a_warning(copy, dlspec):
    place, run = copy
    before = dlspec("evaluate", run, "--json").json["splits"][0]
    table = place / "cats.csv"
    table.write_text(table.read_text().replace(",0.", ",7."))
    result = dlspec("evaluate", run, "--json")
    assert result.code == 0
    assert result.err.startswith("warning: the data has changed since this run was trained")
    assert result.json["splits"][0]["cost"] != before["cost"]


def test_data_with_a_new_class_are_refused(copy, dlspec):
    place, run = copy
    with (place / "cats.csv").open("a") as table:
        table.write("".join(f"5.{number},0.5,another\n" for number in range(20)))  # sorts before the other classes
    result = dlspec("evaluate", run, "--json")
    assert (result.code, result.out) == (2, "")
    assert "another" in result.err


def test_data_with_swapped_columns_are_refused(copy, dlspec):
    place, run = copy
    rows = [row.split(",") for row in (place / "cats.csv").read_text().splitlines()]
    (place / "cats.csv").write_text("".join(f"{b},{a},{label}\n" for a, b, label in rows))
    result = dlspec("evaluate", run, "--json")
    assert (result.code, result.out) == (2, "")


def test_data_that_are_gone(copy, dlspec):
    place, run = copy
    (place / "cats.csv").unlink()
    result = dlspec("evaluate", run)
    assert result.code == 2
    assert "there is no file" in result.err
    assert "cats.csv" in result.err
    assert len(result.err.splitlines()) == 1


def test_a_project_may_move(copy, dlspec, tmp_path):
    place, _ = copy
    moved = shutil.move(place, tmp_path / "moved")
    assert dlspec("evaluate", "latest", "--runs-dir", moved / "runs", "--json").code == 0


def test_evaluating_writes_nothing(copy, dlspec):
    place, run = copy
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    assert dlspec("evaluate", run, "--split", "dev").code == 0
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_the_checkpoint_knows_the_classes(copy):
    _, run = copy
    saved = checkpoint.load(checkpoints.of_name(run, "last"))
    assert saved.model["classes"] == ["no", "perhaps", "yes"]
    assert saved.model["feature_names"] == ["a", "b"]
