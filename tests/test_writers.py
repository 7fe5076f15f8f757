"""What is written is read back: the same examples, names and classes, in whatever order formats follow each other."""

import h5py
import numpy as np
import pytest

from dlspec import writers
from dlspec.data import files
from dlspec.data.dataset import check_features
from dlspec.data.labels import coding_of
from dlspec.data.stream import of_table
from dlspec.data.table import from_arrays
from dlspec.errors import DataError

M = 11
RNG = np.random.default_rng(0)
FLOATS = RNG.normal(size=(M, 4)) * 10.0 ** RNG.integers(-300, 300, (M, 4))
BYTES = RNG.integers(0, 256, (M, 2, 2, 3)).astype(np.uint8)
CODES = np.arange(M) % 3
WEIGHTS = RNG.uniform(0.1, 9, M)
LABELS = np.array(["cat", 'na"ïve,\nx', "yak"])[CODES]
SUFFIXES = [*(suffix for suffix in writers.FORMATS if suffix != ".hdf5")]


def example(**changes):
    given = {"x": FLOATS, "y": CODES, "feature_names": ("a", "b.c", "ünï", 'd,"e\nf')} | changes
    if given["x"].ndim > 2:
        given["feature_names"] = None
    return from_arrays("memory", **given)


def written(path, table, rows=4):
    """The files of a table written in blocks."""
    blocks = [block for start in range(0, M, rows) for block in of_table(part(table, start, start + rows)).blocks]
    stream = type(of_table(table))(M, iter(blocks))
    writers.write(path, blocks[0], stream)
    return path


def part(table, start, stop):
    weights = None if table.weights is None else table.weights[start:stop]
    changed = {"x": table.x[start:stop], "y": table.y[start:stop], "weights": weights}
    return type(table)(**{**vars(table), **changed})


def settings_for(path, table):
    """How to read back what was written."""
    weighted = None if table.weights is None else writers.WEIGHTS
    if path.suffix == ".npy":
        return {"sample_weight": weighted and f"{writers.WEIGHTS}.npy", "missing": True}
    several = {"target": list(table.target_names)} if path.suffix in (".csv", ".tsv") else {}
    return {"sample_weight": weighted, **several}


def labels_of(table):
    """The class of each example by name, the way the file says it."""
    coding = coding_of(table, task="auto", classes=None)
    return [coding.classes[code] for code in coding.encode(table)], set(coding.classes)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("y", [CODES, FLOATS[:, 0], LABELS, np.column_stack([CODES, FLOATS[:, 1]])])
def test_examples_come_back(tmp_path, suffix, weights, y):
    table = example(y=y, weights=weights)
    path = written(tmp_path / f"x{suffix}", table)
    again = files.read(path, **settings_for(path, table))
    assert again.x.dtype == np.float64
    assert np.array_equal(again.x, table.x)
    assert np.array_equal(again.y, table.y)
    assert again.y.dtype.kind == table.y.dtype.kind or suffix in (".csv", ".tsv")
    assert (again.weights is None) == (weights is None)
    assert weights is None or np.array_equal(again.weights, weights)
    if suffix != ".npy":
        check_features(table, again)
        assert again.feature_names == table.feature_names


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_images_come_back(tmp_path, suffix):
    table = example(x=BYTES, y=CODES.astype(np.uint8))
    again = files.read(written(tmp_path / f"x{suffix}", table))
    assert np.array_equal(again.x, table.x)
    if suffix in (".csv", ".tsv"):
        assert writers.left_out(tmp_path / f"x{suffix}", table) == [writers.IMAGE_SHAPE]
    else:
        assert (again.x.dtype, again.image_shape, again.y.dtype) == (np.uint8, (2, 2, 3), np.uint8)
        assert writers.left_out(tmp_path / f"x{suffix}", table) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("classes", [("cat", "dog", "x10"), ("0", "1", "7"), ("b", "a", "c")])
@pytest.mark.parametrize("text", [False, True])
def test_classes_come_back(tmp_path, suffix, classes, text):
    numbered = "7" in classes  # then whole numbers are names, not positions
    numbers = np.array([0, 1, 7])[CODES] if numbered else CODES
    table = example(y=np.array(classes)[CODES] if text else numbers, classes=classes)
    again = files.read(written(tmp_path / f"x{suffix}", table))
    assert labels_of(again) == labels_of(table)
    if suffix in (".h5", ".npz", ".parquet"):
        assert again.classes == classes
        assert again.y.dtype.kind == table.y.dtype.kind
    else:
        assert (writers.CLASS_ORDER in writers.left_out(tmp_path / f"x{suffix}", table)) == (classes[0] == "b")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_targets_come_back(tmp_path, suffix):
    y = np.column_stack([CODES, CODES]).astype(float)
    y[::3, 0] = y[1::4, 1] = np.nan
    table = example(y=y, missing=True, y_name="label")
    path = written(tmp_path / f"x{suffix}", table)
    again = files.read(path, **{**settings_for(path, table), "missing": True})
    assert np.array_equal(again.y, y, equal_nan=True)
    kept = suffix in (".csv", ".tsv", ".parquet")
    assert again.target_names == (("label1", "label2") if kept else ("y1", "y2"))
    assert (writers.TARGET_NAMES in writers.left_out(path, table)) == (not kept)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["?", "u1", "i2", ">i4", "u8", "f2", "f4", ">f8"])
