"""Files that say which row is in which split: CSV for the eye, HDF5 for many rows.

A CSV file has a line `row,split` for every row, below lines `# key: value` with values in JSON; an HDF5 file has an
array of rows for every split, and the same keys as attributes. Rows count from 0.

    # dlspec split: 1
    # data: "digits.h5"
    # data_hash: "sha256:0f5c…"
    # rows: 1797
    # seed: 1
    # ratios: "60/20/20"
    # strategy: "stratified"
    # columns: []
    row,split
    0,train
    1,dev
"""

import hashlib
import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np
from numpy.typing import NDArray

from dlspec.data import files, hdf5
from dlspec.data.blocks import blocks
from dlspec.data.split import SPLITS, SplitOf
from dlspec.data.table import damage_as_data_error, shown
from dlspec.errors import DataError

SUFFIXES = (".csv", ".h5", ".hdf5")
FORMAT = 1
_MARK = "dlspec split"
_FACTS: dict[str, Any] = {"rows": int, "data_hash": str, "columns": list}
_DIGITS = 15  # of a row, at most

WHOLE_UP_TO = 2**30
"""Bytes; of a larger data file `data_hash` takes samples."""
_SAMPLES, _SAMPLE = 4096, 65536
_LINES = 65536  # written at a time


@dataclass(frozen=True, eq=False, kw_only=True)
class SplitFile:
    """A split as a file keeps it.

    Attributes:
        rows: of each split, rising, disjoint and together all.
        m: number of rows of the data.
        data_hash: of the data, see `data_hash`.
        columns: what the split went by, which are no features.
        made: how it was made, for people: seed, ratios, strategy, …
    """

    rows: Mapping[str, NDArray[np.integer[Any]]]
    m: int
    data_hash: str
    columns: tuple[str, ...]
    made: Mapping[str, Any]


