"""Error against the number of training examples: would more data help?

curve = dlspec.learning_curve.run(loaded, sizes=5, seeds=3)

Every training makes the steps of the experiment with its learning rates: a smaller set is repeated until it is as long
as the whole one. With fewer steps it would be trained less, and more data would seem to give what more steps give.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec import builder, experiment_data, preparation
from dlspec.analysis import power_law
from dlspec.analysis.power_law import Gain, PowerLaw
from dlspec.config.loader import LoadedExperiment
from dlspec.core.randomness import stream
from dlspec.data.dataset import Dataset, Examples
from dlspec.errors import UsageError
from dlspec.preparation import Prepared
from dlspec.run.environment import numerics
from dlspec.session import build_trainer, result_of
from dlspec.training.events import EpochDone, RunFinished, RunStarted, StepsDone

SIZES, SEEDS = 5, 3
PARTS = 1000  # of a training, in which its progress is counted
FEWEST = 8  # training examples of the smallest set; twice as many as there are classes, if that is more


@dataclass(frozen=True, slots=True)
class Trained:
    """One training: its size and seed, and the errors of its result; NaN where it diverged."""

    examples: int
    seed: int
    train_error: float
    dev_error: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Errors by size and seed, and what they say.

    Attributes:
        sizes: numbers of training examples, in rising order; the last is the whole training set.
        seeds: of the trainings.
        trained: one per size and seed.
        fit: of the mean dev errors; None where too much diverged.
        gain: of twice the data; None likewise.
        verdict: for people.
    """

    sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    trained: tuple[Trained, ...]
    fit: PowerLaw | None
    gain: Gain | None
    verdict: str

    def errors(self, split: str, size: int) -> list[float]:
        """The errors with so many training examples that are numbers, one per seed."""
        found = [getattr(one, f"{split}_error") for one in self.trained if one.examples == size]
        return [error for error in found if math.isfinite(error)]


def run(
    loaded: LoadedExperiment,
    *,
    sizes: int = SIZES,
    seeds: int = SEEDS,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the signature
) -> LearningCurve:
    """Train on parts of the training set, each half of the next, and measure all on the same dev set.

    The parts of one seed contain each other. The inputs stay normalised by the whole training set.

    Args:
        loaded: the experiment.
        sizes: how many parts, the whole set included; at least 3.
        seeds: how many trainings of each, from the experiment's own seed upwards, on the same split.
        progress: called with the steps that are done and all there are.

    Raises:
        UsageError: no dev set, or too few training examples.
        DataError: a file, a label or a split is wrong.
        ConfigError: the experiment does not fit its data.
    """
    first = loaded.experiment.seed
    trained: list[Trained] = []
    chosen: tuple[int, ...] = ()
    for seed in range(first, first + seeds):
        prepared = preparation.prepare(preparation.reseeded(loaded, seed))
        chosen = _sizes(prepared, sizes)
        order = _order(prepared.dataset, seed)
        for size in chosen:
            share = _Share(progress, before=len(trained), total=seeds * len(chosen))
            trained.append(_train(prepared, order[:size], share))
    return _curve(chosen, tuple(range(first, first + seeds)), tuple(trained))


@dataclass(frozen=True, slots=True)
class _Share:
    """Tells how far all trainings are, from how far the running one is."""

    progress: Callable[[int, int], None]
    before: int
    total: int

    def __call__(self, share: float) -> None:
        self.progress(round(PARTS * (self.before + share)), PARTS * self.total)


def _sizes(prepared: Prepared, number: int) -> tuple[int, ...]:
    """Halves of halves of the training set, or closer together where it is small."""
    path, dataset = prepared.loaded.path, prepared.dataset
    if "dev" not in dataset.splits:
        raise UsageError(f"{path}: has no dev set to measure on; set data.split or data.dev")
    m, fewest = len(dataset.splits["train"]), max(FEWEST, 2 * len(dataset.classes))
    lowest = max(fewest, m / 2 ** (number - 1))
    sizes = tuple(dict.fromkeys(round(size) for size in np.geomspace(min(lowest, m), m, number)))
    if m < 2 * fewest or len(sizes) < number:
        raise UsageError(f"{path}: has {m} training examples, too few for {number} sizes from {fewest} on")
    return sizes


def _order(dataset: Dataset, seed: int) -> NDArray[np.intp]:
    """Training examples in an order of which every beginning has the shares of the classes of the whole."""
    train = dataset.in_memory("train")
    rows = stream(seed, "split", 1).permutation(len(train.X))
    if dataset.task != "classification":
        return rows
    labels = train.Y[rows]
    place = np.empty(len(rows))
    for c in range(len(dataset.classes)):
        of_class = np.flatnonzero(labels == c)
        place[of_class] = (np.arange(len(of_class)) + 0.5) / max(len(of_class), 1)
    return rows[np.argsort(place, kind="stable")]


