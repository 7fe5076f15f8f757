"""`dlspec split`: what it writes trains, what it says is true, and every mistake is one line."""

import json

import h5py
import numpy as np
import pytest
from PIL import Image

from dlspec.data import split_file

from .commands import only_run, write

EXPERIMENT = """\
seed: 3
data: {data}
architecture: {{layers: [{{units: 4}}]}}
training: {{epochs: 2}}
"""

TEST_TOO = ("--set", "evaluation.test=true")


def table(path, *, examples=120, extra=None):
    """A CSV file of two features and two classes; `extra` gives cells of a column `who` after the features."""
    rows = ["a,b,who,label" if extra else "a,b,label"]
    for row in range(examples):
        cells = [f"{row % 2 + row / 500:.4f}", f"{row * 37 % 101}", *([extra(row)] if extra else []), "yn"[row % 2]]
        rows.append(",".join(cells))
    path.write_text("\n".join(rows) + "\n")
    return path


def arrays(path, *, examples=120, **others):
    """The same in HDF5 or NPZ, with images, names of classes and an array beside them."""
    rng = np.random.default_rng(0)
    content = {
        "x": rng.integers(0, 255, size=(examples, 4, 3), dtype=np.uint8),
        "y": np.arange(examples) % 2,
        "who": np.arange(examples) // 4,
        "classes": np.array(["no", "yes"]),
        **others,
    }
    if path.suffix == ".npz":
        np.savez(path, **content)
        return path
    with h5py.File(path, "w") as file:
        for name, values in content.items():
            text = values.dtype.kind == "U"
            file.create_dataset(
                name, data=values.astype(object) if text else values, compression="gzip" if values.ndim else None
            )
        file["x"].attrs["feature_names"] = [f"p{j}" for j in range(12)]
        file.attrs["source"] = "made for a test"
    return path


def experiment(path, data):
    return write(path, EXPERIMENT.format(data=data))


def sizes(result):
    return {split["split"]: split["rows"] for split in result.json["splits"]}


# --- files that say which row is where -------------------------------------------------------------------


@pytest.mark.parametrize("out", ["digits.split.csv", "sub/digits.h5"])
def test_an_experiment_names_the_file(dlspec, tmp_path, out):
    data = arrays(tmp_path / "data.h5")
    result = dlspec("split", data, "--seed", 3, "--out", tmp_path / out, "--json")
    assert result.code == 0, result.err
    assert sizes(result) == {"train": 72, "dev": 24, "test": 24}
    assert result.json["files"] == {"split": str(tmp_path / out)}
    by_file = experiment(tmp_path / "file.yaml", f"{{path: data.h5, split: {{file: {out}}}}}")
    inline = experiment(tmp_path / "inline.yaml", "{path: data.h5}")
    reports = []
    for config in (by_file, inline):  # the same seed, so the same split and the same numbers
        runs = tmp_path / f"runs-{config.stem}"
        assert dlspec("train", config, "--runs-dir", runs, "--quiet", *TEST_TOO).code == 0
        reports.append((only_run(runs) / "report.json").read_text())
    assert reports[0] == reports[1]
    run = only_run(tmp_path / "runs-file")
    assert dlspec("train", run / "config.resolved.yaml", "--runs-dir", tmp_path / "again", "--quiet").code == 0
    assert (only_run(tmp_path / "again") / "report.json").read_text() == reports[0]
    assert dlspec("evaluate", run, "--split", "dev", "--json").json["splits"][0]["examples"] == 24


def test_the_file_lies_beside_the_data(dlspec, tmp_path):
    data = table(tmp_path / "my.data.csv")
    result = dlspec("split", data)
    assert result.code == 0
    assert (tmp_path / "my.data.split.csv").exists()
    assert f"wrote  {tmp_path / 'my.data.split.csv'}" in result.out
    assert f"use    data: {{path: {data}, split: {{file: {tmp_path / 'my.data.split.csv'}}}}}" in result.out
    again = dlspec("split", data)
    assert again.code == 2
    assert again.err == (
        f"{tmp_path / 'my.data.split.csv'}: already there; nothing was written; choose another name, or --force\n"
    )
    assert dlspec("split", data, "--seed", 2, "--force").code == 0
    assert split_file.read(tmp_path / "my.data.split.csv").made["seed"] == 2