def data_hash(path: Path, *, y: str = "y") -> str:
    """A hash by which a data file is known again.

    Of a file of up to 1 GiB the SHA-256 of its bytes; of a larger one that of its size and of 4,096 blocks of 64 KiB,
    evenly spread from its first byte to its last, so that a set larger than memory is not read for it.

    Args:
        path: the file, or directory.
        y: the setting with which it is read: targets in a file of their own belong to it.

    Raises:
        DataError: the file cannot be read.
    """
    size = path.stat().st_size
    if size <= WHOLE_UP_TO:
        return f"sha256:{files.fingerprint([path], y=y)}"
    digest = hashlib.sha256(f"{size}".encode())
    with path.open("rb") as file:
        for sample in range(_SAMPLES):
            file.seek(sample * (size - _SAMPLE) // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return f"sha256-of-samples:{digest.hexdigest()}"


def write_csv(file: BinaryIO, split: SplitFile) -> None:
    """Write the CSV form."""
    for key, value in _facts(split).items():
        file.write(f"# {key}: {json.dumps(value)}\n".encode())
    file.write(b"row,split\n")
    names = np.empty(split.m, dtype=np.int8)
    for number, rows in enumerate(split.rows.values()):
        names[rows] = number
    endings = [f",{name}\n" for name in split.rows]
    for start in range(0, split.m, _LINES):
        numbers = names[start : start + _LINES].tolist()
        file.write("".join(f"{row}{endings[number]}" for row, number in enumerate(numbers, start)).encode())


def write_hdf5(file: Any, split: SplitFile) -> None:
    """Write the HDF5 form into an open `h5py.File`."""
    for key, value in _facts(split).items():
        file.attrs[key] = json.dumps(value)
    for name, rows in split.rows.items():
        file.create_dataset(name, data=rows.astype(np.uint32) if split.m < 2**32 else rows)


def _facts(split: SplitFile) -> dict[str, Any]:
    head: dict[str, Any] = {
        _MARK: FORMAT,
        "data_hash": split.data_hash,
        "rows": split.m,
        "columns": list(split.columns),
    }
    return {**head, **split.made}


def read(path: Path) -> SplitFile:
    """Read either form, and check that every row is in one split.

    Raises:
        DataError: no such file, another kind of file, or rows that are missing, repeated or out of range.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path}: unknown suffix {path.suffix!r}; expected one of {', '.join(SUFFIXES)}")
    files.check_readable(path)
    facts, rows = _read_csv(path) if path.suffix.lower() == ".csv" else _read_hdf5(path)
    m, data_hash, columns = (_fact(path, facts, key) for key in _FACTS)
    _check_rows(path, rows, m)
    made = {key: value for key, value in facts.items() if key not in (_MARK, *_FACTS)}
    for numbers in rows.values():
        numbers.sort()
    ordered = {name: rows[name] for name in SPLITS if name in rows}
    return SplitFile(rows=ordered, m=m, data_hash=data_hash, columns=tuple(columns), made=made)


def _fact(path: Path, facts: Mapping[str, Any], key: str) -> Any:
    kind, value = _FACTS[key], facts.get(key)
    if not isinstance(value, kind) or (kind is list and not all(isinstance(name, str) for name in value)):
        raise DataError(f"{path}: {key} is {shown(json.dumps(value))}; expected a file written by dlspec split")
    return value


def _read_csv(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.integer[Any]]]]:
    rows = {name: array("q") for name in SPLITS}
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            facts, head = _read_head(path, file)
            for number, line in enumerate(file, start=head + 1):
                row, _, name = line.rstrip("\n").partition(",")
                if name not in rows or not row.isdecimal() or len(row) > _DIGITS:
                    found = shown(line.rstrip("\n"))
                    raise DataError(f"{path}:{number}: found {found}; expected a row and one of {', '.join(SPLITS)}")
                rows[name].append(int(row))
    except (ValueError, RecursionError) as error:  # not UTF-8, or not JSON
        raise DataError(f"{path}:{number + 1}: cannot be read: {error}") from error
    return facts, {name: np.array(numbers, dtype=np.int64) for name, numbers in rows.items() if len(numbers)}


def _read_head(path: Path, file: TextIO) -> tuple[dict[str, Any], int]:
    """The facts above the rows, and the number of the line with the names of the columns."""
    facts: dict[str, Any] = {}
    for number, line in enumerate(file, start=1):
        if line.startswith("# "):
            key, _, value = line[2:].partition(":")
            facts[key] = json.loads(value)
        elif facts.get(_MARK) == FORMAT and line.strip() == "row,split":
            return facts, number
        else:
            break
    raise DataError(f"{path}: no split; expected a file written by dlspec split")


def _read_hdf5(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.integer[Any]]]]:
    with damage_as_data_error(path, "HDF5"), hdf5.opened(path) as file:
        try:
            facts = {key: json.loads(value) for key, value in file.attrs.items()}
        except (TypeError, ValueError, RecursionError):
            facts = {}
        if facts.get(_MARK) != FORMAT:
            raise DataError(f"{path}: no split; expected a file written by dlspec split")
        names = hdf5.array_names(file)
        unknown = [name for name in names if name not in SPLITS]
        if unknown:
            raise DataError(f"{path}: found a split {shown(unknown[0])}; expected some of {', '.join(SPLITS)}")
        arrays = {name: hdf5.values(path, name, hdf5.find(path, file, name)) for name in names}
    for name, values in arrays.items():
        if values.ndim != 1 or values.dtype.kind not in "iu":
            raise DataError(f"{path}: {name} holds {values.dtype} of shape {values.shape}; expected rows")
    return facts, {name: values for name, values in arrays.items() if len(values)}


def _check_rows(path: Path, rows: Mapping[str, NDArray[np.integer[Any]]], m: int) -> None:
    if "train" not in rows:
        raise DataError(f"{path}: no row is in train; expected some")
    for name, numbers in rows.items():
        if numbers.min() < 0 or numbers.max() >= m:
            outside = numbers.max() if numbers.max() >= m else numbers.min()
            raise DataError(f"{path}: row {outside} of {name} is out of range; expected rows from 0 to {m - 1}")
    total = sum(len(numbers) for numbers in rows.values())
    if total != m:
        raise DataError(f"{path}: {total} rows are in a split; expected all {m}, each in one")
    seen = np.zeros(m, dtype=np.bool_)
    for numbers in rows.values():
        for part in blocks(len(numbers), 1):  # as indices they are wider than they are stored
            seen[numbers[part]] = True
    if not seen.all():
        raise DataError(f"{path}: row {np.argmin(seen)} is in no split, and another in two; expected every row in one")


def split_numbers(split: SplitFile) -> SplitOf:
    """The number of the split of each row `(m,)`, its position in `SPLITS`."""
    numbers = np.empty(split.m, dtype=np.int8)
    for name, rows in split.rows.items():
        for part in blocks(len(rows), 1):
            numbers[rows[part]] = SPLITS.index(name)
    return numbers


def check_data(path: Path, split: SplitFile, *, data: Path, m: int, y: str = "y") -> None:
    """Refuse a split of other data than this.

    Args:
        path: the file of the split, for messages.
        split: its content.
        data: the data file.
        m: its number of rows.
        y: the setting with which it was read.

    Raises:
        DataError: the data has changed since it was split.
    """
    if split.m != m:
        found = f"{data} has {m} rows, and the split is of {split.m}"
    elif split.data_hash != data_hash(data, y=y):
        found = f"{data} is not the file that was split, or has changed since"
    else:
        return
    raise DataError(f"{path}: {found}; split it again with dlspec split")
