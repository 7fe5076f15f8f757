"""The battery holds everything there is, and all of it is right."""

import time
from itertools import islice

import families
import numpy as np
import pytest

from dlspec import battery
from dlspec.core.activations import ACTIVATIONS
from dlspec.core.layers import BatchNorm, Dropout, Elementwise
from dlspec.core.losses import LOSSES, Huber
from dlspec.core.regularizers import REGULARIZERS


def cases(group):
    return [case for case in battery.cases() if case.group == group]


def activation_of(case):
    return next(layer.activation for layer in case.hidden if isinstance(layer, Elementwise))


@pytest.fixture(scope="module")
def timed():
    """The whole battery, and the seconds it took."""
    started = time.perf_counter()
    checked = list(battery.run())
    return checked, time.perf_counter() - started


def test_every_case_is_right_in_less_than_20_seconds(timed):
    checked, seconds = timed
    wrong = [f"{one.case.group} {one.case.name}" for one in checked for block in one.blocks if block.verdict != "ok"]
    assert wrong == []
    assert [one.finding for one in checked] == [None] * len(checked)
    assert len(checked) > 90
    assert seconds < 20


def test_every_entry_of_every_case_is_checked(timed):
    for one in timed[0]:
        for block in one.blocks:
            assert block.differences.count + block.differences.left_out == block.size
            assert block.complex_step.count == block.size


def test_it_is_the_same_every_time(timed):
    for first, again in zip(timed[0], islice(battery.run(), 20), strict=False):
        assert [block.measures for block in first.blocks] == [block.measures for block in again.blocks]


def test_case_names_are_unique():
    names = [(case.group, case.name) for case in battery.cases()]
    assert len(set(names)) == len(names)


def test_the_tables_are_those_of_the_tests():
    rows = [(name, settings) for name in ACTIVATIONS for settings in ({}, *battery.ACTIVATION_SETTINGS.get(name, ()))]
    assert rows == families.ACTIVATION_CASES
    units = [(name, units) for name in LOSSES for units in battery.LOSS_UNITS.get(name, (1, 3))]
    assert units == families.LOSS_CASES
    assert {name for name, _ in families.REGULARIZER_CASES} == set(REGULARIZERS)


def test_every_member_has_a_case():
    assert {type(activation_of(case)) for case in cases("activation")} == set(ACTIVATIONS.values())
    assert {case.loss[0] for case in cases("loss")} == set(LOSSES)
    assert {name for case in cases("penalty") for name in case.penalties} == set(REGULARIZERS)
    assert tuple(REGULARIZERS) in {case.penalties for case in cases("penalty")}
    for position in ("before", "after"):
        found = {type(activation_of(case)) for case in cases("normalization") if case.name.startswith(position)}
        assert found == set(ACTIVATIONS.values())


def test_batch_normalisation_stands_on_both_sides_of_the_activation():
    for case in cases("normalization"):
        kinds = [type(layer) for layer in case.hidden]
        first = kinds.index(BatchNorm) < kinds.index(Elementwise)
        assert first == case.name.startswith("before")


def test_batches_of_one_of_several_and_in_every_memory_layout():
    assert {case.examples for case in cases("batch")} >= {1, 2, 3, 8, 64}
    assert {case.layout for case in cases("batch")} == {"rows", "columns", "strided"}
    case = next(case for case in cases("batch") if case.layout == "strided")
    objective = battery.objective(case, np.random.default_rng(0))
    assert not objective._X.flags.c_contiguous
    assert not objective._X.flags.f_contiguous


def test_dropout_is_checked_with_masks_that_drop_something():
    held = [case for case in battery.cases() if any(isinstance(layer, Dropout) for layer in case.hidden)]
    assert len(held) >= 5
    for case in held:
        objective = battery.objective(case, np.random.default_rng(0))
        assert objective.value() == objective.value()


def test_huber_has_errors_on_both_sides_of_delta():
    case = next(case for case in cases("loss") if case.loss == ("huber", {"delta": 0.3}) and case.units == 3)
    objective = battery.objective(case, np.random.default_rng(0))
    objective.value()
    _, _, sides = objective.value()
    assert isinstance(objective.cost.loss, Huber)
    assert {0, 1} == set(sides)


@pytest.mark.parametrize("epsilon", [1e-4, 1e-7])
def test_other_steps_agree(epsilon):
    assert {block.verdict for checked in battery.run(epsilon=epsilon) for block in checked.blocks} <= {
        "ok",
        "unchecked",
    }
