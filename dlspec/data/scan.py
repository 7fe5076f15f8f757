"""What a split needs to know of a file, without its inputs ever being in memory as a whole."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import arrow, delimited, files, hdf5, parquet
from dlspec.data.cells import kind_of_type
from dlspec.data.column import Column, of_array
from dlspec.data.columns import target_columns
from dlspec.data.delimited_cells import examples, is_text, numbers_of, place_of
from dlspec.data.identical import Hashes, RowHasher, hash_of_texts, joined
from dlspec.data.reading import Reading, read
from dlspec.data.stored_arrays import ArrayFile, opened
from dlspec.data.table import ColumnType, Table, from_arrays, plain, texts
from dlspec.errors import DataError

TEXT_SUFFIXES = (".csv", ".tsv")
ARRAY_SUFFIXES = (".h5", ".hdf5", ".npz")
PARQUET = ".parquet"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to look for beside the number of rows.

    Attributes:
        columns: columns of a table, or arrays beside the inputs, by name.
        targets: the targets, unless there are several for each example.
        hashes: of the inputs, to find identical rows by.
    """

    columns: tuple[str, ...] = ()
    targets: bool = False
    hashes: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan:
    """What was found.

    Attributes:
        source: the file, as messages show it.
        m: number of rows.
        layout: what another file must have in common with this one: kinds of names, and the names.
        columns: by name.
        targets: a table whose inputs stand for nothing; None where nobody asked, or for several targets.
        hashes: `(m, 4)` of the inputs: of the numbers, or of the text of the cells; None where nobody asked.
    """

    source: str
    m: int
    layout: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, Column] = field(default_factory=dict)
    targets: Table | None = None
    hashes: Hashes | None = None


def scan(path: Path, *, reading: Reading, wanted: Wanted) -> Scan:
    """Look through a file: the shapes of HDF5 and NPZ, every line of a table, and what else is wanted.

    Args:
        path: the file; other formats than CSV, TSV, HDF5 and NPZ are read as a whole.
        reading: names of the target and of the arrays.
        wanted: what to look for.

    Raises:
        DataError: what the reader of the format refuses; a column that is not there.
    """
    suffix = path.suffix.lower()
    if suffix in TEXT_SUFFIXES:
        files.check_readable(path)
        return _scan_text(path, reading, wanted)
    if suffix in ARRAY_SUFFIXES:
        files.check_readable(path)
        with opened(path, x=reading.x, y=reading.y) as file:
            return _scan_arrays(file, wanted)
    return _scan_table(path, reading, wanted)


def _scan_table(path: Path, reading: Reading, wanted: Wanted) -> Scan:
    columns: dict[str, Column] = {}
    if wanted.columns and path.suffix.lower() == PARQUET:
        files.check_readable(path)
        columns = {name: of_array(str(path), name, parquet.column(path, name)) for name in wanted.columns}
    elif wanted.columns:
        expected = "expected a CSV, TSV, Parquet, HDF5 or NPZ file"
        raise DataError(f"{path}: has no column {wanted.columns[0]!r}; {expected}")
    table = read(path, replace(reading, leave_out=wanted.columns, types=_types(path, reading, wanted)))
    return Scan(
        source=table.source,
        m=len(table.x),
        layout={"features": table.feature_names},
        columns=columns,
        targets=table if wanted.targets and table.y.ndim == 1 else None,
        hashes=RowHasher(table.x.shape[1])(table.x) if wanted.hashes else None,
    )


def _types(path: Path, reading: Reading, wanted: Wanted) -> Mapping[str, ColumnType] | None:
    """How to read a file so that no feature is refused: Parquet with text or dates as columns of any kind."""
    if path.suffix.lower() != PARQUET:
        return None
    files.check_readable(path)
    table = arrow.open_table(path)
    targets = [reading.target] if isinstance(reading.target, str) else reading.target or table.names[-1:]
    features = set(table.names) - {*targets, *wanted.columns}
    held = [held for name, held in zip(table.names, table.types or (), strict=True) if name in features]
    return None if all(kind_of_type(each) in ("number", "boolean") for each in held) else {}


