"""Faults of the training that stand before a high bias: what they are known by, and what repairs them.

In the order of the forward pass and of time: what the network starts from, how it steps, how long.
"""

from collections.abc import Iterator

from dlspec.config.decay import Cosine, OneCycle
from dlspec.config.experiment import Experiment
from dlspec.diagnosis.evidence import Action, Evidence, Rule
from dlspec.diagnosis.findings import Finding
from dlspec.diagnosis.learning_rates import MOST, default_of, faster, slower
from dlspec.diagnosis.network_rules import narrow

RELU_LIKE = {"relu", "leaky_relu", "silu", "gelu", "elu", "softplus"}
SMALLEST_NORMALIZED_BATCH = 16  # statistics of fewer examples are mostly noise
STRONG_PENALTY = 0.5  # of the loss
STRONG_DECAY = 0.01  # λ/m: each step takes α times this of a weight, whatever the data says
LEAST_KEPT = 0.5
SMALL_NORM = 1.0  # of a unit's weights: where the inputs are normalised it can hardly decide anything below
LEAST_RATE = 0.01  # of the largest one
LONGER = 4
FEW_EPOCHS = 10
FEW_STEPS = 200  # within which hardly any network learns more than the beginning
MANY_SIGMOIDS = 3  # in a row: at most 1/64 of the gradient gets past them


def _sigmoids(evidence: Evidence) -> Iterator[Action]:
    layers = enumerate(evidence.experiment.architecture.layers)
    sigmoids = [index for index, layer in layers if layer.activation.name == "sigmoid"]
    if len(sigmoids) >= MANY_SIGMOIDS:
        reason = f"{len(sigmoids)} hidden layers of sigmoids, each of which lets at most a quarter of the gradient pass"
        effect = "the gradient does not shrink on the way back"
        changes = (*(f"architecture.layers.{index}.activation=relu" for index in sigmoids), "initializer=he")
        yield Action("take relu for sigmoid", "optimization", "train", reason, effect, changes)


def _start(evidence: Evidence) -> Iterator[Action]:
    """Units alike, or a signal or gradient that vanishes or explodes before the first step."""
    finding = evidence.finding(
        "symmetric units",
        "exploding signal",
        "vanishing signal",
        "saturated units",
        "vanishing gradient",
        "exploding gradient",
    )
    if finding is None:
        return
    experiment = evidence.experiment
    best = initializer_for(experiment)
    layers = range(len(experiment.architecture.layers))
    if experiment.initializer.name != best or getattr(experiment.initializer, "gain", 1.0) != 1.0:
        changes: tuple[str, ...] = (f"initializer={best}",)
        words, effect = (
            f"start from {best}",
            "the signal keeps its size from layer to layer, and every unit learns its own",
        )
    else:
        changes = tuple(f"architecture.layers.{index}.batch_norm=true" for index in layers)
        words, effect = "normalize every layer over the batch", "every layer gets a signal of the same size"
    yield _repair(words, finding, effect, changes)


def _inputs(evidence: Evidence) -> Iterator[Action]:
    """A rate that was small enough for inputs off scale is too small for normalised ones."""
    finding, experiment = evidence.finding("inputs off scale"), evidence.experiment
    if finding and experiment.data.normalize != "standard":
        effect = "the cost is as curved in one direction as in another, so that one learning rate fits all"
        usual = default_of(experiment)
        changes = (f"optimizer.learning_rate={usual:g}",) if experiment.optimizer.learning_rate < usual else ()
        yield _repair("normalize the inputs", finding, effect, ("data.normalize=standard", *changes))


def _dead(evidence: Evidence) -> Iterator[Action]:
    finding = evidence.finding("dead units")
    if finding is None:
        return
    experiment = evidence.experiment
    if finding.epoch == 0:
        layers = enumerate(experiment.architecture.layers)
        relus = [index for index, layer in layers if layer.activation.name == "relu"]
        changes = tuple(f"architecture.layers.{index}.activation=leaky_relu" for index in relus)
        yield _repair("take leaky_relu for relu", finding, "dead units learn again", changes)
    elif experiment.optimizer.learning_rate > MOST * default_of(experiment):  # else something else stops them
        changes = slower(experiment)
        yield _repair("lower the learning rate", finding, "steps no longer push units out of the data", changes)


