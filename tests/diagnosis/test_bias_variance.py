"""The verdict: the course's table, what too few examples cannot tell, and that more error never looks better."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.diagnosis.bias_variance import TOO_FEW, diagnose
from dlspec.diagnosis.intervals import ErrorRate, difference

SEVERITY = ["fine", TOO_FEW, "high"]


def verdict_of(train, dev=None, test=None, *, train_dev=None, human=0.0, bias=0.02, variance=0.02):
    """Diagnosis from (error, examples) or rates."""
    rates = {
        name: value if value is None or isinstance(value, ErrorRate) else ErrorRate(*value)
        for name, value in (("train", train), ("train_dev", train_dev), ("dev", dev), ("test", test))
    }
    return diagnose(**rates, human_level_error=human, bias_threshold=bias, variance_threshold=variance)


def judgements(diagnosis):
    return {gap.name: gap.judgement for gap in diagnosis.gaps}


@pytest.mark.parametrize(
    ("train", "dev", "human", "verdict"),
    [
        (0.01, 0.11, 0, "high variance"),
        (0.01, 0.16, 0, "high variance"),
        (0.15, 0.14, 0, "high bias"),
        (0.15, 0.16, 0, "high bias"),
        (0.15, 0.30, 0, "high bias, high variance"),
        (0.005, 0.01, 0, "low bias, low variance"),
        (0.15, 0.16, 0.145, "low bias, low variance"),
        (0.08, 0.10, 0.01, "high bias, high variance"),
        (0.08, 0.09, 0.01, "high bias"),
        (0.08, 0.12, 0.075, "high variance"),
        (0.0, 0.0, 0, "low bias, low variance"),
        (1.0, 1.0, 0, "high bias"),
    ],
)
def test_the_course_s_table(train, dev, human, verdict):
    assert verdict_of((train, 10_000), (dev, 10_000), (dev, 10_000), human=human).verdict == verdict


def test_the_gaps_are_the_differences_of_the_errors():
    diagnosis = verdict_of((0.08, 10_000), (0.12, 10_000), (0.13, 10_000), human=0.05, bias=0.04, variance=0.03)
    gaps = [(gap.name, gap.value, gap.threshold, gap.judgement) for gap in diagnosis.gaps]
    assert gaps == [
        ("bias", pytest.approx(0.03), 0.04, "fine"),
        ("variance", pytest.approx(0.04), 0.03, "high"),
        ("overfitting to dev", pytest.approx(0.01), 0.03, "fine"),
    ]
    assert all(gap.low < gap.value < gap.high for gap in diagnosis.gaps)
    assert diagnosis.notes == ()


def test_overfitting_to_dev_is_no_part_of_the_verdict():
    diagnosis = verdict_of((0.01, 10_000), (0.02, 10_000), (0.06, 10_000))
    assert judgements(diagnosis) == {"bias": "fine", "variance": "fine", "overfitting to dev": "high"}
    assert diagnosis.verdict == "low bias, low variance"


@pytest.mark.parametrize(
    ("train", "train_dev", "dev", "test", "verdict", "mismatch"),
    [
        (0.01, 0.09, 0.10, 0.10, "high variance", "fine"),
        (0.01, 0.015, 0.10, 0.10, "data mismatch", "high"),
        (0.10, 0.11, 0.12, 0.12, "high bias", "fine"),
        (0.10, 0.11, 0.20, 0.20, "high bias, data mismatch", "high"),
        (0.01, 0.06, 0.12, 0.12, "high variance, data mismatch", "high"),
        (0.07, 0.10, 0.06, 0.06, "high bias, high variance", "fine"),  # the target may be the easier one
        (0.005, 0.01, 0.01, 0.01, "low bias, low variance", "fine"),
    ],
)
def test_train_dev_tells_variance_from_data_mismatch(train, train_dev, dev, test, verdict, mismatch):
    """The course's table of errors on train, train-dev, dev and test, and what each step between them says."""
    rates = [(error, 10_000) for error in (train, dev, test)]
    diagnosis = verdict_of(*rates, train_dev=(train_dev, 10_000))
    assert diagnosis.verdict == verdict
    assert [gap.name for gap in diagnosis.gaps] == ["bias", "variance", "data mismatch", "overfitting to dev"]
    assert judgements(diagnosis)["data mismatch"] == mismatch
    _, variance, gap, _ = diagnosis.gaps
    assert (variance.value, gap.value) == (pytest.approx(train_dev - train), pytest.approx(dev - train_dev))
    assert (gap.low, gap.high) == difference(ErrorRate(train_dev, 10_000), ErrorRate(dev, 10_000))


