"""Parquet: columns with names and types, read by pyarrow a block of rows at a time."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.data import parquet_pages
from dlspec.data.columns import target_columns
from dlspec.data.limits import Allowance
from dlspec.data.stream import Stream, rows_of_block
from dlspec.data.table import NOT_ONLY_NUMBERS, Table, damage_as_data_error, from_arrays, plain, shown, suggestion
from dlspec.errors import DataError

METADATA = b"dlspec"
"""Key of what no column can say, in JSON: target, classes, image_shape, any of them."""

_BUFFER = 2**16  # bytes of a column that are read ahead
_MAX_LABEL = 1_000  # characters; a longer text is no label


@dataclass(frozen=True)
class Layout:
    """What the schema of a file and the settings of `read` say about its columns.

    Attributes:
        m: number of rows.
        features: names of the columns of x, in order.
        targets: names of the columns of y.
        text: whether the target, only one then, is text.
        sample_weight: name of the column of the weights.
        missing: whether a target may be missing.
        dtype: common type of the features.
        image_shape: of an example, where the file says so.
        classes: names in order, where the file says so.
    """

    m: int
    features: tuple[str, ...]
    targets: tuple[str, ...]
    text: bool
    sample_weight: str | None
    missing: bool
    dtype: np.dtype[Any]
    image_shape: tuple[int, ...] | None
    classes: tuple[str, ...] | None


class _Rows(NamedTuple):
    """Some rows: x `(m, n)`, y `(m,)` or `(m, k)`, weights `(m,)`."""

    x: NDArray[Any]
    y: NDArray[Any]
    weights: NDArray[Any] | None


class _Said(NamedTuple):
    """What the file itself says beside its columns; None where it does not."""

    targets: list[str] | None = None
    classes: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None


def read(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Table:
    """Read a Parquet file whose features are numbers or booleans.

    Args:
        path: the file.
        target: name of the column to predict, or of several; None means what the file itself says, else the last one.
        sample_weight: name of the column of the weights, which is no feature; None means that there is none.
        training: whether that column must be there.
        missing: whether a target may be missing; it must be a number then.
        leave_out: columns that are no features and may hold anything; unless `training` they may be absent.

    Returns:
        A table whose inputs have the common type of their columns; a target of text is text, others are numbers.

    Raises:
        DataError: no pyarrow, not a Parquet file, a damaged one, a column that is absent, empty somewhere or of
            another type, or values that `from_arrays` refuses.
    """
    layout = layout_of(path, target, sample_weight, leave_out, training=training, missing=missing)
    x = np.empty((layout.m, len(layout.features)), layout.dtype)
    y, weights, start = [], [], 0
    for rows in _blocks(path, layout):
        x[start : start + len(rows.x)] = rows.x
        start += len(rows.x)
        y.append(rows.y)
        weights.append(rows.weights)
    found = None if layout.sample_weight is None else np.concatenate([block for block in weights if block is not None])
    return _table(path, layout, _Rows(x, np.concatenate(y), found), start=0)


def stream(
    path: Path,
    *,
    target: str | Sequence[str] | None = None,
    sample_weight: str | None = None,
    training: bool = True,
    missing: bool = False,
    leave_out: Sequence[str] = (),
) -> Stream:
    """The same rows, a block at a time.

    Raises:
        DataError: as `read`; what is wrong with a row, when its block is taken.
    """
    layout = layout_of(path, target, sample_weight, leave_out, training=training, missing=missing)

    def tables() -> Iterator[Table]:
        start = 0
        for rows in _blocks(path, layout):
            yield _table(path, layout, rows, start=start)
            start += len(rows.x)

    return Stream(layout.m, tables())


def _table(path: Path, layout: Layout, rows: _Rows, *, start: int) -> Table:
    return from_arrays(
        str(path),
        x=rows.x.reshape(-1, *(layout.image_shape or rows.x.shape[1:])),
        y=rows.y,
        feature_names=layout.features,
        target_names=layout.targets,
        classes=layout.classes,
        weights=rows.weights,
        weights_name=layout.sample_weight or "",
        missing=layout.missing,
        place=lambda row: f"{path}: row {start + row}",
    )


def load_pyarrow(path: Path) -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`, for a file.

    Raises:
        DataError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(f"{path}: Parquet needs pyarrow, which is not installed: pip install 'dlspec[data]'") from None
    return pa, pq


def opened(path: Path, *, buffer_size: int = _BUFFER, **settings: Any) -> Any:
    """The file in pyarrow's hands."""
    pa, pq = load_pyarrow(path)
    # Otherwise pyarrow would hold all of the columns that it reads, packed.
    return pq.ParquetFile(pa.OSFile(str(path)), pre_buffer=False, buffer_size=buffer_size, **settings)


