"""Early stopping in the loop: when it ends, and on which parameters."""

import numpy as np
import pytest

from dlspec.training.events import EpochDone
from dlspec.training.stopping import Watch

from .builders import epochs_of, make_cost, make_examples, make_trainer, scripted


def run(values, **watch):
    """Train on scripted dev losses: (epochs done, last event)."""
    settings = {"monitor": "dev_loss", "rising": False, **watch}
    trainer = make_trainer(
        make_cost(), make_examples(), epochs=len(values), watch=Watch(**settings), measure=scripted(values)
    )
    *events, finished = trainer.run()
    return epochs_of(events), finished


@pytest.mark.parametrize(
    ("values", "watch", "reason", "epochs", "best"),
    [
        ([3, 2, 2.5, 1], {"patience": 1}, "early_stopping", 3, 2),
        ([3, 2, 2.5, 1], {"patience": 2}, "completed", 4, 4),
        ([1, 2, 2, 2, 0], {"patience": 3}, "early_stopping", 4, 1),
        ([3, 1, 2, 2, 0, 9, 9, 9], {"patience": 3}, "early_stopping", 8, 5),
        ([2, 2, 2, 2], {"patience": 3}, "early_stopping", 4, 1),  # a tie is no improvement
        ([1, 0.95, 0.9, 0.85], {"patience": 3, "min_delta": 0.2}, "early_stopping", 4, 1),
        ([1, 0.95, 0.79, 0.85], {"patience": 3, "min_delta": 0.2}, "completed", 4, 3),
        ([1, 0.5, 0.25], {"patience": 1, "min_delta": 0.5}, "early_stopping", 2, 1),  # up to min_delta is none
        ([0.1, 0.3, 0.2, 0.2], {"patience": 2, "rising": True}, "early_stopping", 4, 2),
        ([0.3, 0.2, 0.1], {"patience": 2, "rising": True}, "early_stopping", 3, 1),
        ([3, 1, 2, 2], {"patience": None}, "completed", 4, 2),
        ([1, 5, 3, 4, 4, 0], {"patience": 2, "start_epoch": 3}, "early_stopping", 5, 3),  # the 1 does not count
        ([1, 1, 1, 1], {"patience": 1, "start_epoch": 4}, "completed", 4, 4),
    ],
)
def test_when_it_stops_and_which_epoch_is_the_best(values, watch, reason, epochs, best):
    done, finished = run(values, **watch)
    state = finished.state()
    assert (finished.reason, finished.epoch, len(done)) == (reason, epochs, epochs)
    assert (state.best_epoch, state.best_value, state.waited) == (best, values[best - 1], epochs - best)
    assert [event.epoch for event in done if event.improved][-1] == best


@pytest.mark.parametrize("values", [[5, 4, 3, 4, 5, 6], [5, 1, 3, 4, 2, 3], [3, 2, 1], [1, 2, 3], [1, 1, 1, 1]])
def test_the_best_parameters_are_those_of_the_best_epoch(values):
    trainer = make_trainer(
        make_cost(keep_prob=0.8),
        make_examples(),
        epochs=len(values),
        watch=Watch("dev_loss", rising=False, patience=3),
        measure=scripted(values),
    )
    thetas = {}
    for event in trainer.run():
        if isinstance(event, EpochDone):
            thetas[event.epoch] = event.state().vector
    state = event.state()
    assert state.best_epoch == 1 + values.index(min(values))
    np.testing.assert_array_equal(state.best_vector, thetas[state.best_epoch])
    np.testing.assert_array_equal(state.vector, thetas[max(thetas)])


def test_the_message_says_what_was_waited_for():
    _, finished = run([0.5, 0.125, 0.3, 0.2, 0.1], patience=2)
    assert finished.message == "no improvement of dev_loss for 2 epochs (best 0.125 after epoch 2)"


def test_improvements_are_marked():
    done, _ = run([3, 2, 2, 1, 5])
    assert [event.improved for event in done] == [True, True, False, True, False]
    done, _ = run([3, 2, 2, 1, 5], start_epoch=3)
    assert [event.improved for event in done] == [False, False, True, True, False]
