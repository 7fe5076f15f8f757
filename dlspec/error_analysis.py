"""The errors of a trained run, one by one: which they are, and what people say they have in common.

found = dlspec.error_analysis.errors(dlspec.measurement.open_run(run), split="dev")
content = dlspec.error_analysis.table(found, limit=100)          # a CSV file with empty columns for tags
tags = dlspec.error_analysis.read_tags(Path("errors.csv"), found)
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dlspec.analysis.tags import Ceiling, Looked, ceilings
from dlspec.core.arrays import Array
from dlspec.data.table import is_number, plain, shown
from dlspec.errors import DataError
from dlspec.measurement import TrainedRun
from dlspec.predictions import Predictions, predict

TAGS = ("tag_1", "tag_2", "tag_3")
COLUMNS = ("row", "target", "true", "predicted", "probability", "loss", *TAGS, "comment")
MAX_BYTES = 16 * 1024 * 1024
_FORMULAS = ("=", "+", "-", "@")  # a spreadsheet would compute what begins so


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong decision, or of a regression one number that is off.

    Attributes:
        row: of the example among those of its source, from 1.
        target: name of the target, of a multi-task that of the label.
        true: what it is.
        predicted: what the model says.
        probability: that the model gives to what it says; None for a regression.
        loss: cross-entropy, or of a regression the squared error in units of the variance of the training targets.
    """

    row: int
    target: str
    true: str
    predicted: str
    probability: float | None
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """All mistakes of a run on a split.

    Attributes:
        split: its name.
        task: what was learnt.
        decisions: of the split: examples, or labels that are present, or numbers.
        error: as in the report.
        mistakes: the worst first.
    """

    split: str
    task: str
    decisions: int
    error: float
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class Tagged:
    """What a file of tags says.

    Attributes:
        listed: mistakes in the file.
        ceilings: what solving each kind would give.
    """

    listed: int
    ceilings: tuple[Ceiling, ...]


def errors(trained: TrainedRun, *, split: str) -> Errors:
    """Every mistake of a run on a split; of a regression every number.

    Raises:
        UsageError: no such split.
    """
    found = predict(trained, split=split)
    wrong = found.mistakes
    losses = wrong if found.task == "regression" else _losses(found)
    present = np.isfinite(wrong)
    rows, columns = np.nonzero(present & ((wrong > 0) | (found.task == "regression")))
    order = np.lexsort((columns, rows, -losses[rows, columns]))
    places = zip(rows[order].tolist(), columns[order].tolist(), strict=True)
    mistakes = tuple(_mistake(trained, found, i, j, float(losses[i, j])) for i, j in places)
    return Errors(split, found.task, int(present.sum()), float(wrong[present].mean()), mistakes)


def _losses(found: Predictions) -> Array:
    """Of each decision (m, k)."""
    if found.task == "classification":
        return found.losses[:, np.newaxis]
    sign = np.where(found.examples.Y == 1, 1.0, -1.0)
    losses: Array = np.logaddexp(0.0, -sign * found.logits)
    return losses


def _mistake(trained: TrainedRun, found: Predictions, i: int, j: int, loss: float) -> Mistake:
    names, row = trained.dataset.target_names, int(found.examples.rows[i]) + 1
    true, said = found.examples.Y[i], found.predicted[i]
    if found.task == "regression":
        return Mistake(row, names[j], f"{true[j]:.6g}", f"{said[j]:.6g}", None, loss)
    if found.task == "multi_task":
        p = float(found.outputs[i, j])
        return Mistake(row, names[j], f"{true[j]:g}", str(said[j]), p if said[j] else 1 - p, loss)
    classes, outputs = trained.dataset.classes, found.outputs[i]
    p = float(outputs[said]) if len(outputs) > 1 else float(outputs[0] if said else 1 - outputs[0])
    return Mistake(row, names[0], classes[true], classes[said], p, loss)


# --- the file --------------------------------------------------------------------------------------------


def table(found: Errors, *, limit: int) -> bytes:
    """A CSV file of the worst mistakes, with empty columns for tags and a comment."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for mistake in found.mistakes[:limit]:
        texts = (_cell(text) for text in (mistake.target, mistake.true, mistake.predicted))
        probability = "" if mistake.probability is None else f"{mistake.probability:.4f}"
        writer.writerow([mistake.row, *texts, probability, f"{mistake.loss:.6g}", *[""] * (len(TAGS) + 1)])
    return out.getvalue().encode()


def _cell(text: str) -> str:
    """A name out of a data file as plain text of a spreadsheet, which would compute what begins like a formula."""
    safe = plain(text)
    return f"'{safe}" if safe.startswith(_FORMULAS) and not is_number(safe) else safe


def read_tags(path: Path, found: Errors) -> Tagged:
    """Count the tags of a file that was made by `table` and filled in; rows that nobody has looked at may be removed.

    Raises:
        DataError: not such a file, or of another run or split.
    """
    known = {(str(mistake.row), _cell(mistake.target)): mistake for mistake in found.mistakes}
    looked: dict[tuple[str, str], Looked] = {}
    regression = found.task == "regression"
    for line, row in _rows(path):
        key = (row["row"].strip(), row["target"].strip())
        if key not in known:
            raise DataError(
                f"{path}:{line}: row {shown(key[0])}, target {shown(key[1])} is no error of this run on {found.split}; "
                "expected a file of dlspec errors for the same run and split"
            )
        if key in looked:
            raise DataError(f"{path}:{line}: row {shown(key[0])} is there twice; remove one")
        tags = tuple(cell.strip() for name, cell in row.items() if name.startswith("tag_") and cell.strip())
        looked[key] = Looked(tags, known[key].loss if regression else 1.0)
    if not looked:
        raise DataError(f"{path}: has no row; expected the errors that someone has looked at")
    # The squared errors of a regression are all known, so a part of them is not taken for the whole.
    whole = math.fsum(mistake.loss for mistake in found.mistakes) if regression else float(len(looked))
    return Tagged(len(looked), tuple(ceilings(list(looked.values()), error=found.error, whole=whole)))


def _rows(path: Path) -> Sequence[tuple[int, dict[str, str]]]:
    """Number of the line and cells by column; commas or semicolons, as spreadsheets write them."""
    text = _text(path)
    head = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        names = [name.strip() for name in next(reader, [])]
        missing = [name for name in ("row", "target") if name not in names]
        if missing or not any(name.startswith("tag_") for name in names):
            raise DataError(
                f"{path}:1: has no column {' or '.join(missing) or 'tag_1'}; expected a file of dlspec errors"
            )
        for cells in reader:
            if any(cell.strip() for cell in cells):
                row = dict.fromkeys(names, "") | dict(zip(names, cells, strict=False))
                rows.append((reader.line_num, row))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: cannot be read as CSV: {error}") from error
    return rows


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}; check the path") from error
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: is larger than {MAX_BYTES // 1024**2} MB; expected a file of dlspec errors")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8; save it as CSV in UTF-8") from error
