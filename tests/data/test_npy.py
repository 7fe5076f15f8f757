"""NPY: inputs in one file, targets and weights in others beside it."""

import hashlib
import tracemalloc

import numpy as np
import pytest
from flat_loading import load_file, load_files

from dlspec.data import files
from dlspec.errors import DataError

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = np.arange(20) % 3


def written(folder, **arrays):
    """Files by name; the path of the first."""
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values, allow_pickle=True)
    return folder / f"{next(iter(arrays))}.npy"


def message_of(path, **settings):
    with pytest.raises(DataError) as caught:
        files.read(path, **settings)
    (line,) = caught.value.problems
    return line


def test_inputs_and_targets(tmp_path):
    path = written(tmp_path, x=X, y=Y)
    table = files.read(path)
    assert table.x.dtype == np.float32
    assert np.array_equal(table.x, X)
    assert table.y.tolist() == Y.tolist()
    assert table.target_names == ("y",)
    assert table.place(2) == f"{path}: row 2"


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        ("x", "y"),
        ("x_train", "y_train"),
        ("X_train", "y_train"),
        ("X", "Y"),
        ("mnist-x-test", "mnist-y-test"),
        ("train_images", "train_labels"),
    ],
)
def test_the_targets_are_found_by_name(tmp_path, inputs, targets):
    assert files.read(written(tmp_path, **{inputs: X, targets: Y})).target_names == (targets,)


def test_other_names_and_folders(tmp_path):
    (tmp_path / "targets").mkdir()
    written(tmp_path / "targets", species=Y)
    path = written(tmp_path, measured=X)
    assert message_of(path) == (
        f"{path}: its name does not tell where the targets are; name their file with y, relative to this one"
    )
    assert files.read(path, y="targets/species.npy").target_names == ("species",)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(20, 12), (20, 3, 4), (20, 2, 3, 2)])
def test_shapes_and_orders(tmp_path, shape, order):
    values = np.asarray(np.arange(240).reshape(shape), np.uint8, order=order)
    table = files.read(written(tmp_path, x=values, y=Y))
    assert np.array_equal(table.x, values.reshape(20, 12))
    assert table.image_shape == (shape[1:] if len(shape) > 2 else None)


def test_the_inputs_are_mapped_not_read(tmp_path):
    m = 1_000_000
    path = written(tmp_path, x=X, y=np.zeros(m, np.uint8))
    np.lib.format.open_memmap(path, "w+", np.uint8, (m, 100)).flush()  # sparse: 100 MB of nothing
    tracemalloc.start()
    table = files.read(path)
    assert tracemalloc.get_traced_memory()[1] < 10 * m
    tracemalloc.stop()
    assert table.x.shape == (m, 100)


@pytest.mark.parametrize("labels", [np.array(["cat", "naïve"] * 10), np.array([b"cat", b"na\xc3\xafve"] * 10)])
def test_text_labels(tmp_path, labels):
    assert files.read(written(tmp_path, x=X, y=labels)).y.tolist() == ["cat", "naïve"] * 10


def test_weights(tmp_path):
    path = written(tmp_path, x=X, y=Y, w=np.arange(1, 21))
    assert files.read(path, sample_weight="w.npy").weights.tolist() == list(range(1, 21))
    assert files.read(path).weights is None
    assert files.read(path, sample_weight="v.npy", training=False).weights is None
    assert message_of(path, sample_weight="u.txt") == f"{path}: there is no file u.txt beside it; found w.npy, y.npy"
    written(tmp_path, w=np.zeros(20))
    message = "row 0: sample weight w.npy: found 0; expected a finite number greater than 0"
    assert message_of(path, sample_weight="w.npy") == f"{path}: {message}"


def test_missing_targets(tmp_path):
    path = written(tmp_path, x=X[:2], y=np.array([[1, np.nan], [0, 1]]))
    assert np.isnan(files.read(path, missing=True).y[0, 1])
    assert message_of(path) == f"{path}: row 0, target y2: found nan; expected a finite number"


def test_one_example(tmp_path):
    assert files.read(written(tmp_path, x=X[:1], y=Y[:1])).x.tolist() == X[:1].tolist()


def test_the_same_rows_from_npz_are_the_same_dataset(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y, w=np.arange(1, 21))
    one = load_file(written(tmp_path, x=X, y=Y, w=np.arange(1, 21)), seed=1, sample_weight="w.npy")
    other = load_file(tmp_path / "a.npz", seed=1, sample_weight="w")
    for name, examples in one.splits.items():
        for found, expected in zip(vars(examples).values(), vars(other.splits[name]).values(), strict=True):
            assert np.array_equal(found, expected)


def test_the_fingerprint_covers_every_file(tmp_path):
    for folder in ("train", "test"):
        (tmp_path / folder).mkdir()
    train = written(tmp_path / "train", x=X, y=Y, w=np.arange(1, 21))
    test = written(tmp_path / "test", x=X, y=Y[::-1])
    parts = [tmp_path / name for name in ("train/x.npy", "train/y.npy", "train/w.npy", "test/x.npy", "test/y.npy")]
    expected = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
    assert load_files(train, test=test, seed=0, sample_weight="w.npy").fingerprint == expected


def test_objects_are_never_unpickled(tmp_path):
    path = written(tmp_path, x=X, y=np.array([{}] * 20, dtype=object))
    assert message_of(path) == (
        f"{tmp_path}/y.npy: cannot be read as NPY: Array can't be memory-mapped: Python objects in dtype."
    )


def test_wrong_files(tmp_path):
    path = written(tmp_path, x=X, y=Y)
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    assert message_of(path).startswith(f"{path}: cannot be read as NPY: mmap length is greater than file size")
    path.write_bytes(content + b"!")
    assert message_of(path) == f"{path}: holds {len(content) + 1} bytes; expected {len(content)} by its header"
    for rubbish in (b"", b"a,b\n", b"\x80\x04."):
        path.write_bytes(rubbish)
        assert message_of(path) == f"{path}: is no NPY file; expected one written by numpy.save"
    np.save(path, X[:, :0])
    assert message_of(path) == f"{path}: x.npy has shape (20, 0); expected at least one example and one feature"
    np.save(path, X[:5])
    assert message_of(path) == f"{path}: x.npy has 5 examples and y has 20 examples; expected the same number"
    np.save(path, np.full((20, 1), "a"))
    assert message_of(path) == f"{path}: x.npy holds <U1; expected numbers"
    np.save(path, np.array([[1.0], [np.inf]] * 10))
    assert message_of(path) == f"{path}: row 1, feature x1: found inf; expected a finite number"


def test_labels_that_are_no_text(tmp_path):
    path = written(tmp_path, x=X, y=np.array([b"\xff"] * 20))
    assert message_of(path).startswith(f"{tmp_path}/y.npy: cannot be read as text: 'utf-8' codec can't decode byte")


def test_no_targets(tmp_path):
    path = written(tmp_path, x=X)
    message = "there is no file y.npy beside it; name the file of the targets with y"
    assert message_of(path) == f"{path}: {message}"


def test_settings_of_other_formats(tmp_path):
    path = written(tmp_path, x=X, y=Y)
    assert message_of(path, x="a") == f"{path}: x is given, which NPY does not have; it is for HDF5, NPZ"