def test_a_data_mismatch_on_few_examples():
    diagnosis = verdict_of((0.01, 10_000), (0.05, 20), (0.01, 10_000), train_dev=(0.01, 10_000))
    assert judgements(diagnosis)["data mismatch"] == TOO_FEW
    assert diagnosis.verdict == "low bias, low variance"
    assert any(note.startswith("data mismatch: too few examples to tell ") for note in diagnosis.notes)


def test_train_dev_without_a_dev_set():
    diagnosis = verdict_of((0.01, 10_000), None, (0.10, 10_000), train_dev=(0.02, 10_000))
    assert [gap.name for gap in diagnosis.gaps] == ["bias", "variance", "data mismatch"]
    assert diagnosis.verdict == "data mismatch"
    assert diagnosis.notes == (
        "no dev set: data mismatch is measured on test, which is no unbiased estimate once you act on it; set "
        "data.split or data.dev",
    )
    diagnosis = verdict_of((0.01, 10_000), train_dev=(0.10, 10_000))
    assert [gap.name for gap in diagnosis.gaps] == ["bias", "variance"]
    assert diagnosis.verdict == "high variance"
    assert diagnosis.notes[0] == "no dev set: data mismatch cannot be measured; set data.split or data.dev"


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_dev_set_of_20_examples_tells_nothing(wrong):
    diagnosis = verdict_of((0.01, 10_000), (wrong / 20, 20), (0.01, 10_000))
    assert judgements(diagnosis)["variance"] == TOO_FEW
    assert diagnosis.verdict == TOO_FEW
    assert any(note.startswith("variance: too few examples to tell ") for note in diagnosis.notes)


def test_twenty_examples_are_enough_where_most_are_wrong():
    assert verdict_of((0.01, 10_000), (0.8, 20)).verdict == "high variance"


def test_a_high_bias_is_told_even_where_the_variance_cannot_be():
    diagnosis = verdict_of((0.15, 10_000), (0.15, 20))
    assert diagnosis.verdict == "high bias"
    assert judgements(diagnosis)["variance"] == TOO_FEW


@pytest.mark.parametrize(("train", "verdict"), [((0.001, 10_000), TOO_FEW), ((0.15, 10_000), "high bias")])
def test_no_dev_and_no_test_set(train, verdict):
    diagnosis = verdict_of(train)
    assert diagnosis.verdict == verdict
    assert [gap.name for gap in diagnosis.gaps] == ["bias"]
    assert diagnosis.notes == (
        "no dev set: variance cannot be measured; set data.split or data.dev",
        "no test set: there is no unbiased estimate of the error",
    )


def test_without_dev_test_stands_in_and_a_note_says_so():
    diagnosis = verdict_of((0.01, 10_000), None, (0.11, 10_000))
    assert diagnosis.verdict == "high variance"
    assert [gap.name for gap in diagnosis.gaps] == ["bias", "variance"]
    assert diagnosis.gaps[1].value == pytest.approx(0.10)
    (note,) = diagnosis.notes
    assert note.startswith("no dev set: variance is measured on test")


def test_no_test_set_is_noted():
    diagnosis = verdict_of((0.01, 10_000), (0.01, 10_000))
    assert diagnosis.notes == ("no test set: there is no unbiased estimate of the error",)


@pytest.mark.parametrize(
    ("train", "dev", "human", "verdict"),
    [
        ((0.005, 0.001), (0.010, 0.002), 0.0, "low bias, low variance"),
        ((0.40, 0.02), (0.41, 0.02), 0.4, "low bias, low variance"),
        ((0.40, 0.03), (0.41, 0.03), 0.4, TOO_FEW),  # the gap may be 0.01 + 1.96 · 0.03 · √2 = 0.09
        ((0.40, 0.01), (0.90, 0.05), 0.4, "high variance"),
        ((0.40, 0.01), (1.80, 0.90), 0.4, TOO_FEW),  # a large gap, but within its noise
        ((1.30, 0.05), (1.30, 0.05), 0.0, "high bias"),  # worse than predicting the mean
    ],
)
def test_regression(train, dev, human, verdict):
    rates = [ErrorRate(error, 1_000, std) for error, std in (train, dev)]
    assert verdict_of(*rates, human=human).verdict == verdict


