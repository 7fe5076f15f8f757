"""What the NPZ reader refuses, by name; Python objects above all."""

import re

import hostile_npz
import numpy as np
import pytest

from dlspec.data import npz
from dlspec.errors import DataError

X = hostile_npz.X
DAMAGED = "; the file is damaged or hostile"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("objects", "y holds Python objects; expected numbers or text"),
        ("nested", "more.npz is no array; expected members that end in .npy, as numpy.savez writes them"),
        ("folder", "folder/ is no array; expected members that end in .npy, as numpy.savez writes them"),
        ("script", "run.py is no array; expected members that end in .npy, as numpy.savez writes them"),
        ("twice", "x is there twice; expected one array of that name"),
        ("encrypted", "x is encrypted, or packed by another method than deflate; expected a plain array"),
        ("bzip2", "x is encrypted, or packed by another method than deflate; expected a plain array"),
        ("lzma", "x is encrypted, or packed by another method than deflate; expected a plain array"),
        ("large_directory", "its directory, or one text, takes [0-9]{7} bytes; expected a few plain arrays"),
        ("too_many_members", "holds more than 100 members; expected a few arrays"),
        (
            "zeros_packed_1000_to_1",
            "x declares 1342[0-9]{5} bytes, in a file of [0-9]{6}; "
            "expected arrays that are stored whole, or packed less than 500 to 1",
        ),
        ("declares_4_tib", f"x declares {2**42} bytes and stores 48{DAMAGED}"),
        ("declares_nothing_many_times", f"x declares {2**40} bytes and stores 48{DAMAGED}"),
        ("overflowing_shape", f"x declares {2**67} bytes and stores 48{DAMAGED}"),
        ("not_enough_numbers", f"x declares 64 bytes and stores 48{DAMAGED}"),
        ("negative_shape", "cannot be read as NPZ: .*"),
        ("long_header", "x has a header of 5002 bytes; expected a plain array"),
        ("deep_header", "cannot be read as NPZ: .*"),
        ("expression_as_header", "cannot be read as NPZ: .*"),
        ("version_3", "x is of version 3.0; expected a plain array"),
        ("records", "x holds .*; expected numbers"),
    ],
)
def test_hostile_files_are_refused(kind, message, tmp_path, monkeypatch):
    if kind == "too_many_members":
        monkeypatch.setattr(npz, "MAX_NAMES", 100)
    path = hostile_npz.write(tmp_path / "a.npz", kind)
    with pytest.raises(DataError) as caught:
        npz.read(path)
    (line,) = caught.value.problems
    assert re.fullmatch(f"{re.escape(str(path))}: {message}", line), line


def test_every_array_by_name(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {"x": X, "a/b": np.array(["größe"]), "F": np.asfortranarray(X), "one": np.array(3), "none": X[:0]}
    for save in (np.savez, np.savez_compressed):
        save(path, **arrays)
        with npz.opened(path) as archive:
            assert archive.files == tuple(arrays)
            for name, values in arrays.items():
                np.testing.assert_array_equal(archive[name], values)
                assert archive.header(name) == (values.shape, values.dtype)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError) as caught, npz.opened(tmp_path / "a.npz"):
        pass
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: cannot be read: no such file or directory"
