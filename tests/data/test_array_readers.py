"""NPZ and HDF5: the same arrays, the same errors."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from dlspec.data import files, hdf5, npz
from dlspec.errors import DataError

COURSE_FILES = sorted((Path(__file__).parents[3] / "shared" / "data").glob("*_catvnoncat.h5"))

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
Y = np.array([0, 1, 1])


def written(path: Path, **arrays: object) -> Path:
    """Arrays by name, as the suffix says."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            array = np.asarray(values)
            file[name] = array.tolist() if array.dtype.kind == "U" else array
    return path


@pytest.fixture(params=["a.npz", "a.h5"])
def path(request, tmp_path):
    return tmp_path / request.param


def message_of(path: Path, **names: str) -> str:
    with pytest.raises(DataError) as caught:
        files.read(path, **names)
    (line,) = caught.value.problems
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


def test_reads_numbers(path):
    table = files.read(written(path, x=X, y=Y))
    assert np.array_equal(table.x, X)
    assert np.array_equal(table.y, Y)
    assert table.feature_names == ("x1", "x2")
    assert table.target_names == ("y",)
    assert table.image_shape is None
    assert table.classes is None
    assert table.place(2) == f"{path}: row 2"


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 2)])
def test_flattens_images_and_keeps_their_dtype(path, shape):
    x = np.arange(np.prod(shape)).reshape(shape).astype(np.uint8)
    table = files.read(written(path, x=x, y=Y))
    assert table.x.dtype == np.uint8
    assert np.array_equal(table.x, x.reshape(3, -1))
    assert table.image_shape == shape[1:]


@pytest.mark.parametrize("labels", [np.array([b"cat", b"dog", b"na\xc3\xafve"]), np.array(["cat", "dog", "naïve"])])
def test_text_labels(path, labels):
    assert files.read(written(path, x=X, y=labels)).y.tolist() == ["cat", "dog", "naïve"]


def test_other_names_and_class_names(path):
    table = files.read(written(path, pixels=X, label=Y, classes=np.array([b"no", b"yes"])), x="pixels", y="label")
    assert np.array_equal(table.x, X)
    assert table.target_names == ("label",)
    assert table.classes == ("no", "yes")


def test_targets(path):
    assert files.read(written(path, x=X, y=np.array([[1.0], [2.0], [3.0]]))).y.tolist() == [1, 2, 3]


def test_several_targets(path):
    table = files.read(written(path, x=X, y=X * 2))
    assert np.array_equal(table.y, X * 2)
    assert table.target_names == ("y1", "y2")


def test_booleans_and_other_byte_orders(path):
    table = files.read(written(path, x=X.astype(">f4"), y=np.array([True, False, True])))
    assert table.x.tolist() == X.tolist()
    assert table.y.dtype == np.bool_


def nan_at(row, column):
    values = X.copy()
    values[row, column] = np.nan
    return values


ERRORS = [
    ({"x": X}, "no array 'y'; found x"),
    ({"X": X, "labels": Y}, "no array 'x'; did you mean 'X'?"),
    ({"x": X, "y": Y[:2]}, "x has 3 examples and y has 2 examples; expected the same number"),
    ({"x": X, "y": np.array(3)}, "x has 3 examples and y has shape (); expected the same number"),
    ({"x": X[:0], "y": Y[:0]}, "x has shape (0, 2); expected at least one example and one feature"),
    ({"x": X[:, :0], "y": Y}, "x has shape (3, 0); expected at least one example and one feature"),
    (
        {"x": Y, "y": Y},
        "x has shape (3,); expected (examples, features), (examples, height, width) "
        "or (examples, height, width, channels)",
    ),
    ({"x": X, "y": np.zeros((3, 2, 2))}, "y has shape (3, 2, 2); expected (examples,) or (examples, targets)"),
    ({"x": nan_at(2, 1), "y": Y}, "row 2, feature x2: found nan; expected a finite number"),
    ({"x": X, "y": np.array([0, -np.inf, 1])}, "row 1, target y: found -inf; expected a finite number"),
    ({"x": X, "y": nan_at(1, 0)}, "row 1, target y1: found nan; expected a finite number"),
    (
        {"x": X, "y": Y, "feature_names": np.array([b"a"])},
        "1 feature names for 2 features of x; expected a name for every feature",
    ),
]


@pytest.mark.parametrize(("arrays", "message"), ERRORS)
def test_errors(path, arrays, message):
    if path.suffix == ".h5":
        names = arrays.pop("feature_names", None) if "feature_names" in arrays else None
        written(path, **arrays)
        if names is not None:
            with h5py.File(path, "a") as file:
                file["x"].attrs["feature_names"] = names
            arrays["feature_names"] = names
    else:
        written(path, **arrays)
    assert message_of(path) == message