def test_a_gap_of_exactly_the_threshold_is_high():
    diagnosis = verdict_of((0.01, 100_000), (0.03, 100_000))
    assert judgements(diagnosis)["variance"] == "high"


@st.composite
def counts(draw):
    """Number of examples, and two numbers of wrong ones, the smaller first."""
    examples = draw(st.integers(1, 5_000))
    return examples, sorted(draw(st.lists(st.integers(0, examples), min_size=2, max_size=2)))


@given(counts(), counts())
def test_a_higher_dev_error_never_lowers_the_variance(train_counts, dev_counts):
    (m, (wrong, _)), (n, (few, many)) = train_counts, dev_counts
    severities = [
        SEVERITY.index(judgements(verdict_of((wrong / m, m), (bad / n, n)))["variance"]) for bad in (few, many)
    ]
    assert severities[0] <= severities[1]


@given(counts(), counts())
def test_a_higher_train_error_never_lowers_the_bias_nor_raises_the_variance(train_counts, dev_counts):
    (m, (few, many)), (n, (wrong, _)) = train_counts, dev_counts
    better, worse = (judgements(verdict_of((bad / m, m), (wrong / n, n))) for bad in (few, many))
    assert SEVERITY.index(better["bias"]) <= SEVERITY.index(worse["bias"])
    assert SEVERITY.index(better["variance"]) >= SEVERITY.index(worse["variance"])


@given(counts(), st.floats(0, 1), st.floats(0, 1))
def test_a_higher_human_level_never_raises_the_bias(train_counts, one, other):
    m, (wrong, _) = train_counts
    low, high = sorted((one, other))
    of_low, of_high = (judgements(verdict_of((wrong / m, m), human=human))["bias"] for human in (low, high))
    assert SEVERITY.index(of_low) >= SEVERITY.index(of_high)


@given(counts(), counts())
def test_a_verdict_is_one_of_the_words_of_the_design(train_counts, dev_counts):
    (m, (wrong, _)), (n, (bad, _)) = train_counts, dev_counts
    diagnosis = verdict_of((wrong / m, m), (bad / n, n))
    assert diagnosis.verdict in (
        "low bias, low variance", "high bias", "high variance", "high bias, high variance", TOO_FEW
    )  # fmt: skip


# --- how many examples would tell ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "dev", "needed"),
    [
        ((0.01, 10_000), (0.0, 20), 45),  # −1 % + √((z²/(n + z²))² + 0.00177²) is below 7 % from 45 on
        ((0.01, 10_000), (0.02, 50), 79),
        ((0.01, 10_000), (0.05, 20), 24),
        ((0.01, 10_000), (0.01, 10_000), None),
    ],
)
def test_the_examples_that_would_tell_fine_from_high(train, dev, needed):
    variance = verdict_of(train, dev).gaps[1]
    assert variance.split == "dev"
    if needed is None:
        assert (variance.judgement, variance.examples_needed) == ("fine", None)
        return
    assert variance.judgement == TOO_FEW
    assert variance.examples_needed == needed
    judged = [verdict_of(train, (dev[0], n)).gaps[1].judgement == TOO_FEW for n in (needed - 1, needed)]
    assert judged == [True, False]


def test_where_more_examples_of_one_split_cannot_tell_no_number_is_given():
    gaps = verdict_of((0.0, 20), (0.02, 50)).gaps  # twenty training examples leave the gap open whatever dev says
    assert [(gap.judgement, gap.examples_needed is None) for gap in gaps] == [(TOO_FEW, False), (TOO_FEW, True)]


def test_the_note_says_how_many():
    (note,) = [note for note in verdict_of((0.01, 10_000), (0.0, 20), (0.01, 10_000)).notes if "variance" in note]
    assert re.fullmatch(r"variance: too few examples to tell -1.0% from .*; about \d+ in dev would tell", note)
