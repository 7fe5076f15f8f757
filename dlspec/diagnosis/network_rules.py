"""A network that is too small for its task, and the bigger one to take."""

from collections.abc import Iterator

from dlspec.config.experiment import Experiment
from dlspec.diagnosis.evidence import Action, Evidence

BIGGER = 4
SMALLEST_LAYER = 64
FEW_LAYERS = 3


def narrow(evidence: Evidence) -> Iterator[Action]:
    """A hidden layer with fewer units than there are classes lets too little through, however long it is trained."""
    narrowest = min((layer.units for layer in evidence.experiment.architecture.layers), default=evidence.classes)
    if narrowest < evidence.classes:
        units = f"{narrowest} unit{'s' if narrowest > 1 else ''}"
        yield bigger_network(evidence.experiment, f"a hidden layer of {units} is narrow for {evidence.classes} classes")


def bigger(evidence: Evidence) -> Iterator[Action]:
    """More units, another layer; a network that has no hidden layer, or none but linear ones, gets one of relus."""
    layers = evidence.experiment.architecture.layers
    reason = "the training error is high, and nothing is wrong with the training: the network is too small"
    if _is_linear(evidence.experiment):
        words = "without a hidden layer" if not layers else "with linear hidden layers"
        reason = f"{words} the network is a linear function of its inputs"
    yield bigger_network(evidence.experiment, reason)


def bigger_network(experiment: Experiment, reason: str) -> Action:
    """Overrides for at least 64 units per layer, and four times as many as now; where layers are few, one more."""
    layers = experiment.architecture.layers
    if _is_linear(experiment):
        units = [max(SMALLEST_LAYER, layer.units) for layer in layers] or [SMALLEST_LAYER]
    else:
        units = [max(SMALLEST_LAYER, BIGGER * layer.units) for layer in layers]
        units += [units[-1]] * (len(units) < FEW_LAYERS)
    if len(units) == len(layers) and not _is_linear(experiment):
        changes = tuple(f"architecture.layers.{index}.units={n}" for index, n in enumerate(units))
    else:
        items = ", ".join(f"{{units: {n}, activation: {_activation(experiment, i)}}}" for i, n in enumerate(units))
        changes = (f"architecture.layers=[{items}]",)
    effect = "the training error falls; with regularization a bigger network costs nothing but time"
    return Action("train a bigger network", "bias", "train", reason, effect, changes)


def _is_linear(experiment: Experiment) -> bool:
    return all(layer.activation.name == "linear" for layer in experiment.architecture.layers)


def _activation(experiment: Experiment, index: int) -> str:
    """That of the layer, or of the last one for a new layer; relu in place of linear."""
    layers = experiment.architecture.layers
    name = layers[min(index, len(layers) - 1)].activation.name if layers else "relu"
    return "relu" if name == "linear" else name
