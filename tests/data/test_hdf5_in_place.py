"""Rows of HDF5 arrays read past HDF5: the same bytes, or none."""

import h5py
import numpy as np
import pytest

from dlspec.data import hdf5_in_place
from dlspec.data.hdf5_in_place import unknown_places

M = 50
X = np.random.default_rng(0).standard_normal((M, 6))


def in_place(node):
    return hdf5_in_place.in_place(node, unknown_places(node))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(hdf5_in_place, "_LEAST", 0)


def written(path, values, **settings):
    with h5py.File(path, "w", userblock_size=settings.pop("userblock_size", 0)) as file:
        file.create_dataset("before", data=np.arange(9), chunks=(2,))
        file.create_dataset("x", data=values, **settings)
    return path


@pytest.mark.parametrize("settings", [{}, {"chunks": True}, {"chunks": (7, 6)}, {"chunks": (50, 6)}])
@pytest.mark.parametrize("dtype", [np.uint8, np.bool_, np.float16, ">f4", "<f8", ">i2"])
def test_the_rows_are_those_that_hdf5_reads(tmp_path, settings, dtype):
    x = (10 * X).astype(np.int64).astype(dtype)
    with h5py.File(written(tmp_path / "a.h5", x, **settings)) as file:
        rows = in_place(file["x"])
        for start, stop in ((0, M), (0, 1), (3, 4), (6, 8), (13, 36), (49, 50), (20, 20)):
            found = np.full((stop - start, 6), 3, x.dtype)
            assert rows.read_into(found, start, stop)
            assert np.array_equal(found, x[start:stop])


def test_where_the_chunks_lie_is_found_out_once(tmp_path):
    path = written(tmp_path / "a.h5", X, chunks=(7, 6))
    with h5py.File(path) as file:
        places, found = unknown_places(file["x"]), np.empty((M, 6))
        assert places.tolist() == [-1] * 8
        hdf5_in_place.in_place(file["x"], places).read_into(found[:10], 5, 15)
        assert (places >= 0).tolist() == [True] * 3 + [False] * 5
    places[:] = places[1]
    with h5py.File(path) as file:
        assert hdf5_in_place.in_place(file["x"], places).read_into(found[:7], 28, 35)
    assert np.array_equal(found[:7], X[7:14])


def test_a_number_hdf5_reads(tmp_path):
    with h5py.File(written(tmp_path / "a.h5", 3.0)) as file:
        assert in_place(file["x"]) is None


def test_rows_of_images(tmp_path):
    images = X.reshape(M, 3, 2)
    with h5py.File(written(tmp_path / "a.h5", images, chunks=(8, 3, 2))) as file:
        found = np.empty((11, 3, 2))
        assert in_place(file["x"]).read_into(found, 5, 16)
        assert np.array_equal(found, images[5:16])


@pytest.mark.parametrize(
    "settings",
    [
        {"chunks": (7, 6), "compression": "gzip"},
        {"chunks": (7, 6), "shuffle": True},
        {"chunks": (7, 3)},
        {"userblock_size": 512},
    ],
)
def test_what_hdf5_reads(tmp_path, settings):
    with h5py.File(written(tmp_path / "a.h5", X, **settings)) as file:
        assert in_place(file["x"]) is None


def test_many_small_chunks_hdf5_reads(tmp_path, monkeypatch):
    with h5py.File(written(tmp_path / "a.h5", X, chunks=(7, 6))) as file:
        for least, there in ((7 * 6 * 8, True), (7 * 6 * 8 + 1, False)):
            monkeypatch.setattr(hdf5_in_place, "_LEAST", least)
            assert (in_place(file["x"]) is not None) == there


def test_numbers_of_twelve_bits_hdf5_reads(tmp_path):
    kind = h5py.h5t.NATIVE_INT16.copy()
    kind.set_precision(12)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((5, 2)))
        file["x"][:] = 3
        assert file["x"].dtype == np.int16
        assert in_place(file["x"]) is None


@pytest.mark.parametrize("chunks", [None, (10, 6)])
def test_rows_that_were_never_written_hdf5_reads(tmp_path, chunks):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        x = file.create_dataset("x", (M, 6), np.float64, chunks=chunks)
        if chunks is None:
            assert in_place(x) is None
            return
        x[:15] = X[:15]
        rows, found = in_place(x), np.empty((20, 6))
        assert [rows.read_into(found, 0, 20), rows.read_into(found, 5, 25)] == [True, False]
        assert rows.read_into(found[:5], 25, 30) is False


def test_a_file_that_ends_too_early(tmp_path):
    path = written(tmp_path / "a.h5", X)
    with h5py.File(path) as file:
        rows, found = in_place(file["x"]), np.empty((M, 6))
        with path.open("r+b") as other:
            other.truncate(path.stat().st_size - 100)
        assert rows.read_into(found, 0, M) is False
        assert rows.read_into(found[:9], 0, 9)
        assert np.array_equal(found[:9], X[:9])
