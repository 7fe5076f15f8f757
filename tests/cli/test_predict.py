"""`dlspec predict`: new rows of every format through the model of a run, alone or among others."""

import csv
import gzip
import io
import json
import shutil

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from dlspec import prediction
from dlspec.errors import DataError
from dlspec.run import checkpoint, checkpoints

from .commands import only_run, spawn, write

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3)).round(3)
KIND = np.where(X[:, 0] > 0.5, "big", np.where(X[:, 0] < -0.5, "small", 'so,"so"')).tolist()
IMAGES = RNG.integers(0, 256, (40, 4, 6), dtype=np.uint8)
NUMBERS = {name: X[:, j].tolist() for j, name in enumerate("abc")}
PEOPLE = {
    "id": [f"u{row}" for row in range(90)],
    "age": ["" if row % 9 == 0 else row for row in range(90)],
    "city": [["Rome", "Oslo", "Bern"][row % 3] for row in range(90)],
    "buys": [["yes", "no"][row % 2] for row in range(90)],
}
LABELS = {"p": (X[:, 0] > 0) * 1, "q": (X[:, 1] > 0) * 1}
DATA = {
    "kinds": ({**NUMBERS, "kind": KIND}, "target: kind"),
    "values": (NUMBERS, "target: [a, b]"),
    "labels": ({**NUMBERS, **LABELS}, "target: [p, q], task: multi_task"),
    "people": (PEOPLE, "columns: {missing: mean, types: {id: ignore}}"),
}
SHAPES = """\
name: shapes
data: {path: shapes.npz, normalize: scale}
architecture: {layers: [{units: 5}]}
training: {epochs: 2}
"""


def csv_of(columns, rows=slice(None)):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(list(zip(*columns.values(), strict=True))[rows])
    return text.getvalue()


def table_of(text):
    """A CSV: its header and its rows."""
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    return head, rows


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each kind, by name, whose training data is gone."""
    place = tmp_path_factory.mktemp("predict")
    for name, (columns, settings) in DATA.items():
        write(place / f"{name}.csv", csv_of(columns))
        write(place / f"{name}.yaml", f"data: {{path: {name}.csv, {settings}}}\ntraining: {{epochs: 4}}\n")
    np.savez(place / "shapes.npz", x=IMAGES, y=np.arange(40) % 2, classes=["cat", "dog"])
    write(place / "shapes.yaml", SHAPES)
    for name in (*DATA, "shapes"):
        result = spawn("train", place / f"{name}.yaml", "-q", "--runs-dir", place / name, cwd=place)
        assert result.code == 0, result.err
    for path in (*place.glob("*.csv"), *place.glob("*.npz")):
        path.unlink()
    return {name: only_run(place / name) for name in (*DATA, "shapes")}


@pytest.fixture
def new(tmp_path):
    """Rows with features alone."""
    return write(tmp_path / "new.csv", csv_of(NUMBERS))


def fields(run, source, **settings):
    """What is said of all rows, by name."""
    records = prediction.predict(prediction.open_model(run), source, **settings).records
    blocks = list(records.blocks)
    return {name: np.concatenate([block[j] for block in blocks]) for j, name in enumerate(records.names)}


def logits(run, x):
    """By the checkpoint alone, for a network without hidden layers."""
    _, _, saved = checkpoints.load_of_run(run)
    x = (x - saved.normalization["mean"]) / saved.normalization["std"]
    return x @ saved.parameters["W1"].T.astype(float) + saved.parameters["b1"]


# --- what is predicted -----------------------------------------------------------------------------------


def test_classes(runs, new, dlspec):
    result = dlspec("predict", runs["kinds"], new, "--probabilities")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith('row,kind,probability of big,probability of small,"probability of so,""so"""\n')
    _, rows = table_of(result.out)
    Z = logits(runs["kinds"], X)
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    classes = ["big", "small", 'so,"so"']
    assert [row[:2] for row in rows] == [[str(m), classes[number]] for m, number in enumerate(Z.argmax(axis=1))]
    assert np.allclose(np.array([row[2:] for row in rows], float), P, atol=1e-6)
    assert table_of(dlspec("predict", runs["kinds"], new).out) == (["row", "kind"], [row[:2] for row in rows])


def test_values(runs, new, dlspec):
    found = fields(runs["values"], new)
    Z = logits(runs["values"], X[:, 2:])
    assert list(found) == ["row", "a", "b"]
    assert np.allclose(np.column_stack([found["a"], found["b"]]), Z, atol=1e-5)
    result = dlspec("predict", runs["values"], new, "--probabilities")
    assert (result.code, result.out) == (2, "")
    assert "predicts numbers, which have no probabilities" in result.err


