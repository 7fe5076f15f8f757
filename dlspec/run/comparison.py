"""Two run directories, compared: is the second one the first one again?"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from dlspec.core.arrays import Array
from dlspec.run import checkpoint, checkpoints
from dlspec.run.health import HEALTH_FILE

FILES = ("metrics.jsonl", HEALTH_FILE, "report.json", "report.md")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: where, and how much."""

    what: str
    detail: str


def compare(original: Path, again: Path) -> Iterator[Difference]:
    """What differs, bit by bit: metrics, reports, and the arrays of the newest and the best checkpoint.

    Of a run that has not finished the metrics are compared as far as the newest checkpoint goes.
    """
    for name in FILES:
        yield from _files(original / name, again / name)
    for name in ("last", "best"):
        yield from _checkpoints(original, again, name)


def _files(first: Path, second: Path) -> Iterator[Difference]:
    one, two = (path.read_bytes() if path.exists() else b"" for path in (first, second))
    if first.name == HEALTH_FILE and not one:
        return  # a run of a dlspec that kept none
    if first.suffix == ".jsonl":
        one = one[: len(two)]  # a killed run may have written rows behind its newest checkpoint
    if one == two:
        return
    if first.suffix == ".jsonl":
        for a, b in zip_longest(one.splitlines(), two.splitlines()):
            if a != b:
                yield Difference(first.name, _rows(a, b))
                return
    yield Difference(first.name, "other content")


def _rows(a: bytes | None, b: bytes | None) -> str:
    """How the first rows that differ do."""
    if a is None or b is None:
        return "has another number of rows"
    try:
        one, two = json.loads(a), json.loads(b)
    except (ValueError, RecursionError):
        return "a row is damaged"
    if not isinstance(one, dict) or not isinstance(two, dict):
        return "a row is damaged"
    name = next((name for name in one if one[name] != two.get(name)), "keys")
    return f"from epoch {one.get('epoch')} on: {name} {one.get(name)}, now {two.get(name)}"


def _checkpoints(original: Path, again: Path, name: str) -> Iterator[Difference]:
    paths = [checkpoints.of_name(run, name) for run in (original, again)]
    if not all(path.exists() for path in paths):
        if paths[0].exists() != paths[1].exists():
            yield Difference(f"checkpoint {name}", "only one of the two runs has it")
        return
    one, two = (checkpoint.load(path) for path in paths)
    for kind in ("parameters", "optimizer", "best", "normalization"):
        yield from _arrays(f"checkpoint {name}, {kind}", getattr(one, kind), getattr(two, kind))
    for key in sorted({*one.progress, *two.progress}):
        if one.progress.get(key) != two.progress.get(key):
            yield Difference(f"checkpoint {name}, {key}", f"{one.progress.get(key)}, now {two.progress.get(key)}")


def _arrays(what: str, first: Mapping[str, Array], second: Mapping[str, Array]) -> Iterator[Difference]:
    """The largest difference between arrays of the same names."""
    if {name: array.shape for name, array in first.items()} != {name: array.shape for name, array in second.items()}:
        yield Difference(what, "other arrays")
        return
    changed = [name for name in first if first[name].tobytes() != second[name].tobytes()]
    if changed:
        apart = max(float(np.abs(first[name] - second[name]).max()) for name in changed)
        size = max(float(np.abs(first[name]).max()) for name in changed)
        yield Difference(what, f"{', '.join(changed)}: up to {apart:.3g} apart, where values reach {size:.3g}")
