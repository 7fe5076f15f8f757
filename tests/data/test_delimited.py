from pathlib import Path

import numpy as np
import pytest

from dlspec.data import delimited
from dlspec.errors import DataError

IRIS = "sepal_length,sepal_width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n6.3,3.3,setosa\n"


def written(folder: Path, text: str | bytes, name: str = "iris.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_reads_features_and_text_labels(tmp_path):
    path = written(tmp_path, IRIS)
    table = delimited.read(path)
    assert table.source == str(path)
    assert table.x.dtype == np.float64
    assert table.x.tolist() == [[5.1, 3.5], [7.0, 3.2], [6.3, 3.3]]
    assert table.y.tolist() == ["setosa", "versicolor", "setosa"]
    assert table.feature_names == ("sepal_length", "sepal_width")
    assert table.target_names == ("species",)
    assert table.image_shape is None
    assert table.classes is None
    assert [table.place(row) for row in range(3)] == [f"{path}:{line}" for line in (2, 3, 4)]


def test_target_by_name_and_numeric_target(tmp_path):
    table = delimited.read(written(tmp_path, "a,b,c\n1,2.5,3\n4,5,6\n"), target="b")
    assert table.x.tolist() == [[1, 3], [4, 6]]
    assert table.y.dtype == np.float64
    assert table.y.tolist() == [2.5, 5]
    assert table.feature_names == ("a", "c")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\ufeffa,b\n1,x\n2.5,y z\n", id="byte order mark"),
        pytest.param("a,b\r\n1,x\r\n2.5,y z\r\n", id="windows"),
        pytest.param("a,b\r1,x\r2.5,y z\r", id="old mac"),
        pytest.param("a,b\n1,x\n2.5,y z", id="no last newline"),
        pytest.param("a,b\n1,x\n\n2.5,y z\n\n", id="blank lines"),
        pytest.param("\n\na,b\n1,x\n2.5,y z\n", id="blank lines first"),
        pytest.param("a,b\n1,x\n  \n2.5,y z\n", id="line of spaces"),
        pytest.param(" a , b \n 1 , x\n+2.50, y z \n", id="spaces around cells"),
        pytest.param('"a","b"\n"1","x"\n"2.5","y z"\n', id="quoted"),
        pytest.param('"a","b"\n"1","x"\n   \n"2.5e0","y z"\n', id="quoted, exact pass"),
    ],
)
def test_forms_of_the_same_table(tmp_path, text):
    table = delimited.read(written(tmp_path, text))
    assert table.feature_names == ("a",)
    assert table.target_names == ("b",)
    assert table.x.tolist() == [[1], [2.5]]
    assert table.y.tolist() == ["x", "y z"]


def test_quoted_cells_hold_commas_quotes_and_newlines(tmp_path):
    path = written(tmp_path, 'a,"b\nc"\n1,"x, ""y"""\n2,"two\nlines"\n3,x\n')
    table = delimited.read(path)
    assert table.target_names == ("b\nc",)
    assert table.y.tolist() == ['x, "y"', "two\nlines", "x"]
    assert [table.place(row) for row in range(3)] == [f"{path}:{line}" for line in (3, 4, 6)]


def test_tsv(tmp_path):
    table = delimited.read(written(tmp_path, "a\tb\n1\tx, y\n", "t.TSV"))
    assert table.x.tolist() == [[1]]
    assert table.y.tolist() == ["x, y"]


def test_text_among_numbers_makes_a_text_target(tmp_path):
    assert delimited.read(written(tmp_path, "a,b\n1,1\n2,none\n3,1_0\n")).y.tolist() == ["1", "none", "1_0"]


def test_both_passes_give_the_same_bits(tmp_path):
    values = np.random.default_rng(0).normal(size=(200, 5)) * 10.0 ** np.arange(-150, 150, 60)
    lines = [",".join(map(repr, row)) + f",c{i % 3}" for i, row in enumerate(values.tolist())]
    fast = delimited.read(written(tmp_path, "\n".join(["a,b,c,d,e,t", *lines]), "fast.csv"))
    exact = delimited.read(written(tmp_path, "\n".join(["a,b,c,d,e,t", " ", *lines]), "exact.csv"))
    assert np.array_equal(fast.x, values)
    assert np.array_equal(exact.x, values)
    assert np.array_equal(fast.y, exact.y)
    assert exact.place(0).endswith("exact.csv:3")


