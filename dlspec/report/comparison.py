"""A comparison of runs as cells of tables, lines of text and curves."""

from collections.abc import Mapping, Sequence
from typing import Any

from dlspec.report.axes import finite
from dlspec.report.figures import TITLES, Lines, Series
from dlspec.report.numbers import kilobytes, percent, signed_percent, value
from dlspec.report.spans import span

Table = tuple[list[str], list[list[str]]]

CURVES_UP_TO = 8  # runs that can be told apart
METRICS = ("dev_f1", "dev_precision", "dev_recall", "dev_rmse", "dev_mae", "dev_r2", "dev_loss")
NOTE = (
    "A test is about these two networks on this dev set, with Holm's correction for several tests; how much another "
    "seed would change is told by runs that differ in nothing but their seeds."
)


def runs_table(comparison: Mapping[str, Any]) -> Table:
    """Head and rows: a numbered run each, its errors and metrics, and whether it is within its limits.

    Accuracy is told by the error.
    """
    runs = comparison["runs"]
    metrics = [name for name in METRICS if any(run.get(name) is not None for run in runs)]
    limited = any(run["limits"] for run in runs)
    head = ["run", "train error", "dev error", *metrics, *(["limits"] if limited else [])]
    rows = []
    for number, run in enumerate(runs, start=1):
        row = [f"{number} {run['run']}"]
        row += [_or_dash(run[name], percent) for name in ("train_error", "dev_error")]
        row += [_or_dash(run.get(name), lambda x, name=name: value(name.removeprefix("dev_"), x)) for name in metrics]
        rows.append(row + ([run["limits"] or "-"] if limited else []))
    return head, rows


def cost_table(comparison: Mapping[str, Any]) -> Table:
    """Head and rows: how each run stands, what it took, size and speed of its model, its age and machine."""
    head = ["run", "status", "epoch", "time", "prediction", "model", "age", "machine"]
    return head, [_cost(number, run) for number, run in enumerate(comparison["runs"], start=1)]


def _cost(number: int, run: Mapping[str, Any]) -> list[str]:
    machine = run.get("host") or "-"
    if run.get("processor"):
        machine += f" ({run['processor']})"
    return [
        str(number),
        run["status"],
        str(run.get("epoch", "-")),
        _or_dash(run.get("seconds"), span),
        _or_dash(run.get("predict_ms"), lambda ms: f"{ms:.3g} ms"),
        _or_dash(run.get("model_kb"), kilobytes),
        _or_dash(run.get("age_seconds"), span),
        machine,
    ]


def _or_dash(number: Any, words: Any) -> str:
    return "-" if number is None else str(words(number))


def settings_table(comparison: Mapping[str, Any]) -> Table:
    """Head and rows: the settings that differ, a column per run."""
    head = ["setting", *(str(number) for number in range(1, len(comparison["runs"]) + 1))]
    return head, [[key, *map(setting, values)] for key, values in comparison["differences"].items()]


def setting(found: Any) -> str:
    """A setting as the experiment file would have it."""
    if found is None:
        return "-"
    return str(found).lower() if isinstance(found, bool) else str(found)


def tests_table(comparison: Mapping[str, Any]) -> Table:
    """Head and rows: each run after the first against the first, on the same dev examples."""
    head = ["run", "change", "95 % interval", "only 1 right", "only it right", "p", "verdict"]
    tests = [(number, run["against_reference"]) for number, run in enumerate(comparison["runs"], start=1)]
    return head, [[str(number), *_test(test)] for number, test in tests if test is not None]


def _test(test: Mapping[str, Any]) -> list[str]:
    if "label" in test:
        return ["-", "-", "-", "-", "-", test["label"]]
    counts = ["-" if test[name] is None else f"{test[name]:,}" for name in ("only_a", "only_b")]
    interval = f"{signed_percent(test['low'])} to {signed_percent(test['high'])}"
    return [signed_percent(test["difference"]), interval, *counts, f"{test['p_adjusted']:.3g}", test["verdict"]]


def seed_lines(comparison: Mapping[str, Any]) -> list[str]:
    """One line per group of runs that differ in nothing but their seeds."""
    numbers = {run["path"]: number for number, run in enumerate(comparison["runs"], start=1)}
    return [
        f"runs {', '.join(str(numbers[path]) for path in group['runs'])} differ in their seeds alone: dev error "
        f"{percent(group['mean'])}, standard deviation {percent(group['standard_deviation'])}"
        for group in comparison["seeds"]
    ]


def warnings(comparison: Mapping[str, Any]) -> list[str]:
    """What a reader should know of the runs that were measured, each line once."""
    tests = [run["against_reference"] or {} for run in comparison["runs"]]
    return list(dict.fromkeys(line for test in tests for line in test.get("warnings", ())))


def curves(comparison: Mapping[str, Any]) -> list[Lines]:
    """A figure of each quantity with a curve per run, of the first few runs."""
    runs = list(enumerate(comparison["runs"], start=1))[:CURVES_UP_TO]
    found: dict[str, list[tuple[int, dict[float, float]]]] = {}
    for number, run in runs:
        for curve in run["curves"]:
            points = {float(x): y for x, y in zip(curve["epoch"], curve["value"], strict=True)}
            if points:
                found.setdefault(curve["quantity"], []).append((number, points))
    return [_figure(quantity, of_runs) for quantity, of_runs in found.items()]


def _figure(quantity: str, of_runs: Sequence[tuple[int, Mapping[float, float]]]) -> Lines:
    x = tuple(sorted({epoch for _, points in of_runs for epoch in points}))
    series = [
        Series(f"run {number}", tuple(finite(points.get(epoch)) for epoch in x), f"l{number - 1}")
        for number, points in of_runs
    ]
    split, name = quantity.split("_", 1)
    return Lines(quantity, f"{TITLES.get(name, name.capitalize())} on {split}", x, tuple(series), (), name)
