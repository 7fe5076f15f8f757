"""The training loop: its events, their numbers, and how a run ends."""

import itertools
import math
import weakref

import numpy as np
import pytest

from dlspec.core.optimizers import OPTIMIZERS
from dlspec.core.randomness import stream
from dlspec.data.batches import Batches
from dlspec.training.events import EpochDone, RunFinished, RunStarted, StepsDone
from dlspec.training.trainer import STEPS_DONE_EVERY_S

from .builders import epochs_of, make_cost, make_examples, make_trainer, stop_after


def frozen():
    return 0.0


def ticking(seconds):
    """A clock that moves on by so much at every look."""
    ticks = itertools.count()
    return lambda: seconds * next(ticks)


def thetas_after_each_step(cost, examples, *, steps, batch_size, learning_rate=0.01):
    """θ after each step of Adam, by a loop of our own."""
    step_of = {}
    rng = stream(1, "dropout")
    batches = Batches(examples.X, examples.Y, batch_size=batch_size, seed=1)
    for size in {batch_size, len(examples.X) % batch_size} - {0}:
        step_of[size] = cost.bind(size, rng=rng)
    parameters = cost.parameters
    update = OPTIMIZERS["adam"]().bind(parameters.theta, parameters.grad, decayed=parameters.decayed).step
    thetas = []
    for epoch in itertools.count():
        for X, Y, _ in batches.epoch(epoch):
            step_of[len(X)](X, Y)
            update(learning_rate, len(thetas) + 1)
            thetas.append(cost.parameters.theta.copy())
            if len(thetas) == steps:
                return thetas
    raise AssertionError("the loop above never ends by itself")


def test_events_come_in_order_with_their_numbers():
    trainer = make_trainer(make_cost(), make_examples(m=30), batch_size=8, epochs=3, clock=frozen)
    started, *epochs, finished = list(trainer.run())
    assert isinstance(started, RunStarted)
    assert (started.epochs, started.steps_per_epoch) == (3, 4)
    assert [type(event) for event in epochs] == [EpochDone] * 3
    assert [(event.epoch, event.step) for event in epochs] == [(1, 4), (2, 8), (3, 12)]
    assert all(set(event.quantities) == {"train_cost", "train_loss", "train_accuracy"} for event in epochs)
    assert isinstance(finished, RunFinished)
    assert (finished.reason, finished.epoch, finished.step, finished.message) == ("completed", 3, 12, "3 epochs")


@pytest.mark.parametrize(("batch_size", "steps_per_epoch"), [(1, 10), (4, 3), (5, 2), (10, 1), (999, 1)])
def test_every_epoch_sees_every_example_in_as_many_steps_as_it_takes(batch_size, steps_per_epoch):
    trainer = make_trainer(make_cost(), make_examples(m=10), batch_size=batch_size, epochs=2)
    events = list(trainer.run())
    assert events[0].steps_per_epoch == steps_per_epoch
    assert [event.step for event in epochs_of(events)] == [steps_per_epoch, 2 * steps_per_epoch]
    assert events[-1].reason == "completed"


def test_the_learning_rate_decays_from_the_second_epoch_on():
    trainer = make_trainer(
        make_cost(), make_examples(), epochs=4, learning_rate=0.08, decay=("exponential", {"base": 0.5})
    )
    assert [event.learning_rate for event in epochs_of(trainer.run())] == [0.08, 0.04, 0.02, 0.01]


def test_the_steps_are_those_of_a_plain_loop():
    examples = make_examples(m=30)
    expected = thetas_after_each_step(make_cost(keep_prob=0.7), examples, steps=12, batch_size=8)
    cost = make_cost(keep_prob=0.7)
    trainer = make_trainer(cost, examples, batch_size=8, epochs=3)
    seen = [event.state().vector for event in trainer.run() if isinstance(event, EpochDone)]
    np.testing.assert_array_equal(seen, expected[3::4])


def test_same_seed_same_run():
    def run(seed):
        trainer = make_trainer(make_cost(keep_prob=0.6, seed=seed), make_examples(), seed=seed)
        events = list(trainer.run())
        return [dict(event.quantities) for event in epochs_of(events)], events[-1].state().vector

    quantities, theta = run(7)
    again_quantities, again_theta = run(7)
    assert quantities == again_quantities
    np.testing.assert_array_equal(theta, again_theta)
    assert not np.array_equal(theta, run(8)[1])


