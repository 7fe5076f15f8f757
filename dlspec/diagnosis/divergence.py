"""What to try after a run whose numbers stopped being finite."""

from collections.abc import Callable, Iterator, Sequence

from dlspec.config.experiment import Experiment
from dlspec.diagnosis.evidence import Action
from dlspec.diagnosis.learning_rates import slower
from dlspec.diagnosis.optimization_rules import initializer_for


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
