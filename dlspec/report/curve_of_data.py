"""A learning curve as a figure: error against the number of training examples, and the fitted power law."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.report.axes import finite
from dlspec.report.figures import Lines, Series

POINTS = 40  # of the fit, which goes on to twice the data


def figure(curve: Mapping[str, Any]) -> Lines | None:
    """The measured errors as dots, and the fit as a line; None where nothing was measured.

    Args:
        curve: content of `learning-curve.json`.
    """
    measured = {
        split: {float(point["examples"]): finite(point[f"{split}_error"]) for point in curve["points"]}
        for split in ("train", "dev")
    }
    sizes = sorted(measured["dev"])
    fit = _fit(curve["fit"], sizes) if curve["fit"] is not None else {}
    x = tuple(sorted({*sizes, *fit}))
    named = [("train", measured["train"], "train"), ("dev", measured["dev"], "dev"), ("fit of dev", fit, "cost")]
    series = tuple(Series(name, tuple(points.get(at) for at in x), role) for name, points, role in named)
    shown = tuple(one for one in series if any(value is not None for value in one.y))
    if not shown:
        return None
    note = f"mean over {len(curve['seeds'])} seeds; the fit goes on to twice the data: {curve['verdict']}"
    return Lines("learning_curve", "Error by training examples", x, shown, (), "error", note, across="examples")


def _fit(fit: Mapping[str, float], sizes: Sequence[float]) -> dict[float, float | None]:
    low, high = sizes[0], 2 * sizes[-1]
    between = {float(round(low * (high / low) ** (number / (POINTS - 1)))) for number in range(POINTS)}
    return {m: finite(fit["a"] * m ** -fit["b"] + fit["c"]) for m in {*sizes, *between}}
