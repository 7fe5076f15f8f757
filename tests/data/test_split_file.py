"""Files that say which row is in which split."""

import io
import json

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlspec.data import split_file
from dlspec.data.split_file import SplitFile
from dlspec.errors import DataError

MADE = {"seed": 3, "ratios": "60/20/20", "strategy": "group"}
HEAD = '# dlspec split: 1\n# data_hash: "sha256:0"\n# rows: 3\n# columns: []\nrow,split\n'


def split_of(names, *, columns=()):
    """A split by the name of each row's part."""
    names = np.array(names)
    rows = {name: np.flatnonzero(names == name) for name in ("train", "train-dev", "dev", "test") if name in names}
    return SplitFile(rows=rows, m=len(names), data_hash="sha256:0", columns=columns, made=MADE)


def written(path, split):
    if path.suffix == ".csv":
        buffer = io.BytesIO()
        split_file.write_csv(buffer, split)
        path.write_bytes(buffer.getvalue())
    else:
        with h5py.File(path, "w") as file:
            split_file.write_hdf5(file, split)
    return path


def error_of(call, *arguments, **settings):
    with pytest.raises(DataError) as caught:
        call(*arguments, **settings)
    return str(caught.value)


@settings(max_examples=10)
@given(names=st.lists(st.sampled_from(["train", "train-dev", "dev", "test"]), min_size=1, max_size=60))
@pytest.mark.parametrize("name", ["a.csv", "a.h5"])
def test_what_is_written_is_read(tmp_path_factory, name, names):
    split = split_of([*names, "train"], columns=("patient", 'a "b", 名'))
    read = split_file.read(written(tmp_path_factory.mktemp("split") / name, split))
    assert list(read.rows) == list(split.rows)
    for part, rows in split.rows.items():
        assert np.array_equal(read.rows[part], rows)
        assert read.rows[part].dtype.kind in "iu"
    assert (read.m, read.data_hash, read.columns, read.made) == (split.m, "sha256:0", split.columns, MADE)


def test_the_text_of_a_file(tmp_path):
    text = written(tmp_path / "a.csv", split_of(["train", "dev", "train"], columns=("who",))).read_text()
    assert text == (
        '# dlspec split: 1\n# data_hash: "sha256:0"\n# rows: 3\n# columns: ["who"]\n# seed: 3\n'
        '# ratios: "60/20/20"\n# strategy: "group"\nrow,split\n0,train\n1,dev\n2,train\n'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": no split; expected a file written by dlspec split"),
        ("row,split\n0,train\n", ": no split; expected a file written by dlspec split"),
        (HEAD.replace(": 1\n", ": 2\n"), ": no split; expected a file written by dlspec split"),
        ("# dlspec split: x\n", ":1: cannot be read: Expecting value: line 1 column 2 (char 1)"),
        (HEAD.replace("3", '"3"') + "0,train\n", ": rows is '\"3\"'; expected a file written by dlspec split"),
        (HEAD.replace("[]", "[1]") + "0,train\n", ": columns is '[1]'; expected a file written by dlspec split"),
        (HEAD.replace("# rows: 3\n", "") + "0,train\n", ": rows is 'null'; expected a file written by dlspec split"),
        (HEAD + "0,train\n1,val\n", ":7: found '1,val'; expected a row and one of train, train-dev, dev, test"),
        (HEAD + "0,train\n-1,dev\n", ":7: found '-1,dev'; expected a row and one of train, train-dev, dev, test"),
        (HEAD + "0,train\n\n", ":7: found ''; expected a row and one of train, train-dev, dev, test"),
        (HEAD + f"{'9' * 30},train\n",
         f":6: found '{'9' * 30},train'; expected a row and one of train, train-dev, dev, test"),
        (HEAD + "0,dev\n1,dev\n2,test\n", ": no row is in train; expected some"),
        (HEAD + "0,train\n1,train\n3,dev\n", ": row 3 of dev is out of range; expected rows from 0 to 2"),
        (HEAD + "0,train\n1,dev\n", ": 2 rows are in a split; expected all 3, each in one"),
        (HEAD + "0,train\n1,dev\n1,dev\n2,test\n", ": 4 rows are in a split; expected all 3, each in one"),
        (HEAD + "0,train\n1,dev\n1,test\n", ": row 2 is in no split, and another in two; expected every row in one"),
        (HEAD.replace("rows: 3", "rows: 999999999999") + "0,train\n",
         ": 1 rows are in a split; expected all 999999999999, each in one"),
    ],
)  # fmt: skip
def test_damaged_csv_files(tmp_path, text, message):
    path = tmp_path / "a.split.csv"
    path.write_text(text)
    assert error_of(split_file.read, path) == f"{path}{message}"


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(HEAD.encode() + b"0,train\n\xff\n")
    assert error_of(split_file.read, path).startswith(f"{path}:")
    path.write_text("# dlspec split: " + "[" * 100_000)
    assert error_of(split_file.read, path).startswith(f"{path}:1: cannot be read: ")