def test_labels(runs, new):
    found = fields(runs["labels"], new, probabilities=True)
    assert list(found) == ["row", "p", "q", "probability of p", "probability of q"]
    Z = logits(runs["labels"], X)
    assert np.array_equal(np.column_stack([found["p"], found["q"]]), Z > 0)
    P = np.column_stack([found["probability of p"], found["probability of q"]])
    assert np.allclose(P, 1 / (1 + np.exp(-Z)), atol=1e-6)


def test_the_numbers_are_those_of_evaluate(tmp_path, dlspec, monkeypatch):
    """Labelled rows of the training file, dev among them."""
    monkeypatch.chdir(tmp_path)
    data = write(tmp_path / "kinds.csv", csv_of(DATA["kinds"][0]))
    write(tmp_path / "a.yaml", "data: {path: kinds.csv}\narchitecture: {layers: [{units: 9}]}\ntraining: {epochs: 9}\n")
    assert dlspec("train", "a.yaml", "-q").code == 0
    splits = dlspec("evaluate", "latest", "--split", "all", "--json").json["splits"]
    _, rows = table_of(dlspec("predict", "latest", data).out)
    right = sum(row[1] == kind for row, kind in zip(rows, KIND, strict=True))
    assert right == round(sum(split["accuracy"] * split["examples"] for split in splits))


@pytest.mark.parametrize("name", ["kinds", "values", "labels", "people"])
def test_one_row_alone_is_as_among_others(name, runs, tmp_path):
    columns, probabilities = DATA[name][0], name not in ("values",)
    together = fields(runs[name], write(tmp_path / "all.csv", csv_of(columns)), probabilities=probabilities)
    for row in (0, 1, 44, 89):
        path = write(tmp_path / "one.csv", csv_of(columns, slice(row, row + 1)))
        alone = fields(runs[name], path, probabilities=probabilities)
        for field in list(together)[1:]:
            assert alone[field][0] == together[field][row]


def test_parameters(runs, new, dlspec):
    run = runs["kinds"]
    _, _, best = checkpoints.load_of_run(run, "best")
    assert best.progress["epoch"] == 4  # the best epoch is the last, too
    assert dlspec("predict", run, new, "--parameters", "best").out == dlspec("predict", run, new).out


# --- columns ---------------------------------------------------------------------------------------------


def test_columns_are_found_by_name(runs, new, tmp_path, dlspec):
    expected = dlspec("predict", runs["kinds"], new).out
    others = {"id": range(90), "c": NUMBERS["c"], "kind": KIND, "a": NUMBERS["a"], "b": NUMBERS["b"], "x\x1b": [0] * 90}
    result = dlspec("predict", runs["kinds"], write(tmp_path / "others.csv", csv_of(others)))
    assert result.out == expected
    assert result.err.splitlines() == [
        "note: the columns are in another order than in training; they are taken by name",
        "note: columns that the model does not take: id, x\\x1b",
    ]


@pytest.mark.parametrize("suffix", ["csv", "npz", "parquet"])
def test_columns_that_are_missing_are_named(suffix, runs, tmp_path, dlspec):
    path = tmp_path / f"a.{suffix}"
    if suffix == "csv":
        write(path, "b,z\n1,2\n")
    elif suffix == "npz":
        np.savez(path, x=[[1, 2, 3]], feature_names=["b", "z", "y"])
    else:
        import pyarrow as pa

        pq.write_table(pa.table({"b": [1], "z": [2]}), path)
    result = dlspec("predict", runs["kinds"], path)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"{path}: lacks the columns a, c; found b, z")


def test_rows_that_have_names(runs, tmp_path, dlspec):
    hostile = ['a,"b"', "two\nlines", "\x1b[2J", "=1+1"]
    columns = {"who": hostile, **{name: values[:4] for name, values in NUMBERS.items()}}
    path = write(tmp_path / "a.csv", csv_of(columns))
    result = dlspec("predict", runs["kinds"], path, "--id", "who")
    head, rows = table_of(result.out)
    assert (head, [row[0] for row in rows]) == (["who", "kind"], hostile)
    assert dlspec("predict", runs["kinds"], path, "--id", "whom").code == 2
    labelled = write(tmp_path / "b.csv", csv_of(DATA["kinds"][0]))
    assert "expected another column" in dlspec("predict", runs["kinds"], labelled, "--id", "kind").err


