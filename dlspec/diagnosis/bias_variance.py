"""Bias or variance: what the errors on train, dev and test say, and what to try next.

With h the human-level error, a proxy of Bayes error (course 3):

    avoidable bias = train − h        variance = dev − train        overfitting to dev = test − dev

Where dev is of another distribution than train, that difference is two: a train-dev set, of the distribution of train
but not trained on, tells them apart:

    variance = train-dev − train      data mismatch = dev − train-dev

Without a dev set, test stands in for it, and a note says so.
"""

from collections.abc import Iterator
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
    "data mismatch": (
        "look at the errors on dev: what do they have that the training data lacks?",
        "make training data that resembles dev: collect it, or synthesize it",
    ),
    "overfitting to dev": ("get a bigger dev set", "choose among fewer settings on this dev set"),
}


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of two errors.

    Attributes:
        name: `bias`, `variance`, `data mismatch` or `overfitting to dev`.
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
    train_dev: ErrorRate | None = None,
    dev: ErrorRate | None,
    test: ErrorRate | None,
    human_level_error: float,
    bias_threshold: float,
    variance_threshold: float,
) -> Diagnosis:
    """Verdict of one run, from its errors.

    Args:
        train: error on the training split, measured like the others (dropout off).
        train_dev: error on the train-dev split, None where there is none.
        dev: error on the dev split, None where there is none.
        test: error on the test split, None where there is none.
        human_level_error: h, a proxy of Bayes error, as a fraction.
        bias_threshold: avoidable bias from here on is high.
        variance_threshold: a gap between two splits from here on is high.
    """
    low, high = interval(train)
    bias = _gap(
        "bias", train.error - human_level_error, low - human_level_error, high - human_level_error, bias_threshold
    )
    last = test if dev is None else dev
    near = last if train_dev is None else train_dev
    gaps = [bias]
    if near is not None:
        gaps.append(_step("variance", train, near, variance_threshold))
    if train_dev is not None and last is not None:
        gaps.append(_step("data mismatch", train_dev, last, variance_threshold))
    if dev is not None and test is not None:
        gaps.append(_step("overfitting to dev", dev, test, variance_threshold))
    notes = list(_missing("variance" if train_dev is None else "data mismatch", dev=dev, test=test))
    for gap in gaps:
        if gap.judgement == TOO_FEW:
            notes.append(f"{gap.name}: too few examples to tell {gap.value:+.1%} from none or from a serious gap")
    steps = [step for gap in gaps if gap.judgement == "high" for step in ACTIONS[gap.name]]
    return Diagnosis(_verdict(gaps), tuple(gaps), tuple(dict.fromkeys(steps)), tuple(notes))


def _missing(measured: str, *, dev: ErrorRate | None, test: ErrorRate | None) -> Iterator[str]:
    """What is lost without a dev set, by which `measured` would be told, and without a test set."""
    if dev is None and test is None:
        yield f"no dev set: {measured} cannot be measured; set data.split or data.dev"
    elif dev is None:
        yield (
            f"no dev set: {measured} is measured on test, which is no unbiased estimate once you act on it; "
            "set data.split or data.dev"
        )
    if test is None:
        yield "no test set: there is no unbiased estimate of the error"


def _step(name: str, a: ErrorRate, b: ErrorRate, threshold: float) -> Gap:
    return _gap(name, b.error - a.error, *difference(a, b), threshold)


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
    high += ["data mismatch"] if judged.get("data mismatch") == "high" else []
    if high:
        return ", ".join(high)
    return TOO_FEW if TOO_FEW in (bias, variance) else "low bias, low variance"
