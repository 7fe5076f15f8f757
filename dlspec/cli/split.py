"""`dlspec split DATA`."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dlspec.cli import options
from dlspec.cli import split_options as given

if TYPE_CHECKING:
    from rich.table import Table

    from dlspec.splitting import Division

CLASSES_SHOWN = 30
HDF5_FROM = 10_000_000  # rows; a CSV file of so many would be slow


def split(
    data: given.Data,
    ratios: given.Ratios = "auto",
    strategy: given.HowToSplit = given.Strategy.AUTO,
    column: given.Column = None,
    seed: given.Seed = 1,
    no_test: given.NoTest = False,
    drop_duplicates: given.DropDuplicates = False,
    target_column: given.TargetColumn = None,
    target_value: given.TargetValue = None,
    target_file: given.TargetFile = None,
    train_dev: given.TrainDev = None,
    target: given.Target = None,
    x: given.X = "x",
    y: given.Y = "y",
    size: options.Size = None,
    check: given.Check = None,
    resolve: given.Resolve = None,
    out: given.Out = None,
    materialize: given.Materialize = None,
    column_is_feature: given.ColumnIsFeature = False,
    force: given.Force = False,
    as_json: options.Json = False,
) -> None:
    """Divide data into train, dev and test, and see what leaks."""
    from dlspec import splitting
    from dlspec.data.division import Cut
    from dlspec.data.image_folder import ImageForm
    from dlspec.data.reading import Reading

    resized = options.size_of(size)
    image = None if resized is None else ImageForm(size=resized)
    cut = Cut(
        seed=seed,
        ratios=_ratios(ratios),
        strategy=strategy.value,
        column=_column(strategy.value, column),
        column_is_feature=column_is_feature,
        train_dev=_percent("--train-dev", train_dev),
    )
    request = splitting.Request(
        data=data,
        cut=cut,
        reading=Reading(target=target or None, x=x, y=y, image=image),
        test=not no_test,
        target_file=target_file,
        target_column=target_column,
        target_value=target_value,
        drop_duplicates=drop_duplicates,
        check=check,
    )
    gap = _percent("--resolve", resolve)
    _check_places(out, materialize, target_file)
    division = splitting.divide(request)
    enough = None if gap is None else splitting.unresolved(division, gap)
    written = _write(division, out, materialize, force=force)
    if as_json:
        _print_json(division, written, gap, enough)
    else:
        _print(division, written, _remarks(division, gap, enough))


# --- settings --------------------------------------------------------------------------------------------


def _ratios(text: str) -> tuple[float, ...] | None:
    from dlspec.config.data import parse_ratios
    from dlspec.errors import UsageError

    if text == "auto":
        return None
    try:
        return parse_ratios(text)
    except ValueError as error:
        raise UsageError(f"--ratios {text}: {error}") from None


def _percent(option: str, text: str | None) -> float | None:
    from dlspec.config.data import parse_percent
    from dlspec.errors import UsageError

    if text is None:
        return None
    try:
        return parse_percent(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None


def _column(strategy: str, column: str | None) -> str | None:
    from dlspec.data.division import BY_COLUMN
    from dlspec.errors import UsageError

    if (strategy in BY_COLUMN) == (column is not None):
        return column
    if column is None:
        raise UsageError(f"--strategy {strategy} goes by a column; expected --column")
    raise UsageError(f"--column {column} is given, but --strategy is {strategy}; expected group, time or hash")


def _check_places(out: Path | None, materialize: Path | None, target_file: Path | None) -> None:
    from dlspec.errors import UsageError

    if out is not None and materialize is not None:
        raise UsageError("found --out and --materialize; expected one of them")
    if target_file is not None and materialize is None:
        raise UsageError("--target-file makes splits out of two files; expected --materialize DIR")
    if out is not None and out.suffix.lower() not in (".csv", ".h5", ".hdf5"):
        raise UsageError(f"{out}: expected a name that ends in .csv or .h5")


# --- files -----------------------------------------------------------------------------------------------


def _write(division: "Division", out: Path | None, materialize: Path | None, *, force: bool) -> dict[str, Path]:
    """Write what was asked for: the files, by split, or the one file under `split`."""
    from dlspec import splitting
    from dlspec.materialize import files_of
    from dlspec.materialize import materialize as write_splits
    from dlspec.run import storage

    if materialize is not None:
        storage.check_writable(materialize)
        files = files_of(division, materialize)
        _refuse_existing(files.values(), division.request.sources, force=force)
        return write_splits(division, materialize)
    data = division.request.data
    suffix = ".split.h5" if division.m > HDF5_FROM else ".split.csv"
    path = data.with_name(data.stem + suffix) if out is None else out
    _refuse_existing([path], division.request.sources, force=force)
    storage.check_writable(path.parent)
    storage.make_parents(path.parent)
    splitting.write_split_file(division, path)
    return {"split": path}


def _refuse_existing(paths: Iterable[Path], sources: Iterable[Path], *, force: bool) -> None:
    """Refuse to replace a file, without `force`; and the data themselves, in any case."""
    from dlspec.errors import UsageError

    for path in paths:
        if not path.exists():
            continue
        if path.is_dir():
            raise UsageError(f"{path}: is a directory; nothing was written; choose another name")
        if any(path.samefile(source) for source in sources):
            raise UsageError(f"{path}: holds the data to be split; nothing was written; choose another name")
        if not force:
            raise UsageError(f"{path}: already there; nothing was written; choose another name, or --force")


# --- what is said ----------------------------------------------------------------------------------------


def _print(division: "Division", written: dict[str, Path], remarks: list[str]) -> None:
    from dlspec.cli.console import console, text
    from dlspec.data.split import percents

    out, cut, request = console(), division.cut, division.request
    names = " and ".join(str(path) for path in request.sources)
    by = f" by {cut.column}" if cut.column else ""
    of = " of the target" if request.target_column or request.target_file else ""
    out.print(
        text(f"{names}: {division.m:,} rows, {cut.strategy}{by}, {percents(cut.ratios or ())}{of}, seed {cut.seed}")
    )
    out.print()
    out.print(_table(division))
    out.print()
    for remark in remarks:
        out.print(text(remark))
    for path in written.values():
        out.print(text("wrote  ", style="bold") + text(str(path)))
    if "split" in written:
        use = f"path: {request.data}, split: {{file: {written['split']}}}"
    else:
        use = ", ".join(f"{name.replace('-', '_')}: {path}" for name, path in written.items())
    out.print(text(f"use    data: {{{use}}}"))


def _table(division: "Division") -> "Table":
    """Counts: a row per class, where there are not too many, and one for all; a column per split."""
    from dlspec.cli.console import table

    totals = [len(part) for part in division.rows.values()]
    rows = []
    if 0 < len(division.classes) <= CLASSES_SHOWN:
        for name, counts in zip(division.classes, division.counts.T.tolist(), strict=True):
            rows.append([name, *(f"{count:,}" for count in counts), f"{sum(counts):,}"])
    rows.append(["all" if rows else "rows", *(f"{total:,}" for total in totals), f"{division.m:,}"])
    rows.append(["share", *(f"{100 * total / division.m:.4g} %" for total in totals), "100 %"])
    return table(["class" if len(rows) > 2 else "", *division.rows, "all"], rows)


def _remarks(division: "Division", gap: float | None, enough: int | None) -> list[str]:
    """What one should know of the parts, a line each."""
    from dlspec.report.numbers import percent

    remarks = []
    if not division.checked:
        remarks.append("note     identical rows were not looked for; --check reads all rows")
    elif not division.leaks:
        repeated = f"; {_rows(division.repeated)} repeat another of their split" if division.repeated else ""
        remarks.append(f"ok       no two splits share a row{repeated}")
    for (one, two), rows in division.leaks.items():
        share = percent(rows / len(division.rows[two]))
        advice = "" if division.request.drop_duplicates else "; --drop-duplicates keeps them together"
        remarks.append(f"warning  {_rows(rows)} of {two} ({share}) also in {one}{advice}")
    for name, shift in division.shifts.items():
        if shift.shifted:
            remarks.append(
                f"warning  labels of {name} are distributed otherwise than those of train (p = {shift.p:.1g})"
            )
    if division.shifts and not any(shift.shifted for shift in division.shifts.values()):
        remarks.append("ok       labels are distributed alike in all splits (p ≥ 0.001)")
    if gap is not None:
        size, wanted = len(division.rows["dev"]), percent(gap)
        small = f"warning  dev has {size:,} rows, too few to see a difference of {wanted}; {enough or 0:,} would do"
        remarks.append(small if enough else f"ok       dev is large enough to see a difference of {wanted}")
    if "test" not in division.rows:
        remarks.append("note     no test set: nothing will give an unbiased estimate of the error")
    return remarks


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def _print_json(division: "Division", written: dict[str, Path], gap: float | None, enough: int | None) -> None:
    from dlspec.cli.console import write_json
    from dlspec.data.split import percents

    cut, request = division.cut, division.request
    write_json(
        {
            "data": [str(path) for path in request.sources],
            "rows": division.m,
            "seed": cut.seed,
            "ratios": percents(cut.ratios or ()),
            "strategy": cut.strategy,
            "column": cut.column,
            "splits": [
                {
                    "split": name,
                    "rows": len(rows),
                    "classes": dict(zip(division.classes, counts, strict=False)),
                    "label_shift": None if name not in division.shifts else division.shifts[name].p,
                }
                for (name, rows), counts in zip(division.rows.items(), division.counts.tolist(), strict=True)
            ],
            "checked": division.checked,
            "repeated": division.repeated,
            "leaks": [{"split": two, "other": one, "rows": rows} for (one, two), rows in division.leaks.items()],
            "resolve": None
            if gap is None
            else {"difference": gap, "dev_too_small": enough is not None, "enough": enough},
            "files": {name: str(path) for name, path in written.items()},
        }
    )