def _tiny_batches(evidence: Evidence) -> Iterator[Action]:
    experiment = evidence.experiment
    size = experiment.batch_size
    normalized = any(layer.batch_norm for layer in experiment.architecture.layers)
    if normalized and isinstance(size, int) and size < SMALLEST_NORMALIZED_BATCH and evidence.examples >= 64:
        yield Action(
            "take larger batches",
            "optimization",
            "train",
            f"batch normalization over {size} examples is mostly noise",
            "training and evaluation see nearly the same statistics",
            ("batch_size=64",),
        )


def _too_regularized(evidence: Evidence) -> Iterator[Action]:
    """A penalty that outweighs the loss or has pulled the weights to 0, or more units dropped than kept."""
    kept = least_kept(evidence.experiment)
    strongest = strongest_penalty(evidence.experiment) / evidence.examples
    regularization = evidence.experiment.regularization
    reasons = []
    if evidence.penalty > STRONG_PENALTY:
        reasons.append(f"the penalty is {evidence.penalty:.3g} times the training loss")
    elif strongest > STRONG_DECAY and evidence.task != "regression":  # its loss is as curved far from 0 as near it
        reasons.append(f"the penalty pulls each weight to 0 with a strength of λ/m = {strongest:.2g}")
    if kept < LEAST_KEPT:
        reasons.append(f"of a layer only {kept:.0%} of the units are kept")
    if regularization.max_norm is not None and regularization.max_norm < SMALL_NORM:
        reasons.append(f"no unit's weights may be longer than {regularization.max_norm:g}")
    if reasons:
        yield no_regularization(evidence.experiment, " and ".join(reasons))


def _decayed(evidence: Evidence) -> Iterator[Action]:
    decay = evidence.experiment.decay
    if evidence.final_rate < LEAST_RATE and not isinstance(decay, Cosine | OneCycle):
        yield Action(
            "let the learning rate fall more slowly",
            "optimization",
            "train",
            f"at the end the learning rate is {evidence.final_rate:.1g} of its largest value",
            "the later epochs still learn something",
            ("decay=cosine",),
        )


def _too_large_steps(evidence: Evidence) -> Iterator[Action]:
    """A cost that rises now and then while it still falls has other faults."""
    finding = evidence.finding("rising cost", "oscillating cost")
    if finding and not evidence.finding("cost still falling"):
        changes = slower(evidence.experiment)
        yield _repair("lower the learning rate", finding, "the cost falls steadily, and lower", changes)


def _too_small_steps(evidence: Evidence) -> Iterator[Action]:
    finding = evidence.finding("steps too small")
    if finding and (changes := faster(evidence.experiment, finding.value)):
        yield _repair("raise the learning rate", finding, "the same epochs go much further", changes)


def _stopped(evidence: Evidence) -> Iterator[Action]:
    stopping = evidence.experiment.training.early_stopping
    if evidence.stopped_early and stopping is not None and stopping.patience < 20:
        changes = ("training.early_stopping.patience=50", "training.early_stopping.min_delta=0")
        yield Action(
            "stop later",
            "optimization",
            "train",
            f"training was stopped after epoch {evidence.epochs} with an underfitted network: {stopping.patience} "
            f"epoch{'s' if stopping.patience > 1 else ''} without improvement are soon by chance",
            "training goes on to where dev really stops improving",
            (*changes, f"training.epochs={max(evidence.experiment.training.epochs, 200)}"),
        )


def _few_steps(evidence: Evidence) -> Iterator[Action]:
    """One step per pass over many examples."""
    finding = evidence.finding("cost still falling")
    few = evidence.epochs < FEW_STEPS
    if evidence.experiment.batch_size == "all" and evidence.examples >= 512 and (finding or few):
        reason = f"{evidence.epochs} steps in all, one per epoch" if few else finding.message if finding else ""
        effect = f"{-(-evidence.examples // 64)} steps per epoch in the place of one"
        yield Action("take mini-batches", "optimization", "train", reason, effect, ("batch_size=64",))


