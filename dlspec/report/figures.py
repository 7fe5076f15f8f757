"""What a report draws, in plain numbers: every way of drawing (SVG, Matplotlib, a terminal) takes the same figures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from dlspec.diagnosis.intervals import ErrorRate, interval
from dlspec.report.axes import Axis, finite, linear, logarithmic
from dlspec.report.numbers import value as shown

Row = Mapping[str, Any]
Kind = Literal["best", "segment", "spike"]

POINTS_UP_TO = 160  # per curve: what the width of a figure can show
LAYERS_UP_TO = 8  # curves that can be told apart
SPIKES_UP_TO = 20
MUCH = 30.0  # values that span more than this factor are shown on a logarithmic axis at first
SHARES = ("accuracy", "f1", "precision", "recall", "error")
TITLES = {"f1": "F1", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}


@dataclass(frozen=True, slots=True)
class Series:
    """One curve.

    Attributes:
        name: for the legend.
        y: a value or None at each x of its figure.
        role: what it is drawn as: `train`, `dev`, `cost`, `rate`, or `l0` to `l7`, one of several layers.
    """

    name: str
    y: tuple[float | None, ...]
    role: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of the training: where a segment begins, the best epoch, a spike of the loss.

    Attributes:
        kind: which of them.
        x: the epoch.
        text: in words.
        label: what stands beside its line; nothing where the line alone says enough.
    """

    kind: Kind
    x: float
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Curves over the epochs, or over something else that is counted.

    Attributes:
        key: a name for files and anchors.
        title: what is drawn.
        x: epochs, or what `across` names, rising.
        series: at least one, each with a value somewhere.
        marks: moments.
        quantity: by whose name numbers are written, such as `accuracy`.
        note: what a reader looks for.
        across: what x counts.
    """

    key: str
    title: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    marks: tuple[Mark, ...] = ()
    quantity: str = ""
    note: str = ""
    across: str = "epoch"

    @property
    def values(self) -> list[float]:
        """Every value there is."""
        return [value for series in self.series for value in series.y if value is not None]

    @property
    def x_axis(self) -> Axis:
        """Over the epochs; of a single one half an epoch to either side."""
        first, last = self.x[0], self.x[-1]
        return Axis(first, last) if last > first else Axis(first - 0.5, first + 0.5)

    @property
    def linear_axis(self) -> Axis:
        """Over the values."""
        share = self.quantity in SHARES and max(self.values) <= 1  # the error of a regression has no upper end
        return linear(self.values, within=(0.0, 1.0) if share else None)

    @property
    def log_axis(self) -> Axis | None:
        """Over the values; None where one is not above 0, and for shares, which are read in percent."""
        possible = self.quantity not in SHARES and min(self.values) > 0
        return logarithmic(self.values) if possible else None

    @property
    def starts_logarithmic(self) -> bool:
        """Whether the values span too much for a linear axis."""
        return self.log_axis is not None and max(self.values) > MUCH * min(self.values)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and where it may lie (95 %)."""

    name: str
    value: float
    low: float
    high: float
    threshold: float | None = None
    judgement: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Values with their intervals, one below the other; shares."""

    key: str
    title: str
    rows: tuple[Interval, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """Counts: a row per true class, a column per predicted class."""

    key: str
    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


Figure = Lines | Bars | Matrix


def curves(report: Row, metrics: Sequence[Row]) -> list[Lines]:
    """Loss, metric and learning rate over the epochs."""
    if not metrics:
        return []
    marks = tuple(_marks(report, metrics))
    names = [name.removeprefix("train_") for name in metrics[0] if name.startswith("train_")]
    columns = {"loss": ["train_loss", "dev_loss", "train_cost"]} | {
        name: [f"train_{name}", f"dev_{name}"] for name in names if name not in ("cost", "loss")
    }
    found = []
    for quantity, keys in columns.items():
        note = "loss without, cost J with the penalties" if quantity == "loss" else ""
        found.append(_lines(quantity, TITLES.get(quantity, quantity.capitalize()), metrics, keys, marks, note=note))
    rates = [finite(row.get("learning_rate")) for row in metrics]
    if len(set(rates)) > 1:
        changes = tuple(mark for mark in marks if mark.kind == "segment")
        found.append(_lines("learning_rate", "Learning rate", metrics, ["learning_rate"], changes))
    return [figure for figure in found if figure is not None]


def _lines(
    quantity: str, title: str, metrics: Sequence[Row], keys: Sequence[str], marks: tuple[Mark, ...], *, note: str = ""
) -> Lines | None:
    """Columns of the metrics as curves; None where they hold no number."""
    others = {"train_cost": ("cost J (train)", "cost"), "learning_rate": ("learning rate", "rate")}
    series = []
    for key in keys:
        split = key.split("_", 1)[0]
        name, role = others.get(key, (split, split))
        y = tuple(finite(row.get(key)) for row in metrics)
        if any(value is not None for value in y):
            series.append(Series(name, y, role))
    if quantity == "loss" and len(series) > 1 and series[-1].y == series[0].y:
        series, note = series[:-1], ""  # without a penalty the cost is the loss
    if not series:
        return None
    x = tuple(float(row["epoch"]) for row in metrics)
    return thinned(Lines(quantity, title, x, tuple(series), marks, quantity, note))


def _marks(report: Row, metrics: Sequence[Row]) -> Iterator[Mark]:
    for segment in report.get("segments", ())[1:]:
        pairs = [change.partition("=") for change in segment["changes"]]
        label = ", ".join(
            f"{key.rpartition('.')[2]}{sign}{value}" for key, sign, value in pairs
        )  # the text has it whole
        yield Mark("segment", float(segment["epoch"]), f"changed: {', '.join(segment['changes'])}", label)
    if report["parameters"] == "best":
        yield Mark("best", float(report["epoch"]), f"best epoch: {report['epoch']}")
    spikes = [(row["epoch"], spike) for row in metrics for spike in row.get("spikes") or ()]
    for epoch, spike in spikes[:SPIKES_UP_TO]:
        text = f"loss spike at step {spike['step']}: {spike['loss']:.3g}, usually {spike['usual']:.3g}"
        yield Mark("spike", float(epoch), text)


# Key, title, what to look for.
HEALTH = (
    ("update_ratio", "Step over weights", "‖ΔW‖/‖W‖ of one step; about 0.001 is usual"),
    ("gradient_norm", "Gradient norm", "‖dW‖ per layer; apart by powers of ten, the signal vanishes or explodes"),
    ("std", "Spread of the activations", "standard deviation per layer; it should neither shrink nor grow with depth"),
    ("dead", "Dead units", "share of units that are 0 for every example"),
    ("saturated", "Saturated units", "share of activations where the slope is nearly 0"),
)


def health(samples: Sequence[Row]) -> list[Lines]:
    """What the samples of `health.jsonl` say of each layer, over the epochs; a quantity that is 0 all along is left."""
    if not samples:
        return []
    layers = [layer["layer"] for layer in samples[-1]["layers"]]
    layers = [layers[index] for index in _spread(len(layers), LAYERS_UP_TO)]
    by_layer = [{layer["layer"]: layer for layer in sample["layers"]} for sample in samples]
    x = tuple(float(sample["epoch"]) for sample in samples)
    found = []
    for key, title, note in HEALTH:
        series = []
        for index, number in enumerate(layers):
            y = tuple(finite(sample.get(number, {}).get(key)) for sample in by_layer)
            if any(y):
                activation = next((str(s[number].get("activation")) for s in by_layer if number in s), "")
                series.append(Series(f"layer {number} ({activation})", y, f"l{index}"))
        if series:
            quantity = "accuracy" if key in ("dead", "saturated") else ""
            found.append(thinned(Lines(f"health_{key}", title, x, tuple(series), (), quantity, note)))
    return found


def errors(report: Row) -> Bars:
    """The error of every split with its interval, beside the human level."""
    human = float(report["human_level_error"])
    rows = [Interval("human level", human, human, human)]
    measured = {row["split"]: row for row in report["diagnosis"].get("errors", ())}
    for split in filter(_known, report["splits"]):
        ends = _measured(measured.get(split["split"], {})) or _computed(split)
        rows.append(Interval(split["split"], split["error"], *ends))
    return Bars("errors", "Error of each split", tuple(rows), "the line is the 95 % interval")


def _known(split: Row) -> bool:
    return finite(split["error"]) is not None


def _measured(error: Row) -> tuple[float, float] | None:
    """The interval that the diagnosis has; None in a report of before it had one."""
    low, high = finite(error.get("low")), finite(error.get("high"))
    return None if low is None or high is None else (low, high)


def _computed(split: Row) -> tuple[float, float]:
    """The interval of the error of a split; the error itself where one example says nothing about others."""
    std = None if "accuracy" in split else finite(split["error_std"])
    if std is None and "accuracy" not in split:
        return split["error"], split["error"]
    return interval(ErrorRate(split["error"], split.get("labels", split["examples"]), std))


def gaps(report: Row) -> Bars:
    """The gaps of the diagnosis."""
    rows = []
    for gap in report["diagnosis"]["gaps"]:
        value, low, high = (finite(gap[key]) for key in ("value", "low", "high"))
        if value is not None and low is not None and high is not None:
            rows.append(Interval(gap["name"], value, low, high, gap["threshold"], gap["judgement"]))
    note = "the line is the 95 % interval, the tick the threshold from which on a gap is high"
    return Bars("gaps", "Bias and variance", tuple(rows), note)


def confusion(split: Row) -> Matrix | None:
    """The confusion matrix of a split; None where its classes do not exclude each other, or there are none."""
    if "confusion_matrix" not in split:
        return None
    names = tuple(str(one["class"]) for one in split["classes"])
    counts = tuple(tuple(row) for row in split["confusion_matrix"])
    return Matrix("confusion", f"Confusion matrix of {split['split']}", names, counts)


def decided_on(report: Row) -> Row:
    """The split that decisions are made on: dev, or else the last one."""
    splits: Sequence[Row] = report["splits"]
    return next((split for split in splits if split["split"] == "dev"), splits[-1])


def described(lines: Lines) -> str:
    """A figure of curves in a sentence, for who cannot see it."""

    def text(number: float) -> str:
        return shown(lines.quantity, number)

    parts = []
    for series in lines.series:
        points = [(y, x) for x, y in zip(lines.x, series.y, strict=True) if y is not None]
        (low, low_at), (high, high_at) = min(points), max(points, key=lambda point: (point[0], -point[1]))
        course = f"from {text(points[0][0])} to {text(points[-1][0])}"
        parts.append(f"{series.name}: {course}, lowest {text(low)} at {low_at:g}, highest {text(high)} at {high_at:g}")
    return f"{lines.title} by {lines.across}, {lines.x[0]:g} to {lines.x[-1]:g}. {'; '.join(parts)}."


def thinned(lines: Lines, at_most: int = POINTS_UP_TO) -> Lines:
    """The figure with fewer points, which looks the same: of every stretch each curve keeps its lowest and highest."""
    n = len(lines.x)
    if n <= at_most:
        return lines
    stretches = max(2, at_most // (2 * len(lines.series)))
    kept = {0, n - 1}
    for number in range(stretches):
        indices = range(number * n // stretches, (number + 1) * n // stretches)
        for series in lines.series:
            known = [(y, index) for index in indices if (y := series.y[index]) is not None]
            kept |= {min(known)[1], max(known)[1]} if known else set()
    order = sorted(kept)
    series_kept = tuple(replace(one, y=tuple(one.y[index] for index in order)) for one in lines.series)
    return replace(lines, x=tuple(lines.x[index] for index in order), series=series_kept)


def _spread(n: int, at_most: int) -> list[int]:
    """Indices below n, all of them or so many evenly spread, the first and the last among them."""
    if n <= at_most:
        return list(range(n))
    return sorted({round(number * (n - 1) / (at_most - 1)) for number in range(at_most)})
