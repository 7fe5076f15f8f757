"""Records as CSV, JSON and Parquet."""

import csv
import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from dlspec.data.records import WRITERS, Records, write_csv
from dlspec.errors import DataError

NAMES = ("row", 'a,"b"', "x\x1b[2J")


def records():
    return Records(
        NAMES,
        iter(
            [[range(2), ["plain", 'q"\n,'], np.array([0.1, np.inf], np.float32)], [[2], ["\x7fé"], np.array([1 / 3])]]
        ),
    )


def written(write, **settings):
    file = io.BytesIO()
    write(file, records(), **settings)
    return file.getvalue()


def test_csv_is_read_back():
    rows = list(csv.reader(io.StringIO(written(write_csv).decode(), newline="")))
    assert rows == [[*NAMES], ["0", "plain", "0.1"], ["1", 'q"\n,', "inf"], ["2", "\x7fé", repr(1 / 3)]]


def test_csv_cannot_steer_a_terminal():
    text = written(write_csv, for_terminal=True).decode()
    assert text.replace("\n", "").isprintable()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0][2] == "x\\x1b[2J"
    assert [row[1] for row in rows[1:]] == ["plain", 'q"\\n,', "\\x7fé"]


def test_json_is_ascii():
    text = written(WRITERS["json"]).decode("ascii")
    assert text.replace("\n", "").isprintable()
    assert json.loads(text) == [
        dict(zip(NAMES, row, strict=True)) for row in ([0, "plain", 0.1], [1, 'q"\n,', None], [2, "\x7fé", 1 / 3])
    ]


def test_parquet_keeps_the_types():
    one = Records(("n", "p"), iter([[["a"], np.array([0.1], np.float32)], [["b"], np.array([0.2], np.float32)]]))
    file = io.BytesIO()
    WRITERS["parquet"](file, one)
    table = pq.read_table(file)
    assert (table.column_names, [str(held) for held in table.schema.types]) == (["n", "p"], ["string", "float"])
    assert table.column("n").to_pylist() == ["a", "b"]


@pytest.mark.parametrize(("name", "expected"), [("csv", b"a,b\n"), ("json", b"[]\n")])
def test_no_records(name, expected):
    file = io.BytesIO()
    WRITERS[name](file, Records(("a", "b"), iter(())))
    assert file.getvalue() == expected


def test_no_records_in_parquet():
    file = io.BytesIO()
    WRITERS["parquet"](file, Records(("a", "b"), iter(())))
    assert pq.read_table(file).shape == (0, 2)


def test_parquet_needs_pyarrow(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(DataError, match=r"pip install 'dlspec\[data\]'"):
        written(WRITERS["parquet"])
