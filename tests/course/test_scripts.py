"""The scripts beside the course's experiments: start values, and football.mat into CSV."""

import struct
import zlib

import numpy as np
import pytest

from dlspec.data import files

from .files import CONFIGS, football, shared, starts

SMALL = [name for name in starts["STARTS"] if not name.startswith("cat-")]


@pytest.mark.parametrize("name", SMALL)
def test_the_start_values_that_come_along_are_those_of_the_script(name, tmp_path):
    starts["write"](name, tmp_path)
    with np.load(tmp_path / f"{name}.npz") as made, np.load(CONFIGS / "starts" / f"{name}.npz") as shipped:
        assert set(made) == set(shipped)
        for array in made:
            np.testing.assert_array_equal(made[array], shipped[array])


def test_every_start_value_that_comes_along_is_made_by_the_script():
    shipped = {path.stem for path in (CONFIGS / "starts").glob("*.npz") if not path.stem.startswith("cat-")}
    assert shipped == set(SMALL)


def test_start_values_are_the_published_ones():
    W1 = starts["weights"]("circles-he")["W1"]  # the factor is √(2/2), and the notebook prints the first draws
    np.testing.assert_allclose(W1[:2], [[1.78862847, 0.43650985], [0.09649747, -1.8634927]], atol=5e-9)


def element(kind, data):
    """Tag, data, padding; up to four bytes lie within the tag."""
    if len(data) <= 4:
        return struct.pack("<HH4s", kind, len(data), data)
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(name, values, kind, dtype):
    parts = [
        element(6, struct.pack("<II", 6, 0)),
        element(5, np.array(values.shape, "<i4").tobytes()),
        element(1, name.encode()),
        element(kind, values.astype(dtype).tobytes(order="F")),
    ]
    return element(14, b"".join(parts))


def compressed(content):
    data = zlib.compress(content)
    return struct.pack("<II", 15, len(data)) + data


def mat(matrices):
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"".join(matrices)


@pytest.mark.parametrize("pack", [compressed, lambda content: content])
def test_football_mat_becomes_two_csv_files(pack, tmp_path, rng):
    X, y = rng.standard_normal((5, 2)), np.array([[1], [0], [0], [1], [1]])
    X_test, y_test = rng.standard_normal((3, 2)), np.array([[0], [1], [0]])
    matrices = [
        pack(matrix("X", X, 9, "<f8")),
        pack(matrix("y", y, 2, "<u1")),
        pack(matrix("Xval", X_test, 9, "<f8")),
        pack(matrix("yval", y_test, 2, "<u1")),
    ]
    (tmp_path / "football.mat").write_bytes(mat(matrices))
    football["main"](tmp_path / "football.mat", tmp_path)
    for name, inputs, labels in (("train", X, y), ("test", X_test, y_test)):
        table = files.read(tmp_path / f"football_{name}.csv")
        np.testing.assert_array_equal(table.x, inputs)
        np.testing.assert_array_equal(table.y, labels.ravel())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02MI", "no little-endian MAT file of version 5"),
        (b"x,y\n1,2\n", "no little-endian MAT file of version 5"),
        (mat([element(9, bytes(16))]), "an element of type 9; expected matrices"),
    ],
)
def test_another_file_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        football["read_mat"](content)


def test_the_points_of_the_course(tmp_path):
    football["main"](shared("football.mat"), tmp_path)
    train, test = (files.read(tmp_path / f"football_{name}.csv") for name in ("train", "test"))
    assert (train.x.shape, test.x.shape) == ((211, 2), (200, 2))
    assert train.x[0].tolist() == [-0.158986, 0.423977]
    assert train.feature_names == ("x1", "x2")
