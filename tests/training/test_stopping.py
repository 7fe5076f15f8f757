"""The policies as properties: pure functions of the history."""

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st

from dlspec.training.stopping import Best, Watch, after_epoch, is_over

values_of_epochs = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=40)
coarse_values = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=40)  # many ties
deltas = st.sampled_from([0.0, 1e-3, 1.0])


def history(values, watch):
    """The best epoch after each epoch."""
    best, history = Best(), []
    for epoch, value in enumerate(values, start=1):
        best = after_epoch(best, watch, epoch=epoch, value=value)
        history.append(best)
    return history


@given(st.one_of(values_of_epochs, coarse_values))
def test_without_min_delta_the_best_is_the_first_smallest(values):
    last = history(values, Watch("dev_loss", rising=False))[-1]
    assert last.value == min(values)
    assert last.epoch == 1 + values.index(min(values))


@given(st.one_of(values_of_epochs, coarse_values), deltas)
def test_waiting_counts_the_epochs_since_the_best(values, min_delta):
    for epoch, best in enumerate(history(values, Watch("dev_loss", rising=False, min_delta=min_delta)), start=1):
        assert best.waited == epoch - best.epoch
        assert best.value == values[best.epoch - 1]


def test_waiting_is_counted_in_epochs_where_only_some_are_measured():
    watch, best, seen = Watch("dev_loss", rising=False, patience=10), Best(), []
    for epoch, value in [(1, 3.0), (5, 2.0), (10, 2.5), (14, 2.5), (15, 2.5)]:
        best = after_epoch(best, watch, epoch=epoch, value=value)
        seen.append((best.epoch, best.waited, is_over(best, watch)))
    assert seen == [(1, 0, False), (5, 0, False), (5, 5, False), (5, 9, False), (5, 10, True)]


@given(st.one_of(values_of_epochs, coarse_values), deltas)
def test_the_best_only_improves_and_by_more_than_min_delta(values, min_delta):
    bests = history(values, Watch("dev_loss", rising=False, min_delta=min_delta))
    for before, after in itertools.pairwise(bests):
        assert after == dataclasses.replace(before, waited=before.waited + 1) or (
            before.value - after.value > min_delta and after.waited == 0
        )


@given(st.one_of(values_of_epochs, coarse_values), deltas)
def test_rising_is_falling_upside_down(values, min_delta):
    falling = history(values, Watch("dev_loss", rising=False, min_delta=min_delta))
    rising = history([-value for value in values], Watch("dev_accuracy", rising=True, min_delta=min_delta))
    assert [(best.epoch, best.waited) for best in rising] == [(best.epoch, best.waited) for best in falling]


@given(st.one_of(values_of_epochs, coarse_values), st.integers(1, 8))
def test_patience_counts_epochs_without_improvement(values, patience):
    watch = Watch("dev_loss", rising=False, patience=patience)
    for epoch, best in enumerate(history(values, watch), start=1):
        start = max(0, epoch - patience)
        earlier, recent = values[:start], values[start:epoch]
        nothing_better = len(earlier) > 0 and min(recent) >= min(earlier)
        assert is_over(best, watch) == nothing_better


@given(values_of_epochs)
def test_without_patience_it_is_never_over(values):
    watch = Watch("dev_loss", rising=False, patience=None)
    assert not any(is_over(best, watch) for best in history(values, watch))


@given(values_of_epochs, st.integers(0, 39))
def test_the_history_before_is_all_that_counts(values, cut):
    watch = Watch("dev_loss", rising=False, min_delta=0.5, patience=2)
    assert history(values[:cut], watch) == history(values, watch)[:cut]


@given(st.one_of(values_of_epochs, coarse_values), st.integers(1, 45), deltas)
def test_before_its_start_epoch_nothing_counts(values, start_epoch, min_delta):
    watch = Watch("dev_loss", rising=False, min_delta=min_delta, patience=3, start_epoch=start_epoch)
    early, late = values[: start_epoch - 1], values[start_epoch - 1 :]
    seen = history(values, watch)
    assert seen[: len(early)] == [Best()] * len(early)
    # From then on it is as if the run had begun there, but for the numbers of the epochs.
    fresh = history(late, Watch("dev_loss", rising=False, min_delta=min_delta, patience=3))
    assert seen[len(early) :] == [dataclasses.replace(best, epoch=best.epoch + len(early)) for best in fresh]
