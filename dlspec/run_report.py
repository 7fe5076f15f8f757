"""The content of `report.json`: what a finished run measured, and what it means."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dlspec.config.evaluation import parse_limit
from dlspec.config.experiment import Experiment
from dlspec.core.randomness import stream
from dlspec.data.dataset import Dataset
from dlspec.diagnosis.actions import actions_of
from dlspec.diagnosis.bias_variance import Diagnosis, diagnose
from dlspec.diagnosis.curves import curve_findings, trend_of
from dlspec.diagnosis.evidence import Evidence
from dlspec.diagnosis.intervals import BOOTSTRAP_UP_TO, ErrorRate, bootstrap, interval
from dlspec.diagnosis.layers import layer_findings
from dlspec.diagnosis.optimization_rules import descends
from dlspec.run.record import Segment
from dlspec.training.evaluation import Evaluator
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
    rows: Sequence[dict[str, Any]],
    samples: Sequence[dict[str, Any]],
    means: Mapping[str, tuple[float, ...]],
) -> dict[str, Any]:
    """The report of a run, in plain numbers, texts and lists.

    Args:
        experiment: resolved.
        dataset: what it was trained on.
        splits: evaluation of every split that may be looked at.
        finished: the trainer's last event.
        state: that of the end.
        result: which parameters were evaluated, `best` or `last`.
        segments: of the run; the changes of those after the first are told.
        rows: of `metrics.jsonl`.
        samples: of `health.jsonl`.
        means: of bootstrap samples of each split's errors, for a regression; see `bootstrap_means`.
    """
    diagnosis = _diagnosis(experiment, dataset, splits, means)
    evidence = _evidence(experiment, dataset, diagnosis, finished, rows=rows, samples=samples, result=result)
    actions = actions_of(evidence)
    errors = [_error(split, means) for split in splits]
    return {
        "format": 1,
        "name": experiment.name,
        "task": dataset.task,
        "message": finished.message,
        "parameters": result,
        "epoch": state.best_epoch if result == "best" else state.epoch,
        "human_level_error": experiment.evaluation.human_level_error,
        "diagnosis": {**asdict(diagnosis), "errors": errors, "next_steps": [action.line for action in actions]},
        "actions": [asdict(action) for action in actions],
        "selection": _selection(experiment, splits, model_kb=state.vector.nbytes / 1000),
        "health": {
            "findings": [asdict(finding) for finding in evidence.findings],
            "initial": samples[0]["layers"] if samples and samples[0]["epoch"] == 0 else [],
            "last": samples[-1]["layers"] if samples else [],
        },
        "splits": splits,
        "segments": [
            {"epoch": segment.epoch, "step": segment.step, "changes": list(segment.overrides if number else ())}
            for number, segment in enumerate(segments)
        ],
        "warnings": list(dataset.warnings),
    }


def _selection(experiment: Experiment, splits: Sequence[dict[str, Any]], *, model_kb: float) -> dict[str, Any]:
    """What the best epoch was chosen by, and how the result stands to the limits.

    What depends on the clock is None here, and stands in `run.json`: the report of the same run is the same bytes.
    """
    evaluation = experiment.evaluation
    dev = next((split for split in splits if split["split"] == "dev"), {})
    values = {**dev, **_means(dev), "model_kb": model_kb, "predict_ms": None}
    return {
        "optimize": evaluation.optimize,
        "value": values.get(evaluation.optimize) if evaluation.optimize else None,
        "model_kb": model_kb,
        "limits": [
            {"limit": text, "value": values[limit.name], "met": limit.is_met(values[limit.name])}
            for text, limit in zip(evaluation.subject_to, evaluation.limits, strict=True)
        ],
    }


def limits(selection: Mapping[str, Any], predict_ms: float | None) -> list[tuple[str, float, bool]]:
    """Each limit of `subject_to`, the value of the run, and whether it is met; those without a value are left out.

    Args:
        selection: of `report.json`; of a run of before there were limits it is empty.
        predict_ms: of `run.json`, where it has one.
    """
    found = []
    for row in selection.get("limits", ()):
        limit = parse_limit(row["limit"])
        value = predict_ms if limit.name == "predict_ms" else row["value"]
        met = limit.is_met(value)
        if value is not None and met is not None:
            found.append((row["limit"], float(value), met))
    return found


def _means(split: Mapping[str, Any]) -> dict[str, float]:
    """Precision and recall, means over the classes or labels."""
    classes = split.get("classes", ())
    return {name: sum(c[name] for c in classes) / len(classes) for name in ("precision", "recall") if classes}


def bootstrap_means(
    experiment: Experiment, evaluator: Evaluator, splits: Sequence[str]
) -> dict[str, tuple[float, ...]]:
    """Means of bootstrap samples of the errors of these splits of a regression; nothing for other tasks.

    Nor for splits of which none are drawn: these need not fit into memory.
    """
    if evaluator.task != "regression":
        return {}
    return {
        split: bootstrap(evaluator.squared_errors(split), rng=stream(experiment.seed, "bootstrap", number))
        for number, split in enumerate(splits)
        if len(evaluator.splits[split]) <= BOOTSTRAP_UP_TO
    }


def _rate(split: Mapping[str, Any], means: Mapping[str, tuple[float, ...]]) -> ErrorRate:
    # A multi-task is wrong or right label by label.
    n, std = split.get("labels", split["examples"]), None if "accuracy" in split else split["error_std"]
    return ErrorRate(split["error"], n, std, means.get(split["split"], ()))


def _error(split: Mapping[str, Any], means: Mapping[str, tuple[float, ...]]) -> dict[str, Any]:
    """The error of a split with its 95 % interval."""
    rate = _rate(split, means)
    low, high = interval(rate)
    return {"split": split["split"], "error": rate.error, "low": low, "high": high, "examples": rate.examples}


def _diagnosis(
    experiment: Experiment, dataset: Dataset, splits: Sequence[dict[str, Any]], means: Mapping[str, tuple[float, ...]]
) -> Diagnosis:
    rates = {split["split"]: _rate(split, means) for split in splits}
    return diagnose(
        train=rates["train"],
        train_dev=rates.get("train-dev"),
        dev=rates.get("dev"),
        test=rates.get("test"),
        test_kept="test" in dataset.splits and "test" not in rates,
        human_level_error=experiment.evaluation.human_level_error,
        bias_threshold=experiment.evaluation.bias_threshold,
        variance_threshold=experiment.evaluation.variance_threshold,
    )


def _evidence(
    experiment: Experiment,
    dataset: Dataset,
    diagnosis: Diagnosis,
    finished: RunFinished,
    *,
    rows: Sequence[dict[str, Any]],
    samples: Sequence[dict[str, Any]],
    result: str,
) -> Evidence:
    """What the run shows beside its errors."""
    bias, variance = diagnosis.gaps[0], next((gap for gap in diagnosis.gaps if gap.name == "variance"), None)
    findings = [
        *layer_findings(samples, normalized=experiment.data.normalize != "none"),
        *curve_findings(
            rows,
            trend_of(rows, samples),
            underfits=bias.value >= bias.threshold,
            overfits=variance is not None and variance.judgement == "high",
            descent=descends(experiment),
            ends=result == "last",
        ),
    ]
    last = rows[-1]
    return Evidence(
        experiment=experiment,
        diagnosis=diagnosis,
        findings=findings,
        examples=len(dataset.splits["train"]),
        task=dataset.task,
        classes=len(dataset.classes),
        images=dataset.image_shape is not None,
        stopped_early=finished.reason == "early_stopping",
        penalty=(last["train_cost"] - last["train_loss"]) / (last["train_loss"] or 1.0),
        final_rate=last["learning_rate"] / (max(row["learning_rate"] for row in rows) or 1.0),
        epochs=finished.epoch,
    )