@pytest.mark.parametrize("values", [X.astype(complex), np.zeros(3, dtype=[("a", "f8"), ("b", "i4")])])
def test_wrong_kinds(path, values):
    written(path, x=values, y=Y)
    assert message_of(path).startswith(f"x holds {values.dtype}; expected numbers")
    written(path, x=X, y=values)
    assert message_of(path) == f"y holds {values.dtype}; expected numbers or text"


def test_text_is_no_input(path):
    written(path, x=np.array([["a", "b"]]), y=Y[:1])
    assert message_of(path) == "x holds <U1; expected numbers"


def test_not_the_format(path):
    path.write_bytes(b"a,b\n1,2\n")
    if path.suffix == ".h5":
        assert message_of(path) == "not an HDF5 file"
    else:
        assert message_of(path) == "is no NPZ file; expected one written by numpy.savez"
    path.write_bytes(b"")
    assert message_of(path) in ("not an HDF5 file", "is no NPZ file; expected one written by numpy.savez")


def test_npy_is_not_npz(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, X)
    assert message_of(tmp_path / "a.npz") == "one NPY array; expected an NPZ file with named arrays"


def test_npz_feature_names(tmp_path):
    table = npz.read(written(tmp_path / "a.npz", x=X, y=Y, feature_names=np.array(["height", "weight"])))
    assert table.feature_names == ("height", "weight")


def test_hdf5_feature_names_and_groups(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["set/x"], file["set/y"] = X, Y
        file["set/x"].attrs["feature_names"] = ["height", "weight"]
    table = hdf5.read(path, x="set/x", y="/set/y")
    assert table.feature_names == ("height", "weight")
    assert np.array_equal(table.y, Y)
    assert message_of(path, x="set/X", y="set/y") == "no array 'set/X'; did you mean 'set/x'?"
    assert message_of(path, x="set", y="set/y") == "set is a group; expected an array"
    assert message_of(path, x="set/x/y", y="set/y") == "no array 'set/x/y'; did you mean 'set/y'?"


def test_hdf5_empty_and_variable_length(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = X, h5py.Empty("f8")
    assert message_of(path) == "y is empty; expected an array"
    with h5py.File(path, "w") as file:
        file["x"] = X
        file.create_dataset("y", (3,), dtype=h5py.vlen_dtype(np.int32))
    assert message_of(path) == "y holds object; expected numbers or text"


@pytest.mark.parametrize("part", ["train", "test"])
def test_the_layout_of_the_course(tmp_path, part):
    images = np.arange(3 * 4 * 4 * 3).reshape(3, 4, 4, 3).astype(np.uint8)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file[f"{part}_set_x"], file[f"{part}_set_y"] = images, Y
        file["list_classes"] = np.array([b"non-cat", b"cat"])
    table = hdf5.read(path)
    assert np.array_equal(table.x, images.reshape(3, -1))
    assert table.image_shape == (4, 4, 3)
    assert table.classes == ("non-cat", "cat")
    assert table.target_names == (f"{part}_set_y",)


def test_both_parts_of_the_course_in_one_file_need_names(tmp_path):
    path = written(tmp_path / "a.h5", train_set_x=X, train_set_y=Y, test_set_x=X, test_set_y=Y)
    assert message_of(path) == "no array 'x'; found test_set_x, test_set_y, train_set_x, train_set_y"
    assert hdf5.read(path, x="test_set_x", y="test_set_y").x.tolist() == X.tolist()


@pytest.mark.skipif(len(COURSE_FILES) != 2, reason="the course's cat pictures are not here; they are not ours to share")
def test_the_files_of_the_course():
    test, train = (hdf5.read(path) for path in COURSE_FILES)
    assert (train.x.shape, test.x.shape) == ((209, 12_288), (50, 12_288))
    assert train.image_shape == test.image_shape == (64, 64, 3)
    assert train.classes == test.classes == ("non-cat", "cat")
    assert int(train.y.sum()) == 72


def test_door(tmp_path):
    supported = f"{', '.join(files.SUFFIXES)}, a name such as train-images-idx3-ubyte.gz, or a directory of images"
    assert message_of(tmp_path / "a.xlsx") == f"unknown suffix '.xlsx'; expected one of {supported}"
    assert message_of(tmp_path / "a") == f"unknown suffix ''; expected one of {supported}"
    for suffix in files.SUFFIXES:
        assert message_of(tmp_path / f"a{suffix}") == "no such file"
        (tmp_path / f"folder{suffix}").mkdir()
        assert message_of(tmp_path / f"folder{suffix}") == "not a file"


def test_fingerprint_is_that_of_sha256sum(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    expected = "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"  # printf ab | sha256sum
    assert files.fingerprint([tmp_path / "a", tmp_path / "b"]) == expected
    with pytest.raises(DataError) as caught:
        files.fingerprint([tmp_path / "c"])
    assert str(caught.value) == f"{tmp_path / 'c'}: cannot be read: No such file or directory"