def column(path: Path, name: str) -> NDArray[Any]:
    """The values `(m,)` of one column of numbers or text, whatever the others hold.

    Raises:
        DataError: no such column, one of another type, or one with gaps.
    """
    m, types, _ = _schema(path)
    kinds = {each: (held, dtype) for each, held, dtype in types}
    if name not in kinds:
        raise DataError(f"{path}: no column {name!r}; {suggestion(name, list(kinds))}")
    held, dtype = kinds[name]
    if dtype is None and not is_text(held):
        raise DataError(f"{path}: column {plain(name)} holds {plain(str(held))}; expected numbers or text")
    layout = Layout(
        m=m,
        features=(),
        targets=(name,),
        text=dtype is None,
        sample_weight=None,
        missing=False,
        dtype=np.dtype(np.float64),
        image_shape=None,
        classes=None,
    )
    return np.concatenate([rows.y for rows in _blocks(path, layout)])


def _schema(path: Path) -> tuple[int, list[tuple[str, Any, np.dtype[Any] | None]], _Said]:
    """Number of rows, columns with their types in Arrow and NumPy, and what else the end of the file says."""
    parquet_pages.check(path)
    with damage_as_data_error(path, "Parquet"), opened(path) as file:
        m, schema = file.metadata.num_rows, file.schema_arrow
        types = [(str(name), held, _numpy_type(held)) for name, held in zip(schema.names, schema.types, strict=True)]
        said = _said(path, (schema.metadata or {}).get(METADATA))
    if m < 1:  # a damaged file may declare less than none
        raise DataError(f"{path}: columns and no examples")
    return m, types, said


def layout_of(
    path: Path,
    target: str | Sequence[str] | None,
    sample_weight: str | None,
    leave_out: Sequence[str],
    *,
    training: bool,
    missing: bool,
) -> Layout:
    """The columns and what they are for; nothing but the end of the file and the headers of pages is read for it."""
    m, types, said = _schema(path)
    names = [name for name, _, _ in types]
    if not training:
        sample_weight = sample_weight if sample_weight in names else None
        leave_out = [name for name in leave_out if name in names]
    targets = _targets(path, names, target if target is not None else said.targets, sample_weight, leave_out)
    text = False
    for name, held, dtype in types:
        if dtype is None and name not in leave_out:
            text = [name] == targets and is_text(held) and not missing
            if not text:
                found = f"{path}: column {plain(name)} holds {plain(str(held))}"
                raise DataError(f"{found}; expected numbers ({NOT_ONLY_NUMBERS})")
    features = [name for name in names if name not in targets and name != sample_weight and name not in leave_out]
    dtype = np.result_type(*(dtype for name, _, dtype in types if name in features and dtype is not None))
    Allowance(str(path), path.stat().st_size).take("the table", m * len(names) * dtype.itemsize)
    if said.image_shape is not None and math.prod(said.image_shape) != len(features):
        raise DataError(f"{path}: {len(features)} features of images {said.image_shape}; expected one for every pixel")
    return Layout(
        m=m,
        features=tuple(features),
        targets=tuple(targets),
        text=text,
        sample_weight=sample_weight,
        missing=missing,
        dtype=dtype,
        image_shape=said.image_shape,
        classes=said.classes,
    )


def _targets(
    path: Path,
    names: Sequence[str],
    target: str | Sequence[str] | None,
    sample_weight: str | None,
    leave_out: Sequence[str],
) -> list[str]:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise DataError(f"{path}: two columns are named {shown(name)}; expected different names")
    return [names[column] for column in target_columns(f"{path}", names, target, sample_weight, leave_out)]


def _said(path: Path, metadata: bytes | None) -> _Said:
    if metadata is None:
        return _Said()
    try:
        said = json.loads(metadata)
        targets, classes, image_shape = (said.get(key) for key in ("target", "classes", "image_shape"))
        if not all(isinstance(name, str) for name in (*(targets or ()), *(classes or ()))):
            raise TypeError
        if not all(isinstance(size, int) and size > 0 for size in image_shape or ()):
            raise TypeError
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise DataError(f"{path}: its metadata {METADATA.decode()!r} is damaged; expected what dlspec wrote") from None
    return _Said(
        targets=None if targets is None else list(targets),
        classes=None if classes is None else tuple(classes),
        image_shape=None if image_shape is None else tuple(image_shape),
    )