ERRORS = [
    ("a,b\n1,x\nabc,y\n", ":3: column a: found 'abc'; expected a number (data.columns takes text and empty cells)"),
    ("a,b\n1,x\n1_000,y\n", ":3: column a: found '1_000'; expected a number (data.columns takes text and empty cells)"),
    ("a,b\n1,x\n0x1F,y\n", ":3: column a: found '0x1F'; expected a number (data.columns takes text and empty cells)"),
    (
        f"a,b\n{'z' * 99},x\n",
        f":2: column a: found '{'z' * 39}…'; expected a number (data.columns takes text and empty cells)",
    ),
    ("a,b\n1,x\n\n,y\n", ":4: column a: empty; expected a number (data.columns takes text and empty cells)"),
    ("a,b\n1,x\n2, \n", ":3: column b: empty; expected a label or a number"),
    ("a,b\n1,x\nnan,y\n", ":3: column a: found 'nan'; expected a finite number"),
    ("a,b\n-inf,x\n1,y\n", ":2: column a: found '-inf'; expected a finite number"),
    ("a,b\n1,x\n1e400,y\n", ":3: column a: found '1e400'; expected a finite number"),
    ("a,b\n1,2\n\n2,nan\n3,4\n", ":4: column b: found 'nan'; expected a finite number"),
    ("a,b\n1,2\n2,1e999\n", ":3: column b: found '1e999'; expected a finite number"),
    ("a,b\n1,x\n2,y,3\n", ":3: 3 cells; expected 2, as many as in the header"),
    ("a,b,c\n1,2,x\n2\n", ":3: 1 cell; expected 3, as many as in the header"),
    ("a,b,a\n1,2,x\n", ":1: two columns are named 'a'; expected different names"),
    ("a,,c\n1,2,x\n", ":1: column 2 has no name; expected a name for every column"),
    ("5.1,3.5,setosa\n4.9,3.0,setosa\n", ":1: column 1 is named '5.1'; expected a header, not numbers"),
    ("a;b\n1;x\n", ":1: one column, 'a;b'; expected features and a target, separated by commas"),
    ("", ": empty; expected a header and examples"),
    ("\n \n", ": empty; expected a header and examples"),
    ("a,b\n", ": a header and no examples"),
    ("a,b\n\n\n", ": a header and no examples"),
    (b"\x89PNG\r\n\x1a\n\0\0\0", ": binary data; expected UTF-8 text"),
    ("a,b\n1,x\n".encode("utf-16"), ": binary data; expected UTF-8 text"),
    (b"a,b\n1,x\n2,caf\xe9\n", ":3: not UTF-8 text; save the file as UTF-8"),
    (b"caf\xe9,b\n1,x\n", ":1: not UTF-8 text; save the file as UTF-8"),
    (f"a,b\n1,{'z' * 200_000}\nx,y\n", ":2: field larger than field limit (131072)"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_errors(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        delimited.read(path)
    assert str(caught.value) == f"{path}{message}"


def test_one_column_of_a_tsv(tmp_path):
    path = written(tmp_path, "a,b\n1,x\n", "t.tsv")
    with pytest.raises(DataError) as caught:
        delimited.read(path)
    assert str(caught.value) == f"{path}:1: one column, 'a,b'; expected features and a target, separated by tabs"


@pytest.mark.parametrize(
    ("target", "tail"),
    [("specis", "did you mean 'species'?"), ("zzz", "found sepal_length, sepal_width, species")],
)
def test_missing_target(tmp_path, target, tail):
    path = written(tmp_path, IRIS)
    with pytest.raises(DataError) as caught:
        delimited.read(path, target=target)
    assert str(caught.value) == f"{path}:1: no column {target!r}; {tail}"


def test_missing_target_among_many_columns(tmp_path):
    path = written(tmp_path, ",".join(f"pixel{j}" for j in range(784)) + "\n")
    with pytest.raises(DataError) as caught:
        delimited.read(path, target="label")
    first = ", ".join(f"pixel{j}" for j in range(10))
    assert str(caught.value) == f"{path}:1: no column 'label'; found {first} and 774 more"
