"""What closes a gap between human level and train, where nothing is wrong with the training itself."""

from collections.abc import Iterator

from dlspec.diagnosis.evidence import Action, Evidence, Rule
from dlspec.diagnosis.network_rules import bigger
from dlspec.diagnosis.optimization_rules import least_kept, no_regularization, strongest_penalty


def _unregularized(evidence: Evidence) -> Iterator[Action]:
    """Regularization has no task where there is no variance to fight."""
    variance = evidence.gap("variance")
    experiment = evidence.experiment
    regularized = strongest_penalty(experiment) > 0 or least_kept(experiment) < 1
    if regularized and (variance is None or variance.judgement == "fine"):
        yield no_regularization(experiment, "there is regularization, and hardly any variance for it to fight")


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


BIAS: tuple[Rule, ...] = (_unregularized, bigger, _longer, _better_optimizer, _learning_rate, _another_architecture)
