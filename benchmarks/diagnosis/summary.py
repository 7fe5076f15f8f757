"""The figures of many situations, and what was missed, in words and as a section of the documentation."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from benchmarks.diagnosis.measuring import is_alarm, wrong
from benchmarks.diagnosis.situation import HEALTHY

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        return f"{self.part} of {self.whole}" + (f" ({100 * self.part / self.whole:.1f} %)" if self.whole else "")


def verdicts(results: list[Result]) -> Share:
    """Runs with the right verdict."""
    runs = sum(len(result["verdicts"]) + result["diverged"] for result in results)
    return Share(runs - sum(map(wrong, results)), runs)


def actions(results: list[Result]) -> Share:
    """Faulty situations whose first action helps, of those where it can be applied."""
    applied = [result for result in results if "helps" in result]
    return Share(sum(result["helps"] for result in applied), len(applied))


def without_overrides(results: list[Result]) -> list[Result]:
    """Faulty situations whose first action is for a person to do."""
    return [result for result in results if "actions" in result and "helps" not in result]


def alarms(results: list[Result]) -> Share:
    """Healthy situations with a false alarm in any run."""
    healthy = [result for result in results if HEALTHY in result["expected"]]
    return Share(sum(map(is_alarm, healthy)), len(healthy))


def confusion(results: list[Result]) -> list[tuple[str, str, int]]:
    """What is right, what was said in its place, in how many runs."""
    found: Counter[tuple[str, str]] = Counter()
    for result in results:
        right = " or ".join(result["expected"])
        found.update((right, verdict) for verdict in result["verdicts"] if verdict not in result["expected"])
        found.update([(right, "no report: diverged")] * result["diverged"])
    return [(right, said, runs) for (right, said), runs in found.most_common()]


def markdown(sets: dict[str, list[Result]]) -> str:
    """The section of the documentation, by name of the set of situations."""
    lines = ["| | " + " | ".join(sets) + " |", "|---|" + "---:|" * len(sets)]
    rows = {
        "situations": lambda results: len(results),
        "runs with the right verdict": verdicts,
        "first actions that help": actions,
        "healthy situations with a false alarm": alarms,
    }
    for name, figure in rows.items():
        lines.append(f"| {name} | " + " | ".join(str(figure(results)) for results in sets.values()) + " |")
    lines += ["", "The wrong verdicts:", "", "| situation | right | said | runs |", "|---|---|---|---:|"]
    everything = [result for results in sets.values() for result in results]
    for result in everything:
        for right, said, runs in confusion([result]):
            lines.append(f"| {result['name']} | {right} | {said} | {runs} |")
    lines += ["", "The first actions that do not help:", "", "| situation | action | dev error before → after |"]
    lines.append("|---|---|---|")
    for result in everything:
        if not result.get("helps", True):
            lines.append(f"| {result['name']} | {'; '.join(result['actions'])} | {_errors(result)} |")
    names = ", ".join(result["name"] for result in without_overrides(everything))
    lines += ["", f"Without overrides, so that it takes a person, and not counted: {names}."] if names else []
    return "\n".join([*lines, ""])


def line(result: Result) -> str:
    """A situation on one line."""
    told = ", ".join(f"{verdict} ×{n}" for verdict, n in Counter(result["verdicts"]).most_common())
    mark = "ok   " if not wrong(result) else "WRONG"
    helps = {True: "helps", False: "NO   ", None: "     "}[result.get("helps")]
    after = f" {_errors(result)} by {' | '.join(result['set'])}" if "helps" in result else ""
    return f"{mark} {helps} {result['name']}: {told}{after} {result['findings']} {result.get('actions', '')}"


def _errors(result: Result) -> str:
    return f"{_mean(result['before']):.3f} → {_mean(result['after']):.3f}"


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
