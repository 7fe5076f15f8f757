"""Columns of text, truth values and dates, and missing cells: what each cell is taken for."""

import datetime
import decimal
import math
import resource

import numpy as np
import pyarrow as pa
import pytest
from format_files import write_parquet

from dlspec.data import mixed
from dlspec.data.cells import days_of
from dlspec.errors import DataError


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def read(path, types=(), **settings):
    return mixed.read(path, types=dict(types), **settings)


def message_of(path, types=(), **settings):
    with pytest.raises(DataError) as caught:
        read(path, types, **settings)
    (line,) = caught.value.problems
    assert line.startswith(str(path))
    return line.removeprefix(str(path))


def column(tmp_path, *cells, kind=None):
    """The first column of a file with these cells: its kind, and what each cell is."""
    lines = "".join(f'"{cell}",0\n' for cell in cells)
    table = read(write(tmp_path / "a.csv", f"a,y\n{lines}"), {} if kind is None else {"a": kind})
    (found,) = table.columns
    names = [*found.categories, None]
    values = [None if math.isnan(value) else value for value in table.x[:, 0]]
    if found.kind == "category":
        values = [None if value is None else names[int(value)] for value in values]
    return found.kind, values


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "2.5", "-3e2"), "number", [1, 2.5, -300]),
        (("1", "", "NA", " n/a ", "NaN", "null"), "number", [1, None, None, None, None, None]),
        (("+1", " 2 ", ".5"), "number", [1, 2, 0.5]),
        (("", "", ""), "number", [None, None, None]),
        (("0", "1"), "number", [0, 1]),
        (("true", "FALSE", ""), "boolean", [1, 0, None]),
        (("yes", "No"), "boolean", [1, 0]),
        (("2024-02-29", "", "1970-01-02"), "date", [19782, None, 1]),
        (("1970-01-01T12:00", "1969-12-31 18:00"), "date", [0.5, -0.25]),
        (("1970-01-01T12:00+02:00", "1970-01-01T00:00Z"), "date", [10 / 24, 0]),
        (("2024-02-29", "soon"), "category", ["2024-02-29", "soon"]),
        (("cat", "dog", "cat", ""), "category", ["cat", "dog", "cat", None]),
        (("DE", "NA", "NaN"), "category", ["DE", "NA", "NaN"]),
        (("yes", "no", "perhaps"), "category", ["yes", "no", "perhaps"]),
        (("1", "A"), "category", ["1", "A"]),  # no more numbers than texts
        (("1_000", "x"), "category", ["1_000", "x"]),
        (("two\nlines", "a,b"), "category", ["two\nlines", "a,b"]),
    ],
)
def test_what_a_column_of_text_holds(tmp_path, cells, kind, values):
    assert column(tmp_path, *cells) == (kind, values)


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (("1", "2"), "category", ["1", "2"]),
        (("1", "0", "yes"), "boolean", [1, 0, 1]),
        (("20240229", "2024-W09-4"), "date", [19782, 19782]),
    ],
)
def test_what_it_is_said_to_hold(tmp_path, cells, kind, values):
    assert column(tmp_path, *cells, kind=kind) == (kind, values)


@pytest.mark.parametrize(
    ("text", "types", "message"),
    [
        ("1,0\n2,0\nabc,0\n", {}, ":4: column a: found 'abc'; expected a number"),  # one text among numbers
        ("1,0\n\n \ninf,0\n", {}, ":5: column a: found inf; expected a finite number"),
        ("x,0\n1e999,0\n", {"a": "number"}, ":2: column a: found 'x'; expected a number"),
        ("1,0\n1e999,0\nx,0\n", {}, ":3: column a: found '1e999'; expected a finite number"),
        ("yes,0\nmaybe,0\n", {"a": "boolean"}, ":3: column a: found 'maybe'; expected true, false, yes, no, 1 or 0"),
        ("2024-13-01,0\n", {"a": "date"}, ":2: column a: found '2024-13-01'; expected a date or time such as"),
        (f"{'z' * 1001},0\nb,0\n", {}, ":2: column a: 1001 characters; expected a category"),
        ("1,0\n2\n", {}, ":3: 1 cell; expected 2, as many as in the header"),
        ("1,\n", {}, ":2: column y: empty; expected a label or a number"),
        ("1,0\n", {"b": "date"}, ": no column 'b'; "),
        ("1,0\n", {"a": "ignore"}, ": every column is a target, the sample weight or left out; expected features"),
        ("", {}, ": a header and no examples"),
    ],
)
def test_errors(tmp_path, text, types, message):
    assert message in message_of(write(tmp_path / "a.csv", f"a,y\n{text}"), types)


