"""What becomes of a situation: the verdict of each run, and the dev error after its first action."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.running import SEEDS, error, gain, trained
from benchmarks.diagnosis.situation import Situation


def measure(situation: Situation, seeds: Iterable[int] = SEEDS) -> dict[str, Any]:
    """Train it from every seed, read the verdicts, and apply to each run its own first action as printed.

    A run that diverged has neither: that is told by an error, which names the step and the layer.
    """
    with tempfile.TemporaryDirectory() as place:
        config, runs = situation.write(Path(place)), Path(place) / "runs"
        reports = {seed: trained(config, situation.overrides, seed, runs) for seed in seeds}
        diverged = [seed for seed, report in reports.items() if report is None]
        told = {seed: report for seed, report in reports.items() if report is not None}
        result: dict[str, Any] = {
            "name": situation.name,
            "expected": list(situation.verdicts),
            "verdicts": [report["diagnosis"]["verdict"] for report in told.values()],
            "findings": sorted({each["name"] for report in told.values() for each in report["health"]["findings"]}),
            "diverged": len(diverged),
        }
        if not situation.is_faulty:
            return result
        first = {seed: report["actions"][0] if report["actions"] else None for seed, report in told.items()}
        result["actions"] = sorted({action["action"] if action else "none" for action in first.values()})
        result["set"] = sorted({" ".join(action["set"]) for action in first.values() if action})
        if any(action and action["set"] for action in first.values()):
            before = [error(report) for report in told.values()]
            after = [
                error(trained(config, (*situation.overrides, *action["set"]), seed, runs) if action else told[seed])
                for seed, action in first.items()
            ]
            better = gain(before, after)
            result |= {"before": _rounded(before), "after": _rounded(after)}
            result |= {"gain": round(better.mean, 4), "gain_low": round(better.low, 4), "helps": better.helps}
    return result


def is_alarm(result: dict[str, Any]) -> bool:
    """Whether a healthy situation was called anything else in any run, or something was found in it."""
    return bool(result["findings"]) or wrong(result) > 0


def wrong(result: dict[str, Any]) -> int:
    """Runs whose verdict is not the right one; those that diverged have none."""
    return sum(verdict not in result["expected"] for verdict in result["verdicts"]) + int(result["diverged"])


def _rounded(errors: list[float]) -> list[float]:
    return [round(each, 4) for each in errors]