def _scan_arrays(file: ArrayFile, wanted: Wanted) -> Scan:
    source, inputs = str(file.path), file.inputs()
    m = inputs.shape[0]
    found = {name: file.array(name).read(slice(None)) for name in wanted.columns}
    for name, values in found.items():
        if values.shape[:1] != (m,):
            raise DataError(
                f"{source}: {plain(name)} has shape {values.shape}; expected a value for each of {m} examples"
            )
    hashes = None
    if wanted.hashes:
        hasher = RowHasher(int(np.prod(inputs.shape[1:])))
        hashes = np.empty((m, 4), dtype=np.uint32)
        for rows, values in inputs.slabs():
            hashes[rows] = hasher(values.reshape(len(values), -1))
    classes = next((name for name in hdf5.CLASSES if name in file.names), None)
    stored = None if classes is None else texts(file.array(classes).read(slice(None)))
    return Scan(
        source=source,
        m=m,
        layout={
            "arrays": tuple(sorted(file.names)),
            "inputs of shape": tuple(map(str, inputs.shape[1:])),
            "classes": stored or (),
        },
        columns={name: of_array(source, name, values) for name, values in found.items()},
        targets=_array_targets(file, m, stored) if wanted.targets else None,
        hashes=hashes,
    )


def _array_targets(file: ArrayFile, m: int, classes: tuple[str, ...] | None) -> Table | None:
    y = file.array(file.y)
    if len(y.shape) == 2 and y.shape[1] > 1:
        return None
    stand_in = _stand_in(m)
    return from_arrays(
        str(file.path), x=stand_in, y=y.read(slice(None)), x_name=file.x, y_name=file.y, classes=classes, missing=True
    )


def _stand_in(m: int) -> NDArray[Any]:
    """Inputs `(m, 1)` that take no memory."""
    return np.broadcast_to(np.uint8(0), (m, 1))


def _scan_text(path: Path, reading: Reading, wanted: Wanted) -> Scan:
    line, names = delimited.header(path)
    targets = target_columns(f"{path}:{line}", names, reading.target, reading.sample_weight, wanted.columns)
    coded = [names.index(name) for name in wanted.columns] + (targets if wanted.targets and len(targets) == 1 else [])
    no_inputs = {*wanted.columns, reading.sample_weight, *(names[column] for column in targets)}
    is_input = [name not in no_inputs for name in names]
    values: list[dict[str, int]] = [{} for _ in coded]
    codes = [array("q") for _ in coded]
    hashes, m = bytearray(), 0
    for line, cells in _examples(path, names):
        for column, seen, code in zip(coded, values, codes, strict=True):
            if not cells[column]:
                raise DataError(f"{path}:{line}: column {plain(names[column])}: empty; expected a value")
            code.append(seen.setdefault(cells[column], len(seen)))
        if wanted.hashes:
            hashes += hash_of_texts(list(compress(cells, is_input)))
        m += 1
    if not m:
        raise DataError(f"{path}: a header and no examples")
    columns = {
        name: Column(name, list(seen), np.frombuffer(code, dtype=np.int64), partial(place_of, path))
        for name, seen, code in zip(wanted.columns, values, codes, strict=False)
    }
    table = None
    if len(coded) > len(wanted.columns):
        distinct, name = list(values[-1]), names[targets[0]]
        table = _text_targets(path, name, [distinct[code] for code in codes[-1]])
    return Scan(
        source=str(path),
        m=m,
        layout={"columns": tuple(names)},
        columns=columns,
        targets=table,
        hashes=joined(bytes(hashes)) if wanted.hashes else None,
    )


def _examples(path: Path, names: list[str]) -> Any:
    for line, cells in examples(path):
        if len(cells) != len(names):
            count = f"{len(cells)} cell{'s' if len(cells) > 1 else ''}"
            raise DataError(f"{path}:{line}: {count}; expected {len(names)}, as many as in the header")
        yield line, cells


def _text_targets(path: Path, name: str, cells: list[str]) -> Table:
    return Table(
        source=str(path),
        x=_stand_in(len(cells)),
        y=np.array(cells) if is_text(cells) else numbers_of(path, name, cells),
        feature_names=("x1",),
        target_names=(name,),
        image_shape=None,
        classes=None,
        place=partial(place_of, path),
    )
