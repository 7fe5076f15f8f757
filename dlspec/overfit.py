"""Can the network memorise a few examples? If it cannot, no data and no regularization will help: something is wrong.

found = dlspec.overfit.run(dlspec.overfit.prepare(loaded))

What fails is tried again with one thing after the other put right: the optimiser, the initializer, the width, the whole
network. The first change that helps names the fault, and stands as evidence for it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dlspec import builder, gradcheck, preparation
from dlspec.config.architecture import Architecture, HiddenLayer, Relu
from dlspec.config.decay import Constant
from dlspec.config.experiment import Experiment
from dlspec.config.initializer import He
from dlspec.config.loader import LoadedExperiment
from dlspec.config.optimizer import Adam
from dlspec.config.regularization import Regularization
from dlspec.config.section import Section
from dlspec.core.arrays import Array
from dlspec.core.cost import Cost
from dlspec.core.gradcheck import most_severe
from dlspec.core.losses import Loss
from dlspec.core.randomness import stream
from dlspec.data.dataset import Dataset, Examples
from dlspec.data.labels import Task
from dlspec.errors import DlspecError, UsageError
from dlspec.preparation import Prepared
from dlspec.run.environment import numerics

EXAMPLES, STEPS = 32, 2000
MEMORISED = 0.01  # of the loss of a constant output, above what contradictory examples make unavoidable
LEARNING_RATE = 0.01  # of the second attempt
PLAIN = 128  # units of the plain network, and the fewest of a wider layer
WIDEST = 1024  # units of a widened layer that was not as wide already
NOTHING = 1e-12  # a loss below is none
CONTRADICTORY = "the data contradict themselves: most of the loss remains because equal inputs have different targets"
_CHECKED = {"steps": 0, "examples": 16, "coordinates": 10, "directions": 2}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to memorise the batch.

    Attributes:
        change: what is put right in it, beside what the attempts before have; "" for the experiment as it is.
        sets: the same as `--set` flags.
        loss: the lowest reached.
        steps: done.
        memorised: whether the loss reached the target.
        signs: what the network shows at the end, one line each.
    """

    change: str
    sets: tuple[str, ...]
    loss: float
    steps: int
    memorised: bool
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Memorisation:
    """Whether a network can memorise a batch, and if not, what keeps it from that.

    Attributes:
        examples: of the batch.
        parameters: of the network.
        changes: what is turned off for it, one line each.
        constant: loss of the best constant output.
        unavoidable: loss that remains because equal inputs have different targets.
        target: loss from which on the batch counts as memorised.
        attempts: the experiment as it is, then one after the other until one succeeds.
        memorised: whether the experiment as it is does.
        verdict: what that means.
    """

    examples: int
    parameters: int
    changes: tuple[str, ...]
    constant: float
    unavoidable: float
    target: float
    attempts: tuple[Attempt, ...]
    memorised: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be tried: the experiment without what keeps a network from memorising, and what that was."""

    prepared: Prepared
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Remedy:
    change: str
    sets: tuple[str, ...]
    verdict: str  # if it helps
    apply: Callable[[Experiment], Experiment]


_AS_IT_IS = _Remedy("", (), "the network memorises the batch: it can learn from its data", lambda same: same)


def prepare(loaded: LoadedExperiment) -> Subject:
    """The experiment without regularization, dropout, augmentation, weights, decay and early stopping; reads the data.

    Raises:
        DataError: a file, a label or a split is wrong.
        ConfigError: the experiment does not fit its data.
    """
    experiment, changes = _bare(loaded.experiment)
    prepared = preparation.prepare(replace(loaded, experiment=experiment))
    if prepared.weights is not None:
        changes.append("sample weights")
    return Subject(replace(prepared, weights=None), tuple(changes))


def _bare(experiment: Experiment) -> tuple[Experiment, list[str]]:
    """Without what keeps a network from memorising, and the names of what that was."""
    architecture, old = experiment.architecture, experiment.regularization
    own = {"l2": None, "l1": None}
    layers = [layer.model_copy(update={**own, "keep_prob": None}) for layer in architecture.layers]
    loss = architecture.output.loss
    smoothed = bool(getattr(loss, "label_smoothing", 0.0))
    loss = loss.model_copy(update={"label_smoothing": 0.0}) if smoothed else loss
    new = Regularization(clip_norm=old.clip_norm, clip_value=old.clip_value)
    output = architecture.output.model_copy(update={**own, "loss": loss})
    regularized = new != old or layers != architecture.layers
    names = {
        "regularization and dropout": regularized,
        "label smoothing": smoothed,
        "augmentation": experiment.augmentation is not None,
        "class weights": experiment.training.class_weight is not None,
        "decay of the learning rate": experiment.decay != Constant(),
    }
    updates: dict[str, Section | None] = {
        "augmentation": None,
        "regularization": new,
        "architecture": architecture.model_copy(update={"layers": layers, "output": output}),
        "decay": Constant(),
        "training": experiment.training.model_copy(update={"class_weight": None, "early_stopping": None}),
    }
    return experiment.model_copy(update=updates), [name for name, was in names.items() if was]


def run(
    subject: Subject,
    *,
    examples: int = EXAMPLES,
    steps: int = STEPS,
    progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - the signature
) -> Memorisation:
    """Try to memorise a batch of training examples, its classes as equal in number as they can be.

    Args:
        subject: from `prepare`.
        examples: of the batch, at most.
        steps: of each attempt, at most.
        progress: called with the steps that are done and all there may be of this attempt.

    Raises:
        UsageError: all examples have the same target.
    """
    prepared = subject.prepared
    experiment = prepared.experiment
    batch = _batch(prepared.dataset, examples, seed=experiment.seed)
    with numerics(experiment.threads_per_product):
        cost = builder.build_cost(experiment, n_x=batch.X.shape[1], start=prepared.start)
        constant, unavoidable = _bounds(cost.loss, batch, prepared.dataset.task, cost.units)
        if constant < NOTHING:
            raise UsageError(f"{prepared.loaded.path}: these {len(batch.X)} examples have the same target; take more")
        target = unavoidable + MEMORISED * constant
        contradictory = unavoidable > constant / 2
        remedies = [_AS_IT_IS] if contradictory else [_AS_IT_IS, *_remedies(experiment)]
        attempts, verdict = _tried(prepared, batch, remedies, target, steps, progress)
    return Memorisation(
        len(batch.X),
        len(cost.parameters.theta),
        subject.changes,
        constant,
        unavoidable,
        target,
        tuple(attempts),
        attempts[0].memorised and not contradictory,
        CONTRADICTORY if contradictory else verdict or _unexplained(prepared.loaded),
    )


# --- the batch -------------------------------------------------------------------------------------------


def _batch(dataset: Dataset, size: int, *, seed: int) -> Examples:
    """Training examples in the order of the first epoch; of classes one after the other, as long as there are any."""
    train = dataset.in_memory("train")
    rows = np.arange(len(train.X))
    stream(seed, "shuffle", 0).shuffle(rows)
    if dataset.task == "classification":
        labels = train.Y[rows]
        before = np.zeros(len(rows), np.intp)  # how many of its class come before an example
        for c in range(len(dataset.classes)):
            of_class = np.flatnonzero(labels == c)
            before[of_class] = np.arange(len(of_class))
        rows = rows[np.argsort(before, kind="stable")]
    rows = rows[:size]
    return Examples(X=np.ascontiguousarray(train.X[rows]), Y=np.ascontiguousarray(train.Y[rows]), rows=train.rows[rows])


def _bounds(loss: Loss, batch: Examples, task: Task, units: int) -> tuple[float, float]:
    """Mean loss of the best constant output, and of the best output where equal inputs have one output."""
    Y_hat = _ideal(batch.Y, task, units)
    _, groups = np.unique(batch.X, axis=0, return_inverse=True)
    bound = loss.bind(len(Y_hat), units, np.float64)

    def mean_loss(members: NDArray[np.intp]) -> float:
        Z = loss.logits(_means(Y_hat, members))
        return float(bound(Z, batch.Y)[0].mean())

    return mean_loss(np.zeros(len(Y_hat), np.intp)), mean_loss(groups.reshape(-1))


def _ideal(Y: NDArray[np.generic], task: Task, units: int) -> Array:
    """The outputs Ŷ (m, units) that would be right; NaN where a label is missing."""
    if task == "classification":
        whole: Array = np.eye(max(units, 2))[Y.astype(np.intp)]
        return whole[:, 1:] if units == 1 else whole
    return Y.astype(np.float64)


def _means(Y_hat: Array, groups: NDArray[np.intp]) -> Array:
    """Of each example the mean output of its group; ½ where every label of it is missing."""
    sums, counts = np.zeros((groups.max() + 1, Y_hat.shape[1])), np.zeros((groups.max() + 1, Y_hat.shape[1]))
    np.add.at(sums, groups, np.nan_to_num(Y_hat))
    np.add.at(counts, groups, np.isfinite(Y_hat))
    means: Array = np.where(counts > 0, sums / np.maximum(counts, 1), 0.5)[groups]
    return means


# --- attempts -------------------------------------------------------------------------------------------


def _tried(
    prepared: Prepared,
    batch: Examples,
    remedies: Sequence[_Remedy],
    target: float,
    steps: int,
    progress: Callable[[int, int], None],
) -> tuple[list[Attempt], str]:
    """The attempts up to the first that memorises, and the verdict that it stands for; "" where none does."""
    experiment, attempts = prepared.experiment, list[Attempt]()
    for remedy in remedies:
        changed = remedy.apply(experiment)
        if attempts and changed == experiment:
            continue
        start = prepared.start if changed.initializer == prepared.experiment.initializer else None
        cost = builder.build_cost(changed, n_x=batch.X.shape[1], start=start)
        attempts.append(_attempt(changed, cost, batch, remedy, target, steps, progress))
        if attempts[-1].memorised:
            return attempts, remedy.verdict
        experiment = changed
    return attempts, ""


def _attempt(
    experiment: Experiment,
    cost: Cost,
    batch: Examples,
    remedy: _Remedy,
    target: float,
    steps: int,
    progress: Callable[[int, int], None],
) -> Attempt:
    parameters = cost.parameters
    optimizer, rate = builder.build_optimizer(experiment)
    update = optimizer.bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step
    clips = [constraint.bind(parameters) for constraint in builder.build_constraints(experiment)[0]]
    loss_and_gradient = cost.bind(len(batch.X), rng=stream(experiment.seed, "dropout"))
    lowest, done = math.inf, 0
    for done in range(steps + 1):
        loss = loss_and_gradient(batch.X, batch.Y, None)
        if not math.isfinite(loss):
            return Attempt(remedy.change, remedy.sets, lowest, done, False, (f"the loss is {loss} after {done} steps",))
        lowest = min(lowest, loss)
        if loss <= target or done == steps:
            break
        for clip in clips:
            clip()
        update(rate, done + 1)
        progress(done + 1, steps)
    memorised = lowest <= target
    return Attempt(remedy.change, remedy.sets, lowest, done, memorised, () if memorised else tuple(_signs(cost)))


def _signs(cost: Cost) -> list[str]:
    """What a network that did not memorise shows."""
    parameters, signs = cost.parameters, []
    norm = float(np.linalg.norm(parameters.grad[parameters.decayed]))
    if norm == 0:
        signs.append("the gradient of every weight is exactly 0: no signal passes through the network")
    weights = [name for name in parameters.values if name.startswith("W")]
    for number, name in enumerate(weights[:-1], start=1):
        W = parameters.values[name]
        if len(W) > 1 and bool((W[0] == W).all()):
            signs.append(f"all {len(W)} units of layer {number} have the same weights")
    return signs


# --- what may be wrong -----------------------------------------------------------------------------------


def _remedies(experiment: Experiment) -> Sequence[_Remedy]:
    """What is put right, one after the other; each attempt keeps the changes of those before."""
    layers = experiment.architecture.layers
    widths = [max(PLAIN, layer.units, min(8 * layer.units, WIDEST)) for layer in layers]
    wide = [layer.model_copy(update={"units": units}) for layer, units in zip(layers, widths, strict=True)]
    plain = [HiddenLayer(units=PLAIN, activation=Relu())]

    def with_layers(new: list[HiddenLayer]) -> Callable[[Experiment], Experiment]:
        def apply(old: Experiment) -> Experiment:
            output = old.architecture.output
            return old.model_copy(update={"architecture": Architecture(layers=new, output=output)})

        return apply

    return [
        _Remedy(
            f"optimizer adam with a learning rate of {LEARNING_RATE:g}",
            (f"optimizer={{name: adam, learning_rate: {LEARNING_RATE:g}}}",),
            "the optimizer or its learning rate: the same network memorises the batch with another; see dlspec lr-find",
            lambda old: old.model_copy(update={"optimizer": Adam(learning_rate=LEARNING_RATE)}),
        ),
        _Remedy(
            "initializer he",
            ("initializer=he",),
            "the initializer: from other start values the same network memorises the batch",
            lambda old: old.model_copy(update={"initializer": He()}),
        ),
        *(
            [
                _Remedy(
                    f"hidden layers of {', '.join(map(str, widths))} units",
                    tuple(f"architecture.layers.{k}.units={units}" for k, units in enumerate(widths)),
                    "the network is far too small: a wider one memorises the batch",
                    with_layers(wide),
                )
            ]
            if layers
            else []
        ),
        _Remedy(
            f"one hidden layer of {PLAIN} relu units in place of all",
            (f"architecture.layers=[{{units: {PLAIN}}}]",),
            "the network is no match for its data: " + ("it has no hidden layer" if not layers else "its depth or its "
            "activations stop the signal") + ", and one hidden layer of relu memorises the batch",
            with_layers(plain),
        ),
    ]  # fmt: skip


def _unexplained(loaded: LoadedExperiment) -> str:
    """What is left where nothing helped: a bug, told by a check of the gradients, or the data."""
    try:
        stages = list(gradcheck.run(gradcheck.prepare(loaded), **_CHECKED))
        checked = most_severe(block.verdict for stage in stages for block in stage.blocks)
    except DlspecError as error:
        return f"nothing helped, and the gradients cannot be checked: {error.problems[0]}"
    if checked != "ok":
        return f"a bug: a gradient is {checked}; dlspec gradcheck {loaded.path} says where"
    return (
        "nothing helped, and the gradients are right, so look at the data: inputs that hardly differ while their "
        "targets do, or features and targets of very different size"
    )
