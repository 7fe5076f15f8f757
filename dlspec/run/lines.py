"""Files that grow by lines: those of a tenth of a second are written together.

A run of short epochs would else spend a tenth of its time in calls of the system. A reader who follows the file sees no
difference; a process that is killed loses the lines of that tenth at most, a run that goes on writes them again.
"""

import time
from collections.abc import Callable
from pathlib import Path

from dlspec.run import storage

TOGETHER_S = 0.1


class Lines:
    """A file that grows by whole lines.

    Args:
        path: the file; created when missing.
        length: bytes to keep of an older file; None keeps every line that ends.
        clock: seconds; decides only when lines are written, never what they say.

    Raises:
        RunError: the system refused, or the file is shorter than `length`.
    """

    def __init__(self, path: Path, *, length: int | None = None, clock: Callable[[], float] = time.perf_counter):
        self._file = storage.Appender(path, length=length)
        self._clock = clock
        self._due = clock()
        self._waiting: list[str] = []

    def append(self, line: str) -> None:
        """Add one line; it is written now if the last ones were a tenth of a second ago, or else soon.

        Raises:
            RunError: the system refused.
        """
        self._waiting.append(line)
        if self._clock() >= self._due:
            self.write()

    def write(self) -> None:
        """Write what is waiting, if anything.

        Raises:
            RunError: the system refused; what was waiting is lost, since a part of it may be written.
        """
        if self._waiting:
            lines, self._waiting = "\n".join(self._waiting), []
            self._file.append(lines)
            self._due = self._clock() + TOGETHER_S

    def sync(self) -> int:
        """Wait until every line is on the disk; gives the bytes of them all.

        Raises:
            RunError: the system refused.
        """
        self.write()
        self._file.sync()
        return self._file.size

    def close(self) -> None:
        """Write what is waiting, sync and close.

        Raises:
            RunError: the system refused; the file is closed all the same.
        """
        try:
            self.write()
        finally:
            self._file.close()
