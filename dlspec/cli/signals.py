"""SIGINT and SIGTERM.

Python's default turns Ctrl-C into an exception anywhere, which HDF5's callbacks swallow or which
leaves arrays half updated. So training only sets a flag; every other command has nothing to lose and
ends at once. A signal that the parent ignored (nohup) stays ignored.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
Handler = Callable[[int, FrameType | None], Any]


def _install(handler: Handler) -> dict[signal.Signals, Any]:
    return {
        number: signal.signal(number, handler) for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
    }


def exit_at_once() -> None:
    """End with 128 + the signal's number, without a traceback."""
    _install(lambda number, frame: os._exit(128 + number))  # noqa: ARG005 - the signature of a handler


class Interruption:
    """The signal that arrived, if any.

    Attributes:
        number: its number, None before.
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self) -> bool:
        """Whether a signal has arrived."""
        return self.number is not None

    def arrive(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        """Remember the first signal; end at once at the second."""
        if self.number is not None:
            os._exit(128 + number)
        self.number = number


@contextmanager
def flagged() -> Iterator[Interruption]:
    """Within this block the first signal only sets a flag."""
    interruption = Interruption()
    before = _install(interruption.arrive)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
