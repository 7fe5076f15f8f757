"""Learning-rate decay."""

import math

import pytest
import reference
from families import DECAY_CASES, case_id

from dlspec.core.decay import DECAYS

each_case = pytest.mark.parametrize(("name", "settings"), DECAY_CASES, ids=case_id)


@each_case
def test_100_epochs_are_the_formula(name, settings):
    decay = DECAYS[name](**settings)
    rates = [decay(0.2, epoch) for epoch in range(100)]
    assert rates == pytest.approx([reference.DECAYS[name](0.2, epoch, **settings) for epoch in range(100)], rel=1e-14)


@each_case
def test_epochs_can_be_asked_in_any_order(name, settings):
    decay = DECAYS[name](**settings)
    forwards = [decay(0.2, epoch) for epoch in range(20)]
    assert [decay(0.2, epoch) for epoch in reversed(range(20))] == forwards[::-1]


# α0 = 0.8; the epochs are 0, 1 and those around each boundary.
@pytest.mark.parametrize(
    ("name", "settings", "by_epoch"),
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
    ],
    ids=case_id,
)
def test_rates_at_the_boundaries(name, settings, by_epoch):
    decay = DECAYS[name](**settings)
    assert {epoch: decay(0.8, epoch) for epoch in by_epoch} == pytest.approx(by_epoch, rel=1e-15)


def test_worked_example_of_the_course():
    decay = DECAYS["inverse_time"](rate=1.0)
    assert [round(decay(0.2, epoch), 3) for epoch in (1, 2, 3, 4)] == [0.1, 0.067, 0.05, 0.04]


def test_a_long_run_underflows_to_0_without_an_error():
    assert DECAYS["exponential"](base=0.5)(0.8, 10_000) == 0.0
    assert DECAYS["staircase"](factor=0.5, every=1)(0.8, 10_000) == 0.0
