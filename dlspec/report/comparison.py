"""A comparison of runs as text: cells of its tables, and one HTML file that needs nothing else."""

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.report.numbers import percent, signed_percent, value
from dlspec.report.spans import span
from dlspec.text import printable

METRICS = ("dev_accuracy", "dev_f1", "dev_rmse", "dev_mae", "dev_r2", "dev_loss")
NOTE = (
    "A test is about these two networks on this dev set, with Holm's correction for several tests; how much another "
    "seed would change is told by runs that differ in nothing but their seeds."
)

_STYLE = """\
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0}caption{text-align:left;font-weight:600}
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #8884;white-space:nowrap}
th:first-child,td:first-child{text-align:left}"""


def runs_table(comparison: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: a numbered run each, its errors, metrics, time, age and machine."""
    runs = comparison["runs"]
    metrics = [name for name in METRICS if any(run.get(name) is not None for run in runs)]
    head = ["run", "status", "epoch", "train error", "dev error", *metrics, "time", "age", "machine"]
    return head, [_run(number, run, metrics) for number, run in enumerate(runs, start=1)]


def _run(number: int, run: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    machine = run.get("host") or "-"
    if run.get("processor"):
        machine += f" ({run['processor']})"
    return [
        f"{number} {run['run']}",
        run["status"],
        str(run.get("epoch", "-")),
        *(_or_dash(run[name], percent) for name in ("train_error", "dev_error")),
        *(_or_dash(run.get(name), lambda x, name=name: value(name.removeprefix("dev_"), x)) for name in metrics),
        *(_or_dash(run.get(name), span) for name in ("seconds", "age_seconds")),
        machine,
    ]


def _or_dash(number: Any, words: Any) -> str:
    return "-" if number is None else str(words(number))


def settings_table(comparison: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: the settings that differ, a column per run."""
    head = ["setting", *(str(number) for number in range(1, len(comparison["runs"]) + 1))]
    return head, [[key, *map(setting, values)] for key, values in comparison["differences"].items()]


def setting(found: Any) -> str:
    """A setting as the experiment file would have it."""
    if found is None:
        return "-"
    return str(found).lower() if isinstance(found, bool) else str(found)


def tests_table(comparison: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Head and rows: each run after the first against the first, on the same dev examples."""
    head = ["against 1", "difference", "95 % interval", "only 1 right", "only this right", "p", "verdict"]
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


def page(comparison: Mapping[str, Any]) -> str:
    """One self-contained HTML file; every text out of a run or a configuration is escaped."""
    return "\n".join(_page(comparison)) + "\n"


def _page(comparison: Mapping[str, Any]) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{len(comparison['runs'])} runs</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>{len(comparison['runs'])} runs</h1>"
    yield from _table("Results", *runs_table(comparison))
    if comparison["differences"]:
        yield from _table("Settings that differ", *settings_table(comparison))
    if len(comparison["runs"]) > 1:
        yield from _table("Against the first, on the same dev examples", *tests_table(comparison))
        yield from (f"<p>{_text(line)}</p>" for line in (*seed_lines(comparison), *warnings(comparison), NOTE))
    yield "</body></html>"


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f'<div class="scroll"><table><caption>{_text(caption)}</caption>'
    yield "<thead><tr>" + "".join(f'<th scope="col">{_text(cell)}</th>' for cell in head) + "</tr></thead><tbody>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>"
    yield "</tbody></table></div>"


def _text(content: str) -> str:
    return html.escape(printable(content))
