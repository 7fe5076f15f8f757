"""Is the verdict right, and does the first action help? `python -m benchmarks.diagnosis [PART OF A NAME…]`.

The first action that has overrides is applied as printed. Both experiments are trained from `SEEDS` seeds on the same
data; the action helps where the mean error on dev falls by more than twice the standard error of the difference, and
by more than half a percent.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.situations import BASES, HEALTHY, SITUATIONS, TOO_FEW, Situation
from dlspec import runner
from dlspec.config import loader
from dlspec.preparation import prepare, reseeded

SEEDS = (1, 2, 3)
DATASETS = Path(__file__).parents[2] / "datasets"


def trained(config: Path, overrides: tuple[str, ...], seed: int, runs: Path) -> dict[str, Any] | None:
    """The report of one run; None where it diverged."""
    loaded = reseeded(loader.load(config, ["threads=1", *overrides]), seed)
    return runner.train(prepare(loaded), runs_dir=runs).report


def dev_error(report: dict[str, Any] | None) -> float:
    """Error on dev; 1 of a run that diverged."""
    if report is None:
        return 1.0
    return float(next(split["error"] for split in report["splits"] if split["split"] == "dev"))


def written(situation: Situation, place: Path) -> Path:
    """The experiment file that a situation is planted in."""
    config = place / "e.yaml"
    config.write_text(BASES[situation.base].replace("DATASETS", str(DATASETS)).replace("TARGET", "diagnosis"))
    return config


def measure(situation: Situation, place: Path) -> dict[str, Any]:
    """Train it, read the verdict, apply the first action."""
    config = written(situation, place)
    before = [trained(config, situation.overrides, seed, place / "runs") for seed in SEEDS]
    report = before[0]
    assert report is not None, situation.name
    result: dict[str, Any] = {
        "name": situation.name,
        "right": report["diagnosis"]["verdict"] in situation.verdicts,
        "verdict": report["diagnosis"]["verdict"],
        "findings": [finding["name"] for finding in report["health"]["findings"]],
        "actions": [action["action"] for action in report["actions"][:3]],
        "before": [dev_error(each) for each in before],
    }
    first = next(iter(report["actions"]), None)
    if first and first["set"]:
        overrides = (*situation.overrides, *first["set"])
        after = [dev_error(trained(config, overrides, seed, place / "runs")) for seed in SEEDS]
        gain = statistics.mean(result["before"]) - statistics.mean(after)
        noise = (statistics.variance(result["before"]) / len(SEEDS) + statistics.variance(after) / len(SEEDS)) ** 0.5
        result |= {"after": after, "set": first["set"], "helps": gain > max(2 * noise, 0.005)}
    return result


def main() -> None:
    """Print a line per situation, then the shares."""
    parts = sys.argv[1:]
    results = []
    for situation in SITUATIONS:
        if parts and not any(part in situation.name for part in parts):
            continue
        with tempfile.TemporaryDirectory() as place:
            result = measure(situation, Path(place))
        results.append((situation, result))
        print(_line(result), flush=True)
    faulty = [r for s, r in results if not {HEALTHY, TOO_FEW} & set(s.verdicts)]
    alarms = [r for s, r in results if HEALTHY in s.verdicts and (r["findings"] or not r["right"])]
    print(f"verdict right: {sum(r['right'] for _, r in results)} of {len(results)}")
    print(f"first action helps: {sum(r.get('helps', False) for r in faulty)} of {len(faulty)}")
    print(f"false alarms: {len(alarms)} of {sum(HEALTHY in s.verdicts for s, _ in results)}")


def _line(result: dict[str, Any]) -> str:
    def errors(values: list[float]) -> str:
        return "/".join(f"{value:.3f}" for value in values)

    helps = {True: "helps", False: "NO", None: ""}[result.get("helps")]
    marks = f"{'ok' if result['right'] else 'WRONG':5} {helps:5}"
    after = f" -> {errors(result['after'])} by {' '.join(result['set'])}" if "after" in result else ""
    told = f"[{result['verdict']}] {result['findings']} {result['actions']}"
    return f"{marks} {result['name']} {errors(result['before'])}{after} {told}"


if __name__ == "__main__":
    main()