def test_what_the_file_remembers(dlspec, tmp_path):
    data = table(tmp_path / "a.csv", extra=lambda row: f"p{row // 4}")
    flags = (
        "--strategy",
        "group",
        "--column",
        "who",
        "--ratios",
        "60/20/20",
        "--train-dev",
        "10%",
        "--drop-duplicates",
    )
    assert dlspec("split", data, *flags).code == 0
    content = split_file.read(tmp_path / "a.split.csv")
    assert content.made == {
        "data": "a.csv", "seed": 1, "ratios": "60/20/20", "strategy": "group", "column": "who", "train_dev": 0.1,
        "drop_duplicates": True,
    }  # fmt: skip
    assert content.columns == ("who",)
    assert content.data_hash == split_file.data_hash(data)
    assert content.m == 120
    config = experiment(tmp_path / "a.yaml", "{path: a.csv, split: {file: a.split.csv}}")
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "--quiet", *TEST_TOO).code == 0


def test_data_that_has_changed_is_refused(dlspec, tmp_path):
    data = table(tmp_path / "a.csv")
    assert dlspec("split", data).code == 0
    config = experiment(tmp_path / "a.yaml", "{path: a.csv, split: {file: a.split.csv}}")
    data.write_text(data.read_text().replace("37", "38", 1))
    result = dlspec("validate", config)
    assert result.code == 2
    assert result.err == (
        f"{tmp_path / 'a.split.csv'}: {data} is not the file that was split, or has changed since; split it again with "
        "dlspec split\n"
    )
    missing = dlspec("validate", config, "--set", f"data.split.file={tmp_path / 'none.csv'}")
    assert missing.code == 2
    assert f"data.split.file: there is no file {tmp_path / 'none.csv'}; check the path" in missing.err


def test_another_split_of_the_same_data_is_told_at_evaluation(dlspec, tmp_path):
    data = table(tmp_path / "a.csv")
    config = experiment(tmp_path / "a.yaml", "{path: a.csv, split: {file: a.split.csv}}")
    assert dlspec("split", data).code == 0
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "--quiet", *TEST_TOO).code == 0
    assert dlspec("split", data, "--force", "--seed", 2).code == 0
    assert "the data has changed" in dlspec("evaluate", only_run(tmp_path / "runs")).err


