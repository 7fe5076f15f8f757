"""The progress of a run: a bar on a terminal, a line from time to time elsewhere."""

import io

import pytest
from rich.console import Console

from dlspec.cli.progress import BAR_EVERY_S, LINE_EVERY_S, Bar, Lines, Silence, counting, display
from dlspec.training.events import EpochDone, RunFinished, RunStarted, StepsDone


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def started(*, epoch=0, step=0, steps=40):
    return RunStarted(4, 10, steps, epoch, step, state=None)


def steps_done(epoch, step):
    return StepsDone(epoch, step, 0.5, step % 10 == 0, state=None)


def epoch_done(epoch, **quantities):
    quantities = quantities or {"train_cost": 0.51234, "train_loss": 0.5, "dev_loss": 0.6, "dev_accuracy": 0.9}
    return EpochDone(epoch, 10 * epoch, 0.1, quantities, True, (), state=None)


FINISHED = RunFinished("completed", 4, 40, "4 epochs", state=None)


def shown(watcher_class, timeline, *, terminal=False):
    """Everything that is written for events at their seconds."""
    file, clock = io.StringIO(), Clock()
    console = Console(file=file, force_terminal=terminal, width=120, highlight=False, color_system=None)
    with watcher_class(console, clock=clock) as watcher:
        for seconds, event in timeline:
            clock.now = 1000.0 + seconds
            watcher(event)
    return file.getvalue()


def test_lines_come_every_two_seconds():
    timeline = [(0, started()), (LINE_EVERY_S - 0.1, epoch_done(1)), (2.5, epoch_done(2)), (3, epoch_done(3))]
    assert shown(Lines, timeline) == "epoch 2/4, 8 steps/s, cost 0.5123, dev accuracy 90.00 %, 2 s left\n"


def test_a_resumed_run_counts_its_own_epochs_and_steps():
    timeline = [(0, started(epoch=2, step=20)), (2.5, epoch_done(3))]
    assert shown(Lines, timeline) == "epoch 3/4, 4 steps/s, cost 0.5123, dev accuracy 90.00 %, 2 s left\n"
    text = shown(Bar, timeline, terminal=True)
    assert "epoch 3/4" in text
    assert "4 steps/s" in text


def test_the_bar_of_a_run_resumed_within_an_epoch():
    bar = Bar(Console(file=io.StringIO()), clock=Clock())
    bar(started(epoch=2, step=25))
    (task,) = bar._progress.tasks
    assert (task.completed, task.total) == (25, 40)


@pytest.mark.parametrize(
    ("begun", "total"), [(started(), 40), (started(epoch=2, step=20), 40), (started(epoch=2, step=50, steps=70), 70)]
)
def test_the_bar_spans_the_whole_run(begun, total):
    """Also where the epochs so far had another number of steps."""
    bar = Bar(Console(file=io.StringIO()), clock=Clock())
    bar(begun)
    (task,) = bar._progress.tasks
    assert (task.completed, task.total) == (begun.step, total)


def test_without_a_dev_set_the_metric_is_that_of_train():
    event = epoch_done(2, train_cost=2.0, train_loss=1.5, train_rmse=12.3456789)
    assert "cost 2, train rmse 12.346" in shown(Lines, [(0, started()), (5, event)])


def test_lines_within_an_epoch_have_the_numbers_of_the_last_one_that_was_measured():
    timeline = [(0, started()), (1, steps_done(0, 2)), (4, steps_done(0, 5)), (8, steps_done(0, 8)), (9, epoch_done(1)),
                (12, steps_done(1, 12)), (12.1, steps_done(1, 13)), (12.2, FINISHED)]  # fmt: skip
    assert shown(Lines, timeline).splitlines() == [
        "epoch 0/4, 1 steps/s, 28 s left",
        "epoch 0/4, 1 steps/s, 32 s left",
        "epoch 1/4, 1 steps/s, cost 0.5123, dev accuracy 90.00 %, 28 s left",
    ]


def test_the_bar_shows_epoch_speed_and_numbers():
    text = shown(Bar, [(0, started()), (1, epoch_done(1)), (1.01, steps_done(1, 15)), (2, FINISHED)], terminal=True)
    assert "epoch 1/4" in text
    assert "10 steps/s" in text
    assert "cost 0.5123, dev accuracy 90.00 %" in text


def test_the_bar_keeps_the_numbers_of_an_epoch_that_ended_between_two_drawings():
    timeline = [(0, started()), (1, steps_done(0, 5)), (1.05, epoch_done(1)), (1.3, steps_done(1, 15))]
    assert "cost 0.5123, dev accuracy 90.00 %" in shown(Bar, timeline, terminal=True)


@pytest.mark.parametrize(("seconds", "drawn"), [(BAR_EVERY_S * 0.9, False), (BAR_EVERY_S * 1.1, True)])
def test_the_bar_is_drawn_at_most_five_times_a_second(seconds, drawn):
    text = shown(Bar, [(0, started()), (seconds, steps_done(0, 5))], terminal=True)
    assert ("epoch 0/4" in text) == drawn


def test_the_display_fits_the_place():
    def of(*, terminal, quiet=False):
        return type(display(Console(file=io.StringIO(), force_terminal=terminal), quiet=quiet))

    assert of(terminal=True) is Bar
    assert of(terminal=False) is Lines
    assert of(terminal=True, quiet=True) is Silence


def test_a_quiet_display_takes_every_event_and_shows_nothing(capsys):
    with Silence() as silence:
        for event in (started(), steps_done(0, 1), epoch_done(1), FINISHED):
            silence(event)
    assert capsys.readouterr() == ("", "")


def test_counting_tells_how_much_is_done_and_the_time_left(capsys):
    times = iter([0.0, 1.0, 4.0, 4.5, 9.0])
    with counting("runs", clock=lambda: next(times)) as show:
        for done in range(4):
            show(done, 4)
    # Nothing at once, and then at most a line every two seconds.
    assert capsys.readouterr().err.splitlines() == ["25 % of the runs, 12 s left", "75 % of the runs, 3.00 s left"]