# --- one training ----------------------------------------------------------------------------------------


def _train(prepared: Prepared, rows: NDArray[np.intp], progress: Callable[[float], None]) -> Trained:
    """Train on these rows of the training set alone, as `dlspec train` would, and measure the result."""
    experiment, whole = prepared.experiment, prepared.dataset
    part = _part(prepared, rows)
    with numerics(experiment.threads_per_product):
        cost = builder.build_cost(experiment, n_x=whole.splits["train"].n_x, start=prepared.start)
        trainer = build_trainer(
            part, cost, builder.build_evaluator(experiment, cost, part.dataset), interrupted=lambda: False
        )
        steps = 1
        for event in trainer.run():
            if isinstance(event, RunStarted):
                steps = event.steps
            elif isinstance(event, StepsDone | EpochDone):
                progress(event.step / steps)
            elif isinstance(event, RunFinished) and event.reason == "diverged":
                return Trained(len(rows), experiment.seed, math.nan, math.nan)
        progress(1.0)
        if result_of(experiment) == "best":
            np.copyto(cost.parameters.vector, trainer.state().best_vector)
        # The whole training set stays in it: its targets are the unit of the error of a regression.
        splits = {**whole.splits, "part": _taken(whole.in_memory("train"), rows)}
        evaluator = builder.build_evaluator(experiment, cost, replace(whole, splits=splits))
        errors = [float(evaluator.evaluate(split)["error"]) for split in ("part", "dev")]
    return Trained(len(rows), experiment.seed, *errors)


def _part(prepared: Prepared, rows: NDArray[np.intp]) -> Prepared:
    """The experiment on these rows, repeated until they are as many as the whole training set."""
    train = prepared.dataset.in_memory("train")
    repeated = _taken(train, np.resize(rows, len(train.X)))
    dataset = replace(prepared.dataset, splits={**prepared.dataset.splits, "train": repeated})
    return replace(
        prepared,
        dataset=dataset,
        weights=experiment_data.build_weights(dataset, experiment_data.class_weights(prepared.loaded, dataset)),
        augmented=experiment_data.build_augmentation(prepared.loaded, dataset),
    )


def _taken(examples: Examples, rows: NDArray[np.intp]) -> Examples:
    def take(array: NDArray[Any] | None) -> Any:
        return None if array is None else np.ascontiguousarray(array[rows])

    taken = {name: take(getattr(examples, name)) for name in ("X", "Y", "rows", "weights", "raw")}
    return Examples(**taken)


# --- what it says ----------------------------------------------------------------------------------------


def _curve(sizes: tuple[int, ...], seeds: tuple[int, ...], trained: tuple[Trained, ...]) -> LearningCurve:
    by_seed = {seed: [one.dev_error for one in trained if one.seed == seed] for seed in seeds}
    sound = [errors for errors in by_seed.values() if all(map(math.isfinite, errors))]
    if not sound:
        return LearningCurve(
            sizes, seeds, trained, None, None, "every seed diverged somewhere; lower the learning rate"
        )
    fit, gain = power_law.doubled(sizes, sound)
    return LearningCurve(sizes, seeds, trained, fit, gain, _verdict(gain, len(seeds) - len(sound)))


def _verdict(gain: Gain, diverged: int) -> str:
    if gain.low is None:
        verdict = "one seed cannot tell how sure this is"
    elif gain.low > 0:
        verdict = "more data would help"
    else:
        verdict = "cannot be told from no gain at all"
    return verdict + (f"; {diverged} of the seeds diverged and are left out" if diverged else "")


def content(curve: LearningCurve) -> dict[str, Any]:
    """The curve in plain numbers, texts and lists: what `learning-curve.json` holds."""
    points = [_point(curve, size) for size in curve.sizes]
    fit, gain = curve.fit, curve.gain
    return {
        "format": 1,
        "seeds": list(curve.seeds),
        "points": points,
        "fit": None if fit is None else {"a": fit.a, "b": fit.b, "c": fit.c},
        "doubled": None
        if gain is None
        else {
            "examples": gain.examples,
            "dev_error": gain.error,
            "gain": gain.gain,
            "low": gain.low,
            "high": gain.high,
        },
        "verdict": curve.verdict,
    }


def _point(curve: LearningCurve, size: int) -> dict[str, Any]:
    errors: dict[str, Sequence[float]] = {split: curve.errors(split, size) for split in ("train", "dev")}
    means = {f"{split}_error": float(np.mean(found)) if found else math.nan for split, found in errors.items()}
    return {"examples": size, **means, **{f"{split}_errors": list(found) for split, found in errors.items()}}
