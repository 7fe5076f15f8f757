"""NPZ: named arrays as written by `np.savez`; nothing in it is ever unpickled."""

import io
import math
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from dlspec.data.limits import MAX_NAMES, Allowance
from dlspec.data.table import Table, damage_as_data_error, from_arrays, plain, suggestion, texts
from dlspec.errors import DataError

_READ_BYTES = 4 * 2**20  # at once; zipfile reads the directory of an archive in one go and makes an object per member
_HEADER_BYTES = 4096  # of a member; that of a plain array takes 128
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack to much more
_ENCRYPTED = 0x1
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read(
    path: Path,
    *,
    x: str = "x",
    y: str = "y",
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
) -> Table:
    """Read the arrays `x` and `y`, and `sample_weight` where it is given.

    Class names come from `classes` and names of features from `feature_names`, if present. A `sample_weight`
    may be absent unless `training`; a target may be NaN where `missing`.

    Raises:
        DataError: a file that `opened` refuses, a missing array, or arrays that `from_arrays` refuses.
    """
    with opened(path) as archive:
        if not training and sample_weight not in archive.files:
            sample_weight = None
        for name in (x, y, sample_weight):
            if name is not None and name not in archive.files:
                raise DataError(f"{path}: no array {name!r}; {suggestion(name, archive.files)}")
        inputs, targets = archive[x], archive[y]
        if targets.dtype.kind == "S":
            targets = np.strings.decode(targets, "utf-8")
        weights = None if sample_weight is None else archive[sample_weight]
        classes = texts(archive["classes"]) if "classes" in archive.files else None
        feature_names = texts(archive["feature_names"]) if "feature_names" in archive.files else None
    return from_arrays(
        str(path),
        x=inputs,
        y=targets,
        x_name=x,
        y_name=y,
        feature_names=feature_names,
        classes=classes,
        weights=weights,
        weights_name=sample_weight or "",
        missing=missing,
    )


class Archive:
    """The arrays of an open NPZ file.

    Args:
        path: the file, for messages.
        archive: the same file, open for zipfile.

    Attributes:
        files: names of the arrays, in order; NumPy calls them so too.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile):
        self._path, self._archive = path, archive
        allowance = Allowance(str(path), path.stat().st_size)
        if len(archive.infolist()) > MAX_NAMES:
            raise DataError(f"{path}: holds more than {MAX_NAMES} members; expected a few arrays")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.filename.removesuffix(".npy")
            if name == member.filename:
                self._refuse(name, "is no array; expected members that end in .npy, as numpy.savez writes them")
            if name in self._members:
                self._refuse(name, "is there twice; expected one array of that name")
            if member.flag_bits & _ENCRYPTED or member.compress_type not in _PACKINGS:
                self._refuse(name, "is encrypted, or packed by another method than deflate; expected a plain array")
            allowance.take(name, member.file_size)
            self._members[name] = member
        self.files = tuple(self._members)

    def __getitem__(self, name: str) -> NDArray[Any]:
        with self._archive.open(self._members[name]) as file:
            self._header(name, file)
            file.seek(0)
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))

    def header(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of an array, without its values."""
        with self._archive.open(self._members[name]) as file:
            return self._header(name, file)

    def _header(self, name: str, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Refuse what NumPy would unpickle, or make room for before it finds that the numbers are missing."""
        length_bytes = 4 if file.read(8)[6:7] == b"\x02" else 2  # the magic string and the version come before
        length = int.from_bytes(file.read(length_bytes), "little")
        if length > _HEADER_BYTES:
            self._refuse(name, f"has a header of {length} bytes; expected a plain array")
        file.seek(0)
        version = np.lib.format.read_magic(file)
        if version not in _HEADER_READERS:
            self._refuse(name, f"is of version {version[0]}.{version[1]}; expected a plain array")
        shape, _, dtype = _HEADER_READERS[version](file)
        if dtype.hasobject:
            self._refuse(name, "holds Python objects; expected numbers or text")
        declared, stored = math.prod(shape) * max(dtype.itemsize, 1), self._members[name].file_size - file.tell()
        if declared > stored:
            self._refuse(name, f"declares {declared} bytes and stores {stored}; the file is damaged or hostile")
        return shape, dtype

    def _refuse(self, name: str, what: str) -> NoReturn:
        raise DataError(f"{self._path}: {plain(name)} {what}")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The arrays of a file, each read when it is asked for.

    Raises:
        DataError: also while it is open: no NPZ file, a damaged one, Python objects, a member that is no plain
            array, or arrays that take far more memory than the file stores.
    """
    try:
        file = _Bounded(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    # NumPy warns about unusual headers and goes on; what it cannot read, it raises.
    with file, damage_as_data_error(path, "NPZ"), warnings.catch_warnings(action="ignore"):
        start = file.read(6)
        if start == b"\x93NUMPY":
            raise DataError(f"{path}: one NPY array; expected an NPZ file with named arrays")
        if start[:2] != b"PK":
            raise DataError(f"{path}: is no NPZ file; expected one written by numpy.savez")
        with zipfile.ZipFile(file) as archive:
            yield Archive(path, archive)


class _Bounded(io.FileIO):
    """A file that is read in pieces: zipfile believes what an archive says about the size of its directory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _READ_BYTES:
            raise DataError(f"{self.name}: its directory, or one text, takes {size} bytes; expected a few plain arrays")
        return super().read(size)
