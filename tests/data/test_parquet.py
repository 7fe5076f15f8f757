"""Parquet: columns of numbers and a target of numbers or text, and everything else a column can hold."""

import datetime
import decimal
import hashlib
import sys

import numpy as np
import pyarrow as pa
import pytest
from flat_loading import load_file, load_files
from format_files import write_parquet

from dlspec.data import files, limits, parquet, parquet_pages
from dlspec.errors import DataError

M = 30
A, B = np.random.default_rng(0).normal(size=M), np.arange(M) % 7
SPECIES = ["setosa", "naïve", "virginica"] * 10
HINT = " (data.columns takes text and empty cells)"
IRIS = {"petal.length": A, "width": B, "species": SPECIES}


def message_of(path, **settings):
    with pytest.raises(DataError) as caught:
        files.read(path, **settings)
    (line,) = caught.value.problems
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "iris.parquet"


def test_features_and_text_labels(path):
    table = files.read(write_parquet(path, IRIS))
    assert table.source == str(path)
    assert table.x.dtype == np.float64
    assert np.array_equal(table.x, np.column_stack([A, B]))
    assert table.y.tolist() == SPECIES
    assert table.feature_names == ("petal.length", "width")
    assert table.target_names == ("species",)
    assert table.image_shape is None
    assert table.classes is None
    assert table.weights is None
    assert table.place(3) == f"{path}: row 3"


def test_target_by_name_and_several(path):
    write_parquet(path, {"a": A, "b": B, "c": B[::-1]})
    table = files.read(path, target="b")
    assert (table.y.dtype, table.y.tolist()) == (np.int64, B.tolist())
    assert table.feature_names == ("a", "c")
    table = files.read(path, target=["c", "a"])
    assert np.array_equal(table.y, np.column_stack([B[::-1], A]))
    assert table.target_names == ("c", "a")
    assert table.feature_names == ("b",)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("u1", "u1"), "u1"),
        (("i2", "u1"), "i2"),
        (("f4", "u1"), "f4"),
        (("f4", "i8"), "f8"),
        (("?", "u1"), "u1"),
        (("?", "?"), "?"),
        (("f2", "f2"), "f2"),
        (("u8", "i8"), "f8"),
    ],
)
def test_the_common_type_of_the_features(path, types, expected):
    columns = {name: (B % 2).astype(dtype) for name, dtype in zip("ab", types, strict=True)}
    table = files.read(write_parquet(path, {**columns, "y": B}))
    assert table.x.dtype == np.dtype(expected)
    assert np.array_equal(table.x, np.column_stack([B % 2, B % 2]))


@pytest.mark.parametrize("labels", [pa.array(SPECIES, pa.large_string()), pa.array(SPECIES).dictionary_encode()])
@pytest.mark.parametrize("group", [None, 7])
def test_kinds_of_text(path, labels, group):
    table = files.read(write_parquet(path, {**IRIS, "species": labels}, row_group_size=group))
    assert table.y.tolist() == SPECIES


def test_labels_that_nobody_has_are_no_labels(path):
    labels = pa.DictionaryArray.from_arrays(pa.array([2, 0, 2] * 10), pa.array(["a", "", "c", "z" * 5000]))
    table = files.read(write_parquet(path, {**IRIS, "species": labels}))
    assert table.y.tolist() == ["c", "a", "c"] * 10
    assert table.y.dtype == np.dtype("<U1")


def test_weights(path):
    write_parquet(path, {"w": np.arange(1, M + 1), **IRIS})
    table = files.read(path, sample_weight="w")
    assert table.weights.tolist() == list(range(1, M + 1))
    assert table.feature_names == ("petal.length", "width")
    assert files.read(path, sample_weight="v", training=False).feature_names == ("w", "petal.length", "width")
    assert message_of(path, sample_weight="W") == "no column 'W'; did you mean 'w'?"
    expected = "found 0; expected a finite number greater than 0"
    assert message_of(path, sample_weight="width") == f"row 0: sample weight width: {expected}"


def test_missing_targets(path):
    write_parquet(path, {"a": A, "y": [1, None] * 15, "z": [None, True, False] * 10})
    table = files.read(path, target=["y", "z"], missing=True)
    assert np.array_equal(table.y[:3], [[1, np.nan], [np.nan, 1], [1, 0]], equal_nan=True)
    assert message_of(path, target=["y", "z"]) == f"row 1: column y: empty; expected a number{HINT}"


def test_one_example(path):
    table = files.read(write_parquet(path, {name: values[:1] for name, values in IRIS.items()}))
    assert (table.x.shape, table.y.tolist()) == ((1, 2), ["setosa"])


def test_the_file_says_what_no_column_can(path):
    columns = {f"p{j}": np.full(M, j, np.uint8) for j in range(12)}
    said = {"target": ["y"], "classes": ["no", "yes"], "image_shape": [2, 2, 3]}
    table = files.read(write_parquet(path, {"y": B % 2, **columns}, metadata=said))
    assert table.image_shape == (2, 2, 3)
    assert table.classes == ("no", "yes")
    assert table.target_names == ("y",)
    assert table.x.tolist() == [list(range(12))] * M
    assert files.read(write_parquet(path, {"y": B % 2, **columns}, metadata={})).target_names == ("p11",)