@pytest.mark.parametrize(
    "split",
    [
        "{strategy: group, column: who, train_dev: 10%}",
        "{strategy: hash, column: who, ratios: 60/20/20}",
        "{strategy: time, column: who, column_is_feature: true}",
        "{train_dev: 10%}",
    ],
)
def test_a_split_within_the_experiment_is_that_of_the_command(dlspec, tmp_path, split):
    data = table(tmp_path / "a.csv", extra=lambda row: str(row // 3))
    config = experiment(tmp_path / "a.yaml", f"{{path: a.csv, split: {split}}}")
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "--quiet", *TEST_TOO).code == 0
    run = only_run(tmp_path / "runs")
    settings = [pair.split(": ") for pair in split.strip("{}").split(", ")]
    flags = [
        flag
        for key, value in settings
        for flag in ([f"--{key.replace('_', '-')}"] if value == "true" else [f"--{key.replace('_', '-')}", value])
    ]
    result = dlspec("split", data, "--seed", 3, *flags, "--json")
    examples = {row["split"]: row["examples"] for row in json.loads((run / "report.json").read_text())["splits"]}
    assert examples == sizes(result)
    features = "column_is_feature: true, " if "true" in split else ""
    by_file = experiment(tmp_path / "b.yaml", f"{{path: a.csv, split: {{{features}file: a.split.csv}}}}")
    for again, runs in ((run / "config.resolved.yaml", "again"), (by_file, "by-file")):
        assert dlspec("train", again, "--runs-dir", tmp_path / runs, "--quiet", *TEST_TOO).code == 0
        assert (only_run(tmp_path / runs) / "report.json").read_text() == (run / "report.json").read_text()


# --- files of every split --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".h5", ".npz", ".csv", ".tsv"])
def test_a_file_for_every_split(dlspec, tmp_path, suffix):
    data = tmp_path / f"a{suffix}"
    if suffix in (".h5", ".npz"):
        arrays(data)
    else:
        table(data)
        data.write_text(data.read_text().replace(",", "\t" if suffix == ".tsv" else ","))
    result = dlspec("split", data, "--seed", 3, "--train-dev", "10%", "--materialize", tmp_path / "out", "--json")
    assert result.code == 0, result.err
    names = ("train", "train-dev", "dev", "test")
    places = ", ".join(f"{name.replace('-', '_')}: {tmp_path / 'out' / name}{suffix}" for name in names)
    again = dlspec("split", data, "--seed", 3, "--train-dev", "10%", "--materialize", tmp_path / "out", "--force")
    assert again.out.endswith(f"use    data: {{{places}}}\n")
    assert list(result.json["files"]) == list(names)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(f"{name}{suffix}" for name in names)
    files = ", ".join(f"{name.replace('-', '_')}: out/{name}{suffix}" for name in names)
    apart = experiment(tmp_path / "apart.yaml", f"{{{files}}}")
    inline = experiment(tmp_path / "inline.yaml", f"{{path: a{suffix}, split: {{train_dev: 10%}}}}")
    reports = []
    for config in (apart, inline):
        runs = tmp_path / f"runs-{config.stem}"
        assert dlspec("train", config, "--runs-dir", runs, "--quiet", *TEST_TOO).code == 0
        reports.append(json.loads((only_run(runs) / "report.json").read_text()))
    assert reports[0]["splits"] == reports[1]["splits"]
    assert [split["split"] for split in reports[0]["splits"]] == list(names)
    assert [gap["name"] for gap in reports[0]["diagnosis"]["gaps"]] == [
        "bias", "variance", "data mismatch", "overfitting to dev"
    ]  # fmt: skip
    evaluated = dlspec("evaluate", only_run(tmp_path / "runs-apart"), "--split", "train-dev", "--json").json["splits"]
    assert [(split["split"], split["examples"]) for split in evaluated] == [("train-dev", 7)]


def test_arrays_are_divided_and_everything_else_is_kept(dlspec, tmp_path):
    data = arrays(tmp_path / "a.h5", scale=np.array(2.5), notes=np.array(["x"] * 120))
    assert dlspec("split", data, "--ratios", "70/30", "--materialize", tmp_path / "out", "--json").code == 0
    with (
        h5py.File(data) as file,
        h5py.File(tmp_path / "out/train.h5") as train,
        h5py.File(tmp_path / "out/dev.h5") as dev,
    ):
        rows = np.concatenate((train["who"][:], dev["who"][:]))
        assert np.sort(rows).tolist() == file["who"][:].tolist()
        for part, size in ((train, 84), (dev, 36)):
            assert part.attrs["source"] == "made for a test"
            assert part["x"].attrs["feature_names"].tolist() == [f"p{j}" for j in range(12)]
            assert part["x"].dtype == np.uint8
            assert part["x"].compression == "gzip"
            assert part["x"].shape == (size, 4, 3)
            assert part["classes"].asstr()[:].tolist() == ["no", "yes"]
            assert part["scale"][()] == 2.5
            assert part["notes"].asstr()[:].tolist() == ["x"] * size
        split = dlspec("split", data, "--ratios", "70/30", "--json").json["files"]["split"]
    rows = split_file.read(type(data)(split)).rows
    with h5py.File(data) as file, h5py.File(tmp_path / "out/dev.h5") as dev:
        assert np.array_equal(file["x"][:][rows["dev"]], dev["x"][:])


def test_columns_that_the_split_went_by_are_left_out_of_tables(dlspec, tmp_path):
    data = table(tmp_path / "a.csv", extra=lambda row: f'"p, {row // 4}"')
    flags = ("--strategy", "group", "--column", "who", "--materialize", tmp_path / "out")
    assert dlspec("split", data, *flags).code == 0
    lines = (tmp_path / "out/dev.csv").read_text().splitlines()
    assert lines[0] == "a,b,label"
    assert len(lines) == 25
    assert set(lines[1:]) < {
        line.replace(f',"p, {row // 4}"', "") for row, line in enumerate(data.read_text().splitlines()[1:])
    }
    assert dlspec("split", data, *flags).code == 2
    assert dlspec("split", data, *flags, "--column-is-feature", "--force").code == 0
    lines = (tmp_path / "out/dev.csv").read_text().splitlines()
    assert lines[0] == "a,b,who,label"
    assert set(lines) < set(data.read_text().splitlines())


# --- what is said ----------------------------------------------------------------------------------------


def test_a_table_of_counts_per_class_and_split(dlspec, tmp_path):
    result = dlspec("split", table(tmp_path / "a.csv"))
    assert result.out.splitlines()[:6] == [
        f"{tmp_path / 'a.csv'}: 120 rows, stratified, 60/20/20, seed 1",
        "",
        "class  train   dev  test    all",
        "n         36    12    12     60",
        "y         36    12    12     60",
        "all       72    24    24    120",
    ]
    assert result.out.splitlines()[6].split() == ["share", "60", "%", "20", "%", "20", "%", "100", "%"]
    assert "ok       no two splits share a row\n" in result.out
    assert "ok       labels are distributed alike in all splits (p ≥ 0.001)\n" in result.out


def test_a_regression_has_no_classes(dlspec, tmp_path):
    path = write(tmp_path / "a.csv", "a,b,t\n" + "".join(f"{row},1,{row / 7}\n" for row in range(200)))
    result = dlspec("split", path, "--no-test")
    assert "200 rows, random, 70/30, seed 1" in result.out
    assert result.out.splitlines()[2].split() == ["train", "dev", "all"]
    assert "note     no test set: nothing will give an unbiased estimate of the error" in result.out
    sorted_by_time = dlspec("split", path, "--strategy", "time", "--column", "a", "--target", "t", "--force")
    assert "warning  labels of dev are distributed otherwise than those of train (p = " in sorted_by_time.out


def doubled(path):
    """120 rows of which every one stands twice, and one of them a third time."""
    lines = table(path).read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[1:], *lines[1:], lines[7]]) + "\n")
    return path


