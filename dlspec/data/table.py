"""What every reader returns: the examples as they stand in one file."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dlspec.data.blocks import first_not_finite
from dlspec.errors import DataError
from dlspec.text import shortened

_LISTED = 10  # names that a message lists before it says how many more there are
_SHOWN = 40  # characters of a found text that a message shows
_PLAIN = 200  # characters of a name, or of another library's message

NOT_ONLY_NUMBERS = "data.columns takes text and empty cells"
"""Tail of a message about a cell that is no number: the setting that takes it."""

Kind = Literal["number", "category", "boolean", "date"]
ColumnType = Literal[Kind, "ignore"]


@dataclass(frozen=True)
class RawColumn:
    """What a column holds that must be prepared before it is a feature, or several.

    Attributes:
        kind: number; boolean, 0 or 1; date, in days since 1970 began; category, a position in `categories`.
        categories: their names, in any order.
    """

    kind: Kind
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """The examples of one file, before classes, split and normalisation.

    Attributes:
        source: the file, or the name of the synthetic set, as messages show it.
        x: inputs `(m, n_x)` in the dtype of the file, images flattened; all finite. Where `columns` is given, the
            cells `(m, c)` in float64, NaN where one is missing.
        y: labels or targets `(m,)` of text, whole numbers, booleans or floats, or targets `(m, k)`; all finite, but
            for NaN where a target is missing and may be.
        feature_names: one per column of x; x1, x2, … where the file names none.
        target_names: one per column of y.
        image_shape: `(h, w)` or `(h, w, c)` where x holds images.
        classes: names of the classes in order, where the file stores them.
        place: says where a row (from 0) stands, for messages: `iris.csv:12`, `digits.h5: row 7`.
        weights: `(m,)` float64, how much each example counts, greater than 0; None where the file says nothing.
        columns: one per column of x, which are no features yet; None where they are.
    """

    source: str
    x: NDArray[Any]
    y: NDArray[Any]
    feature_names: tuple[str, ...]
    target_names: tuple[str, ...]
    image_shape: tuple[int, ...] | None
    classes: tuple[str, ...] | None
    place: Callable[[int], str]
    weights: NDArray[np.float64] | None = None
    columns: tuple[RawColumn, ...] | None = None


def from_arrays(
    source: str,
    *,
    x: NDArray[Any],
    y: NDArray[Any],
    x_name: str = "x",
    y_name: str = "y",
    feature_names: tuple[str, ...] | None = None,
    target_names: tuple[str, ...] | None = None,
    classes: tuple[str, ...] | None = None,
    weights: NDArray[Any] | None = None,
    weights_name: str = "weights",
    missing: bool = False,
    place: Callable[[int], str] | None = None,
) -> Table:
    """Check two arrays and make a table of them.

    Args:
        source: the file, for messages.
        x: `(m, n_x)`, or images `(m, h, w)` or `(m, h, w, c)`; numbers.
        y: `(m,)`, `(m, 1)` or `(m, k)`; numbers or text.
        x_name: name of x in the file.
        y_name: name of y in the file.
        feature_names: one per feature; None for x1, x2, …
        target_names: one per target; None for the name of y, numbered where there are several.
        classes: class names in order, where the file stores them.
        weights: `(m,)` or `(m, 1)`; numbers greater than 0.
        weights_name: name of the weights in the file.
        missing: whether NaN may stand in y, for a target that is missing.
        place: says where a row stands; None for its number.

    Raises:
        DataError: an array of a wrong kind or shape, no examples, different lengths, NaN or infinity.
    """
    if x.dtype.kind not in "biuf":
        raise DataError(f"{source}: {x_name} holds {x.dtype}; expected numbers")
    if y.dtype.kind not in "biufU":
        raise DataError(f"{source}: {y_name} holds {y.dtype}; expected numbers or text")
    if x.ndim not in (2, 3, 4):
        raise DataError(
            f"{source}: {x_name} has shape {x.shape}; expected (examples, features), "
            "(examples, height, width) or (examples, height, width, channels)"
        )
    if x.size == 0:
        raise DataError(f"{source}: {x_name} has shape {x.shape}; expected at least one example and one feature")
    if y.ndim == 0 or len(y) != len(x):
        found = f"shape {y.shape}" if y.ndim == 0 else f"{len(y)} examples"
        raise DataError(f"{source}: {x_name} has {len(x)} examples and {y_name} has {found}; expected the same number")
    if y.ndim > 2 or y.size == 0:
        raise DataError(f"{source}: {y_name} has shape {y.shape}; expected (examples,) or (examples, targets)")
    image_shape = x.shape[1:] if x.ndim > 2 else None
    x = x.reshape(len(x), -1)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if feature_names is not None and len(feature_names) != x.shape[1]:
        raise DataError(
            f"{source}: {len(feature_names)} feature names for {x.shape[1]} features of {x_name}; "
            "expected a name for every feature"
        )
    table = Table(
        source=source,
        x=x,
        y=y,
        feature_names=feature_names or tuple(f"x{j + 1}" for j in range(x.shape[1])),
        target_names=target_names or _numbered(y_name, y),
        image_shape=image_shape,
        classes=classes,
        place=place or (lambda row: f"{source}: row {row}"),
        weights=None if weights is None else _one_per_example(source, weights_name, weights, m=len(x)),
    )
    _check_finite(table, table.x, "feature", table.feature_names)
    if not missing:
        _check_finite(table, table.y.reshape(len(y), -1), "target", table.target_names)
    check_weights(table, weights_name)
    return table


def _numbered(name: str, y: NDArray[Any]) -> tuple[str, ...]:
    return (name,) if y.ndim == 1 else tuple(f"{name}{j + 1}" for j in range(y.shape[1]))


def _one_per_example(source: str, name: str, weights: NDArray[Any], *, m: int) -> NDArray[np.float64]:
    if weights.dtype.kind not in "biuf":
        raise DataError(f"{source}: {name} holds {weights.dtype}; expected numbers")
    if weights.shape not in ((m,), (m, 1)):
        raise DataError(f"{source}: {name} has shape {weights.shape}; expected a weight for each of {m} examples")
    return weights.reshape(m).astype(np.float64)


def check_weights(table: Table, name: str) -> None:
    """Refuse a weight that is not a finite number greater than 0; `name` is that of the column or the array.

    Raises:
        DataError: names the first row at fault.
    """
    if table.weights is None:
        return
    sound = np.isfinite(table.weights) & (table.weights > 0)
    if not sound.all():
        row = int(np.argmin(sound))
        found = f"{table.place(row)}: sample weight {plain(name)}: found {table.weights[row]:g}"
        raise DataError(f"{found}; expected a finite number greater than 0")


def _check_finite(table: Table, values: NDArray[Any], kind: str, names: tuple[str, ...]) -> None:
    spot = first_not_finite(values)
    if spot is not None:
        found = f"{table.place(spot[0])}, {kind} {plain(names[spot[1]])}: found {values[spot]}"
        raise DataError(f"{found}; expected a finite number")


def is_number(cell: str) -> bool:
    """Whether a cell of text reads as a number, finite or not."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # Python reads 1_000 as a number; no spreadsheet means it so


