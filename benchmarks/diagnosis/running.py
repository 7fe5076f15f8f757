"""One run of a situation, as a person would start it: an experiment file and `--set` lines."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlspec import runner
from dlspec.config import loader
from dlspec.errors import DlspecError
from dlspec.preparation import prepare, reseeded

SEEDS = (101, 102, 103, 104, 105)  # the rules were settled with others
LEAST_GAIN = 0.005  # of a smaller fall nobody would say that it helped

# 97.5 % quantiles of Student's t distribution by degrees of freedom
_T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def trained(config: Path, overrides: Sequence[str], seed: int, runs: Path) -> dict[str, Any] | None:
    """The report of one run on the same data and split, from a seed of its own; None where it diverged."""
    loaded = reseeded(loader.load(config, ["threads=1", *overrides]), seed)
    try:
        return runner.train(prepare(loaded), runs_dir=runs).report
    except DlspecError:
        return None


def error(report: dict[str, Any] | None, split: str = "dev") -> float:
    """Error on a split; 1 of a run that diverged."""
    if report is None:
        return 1.0
    return float(next(each["error"] for each in report["splits"] if each["split"] == split))


@dataclass(frozen=True, slots=True)
class Gain:
    """By how much errors fell, seed by seed.

    Attributes:
        mean: of the differences.
        low: lower end of its 95 % interval, by Student's t over the seeds.
    """

    mean: float
    low: float

    @property
    def helps(self) -> bool:
        """Whether it is more than the noise of the seeds, and at least half a percent of the examples."""
        return self.low > 0 and self.mean >= LEAST_GAIN


def gain(before: Sequence[float], after: Sequence[float]) -> Gain:
    """Errors of the same seeds before and after a change; two seeds at least."""
    differences = [a - b for a, b in zip(before, after, strict=True)]
    mean, n = statistics.mean(differences), len(differences)
    return Gain(mean, mean - _T95[n - 1] * statistics.stdev(differences) / n**0.5)
