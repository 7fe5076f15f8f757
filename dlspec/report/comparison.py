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
INVERSE = {"better": "worse", "noise": "noise", "worse": "better"}
NOTE = (
    "A test is about these two networks on this dev set; how much another seed would change is told by runs that "
    "differ in nothing but their seeds."
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


def reference(comparison: Mapping[str, Any]) -> int:
    """Number of the run, from 1, that the others are tested against."""
    paths = [run["path"] for run in comparison["runs"]]
    return paths.index(comparison["reference"]) + 1


def tests_table(comparison: Mapping[str, Any]) -> Table:
    """Head and rows: each run against the reference, on the same dev examples; a run without a test has a line."""
    base = reference(comparison)
    head = ["run", "verdict", "change", "95 % interval", "p", f"right alone: {base} / it"]
    tests = [(number, run["against_reference"]) for number, run in enumerate(comparison["runs"], start=1)]
    return head, [[str(number), *_test(test)] for number, test in tests if test is not None and "p" in test]


def _test(test: Mapping[str, Any]) -> list[str]:
    counts = "-" if test["only_a"] is None else f"{test['only_a']:,} / {test['only_b']:,}"
    interval = f"{signed_percent(test['low'])} to {signed_percent(test['high'])}"
    change, p = signed_percent(test["difference"]), _probability(test["p_adjusted"])
    return [test["verdict"], change, interval, p, counts]


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def pairs_table(comparison: Mapping[str, Any]) -> Table | None:
    """Head and rows: the verdict on the run of each row against that of each column; None of fewer than three runs."""
    numbers = _numbers(comparison)
    verdicts: dict[tuple[int, int], str] = {}
    for pair in comparison["pairs"]:
        if "verdict" in pair:
            a, b = numbers[pair["a"]], numbers[pair["b"]]
            verdicts[b, a], verdicts[a, b] = pair["verdict"], INVERSE[pair["verdict"]]
    tested = sorted({number for pair in verdicts for number in pair})
    if len(tested) < 3 or all(reference(comparison) in pair for pair in verdicts):
        return None  # the table of tests says the same
    tested = [number for number in tested if sum(number in pair for pair in verdicts) > 2]  # more than the reference
    rows = [[str(row), *(verdicts.get((row, column), "-") for column in tested)] for row in tested]
    return ["run", *map(str, tested)], rows


def standing(comparison: Mapping[str, Any]) -> list[str]:
    """What the tests against the reference come down to."""
    base, tests = reference(comparison), [run["against_reference"] or {} for run in comparison["runs"]]
    of = {
        verdict: [n for n, test in enumerate(tests, start=1) if test.get("verdict") == verdict] for verdict in INVERSE
    }
    lines = []
    if of["better"]:
        lines.append(f"better than run {base}: {_runs(of['better'])}")
    if of["noise"]:
        lines.append(f"on this dev set {_runs(of['noise'])} cannot be told from run {base}")
    elif of["worse"] and not of["better"]:
        lines.append(f"run {base} is better than every other run that was tested")
    return lines


def limits_of_tests(comparison: Mapping[str, Any]) -> list[str]:
    """What was not tested, what p is corrected for, and what a test does not say."""
    tests = enumerate((run["against_reference"] or {} for run in comparison["runs"]), start=1)
    lines = [f"run {number} was not tested: {test['label']}" for number, test in tests if "label" in test]
    if comparison["tests"] > 1:
        lines.append(f"p has Holm's correction for all {comparison['tests']} tests; from 0.05 on it is noise")
    return [*lines, *seed_lines(comparison), *warnings(comparison), NOTE]


def _runs(numbers: Sequence[int]) -> str:
    return f"run{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))}"


def _numbers(comparison: Mapping[str, Any]) -> dict[str, int]:
    return {run["path"]: number for number, run in enumerate(comparison["runs"], start=1)}


def seed_lines(comparison: Mapping[str, Any]) -> list[str]:
    """One line per group of runs that differ in nothing but their seeds."""
    numbers = _numbers(comparison)
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