@pytest.mark.parametrize(
    ("attributes", "arrays", "message"),
    [
        ({}, {}, ": no split; expected a file written by dlspec split"),
        ({"dlspec split": "["}, {}, ": no split; expected a file written by dlspec split"),
        ({"dlspec split": "1", "rows": "3", "data_hash": '"x"', "columns": "[]"}, {"val": [0]},
         ": found a split 'val'; expected some of train, train-dev, dev, test"),
        ({"dlspec split": "1", "rows": "3", "data_hash": '"x"', "columns": "[]"}, {"train": [0.5]},
         ": train holds float64 of shape (1,); expected rows"),
        ({"dlspec split": "1", "rows": "3", "data_hash": '"x"', "columns": "[]"}, {"train": [0, -1, 2]},
         ": row -1 of train is out of range; expected rows from 0 to 2"),
        ({"dlspec split": "1", "rows": "3", "data_hash": "1", "columns": "[]"}, {"train": [0]},
         ": data_hash is '1'; expected a file written by dlspec split"),
    ],
)  # fmt: skip
def test_damaged_hdf5_files(tmp_path, attributes, arrays, message):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        for name, values in arrays.items():
            file[name] = values
    assert error_of(split_file.read, path) == f"{path}{message}"


def test_files_that_are_none(tmp_path):
    assert error_of(split_file.read, tmp_path / "a.txt").endswith("expected one of .csv, .h5, .hdf5")
    assert error_of(split_file.read, tmp_path / "a.csv") == f"{tmp_path / 'a.csv'}: no such file"
    (tmp_path / "a.h5").write_text("none")
    assert error_of(split_file.read, tmp_path / "a.h5") == f"{tmp_path / 'a.h5'}: not an HDF5 file"


@settings(max_examples=50)
@given(st.data())
def test_a_changed_byte_is_an_error_or_another_split(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("mutant") / "a.csv"
    content = bytearray(written(path, split_of(["train", "dev", "test", "train", "train-dev"])).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        read = split_file.read(path)
    except DataError:
        return
    assert sum(map(len, read.rows.values())) == read.m == 5


def test_the_hash_of_a_file_and_of_samples_of_a_large_one(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)) * 2000)
    whole = split_file.data_hash(path)
    assert whole.startswith("sha256:")
    monkeypatch.setattr(split_file, "WHOLE_UP_TO", 1000)
    monkeypatch.setattr(split_file, "_SAMPLES", 5)
    monkeypatch.setattr(split_file, "_SAMPLE", 10)
    sampled = split_file.data_hash(path)
    assert sampled.startswith("sha256-of-samples:")
    content = path.read_bytes()
    for place, same in ((0, False), (9, False), (10, True), (len(content) - 1, False), (len(content) // 2, False)):
        path.write_bytes(content[:place] + b"?" + content[place + 1 :])
        assert (split_file.data_hash(path) == sampled) is same
    path.write_bytes(content + content[-10:])
    assert split_file.data_hash(path) != sampled


def test_other_data_than_was_split(tmp_path):
    data, path = tmp_path / "a.bin", tmp_path / "a.split.csv"
    data.write_text("some")
    split = split_of(["train", "dev"])
    split = SplitFile(**{**vars(split), "data_hash": split_file.data_hash(data)})
    split_file.check_data(path, split, data=data, m=2)
    message = error_of(split_file.check_data, path, split, data=data, m=3)
    assert message == f"{path}: {data} has 3 rows, and the split is of 2; split it again with dlspec split"
    data.write_text("other")
    message = error_of(split_file.check_data, path, split, data=data, m=2)
    assert message == (
        f"{path}: {data} is not the file that was split, or has changed since; split it again with dlspec split"
    )


def test_facts_are_json(tmp_path):
    path = written(tmp_path / "a.h5", split_of(["train", "dev"]))
    with h5py.File(path) as file:
        assert {key: json.loads(value) for key, value in file.attrs.items()} == {
            "dlspec split": 1, "data_hash": "sha256:0", "rows": 2, "columns": [], **MADE
        }  # fmt: skip
        assert file["train"].dtype == np.uint32
