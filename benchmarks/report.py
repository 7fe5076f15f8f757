"""`python -m benchmarks report RESULT.json…`: the tables of docs/performance.md, made from results.

Between `<!-- benchmarks KIND -->` and `<!-- end -->` stands what this writes, so that no figure is typed by hand.
Several results of one kind give one table, in the order in which they are named; of rows about the same the last one
counts. Sections whose kind no result has stay as they are.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import RESULTS, ROOT
from benchmarks.tables import KINDS, Row

PAGE = ROOT / "docs" / "performance.md"


def origin(result: Row) -> str:
    """When and on what a result was measured."""
    machine, load = result["machine"], result["load_average"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    blas = ", ".join(f"{library['architecture']} {library['version']}" for library in machine["blas"])
    commit = (machine["git"] or {}).get("commit", "unknown")[:7]
    return (
        f"{result['when']}, commit {commit}, {machine['cores']} cores of {machine['processor']}, OpenBLAS {blas}, "
        f"Python {machine['python']}, {versions}; load average {load['before'][0]:.1f} before, "
        f"{load['after'][0]:.1f} after."
    )


def section(kind: str, results: Sequence[Row]) -> str:
    """The table of all results of a kind, and where they come from."""
    draw, about = KINDS[kind]
    rows = {tuple(row[key] for key in about): row for result in results for row in result["rows"]}
    origins = dict.fromkeys(origin(result) for result in results)
    return "\n".join([*draw(list(rows.values())), "", *(f"<sub>{line}</sub>" for line in origins)])


def filled(page: str, results: Sequence[Row]) -> str:
    """The page with the sections of all kinds that the results have.

    Raises:
        ValueError: the page has no place for a kind.
    """
    for kind in dict.fromkeys(result["kind"] for result in results):
        begin, end = f"<!-- benchmarks {kind} -->\n", "\n<!-- end -->"
        before, found, rest = page.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"no section {begin.strip()} … {end.strip()}; add one where the table shall stand")
        drawn = section(kind, [result for result in results if result["kind"] == kind])
        page = before + begin + drawn + rest[rest.index(end) :]
    return page


def main(arguments: Sequence[str]) -> int:
    """Fill the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report", description=__doc__)
    parser.add_argument("results", nargs="*", type=Path, help="unset: all of benchmarks/results, by name")
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(arguments)
    results = {path: json.loads(path.read_text()) for path in chosen.results or sorted(RESULTS.glob("*.json"))}
    # Those of the planted situations are a list, and have a page of their own.
    timed = {path: result for path, result in results.items() if isinstance(result, dict)}
    chosen.page.write_text(filled(chosen.page.read_text(), list(timed.values())))
    sys.stdout.write(f"{chosen.page}: from {', '.join(path.name for path in timed)}\n")
    return 0