def test_identical_rows_in_two_splits_are_counted(dlspec, tmp_path):
    data = doubled(tmp_path / "a.csv")
    result = dlspec("split", data, "--json")
    rows = split_file.read(tmp_path / "a.split.csv").rows
    lines = np.array(data.read_text().splitlines()[1:])
    inputs = {name: [line.rsplit(",", 1)[0] for line in lines[part]] for name, part in rows.items()}
    expected = [
        {"split": two, "other": one, "rows": sum(row in inputs[one] for row in inputs[two])}
        for one, two in (("train", "dev"), ("train", "test"), ("dev", "test"))
    ]
    assert result.json["leaks"] == expected
    assert result.json["repeated"] == 121
    said = dlspec("split", data, "--force")
    count = expected[0]["rows"]
    assert f"warning  {count} rows of dev ({count / 48:.2%})".replace("%", " %") in said.out
    assert "also in train; --drop-duplicates keeps them together" in said.out


@pytest.mark.parametrize("strategy", ["auto", "random", "group", "time", "hash"])
def test_duplicates_are_kept_together(dlspec, tmp_path, strategy):
    by_column = strategy in ("group", "time", "hash")
    lines = table(tmp_path / "a.csv", extra=lambda row: f"{row}").read_text().splitlines()
    cells = [line.split(",") for line in lines[1:]]
    copies = [",".join([a, b, f"{int(who) + 1000}", label]) for a, b, who, label in cells]
    data = write(tmp_path / "a.csv", "\n".join([*lines, *copies]) + "\n")
    flags = ("--column", "who") if by_column else ("--target-column", "who", "--target-value", "none")[:0]
    if not by_column:
        data.write_text(
            "\n".join(line.replace(f",{line.split(',')[2]},", ",") for line in data.read_text().splitlines())
        )
    result = dlspec(
        "split", data, "--strategy", strategy, *flags, "--ratios", "60/20/20", "--drop-duplicates", "--json"
    )
    assert result.code == 0, result.err
    assert result.json["leaks"] == []
    assert result.json["repeated"] == 120
    if strategy != "hash":
        assert sizes(result) == {"train": 144, "dev": 48, "test": 48}


def test_a_dev_set_too_small_is_named_with_the_size_that_would_do(dlspec, tmp_path):
    data = table(tmp_path / "a.csv")
    result = dlspec("split", data, "--resolve", "0.5%")
    assert "warning  dev has 24 rows, too few to see a difference of 0.50 %; 13,830 would do" in result.out
    result = dlspec("split", data, "--resolve", "50%", "--force")
    assert "ok       dev is large enough to see a difference of 50.00 %" in result.out
    resolved = dlspec("split", data, "--resolve", "1%", "--force", "--json").json["resolve"]
    assert resolved == {"difference": 0.01, "dev_too_small": True, "enough": 3458}


