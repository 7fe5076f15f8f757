"""Learning-rate decay."""

import math

import pytest
import reference
from families import DECAY_CASES, case_id
from hypothesis import given
from hypothesis import strategies as st

from dlspec.core.decay import DECAYS, Warmup

each_case = pytest.mark.parametrize(("name", "settings"), DECAY_CASES, ids=case_id)


@each_case
@pytest.mark.parametrize("total", [1, 2, 10, 97, 100])
def test_a_whole_run_is_the_formula(name, settings, total):
    decay = DECAYS[name](**settings)
    rates = [decay(0.2, t, total) for t in range(total + 3)]
    expected = [reference.DECAYS[name](0.2, t, total, **settings) for t in range(total + 3)]
    assert rates == pytest.approx(expected, rel=1e-13, abs=1e-16)


@each_case
def test_times_can_be_asked_in_any_order(name, settings):
    decay = DECAYS[name](**settings)
    forwards = [decay(0.2, t, 20) for t in range(20)]
    assert [decay(0.2, t, 20) for t in reversed(range(20))] == forwards[::-1]


@each_case
def test_no_rate_is_negative_or_above_what_is_written(name, settings):
    decay = DECAYS[name](**settings)
    highest = max(0.2 * settings.get("k", 1.0), *(rate for _, rate in settings.get("points", [(0, 0.2)])))
    for total in (1, 2, 3, 50):
        assert all(0 <= decay(0.2, t, total) <= highest * (1 + 1e-15) for t in range(total + 1))


# α0 = 0.8, a run of 12; the times are 0, 1, those around each boundary, the last and one past it.
@pytest.mark.parametrize(
    ("name", "settings", "by_time"),
    [
        ("constant", {}, {0: 0.8, 1: 0.8, 1000: 0.8}),
        ("inverse_time", {"rate": 0.5}, {0: 0.8, 1: 0.8 / 1.5, 2: 0.4, 6: 0.2}),
        ("inverse_time", {"rate": 0.0}, {0: 0.8, 1: 0.8, 99: 0.8}),
        ("exponential", {"base": 0.5}, {0: 0.8, 1: 0.4, 2: 0.2, 3: 0.1}),
        ("exponential", {}, {0: 0.8, 1: 0.76, 2: 0.722}),
        ("exponential", {"base": 1.0}, {0: 0.8, 99: 0.8}),
        ("sqrt", {}, {0: 0.8, 1: 0.8 / math.sqrt(2), 3: 0.4, 15: 0.2}),
        ("sqrt", {"k": 0.5}, {0: 0.4, 3: 0.2}),
        ("staircase", {"factor": 0.5, "every": 3}, {0: 0.8, 1: 0.8, 2: 0.8, 3: 0.4, 4: 0.4, 5: 0.4, 6: 0.2, 7: 0.2}),
        ("staircase", {"factor": 0.5, "every": 1}, {0: 0.8, 1: 0.4, 2: 0.2}),
        ("manual", {"points": ((3, 0.1), (5, 0.02))}, {0: 0.8, 1: 0.8, 2: 0.8, 3: 0.1, 4: 0.1, 5: 0.02, 6: 0.02}),
        ("manual", {"points": ((0, 0.1),)}, {0: 0.1, 1: 0.1}),
        ("manual", {"points": ((1, 2.0),)}, {0: 0.8, 1: 2.0, 50: 2.0}),
        # cos 60° = ½, cos 90° = 0, cos 120° = −½
        ("cosine", {}, {0: 0.8, 4: 0.6, 6: 0.4, 8: 0.2, 11: 0.4 * (1 - math.cos(math.pi / 12)), 12: 0.0, 13: 0.0}),
        ("cosine", {"min_rate": 0.2}, {0: 0.8, 4: 0.65, 6: 0.5, 8: 0.35, 12: 0.2, 13: 0.2}),
        ("cosine", {"cycles": 2}, {0: 0.8, 2: 0.6, 3: 0.4, 4: 0.2, 6: 0.8, 8: 0.6, 9: 0.4, 10: 0.2, 12: 0.0}),
        ("cosine", {"min_rate": 0.8, "cycles": 3}, {0: 0.8, 3: 0.8, 11: 0.8, 12: 0.8}),
        # A third of the way up at t = 1, the peak at 3, two thirds of the way down at 9.
        (
            "one_cycle",
            {"rise": 0.25, "start_factor": 0.25, "end_factor": 0.0, "shape": "linear"},
            {0: 0.2, 1: 0.4, 2: 0.6, 3: 0.8, 6: 1.6 / 3, 9: 0.8 / 3, 12: 0.0, 13: 0.0},
        ),
        (
            "one_cycle",
            {"rise": 0.25, "start_factor": 0.25, "end_factor": 0.5, "shape": "cosine"},
            {0: 0.2, 1: 0.35, 2: 0.65, 3: 0.8, 6: 0.7, 9: 0.5, 12: 0.4, 13: 0.4},
        ),
        ("one_cycle", {"start_factor": 1.0, "end_factor": 1.0}, {0: 0.8, 3: 0.8, 4: 0.8, 12: 0.8}),
    ],
    ids=case_id,
)
def test_rates_at_the_boundaries(name, settings, by_time):
    decay = DECAYS[name](**settings)
    assert {t: decay(0.8, t, 12) for t in by_time} == pytest.approx(by_time, rel=1e-14, abs=1e-16)