def test_columns_of_text_and_missing_cells(runs, tmp_path, dlspec):
    path = write(tmp_path / "a.csv", "city,note,age,id\nRome,x,5,u1\nParis,y,,u2\n,z,40,u3\n")
    result = dlspec("predict", runs["people"], path, "--id", "id", "--probabilities")
    assert result.code == 0
    assert result.err.splitlines() == [
        "note: the columns are in another order than in training; they are taken by name",
        "note: columns that the model does not take: note",
        "warning: column city has a category unknown in training in 1 of 3 rows; it counts as none",
    ]
    _, _, saved = checkpoints.load_of_run(runs["people"])
    assert saved.model["feature_names"] == ["age", "city=Bern", "city=Oslo", "city=Rome"]
    mean = saved.model["columns"][0]["fill"]
    z = logits(runs["people"], np.array([[5, 0, 0, 1], [mean, 0, 0, 0], [40, 0, 0, 0]]))[:, 0]
    head, rows = table_of(result.out)
    assert head == ["id", "buys", "probability of no", "probability of yes"]
    assert [row[:2] for row in rows] == [[f"u{m + 1}", ["no", "yes"][int(value > 0)]] for m, value in enumerate(z)]
    assert np.allclose([float(row[3]) for row in rows], 1 / (1 + np.exp(-z)), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("kinds", "a,b,c\n1,2,3\n1,,3\n", ":3: column b: empty; expected a finite number"),
        ("kinds", "a,b,c\n1,2,1_0\n", ":2: column c: found '1_0'; expected a finite number"),
        ("kinds", "a,b,c\n1,2,inf\n", ":2: column c: found 'inf'; expected a finite number"),
        ("kinds", "a,b,c\n1,2\n", ":2: 2 cells; expected 3, as many as in the header"),
        ("kinds", "a,b,c\n1,2,1e300\n", ":2: feature c is too large for float32"),
        ("kinds", "a,b,a\n1,2,3\n", ":1: two columns are named 'a'; expected different names"),
        ("kinds", "", ":1: empty; expected a header and rows"),
        ("people", "age,city\n1,Rome\nold,Rome\n", ":3: column age: found 'old'; expected a number"),
        ("people", "age,city\n1\n", ":2: 1 cell; expected 2, as many as in the header"),
    ],
)
def test_rows_that_are_wrong(name, text, message, runs, tmp_path):
    path = write(tmp_path / "a.csv", text)
    with pytest.raises(DataError) as caught:
        fields(runs[name], path)
    assert str(caught.value).startswith(f"{path}{message}")


# --- formats ---------------------------------------------------------------------------------------------


def as_hdf5(path):
    with h5py.File(path, "w") as file:
        file["rows"] = X
        file["rows"].attrs["feature_names"] = ["a", "b", "c"]
        file["other"] = X[:, :2]


def as_reordered_npz(path):
    np.savez(path, x=X[:, ::-1], feature_names=["c", "b", "a"])


def as_tsv(path):
    write(path, csv_of(NUMBERS).replace(",", "\t"))


def as_parquet(path):
    import pyarrow as pa

    pq.write_table(pa.table({name: NUMBERS[name] for name in "cab"}), path)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.h5", as_hdf5),
        ("a.npz", as_reordered_npz),
        ("a.npy", lambda path: np.save(path, X)),
        ("a.tsv", as_tsv),
        ("a.parquet", as_parquet),
    ],
)
def test_tables_and_arrays_of_every_format(name, make, runs, new, tmp_path, dlspec):
    make(tmp_path / name)
    result = dlspec("predict", runs["kinds"], tmp_path / name, "--probabilities")
    assert result.code == 0, result.err
    assert result.out == dlspec("predict", runs["kinds"], new, "--probabilities").out


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("a.npy", X[:, :2], "rows of shape (2,); expected 3 features, as in training"),
        ("a.npy", X[:, 0], "holds float64 of shape (90,); expected numbers, (rows, features) or images"),
        ("a.npy", np.array([[1, np.nan, 2]]), "row 0, feature b: found nan; expected a finite number"),
    ],
)
def test_arrays_that_do_not_fit(name, values, message, runs, tmp_path):
    np.save(tmp_path / name, values)
    with pytest.raises(DataError) as caught:
        fields(runs["kinds"], tmp_path / name)
    assert message in str(caught.value)


def test_arrays_for_a_model_of_columns(runs, tmp_path):
    np.save(tmp_path / "a.npy", X)
    with pytest.raises(DataError, match="the model takes columns by name; expected a CSV, TSV or Parquet file"):
        fields(runs["people"], tmp_path / "a.npy")


