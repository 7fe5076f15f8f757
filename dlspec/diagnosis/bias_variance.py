"""Bias or variance: what the errors on train, dev and test say, and what to try next.

With h the human-level error, a proxy of Bayes error (course 3):

    avoidable bias = train − h        variance = dev − train        overfitting to dev = test − dev

Without a dev set, test stands in for it, and a note says so.
"""

from dataclasses import dataclass
from typing import Literal

from dlspec.diagnosis.intervals import ErrorRate, difference, interval

Judgement = Literal["fine", "high", "too few examples to tell"]
TOO_FEW: Judgement = "too few examples to tell"

# A gap below its threshold is called fine only where its interval rules out one this much larger.
SERIOUS = 0.05

ACTIONS = {
    "bias": (
        "train a bigger network: more units or layers",
        "train longer, or with a better optimizer (adam)",
        "tune the learning rate; check the initializer (he for relu)",
        "weaken the regularization",
        "try another architecture",
    ),
    "variance": (
        "get more training data",
        "regularize: L2 or dropout",
        "augment the training images",
        "stop early (less orthogonal: it raises the training error too)",
        "average several runs: dlspec ensemble",
        "try another architecture",
    ),
    "overfitting to dev": ("get a bigger dev set", "choose among fewer settings on this dev set"),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of two errors.

    Attributes:
        name: `bias`, `variance` or `overfitting to dev`.
        value: the difference, as a fraction.
        low: lower end of its 95 % interval.
        high: upper end.
        threshold: from here on it is high.
        judgement: what to think of it.
    """

    name: str
    value: float
    low: float
    high: float
    threshold: float
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict, the gaps behind it, what to try next, and what could not be told."""

    verdict: str
    gaps: tuple[Gap, ...]
    next_steps: tuple[str, ...]
    notes: tuple[str, ...]


def diagnose(
    *,
    train: ErrorRate,
    dev: ErrorRate | None,
    test: ErrorRate | None,
    human_level_error: float,
    bias_threshold: float,
    variance_threshold: float,
) -> Diagnosis:
    """Verdict of one run, from its errors.

    Args:
        train: error on the training split, measured like the others (dropout off).
        dev: error on the dev split, None where there is none.
        test: error on the test split, None where there is none.
        human_level_error: h, a proxy of Bayes error, as a fraction.
        bias_threshold: avoidable bias from here on is high.
        variance_threshold: a gap from train to dev, or dev to test, from here on is high.
    """
    low, high = interval(train)
    bias = _gap(
        "bias", train.error - human_level_error, low - human_level_error, high - human_level_error, bias_threshold
    )
    gaps, notes = [bias], []
    if dev is not None:
        gaps.append(_gap("variance", dev.error - train.error, *difference(train, dev), variance_threshold))
    elif test is not None:
        gaps.append(_gap("variance", test.error - train.error, *difference(train, test), variance_threshold))
        notes.append(
            "no dev set: variance is measured on test, which is no unbiased estimate once you act on it; "
            "set data.split or data.dev"
        )
    else:
        notes.append("no dev set: variance cannot be measured; set data.split or data.dev")
    if test is None:
        notes.append("no test set: there is no unbiased estimate of the error")
    elif dev is not None:
        gaps.append(_gap("overfitting to dev", test.error - dev.error, *difference(dev, test), variance_threshold))
    for gap in gaps:
        if gap.judgement == TOO_FEW:
            notes.append(f"{gap.name}: too few examples to tell {gap.value:+.1%} from none or from a serious gap")
    steps = [step for gap in gaps if gap.judgement == "high" for step in ACTIONS[gap.name]]
    return Diagnosis(_verdict(gaps), tuple(gaps), tuple(dict.fromkeys(steps)), tuple(notes))


def _gap(name: str, value: float, low: float, high: float, threshold: float) -> Gap:
    judgement: Judgement = TOO_FEW
    reached = value >= threshold - 1e-12  # 0.03 − 0.01 is a little less than 0.02 in binary
    if reached and low > 0:
        judgement = "high"
    elif not reached and high < threshold + SERIOUS:
        judgement = "fine"
    return Gap(name, value, low, high, threshold, judgement)


def _verdict(gaps: list[Gap]) -> str:
    judged = {gap.name: gap.judgement for gap in gaps}
    bias, variance = judged["bias"], judged.get("variance", TOO_FEW)
    high = [f"high {name}" for name, judgement in (("bias", bias), ("variance", variance)) if judgement == "high"]
    if high:
        return ", ".join(high)
    return TOO_FEW if TOO_FEW in (bias, variance) else "low bias, low variance"
