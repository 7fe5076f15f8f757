"""What closes a gap between human level and train, where nothing is wrong with the training itself."""

from collections.abc import Iterator

from dlspec.diagnosis.evidence import Action, Evidence, Rule
from dlspec.diagnosis.optimization_rules import least_kept, weaker_regularization

BIGGER = 4
SMALLEST_LAYER = 64
FEW_LAYERS = 3


def _weaker(evidence: Evidence) -> Iterator[Action]:
    """Regularization has no task where there is no variance to fight."""
    variance = evidence.gap("variance")
    experiment = evidence.experiment
    regularized = experiment.regularization.l2 or experiment.regularization.l1 or least_kept(experiment) < 1
    if regularized and (variance is None or variance.judgement == "fine"):
        yield weaker_regularization(experiment, "there is regularization, and hardly any variance for it to fight")


def _bigger(evidence: Evidence) -> Iterator[Action]:
    layers = evidence.experiment.architecture.layers
    if all(layer.activation.name == "linear" for layer in layers):
        units = [max(SMALLEST_LAYER, layer.units) for layer in layers] or [SMALLEST_LAYER]
        words = "without a hidden layer" if not layers else "with linear hidden layers"
        reason = f"{words} the network is a linear function of its inputs"
    else:
        units = [max(SMALLEST_LAYER, BIGGER * layer.units) for layer in layers]
        units += [units[-1]] * (len(units) < FEW_LAYERS)
        reason = "the training error is high, and nothing is wrong with the training: the network is too small"
    changes = []
    if len(units) == len(layers) and not all(layer.activation.name == "linear" for layer in layers):
        changes = [f"architecture.layers.{index}.units={n}" for index, n in enumerate(units)]
    else:
        items = ", ".join(f"{{units: {n}, activation: {_activation(evidence, i)}}}" for i, n in enumerate(units))
        changes = [f"architecture.layers=[{items}]"]
    effect = "the training error falls; with regularization a bigger network costs nothing but time"
    yield Action("train a bigger network", "bias", "train", reason, effect, tuple(changes))


def _activation(evidence: Evidence, index: int) -> str:
    """That of the layer, or of the last one for a new layer; relu in place of linear."""
    layers = evidence.experiment.architecture.layers
    name = layers[min(index, len(layers) - 1)].activation.name if layers else "relu"
    return "relu" if name == "linear" else name


def _longer(evidence: Evidence) -> Iterator[Action]:
    epochs = 4 * evidence.experiment.training.epochs
    effect = "the training error falls, if slowly"
    reason = "the training error is high"
    yield Action("train longer", "bias", "train", reason, effect, (f"training.epochs={epochs}",))


def _better_optimizer(evidence: Evidence) -> Iterator[Action]:
    optimizer = evidence.experiment.optimizer
    if optimizer.name not in ("adam", "adamw", "nadam"):
        yield Action(
            "take adam",
            "bias",
            "train",
            f"{optimizer.name} has one learning rate for all weights",
            "faster progress where the scales of the gradients differ",
            ("optimizer={name: adam, learning_rate: 1e-3}",),
        )


def _learning_rate(evidence: Evidence) -> Iterator[Action]:
    yield Action(
        "tune the learning rate, on a log scale",
        "bias",
        "train",
        "it is the setting that matters most",
        "a factor of 3 up or down often shows",
        (f"optimizer.learning_rate={3 * evidence.experiment.optimizer.learning_rate:.3g}",),
    )


def _another_architecture(evidence: Evidence) -> Iterator[Action]:  # noqa: ARG001 - the signature of the rules
    effect = "what suits the data learns it with less"
    yield Action("try another architecture", "bias", "train", "the training error is high", effect)


BIAS: tuple[Rule, ...] = (_weaker, _bigger, _longer, _better_optimizer, _learning_rate, _another_architecture)