def test_worked_example_of_the_course():
    decay = DECAYS["inverse_time"](rate=1.0)
    assert [round(decay(0.2, epoch, 5), 3) for epoch in (1, 2, 3, 4)] == [0.1, 0.067, 0.05, 0.04]


def test_a_long_run_underflows_to_0_without_an_error():
    assert DECAYS["exponential"](base=0.5)(0.8, 10_000, 20_000) == 0.0
    assert DECAYS["staircase"](factor=0.5, every=1)(0.8, 10_000, 20_000) == 0.0


@given(st.integers(1, 60), st.integers(1, 20))
def test_every_cycle_is_whole_and_as_long_as_the_others_up_to_one(total, cycles):
    decay = DECAYS["cosine"](cycles=cycles)
    rates = [decay(1.0, t, total) for t in range(total)]
    starts = [t for t, rate in enumerate(rates) if rate == 1.0]
    lengths = [end - start for start, end in zip(starts, [*starts[1:], total], strict=True)]
    assert starts[0] == 0
    assert len(starts) == min(cycles, total)
    assert max(lengths) - min(lengths) <= 1
    for start, length in zip(starts, lengths, strict=True):
        assert rates[start : start + length] == [decay_of_one_cycle(t, length) for t in range(length)]


def decay_of_one_cycle(t, total):
    return DECAYS["cosine"]()(1.0, t, total)


# --- warm-up ------------------------------------------------------------------------------------------


# α0 = 0.8: three quarters of the way after 3 of 3, a run of 12.
@pytest.mark.parametrize(
    ("name", "settings", "by_time"),
    [
        ("constant", {}, {0: 0.2, 1: 0.4, 2: 0.6, 3: 0.8, 4: 0.8, 11: 0.8}),
        ("exponential", {"base": 0.5}, {0: 0.2, 1: 0.4, 2: 0.6, 3: 0.8, 4: 0.4, 5: 0.2}),
        ("sqrt", {"k": 0.5}, {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4, 6: 0.2}),
        ("manual", {"points": ((1, 0.1),)}, {2: 0.6, 3: 0.8, 4: 0.1}),
        ("cosine", {}, {0: 0.2, 3: 0.8, 6: 0.6, 9: 0.2, 12: 0.0}),
        ("one_cycle", {"start_factor": 0.5, "shape": "linear"}, {0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4}),
    ],
    ids=case_id,
)
def test_a_warm_up_worked_by_hand(name, settings, by_time):
    decay = Warmup(DECAYS[name](**settings), length=3)
    assert {t: decay(0.8, t, 12) for t in by_time} == pytest.approx(by_time, rel=1e-14, abs=1e-16)


@each_case
@pytest.mark.parametrize("length", [0, 1, 5, 10])
def test_after_the_warm_up_the_run_is_as_if_it_began_there(name, settings, length):
    decay = DECAYS[name](**settings)
    warm = Warmup(decay, length=length)
    total = length + 30
    assert [warm(0.2, t, total) for t in range(length, total)] == [decay(0.2, t, 30) for t in range(30)]
    line = [warm(0.2, t, total) for t in range(length + 1)]
    first = decay(0.2, 0, 30)
    assert line == pytest.approx([first * (t + 1) / (length + 1) for t in range(length + 1)], rel=1e-14)


@each_case
@pytest.mark.parametrize("total", [1, 4, 5, 6])
def test_a_run_may_end_before_its_warm_up(name, settings, total):
    warm = Warmup(DECAYS[name](**settings), length=5)
    rates = [warm(0.2, t, total) for t in range(min(total, 6))]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(DECAYS[name](**settings)(0.2, 0, 1) / 6, rel=1e-14)