def test_bytes_that_are_no_text_are_found(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,y\n1,0\n\xff,1\n")
    assert message_of(tmp_path / "a.csv") == ":3: not UTF-8 text; save the file as UTF-8"


def test_roles_of_the_columns(tmp_path):
    path = write(tmp_path / "a.tsv", "id\tw\tcity\ty\tz\nu1\t2\tRome\tcat\t1\nu2\t1\tOslo\tdog\t2\n")
    table = read(path, {"id": "ignore"}, target="y", sample_weight="w", leave_out=("z",))
    assert (table.feature_names, table.target_names) == (("city",), ("y",))
    assert (table.y.tolist(), table.weights.tolist()) == (["cat", "dog"], [2, 1])
    assert (table.place(1), table.source) == (f"{path}:3", str(path))
    several = read(path, {"id": "ignore"}, target=["z", "w"])
    assert several.y.tolist() == [[1, 2], [2, 1]]
    assert read(path, {"gone": "ignore"}, sample_weight="other", training=False).weights is None
    for settings in ({"target": "id"}, {"target": "w", "sample_weight": "w"}):
        assert "is a target or the sample weight, and" in message_of(path, {"id": "ignore"}, **settings)


@pytest.mark.parametrize(
    ("y", "missing", "expected"),
    [
        ("3\n1", False, [3, 1]),
        ("3\nx", False, ["3", "x"]),
        ("3\n", True, [3, math.nan]),
        ("3\nnan", True, [3, math.nan]),
    ],
)
def test_targets(tmp_path, y, missing, expected):
    rows = "".join(f"{number},{cell}\n" for number, cell in enumerate(y.split("\n")))
    found = read(write(tmp_path / "a.csv", f"a,y\n{rows}"), missing=missing).y.ravel()
    assert np.array_equal(found, np.array(expected), equal_nan=found.dtype.kind == "f")


def test_targets_that_are_no_numbers(tmp_path):
    path = write(tmp_path / "a.csv", "a,y,z\n1,1,inf\n2,cat,1\n")
    assert message_of(path, target=["y", "z"]) == ":3: column y: found 'cat'; expected a finite number"
    assert message_of(path) == ":2: column z: found 'inf'; expected a finite number"


def test_types_of_parquet(tmp_path):
    days = [datetime.date(1970, 1, 2), None, datetime.date(2024, 2, 29)]
    path = write_parquet(
        tmp_path / "a.parquet",
        {
            "integer": pa.array([1, None, 3], pa.int16()),
            "large": pa.array([2**60, 2, 3], pa.int64()),
            "half": pa.array([0.5, None, math.nan], pa.float32()),
            "decimal": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("2.5")]),
            "truth": pa.array([True, None, False]),
            "day": pa.array(days),
            "moment": pa.array([datetime.datetime(1970, 1, 1, 12), None, None], pa.timestamp("ns")),
            "zoned": pa.array([datetime.datetime(1970, 1, 1, 12), None, None], pa.timestamp("ms", "Europe/Rome")),
            "text": pa.array(["b", None, "a"]),
            "code": pa.array(["b", None, "b"]).dictionary_encode(),
            "y": pa.array([0, 1, 2]),
        },
    )
    table = read(path)
    n = math.nan
    expected = [
        *([1, n, 3], [2**60, 2, 3], [0.5, n, n], [1.5, n, 2.5], [1, n, 0], [1, n, 19782]),
        *([0.5, n, n], [0.5, n, n], [0, n, 1], [0, n, 0]),
    ]
    assert np.array_equal(table.x.T, expected, equal_nan=True)
    assert [found.kind for found in table.columns] == [
        *(["number"] * 4), "boolean", *(["date"] * 3), *(["category"] * 2)
    ]  # fmt: skip
    assert (table.columns[-2].categories, table.y.tolist(), table.place(1)) == (("b", "a"), [0, 1, 2], f"{path}: row 1")
    as_category = read(path, {"integer": "category", "text": "ignore"})
    assert as_category.columns[0].categories == ("1", "3")
    assert "text" not in as_category.feature_names
    for name, kind in (("moment", "number"), ("integer", "date")):
        assert f"expected a {kind}" in message_of(path, {name: kind})
    assert ": row 0: column half: found 0.5; expected 0 or 1" in message_of(path, {"half": "boolean"})


def test_types_of_parquet_that_are_none(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", {"a": pa.array([[1], [2]]), "b": [1, 2], "y": [0, 1]})
    assert message_of(path).startswith(": column a holds list<")
    assert read(path, {"a": "ignore"}).feature_names == ("b",)


def test_other_formats_have_no_such_columns(tmp_path):
    assert "expected one of .csv, .tsv, .parquet" in message_of(write(tmp_path / "a.h5", ""))


def test_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert "pip install 'dlspec[data]'" in message_of(write(tmp_path / "a.csv", "a,y\n1,0\n"))


def test_categories_of_several_blocks_are_one_list(tmp_path, monkeypatch):
    monkeypatch.setattr("dlspec.data.arrow._TEXT_BLOCK", 64)
    cells = [f"c{number % 7}" for number in range(200)]
    table = read(write(tmp_path / "a.csv", "a,y\n" + "".join(f"{cell},{cell}\n" for cell in cells)))
    (found,) = table.columns
    assert found.categories == tuple(f"c{number}" for number in range(7))
    assert [found.categories[int(code)] for code in table.x[:, 0]] == cells == table.y.tolist()


@pytest.mark.parametrize("text", ["", "x", "2024", "2024-02-30", "10000-01-01", "0001-01-01T00:00+23:59"])
def test_texts_that_are_no_days(text):
    assert days_of(text) is None or text == "2024"


def test_a_long_text_that_is_repeated_is_held_once(tmp_path):
    """200,000 cells of one text of 10,000 characters, in a small file."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, np.int32)), pa.array(["z" * 10_000]))
    path = write_parquet(tmp_path / "a.parquet", {"a": text, "y": np.arange(200_000) % 2}, store_schema=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert message_of(path).startswith(": row 0: column a: 10000 characters; expected a category")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB; the cells alone would be 2 GB


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", " 2", None, "NA"], "number", [1, 2, None, None]),
        (["Yes", "no ", None, ""], "boolean", [1, 0, None, None]),
        (["1970-01-02", "1970-01-02", None, "n/a"], "date", [1, 1, None, None]),
        (["a", " a", None, "NA"], "category", [0, 0, None, 1]),
    ],
)
def test_text_of_parquet_is_read_as_that_of_a_csv(tmp_path, cells, kind, values):
    path = write_parquet(tmp_path / "a.parquet", {"a": cells, "y": [0, 1, 0, 1]})
    found = read(path, {"a": kind}).x[:, 0]
    assert [None if math.isnan(value) else value for value in found] == values