def test_rows_are_not_looked_into_where_there_are_too_many(dlspec, tmp_path, monkeypatch):
    monkeypatch.setattr("dlspec.splitting.CHECKED_UP_TO", 100)
    data = arrays(tmp_path / "a.h5")
    result = dlspec("split", data, "--strategy", "random")
    assert "note     identical rows were not looked for; --check reads all rows" in result.out
    assert [line.split()[0] for line in result.out.splitlines()[2:5]] == ["train", "rows", "share"]
    classes = dlspec("split", data, "--force", "--json")  # stratified needs y, but not x
    assert classes.json["checked"] is False
    assert classes.json["splits"][0]["classes"] == {"no": 36, "yes": 36}
    assert dlspec("split", data, "--strategy", "random", "--force", "--json", "--check").json["checked"] is True
    assert dlspec("split", data, "--strategy", "random", "--force", "--json", "--no-check").json["checked"] is False


# --- the target distribution -----------------------------------------------------------------------------


def web_and_mobile(path):
    return table(path, examples=400, extra=lambda row: "mobile" if row % 5 == 0 else "web")


def test_dev_and_test_are_of_the_target(dlspec, tmp_path):
    data = web_and_mobile(tmp_path / "a.csv")
    flags = ("--target-column", "who", "--target-value", "mobile", "--ratios", "50/25/25", "--train-dev", "5%")
    result = dlspec("split", data, *flags, "--json")
    assert sizes(result) == {"train": 342, "train-dev": 18, "dev": 20, "test": 20}
    rows = split_file.read(tmp_path / "a.split.csv").rows
    assert all(row % 5 == 0 for name in ("dev", "test") for row in rows[name])
    config = experiment(tmp_path / "a.yaml", "{path: a.csv, split: {file: a.split.csv}}")
    trained = dlspec("train", config, "--runs-dir", tmp_path / "runs", "--quiet", "--json", *TEST_TOO)
    assert trained.code == 0, trained.err
    assert "data mismatch" in [gap["name"] for gap in trained.json["diagnosis"]["gaps"]]
    run = only_run(tmp_path / "runs")
    measured = {
        split["split"]: split["error"] for split in dlspec("evaluate", run, "--split", "all", "--json").json["splits"]
    }
    gaps = {gap["name"]: gap["value"] for gap in trained.json["diagnosis"]["gaps"]}
    assert gaps["variance"] == pytest.approx(measured["train-dev"] - measured["train"])
    assert gaps["data mismatch"] == pytest.approx(measured["dev"] - measured["train-dev"])
    assert "| data mismatch" in (run / "report.md").read_text()


@pytest.mark.parametrize("suffix", [".csv", ".h5", ".npz"])
def test_two_files(dlspec, tmp_path, suffix):
    web, mobile = tmp_path / f"web{suffix}", tmp_path / f"mobile{suffix}"
    if suffix == ".csv":
        table(web, examples=300)
        table(mobile, examples=40)
    else:
        arrays(web, examples=300)
        arrays(mobile, examples=40, x=np.full((40, 4, 3), 7.5), classes=np.array(["no", "yes"]))
    flags = ("--target-file", mobile, "--ratios", "50/25/25", "--train-dev", "10%", "--materialize", tmp_path / "out")
    result = dlspec("split", web, *flags, "--json")
    assert result.code == 0, result.err
    assert sizes(result) == {"train": 288, "train-dev": 32, "dev": 10, "test": 10}
    config = experiment(
        tmp_path / "a.yaml",
        f"{{train: out/train{suffix}, train_dev: out/train-dev{suffix}, dev: out/dev{suffix}, test: out/test{suffix}}}",
    )
    trained = dlspec("train", config, "--runs-dir", tmp_path / "runs", "--quiet", "--json", *TEST_TOO)
    assert trained.code == 0, trained.err
    assert [split["examples"] for split in trained.json["splits"]] == [288, 32, 10, 10]
    if suffix == ".h5":
        with h5py.File(tmp_path / "out/dev.h5") as file:
            assert file["x"].dtype == np.float64  # that holds the numbers of both files
            assert (file["x"][:] == 7.5).all()


