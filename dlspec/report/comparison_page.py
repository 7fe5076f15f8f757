"""A comparison of runs as one HTML file that needs nothing else; every text out of a run is escaped."""

from collections.abc import Iterator, Mapping
from typing import Any

from dlspec.report import comparison as tables
from dlspec.report import sections
from dlspec.report.document import body, document
from dlspec.report.markup import Markup, element, joined


def render(comparison: Mapping[str, Any]) -> str:
    """The page.

    Args:
        comparison: from `dlspec.compare.compare`.
    """
    title = f"{len(comparison['runs'])} runs"
    return document(title, *body(element("h1", None, title), list(_parts(comparison)), first="results"))


def _parts(comparison: Mapping[str, Any]) -> Iterator[tuple[str, str, Markup]]:
    yield "results", "Results", _table(tables.runs_table(comparison), "Results")
    if len(comparison["runs"]) > 1:
        yield "tests", "Noise or not", _tests(comparison)
    if comparison["differences"]:
        yield "settings", "Settings that differ", _table(tables.settings_table(comparison), "Settings that differ")
    left_out = len(comparison["runs"]) - tables.CURVES_UP_TO
    note = element("p", {"class": "note"}, f"Of the first {tables.CURVES_UP_TO} runs.") if left_out > 0 else Markup()
    yield "curves", "Curves", joined([note, sections.curves(tables.curves(comparison))])
    yield "cost", "Cost and age", _table(tables.cost_table(comparison), "Cost and age")


def _tests(comparison: Mapping[str, Any]) -> Markup:
    """What the tests come down to, each run against the reference, and every pair."""
    base, table = tables.reference(comparison), tables.tests_table(comparison)
    note = f"The change of the dev error against run {base}, on the same examples."
    parts = [
        element("p", {"class": "strong"}, f"{line[:1].upper()}{line[1:]}.") for line in tables.standing(comparison)
    ]
    if table[1]:
        parts += [element("p", {"class": "note"}, note), _table(table, "Paired tests")]
    if pairs := tables.pairs_table(comparison):
        note = "Every pair: the run of the row against the run of the column."
        parts += [element("p", {"class": "note"}, note), _table(pairs, "Every pair")]
    return joined([*parts, sections.listed(tables.limits_of_tests(comparison))])


def _table(content: tables.Table, label: str) -> Markup:
    return sections.table(*content, label=label)
