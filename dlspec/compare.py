"""Runs side by side: where their settings differ, what they reached, what that cost, and whether it is noise.

content = dlspec.compare.compare(listing.listed(runs, now=now), now=now)
"""

import json
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.analysis import paired
from dlspec.config import yaml_tree
from dlspec.errors import DlspecError
from dlspec.measurement import TrainedRun, open_run
from dlspec.predictions import predict
from dlspec.run.listing import ASKED, ListedRun, is_number, moment
from dlspec.run.record import read_record, segments_of
from dlspec.run.recorder import METRICS_FILE

SEED = 1  # of the bootstrap: the same runs give the same numbers
POINTS = 200  # of a curve; what lies between shows nowhere
MEASURES = ("loss", "accuracy", "f1", "precision", "recall", "rmse", "mae", "r2")
SEEDS = ("seed", "data.seed", "data.split.seed")
_NOT_SETTINGS = ("name", "threads", "streams")  # they have no part in what a configuration is worth


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """What a paired test needs of one run."""

    identity: Mapping[str, Any]  # what must be the same for two runs to have the same dev examples
    rows: NDArray[np.int64]
    mistakes: NDArray[np.float64]  # (m, decisions), NaN where there is none
    warnings: tuple[str, ...]


def compare(
    runs: Sequence[ListedRun],
    *,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> dict[str, Any]:
    """The comparison, in plain numbers, texts and lists; the first run is the reference of the paired tests.

    Args:
        runs: in the order in which they are to be shown, at least one.
        now: the time, for the age of a run.
        progress: called with the number of runs that have been measured, and of all.
    """
    settings = [_settings(run) for run in runs]
    tests = _tests(runs, progress)
    return {
        "reference": str(runs[0].run),
        "differences": _differences(settings),
        "runs": [
            {
                "path": str(run.run),
                **run.facts,
                "train_error": run.get("train_error"),
                "dev_error": run.get("dev_error"),
                **{key: run.get(key) for key in ASKED},
                "age_seconds": _age(run, now),
                "against_reference": test,
                "curves": curves,
            }
            for run, test, curves in zip(runs, tests, _curves(runs), strict=True)
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


# --- paired tests ----------------------------------------------------------------------------------------


def _tests(runs: Sequence[ListedRun], progress: Callable[[int, int], None]) -> list[dict[str, Any] | None]:
    """Of each run after the first the test against the first, or why there is none; None for the first itself."""
    reference = _sample(runs[0])
    results: list[dict[str, Any] | None] = [None]
    for number, run in enumerate(runs[1:], start=1):
        progress(number, len(runs))
        results.append(_test(reference, _sample(run)))
    progress(len(runs), len(runs))
    tested = [result for result in results if result is not None and "p" in result]
    for result, p in zip(tested, paired.holm([result["p"] for result in tested]), strict=True):
        result |= {"p_adjusted": p, "verdict": paired.verdict(result["difference"], p)}
    return results


def _sample(run: ListedRun) -> _Sample | str:
    """What a run does on dev, or why that cannot be told."""
    try:
        trained = open_run(run.run)
        if "dev" not in trained.dataset.splits:
            return "has no dev split"
        found = predict(trained, split="dev")
    except DlspecError as error:
        return f"cannot be measured: {error.problems[0]}"
    return _Sample(_identity(trained), found.examples.rows, found.mistakes, trained.warnings)


def _identity(trained: TrainedRun) -> dict[str, Any]:
    data = trained.dataset
    return {"data": data.fingerprint, "task": data.task, "targets": data.target_names, "classes": data.classes}


def _test(reference: _Sample | str, sample: _Sample | str) -> dict[str, Any]:
    if isinstance(sample, str):
        return {"label": sample}
    if isinstance(reference, str):
        return {"label": f"the reference {reference}"}
    other = [name for name, value in reference.identity.items() if sample.identity[name] != value]
    if other:
        return {"label": f"other {' and '.join(other)} than the reference"}
    if not np.array_equal(reference.rows, sample.rows):
        return {"label": "other dev examples than the reference; train both with the same data.split.seed"}
    result = asdict(_paired(reference, sample))
    return result | {"warnings": [*reference.warnings, *sample.warnings]}


def _paired(a: _Sample, b: _Sample) -> paired.Paired:
    if a.identity["task"] == "classification":
        return paired.mcnemar(a.mistakes[:, 0] > 0, b.mistakes[:, 0] > 0)
    # A regression's error is the mean over its columns, so each of them is a decision.
    decisions = np.isfinite(a.mistakes).sum(axis=1)
    mistakes_a, mistakes_b = (np.nansum(sample.mistakes, axis=1) for sample in (a, b))
    return paired.bootstrap(mistakes_a, mistakes_b, decisions, rng=np.random.default_rng(SEED))