# --- mistakes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ratios", "60/50"], "--ratios 60/50: the ratios add up to 110; expected 100"),
        (["--ratios", "all"],
         "--ratios all: expected train/dev/test in percent such as 60/20/20, or train/dev such as 70/30"),
        (["--ratios", "98/1/1"], "{data}: 40 examples split 98/1/1 leave a split empty; 100 are enough"),
        (["--ratios", "60/20/20", "--no-test"],
         "found --no-test and ratios 60/20/20; expected train/dev such as 70/30"),
        (["--train-dev", "2"], "--train-dev 2: expected a percentage between 0 and 100 such as 2%"),
        (["--train-dev", "0.1%"], "{data}: 24 examples split 99.9/0.1 leave a split empty; 1000 are enough"),
        (["--resolve", "x%"], "--resolve x%: expected a percentage between 0 and 100 such as 2%"),
        (["--resolve", "1%", "--target", "a"],
         "{data}: the targets are no classes, or were not looked at, so that there is no error rate; leave out "
         "--resolve"),
        (["--strategy", "group"], "--strategy group goes by a column; expected --column"),
        (["--column", "who"], "--column who is given, but --strategy is auto; expected group, time or hash"),
        (["--strategy", "hash", "--column", "who"],
         "{data}: a split by hash stays as it is only with fixed ratios; expected ratios such as 80/10/10"),
        (["--strategy", "hash", "--column", "who", "--no-test"],
         "{data}: a split by hash stays as it is only with fixed ratios; expected ratios such as 80/10/10"),
        (["--strategy", "group", "--column", "owner"], "{data}:1: no column 'owner'; found a, b, who, label"),
        (["--strategy", "time", "--column", "who"],
         "{data}:2: column who: found 'web'; expected a number, or a date such as 2024-01-31 or 2024-01-31T12:00"),
        (["--strategy", "group", "--column", "who"],
         "{data}: 2 groups cannot fill 3 splits; expected at least one for each"),
        (["--strategy", "stratified", "--target", "a"],
         "{data}: a stratified split needs classes; expected strategy random"),
        (["--target", "labels"], "{data}:1: no column 'labels'; did you mean 'label'?"),
        (["--y", "label"], "{data}: --x and --y name arrays; expected --target, a column"),
        (["--target-column", "who"], "--target-column is given without --target-value; expected both"),
        (["--target-value", "web"], "--target-value is given without --target-column; expected both"),
        (["--target-column", "who", "--target-value", "phone"],
         "{data}: no row has 'phone' in column who; found web, app"),
        (["--target-file", "other.csv"],
         "--target-file makes splits out of two files; expected --materialize DIR"),
        (["--target-file", "other.csv", "--target-column", "who", "--target-value", "web", "--materialize", "o"],
         "found --target-file and --target-column; expected one of them"),
        (["--target-file", "other.h5", "--materialize", "o"], "other.h5: expected a file of the same format as {data}"),
        (["--target-file", "other.csv", "--materialize", "o"], "other.csv: no such file"),
        (["--out", "a.txt"], "a.txt: expected a name that ends in .csv or .h5"),
        (["--out", "a.csv", "--materialize", "o"], "found --out and --materialize; expected one of them"),
    ],
)  # fmt: skip
def test_mistakes(dlspec, tmp_path, flags, message):
    data = table(tmp_path / "a.csv", examples=40, extra=lambda row: ["web", "app"][row % 2])
    result = dlspec("split", data, *flags)
    assert (result.code, result.out) == (2, "")
    assert result.err == message.format(data=data) + "\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("a,c,label\n1,2,y\n", ": columns: found a, c, label; expected a, b, label, as in {data}"),
        ("a,b,label\n1,2,3\n4,5,6\n", ": the targets are text; expected numbers, as in {other}"),
        ("a,b,label\n1,2\n", ":2: 2 cells; expected 3, as many as in the header"),
    ],
)
def test_two_files_that_do_not_fit(dlspec, tmp_path, other, message):
    data, path = table(tmp_path / "a.csv"), write(tmp_path / "other.csv", other)
    result = dlspec("split", data, "--target-file", path, "--materialize", tmp_path / "out")
    assert result.code == 2
    where = data if "the targets" in message else path
    assert result.err == f"{where}{message.format(data=data, other=path)}\n"


