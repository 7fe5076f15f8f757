"""A data file divided into train, train-dev, dev and test, and what the parts look like: the twin of `dlspec split`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import split_file
from dlspec.data.division import Cut, Rows, divide_rows
from dlspec.data.identical import first_alike, shared
from dlspec.data.join import join
from dlspec.data.labels import coding_of
from dlspec.data.reading import Reading
from dlspec.data.scan import ARRAY_SUFFIXES, PARQUET, TEXT_SUFFIXES, Scan, Wanted, scan
from dlspec.data.split import auto_ratios, percents
from dlspec.data.split_file import SplitFile
from dlspec.data.table import listed, plain, shown
from dlspec.diagnosis import label_shift
from dlspec.diagnosis.intervals import examples_to_resolve
from dlspec.diagnosis.label_shift import Shift
from dlspec.errors import DataError, UsageError
from dlspec.run import storage

CHECKED_UP_TO = 10_000_000
"""Rows; of a larger array inputs and targets are read only where the split needs them, or when asked."""

PRESUMED_ERROR = 0.1
"""The error rate around which a dev set shall resolve a difference."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be divided, and how.

    Attributes:
        data: the file.
        cut: how.
        reading: names of the target and of the arrays.
        test: whether ratios by size make a test set.
        target_file: more examples, of the distribution that dev and test are drawn from; all of `data` is trained on.
        target_column: in place of that, the column that tells which rows of `data` are of that distribution.
        target_value: the value that they have there.
        drop_duplicates: whether identical rows are kept together in one split.
        check: whether rows are looked into, for identical rows and counts of classes; None: up to `CHECKED_UP_TO`.
    """

    data: Path
    cut: Cut
    reading: Reading = field(default_factory=Reading)
    test: bool = True
    target_file: Path | None = None
    target_column: str | None = None
    target_value: str | None = None
    drop_duplicates: bool = False
    check: bool | None = None

    @property
    def sources(self) -> list[Path]:
        """The files, in the order of their rows."""
        return [self.data] if self.target_file is None else [self.data, self.target_file]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the split goes by."""
        names = (self.cut.column, self.target_column)
        return tuple(dict.fromkeys(name for name in names if name is not None))


@dataclass(frozen=True, eq=False, kw_only=True)
class Division:
    """A set divided, and what the parts look like.

    Attributes:
        request: what was asked for.
        cut: nothing left to decide.
        sizes: rows of each source.
        rows: of each split, rising, disjoint and together all.
        checked: whether the rows were looked into.
        classes: names in order; empty where there are none, or nobody looked.
        counts: examples of each class in each split `(splits, classes)`.
        repeated: rows that are the same as an earlier one.
        leaks: for two splits that share identical rows, how many rows of the latter are also in the former.
        shifts: how the labels of each split compare with those of train.
    """

    request: Request
    cut: Cut
    sizes: tuple[int, ...]
    rows: Mapping[str, NDArray[np.int64]]
    checked: bool
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    repeated: int
    leaks: Mapping[tuple[str, str], int]
    shifts: Mapping[str, Shift]

    @property
    def m(self) -> int:
        """All rows."""
        return sum(self.sizes)

    def numbers(self) -> NDArray[np.int8]:
        """For each row `(m,)` the position of its split in `rows`."""
        numbers = np.empty(self.m, dtype=np.int8)
        for number, rows in enumerate(self.rows.values()):
            numbers[rows] = number
        return numbers


def divide(request: Request) -> Division:
    """Divide a set and look at the parts; nothing is written.

    Raises:
        UsageError: settings that exclude each other.
        DataError: a file that cannot be read, two files that do not fit together, a split that would be empty.
    """
    _check_settings(request)
    checked = _is_checked(request)
    wanted = Wanted(
        columns=request.columns,
        targets=checked or request.cut.strategy in ("auto", "stratified"),
        hashes=checked or request.drop_duplicates,
    )
    scans = [scan(path, reading=request.reading, wanted=wanted) for path in request.sources]
    found = scans[0] if len(scans) == 1 else join(*scans)
    first = None if found.hashes is None else first_alike(found.hashes)
    classes, labels = _labels(found)
    aimed = _aimed(request, scans)
    material = Rows(
        source=found.source,
        m=found.m,
        labels=labels,
        column=None if request.cut.column is None else found.columns[request.cut.column],
        aimed=aimed,
        first=first if request.drop_duplicates else None,
    )
    cut = request.cut
    if cut.ratios is None and not request.test and cut.strategy != "hash":
        cut = replace(cut, ratios=auto_ratios(found.m if aimed is None else int(aimed.sum()), test=False))
    rows, made = divide_rows(cut, material)
    return Division(
        request=request,
        cut=made,
        sizes=tuple(each.m for each in scans),
        rows=rows,
        checked=checked,
        classes=classes,
        counts=_counts(rows, labels, len(classes)),
        repeated=0 if first is None else int(np.count_nonzero(first != np.arange(found.m))),
        leaks={} if first is None else shared(first, rows),
        shifts=_shifts(found, rows, labels, len(classes)),
    )