def test_images_of_every_format(runs, tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, others=IMAGES[:, 0])
    expected = fields(runs["shapes"], tmp_path / "a.npz", probabilities=True)
    head = bytes([0, 0, 8, 3]) + np.array(IMAGES.shape, ">u4").tobytes()
    (tmp_path / "t-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + IMAGES.tobytes()))
    flat, classes = tmp_path / "flat", tmp_path / "classes"
    for row, image in enumerate(IMAGES):
        for folder in (flat, classes / "any"):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{row:02}.png")
    for source in (tmp_path / "t-images-idx3-ubyte.gz", flat, classes):
        found = fields(runs["shapes"], source, probabilities=True)
        key, *names = found
        for name in names:
            assert np.array_equal(found[name], expected[name])
        assert key == ("row" if source.is_file() else "file")
    one = fields(runs["shapes"], flat / "07.png", probabilities=True)
    assert one["file"].tolist() == [str(flat / "07.png")]
    assert one["probability of dog"][0] == expected["probability of dog"][7]


def test_images_for_a_model_of_numbers(runs, tmp_path):
    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: images, but the model was trained on none"):
        fields(runs["kinds"], tmp_path / "a.png")


@pytest.mark.parametrize("name", ["kinds", "people"])
def test_standard_input(name, runs, tmp_path):
    path = write(tmp_path / "a.csv", "\n" + csv_of(DATA[name][0]))
    with path.open("rb") as file:
        found = fields(runs[name], file)
    expected = fields(runs[name], path)
    assert all(np.array_equal(found[field], expected[field]) for field in expected)
    for wrong in (b"\xff\n1\n", b"", b"b,z\n1,2\n"):
        with pytest.raises(DataError, match=r"^standard input:"):
            fields(runs[name], io.BytesIO(wrong))


def test_rows_are_read_in_blocks(runs, new, monkeypatch):
    together = fields(runs["kinds"], new, probabilities=True)
    monkeypatch.setattr("dlspec.data.new_tables.rows_of_block", lambda n: 7)  # noqa: ARG005
    apart = fields(runs["kinds"], new, probabilities=True)
    assert all(np.array_equal(apart[name], together[name]) for name in together)


# --- where it goes ---------------------------------------------------------------------------------------


def test_json_and_parquet(runs, new, tmp_path, dlspec):
    head, rows = table_of(dlspec("predict", runs["kinds"], new, "--probabilities").out)
    shown = dlspec("predict", runs["kinds"], new, "--probabilities", "--format", "json")
    assert [list(record) for record in shown.json] == [head] * 90
    assert [[str(value) for value in record.values()] for record in shown.json] == rows
    for name in ("a.json", "a.parquet", "a.csv"):
        result = dlspec("predict", runs["kinds"], new, "--probabilities", "--out", tmp_path / "out" / name)
        assert (result.code, result.out, result.err) == (0, "", "")
    assert json.loads((tmp_path / "out" / "a.json").read_text()) == shown.json
    assert table_of((tmp_path / "out" / "a.csv").read_text()) == (head, rows)
    stored = pq.read_table(tmp_path / "out" / "a.parquet")
    assert stored.column_names == head
    keys, kinds = (column.to_pylist() for column in stored.columns[:2])
    assert [[str(number), kind] for number, kind in zip(keys, kinds, strict=True)] == [row[:2] for row in rows]
    assert np.allclose(stored.column(2).to_numpy(), [float(row[2]) for row in rows], rtol=1e-7)


def test_no_file_is_replaced_unless_asked_for(runs, new, tmp_path, dlspec):
    out = write(tmp_path / "a.csv", "precious")
    result = dlspec("predict", runs["kinds"], new, "--out", out)
    assert result.code == 2
    assert result.err == f"{out}: already there; nothing was written; choose another name, or --force\n"
    bad = write(tmp_path / "bad.csv", "a,b,c\n1,2,3\n1,2,x\n")
    assert dlspec("predict", runs["kinds"], bad, "--out", out, "--force").code == 2
    assert out.read_text() == "precious"
    assert dlspec("predict", runs["kinds"], new, "--out", out, "--force").code == 0
    assert out.read_text().startswith("row,kind\n0,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "bad.csv", "new.csv"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--format", "parquet"), "Parquet is no text; name a file with --out"),
        (("--out", "a.xls"), "a.xls: its suffix tells no format; expected .csv, .json or .parquet, or --format"),
    ],
)
def test_formats_that_cannot_be_written(flags, message, runs, new, dlspec):
    result = dlspec("predict", runs["kinds"], new, *flags)
    assert (result.code, result.err) == (2, f"{message}\n")


def test_a_run_of_an_older_version(runs, new, tmp_path):
    run = shutil.copytree(runs["kinds"], tmp_path / "run")
    name, path, saved = checkpoints.load_of_run(run)
    model = {key: value for key, value in saved.model.items() if key not in ("columns", "target_names")}
    checkpoint.save(path, checkpoint.Checkpoint(**{**{f: getattr(saved, f) for f in saved.__slots__}, "model": model}))
    assert (name, list(fields(run, new))) == ("last", ["row", "y"])


def test_a_checkpoint_that_does_not_say_what_it_is_for(runs, new, tmp_path, dlspec):
    run = shutil.copytree(runs["kinds"], tmp_path / "run")
    _, path, saved = checkpoints.load_of_run(run)
    saved.model.clear()
    checkpoint.save(path, saved)
    result = dlspec("predict", run, new)
    assert (result.code, result.out) == (1, "")
    assert result.err == f"{path}: does not say what its parameters are for; restore it from a copy\n"
