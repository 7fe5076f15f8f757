"""Loss spikes: golden numbers by a loop of our own, and what a trainer does with them."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from dlspec.training.events import EpochDone
from dlspec.training.spikes import DEVIATIONS, LISTED, SMALLEST_BATCH, WARM_UP, WEIGHT, Spike, SpikeState, SpikeWatch

from .builders import epochs_of, make_cost, make_examples, make_trainer, stop_after


def watched(losses, *, state=None, first=1):
    """A watch after these losses."""
    watch = SpikeWatch()
    if state is not None:
        watch.restore(state)
    for step, loss in enumerate(losses, start=first):
        watch(loss, step)
    return watch


def naive(losses):
    """Steps of the spikes, each with what was usual before it, from sums over the whole history: μ and σ² are those of
    the losses so far, each step's weight shrinking by what every later step takes."""
    found = []
    for step, loss in enumerate(losses, start=1):
        mean, variance = moments(losses[: step - 1])
        if step > WARM_UP and loss > 2 * mean and (loss - mean) ** 2 > DEVIATIONS**2 * variance:
            found.append((step, mean))
    return found


def moments(history):
    weights = np.ones(0)
    for t in range(1, len(history) + 1):
        w = max(WEIGHT, 1 / t)
        weights = np.append(weights * (1 - w), w)
    mean = float(weights @ history)
    return mean, float(weights @ (np.asarray(history) - mean) ** 2)


def noisy(steps, *, seed=0):
    """Losses that fall from 2 to 0.5, give or take 10 %."""
    rng = np.random.default_rng(seed)
    return (np.linspace(2, 0.5, steps) * (1 + 0.1 * rng.standard_normal(steps))).tolist()


def test_the_numbers_of_this_file_are_those_of_the_module():
    assert (WEIGHT, WARM_UP, DEVIATIONS, SMALLEST_BATCH, LISTED) == (0.02, 50, 8.0, 8, 100)


@pytest.mark.parametrize(
    ("losses", "mean", "variance"),
    [
        ([], 0.0, 0.0),
        ([3.0], 3.0, 0.0),
        ([1.0, 3.0], 2.0, 1.0),  # mean and variance of both, dividing by m
        ([1.0, 3.0, 8.0], 4.0, 26 / 3),
        ([2.0] * 50 + [4.0], 2 + 0.02 * 2, 0.98 * 0.02 * 4),  # from the 51st on each new loss has a weight of 0.02
        ([2.0] * 50 + [4.0, 2.0], 2.04 - 0.02 * 0.04, 0.98 * (0.98 * 0.02 * 4 + 0.02 * 0.04**2)),
    ],
)
def test_mean_and_variance_by_hand(losses, mean, variance):
    state = watched(losses).state()
    assert state.steps == len(losses)
    assert (state.mean, state.variance) == pytest.approx((mean, variance), rel=1e-14)
    assert state.found == ()


