"""The progress of a training run on standard error: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console

from dlspec.cli.console import console, text
from dlspec.report.numbers import value
from dlspec.report.spans import span
from dlspec.training.events import EpochDone, Event, RunStarted, StepsDone

BAR_EVERY_S = 0.2  # each costs 1.5 ms, most of it rich
LINE_EVERY_S = 2.0


class Display(Protocol):
    """Watches a run and shows it; a context manager, so that the terminal is always left in order."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show the event."""


def _numbers(quantities: Mapping[str, float]) -> str:
    """Cost of train and metric of dev (of train where there is no dev)."""
    split = "dev" if "dev_loss" in quantities else "train"
    parts = [f"cost {quantities['train_cost']:.4g}"]
    parts += [
        f"{split} {name} {value(name, number)}"
        for full, number in quantities.items()
        if (name := full.removeprefix(f"{split}_")) not in (full, "cost", "loss")
    ]
    return ", ".join(parts)


class Bar:
    """One line that is drawn again: epoch, bar, steps per second, cost, dev metric, time left."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.perf_counter):
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # only a terminal has a bar

        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[numbers]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            auto_refresh=False,  # a refreshing thread would take time from the training
            transient=True,
        )
        self._clock = clock
        self._task = self._progress.add_task("", epoch="", rate="", numbers="")
        self._epochs = self._before = 0
        self._measured: Mapping[str, float] | None = None  # not the event, whose state is a copy of everything
        self._started = self._drawn = clock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Draw, at most five times a second, with the numbers of the last epoch that was measured."""
        if isinstance(event, RunStarted):
            self._epochs, self._before = event.epochs, event.step
            self._started = self._clock()
            self._progress.update(self._task, total=event.steps, completed=event.step)
            return
        if isinstance(event, EpochDone):
            self._measured = event.quantities
        if isinstance(event, StepsDone | EpochDone) and self._clock() - self._drawn >= BAR_EVERY_S:
            self._draw(event)

    def _draw(self, event: StepsDone | EpochDone) -> None:
        self._drawn = self._clock()
        seconds = self._drawn - self._started
        fields = {
            "epoch": f"{event.epoch}/{self._epochs}",
            "rate": f"{(event.step - self._before) / seconds:,.0f} steps/s",
        }
        if self._measured is not None:
            fields["numbers"] = _numbers(self._measured)
        self._progress.update(self._task, completed=event.step, **fields)  # type: ignore[arg-type] # fields are Any
        self._progress.refresh()


class Lines:
    """A line from time to time: for logs and pipes."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.perf_counter):
        self._console = console
        self._clock = clock
        self._epochs = 0
        self._before = self._steps = 0
        self._measured: Mapping[str, float] | None = None  # as in the bar
        self._started = self._said = clock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Say how far it is, every two seconds, with the numbers of the last epoch that was measured."""
        if isinstance(event, RunStarted):
            self._epochs, self._before, self._steps = event.epochs, event.step, event.steps
            self._started = self._clock()
            return
        if isinstance(event, EpochDone):
            self._measured = event.quantities
        if isinstance(event, StepsDone | EpochDone) and self._clock() - self._said >= LINE_EVERY_S:
            self._say(event)

    def _say(self, event: StepsDone | EpochDone) -> None:
        self._said = self._clock()
        seconds, steps = self._said - self._started, event.step - self._before
        parts = [f"epoch {event.epoch}/{self._epochs}", f"{steps / seconds:,.0f} steps/s"]
        if self._measured is not None:
            parts.append(_numbers(self._measured))
        parts.append(f"{seconds / steps * (self._steps - event.step):.0f} s left")
        self._console.print(text(", ".join(parts)))


class Silence:
    """Nothing at all, for --quiet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, event: Event) -> None:
        """Show nothing."""


def display(console: Console, *, quiet: bool) -> Display:
    """The display that fits the place."""
    if quiet:
        return Silence()
    return Bar(console) if console.is_terminal else Lines(console)


@contextmanager
def counting(what: str, *, clock: Callable[[], float] = time.perf_counter) -> Iterator[Callable[[int, int], None]]:
    """A function of how many are done and how many there are, which shows both and the time left on standard error.

    A line that is drawn again on a terminal, a line from time to time elsewhere; nothing of what is done at once.
    """
    out, started = console(stderr=True), clock()
    said = started

    def show(done: int, total: int) -> None:
        nonlocal said
        now = clock()
        if now - said < (BAR_EVERY_S if out.is_terminal else LINE_EVERY_S) or not done:
            return
        said = now
        left = (now - started) / done * (total - done)
        line = f"{100 * done / total:.0f} % of the {what}, {span(left)} left"
        if out.is_terminal:
            out.file.write(f"\r\x1b[2K{line}")
            out.file.flush()
        else:
            out.print(text(line))

    try:
        yield show
    finally:
        if out.is_terminal and said > started:
            out.file.write("\r\x1b[2K")
