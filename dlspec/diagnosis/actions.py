"""What to do next: actions ranked by the gap they address and by the evidence in the run.

Each turns one of the four knobs of course 3 (orthogonalization): it makes train, dev, test or the real world better.
Faults of the optimization come first, since no gap means much before they are gone; then the larger gap.
"""

from collections.abc import Iterable, Iterator, Sequence

from dlspec.diagnosis.bias_rules import BIAS
from dlspec.diagnosis.bias_variance import TOO_FEW, Gap
from dlspec.diagnosis.evidence import Action, Evidence, Rule
from dlspec.diagnosis.optimization_rules import OPTIMIZATION
from dlspec.diagnosis.variance_rules import MISMATCH, OVERFITTING_TO_DEV, VARIANCE

RULES: dict[str, Sequence[Rule]] = {
    "bias": (*OPTIMIZATION, *BIAS),
    "variance": VARIANCE,
    "data mismatch": MISMATCH,
    "overfitting to dev": OVERFITTING_TO_DEV,
}


def actions_of(evidence: Evidence) -> list[Action]:
    """What to try, the most promising first; nothing where every gap is fine."""
    found: dict[str, Action] = {}
    high = [gap for gap in evidence.diagnosis.gaps if gap.judgement == "high"]
    faulty = [gap for gap in high if gap.name == "bias" and any(any(rule(evidence)) for rule in OPTIMIZATION)]
    for gap in sorted(high, key=lambda gap: (gap not in faulty, -gap.value / gap.threshold)):
        for rule in RULES[gap.name]:
            for action in rule(evidence):
                found.setdefault(action.action, action)
    for gap in evidence.diagnosis.gaps:
        if gap.judgement == TOO_FEW and gap.examples_needed is not None and gap.split != "train":
            action = _more_examples(gap)
            found.setdefault(action.action, action)
    return list(_in_harmony(found.values()))


def _in_harmony(actions: Iterable[Action]) -> Iterator[Action]:
    """Without those that give a setting another value than a more promising one: who follows both follows neither."""
    values: dict[str, str] = {}
    for action in actions:
        settings = dict(change.split("=", 1) for change in action.set)
        if all(values.get(key, value) == value for key, value in settings.items()):
            values |= settings
            yield action


def _more_examples(gap: Gap) -> Action:
    return Action(
        f"get a bigger {gap.split} set",
        gap.name,
        "test" if gap.split == "test" else "dev",
        f"{gap.name} {gap.value:+.1%} lies between {gap.low:+.1%} and {gap.high:+.1%}",
        f"about {gap.examples_needed:,} examples would tell fine from high",
    )
