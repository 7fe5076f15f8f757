"""Lowering the learning rate on a plateau: worked by hand, and as a property of every history."""

import itertools
import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.run import checkpoint
from dlspec.training.plateau import Plateau, PlateauState, lowered
from dlspec.training.stopping import Best, Watch, after_epoch


def history(values, *, learning_rate=1.0, state=None, first=1, rising=False, min_delta=0.0, patience=2, **settings):
    """The state after each epoch."""
    watch = Watch("dev_loss", rising=rising, min_delta=min_delta, patience=patience)
    plateau = Plateau(watch, **settings)
    state, states = state or PlateauState(), []
    for epoch, value in enumerate(values, start=first):
        state = lowered(state, plateau, learning_rate=learning_rate, epoch=epoch, value=value)
        states.append(state)
    return states


@pytest.mark.parametrize(
    ("values", "settings", "factors"),
    [
        ([3, 2, 1, 0], {}, [1, 1, 1, 1]),
        # Waiting begins after the best; after each lowering it begins anew.
        ([1, 1, 1, 1, 1, 1, 1], {}, [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]),
        ([1, 2, 0.5, 2, 2, 2], {}, [1, 1, 1, 1, 0.5, 0.5]),
        ([1, 2, 2, 0.5, 2, 2], {}, [1, 1, 0.5, 0.5, 0.5, 0.25]),
        ([1, 2, 3], {"patience": 1}, [1, 0.5, 0.25]),
        ([1, 2, 2, 2], {"factor": 0.1, "patience": 1}, [1, 0.1, 0.01, 0.001]),
        ([1, 0.9, 0.8, 0.7], {"min_delta": 0.2}, [1, 1, 0.5, 0.5]),  # 0.7 is more than 0.2 better, and resets
        ([1, 2, 3, 4], {"rising": True, "patience": 1}, [1, 1, 1, 1]),
        ([4, 3, 2, 1], {"rising": True, "patience": 1}, [1, 0.5, 0.25, 0.125]),
        # The epoch after each lowering does not count.
        ([1, 1, 1, 1, 1, 1, 1], {"cooldown": 1}, [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]),
        ([1, 1, 1, 1, 1, 1], {"cooldown": 3, "patience": 1}, [1, 0.5, 0.5, 0.5, 0.5, 0.25]),
        # α0 = 1 may fall to 0.3 and no lower.
        ([1, 1, 1, 1], {"min_rate": 0.3, "patience": 1}, [1, 0.5, 0.3, 0.3]),
        ([1, 1, 1], {"min_rate": 2.0, "patience": 1}, [1, 1, 1]),  # nor does it rise to it
        ([1, 1, 1], {"min_rate": 0.03, "patience": 1, "learning_rate": 0.1}, [1, 0.5, 0.3]),
    ],
)
def test_worked_by_hand(values, settings, factors):
    assert [state.factor for state in history(values, **settings)] == pytest.approx(factors, rel=1e-14)


def test_a_state_worked_by_hand():
    assert history([5, 3, 4, 4, 4, 1], cooldown=1) == [
        PlateauState(1.0, Best(1, 5, 0), 0),
        PlateauState(1.0, Best(2, 3, 0), 0),
        PlateauState(1.0, Best(2, 3, 1), 0),
        PlateauState(0.5, Best(2, 3, 2), 5),
        PlateauState(0.5, Best(2, 3, 3), 5),
        PlateauState(0.5, Best(6, 1, 0), 5),
    ]


def test_only_some_epochs_measured_worked_by_hand():
    plateau = Plateau(Watch("dev_loss", rising=False, patience=4), cooldown=3)
    state, states = PlateauState(), []
    for epoch, value in [(1, 5), (4, 3), (8, 4), (12, 4), (16, 4), (17, 2), (20, 9), (21, 9)]:
        state = lowered(state, plateau, learning_rate=1.0, epoch=epoch, value=value)
        states.append((state.factor, state.best.epoch, state.waits_from))
    assert states == [
        (1.0, 1, 0),
        (1.0, 4, 0),
        (0.5, 4, 11),  # 4 epochs after the best; those up to 11 do not count
        (0.5, 4, 11),
        (0.25, 4, 19),
        (0.25, 17, 19),
        (0.25, 17, 19),
        (0.25, 17, 19),
    ]


@pytest.mark.parametrize(
    ("saved", "waits_from"),
    [
        ({"best": Best(7, 0.5, 2), "cooldown": 0}, 7),
        ({"best": Best(3, 0.5, 2), "cooldown": 0}, 7),  # lowered after epoch 7
        ({"best": Best(3, 0.5, 0), "cooldown": 4}, 13),
        ({"best": Best(3, 0.5, 6), "waits_from": 11}, 11),
    ],
)
def test_a_state_of_a_checkpoint_after_epoch_9(saved, waits_from):
    best = saved["best"]
    found = checkpoint.plateau_of({**saved, "factor": 0.5, "best": asdict(best)}, epoch=9)
    assert found == PlateauState(0.5, best, waits_from)


losses = st.lists(st.floats(-1e6, 1e6) | st.integers(0, 3).map(float), min_size=1, max_size=40)
plateaus = st.fixed_dictionaries(
    {
        "rising": st.booleans(),
        "min_delta": st.sampled_from([0.0, 1e-3, 1.0]),
        "patience": st.integers(1, 5),
        "factor": st.floats(0.01, 0.99),
        "min_rate": st.sampled_from([0.0, 1e-3, 0.5, 7.0]),
        "cooldown": st.integers(0, 4),
        "learning_rate": st.floats(1e-4, 10.0),
    }
)


@given(losses, plateaus)
def test_the_rate_never_rises_nor_falls_below_its_bound(values, settings):
    factors = [1.0, *(state.factor for state in history(values, **settings))]
    for before, after in itertools.pairwise(factors):
        assert after <= before
        lowest = settings["min_rate"] / settings["learning_rate"]
        assert after == before or after == max(before * settings["factor"], lowest)


@given(losses, plateaus)
def test_lowerings_are_patience_and_cooldown_apart(values, settings):
    factors = [1.0, *(state.factor for state in history(values, **settings | {"min_rate": 0.0}))]
    epochs = [epoch for epoch, (before, after) in enumerate(itertools.pairwise(factors), start=1) if after < before]
    assert all(epoch > settings["patience"] for epoch in epochs[:1])
    apart = settings["patience"] + settings["cooldown"]
    assert all(later - sooner >= apart for sooner, later in itertools.pairwise(epochs))


@given(losses, plateaus)
def test_the_best_is_that_of_early_stopping(values, settings):
    watch = Watch("dev_loss", rising=settings["rising"], min_delta=settings["min_delta"])
    best = Best()
    for epoch, value in enumerate(values, start=1):
        best = after_epoch(best, watch, epoch=epoch, value=value)
    last = history(values, **settings)[-1].best
    assert (last.epoch, last.value) == (best.epoch, best.value)


@given(losses, plateaus, st.integers(0, 39))
def test_a_state_written_as_json_goes_on_where_it_was(values, settings, cut):
    whole = history(values, **settings)
    saved = json.loads(json.dumps(asdict(whole[min(cut, len(values) - 1)]), allow_nan=False))
    state = PlateauState(**saved | {"best": Best(**saved["best"])})
    cut = min(cut, len(values) - 1) + 1
    assert history(values[cut:], state=state, first=cut + 1, **settings) == whole[cut:]