def texts(values: Any) -> tuple[str, ...]:
    """Names out of an array or a list of text, bytes (UTF-8) or numbers."""
    flat = np.asarray(values).ravel().tolist()
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in flat)


@contextmanager
def damage_as_data_error(path: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever a library raises on a file it cannot read into one `DataError`.

    For calls of NumPy and h5py only: on damaged files they raise some twenty unrelated classes, so
    every exception is caught, and our own checks stay outside.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        reason = plain(str(error)) or type(error).__name__
        raise DataError(f"{path}: cannot be read as {kind}: {reason}") from error


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first ten of them."""
    more = len(names) - _LISTED
    return ", ".join(map(plain, names[:_LISTED])) + (f" and {more} more" if more > 0 else "")


def plain(text: str) -> str:
    """A text from a file, fit for one line: control characters, line breaks too, are escaped; a long end is cut."""
    return shortened(text if text.isprintable() else repr(text)[1:-1], _PLAIN)


def shown(text: str) -> str:
    """A found text, quoted and cut to a length that fits a message."""
    return repr(shortened(text, _SHOWN))


def suggestion(name: str, names: Iterable[str]) -> str:
    """Tail of a message about an unknown name: the name that was probably meant, else what there is."""
    known = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), known, n=1)
    return f"did you mean {shown(known[close[0]])}?" if close else f"found {listed([*known.values()]) or 'none'}"
