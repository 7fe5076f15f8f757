"""The gradient check of one experiment: its own network, data, penalties and weights, in float64.

loaded = dlspec.config.loader.load(Path("experiment.yaml"))
for stage in dlspec.gradcheck.run(dlspec.gradcheck.prepare(loaded)):
    ...
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from dlspec import builder, preparation
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment
from dlspec.core import gradcheck, slips
from dlspec.core.cost import Cost
from dlspec.core.gradcheck import Block, Objective
from dlspec.core.randomness import stream
from dlspec.core.slips import Finding
from dlspec.errors import TrainingError
from dlspec.preparation import Prepared
from dlspec.run.environment import numerics
from dlspec.session import build_trainer

STEPS, EXAMPLES, COORDINATES, DIRECTIONS = 50, 64, 50, 10


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be checked.

    Attributes:
        prepared: the experiment as it is checked, with its data.
        changes: how it differs from the experiment as it is written, one line each.
    """

    prepared: Prepared
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One check of the whole network.

    Attributes:
        step: of the training; 0 at random initialisation.
        examples: of the batch.
        cost: J of the batch, penalties included.
        blocks: one per parameter, in the order of the layers.
        finding: where the gradient breaks; None where it does not.
    """

    step: int
    examples: int
    cost: float
    blocks: list[Block]
    finding: Finding | None


def prepare(loaded: LoadedExperiment) -> Subject:
    """The experiment in float64 and without what makes J a matter of chance; reads the data.

    Raises:
        DataError: a file, a label or a split is wrong.
        ConfigError: the experiment does not fit its data.
    """
    experiment, changes = _deterministic(loaded.experiment)
    return Subject(preparation.prepare(replace(loaded, experiment=experiment)), tuple(changes))


def _deterministic(experiment: Experiment) -> tuple[Experiment, list[str]]:
    architecture, regularization = experiment.architecture, experiment.regularization
    changes = []
    if experiment.dtype != "float64":
        changes.append(f"float64 instead of {experiment.dtype}")
    keep_probs = [layer.keep_prob for layer in architecture.layers]
    if any(p is not None and p < 1 for p in (regularization.keep_prob, regularization.input_keep_prob, *keep_probs)):
        changes.append("dropout turned off (keep_prob 1): with it J is not the same twice")
    if experiment.augmentation is not None:
        changes.append("augmentation turned off")
    layers = [layer.model_copy(update={"keep_prob": None}) for layer in architecture.layers]
    # Early stopping would end the few steps of training before their time.
    updates = {
        "dtype": "float64",
        "augmentation": None,
        "architecture": architecture.model_copy(update={"layers": layers}),
        "regularization": regularization.model_copy(update={"keep_prob": 1.0, "input_keep_prob": 1.0}),
        "training": experiment.training.model_copy(update={"early_stopping": None}),
    }
    return experiment.model_copy(update=updates), changes


def run(
    subject: Subject,
    *,
    steps: int = STEPS,
    examples: int = EXAMPLES,
    epsilon: float = gradcheck.EPSILON,
    coordinates: int | None = COORDINATES,
    directions: int = DIRECTIONS,
) -> Iterator[Stage]:
    """Check at random initialisation, and again after some steps of training.

    Biases, γ and β start at random too: at zero a unit could sit exactly on the kink of relu.

    Args:
        subject: from `prepare`.
        steps: of training before the second check; 0 leaves it out.
        examples: at most so many of the training set, at least 2, drawn once.
        epsilon: step of the central differences.
        coordinates: entries per block, drawn for each check; None for all.
        directions: random directions per block that is not checked in full.

    Raises:
        TrainingError: J is not finite, so there is nothing to check.
    """
    prepared = subject.prepared
    experiment, train = prepared.experiment, prepared.dataset.in_memory("train")
    rng = stream(experiment.seed, "gradcheck")
    rows = np.sort(rng.permutation(len(train))[:examples])
    w = None if prepared.weights is None else prepared.weights[rows]
    with numerics(experiment.threads_per_product):
        cost = builder.build_cost(experiment, n_x=train.n_x, start=prepared.start)
        biases = cost.parameters.theta[cost.parameters.decayed.stop :]
        biases += 0.5 * rng.standard_normal(len(biases))
        for step in (0, steps) if steps else (0,):
            if step:
                _train(prepared, cost, step)
            objective = Objective(cost, train.X[rows], train.Y[rows], w)
            loss, penalty, _ = objective.value()
            if not math.isfinite(loss + penalty):
                raise TrainingError(
                    f"{prepared.loaded.path}: the cost is {loss + penalty} after {step} steps, so there is no gradient "
                    "to check; lower optimizer.learning_rate, or --steps"
                )
            blocks = gradcheck.check(
                objective, rng=rng, epsilon=epsilon, coordinates=coordinates, directions=directions
            )
            yield Stage(step, len(rows), loss + penalty, blocks, slips.explain(blocks, examples=len(rows)))


def _train(prepared: Prepared, cost: Cost, steps: int) -> None:
    """Train the parameters of the cost in place."""
    experiment = prepared.experiment
    m, size = len(prepared.dataset.splits["train"]), experiment.batch_size
    per_epoch = 1 if size == "all" else math.ceil(m / size)
    epochs = max(experiment.training.epochs, math.ceil(steps / per_epoch))
    longer = experiment.model_copy(update={"training": experiment.training.model_copy(update={"epochs": epochs})})
    evaluator = builder.build_evaluator(experiment, cost, prepared.dataset)
    done = count(1)
    trainer = build_trainer(
        replace(prepared, experiment=longer), cost, evaluator, interrupted=lambda: next(done) >= steps
    )
    for _ in trainer.run():
        pass