def test_the_same_rows_from_npz_and_csv_are_the_same_dataset(path, tmp_path):
    write_parquet(path, IRIS, row_group_size=11)
    lines = [f"{a!r},{b},{label}" for a, b, label in zip(A.tolist(), B.tolist(), SPECIES, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["petal.length,width,species", *lines]))
    np.savez(tmp_path / "a.npz", x=np.column_stack([A, B]), y=SPECIES, feature_names=["petal.length", "width"])
    one, *others = (load_file(file, seed=1) for file in (path, tmp_path / "a.csv", tmp_path / "a.npz"))
    for other in others:
        for name, examples in one.splits.items():
            assert np.array_equal(examples.X, other.splits[name].X)
            assert np.array_equal(examples.Y, other.splits[name].Y)
        assert (one.classes, one.feature_names) == (other.classes, other.feature_names)


def test_train_and_test(path, tmp_path):
    test = write_parquet(tmp_path / "test.parquet", {name: values[:6] for name, values in IRIS.items()})
    dataset = load_files(write_parquet(path, IRIS), test=test, seed=0)
    assert dataset.splits["test"].Y.tolist() == [1, 0, 2] * 2
    assert dataset.fingerprint == hashlib.sha256(path.read_bytes() + test.read_bytes()).hexdigest()
    write_parquet(test, {"width": B, "petal.length": A, "species": SPECIES})
    with pytest.raises(DataError, match=r"feature 1 is 'width'; expected 'petal\.length', as in"):
        load_files(path, test=test, seed=0)


NOT_NUMBERS = [
    (pa.array(["a", "b"] * 15), "string"),
    (pa.array(["a", "b"] * 15).dictionary_encode(), "dictionary<values=string, indices=int32, ordered=0>"),
    (pa.array([datetime.date(2024, 2, 29)] * M), "date32[day]"),
    (pa.array([datetime.datetime(2024, 2, 29)] * M), "timestamp[us]"),
    (pa.array([decimal.Decimal("1.5")] * M), "decimal128(2, 1)"),
    (pa.array([[1, 2]] * M), "list<element: int64>"),
    (pa.array([{"x": 1}] * M), "struct<x: int64>"),
    (pa.array([b"a"] * M), "binary"),
    (pa.nulls(M), "null"),
]


@pytest.mark.parametrize(("values", "kind"), NOT_NUMBERS, ids=[kind for _, kind in NOT_NUMBERS])
def test_columns_that_are_no_numbers(path, values, kind):
    write_parquet(path, {"a": A, "odd\x1b": values, "y": B})
    assert message_of(path) == f"column odd\\x1b holds {kind}; expected numbers{HINT}"
    if kind[:6] not in ("string", "dictio"):
        assert message_of(path, target="odd\x1b") == f"column odd\\x1b holds {kind}; expected numbers{HINT}"


def test_text_among_several_targets(path):
    write_parquet(path, IRIS)
    expected = f"column species holds string; expected numbers{HINT}"
    assert message_of(path, target=["width", "species"]) == expected
    assert message_of(path, target="species", missing=True) == expected


NO_FEATURES = "every column is a target or the sample weight; expected features too"


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"a": [1.0, None, 2.0], "y": [1, 2, 3]}, {}, f"row 1: column a: empty; expected a number{HINT}"),
        ({"a": [1, 2, 3], "y": ["a", None, "b"]}, {}, "row 1: column y: empty; expected a label"),
        ({"a": [1, 2, 3], "y": ["a", "b", ""]}, {}, "row 2: column y: empty; expected a label"),
        ({"a": [1, 2, 3], "y": ["a", "b" * 1001, "c"]}, {}, "row 1: column y: 1001 characters; expected a label"),
        ({"a": [1.0, np.nan, 2.0], "y": [1, 2, 3]}, {}, "row 1, feature a: found nan; expected a finite number"),
        ({"a": [1, 2, 3], "y": [1.0, 2.0, -np.inf]}, {}, "row 2, target y: found -inf; expected a finite number"),
        ({"a": [1], "y": [2]}, {"target": "Y"}, "no column 'Y'; did you mean 'y'?"),
        ({"a": [1], "y": [2]}, {"target": ["a", "y"]}, NO_FEATURES),
        ({"y": [2]}, {}, NO_FEATURES),
        (
            {"a": [1], "y": [2]},
            {"target": "y", "sample_weight": "y"},
            "column 'y' is a target and the sample weight; expected different ones",
        ),
        ({"a": pa.array([], pa.int64()), "y": pa.array([], pa.int64())}, {}, "columns and no examples"),
        ({}, {}, "columns and no examples"),
        ({"a": [1], "y": [2]}, {"x": "a"}, "x is given, which Parquet does not have; it is for HDF5, NPZ"),
    ],
)  # fmt: skip
def test_errors(path, columns, settings, message):
    assert message_of(write_parquet(path, columns), **settings) == message