def _numpy_type(held: Any) -> np.dtype[Any] | None:
    """NumPy's type of a column of numbers or booleans; None for others."""
    import pyarrow as pa

    if pa.types.is_integer(held) or pa.types.is_floating(held) or pa.types.is_boolean(held):
        dtype: np.dtype[Any] = np.dtype(held.to_pandas_dtype())
        return dtype
    return None


def is_text(held: Any) -> bool:
    """Whether a type of pyarrow is text."""
    import pyarrow as pa

    if pa.types.is_dictionary(held):
        held = held.value_type
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held))


def _blocks(path: Path, layout: Layout) -> Iterator[_Rows]:
    """All rows, some at a time."""
    weights = [] if layout.sample_weight is None else [layout.sample_weight]
    names = [*layout.features, *layout.targets, *weights]
    done = 0
    with opened(path, read_dictionary=list(layout.targets) if layout.text else None) as file:
        size = rows_of_block(len(names))
        batches = file.iter_batches(batch_size=size, columns=names, use_threads=False)
        while True:
            with damage_as_data_error(path, "Parquet"):
                batch = next(batches, None)
                if batch is None:
                    break
                rows = _rows(path, layout, batch, done)
            done += len(rows.x)
            if done > layout.m:
                break
            yield rows
    if done != layout.m:
        raise DataError(f"{path}: declares {layout.m} rows and holds {'more' if done > layout.m else done}")


def _rows(path: Path, layout: Layout, batch: Any, start: int) -> _Rows:
    weights = None if layout.sample_weight is None else _numbers(path, layout.sample_weight, batch, start)
    return _Rows(inputs_of(path, layout, batch, start), targets_of(path, layout, batch, start), weights)


def inputs_of(path: Path, layout: Layout, batch: Any, start: int) -> NDArray[Any]:
    """The features of a record batch `(b, n)`.

    Args:
        path: the file, for messages.
        layout: which columns these are.
        batch: holds them.
        start: its first row, for messages.

    Raises:
        DataError: an empty cell.
    """
    some = batch.select(list(layout.features))
    if len(set(some.schema.types)) == 1 and layout.dtype.kind != "b" and not any(c.null_count for c in some.columns):
        together: NDArray[Any] = some.to_tensor().to_numpy()  # several times faster than column by column
        return together
    x = np.empty((batch.num_rows, len(layout.features)), layout.dtype)
    for j, name in enumerate(layout.features):
        x[:, j] = _numbers(path, name, batch, start)
    return x


def targets_of(path: Path, layout: Layout, batch: Any, start: int) -> NDArray[Any]:
    """The targets of a record batch `(b,)` or `(b, k)`, like `inputs_of`.

    Raises:
        DataError: an empty cell where none may be, or a text that is no label.
    """
    if layout.text:
        return _texts(path, layout.targets[0], batch, start)
    columns = [_numbers(path, name, batch, start, missing=layout.missing) for name in layout.targets]
    return columns[0] if len(columns) == 1 else np.column_stack(columns)


def _numbers(path: Path, name: str, batch: Any, start: int, *, missing: bool = False) -> NDArray[Any]:
    column = batch.column(name)
    if column.null_count and not missing:
        raise DataError(f"{_empty(path, name, column, start)}; expected a number ({NOT_ONLY_NUMBERS})")
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values.astype(np.float64) if column.null_count else values  # booleans with gaps are objects


def _texts(path: Path, name: str, batch: Any, start: int) -> NDArray[np.str_]:
    import pyarrow as pa

    column = batch.column(name)
    if column.null_count:
        raise DataError(f"{_empty(path, name, column, start)}; expected a label")
    found, codes = np.unique(column.indices.to_numpy(zero_copy_only=False), return_inverse=True)
    labels = column.dictionary.take(pa.array(found)).to_pylist()
    for code, label in enumerate(labels):
        if not label or len(label) > _MAX_LABEL:
            where = f"{path}: row {start + int(np.argmax(codes == code))}: column {plain(name)}"
            raise DataError(f"{where}: {f'{len(label)} characters' if label else 'empty'}; expected a label")
    return np.array(labels, dtype=np.str_)[codes]


def _empty(path: Path, name: str, column: Any, start: int) -> str:
    row = start + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
    return f"{path}: row {row}: column {plain(name)}: empty"
