"""What may change about a run that has begun.

| kind    | settings                                                | what it means                           |
|---------|---------------------------------------------------------|-----------------------------------------|
| budget  | epochs, patience, checkpoints, yardsticks of the report | the run goes on as it would have        |
| segment | optimizer settings, decay, regularization, batch size,  | the run goes on otherwise: a new        |
|         | class weights, augmentation, how often it is measured   | segment                                 |
| fixed   | data, architecture, initializer, dtype, seed, name, …   | refused: it would be another run        |
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dlspec.config.decay import Cosine, OneCycle
from dlspec.config.experiment import Experiment
from dlspec.config.overrides import FILES
from dlspec.config.training import rising
from dlspec.config.wording import KeyPath, dotted
from dlspec.training.events import TrainingState
from dlspec.training.plateau import PlateauState

BUDGET = (
    "training.epochs",
    "training.early_stopping",  # that it watches the same quantity is checked apart
    "checkpoint",
    "evaluation.test",
    "evaluation.human_level_error",
    "evaluation.bias_threshold",
    "evaluation.variance_threshold",
)
SEGMENT = (
    "optimizer",
    "decay",
    "regularization",
    "evaluation.every",
    "batch_size",
    "augmentation",
    "training.class_weight",
    r"architecture\.layers\.\d+\.(l1|l2|keep_prob)",
    r"architecture\.output\.(l1|l2)",
)
# Why everything else stays as it is: the first pattern that fits.
REASONS = (
    ("optimizer.name", "the running averages of another optimizer would start from nothing"),
    ("architecture", "the parameters belong to this network"),
    ("data", "the parameters, the splits and the metrics so far belong to this data"),
    ("dtype", "the state of the run is stored in this format"),
    ("seed", "everything random in the run follows from it"),
    ("initializer", "the start values have been made"),
    ("name", "the run directory has been named"),
    ("evaluation.metric", "the metrics so far are of this one"),
    ("evaluation.train_examples", "the metrics so far are of these examples"),
    ("evaluation.optimize", "the best epoch so far was found by it"),
    ("evaluation.subject_to", "the best epoch so far was found under these limits"),
)


@dataclass(frozen=True, slots=True)
class Changes:
    """How one experiment differs from another, by kind.

    Attributes:
        budget: keys that only say how long, how often and how the result is judged.
        segment: keys that change the training from here on.
        fixed: keys that cannot change, each with the reason.
        threads: `threads` and `streams`, where they differ.
    """

    budget: tuple[str, ...]
    segment: tuple[str, ...]
    fixed: tuple[tuple[KeyPath, str], ...]
    threads: tuple[str, ...]


def changes(old: Experiment, new: Experiment, *, recorded: Collection[str]) -> Changes:
    """How the resolved experiment `new` differs from the resolved `old`.

    Args:
        old: of the newest segment.
        new: with what is asked for.
        recorded: quantities in the metrics so far; none before the first epoch, when there is no best one yet.
    """
    budget, segment, fixed, threads = [], [], [], []
    for path in _differences(old.model_dump(), new.model_dump()):
        key = dotted(path)
        if key in ("threads", "streams"):
            threads.append(key)
        elif _is_budget(key, new) and _is_budget(key, old):
            budget.append(key)
        elif key != "optimizer.name" and _fits(key, SEGMENT):
            segment.append(key)
        else:
            fixed.append((path, next((why for stem, why in REASONS if _below(key, stem)), "it would be another run")))
    before, after = _watched(old, recorded), _watched(new, recorded)
    if recorded and before != after:
        where = ("training", "early_stopping")
        fixed.append((where, f"the best epoch so far was found by {before[0]}, and this watches {after[0]}"))
    return Changes(tuple(budget), tuple(segment), tuple(fixed), tuple(threads))


def identity(experiment: Experiment) -> str:
    """A hash of everything but the budget: the same for two experiments that train alike.

    Where the data lies does not count, since the data has a hash of its own.
    """
    content = {
        dotted(path): value
        for path, value in _leaves(experiment.model_dump())
        if not _is_budget(dotted(path), experiment) and path not in FILES
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def entered(state: TrainingState, old: Experiment, new: Experiment) -> TrainingState:
    """The state with which a new segment begins.

    Where the learning rate or its decay is set anew, what a plateau has lowered it by is forgotten: the rate that a
    person writes is the rate that is used.
    """
    same = old.decay == new.decay and old.optimizer.learning_rate == new.optimizer.learning_rate
    return state if same else replace(state, plateau=PlateauState())


def _is_budget(key: str, experiment: Experiment) -> bool:
    if key == "training.epochs" and (isinstance(experiment.decay, Cosine | OneCycle) or _ends_between(experiment)):
        return False  # the decay spans the whole run, or the last epoch was measured because it was the last one
    return any(_below(key, stem) for stem in BUDGET)


def _ends_between(experiment: Experiment) -> bool:
    every = experiment.evaluation.every
    return every != "auto" and experiment.training.epochs % every != 0


def _fits(key: str, patterns: tuple[str, ...]) -> bool:
    return key == "training.epochs" or any(re.fullmatch(rf"{pattern}(\..*)?", key) for pattern in patterns)


def _below(key: str, stem: str) -> bool:
    return key == stem or key.startswith(f"{stem}.")


def _watched(experiment: Experiment, recorded: Collection[str]) -> tuple[str, bool]:
    """The quantity that tells the best epoch, and whether it rises."""
    stopping, wanted = experiment.training.early_stopping, f"dev_{experiment.evaluation.optimize or 'loss'}"
    if stopping is None:
        monitor = wanted if "dev_loss" in recorded else "train_loss"
        return monitor, rising(monitor)
    monitor = wanted if stopping.monitor == "auto" else stopping.monitor
    return monitor, rising(monitor) if stopping.mode == "auto" else stopping.mode == "max"


def _differences(old: Any, new: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The deepest paths at which two trees differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(before, after, (*path, index))
    elif old != new:
        yield path


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    else:
        yield path, value