def test_two_columns_of_one_name(path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2]), pa.array([3])], names=["a", "a", "y"])
    pa.parquet.write_table(table, path)
    assert message_of(path) == "two columns are named 'a'; expected different names"


SAID = [b"", b"[", b"[]", b"[" * 100_000, b'{"target": 3}', b'{"classes": [1]}', b'{"image_shape": ["a"]}', b"\xff"]


@pytest.mark.parametrize("said", SAID)
def test_metadata_that_dlspec_did_not_write(path, said):
    write_parquet(path, {"a": [1], "y": [2]}, metadata=said)
    assert message_of(path) == "its metadata 'dlspec' is damaged; expected what dlspec wrote"


def test_images_of_another_size(path):
    write_parquet(path, {"a": [1], "y": [2]}, metadata={"image_shape": [2, 2]})
    assert message_of(path) == "1 features of images (2, 2); expected one for every pixel"


def test_a_table_that_declares_far_more_than_it_stores(path, monkeypatch):
    monkeypatch.setattr(limits, "FREE_BYTES", 0)
    monkeypatch.setattr(limits, "MAX_EXPANSION", 10)
    zeros = np.zeros(2_000_000, np.uint8)
    write_parquet(path, {"a": zeros, "y": zeros})
    start = f"the table declares 4000000 bytes, in a file of {path.stat().st_size}; expected arrays that are stored"
    assert message_of(path).startswith(start)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_page_that_asks_for_more_memory_than_its_file_deserves(path, monkeypatch, compression, version):
    columns = {"a": np.zeros(20_000), "y": np.arange(20_000) % 3}
    write_parquet(path, columns, data_page_version=version, compression=compression, use_dictionary=["y"])
    assert files.read(path).x.shape == (20_000, 1)
    monkeypatch.setattr(parquet_pages, "_ALWAYS_ALLOWED", 2**16)
    monkeypatch.setattr(parquet_pages, "_MAX_EXPANSION", 0)
    size = path.stat().st_size
    large = 160_004 if version == "2.0" else 160_008  # with the levels of definition
    assert message_of(path) == f"declares a page of {large} bytes in a file of {size}; expected one of plain data"


def test_less_than_no_rows(path):
    """As a mutant declared them: the number is a signed one of 64 bits."""
    data = write_parquet(path, {"a": [1], "y": [2]}, compression="none").read_bytes()
    footer = data.rindex(b"\x16\x02\x19\x1c")  # the number of rows, a zigzag 1, and the list of row groups after it
    path.write_bytes(data[:footer] + b"\x16\x01" + data[footer + 2 :])
    assert message_of(path) == "columns and no examples"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_not_the_format(path, content):
    path.write_bytes(content)
    assert message_of(path) == "not a Parquet file, or a damaged one"


def test_without_pyarrow(path, monkeypatch):
    write_parquet(path, IRIS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert message_of(path) == "Parquet needs pyarrow, which is not installed: pip install 'dlspec[data]'"


def test_columns_that_are_left_out_may_hold_anything(path):
    write_parquet(path, {"when": [datetime.date(2024, 2, 29)] * M, **IRIS, "id": [None, *range(M - 1)]})
    assert files.read(path, target="species", leave_out=["when", "id"]).feature_names == ("petal.length", "width")
    assert message_of(path, target="species", leave_out=["wehn", "id"]) == "no column 'wehn'; did you mean 'when'?"
    table = files.read(path, target="species", leave_out=["when", "id", "wehn"], training=False)
    assert table.feature_names == ("petal.length", "width")
    both = "column 'width' is a target and what the split goes by; expected different ones"
    assert message_of(path, target="width", leave_out=["width"]) == both


def test_a_split_goes_by_a_column(path, tmp_path):
    sites = [f"site {number // 5}" for number in range(M)]
    write_parquet(path, {"site": sites, **IRIS})
    lines = [f"{site},{a!r},{b},{s}" for site, a, b, s in zip(sites, A.tolist(), B.tolist(), SPECIES, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["site,petal.length,width,species", *lines]))
    settings = {"seed": 1, "strategy": "group", "column": "site", "ratios": (0.6, 0.4)}
    one, other = load_file(path, **settings), load_file(tmp_path / "a.csv", **settings)
    for name, examples in one.splits.items():
        assert np.array_equal(examples.rows, other.splits[name].rows)
        assert np.array_equal(examples.X, other.splits[name].X)
    assert one.feature_names == ("petal.length", "width")


def test_columns_one_by_one(path):
    write_parquet(path, {**IRIS, "when": [datetime.date(2024, 2, 29)] * M}, row_group_size=7)
    assert parquet.column(path, "species").tolist() == SPECIES
    assert parquet.column(path, "width").tolist() == B.tolist()
    for name, message in (
        ("speceis", "no column 'speceis'; did you mean 'species'?"),
        ("when", "column when holds date32[day]; expected numbers or text"),
    ):
        with pytest.raises(DataError) as caught:
            parquet.column(path, name)
        assert str(caught.value) == f"{path}: {message}"
