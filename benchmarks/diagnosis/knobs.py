"""Which knobs truly help, found by running them: `python -m benchmarks.diagnosis.knobs [PART OF A NAME…]`.

Every knob of course 3 for train and for dev is turned in every situation, whatever the diagnosis says, from three
seeds. A knob helps where the error falls by more than the noise of the seeds, or where every run with it is better than
every run without it. A bias that a knob takes away was avoidable. Half an hour; writes `benchmarks/results/knobs.md`.
"""

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.diagnosis.held_out import HELD_OUT
from benchmarks.diagnosis.running import LEAST_GAIN, error, gain, trained
from benchmarks.diagnosis.situation import Situation
from benchmarks.diagnosis.situations import SITUATIONS
from dlspec.config import loader
from dlspec.config.data import Synthetic
from dlspec.config.experiment import Experiment

SEEDS = (11, 12, 13)
RESULTS = Path(__file__).parents[1] / "results" / "knobs.md"
TITLE = """# Knobs that help in the planted situations

Errors in percent, means of three seeds; by how much each knob lowers them on train and on dev. Written by
`python -m benchmarks.diagnosis.knobs`.
"""


def knobs_of(experiment: Experiment) -> dict[str, tuple[str, ...]]:
    """Overrides by knob; the same for every situation, whatever the diagnosis says."""
    layers = experiment.architecture.layers
    each = range(len(layers))
    free = tuple(f"architecture.layers.{i}.{key}=null" for i in each for key in ("l2", "l1", "keep_prob"))
    data = experiment.data
    more = (f"data.examples={4 * data.examples}",) if isinstance(data, Synthetic) else ("data.split.ratios=60/20/20",)
    is_cut = data.split is not None and data.split.ratios != "auto"
    return {
        "bigger network": ("architecture.layers=[{units: 64}, {units: 64}]",),
        "longer": (f"training.epochs={5 * experiment.training.epochs}", "training.early_stopping=null"),
        "adam, 0.01": ("optimizer={name: adam, learning_rate: 0.01}",),
        "adam, 0.001": ("optimizer={name: adam, learning_rate: 0.001}",),
        "constant rate": ("decay=constant",),
        "he": ("initializer=he",),
        "relu": tuple(f"architecture.layers.{i}.activation=relu" for i in each),
        "no regularization": ("regularization={}", *free),
        "batch of 64": ("batch_size=64",),
        "normalize": ("data.normalize=standard",),
        "L2": ("regularization={l2: 5}",),
        "dropout": ("regularization={keep_prob: 0.5}",),
        "early stopping": ("training.early_stopping={patience: 20}",),
        "more data": more if isinstance(data, Synthetic) or is_cut else (),
    }


def study(situation: Situation, place: Path) -> dict[str, Any]:
    """Errors of a situation as it is, and the knobs that lower them, by how much."""
    config = situation.write(place)
    experiment = loader.load(config, situation.overrides).experiment

    def errors(changes: tuple[str, ...]) -> tuple[list[float], list[float]]:
        reports = [trained(config, (*situation.overrides, *changes), seed, place / "runs") for seed in SEEDS]
        return [error(report, "train") for report in reports], [error(report) for report in reports]

    train, dev = errors(())
    found: dict[str, Any] = {"train": statistics.mean(train), "dev": statistics.mean(dev), "on train": {}, "on dev": {}}
    for knob, changes in knobs_of(experiment).items():
        if not changes or loader.load(config, (*situation.overrides, *changes)).experiment == experiment:
            continue
        for split, before, after in zip(("train", "dev"), (train, dev), errors(changes), strict=True):
            better = gain(before, after)
            if better.helps or max(after) < min(before) - LEAST_GAIN:
                found[f"on {split}"][knob] = round(better.mean, 4)
    return found


def row(situation: Situation, found: dict[str, Any]) -> str:
    """A situation as a row of the table."""
    helping = [
        ", ".join(f"{knob} −{100 * by:.1f}" for knob, by in sorted(found[side].items(), key=lambda item: -item[1]))
        for side in ("on train", "on dev")
    ]
    errors = f"{100 * found['train']:.1f} | {100 * found['dev']:.1f}"
    return f"| {situation.name} | {' or '.join(situation.verdicts)} | {errors} | {' | '.join(helping)} |"


def main() -> None:
    """A table, and a file of it where every situation was looked at."""
    parts = sys.argv[1:]
    lines = ["| situation | planted | train | dev | on train | on dev |", "|---|---|---:|---:|---|---|"]
    print("\n".join(lines))
    for situation in (*SITUATIONS, *HELD_OUT):
        if not parts or any(part in situation.name for part in parts):
            with tempfile.TemporaryDirectory() as place:
                lines.append(row(situation, study(situation, Path(place))))
            print(lines[-1], flush=True)
    if not parts:
        RESULTS.write_text("\n".join([TITLE, *lines, ""]))


if __name__ == "__main__":
    main()
