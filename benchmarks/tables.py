"""The tables of results, one function per kind, as lines of Markdown."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Row = dict[str, Any]
LABELS = {
    "ours": "dlspec",
    "torch_eager": "torch eager",
    "torch_compile": "torch compile",
    "jax_scan": "JAX scan",
    "jax_jit": "JAX jit",
    "scikit_learn": "scikit-learn",
    "thinc_model": "thinc",
}


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table; all columns but the first are numbers."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for line in lines:
        yield f"| {' | '.join(line)} |"


def duration(seconds: float) -> str:
    """In µs, in ms from 10 ms on, in s from 10 s on; three digits at least."""
    for unit, factor, below in (("µs", 1e6, 1e-2), ("ms", 1e3, 10.0)):
        if seconds < below:
            return f"{seconds * factor:,.{1 if seconds * factor < 100 else 0}f} {unit}"
    return f"{seconds:,.1f} s"


def ratio(of: Row | None) -> str:
    """Median and the range of the middle half."""
    return f"{of['median']:.2f} ({of['low']:.2f}–{of['high']:.2f})" if of else "–"


def against(rows: Sequence[Row], *, head: Sequence[str], cells: Callable[[Row], Sequence[str]]) -> Iterator[str]:
    """Our median time, and its ratio to each of the others."""
    others = [name for name in dict.fromkeys(n for row in rows for n in row["ratios"]) if not name.startswith("ours")]
    lines = [
        [*cells(row), duration(statistics.median(row["seconds"][row.get("program", "ours")]))]
        + [ratio(row["ratios"].get(name)) for name in others]
        for row in rows
    ]
    return table([*head, "dlspec", *(f"/ {LABELS.get(name, name)}" for name in others)], lines)


def race(rows: Sequence[Row]) -> Iterator[str]:
    """Training steps."""
    return against(rows, head=["workload", "threads"], cells=lambda row: [row["workload"], str(row["threads"])])


def whole(rows: Sequence[Row]) -> Iterator[str]:
    """Whole processes."""
    words = {"ours": "train and evaluate", "ours, train alone": "train"}
    return against(rows, head=["commands", "threads"], cells=lambda row: [words[row["program"]], str(row["threads"])])


def inference(rows: Sequence[Row]) -> Iterator[str]:
    """Predictions by batch size."""
    return against(rows, head=["batch", "threads"], cells=lambda row: [f"{row['batch']:,}", str(row["threads"])])


def memory(rows: Sequence[Row]) -> Iterator[str]:
    """Megabytes by workload and library."""
    names = list(dict.fromkeys(name for row in rows for name in row["bytes"]))
    lines = [
        [row["workload"], *(f"{row['bytes'][n] / 1e6:,.0f} MB" if n in row["bytes"] else "–" for n in names)]
        for row in rows
    ]
    return table(["workload", *(LABELS.get(name, name) for name in names)], lines)


def startup(rows: Sequence[Row]) -> Iterator[str]:
    """Whole processes that hardly compute."""
    lines = [
        [f"`{name}`", f"{statistics.median(seconds):.3f} s", f"{min(seconds):.3f} s", f"{row['imports'][name]:.3f} s"]
        for row in rows
        for name, seconds in row["seconds"].items()
    ]
    return table(["process", "median", "fastest", "its imports"], lines)


def roofline(rows: Sequence[Row]) -> Iterator[str]:
    """What the processor needs anyway, and our share."""
    lines = []
    for row in rows:
        ours, products, traffic = (statistics.median(row["seconds"][name]) for name in ("ours", "products", "traffic"))
        share = row["share"]
        cells = [duration(products), f"{row['operations_per_second'] / 1e9:.0f} GFLOP/s", duration(traffic)]
        cells += [f"{row['bytes_per_second'] / 1e9:.0f} GB/s", duration(ours)]
        lines.append([row["workload"], *cells, f"{share['median']:.0%} ({share['low']:.0%}–{share['high']:.0%})"])
    return table(["workload", "products", "at", "traffic", "at", "dlspec", "share of roofline"], lines)


def scaling(rows: Sequence[Row]) -> Iterator[str]:
    """A table per kind."""
    for number, row in enumerate(rows):
        medians = [statistics.median(seconds) for seconds in row["seconds"]]
        rates = [f"{flops / seconds / 1e9:.1f}" for flops, seconds in zip(row["operations"], medians, strict=True)]
        slopes = ["", *(f"{slope:.2f}" for slope in row["slopes"])]
        cells = [f"{size:,}" for size in row["sizes"]], [duration(seconds) for seconds in medians], rates, slopes
        yield from [""] * (number > 0)
        yield from table([row["kind"], "step", "GFLOP/s", "slope"], list(zip(*cells, strict=True)))


# How a kind is drawn, and what its rows are about.
KINDS: dict[str, tuple[Callable[[Sequence[Row]], Iterator[str]], tuple[str, ...]]] = {
    "race": (race, ("workload", "threads")),
    "whole": (whole, ("program", "threads")),
    "inference": (inference, ("workload", "batch", "threads")),
    "memory": (memory, ("workload", "threads")),
    "startup": (startup, ("threads",)),
    "roofline": (roofline, ("workload",)),
    "scaling": (scaling, ("kind", "threads")),
}
