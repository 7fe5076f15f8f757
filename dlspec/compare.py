"""Runs side by side: where their settings differ, what they reached, what that cost, and whether it is noise.

content = dlspec.compare.compare(listing.listed(runs, now=now), now=now)
"""

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dlspec import paired_runs
from dlspec.config import yaml_tree
from dlspec.errors import DlspecError
from dlspec.run.listing import ASKED, ListedRun, is_number, moment
from dlspec.run.record import read_record, segments_of
from dlspec.run.recorder import METRICS_FILE

POINTS = 200  # of a curve; what lies between shows nowhere
MEASURES = ("loss", "accuracy", "f1", "precision", "recall", "rmse", "mae", "r2")
SEEDS = ("seed", "data.seed", "data.split.seed")
_NOT_SETTINGS = ("name", "threads", "streams")  # they have no part in what a configuration is worth


def compare(
    runs: Sequence[ListedRun],
    *,
    now: datetime,
    base: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> dict[str, Any]:
    """The comparison, in plain numbers, texts and lists.

    Args:
        runs: in the order in which they are to be shown, at least one.
        now: the time, for the age of a run.
        base: number of the run, from 0, that was chosen to test all others against; None for the first one, and then
            the first few are tested against each other, too.
        progress: called with the number of runs that have been measured, and of all.
    """
    settings = [_settings(run) for run in runs]
    among, base = (paired_runs.AMONG, 0) if base is None else (0, base)
    tests = paired_runs.tests(runs, base=base, among=among, progress=progress)
    return {
        "reference": str(runs[base].run),
        "tests": sum("p" in test for test in tests.values()),
        "pairs": [{"a": str(runs[a].run), "b": str(runs[b].run), **test} for (a, b), test in sorted(tests.items())],
        "differences": _differences(settings),
        "runs": [
            {
                "path": str(run.run),
                **run.facts,
                "train_error": run.get("train_error"),
                "dev_error": run.get("dev_error"),
                **{key: run.get(key) for key in ASKED},
                "age_seconds": _age(run, now),
                "against_reference": tests.get((base, number)),
                "curves": curves,
            }
            for number, (run, curves) in enumerate(zip(runs, _curves(runs), strict=True))
        ],
        "seeds": _seeds(runs, settings),
    }


# --- settings --------------------------------------------------------------------------------------------


def _settings(run: ListedRun) -> dict[str, Any]:
    """Every setting of the newest segment by its dotted key; none where they cannot be read."""
    try:
        path = run.run / segments_of(read_record(run.run))[-1].config
        tree = yaml_tree.parse(path.read_bytes(), name=str(path))
    except (DlspecError, OSError):
        return {}
    return dict(_flat(tree.root, ""))


def _flat(value: Any, key: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        below = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    else:
        return [(key, value)]
    return [pair for name, content in below for pair in _flat(content, f"{key}.{name}" if key else str(name))]


def _differences(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Settings that are not the same in all runs, a value per run; None where a run has no such setting."""
    keys = dict.fromkeys(key for one in settings for key in one)
    values = {key: [one.get(key) for one in settings] for key in keys}
    return {key: found for key, found in values.items() if any(value != found[0] for value in found)}


def _seeds(runs: Sequence[ListedRun], settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Runs that differ in nothing but their seeds, and how far their dev errors lie apart."""
    groups: dict[str, list[tuple[ListedRun, float]]] = {}
    for run, one in zip(runs, settings, strict=True):
        error = run.get("dev_error")
        if one and error is not None:
            rest = {key: value for key, value in one.items() if key not in (*SEEDS, *_NOT_SETTINGS)}
            groups.setdefault(json.dumps(rest, sort_keys=True), []).append((run, error))
    return [
        {
            "runs": [str(run.run) for run, _ in group],
            "mean": statistics.fmean(error for _, error in group),
            "standard_deviation": statistics.stdev(error for _, error in group),
        }
        for group in groups.values()
        if len(group) > 1
    ]


# --- facts -----------------------------------------------------------------------------------------------


def _age(run: ListedRun, now: datetime) -> float | None:
    started = moment(run.facts["started"])
    return None if started is None else (now - started).total_seconds()


def _curves(runs: Sequence[ListedRun]) -> list[list[dict[str, Any]]]:
    """Of each run its curves on dev, or on train where there is no dev; of long runs every so manieth epoch.

    All have the same step, so that the same epochs of different runs stand side by side.
    """
    lines = [_lines(run) for run in runs]
    step = max(1, -(-max(map(len, lines)) // POINTS))
    return [list(_quantities(rows[::step])) for rows in lines]


def _lines(run: ListedRun) -> list[bytes]:
    """The whole lines of the metrics."""
    try:
        return (run.run / METRICS_FILE).read_bytes().split(b"\n")[:-1]
    except OSError:
        return []


def _quantities(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Each quantity that the first row has; none where the metrics are damaged."""
    try:
        rows = [json.loads(line) for line in lines]
        split = "dev" if rows and "dev_loss" in rows[0] else "train"
        names = [name for name in (f"{split}_{measure}" for measure in MEASURES) if rows and name in rows[0]]
        for name in names:
            points = [(row["epoch"], row[name]) for row in rows if is_number(row[name]) and is_number(row["epoch"])]
            yield {"quantity": name, "epoch": [epoch for epoch, _ in points], "value": [value for _, value in points]}
    except (ValueError, RecursionError, KeyError, TypeError):
        return