def test_arrays_that_do_not_fit(dlspec, tmp_path):
    data = arrays(tmp_path / "a.h5")
    other = arrays(tmp_path / "b.h5", classes=np.array(["yes", "no"]))
    result = dlspec("split", data, "--target-file", other, "--materialize", tmp_path / "out")
    assert result.err == f"{other}: classes: found yes, no; expected no, yes, as in {data}\n"
    result = dlspec("split", data, "--target", "y")
    assert result.err == f"{data}: --target names a column of CSV, TSV or Parquet; expected --y, an array\n"
    result = dlspec("split", data, "--y", "labels")
    assert result.err == f"{data}: no array 'labels'; found classes, who, x, y\n"


def test_the_data_is_not_replaced_by_a_part_of_it(dlspec, tmp_path):
    data = table(tmp_path / "train.csv")
    result = dlspec("split", data, "--materialize", tmp_path, "--force")
    assert result.code == 2
    assert result.err == f"{data}: would be replaced by a part of itself; expected another --materialize DIR\n"


def test_several_targets_are_split_at_random(dlspec, tmp_path):
    data = table(tmp_path / "a.csv", extra=lambda row: str(row % 7))
    result = dlspec("split", data, "--target", "who", "--target", "b", "--json")
    assert result.json["strategy"] == "random"
    assert result.json["splits"][0]["classes"] == {}


def test_names_from_files_cannot_steer_a_terminal(dlspec, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,t\n" + "".join(f"{row},{'x' if row % 2 else chr(27) + '[31m'}\n" for row in range(40)))
    result = dlspec("split", path)
    assert result.code == 0
    assert "\x1b" not in result.out
    assert "\\x1b[31m" in result.out


def test_a_place_that_is_not_writable(dlspec, tmp_path):
    data = table(tmp_path / "a.csv")
    (tmp_path / "file").touch()
    result = dlspec("split", data, "--materialize", tmp_path / "file" / "out")
    assert result.code == 2
    assert result.err == f"{tmp_path / 'file'}: is a file, not a directory; choose another place\n"


def test_a_folder_of_images_of_many_sizes(dlspec, tmp_path):
    for row in range(20):
        folder = tmp_path / "pets" / ("cat" if row % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4 + row, 5, 3), row, dtype=np.uint8)).save(folder / f"{row}.png")
    result = dlspec("split", tmp_path / "pets", "--size", "4x4", "--json")
    assert result.code == 0, result.err
    assert sizes(result) == {"train": 12, "dev": 4, "test": 4}
    assert dlspec("split", tmp_path / "pets", "--size", "4").code == 2


def test_parquet_with_columns_of_any_kind(dlspec, tmp_path):
    rows = "".join(
        f"u{r % 90},{r if r % 9 else ''},{'Rome' if r % 3 else 'Oslo'},2024-01-{r % 28 + 1:02},{('no', 'yes')[r % 2]}\n"
        for r in range(100)
    )
    (tmp_path / "a.csv").write_text("name,age,city,day,bought\n" + rows)
    assert dlspec("convert", tmp_path / "a.csv", tmp_path / "a.parquet", "--columns").code == 0
    found = {}
    for suffix in (".csv", ".parquet"):
        result = dlspec("split", tmp_path / f"a{suffix}", "--out", tmp_path / f"{suffix[1:]}.split.h5", "--json")
        assert result.code == 0, result.err
        assert sizes(result) == {"train": 60, "dev": 20, "test": 20}
        found[suffix] = split_file.read(tmp_path / f"{suffix[1:]}.split.h5").rows
    assert all(np.array_equal(found[".csv"][name], rows) for name, rows in found[".parquet"].items())
    grouped = dlspec("split", tmp_path / "a.parquet", "--strategy", "group", "--column", "name", "--force", "--json")
    assert grouped.code == 0, grouped.err
    config = experiment(tmp_path / "a.yaml", "{path: a.parquet, columns: {missing: mean}, split: {file: a.split.csv}}")
    assert dlspec("train", config, "--runs-dir", tmp_path / "runs", "--quiet").code == 0