def _check_settings(request: Request) -> None:
    both = (request.target_column, request.target_value)
    if (both[0] is None) != (both[1] is None):
        given, missing = ("column", "value") if both[1] is None else ("value", "column")
        raise UsageError(f"--target-{given} is given without --target-{missing}; expected both")
    if request.target_file is not None and both[0] is not None:
        raise UsageError("found --target-file and --target-column; expected one of them")
    if not request.test and request.cut.ratios is not None and len(request.cut.ratios) == 3:
        raise UsageError(f"found --no-test and ratios {percents(request.cut.ratios)}; expected train/dev such as 70/30")
    if request.target_file is not None and request.target_file.suffix.lower() != request.data.suffix.lower():
        raise UsageError(f"{request.target_file}: expected a file of the same format as {request.data}")
    table = request.data.suffix.lower() in (*TEXT_SUFFIXES, PARQUET)
    if request.reading.target is not None and not table:
        raise UsageError(f"{request.data}: --target names a column of CSV, TSV or Parquet; expected --y, an array")
    if (request.reading.x, request.reading.y) != ("x", "y") and table:
        raise UsageError(f"{request.data}: --x and --y name arrays; expected --target, a column")


def _is_checked(request: Request) -> bool:
    if request.check is not None:
        return request.check
    arrays = [path for path in request.sources if path.suffix.lower() in ARRAY_SUFFIXES]
    return sum(scan(path, reading=request.reading, wanted=Wanted()).m for path in arrays) <= CHECKED_UP_TO


def _labels(found: Scan) -> tuple[tuple[str, ...], NDArray[np.intp] | None]:
    """Names of the classes, and the class of each row; none where the targets are no classes."""
    if found.targets is None:
        return (), None
    coding = coding_of(found.targets, task="auto", classes=None)
    return (coding.classes, coding.encode(found.targets)) if coding.classes else ((), None)


def _aimed(request: Request, scans: list[Scan]) -> NDArray[np.bool_] | None:
    """Which rows are of the distribution that dev and test are drawn from; None: all."""
    if request.target_file is not None:
        return np.repeat([False, True], [scans[0].m, scans[1].m])
    if request.target_column is None or request.target_value is None:
        return None
    column = scans[0].columns[request.target_column]
    aimed = column.rows_of(request.target_value)
    if not aimed.any():
        found = f"no row has {shown(request.target_value)} in column {plain(column.name)}"
        raise DataError(f"{scans[0].source}: {found}; found {listed(list(column.texts()))}")
    return aimed


def _counts(rows: Mapping[str, NDArray[np.int64]], labels: NDArray[np.intp] | None, classes: int) -> NDArray[np.int64]:
    if labels is None:
        return np.empty((len(rows), 0), dtype=np.int64)
    return np.array([np.bincount(labels[part], minlength=classes) for part in rows.values()])


def _shifts(
    found: Scan, rows: Mapping[str, NDArray[np.int64]], labels: NDArray[np.intp] | None, classes: int
) -> dict[str, Shift]:
    """Each split but train compared with it: shares of classes, or the distribution of a number."""
    others = [name for name in rows if name != "train"]
    if labels is not None:
        counts = dict(zip(rows, _counts(rows, labels, classes).tolist(), strict=True))
        return {name: label_shift.of_classes(counts["train"], counts[name]) for name in others}
    if found.targets is None or found.targets.y.dtype.kind == "U":
        return {}
    y = found.targets.y
    sizes = {name: len(part) for name, part in rows.items()}
    return {
        name: label_shift.of_numbers(
            _distance(y[rows["train"]], y[rows[name]]), n_train=sizes["train"], n_other=sizes[name]
        )
        for name in others
    }


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """The largest difference of the empirical distribution functions of two samples."""
    a, b = np.sort(a), np.sort(b)
    at = np.concatenate((a, b))
    shares = [np.searchsorted(sample, at, side="right") / len(sample) for sample in (a, b)]
    return float(np.abs(shares[0] - shares[1]).max())


def unresolved(division: Division, gap: float) -> int | None:
    """The size from which on a dev set resolves a difference of two error rates, where this one is too small for it.

    See `examples_to_resolve`; the error rate is taken for `PRESUMED_ERROR`.

    Raises:
        UsageError: the targets are no classes, or were not looked at.
    """
    if not division.classes:
        found = "the targets are no classes, or were not looked at, so that there is no error rate"
        raise UsageError(f"{division.request.data}: {found}; leave out --resolve")
    enough = examples_to_resolve(gap, error=PRESUMED_ERROR)
    return enough if len(division.rows["dev"]) < enough else None


def write_split_file(division: Division, path: Path) -> SplitFile:
    """Write which row is in which split: CSV, or HDF5, by the suffix.

    Raises:
        UsageError: another suffix, or a division of two files, whose rows one file cannot name.
        RunError: the place is not writable.
    """
    request, cut = division.request, division.cut
    if request.target_file is not None:
        raise UsageError("--target-file makes splits out of two files; expected --materialize DIR in place of --out")
    if path.suffix.lower() not in split_file.SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in one of {', '.join(split_file.SUFFIXES)}")
    made = {
        "data": request.data.name,
        "seed": cut.seed,
        "ratios": percents(cut.ratios or ()),
        "strategy": cut.strategy,
        "column": cut.column,
        "train_dev": cut.train_dev,
        "target_column": request.target_column,
        "target_value": request.target_value,
        "drop_duplicates": request.drop_duplicates or None,
    }
    content = SplitFile(
        rows=division.rows,
        m=division.m,
        data_hash=split_file.data_hash(request.data, y=request.reading.y),
        columns=request.columns,
        made={key: value for key, value in made.items() if value is not None},
    )
    if path.suffix.lower() == ".csv":
        with storage.new_file(path) as file:
            split_file.write_csv(file, content)
    else:
        with storage.new_hdf5(path) as file:
            split_file.write_hdf5(file, content)
    return content
