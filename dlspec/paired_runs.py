"""Runs tested against each other on the same dev examples: which differences are noise.

Which run is the best is read off the examples that it is tested on, so that all pairs are tested, and corrected for as
many. Who has chosen the run to test against before looking needs fewer tests, each of which sees more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.analysis import paired
from dlspec.errors import DlspecError
from dlspec.measurement import TrainedRun, open_run
from dlspec.predictions import predict
from dlspec.run.listing import ListedRun

SEED = 1  # of the bootstrap: the same runs give the same numbers, and all of them the same resamples
AMONG = 8  # runs of which every pair is tested: 28 tests


@dataclass(frozen=True, eq=False)
class _Sample:
    """What a paired test needs of one run."""

    identity: Mapping[str, Any]  # what must be the same for two runs to have the same dev examples
    rows: NDArray[np.int64]
    mistakes: NDArray[np.float64]  # (m, decisions), NaN where there is none
    warnings: tuple[str, ...]

    @cached_property
    def resampled(self) -> paired.Resampled:
        # A regression's error is the mean over its columns, so each of them is a decision.
        decisions = np.isfinite(self.mistakes).sum(axis=1)
        return paired.resampled(np.nansum(self.mistakes, axis=1), decisions, rng=np.random.default_rng(SEED))


def tests(
    runs: Sequence[ListedRun], *, base: int, among: int, progress: Callable[[int, int], None]
) -> dict[tuple[int, int], dict[str, Any]]:
    """The tests by the numbers of two runs, the second against the first, or a `label` that says why there is none.

    Holm's correction is for all of them together.

    Args:
        runs: at least one.
        base: number of the run that every other is tested against.
        among: so many of the first runs are tested against each other, too.
        progress: called with the number of runs that have been measured, and of all.
    """
    kept = {base: _sample(runs[base])}
    results: dict[tuple[int, int], dict[str, Any]] = {}
    for done, number in enumerate((n for n in range(len(runs)) if n != base), start=1):
        progress(done, len(runs))
        sample = _sample(runs[number])
        others = kept if number < among else [base]
        results |= {(other, number): _test(kept[other], sample, base=other == base) for other in others}
        if number < among:
            kept[number] = sample
    progress(len(runs), len(runs))
    tested = [result for result in results.values() if "p" in result]
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


def _test(reference: _Sample | str, sample: _Sample | str, *, base: bool) -> dict[str, Any]:
    than = "the reference" if base else "the other run"
    if isinstance(sample, str):
        return {"label": sample}
    if isinstance(reference, str):
        return {"label": f"{than} {reference}"}
    other = [name for name, value in reference.identity.items() if sample.identity[name] != value]
    if other:
        return {"label": f"other {' and '.join(other)} than {than}"}
    if not np.array_equal(reference.rows, sample.rows):
        return {"label": f"other dev examples than {than}; train both with the same data.split.seed"}
    result = asdict(_paired(reference, sample))
    return result | {"warnings": [*reference.warnings, *sample.warnings]}


def _paired(a: _Sample, b: _Sample) -> paired.Paired:
    if a.identity["task"] == "classification":
        return paired.mcnemar(a.mistakes[:, 0] > 0, b.mistakes[:, 0] > 0)
    return paired.bootstrap(a.resampled, b.resampled)
