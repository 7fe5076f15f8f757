"""Files written by hand are files to h5py: every array and text comes back, and can be added to."""

import h5py
import numpy as np
import pytest

from dlspec.data import probe
from dlspec.run import hdf5_image
from dlspec.run.hdf5_image import Image, gathered


def bytes_of(groups, **attributes):
    image = Image(groups, attributes)
    data = b"".join(gathered(image.pieces()))
    assert len(data) == image.size
    return data


def noise(*shape, dtype=np.float32, order="C"):
    return np.asarray(np.random.default_rng(7).standard_normal(shape), dtype=dtype, order=order)


GROUPS = {
    "several shapes": {"a": {"W": noise(3, 5), "b": noise(4), "t": noise(1), "number": noise(dtype=np.float64)}},
    "column by column": {"a": {"W": noise(7, 3, order="F"), "V": noise(6, 6).T}},
    "every second": {"a": {"W": noise(8, 4)[::2], "b": noise(10)[::-2]}},
    "both precisions": {"a": {"x": noise(3), "y": noise(3, dtype=np.float64)}, "b": {"x": noise(2, 2)}},
    "other byte order": {"a": {"x": np.array([1.5, -2.0], ">f4")}},
    "nothing in it": {"a": {"none": noise(0, 3), "one": noise(1)}, "empty": {}},
    "many names": {"a": {f"W{number}": np.float64([number]) for number in range(600)}, "b": {"W": noise(1)}},
    "names that sort otherwise": {"a": {name: noise(2) for name in ("b", "B", "a10", "a9", "größe", "W" * 300)}},
    "larger than a piece": {"a": {"W": noise(1000, 300, order="F"), "b": noise(400_000), "wide": noise(2, 300_000)}},
    "not finite": {"a": {"x": np.array([np.nan, np.inf, -np.inf, -0.0])}},
    "no group": {},
}


@pytest.mark.parametrize("name", GROUPS)
def test_arrays_come_back(name):
    groups = GROUPS[name]
    data = bytes_of(groups)
    probe.check_image(data, source="image")
    with h5py.File.in_memory(data) as file:
        assert set(file) == {group for group, arrays in groups.items() if arrays}
        for group in file:
            assert list(file[group]) == sorted(groups[group], key=str.encode)
            for array, expected in groups[group].items():
                found = file[group][array][()]
                assert found.dtype == expected.dtype.newbyteorder("<")
                np.testing.assert_array_equal(found, expected, strict=found.dtype == expected.dtype)


@pytest.mark.parametrize("text", ["", "{}", "größe </script>", "x" * 100_000, "\U0001f600" * 5_000])
def test_texts_come_back(text):
    with h5py.File.in_memory(bytes_of({"a": {"x": noise(1)}}, model=text, progress="second")) as file:
        assert dict(file.attrs) == {"model": text, "progress": "second"}


def test_h5py_can_add_to_it(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(bytes(512) + bytes_of({"a": {"x": noise(3)}}, model="{}"))
    with h5py.File(path, "a") as file:
        file["a/y"] = file["b/z"] = np.arange(20)
        file.attrs["more"] = "text"
    with h5py.File(path) as file:
        assert (list(file["a"]), dict(file.attrs)) == (["x", "y"], {"model": "{}", "more": "text"})
        np.testing.assert_array_equal(file["a/x"], noise(3))


@pytest.mark.parametrize("dtype", [np.int64, np.float16, bool])
def test_other_numbers_are_refused(dtype):
    with pytest.raises(KeyError):
        Image({"a": {"x": np.zeros(3, dtype)}}, {})


def test_pieces_are_small_and_a_small_file_is_one(monkeypatch):
    assert len(list(gathered(Image(GROUPS["several shapes"], {"model": "{}"}).pieces()))) == 1
    monkeypatch.setattr(hdf5_image, "PIECE", 4_000)
    pieces = [len(piece) for piece in gathered(Image({"a": {"W": noise(100, 300, order="F")}}, {}).pieces())]
    assert sum(pieces) > 100 * 300 * 4
    assert max(pieces[:-2]) <= 4_000  # before what describes the arrays