def test_types_come_back(tmp_path, suffix, dtype):
    table = example(x=(np.abs(FLOATS) > 1).astype(dtype) * np.array(1).astype(dtype), y=CODES.astype(dtype))
    again = files.read(written(tmp_path / f"x{suffix}", table))
    assert np.array_equal(again.x, table.x)
    assert np.array_equal(again.y, table.y)
    if suffix not in (".csv", ".tsv"):
        assert again.x.dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_example_and_the_same_bytes_whatever_the_blocks(tmp_path, suffix):
    one = part(example(weights=WEIGHTS), 0, 1)
    writers.write(tmp_path / f"x{suffix}", one, of_table(one))
    assert files.read(tmp_path / f"x{suffix}").y.tolist() == [0]
    if suffix == ".parquet":
        return  # a block is a row group
    contents = []
    for rows in (1, 3, 100):
        contents.append(written(tmp_path / f"x{suffix}", example(y=LABELS, weights=WEIGHTS), rows).read_bytes())
    assert contents[0] == contents[1] == contents[2]


def test_many_long_feature_names(tmp_path):
    names = tuple(f"gene {j} of a long list of genes" for j in range(2500))
    table = example(x=np.ones((M, 2500)), feature_names=names)
    for suffix in (".h5", ".npz"):
        assert files.read(written(tmp_path / f"x{suffix}", table)).feature_names == names


def test_text_in_hdf5_has_a_fixed_length(tmp_path):
    with h5py.File(written(tmp_path / "a.h5", example(y=LABELS))) as file:
        assert file["y"].dtype == h5py.string_dtype("utf-8", len('na"ïve,\nx'.encode()))
        assert file["x"].chunks is None


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("names", [("a", "a", "b", "c"), ("a", "b", "c", "y"), ("sample_weight", "a", "b", "c")])
def test_two_columns_of_one_name(tmp_path, suffix, names):
    path = tmp_path / f"a{suffix}"
    with pytest.raises(DataError) as caught:
        written(path, example(feature_names=names, weights=WEIGHTS))
    twice = next(name for name in [*names, "sample_weight", "y"] if [*names, "sample_weight", "y"].count(name) > 1)
    assert str(caught.value) == f"{path}: two columns would be named '{twice}'; expected different names"
    assert not path.exists()


@pytest.mark.parametrize("name", ["", " a", "b\t", "1.5", "\0"])
def test_column_names_that_a_text_file_cannot_have(tmp_path, name):
    path = tmp_path / "a.csv"
    with pytest.raises(DataError) as caught:
        written(path, example(feature_names=("a", "b", "c", name)))
    assert str(caught.value) == f"{path}: a column named {name!r} could not be read back; expected another name"


@pytest.mark.parametrize("label", [" cat", "", "a\0b"])
def test_labels_that_a_text_file_cannot_have(tmp_path, label):
    path = tmp_path / "a.csv"
    table = example(y=np.array(["dog", label])[CODES % 2])
    with pytest.raises(DataError) as caught:
        written(path, table)
    tail = f"a label {label!r} could not be read back; expected another format, as .h5"
    assert str(caught.value) == f"{path}: {tail}"


def test_labels_that_would_become_other_numbers(tmp_path):
    path = tmp_path / "a.csv"
    with pytest.raises(DataError) as caught:
        written(path, example(y=np.array(["01", "2", "3"])[CODES]))
    tail = "labels such as '01' would be read back as numbers; expected another format, as .h5"
    assert str(caught.value) == f"{path}: {tail}"
    assert files.read(written(path, example(y=np.array(["1", "2", "x"])[CODES]))).y[1] == "2"


def test_numbers_that_parquet_does_not_have(tmp_path):
    path = tmp_path / "a.parquet"
    with pytest.raises(DataError) as caught:
        written(path, example(x=FLOATS.astype(np.longdouble)))
    tail = f"Parquet has no place for {np.dtype(np.longdouble)}; expected another format, as .h5"
    assert str(caught.value) == f"{path}: {tail}"


def test_files_of_a_name(tmp_path):
    assert writers.files(tmp_path / "x_train.npy", weights=True) == [
        tmp_path / name for name in ("x_train.npy", "y_train.npy", "sample_weight_train.npy")
    ]
    assert writers.files(tmp_path / "images.npy", weights=False) == [tmp_path / "images.npy", tmp_path / "labels.npy"]
    assert writers.files(tmp_path / "a.h5", weights=True) == [tmp_path / "a.h5"]
    path = tmp_path / "inputs.npy"
    with pytest.raises(DataError) as caught:
        writers.files(path, weights=False)
    tail = "the targets go beside the inputs, by their name; expected one with the word x, such as x.npy"
    assert str(caught.value) == f"{path}: {tail}"
    path = tmp_path / "a.xlsx"
    with pytest.raises(DataError) as caught:
        writers.files(path, weights=False)
    expected = "expected one of .csv, .tsv, .parquet, .h5, .hdf5, .npz, .npy"
    assert str(caught.value) == f"{path}: unknown suffix '.xlsx'; {expected}"
