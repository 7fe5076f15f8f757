"""`dlspec convert`: from every format to every other, whole or not at all."""

import errno
import io
import json
import os
import signal
import time
from datetime import datetime

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console

from dlspec.cli import console
from dlspec.cli import convert as cli_convert
from dlspec.config import loader
from dlspec.data import mixed
from dlspec.preparation import prepare
from dlspec.run import storage

from .commands import start, write

M = 24
X = np.random.default_rng(0).normal(size=(M, 4))
NAMES = ("length", "width", "height", "depth")
LABELS = ["setosa", "versicolor", "virginica"] * 8
TEXT = "\n".join([",".join([*NAMES, "species"]), *(
    ",".join([*map(repr, row), label]) for row, label in zip(X.tolist(), LABELS, strict=True)
)])  # fmt: skip
NEW_NAMES = ("new.tsv", "new.parquet", "new.h5", "new.npz", "new_x.npy", "new.csv")


@pytest.fixture
def iris(tmp_path):
    return write(tmp_path / "iris.csv", TEXT)


def dataset_of(path, tmp_path, **settings):
    config = write(tmp_path / "exp.yaml", json.dumps({"data": {"path": str(path), **settings}}))
    return prepare(loader.load(config)).dataset


def test_around_through_every_format(iris, tmp_path, dlspec):
    expected, source = dataset_of(iris, tmp_path), iris
    for name in NEW_NAMES:
        new = tmp_path / name
        result = dlspec("convert", source, new)
        files = f"{new} and {tmp_path / 'new_y.npy'}" if name == "new_x.npy" else f"{new}"
        assert result.code == 0, result.err
        assert result.out == f"{files}: 24 examples, 4 features, 1 target, from {source}\n"
        lost = "note: .npy files have no place for the names of the features\n" if name == "new_x.npy" else ""
        assert result.err == lost
        found = dataset_of(new, tmp_path)
        for split, examples in expected.splits.items():
            assert np.array_equal(found.splits[split].X, examples.X)
            assert np.array_equal(found.splits[split].Y, examples.Y)
        assert found.classes == expected.classes
        if source.suffix != ".npy" and not lost:
            assert found.feature_names == NAMES
        source = new
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_the_bundled_images(tmp_path, dlspec):
    from dlspec import starter

    digits = starter.source() / "datasets" / "digits.h5"
    result = dlspec("convert", digits, tmp_path / "digits.parquet", "--json")
    assert result.json == {
        "files": [str(tmp_path / "digits.parquet")],
        "examples": 1797,
        "features": 64,
        "targets": 1,
        "left_out": [],
    }
    assert dlspec("convert", tmp_path / "digits.parquet", tmp_path / "again.h5").code == 0
    with h5py.File(digits) as one, h5py.File(tmp_path / "again.h5") as other:
        assert np.array_equal(one["x"][...], other["x"][...])
        assert np.array_equal(one["y"][...], other["y"][...])
    result = dlspec("convert", digits, tmp_path / "digits.csv", "--json")
    assert result.json["left_out"] == ["the shape of the images"]


def test_a_folder_of_images(tmp_path, dlspec):
    for name, colour in (("a", (255, 0, 0)), ("b", (0, 0, 255))):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (6, 4), colour).save(tmp_path / "pets" / name / "1.png")
    assert dlspec("convert", tmp_path / "pets", tmp_path / "p.h5", "--size", "2x3", "--mode", "grey").code == 0
    with h5py.File(tmp_path / "p.h5") as file:
        assert file["x"].shape == (2, 2, 3)
        assert file["x"][:, 0, 0].tolist() == [76, 29]
        assert file["y"].asstr()[...].tolist() == ["a", "b"]
    assert dlspec("convert", tmp_path / "pets", tmp_path / "p.npz").code == 0
    with np.load(tmp_path / "p.npz") as archive:
        assert archive["x"].shape == (2, 4, 6, 3)
    result = dlspec("convert", tmp_path / "pets", tmp_path / "q.h5", "--size", "2,3")
    assert result.err == "--size: found '2,3'; expected height and width in pixels, such as 64x64\n"


