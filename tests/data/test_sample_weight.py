"""`sample_weight`: a column or an array that says how much each example counts."""

import h5py
import numpy as np
import pytest
from flat_loading import load_file, load_files

from dlspec.data import files
from dlspec.data.dataset import Examples
from dlspec.errors import DataError

CSV = "a,w,b,t\n1,0.5,10,x\n2,1,20,y\n3,2.5,30,x\n"
X = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
WEIGHTS = [0.5, 1.0, 2.5]


def written(path, text):
    path.write_text(text)
    return path


def arrays(path, **content):
    if path.suffix == ".npz":
        np.savez(path, **content)
    else:
        with h5py.File(path, "w") as file:
            for name, values in content.items():
                file[name] = values
    return path


def error_of(path, **settings):
    with pytest.raises(DataError) as caught:
        files.read(path, sample_weight="w", **settings)
    (line,) = caught.value.problems
    assert line.startswith(str(path))
    return line.removeprefix(str(path))


@pytest.mark.parametrize("text", [CSV, CSV.replace("a,w", " \na,w")], ids=["fast pass", "exact pass"])
def test_a_column_is_the_weight_and_no_feature(tmp_path, text):
    table = files.read(written(tmp_path / "a.csv", text), sample_weight="w")
    assert table.weights.tolist() == WEIGHTS
    assert table.weights.dtype == np.float64
    assert table.x.tolist() == X.tolist()
    assert table.x.flags.c_contiguous
    assert table.feature_names == ("a", "b")
    assert table.y.tolist() == ["x", "y", "x"]
    assert files.read(tmp_path / "a.csv", target="t").weights is None


def test_the_last_column_that_is_no_weight_is_the_target(tmp_path):
    table = files.read(written(tmp_path / "a.csv", "a,t,w\n1,x,3\n2,y,4\n"), sample_weight="w")
    assert table.target_names == ("t",)
    assert table.weights.tolist() == [3, 4]


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
@pytest.mark.parametrize("weights", [np.array(WEIGHTS), np.array(WEIGHTS)[:, np.newaxis], np.array([1, 2, 3])])
def test_arrays(tmp_path, name, weights):
    path = arrays(tmp_path / name, x=X, y=np.array([0, 1, 1]), w=weights)
    assert files.read(path, sample_weight="w").weights.tolist() == weights.ravel().tolist()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("0", ":3: sample weight w: found 0; expected a finite number greater than 0"),
        ("-1.5", ":3: sample weight w: found -1.5; expected a finite number greater than 0"),
        ("inf", ":3: column w: found 'inf'; expected a finite number"),
        ("", ":3: column w: empty; expected a number (data.columns takes text and empty cells)"),
        ("much", ":3: column w: found 'much'; expected a number (data.columns takes text and empty cells)"),
    ],
)
def test_wrong_cells(tmp_path, cell, message):
    assert error_of(written(tmp_path / "a.csv", CSV.replace("2,1,20", f"2,{cell},20"))) == message


def test_wrong_columns(tmp_path):
    assert error_of(written(tmp_path / "a.csv", "a,W,t\n1,1,x\n")) == ":1: no column 'w'; did you mean 'W'?"
    message = ":1: column 'w' is a target and the sample weight; expected different ones"
    assert error_of(written(tmp_path / "a.csv", "w,t\n1,x\n"), target="w") == message
    message = ":1: every column is a target or the sample weight; expected features too"
    assert error_of(written(tmp_path / "a.csv", "w,t\n1,x\n")) == message


@pytest.mark.parametrize("name", ["a.npz", "a.h5"])
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (None, ": no array 'w'; found x, y"),
        ([1.0, 0.0, 1.0], ": row 1: sample weight w: found 0; expected a finite number greater than 0"),
        ([1.0, 1.0, np.nan], ": row 2: sample weight w: found nan; expected a finite number greater than 0"),
        ([1.0, 1.0], ": w has shape (2,); expected a weight for each of 3 examples"),
        ([[1.0, 1.0]] * 3, ": w has shape (3, 2); expected a weight for each of 3 examples"),
        ([b"a", b"b", b"c"], None),
    ],
)
def test_wrong_arrays(tmp_path, name, weights, message):
    content = {} if weights is None else {"w": np.array(weights)}
    found = error_of(arrays(tmp_path / name, x=X, y=np.array([0, 1, 1]), **content))
    assert found == message if message else found.endswith("; expected numbers")


def test_each_split_has_the_weights_of_its_rows(tmp_path):
    rows = "\n".join(f"{i},{i + 1},{i % 2}" for i in range(20))
    dataset = load_file(written(tmp_path / "a.csv", f"a,w,t\n{rows}\n"), seed=1, sample_weight="w")
    for examples in dataset.splits.values():
        assert examples.weights.dtype == np.float32
        assert np.array_equal(examples.weights, examples.rows + 1)


@pytest.mark.parametrize(
    "test", ["a,t\n1,0\n2,1\n", "a,w,t\n1,7,0\n2,8,1\n"], ids=["without the column", "with the column"]
)
def test_dev_and_test_do_without(tmp_path, test):
    train = written(tmp_path / "train.csv", "a,w,t\n1,2,0\n2,1,1\n3,1,0\n")
    other = written(tmp_path / "test.csv", test)
    dataset = load_files(train, None, other, seed=0, sample_weight="w", normalize="none", dtype=np.float64)
    assert dataset.feature_names == ("a",)
    assert dataset.splits["train"].weights.tolist() == [2, 1, 1]
    found = dataset.splits["test"]
    assert isinstance(found, Examples)
    assert found.X.tolist() == [[1], [2]]
    assert found.weights is None if "w" not in test else found.weights.tolist() == [7, 8]
    for name in ("train.npz", "test.npz"):
        arrays(tmp_path / name, x=X, y=np.array([0, 1, 1]), **({"w": WEIGHTS} if name == "train.npz" else {}))
    dataset = load_files(tmp_path / "train.npz", tmp_path / "test.npz", seed=0, sample_weight="w")
    assert dataset.splits["dev"].weights is None


@pytest.mark.parametrize("weight", ["1e39", "1e-50"])
def test_weights_out_of_the_range_of_the_dtype(tmp_path, weight):
    path = written(tmp_path / "a.csv", f"a,w,t\n1,1,0\n2,{weight},1\n")
    message = f":3: sample weight {float(weight):g} is out of the range of float32; rescale the weights"
    with pytest.raises(DataError) as caught:
        load_files(path, seed=0, sample_weight="w")
    assert str(caught.value) == f"{path}{message}"
    assert load_files(path, seed=0, sample_weight="w", dtype=np.float64).splits["train"].weights[1] == float(weight)
