"""The content of `report.json`: what a finished run measured, and what it means."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dlspec.config.experiment import Experiment
from dlspec.data.dataset import Dataset
from dlspec.diagnosis.bias_variance import Diagnosis, diagnose
from dlspec.diagnosis.intervals import ErrorRate
from dlspec.run.record import Segment
from dlspec.training.events import RunFinished, TrainingState


def build_report(
    experiment: Experiment,
    dataset: Dataset,
    *,
    splits: list[dict[str, Any]],
    finished: RunFinished,
    state: TrainingState,
    result: str,
    segments: Sequence[Segment],
) -> dict[str, Any]:
    """The report of a run, in plain numbers, texts and lists.

    Args:
        experiment: resolved.
        dataset: what it was trained on.
        splits: evaluation of every split.
        finished: the trainer's last event.
        state: that of the end.
        result: which parameters were evaluated, `best` or `last`.
        segments: of the run; the changes of those after the first are told.
    """
    return {
        "format": 1,
        "name": experiment.name,
        "task": dataset.task,
        "message": finished.message,
        "parameters": result,
        "epoch": state.best_epoch if result == "best" else state.epoch,
        "human_level_error": experiment.evaluation.human_level_error,
        "diagnosis": asdict(_diagnosis(experiment, splits)),
        "splits": splits,
        "segments": [
            {"epoch": segment.epoch, "step": segment.step, "changes": list(segment.overrides if number else ())}
            for number, segment in enumerate(segments)
        ],
        "warnings": list(dataset.warnings),
    }


def _diagnosis(experiment: Experiment, splits: Sequence[dict[str, Any]]) -> Diagnosis:
    def rate(name: str) -> ErrorRate | None:
        for split in splits:
            if split["split"] == name:
                std = None if "accuracy" in split else split["error_std"]
                # A multi-task is wrong or right label by label.
                return ErrorRate(split["error"], split.get("labels", split["examples"]), std)
        return None

    train = rate("train")
    assert train is not None  # noqa: S101 - every dataset has a train split
    return diagnose(
        train=train,
        train_dev=rate("train-dev"),
        dev=rate("dev"),
        test=rate("test"),
        human_level_error=experiment.evaluation.human_level_error,
        bias_threshold=experiment.evaluation.bias_threshold,
        variance_threshold=experiment.evaluation.variance_threshold,
    )
