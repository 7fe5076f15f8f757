"""Several targets: labels 0 or 1 of which some are missing, or numbers."""

import h5py
import numpy as np
import pytest
from flat_loading import load_file, load_files

from dlspec.data import files
from dlspec.errors import DataError

NAN = np.nan
BINARY = "expected 0 or 1, and an empty cell, NaN or -1 where it is missing"
CSV = "car,x1,sign,x2,person\n1,0.5,0,7,\n,1.5,1,8,-1\n0,2.5,nan,9,1\n-1.0,3.5,1.0,6,0\n"
LABELS = [[1, 0, NAN], [NAN, 1, NAN], [0, NAN, 1], [NAN, 1, 0]]
TARGETS = ["car", "sign", "person"]


def written(path, text):
    path.write_text(text)
    return path


def error_of(path, *others, **settings):
    with pytest.raises(DataError) as caught:
        load_files(path, *others, **{"seed": 0, "task": "multi_task", **settings})
    return str(caught.value)


@pytest.mark.parametrize("text", [CSV, CSV.replace("1,0.5", " \n1,0.5")], ids=["fast pass", "exact pass"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_are_labels(tmp_path, text, dtype):
    path = written(tmp_path / "a.csv", text)
    dataset = load_files(path, seed=0, target=TARGETS, task="multi_task", normalize="none", dtype=dtype)
    train = dataset.splits["train"]
    assert train.Y.dtype == dtype
    np.testing.assert_array_equal(train.Y, LABELS)
    assert train.X.tolist() == [[0.5, 7], [1.5, 8], [2.5, 9], [3.5, 6]]
    assert dataset.task == "multi_task"
    assert dataset.classes == ()
    assert dataset.target_names == ("car", "sign", "person")
    assert dataset.n_targets == 3
    assert dataset.feature_names == ("x1", "x2")


def test_targets_are_in_the_order_that_names_them(tmp_path):
    table = files.read(written(tmp_path / "a.csv", "a,x,b\n1,5,\n-1,6,0\n"), target=["b", "a"], missing=True)
    assert table.target_names == ("b", "a")
    np.testing.assert_array_equal(table.y, [[NAN, 1], [0, -1]])


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
@pytest.mark.parametrize("y", [np.array(LABELS), np.nan_to_num(LABELS, nan=-1).astype(np.int8)])
def test_arrays(tmp_path, name, y):
    path, x = tmp_path / name, np.arange(8.0).reshape(4, 2)
    if name == "a.npz":
        np.savez(path, x=x, y=y, classes=np.array(["ignored", "names"]))
    else:
        with h5py.File(path, "w") as file:
            file["x"], file["y"] = x, y
    dataset = load_files(path, seed=0, task="multi_task")
    np.testing.assert_array_equal(dataset.splits["train"].Y, LABELS)
    assert dataset.target_names == ("y1", "y2", "y3")
    assert dataset.classes == ()


def test_a_single_label_may_be_missing_too(tmp_path):
    path = written(tmp_path / "a.csv", "x,t\n1,0\n2,\n3,1\n")
    for target in ("t", ["t"], None):
        train = load_files(path, seed=0, task="multi_task", target=target).splits["train"]
        np.testing.assert_array_equal(train.Y, [[0], [NAN], [1]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.5,0", "0.5,2", f":2: label sign: found 2; {BINARY}"),
        ("0.5,0", "0.5,inf", f":2: label sign: found inf; {BINARY}"),
        ("9,1", "9,0.5", f":4: label person: found 0.5; {BINARY}"),
        ("9,1", "9,yes", ":4: column person: found 'yes'; expected a number"),
        ("2.5,", ",", ":4: column x1: empty; expected a number (data.columns takes text and empty cells)"),
    ],
)
def test_wrong_cells(tmp_path, old, new, message):
    path = written(tmp_path / "a.csv", CSV.replace(old, new))
    assert error_of(path, target=TARGETS) == f"{path}{message}"


def test_wrong_arrays(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.eye(2), y=np.array([[0, 1], [1, 7]]))
    assert error_of(path) == f"{path}: row 1: label y2: found 7; {BINARY}"
    np.savez(path, x=np.eye(2), y=np.array([["0", "1"], ["1", "no"]]))
    message = f"{path}: row 1: target 'no' is text; expected a number (task: classification learns classes)"
    assert error_of(path) == message
    assert error_of(path, task="auto") == message


def test_labels_that_nobody_has(tmp_path):
    path = written(tmp_path / "a.csv", "x,a,b,c\n1,0,,-1\n2,1,,\n")
    message = f"{path}: no training example has a label b, c; expected at least one that is not missing"
    assert error_of(path, target=["a", "b", "c"]) == message
    train = written(tmp_path / "train.csv", "x,a\n1,0\n2,1\n")
    dev = written(tmp_path / "dev.csv", "x,a\n1,\n")
    assert error_of(train, dev) == f"{dev}: every label of the dev examples is missing; expected some"


def test_the_split_is_random(tmp_path):
    rows = "\n".join(f"{i},{i % 2},{i // 2 % 2}" for i in range(20))
    path = written(tmp_path / "a.csv", f"x,a,b\n{rows}\n")
    dataset = load_file(path, seed=3, task="multi_task", target=["a", "b"])
    assert dataset.cut.strategy == "random"
    for examples in dataset.splits.values():
        assert np.array_equal(examples.Y, np.column_stack((examples.rows % 2, examples.rows // 2 % 2)))
    with pytest.raises(DataError) as caught:
        load_file(path, seed=3, task="multi_task", target=["a", "b"], strategy="stratified")
    message = "a stratified split needs classes; expected strategy random"
    assert str(caught.value) == f"{path}: {message}"


def test_columns_of_numbers_are_several_targets(tmp_path):
    path = written(tmp_path / "a.csv", "x,a,b\n1,0.5,3\n2,1.5,4\n3,0,5\n")
    dataset = load_files(path, seed=0, target=["b", "a"])
    assert dataset.task == "regression"
    assert dataset.splits["train"].Y.tolist() == [[3, 0.5], [4, 1.5], [5, 0]]
    assert dataset.target_names == ("b", "a")
    path = written(tmp_path / "b.csv", "x,a,b\n1,0.5,3\n2,,4\n")
    assert error_of(path, target=["a", "b"], task="auto") == f"{path}:3: column a: empty; expected a label or a number"
    path = written(tmp_path / "c.csv", "x,a,b\n1,0.5,3\n2,cat,4\n")
    assert error_of(path, target=["a", "b"], task="auto") == f"{path}:3: column a: found 'cat'; expected a number"
    path = written(tmp_path / "d.csv", "x,a,b\n1,0.5,3\n2,nan,4\n")
    message = f"{path}:3: column a: found 'nan'; expected a finite number"
    assert error_of(path, target=["a", "b"], task="auto") == message


def test_a_list_of_one_name_is_the_name(tmp_path):
    path = written(tmp_path / "a.csv", "t,a,b\nx,1,2\ny,3,4\n")
    one, other = (files.read(path, target=target) for target in ("t", ["t"]))
    assert one.y.tolist() == other.y.tolist() == ["x", "y"]
    assert one.target_names == other.target_names == ("t",)


def test_columns_that_are_not_there(tmp_path):
    path = written(tmp_path / "a.csv", CSV)
    assert error_of(path, target=["car", "sing"]) == f"{path}:1: no column 'sing'; did you mean 'sign'?"
    message = f"{path}:1: every column is a target or the sample weight; expected features too"
    assert error_of(path, target=["car", "x1", "sign", "x2", "person"]) == message
