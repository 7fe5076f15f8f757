"""Bias or variance: what the errors on train, dev and test say.

With h the human-level error, a proxy of Bayes error (course 3):

    avoidable bias = train − h        variance = dev − train        overfitting to dev = test − dev

Where dev is of another distribution than train, that difference is two: a train-dev set, of the distribution of train
but not trained on, tells them apart:

    variance = train-dev − train      data mismatch = dev − train-dev

Without a dev set, test stands in for it, and a note says so.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from dlspec.diagnosis.intervals import ErrorRate, difference, interval

Judgement = Literal["fine", "high", "too few examples to tell"]
TOO_FEW: Judgement = "too few examples to tell"

# A gap below its threshold is called fine only where its interval rules out one this much larger.
SERIOUS = 0.05

KEPT = "test was not looked at; once all is chosen: dlspec evaluate RUN --split test, or --set evaluation.test=true"

# More than so many nobody collects for a dev set.
MOST_EXAMPLES = 10_000_000


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
        split: the later of the two splits, whose error makes the gap.
        examples_needed: how many examples it would need for the same errors to tell fine from high; None where they
            do, or where even 10 million would not.
    """

    name: str
    value: float
    low: float
    high: float
    threshold: float
    judgement: Judgement
    split: str
    examples_needed: int | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict, the gaps behind it, and what could not be told."""

    verdict: str
    gaps: tuple[Gap, ...]
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
    test_kept: bool = False,
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
        test_kept: whether there is a test split that was not looked at.
    """
    last = test if dev is None else dev
    near = last if train_dev is None else train_dev
    last_name = "test" if dev is None else "dev"
    gaps = [_gap("bias", human_level_error, train, bias_threshold, split="train")]
    if near is not None:
        near_name = last_name if train_dev is None else "train-dev"
        gaps.append(_gap("variance", train, near, variance_threshold, split=near_name))
    if train_dev is not None and last is not None:
        gaps.append(_gap("data mismatch", train_dev, last, variance_threshold, split=last_name))
    if dev is not None and test is not None:
        gaps.append(_gap("overfitting to dev", dev, test, variance_threshold, split="test"))
    notes = list(_missing("variance" if train_dev is None else "data mismatch", dev=dev, test=test))
    if test is None:
        notes.append(KEPT if test_kept else "no test set: there is no unbiased estimate of the error")
    for gap in gaps:
        if gap.judgement == TOO_FEW:
            enough = "" if gap.examples_needed is None else f"; about {gap.examples_needed:,} in {gap.split} would tell"
            notes.append(
                f"{gap.name}: too few examples to tell {gap.value:+.1%} from none or from a serious gap{enough}"
            )
    return Diagnosis(_verdict(gaps), tuple(gaps), tuple(notes))


def _missing(measured: str, *, dev: ErrorRate | None, test: ErrorRate | None) -> Iterator[str]:
    """What is lost without a dev set, by which `measured` would be told."""
    if dev is None and test is None:
        yield f"no dev set: {measured} cannot be measured; set data.split or data.dev"
    elif dev is None:
        yield (
            f"no dev set: {measured} is measured on test, which is no unbiased estimate once you act on it; "
            "set data.split or data.dev"
        )


def _gap(name: str, before: ErrorRate | float, after: ErrorRate, threshold: float, *, split: str) -> Gap:
    """The step from an error, measured or known, to that of `after`, measured on `split`."""
    value = after.error - (before.error if isinstance(before, ErrorRate) else before)

    def judged(rate: ErrorRate) -> tuple[float, float, Judgement]:
        if isinstance(before, ErrorRate):
            low, high = difference(before, rate)
        else:
            low, high = (end - before for end in interval(rate))
        return low, high, _judgement(value, low, high, threshold)

    low, high, judgement = judged(after)
    needed = _examples_needed(after, lambda rate: judged(rate)[2]) if judgement == TOO_FEW else None
    return Gap(name, value, low, high, threshold, judgement, split, needed)


def _judgement(value: float, low: float, high: float, threshold: float) -> Judgement:
    reached = value >= threshold - 1e-12  # 0.03 − 0.01 is a little less than 0.02 in binary
    if reached and low > 0:
        return "high"
    return "fine" if not reached and high < threshold + SERIOUS else TOO_FEW


def _examples_needed(rate: ErrorRate, judge: Callable[[ErrorRate], Judgement]) -> int | None:
    """The smallest number of examples, to two digits, with which the same error is judged fine or high."""
    few, enough = rate.examples, rate.examples
    while judge(rate.with_examples(enough)) == TOO_FEW:
        few, enough = enough, 2 * enough
        if enough > MOST_EXAMPLES:
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (middle, enough) if judge(rate.with_examples(middle)) == TOO_FEW else (few, middle)
    unit = int(10 ** max(0, len(str(enough)) - 2))
    return -(-enough // unit) * unit


def _verdict(gaps: list[Gap]) -> str:
    judged = {gap.name: gap.judgement for gap in gaps}
    bias, variance = judged["bias"], judged.get("variance", TOO_FEW)
    high = [f"high {name}" for name, judgement in (("bias", bias), ("variance", variance)) if judgement == "high"]
    high += ["data mismatch"] if judged.get("data mismatch") == "high" else []
    if high:
        return ", ".join(high)
    return TOO_FEW if TOO_FEW in (bias, variance) else "low bias, low variance"