def test_targets_weights_and_missing_labels(tmp_path, dlspec):
    path = write(tmp_path / "a.csv", "trust,a,p,b,q\n1,2,0,3,1\n2,4,,5,0\n3,6,1,7,\n")
    flags = ("--target", "q", "--target", "p", "--sample-weight", "trust")
    result = dlspec("convert", path, tmp_path / "a.h5", *flags)
    assert (result.code, result.err) == (2, f"{path}:3: column p: empty; expected a label or a number\n")
    result = dlspec("convert", path, tmp_path / "a.h5", *flags, "--missing")
    assert result.out == f"{tmp_path / 'a.h5'}: 3 examples, 2 features, 2 targets, from {path}\n"
    assert result.err == "note: .h5 files have no place for the names of the targets\n"
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["y"][...], [[1, 0], [0, np.nan], [np.nan, 1]], equal_nan=True)
        assert file["sample_weight"][...].tolist() == [1, 2, 3]
        assert file["feature_names"].asstr()[...].tolist() == ["a", "b"]
    result = dlspec("convert", tmp_path / "a.h5", tmp_path / "b.tsv", "--sample-weight", "sample_weight", "--missing")
    assert (tmp_path / "b.tsv").read_text().splitlines() == [
        "a\tb\tsample_weight\ty1\ty2",
        "2.0\t3.0\t1.0\t1.0\t0.0",
        "4.0\t5.0\t2.0\t0.0\t",
        "6.0\t7.0\t3.0\t\t1.0",
    ]


@pytest.mark.parametrize("existing", ["new_x.npy", "new_y.npy"])
def test_an_existing_file_is_kept_unless_forced(iris, tmp_path, dlspec, existing):
    write(tmp_path / existing, "precious")
    result = dlspec("convert", iris, tmp_path / "new_x.npy")
    message = f"{tmp_path / existing}: already there; nothing was written; choose another name, or --force\n"
    assert (result.code, result.err) == (2, message)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["iris.csv", existing]
    assert (tmp_path / existing).read_text() == "precious"
    assert dlspec("convert", iris, tmp_path / "new_x.npy", "--force").code == 0
    assert np.load(tmp_path / "new_x.npy").shape == (24, 4)


def test_a_file_onto_itself(iris, dlspec):
    assert dlspec("convert", iris, iris).code == 2
    assert dlspec("convert", iris, iris, "--force").code == 0
    assert iris.read_text() == TEXT + "\n"


@pytest.mark.parametrize(
    ("source", "new", "flags", "message"),
    [
        ("iris.csv", "new.xlsx", (), "{new}: unknown suffix '.xlsx'; expected one of .csv, .tsv, .parquet, .h5"),
        ("iris.csv", "new.npy", (), "{new}: the targets go beside the inputs, by their name; expected one with the"),
        ("none.csv", "new.h5", (), "{source}: no such file"),
        ("iris.csv", "new.h5", ("--target", "specis"), "{source}:1: no column 'specis'; did you mean 'species'?"),
        ("iris.csv", "new.h5", ("--x", "a"), "{source}: x is given, which CSV does not have; it is for HDF5, NPZ"),
        ("iris.csv", "new.h5", ("--mode", "grey"), "{source}: image is given, which CSV does not have; it is for a"),
    ],
)
def test_mistakes(iris, tmp_path, dlspec, source, new, flags, message):
    names = {"source": tmp_path / source, "new": tmp_path / new}
    result = dlspec("convert", *names.values(), *flags)
    assert result.code == 2
    assert result.err.startswith(message.format(**names))
    assert list(tmp_path.iterdir()) == [iris]


def test_a_wrong_row_leaves_nothing(iris, tmp_path, dlspec):
    iris.write_text(TEXT.replace(LABELS[-1], "", -1) + "\n1,2,abc,4,setosa\n")
    result = dlspec("convert", iris, tmp_path / "new" / "iris.h5")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert not list(tmp_path.glob("**/*.tmp"))
    assert not (tmp_path / "new" / "iris.h5").exists()