def _hardly_begun(evidence: Evidence) -> Iterator[Action]:
    """So few epochs that nothing else can be told."""
    epochs = evidence.experiment.training.epochs
    if epochs < FEW_EPOCHS and not evidence.stopped_early:
        reason = f"{epochs} epoch{'s are' if epochs > 1 else ' is'} too few to tell anything else"
        changes = (f"training.epochs={10 * epochs}",)
        yield Action("train longer", "optimization", "train", reason, "the cost goes on falling", changes)


def _too_short(evidence: Evidence) -> Iterator[Action]:
    if finding := evidence.finding("cost still falling"):
        epochs = LONGER * evidence.experiment.training.epochs
        yield _repair("train longer", finding, "the cost goes on falling", (f"training.epochs={epochs}",))


def initializer_for(experiment: Experiment) -> str:
    """The initializer that keeps the signal's size in most of the layers."""
    names = [layer.activation.name for layer in experiment.architecture.layers]
    if names and all(name == "selu" for name in names):
        return "lecun"
    return "he" if not names or any(name in RELU_LIKE for name in names) else "xavier"


def least_kept(experiment: Experiment) -> float:
    """The smallest keep_prob of any layer, the input's included."""
    regularization, layers = experiment.regularization, experiment.architecture.layers
    own = [regularization.keep_prob if layer.keep_prob is None else layer.keep_prob for layer in layers]
    return min(regularization.input_keep_prob, *own, 1.0)


def descends(experiment: Experiment) -> bool:
    """Whether every step goes against the gradient of all examples, without noise, so that J must fall."""
    whole = experiment.batch_size == "all" and experiment.optimizer.name == "sgd"
    noisy = experiment.augmentation is not None or least_kept(experiment) < 1
    return whole and not noisy and not any(layer.batch_norm for layer in experiment.architecture.layers)


def strongest_penalty(experiment: Experiment) -> float:
    """The largest λ of any layer."""
    whole, output = experiment.regularization, experiment.architecture.output
    own = [strength for layer in experiment.architecture.layers for strength in (layer.l2, layer.l1)]
    return max(strength or 0.0 for strength in (whole.l2, whole.l1, output.l2, output.l1, *own))


def no_regularization(experiment: Experiment, reason: str) -> Action:
    """Overrides that leave no penalty and no dropout: a hundredth of what is far too strong often still is."""
    regularization = experiment.regularization
    changes = [f"regularization.{name}=0" for name in ("l2", "l1") if getattr(regularization, name)]
    changes += [f"regularization.{k}=1" for k in ("keep_prob", "input_keep_prob") if getattr(regularization, k) < 1]
    for index, layer in enumerate(experiment.architecture.layers):
        changes += [f"architecture.layers.{index}.{n}=null" for n in ("l2", "l1", "keep_prob") if getattr(layer, n)]
    if getattr(experiment.optimizer, "weight_decay", 0.0) > 0.1:
        changes.append("optimizer.weight_decay=0.01")
    if regularization.max_norm is not None:
        changes.append("regularization.max_norm=null")
    effect = "the network can fit the training set; then regularize as much as the variance asks for"
    return Action("leave out the regularization", "bias", "train", reason, effect, tuple(changes))


def _repair(action: str, finding: Finding, effect: str, changes: tuple[str, ...]) -> Action:
    return Action(action, "optimization", "train", finding.message, effect, changes)


OPTIMIZATION: tuple[Rule, ...] = (
    _sigmoids,
    _start,
    _inputs,
    _tiny_batches,
    _too_regularized,
    _hardly_begun,
    _dead,
    _decayed,
    _too_large_steps,
    _stopped,
    _too_small_steps,
    narrow,
    _few_steps,
    _too_short,
)
