"""What every form of a report says beside its results, as cells of tables: errors, limits, layers."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.report import figures
from dlspec.report.axes import finite
from dlspec.report.numbers import kilobytes, percent
from dlspec.report.numbers import value as shown

Row = Mapping[str, Any]
Table = tuple[list[str], list[list[str]]]

ON_THE_CLOCK = "see dlspec diagnose"  # a time differs from run to run, and a report does not

BLOCKS_UP_TO = 24  # the last ones before a divergence; run.json has all of them

# Of a layer in health.jsonl: key, and how it is called.
LAYER = {
    "mean": "mean", "std": "spread", "dead": "dead", "saturated": "saturated", "alike": "alike",
    "gradient_norm": "gradient norm", "update_ratio": "step / weights",
}  # fmt: skip
LAYER_SHARES = ("dead", "saturated", "alike")


def errors(report: Row) -> Table:
    """Head and rows: the error of every split with its 95 % interval, below the human level."""
    rows = [
        [row.name, percent(row.value), f"{percent(row.low)} to {percent(row.high)}" if row.high > row.low else ""]
        for row in figures.errors(report).rows
    ]
    return ["error", "value", "95 % interval"], rows


def limits(
    report: Row, timed: Mapping[str, tuple[float, bool]] | None = None, *, met: Mapping[str, bool] | None = None
) -> Table | None:
    """Head and rows: what the best epoch was chosen by, and each limit; None where nothing was asked for.

    Args:
        report: content of `report.json`; one of before there were limits has none.
        timed: value of each limit and whether it is met; the report itself holds nothing of the clock.
        met: whether each limit is met, for a form of the report that holds no times either.
    """
    selection = report.get("selection") or {}
    rows = [[f"best {selection['optimize']}", "", _number(selection["value"])]] if selection.get("optimize") else []
    for row in selection.get("limits") or ():
        value, is_met = (timed or {}).get(row["limit"], (row["value"], (met or {}).get(row["limit"], row["met"])))
        told = "" if is_met is None else "met" if is_met else "not met"
        rows.append([row["limit"], told, ON_THE_CLOCK if value is None else _number(value)])
    return (["asked for", "limit", "on dev"], rows) if rows else None


def model_size(report: Row) -> str | None:
    """The bytes of the parameters in words, such as `69.8 kB`; None in a report of before it was measured."""
    size = finite((report.get("selection") or {}).get("model_kb"))
    return None if size is None else kilobytes(size)


def layers(rows: Sequence[Row]) -> Table:
    """Head and rows: what was measured of each layer at one moment; a quantity that no layer has is left out."""
    keys = [key for key in LAYER if any(finite(row.get(key)) is not None for row in rows)]
    cells = [
        [str(row["layer"]), str(row.get("activation", "")), *(_of_layer(key, row.get(key)) for key in keys)]
        for row in rows
    ]
    return ["layer", "activation", *(LAYER[key] for key in keys)], cells


def sizes(blocks: Sequence[Sequence[Any]]) -> Table:
    """Head and rows: the last blocks of numbers up to the one that broke, each with its largest absolute value."""
    rows = [[name, "not finite" if size is None else f"{size:.3g}"] for name, size in blocks[-BLOCKS_UP_TO:]]
    return ["block", "largest value"], rows


def _of_layer(key: str, value: object) -> str:
    number = finite(value)
    if number is None:
        return ""
    return f"{100 * number:.0f} %" if key in LAYER_SHARES else f"{number:.3g}"


def _number(value: Any) -> str:
    return shown("", value)


def place(finding: Row) -> str:
    """Where a finding was made and by which number, such as `layer 2, epoch 5: 0.93, threshold 0.5`."""
    at = [f"{key} {finding[key]}" for key in ("layer", "epoch") if finding.get(key) is not None]
    value, threshold = (finite(finding.get(key)) for key in ("value", "threshold"))
    numbers = [f"{value:.3g}"] if value is not None else []
    numbers += [f"threshold {threshold:.3g}"] if threshold is not None else []
    return ": ".join(filter(None, (", ".join(at), ", ".join(numbers))))


def more_examples(report: Row) -> dict[str, str]:
    """How many examples would tell, by gap; empty where the gap is told, or where even very many would not."""
    needed = {gap["name"]: (gap.get("examples_needed"), gap.get("split")) for gap in report["diagnosis"]["gaps"]}
    return {name: f"{number:,} in {split}" if number else "" for name, (number, split) in needed.items()}
