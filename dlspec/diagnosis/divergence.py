"""A run whose numbers stopped being finite: what shows in it, and what to try."""

from collections.abc import Callable, Iterator, Sequence

from dlspec.config.experiment import Experiment
from dlspec.diagnosis.evidence import Action
from dlspec.diagnosis.findings import Finding
from dlspec.diagnosis.layers import Sample
from dlspec.diagnosis.learning_rates import slower
from dlspec.diagnosis.optimization_rules import initializer_for

LONG_STEP = 0.5
"""‖ΔW‖/‖W‖ of one step; about 0.001 is usual."""


def long_step(samples: Sequence[Sample]) -> Finding | None:
    """The layer whose steps were the longest when it was last looked at, if they were too long.

    Args:
        samples: lines of `health.jsonl` of a run that diverged.
    """
    layers = [layer for layer in (samples[-1]["layers"] if samples else ()) if layer["update_ratio"] is not None]
    longest = max(layers, key=lambda layer: float(layer["update_ratio"]), default=None)
    if longest is None or longest["update_ratio"] < LONG_STEP:
        return None
    value, number, epoch = longest["update_ratio"], longest["layer"], samples[-1]["epoch"]
    words = f"one step of layer {number} is {value:.3g} times as long as its weights"
    return Finding("steps too large", number, epoch, value, LONG_STEP, words)


def actions_after(advice: Sequence[str], experiment: Experiment) -> list[Action]:
    """The advice that was given at the divergence, as actions.

    What the experiment has already is left out; advice that takes a decision has no settings.

    Args:
        advice: of `training.divergence`, the likeliest help first.
        experiment: resolved, of the segment that diverged.
    """
    found = []
    for text in advice:
        rule = next((rule for words, rule in RULES.items() if words in text), None)
        found += [_action(text)] if rule is None else list(rule(experiment))
    return found


def _action(action: str, reason: str = "", effect: str = "", changes: tuple[str, ...] = ()) -> Action:
    return Action(action, "optimization", "train", reason, effect, changes)


def _slower(experiment: Experiment) -> Iterator[Action]:
    changes = slower(experiment)
    rate = "rates of decay.points" if experiment.decay.name == "manual" else "rate"
    reason = f"it was {experiment.optimizer.learning_rate:.3g}" if rate == "rate" else ""
    yield _action(f"lower the learning {rate}", reason, "steps that do not shoot over the valley", changes)


def _clipped(experiment: Experiment) -> Iterator[Action]:
    limit = experiment.regularization.clip_norm
    smaller = 1.0 if limit is None else limit / 10
    reason = "nothing limits it" if limit is None else f"its limit was {limit:g}"
    effect = "no single mini-batch can throw the parameters far away"
    yield _action("limit the gradient", reason, effect, (f"regularization.clip_norm={smaller:g}",))


def _scaled(experiment: Experiment) -> Iterator[Action]:
    """Inputs and start values for which the signal keeps its size."""
    best = initializer_for(experiment)
    changes, reasons = [], []
    if experiment.data.normalize != "standard":
        changes.append("data.normalize=standard")
        reasons.append(f"the inputs are as they come (normalize: {experiment.data.normalize})")
    if experiment.architecture.layers and experiment.initializer.name != best:
        changes.append(f"initializer={best}")
        reasons.append(f"the network starts from {experiment.initializer.name}")
    if changes:
        effect = "the signal keeps its size from layer to layer"
        yield _action("scale the inputs and the start values", " and ".join(reasons), effect, tuple(changes))


def _rescaled(experiment: Experiment) -> Iterator[Action]:
    effect = "a loss of the size of 1"
    if experiment.data.normalize != "standard":
        reason = f"the inputs are as they come (normalize: {experiment.data.normalize})"
        yield _action("normalize the inputs", reason, effect, ("data.normalize=standard",))
    yield _action("rescale the targets, if they are numbers far from 1", "", effect)


# By words of the advice.
RULES: dict[str, Callable[[Experiment], Iterator[Action]]] = {
    "lower optimizer.learning_rate": _slower,
    "regularization.clip_norm": _clipped,
    "initializer: he": _scaled,
    "rescale the targets": _rescaled,
}
