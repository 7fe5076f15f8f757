"""What closes the gaps behind train: variance, data mismatch, overfitting to dev."""

from collections.abc import Iterator

from dlspec.config.data import Synthetic
from dlspec.diagnosis.evidence import Action, Evidence, Rule
from dlspec.diagnosis.optimization_rules import least_kept

MORE = 10
# λ/m: found to help, by little or by much, in every planted case of variance. A squared error is as curved everywhere,
# so that it takes more to make a difference than with classes, whose loss is flat where they are right.
L2_PER_EXAMPLE = 0.003
L2_PER_EXAMPLE_OF_A_REGRESSION = 0.3
LEAST_TRAINING = 0.5  # share of the examples below which the split is to blame


def _reason(evidence: Evidence) -> str:
    gap = evidence.gap("variance")
    assert gap is not None  # noqa: S101 - these rules are for a gap that is high
    return f"the error is {gap.value:+.1%} higher on {gap.split} than on train"


def _more_data(evidence: Evidence) -> Iterator[Action]:
    data = evidence.experiment.data
    effect = "the most certain cure; the training error may rise a little"
    words = f"get more training data than {evidence.examples:,} examples"
    changes = (f"data.examples={MORE * data.examples}",) if isinstance(data, Synthetic) else ()
    yield Action(words, "variance", "dev", _reason(evidence), effect, changes)


def _larger_share(evidence: Evidence) -> Iterator[Action]:
    """The examples are there, but most of them are not trained on."""
    split = evidence.experiment.data.split
    if split is None or split.file is not None or split.ratios == "auto":
        return
    share = float(split.ratios.split("/")[0]) / 100
    if share < LEAST_TRAINING:
        words, effect = "train on a larger share of the examples", "the most certain cure, and free"
        reason = f"only {share:.0%} of the examples are trained on"
        yield Action(words, "variance", "dev", reason, effect, ("data.split.ratios=60/20/20",))


def _more_made_data(evidence: Evidence) -> Iterator[Action]:
    """Where more examples are to be had for nothing."""
    if isinstance(evidence.experiment.data, Synthetic):
        yield from _more_data(evidence)


def _regularize(evidence: Evidence) -> Iterator[Action]:
    experiment = evidence.experiment
    reason = _reason(evidence)
    effect = "a smaller gap, for a slightly higher training error"
    layers, l2 = experiment.architecture.layers, experiment.regularization.l2
    per_example = L2_PER_EXAMPLE_OF_A_REGRESSION if evidence.task == "regression" else L2_PER_EXAMPLE
    stronger = max(3 * l2, per_example * evidence.examples)
    yield Action(
        "regularize with L2" if not l2 else "strengthen L2",
        "variance",
        "dev",
        reason,
        effect,
        (f"regularization.l2={stronger:.3g}",),
    )
    if layers and least_kept(experiment) > 0.5:
        words = "regularize with dropout" if least_kept(experiment) == 1 else "drop more units"
        yield Action(words, "variance", "dev", reason, effect, ("regularization.keep_prob=0.5",))


def _augment(evidence: Evidence) -> Iterator[Action]:
    if evidence.images and evidence.experiment.augmentation is None:
        yield Action(
            "augment the training images",
            "variance",
            "dev",
            _reason(evidence),
            "as if there were more images; check with dlspec augment that the labels still fit",
            ("augmentation={rotation: 10, shift: 0.05}",),
        )


def _stop_early(evidence: Evidence) -> Iterator[Action]:
    if evidence.experiment.training.early_stopping is None:
        finding = evidence.finding("diverging curves")
        yield Action(
            "stop early",
            "variance",
            "dev",
            finding.message if finding else _reason(evidence),
            "the best epoch on dev; less orthogonal, since it raises the training error too",
            ("training.early_stopping={patience: 20}",),
        )


def _ensemble(evidence: Evidence) -> Iterator[Action]:
    effect = "the average of several networks errs less than each of them: dlspec ensemble CONFIG --seeds 5"
    yield Action("average several runs", "variance", "dev", _reason(evidence), effect)


def _another_architecture(evidence: Evidence) -> Iterator[Action]:
    effect = "what suits the data needs fewer examples"
    yield Action("try another architecture", "variance", "dev", _reason(evidence), effect)


def _mismatch(evidence: Evidence) -> Iterator[Action]:
    gap = evidence.gap("data mismatch")
    assert gap is not None  # noqa: S101 - for a gap that is high
    reason = f"the error is {gap.value:+.1%} higher on {gap.split} than on train-dev, which is like train"
    words = "look at the errors on dev: what do they have that the training data lacks?"
    yield Action(words, "data mismatch", "dev", reason, "shows what the training data must be made to resemble")
    words = "make training data that resembles dev: collect it, or synthesize it"
    yield Action(words, "data mismatch", "dev", reason, "the gap closes as far as the two distributions meet")


def _overfitting_to_dev(evidence: Evidence) -> Iterator[Action]:
    gap = evidence.gap("overfitting to dev")
    assert gap is not None  # noqa: S101 - for a gap that is high
    reason = f"the error is {gap.value:+.1%} higher on test than on dev"
    effect = "dev is again an estimate to choose by"
    yield Action("get a bigger dev set", "overfitting to dev", "test", reason, effect)
    yield Action("choose among fewer settings on this dev set", "overfitting to dev", "test", reason, effect)


VARIANCE: tuple[Rule, ...] = (
    _larger_share,
    _more_made_data,
    _regularize,
    _augment,
    _more_data,
    _stop_early,
    _ensemble,
    _another_architecture,
)
MISMATCH: tuple[Rule, ...] = (_mismatch,)
OVERFITTING_TO_DEV: tuple[Rule, ...] = (_overfitting_to_dev,)