@pytest.mark.parametrize("seed", range(5))
def test_mean_and_variance_are_those_of_the_weighted_history(seed):
    losses = noisy(200, seed=seed)
    for steps in (1, 2, 49, 50, 51, 52, 120, 200):
        state = watched(losses[:steps]).state()
        assert (state.mean, state.variance) == pytest.approx(moments(losses[:steps]), rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_spikes_are_those_of_the_naive_loop(seed):
    rng = np.random.default_rng(seed)
    losses = np.array(noisy(300, seed=seed))
    losses[rng.integers(0, 300, 12)] *= rng.choice([1.5, 2.5, 4, 20, 1000], 12)
    found, expected = watched(losses.tolist()).take(), naive(losses.tolist())
    assert expected != []
    assert [spike.step for spike in found] == [step for step, _ in expected]
    for spike, (step, usual) in zip(found, expected, strict=True):
        assert spike.loss == losses[step - 1]
        assert spike.usual == pytest.approx(usual, rel=1e-12)


# After 50 losses of 1 ± 0.1 in turn: μ = 1 and σ = 0.1.
STEADY = [0.9, 1.1] * 25
# The same with 1 ± 0.01: twice the mean is further away than 8 deviations.
QUIET = [0.99, 1.01] * 25


@pytest.mark.parametrize(
    ("before", "loss", "found"),
    [
        (STEADY, 1.79, False),  # less than 8 σ above
        (STEADY, 1.81, False),  # more than 8 σ above, but not twice the mean
        (STEADY, 2.01, True),
        (QUIET, 1.99, False),
        (QUIET, 2.01, True),
        ([0.7, 1.3] * 25, 2.5, False),  # more than twice the mean, but 5 σ above
        ([0.7, 1.3] * 25, 3.5, True),
        (STEADY, 0.0, False),  # far below is no spike
        (STEADY, -5.0, False),
        ([0.0] * 50, 1e-9, True),
        ([0.0] * 50, 0.0, False),
        ([-1.1, -0.9] * 25, 3.0, True),
    ],
)
def test_both_limits(before, loss, found):
    watch = watched(before)
    mean = watch.state().mean
    watch(loss, 51)
    assert watch.take() == ((Spike(51, loss, mean),) if found else ())


@pytest.mark.parametrize(("steps", "found"), [(1, 0), (10, 0), (49, 0), (50, 1), (51, 1), (500, 1)])
def test_nothing_is_usual_before_50_steps(steps, found):
    watch = watched((STEADY * 10)[:steps])
    watch(1e6, steps + 1)
    assert len(watch.take()) == found


def test_a_spike_counts_into_what_is_usual():
    """So that a loss that stays high is usual soon, and no spike at every step."""
    found = watched(STEADY + [100.0] * 20).take()
    assert [spike.step for spike in found] == [51]


def test_spikes_are_taken_once():
    watch = watched([*STEADY, 50.0])
    assert watch.take() == (Spike(51, 50.0, pytest.approx(1.0)),)
    assert watch.take() == ()
    assert watch.state().steps == 51


def test_a_hundred_of_an_epoch_are_kept():
    losses = STEADY + [10.0**k for k in range(1, 150)]  # each is far above all before
    watch = watched(losses)
    assert [spike.step for spike in watch.take()] == list(range(51, 151))
    watch(1e200, 200)
    assert [spike.step for spike in watch.take()] == [200]


@pytest.mark.parametrize("stop", [0, 1, 30, 50, 51, 60, 61, 62, 119, 120])
def test_a_restored_watch_finds_the_same(stop):
    losses = noisy(120)
    losses[60] = losses[61] * 50
    losses[100] = losses[99] * 500  # so much, because the first has widened what is usual
    whole = watched(losses)
    resumed = watched(losses[stop:], state=watched(losses[:stop]).state(), first=stop + 1)
    assert resumed.state() == whole.state()  # the same bits
    assert [spike.step for spike in resumed.take()] == [61, 101]


def test_a_state_is_a_copy():
    watch = watched([*STEADY, 50.0])
    state = watch.state()
    watch.take()
    watched([], state=state)(80.0, 52)
    assert state == SpikeState(51, state.mean, state.variance, (Spike(51, 50.0, pytest.approx(1.0)),))


def test_a_loss_whose_square_overflows_leaves_finite_numbers():
    state = watched([*STEADY, 1e200, *STEADY]).state()
    assert math.isfinite(state.mean)
    assert math.isfinite(state.variance)
    assert [spike.step for spike in state.found] == [51]
    json.dumps(asdict(state), allow_nan=False)  # as a checkpoint does


# --- in a trainer -------------------------------------------------------------------------------------


def spiking_trainer(*, batch_size=8, epochs=12, spike_at=65, **settings):
    """A regression whose loss is about 100 times the usual at one step, because the targets of its batch are wrong."""
    examples = make_examples(m=64)
    trainer = make_trainer(
        make_cost(loss="squared_error"),
        type(examples)(X=examples.X, Y=examples.X.sum(axis=1, keepdims=True), rows=examples.rows),
        batch_size=batch_size,
        epochs=epochs,
        learning_rate=1e-5,
        measure=lambda: {"train_loss": 1.0},
        **settings,
    )
    batches = trainer.batches

    class Spiked:
        def __getattr__(self, name):
            return getattr(batches, name)

        def epoch(self, epoch, *, start=0):
            steps = start // batch_size + epoch * batches.steps_per_epoch
            for step, (X, Y, w) in enumerate(batches.epoch(epoch, start=start), start=steps + 1):
                yield X, Y * (10 if step == spike_at else 1), w  # 10 in the targets is 100 in their squares

    trainer.batches = Spiked()
    return trainer


def test_a_batch_100_times_off_is_found_and_recorded():
    done = epochs_of(spiking_trainer().run())  # 8 steps per epoch; step 65 is the first of the ninth
    assert [len(event.spikes) for event in done] == [0] * 8 + [1] + [0] * 3
    (spike,) = done[8].spikes
    assert spike.step == 65
    assert 20 * spike.usual < spike.loss < 400 * spike.usual


def test_what_is_found_changes_nothing(monkeypatch):
    """Training through a spike ends at the same bits as training that never looks."""
    seeing = list(spiking_trainer().run())[-1].state()
    monkeypatch.setattr("dlspec.training.trainer.SMALLEST_BATCH", 9)
    blind = list(spiking_trainer().run())[-1].state()
    assert (seeing.spikes.steps, blind.spikes.steps) == (96, 0)
    np.testing.assert_array_equal(seeing.vector, blind.vector)


@pytest.mark.parametrize(("batch_size", "looks"), [(1, False), (7, False), (8, True), (64, True)])
def test_in_small_batches_none_are_looked_for(batch_size, looks):
    trainer = spiking_trainer(batch_size=batch_size, epochs=70, spike_at=65)
    events = list(trainer.run())
    assert [spike.step for event in epochs_of(events) for spike in event.spikes] == ([65] if looks else [])
    assert events[-1].state().spikes.steps == (trainer.state().step if looks else 0)


def test_a_short_last_batch_is_small_too():
    """257 examples in batches of 64: the fifth of every epoch is one example, whose loss may be anything."""
    trainer = make_trainer(
        make_cost((3, 16, 1)), make_examples(m=257, seed=3), batch_size=64, epochs=25, learning_rate=0.03
    )
    events = list(trainer.run())
    assert [spike for event in epochs_of(events) for spike in event.spikes] == []
    assert events[-1].state().spikes.steps == 4 * 25


@pytest.mark.parametrize("stop", [1, 64, 65, 66, 72, 73, 90])
def test_an_interruption_loses_no_spike(stop):
    whole = list(spiking_trainer().run())
    first = spiking_trainer(interrupted=stop_after(stop))
    before = list(first.run())
    second = spiking_trainer()
    second.restore(before[-1].state())
    after = list(second.run())
    done = [event for event in (*before, *after) if isinstance(event, EpochDone)]
    assert [(event.epoch, event.spikes) for event in done] == [
        (event.epoch, event.spikes) for event in epochs_of(whole)
    ]
    assert after[-1].state().spikes == whole[-1].state().spikes
