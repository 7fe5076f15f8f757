"""`dlspec errors`: the worst errors to a file, and the tags that come back."""

import csv

import numpy as np
import pytest

from dlspec.measurement import open_run

from .commands import write

COLUMNS = ["row", "target", "true", "predicted", "probability", "loss", "tag_1", "tag_2", "tag_3", "comment"]
TASKS = {
    "classes": "{path: classes.csv}",
    "two": "{path: two.csv}",
    "labels": "{path: labels.csv, target: [y1, y2], task: multi_task}",
    "regression": "{path: numbers.csv, target: [y, z], task: regression}",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    rng = np.random.default_rng(1)
    place = tmp_path_factory.mktemp("errors")
    x = rng.standard_normal((150, 3))
    rows = [
        (f"{a:.5f},{b:.5f},{c:.5f}", ["=cmd()", "-2", "pla\x1bin"][k], int(k > 0))
        for (a, b, c), k in zip(x, rng.integers(0, 3, 150), strict=True)
    ]
    write(place / "classes.csv", "\n".join(["p,q,r,c", *(f"{x},{c}" for x, c, _ in rows)]) + "\n")
    write(place / "two.csv", "\n".join(["p,q,r,two", *(f"{x},{two}" for x, _, two in rows)]) + "\n")
    labels = [f"{x},{two},{'' if n % 5 == 0 else n % 2}" for n, (x, _, two) in enumerate(rows)]
    write(place / "labels.csv", "\n".join(["p,q,r,y1,y2", *labels]) + "\n")
    numbers = [f"{x},{a:.4f},{b:.4f}" for (x, _, _), (a, b, _) in zip(rows, x @ np.ones((3, 3)) + x, strict=True)]
    write(place / "numbers.csv", "\n".join(["p,q,r,y,z", *numbers]) + "\n")
    return place


@pytest.fixture
def trained(place, dlspec):
    """A function that gives the run of a task, trained once."""

    def run(task):
        runs = place / task
        if not runs.exists():
            config = write(place / f"{task}.yaml", f"data: {TASKS[task]}\nseed: 4\ntraining: {{epochs: 3}}\n")
            result = dlspec("train", config, "--runs-dir", runs, "-q", "--json")
            assert result.code == 0, result.err
        return next(runs.iterdir())

    return run


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(path, tags):
    """Write the tags of the rows, by their number in the file."""
    rows = table(path)
    for number, names in tags.items():
        rows[number] |= {f"tag_{k}": name for k, name in enumerate(names, start=1)}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("split", ["dev", "train"])
def test_the_file_agrees_with_the_report(task, split, trained, dlspec, tmp_path):
    run, out = trained(task), tmp_path / "errors.csv"
    result = dlspec("errors", run, "--out", out, "--split", split, "--examples", "1000", "--json")
    assert result.code == 0, result.err
    (measured,) = dlspec("evaluate", run, "--split", split, "--json").json["splits"]
    found = result.json
    assert found["error"] == pytest.approx(measured["error"], rel=1e-6)
    rows = table(out)
    assert list(rows[0]) == COLUMNS
    assert len(rows) == found["errors"]
    if task == "regression":
        assert found["error"] == pytest.approx(sum(float(row["loss"]) for row in rows) / found["decisions"], rel=1e-4)
    else:
        assert found["errors"] == round(found["error"] * found["decisions"])
        assert all(row["true"] != row["predicted"] and 0 < float(row["probability"]) <= 1 for row in rows)
    losses = [float(row["loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert all(row[name] == "" for row in rows for name in COLUMNS[6:])


def test_rows_are_those_of_the_source(trained, dlspec, place):
    run = trained("two")
    source = table(place / "two.csv")
    found = dlspec("errors", run, "--json", "--examples", "1000").json["worst"]
    assert found
    for mistake in found:
        assert source[mistake["row"] - 1]["two"] == mistake["true"] != mistake["predicted"]
    dev = open_run(run).dataset.splits["dev"]
    assert {mistake["row"] for mistake in found} <= set((dev.rows + 1).tolist())


def test_loss_and_probability_belong_together(trained, dlspec):
    for mistake in dlspec("errors", trained("two"), "--json").json["worst"]:
        assert mistake["loss"] == pytest.approx(-np.log(1 - mistake["probability"]), rel=1e-3)
        assert mistake["probability"] >= 0.5


def test_names_cannot_become_formulas_or_steer_a_terminal(trained, dlspec, tmp_path):
    out = tmp_path / "errors.csv"
    assert dlspec("errors", trained("classes"), "--out", out, "--examples", "1000").code == 0
    cells = {row[name] for row in table(out) for name in ("true", "predicted")}
    assert cells == {"'=cmd()", "-2", r"pla\x1bin"}
    assert "\x1b" not in dlspec("errors", trained("classes")).out


def test_the_tags_come_back(trained, dlspec, tmp_path):
    run, out = trained("classes"), tmp_path / "errors.csv"
    head = dlspec("errors", run, "--out", out, "--examples", "10", "--json").json
    fill(out, {0: ["blurry", "dark"], 1: ["Blurry"], 2: [" blurry "], 3: ["dark"]})
    found = dlspec("errors", run, "--tags", out, "--json").json
    assert (found["listed"], found["error"]) == (10, head["error"])
    error = head["error"]
    assert found["tags"] == [
        {"tag": "blurry", "count": 3, "share": pytest.approx(0.3), "error": pytest.approx(0.7 * error)},
        {"tag": "dark", "count": 2, "share": pytest.approx(0.2), "error": pytest.approx(0.8 * error)},
        {"tag": "", "count": 6, "share": pytest.approx(0.6), "error": pytest.approx(0.4 * error)},
    ]
    lines = dlspec("errors", run, "--tags", out).out.splitlines()
    assert lines[2].split() == ["tag", "errors", "share", "error", "if", "solved", "accuracy", "if", "solved"]
    assert lines[-1].startswith("note     10 of ")


def test_the_squared_errors_of_a_regression_weigh(trained, dlspec, tmp_path):
    run, out = trained("regression"), tmp_path / "errors.csv"
    whole = dlspec("errors", run, "--json", "--examples", "1000").json
    dlspec("errors", run, "--out", out, "--examples", "2")
    fill(out, {0: ["far"]})
    far = dlspec("errors", run, "--tags", out, "--json").json["tags"][0]
    share = whole["worst"][0]["loss"] / sum(mistake["loss"] for mistake in whole["worst"])
    assert (far["tag"], far["share"]) == ("far", pytest.approx(share, rel=1e-9))


def test_a_spreadsheet_may_write_semicolons_and_a_mark_at_the_start(trained, dlspec, tmp_path):
    run, out = trained("two"), tmp_path / "errors.csv"
    dlspec("errors", run, "--out", out, "--examples", "4")
    text = out.read_text().replace(",,,,", ",dog,,,").replace(",", ";").replace("\n", "\r\n")
    out.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (tag,) = dlspec("errors", run, "--tags", out, "--json").json["tags"]
    assert (tag["tag"], tag["count"]) == ("dog", 4)


def test_tags_are_not_overwritten(trained, dlspec, tmp_path):
    out = write(tmp_path / "errors.csv", "days of work\n")
    result = dlspec("errors", trained("two"), "--out", out)
    assert (result.code, out.read_text()) == (2, "days of work\n")
    assert "already there" in result.err
    assert dlspec("errors", trained("two"), "--out", out, "--force").code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no column row or target"),
        (b"row,target,true\n1,two,0\n", "has no column tag_1"),
        (b"row,target,tag_1\n", "has no row"),
        (b"row,target,tag_1\n9999,two,dog\n", ":2: row '9999', target 'two' is no error of this run on dev"),
        (b"row,target,tag_1\n\xff\n", "is not UTF-8"),
        (b"row,target,tag_1\n" + b"x" * 200_000, "cannot be read as CSV"),
        (None, "cannot be read: no such file"),
        ("twice", "is there twice"),
    ],
)
def test_files_that_are_not_of_this_run(content, words, trained, dlspec, tmp_path):
    path = tmp_path / "tags.csv"
    if content == "twice":
        dlspec("errors", trained("two"), "--out", path, "--examples", "1")
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines, lines[-1]]) + "\n")
    elif content is not None:
        path.write_bytes(content)
    result = dlspec("errors", trained("two"), "--tags", path)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert len(result.err.splitlines()) == 1


def test_a_run_without_errors(dlspec, tmp_path):
    write(tmp_path / "easy.csv", "\n".join(["a,y", *(f"{n - 50},{int(n > 50)}" for n in range(101))]) + "\n")
    config = write(
        tmp_path / "easy.yaml", "data: {train: easy.csv, dev: easy.csv}\noptimizer: {learning_rate: 0.5}\nseed: 1\n"
    )
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "-q").code == 0
    result = dlspec("errors", "latest", "--runs-dir", tmp_path / "runs")
    assert result.code == 0
    assert "wrong, 0.00 %" in result.out


def test_test_is_not_for_looking_at(trained, dlspec):
    assert dlspec("errors", trained("two"), "--split", "test").code == 2