class Full(storage.FileSystem):
    """A disk with room for some bytes more."""

    def __init__(self, room):
        self.room = room

    def write(self, fd, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(fd, data)


@pytest.mark.parametrize("name", NEW_NAMES)
@pytest.mark.parametrize("room", [0, 100, 500, 900])
def test_a_full_disk_leaves_nothing(iris, tmp_path, dlspec, monkeypatch, name, room):
    monkeypatch.setattr(storage, "filesystem", Full(room))
    result = dlspec("convert", iris, tmp_path / name)
    assert result.code == 1
    assert result.err.startswith(str(tmp_path / "new"))
    assert "cannot write: no space left on device" in result.err
    assert len(result.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == [iris]


def test_a_signal_leaves_nothing(tmp_path):
    path = tmp_path / "x.npy"
    np.lib.format.open_memmap(path, "w+", np.float32, (20_000, 1_000)).flush()  # 80 MB of zeros
    np.save(tmp_path / "y.npy", np.zeros(20_000))
    with start("convert", path, tmp_path / "a.csv", cwd=tmp_path) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not list(tmp_path.glob(".a.csv.*.tmp")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate()
    assert (process.returncode, messages) == (130, "")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.npy", "y.npy"]


def test_a_bar_on_a_terminal(iris, tmp_path, dlspec, monkeypatch):
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(console, "console", lambda **_: terminal)
    assert dlspec("convert", iris, tmp_path / "quick.h5").code == 0
    assert "━" not in screen.getvalue()  # it was done before there was anything to wait for
    monkeypatch.setattr(cli_convert, "DRAWN_AFTER_S", 0.0)
    assert dlspec("convert", iris, tmp_path / "slow.h5").code == 0
    assert "━" in screen.getvalue()
    assert "24/24" in screen.getvalue()


@pytest.mark.long
@pytest.mark.parametrize("name", ["a.h5", "a.parquet", "a_x.npy", "a.npz"])
def test_a_file_larger_than_the_memory_it_may_take(tmp_path, name):
    """400 MB pass through 250 MB, most of which are Python, NumPy and pyarrow themselves."""
    m, n = 1_000_000, 100
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (m, n)).flush()
    np.save(tmp_path / "y.npy", np.arange(m) % 3)
    source = tmp_path / "x.npy"
    for new in (tmp_path / "first.h5", tmp_path / name):
        with start("convert", source, new, cwd=tmp_path) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert (process.returncode, process.stderr.read()) == (0, "")
        if source.suffix == ".h5":  # a map of a file counts as memory of the process
            assert usage.ru_maxrss < 250_000
        source = new


MIXED = """name,age,member,since,city,bought
ann,31,true,2024-02-29,Rome,yes
"b,o""b",,false,2023-12-31T12:30,,no
eve,-2.5,,,Oslo,no
"""


def test_columns_of_any_kind_between_tables(tmp_path, dlspec):
    first = write(tmp_path / "a.csv", MIXED)
    for source, new in (("a.csv", "b.parquet"), ("b.parquet", "c.tsv"), ("c.tsv", "d.csv"), ("d.csv", "e.parquet")):
        result = dlspec("convert", tmp_path / source, tmp_path / new, "--columns")
        assert (result.code, result.err) == (0, "")
        assert result.out == f"{tmp_path / new}: 3 examples, 5 features, 1 target, from {tmp_path / source}\n"
    for name in ("b.parquet", "e.parquet"):
        table = pq.read_table(tmp_path / name)
        types = ["string", "double", "bool", "timestamp[us]", "string", "string"]
        assert [str(held) for held in table.schema.types] == types
        assert table.column("name").to_pylist() == ["ann", 'b,o"b', "eve"]
        assert table.column("age").to_pylist() == [31, None, -2.5]
        assert table.column("member").to_pylist() == [True, False, None]
        assert table.column("since").to_pylist() == [datetime(2024, 2, 29), datetime(2023, 12, 31, 12, 30), None]
        assert table.column("city").to_pylist() == ["Rome", None, "Oslo"]
    types = {"name": "ignore"}
    one, *others = (mixed.read(tmp_path / name, types=types) for name in ("a.csv", "b.parquet", "c.tsv", "d.csv"))
    for other in others:
        assert np.array_equal(other.x[:, :3], one.x[:, :3], equal_nan=True)
        assert [column.kind for column in other.columns] == [column.kind for column in one.columns]
        assert other.y.tolist() == one.y.tolist()
    assert first.read_text() == MIXED


@pytest.mark.parametrize(
    ("new", "flags", "message"),
    [
        ("b.h5", [], "{new}: arrays hold numbers alone; with --columns expected .csv, .tsv, .parquet"),
        ("b.tsv", ["--target", "age"], "found --columns, with which every column stays as it is; expected no other "),
        ("a.csv", [], "{new}: already there; nothing was written"),
    ],
)
def test_columns_that_cannot_be_kept(tmp_path, dlspec, new, flags, message):
    write(tmp_path / "a.csv", MIXED)
    result = dlspec("convert", tmp_path / "a.csv", tmp_path / new, "--columns", *flags)
    assert result.code == 2
    assert result.err.startswith(message.format(new=tmp_path / new))
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