def test_signs_of_life_depend_on_the_clock_alone():
    def run(clock):
        events = list(make_trainer(make_cost(), make_examples(m=30), batch_size=8, epochs=3, clock=clock).run())
        signs = [event for event in events if isinstance(event, StepsDone)]
        return signs, [dict(event.quantities) for event in epochs_of(events)]

    silent, quantities = run(frozen)
    assert silent == []
    signs, same_quantities = run(ticking(STEPS_DONE_EVERY_S * 1.01))
    assert [(sign.epoch, sign.step) for sign in signs] == [(step // 4, step + 1) for step in range(12)]
    assert all(0 < sign.loss < 2 for sign in signs)
    assert same_quantities == quantities
    rarer, _ = run(ticking(STEPS_DONE_EVERY_S / 2.5))  # the third look is the first that is late enough
    assert [sign.step for sign in rarer] == [3, 7, 11]


def test_the_state_of_an_event_goes_with_it():
    trainer = make_trainer(make_cost(), make_examples(), epochs=4, say_next=lambda step: step + 1, clock=frozen)
    events = trainer.run()
    kept, seen = None, 0
    while (event := next(events, None)) is not None:
        if isinstance(event, StepsDone) and kept is not None:
            assert kept() is None
            kept, seen = None, seen + 1
        elif isinstance(event, EpochDone):
            kept = weakref.ref(event.state().optimizer["v"])
        del event
    assert seen == 3


def every_third(epoch):
    return epoch % 3 == 0 or epoch == 8


def test_epochs_that_are_not_measured_end_without_a_word():
    settings = {"batch_size": 8, "epochs": 8, "clock": frozen}
    *_, whole = make_trainer(make_cost(keep_prob=0.7), make_examples(), **settings).run()
    started, *measured, finished = make_trainer(
        make_cost(keep_prob=0.7), make_examples(), is_measured=every_third, **settings
    ).run()
    assert [(type(event), event.epoch, event.step) for event in measured] == [
        (EpochDone, 3, 12), (EpochDone, 6, 24), (EpochDone, 8, 32)
    ]  # fmt: skip
    assert (started.steps, finished.reason, finished.epoch, finished.step) == (32, "completed", 8, 32)
    np.testing.assert_array_equal(finished.state().vector, whole.state().vector)


def test_signs_of_life_say_whether_the_end_of_a_measured_epoch_follows():
    def ends(**settings):
        trainer = make_trainer(make_cost(), make_examples(m=30), batch_size=8, epochs=8, **settings)
        return [(event.step, event.epoch_done_follows) for event in trainer.run() if isinstance(event, StepsDone)]

    last = ends(is_measured=every_third, clock=ticking(1.0))
    assert [step for step, _ in last] == list(range(1, 33))
    assert [step for step, follows in last if follows] == [12, 24, 32]
    # The clock goes on where nothing is measured in between: the fifth look is late enough, once an epoch.
    rare = ends(is_measured=every_third, clock=ticking(STEPS_DONE_EVERY_S / 4.5))
    assert len(rare) > len(ends(clock=ticking(STEPS_DONE_EVERY_S / 4.5)))


@pytest.mark.parametrize("at", [3, 4, 8, 11, 12, 16, 30, 31])
def test_a_state_from_anywhere_goes_on_alike_where_not_every_epoch_is_measured(at):
    settings = {"batch_size": 8, "epochs": 8, "is_measured": every_third}

    def state_at(trainer):
        for event in trainer.run():
            if event.step == at and isinstance(event, StepsDone):
                return event.state()
        raise AssertionError(f"no step {at}")

    whole = list(make_trainer(make_cost(keep_prob=0.7), make_examples(), clock=frozen, **settings).run())
    state = state_at(make_trainer(make_cost(keep_prob=0.7), make_examples(), say_next=lambda _: at, **settings))
    resumed = make_trainer(make_cost(keep_prob=0.7, seed=2), make_examples(), clock=frozen, **settings)
    resumed.restore(state)
    rest = list(resumed.run())
    assert [event.quantities for event in epochs_of(rest)] == [
        event.quantities for event in epochs_of(whole) if event.step >= at
    ]
    np.testing.assert_array_equal(rest[-1].state().vector, whole[-1].state().vector)


@pytest.mark.parametrize(("steps", "seen"), [(1, 8), (3, 24), (4, 30), (5, 8), (11, 24)])
def test_an_interruption_stops_after_that_very_step(steps, seen):
    examples = make_examples(m=30)
    expected = thetas_after_each_step(make_cost(keep_prob=0.7), examples, steps=steps, batch_size=8)[-1]
    trainer = make_trainer(
        make_cost(keep_prob=0.7), examples, batch_size=8, epochs=3, interrupted=stop_after(steps), clock=frozen
    )
    *_, finished = trainer.run()
    state = finished.state()
    assert (finished.reason, finished.message) == ("interrupted", f"stopped after step {steps}")
    assert state.step == finished.step == steps
    assert state.seen == seen
    assert state.epoch == finished.epoch == (steps - 1) // 4
    np.testing.assert_array_equal(state.vector, expected)


def test_a_state_is_a_copy():
    trainer = make_trainer(make_cost(keep_prob=0.5), make_examples(), epochs=2)
    events = trainer.run()
    before = next(events).state()
    copies = before.vector.copy(), {name: array.copy() for name, array in before.optimizer.items()}, dict(before.rng)
    after = list(events)[-1].state()
    np.testing.assert_array_equal(before.vector, copies[0])
    assert set(before.optimizer) == set(after.optimizer) == set(copies[1]) != set()
    for name, array in copies[1].items():
        np.testing.assert_array_equal(before.optimizer[name], array)
        assert not np.array_equal(after.optimizer[name], array)
    assert before.rng == copies[2] != after.rng
    assert not np.array_equal(before.vector, after.vector)


def test_the_watchers_of_an_event_share_a_state_that_stays_as_it_was():
    trainer = make_trainer(make_cost(), make_examples(), epochs=6, learning_rate=0.3)
    taken = []
    for event in trainer.run():
        state = event.state()
        assert event.state() is state
        taken.append((state, state.vector.copy(), state.best_vector.copy()))
    bests = [state.best_epoch for state, _, _ in taken]
    assert len(set(bests)) > 2  # some epochs are the best so far, and some are not
    assert any(state.best_epoch < state.epoch for state, _, _ in taken)
    for number, (state, vector, best) in enumerate(taken):
        np.testing.assert_array_equal(state.vector, vector)
        np.testing.assert_array_equal(state.best_vector, best)
        np.testing.assert_array_equal(best, taken[state.best_epoch][1])  # the first event is of epoch 0
        assert number == 0 or not np.array_equal(vector, taken[0][1])


def test_a_learning_rate_beyond_reason_diverges_and_says_where():
    cost = make_cost((3, 5, 1), loss="squared_error")
    examples = make_examples(m=30)
    targets = type(examples)(X=examples.X, Y=examples.Y[:, None].astype(float), rows=examples.rows)
    with np.errstate(all="ignore"):
        trainer = make_trainer(
            cost, targets, optimizer=("sgd", {}), learning_rate=1e200, epochs=5, measure=lambda: {"train_loss": 1.0}
        )
        events = list(trainer.run())
    finished = events[-1]
    assert finished.reason == "diverged"
    assert finished.step == 1
    assert finished.message == (
        "the loss is inf at step 2 in epoch 1; first in the loss itself: every layer is finite with "
        "dropout off, and the logits reach "
        "1.17e+200"
    )
    assert finished.advice == (
        "lower optimizer.learning_rate, by a factor of 10 to begin with",
        "rescale the targets of a regression, or normalize: standard",
    )
    assert not any(isinstance(event, EpochDone) for event in events)


def test_a_million_as_learning_rate_never_passes_for_success():
    with np.errstate(all="ignore"):
        cost = make_cost(loss="squared_error", dtype=np.float32)
        examples = make_examples(dtype=np.float32)
        targets = type(examples)(X=examples.X, Y=examples.Y[:, None].astype(np.float32), rows=examples.rows)
        trainer = make_trainer(
            cost,
            targets,
            optimizer=("sgd", {}),
            learning_rate=1e6,
            epochs=50,
            measure=lambda: {"train_loss": float(np.abs(cost.parameters.theta).sum())},
        )
        finished = list(trainer.run())[-1]
    assert finished.reason == "diverged"
    assert f"step {finished.step + 1} in epoch {finished.epoch + 1}" in finished.message


def test_nan_in_an_example_ends_the_run_at_its_step():
    examples = make_examples(m=30)
    order = [Y.copy() for X, Y, _ in Batches(np.arange(30.0)[:, None], np.arange(30), batch_size=8, seed=1).epoch(0)]
    examples.X[order[2][0]] = np.nan  # its turn comes in the third mini-batch
    with np.errstate(all="ignore"):
        finished = list(make_trainer(make_cost(), examples, batch_size=8).run())[-1]
    assert (finished.reason, finished.step, finished.epoch) == ("diverged", 2, 0)
    assert finished.message == (
        "the loss is nan at step 3 in epoch 1; first in the inputs: 3 of 24 values are not finite"
    )
    assert finished.advice == ("look at the data: an input is not a number, or too large for the dtype",)
    assert np.isfinite(finished.state().vector).all()  # the step that would spoil it was not taken


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_measured_quantity_that_is_not_finite_ends_the_run(value):
    values = iter([1.0, value])
    trainer = make_trainer(
        make_cost(), make_examples(), measure=lambda: {"train_loss": 0.5, "dev_cost": next(values)}, epochs=9
    )
    events = list(trainer.run())
    assert [event.epoch for event in epochs_of(events)] == [1]
    assert (events[-1].reason, events[-1].message) == ("diverged", f"dev_cost is {value} after epoch 2")
    assert events[-1].state().best_epoch == 1


def test_full_batch_gradient_descent_lowers_the_cost_at_every_step():
    cost = make_cost((3, 8, 1), penalties=[("l2", 0.5), ("l1", 0.01)])
    trainer = make_trainer(
        cost, make_examples(m=40), batch_size=40, epochs=60, optimizer=("sgd", {}), learning_rate=0.05
    )
    costs = [event.quantities["train_cost"] for event in epochs_of(trainer.run())]
    assert len(costs) == 60
    assert all(after < before for before, after in itertools.pairwise(costs))
    assert costs[-1] < 0.8 * costs[0]
