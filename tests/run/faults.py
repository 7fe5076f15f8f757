"""File systems that count their calls, and fail or die at some of them.

They take the place of `storage.filesystem`, so a call is one of its methods: `create`, `write`, `fsync`, …
"""

import os
import sys

from dlspec.run.storage import FileSystem

OPERATIONS = tuple(name for name in vars(FileSystem) if not name.startswith("_"))


def once(number):
    """Call `number`, counted from 0."""
    return range(number, number + 1)


def onwards(number):
    """Call `number` and all after it, as on a disk that stays full."""
    return range(number, sys.maxsize)


class Hasty(FileSystem):
    """Waits for no disk: in these tests processes die, but the machine lives on."""

    def fsync(self, fd):
        pass

    def sync_directory(self, path):
        pass


class Counting(Hasty):
    """Lists every call by name in `calls`; those whose numbers are in `at` go through `fault`."""

    def __init__(self, at=()):
        self.at = at
        self.calls = []

    def fault(self, operation, *arguments):
        return operation(self, *arguments)


class Failing(Counting):
    """The calls in `at` raise OSError(`code`); a write has written some bytes before, a close has closed."""

    def __init__(self, at, code):
        super().__init__(at)
        self.code = code

    def fault(self, operation, *arguments):
        if operation is Hasty.write:
            operation(self, arguments[0], arguments[1][: len(arguments[1]) // 2])
        elif operation is Hasty.close:
            operation(self, *arguments)
        raise OSError(self.code, os.strerror(self.code))


class Killed(BaseException):
    """What a process that dies is seen as from within."""


class Dying(Counting):
    """From call `number` on nothing reaches the disk any more, as after SIGKILL; a write is cut in its midst.

    The process lives on to clean up, but cannot: for the disk there is no difference.
    """

    def __init__(self, number):
        super().__init__(onwards(number))

    def fault(self, operation, *arguments):
        if operation is Hasty.close:
            operation(self, *arguments)
        elif operation is Hasty.write and len(self.calls) - 1 == self.at.start:
            operation(self, arguments[0], arguments[1][: len(arguments[1]) // 2])
        raise Killed


class Short(Counting):
    """The writes in `at` take at most `most` bytes; one byte at least, or there would be no end."""

    def __init__(self, at, most):
        super().__init__(at)
        self.most = most

    def fault(self, operation, *arguments):
        if operation is Hasty.write:
            arguments = arguments[0], arguments[1][: self.most]
        return operation(self, *arguments)


def _counted(name):
    operation = getattr(Hasty, name)

    def call(self, *arguments):
        self.calls.append(name)
        if len(self.calls) - 1 in self.at:
            return self.fault(operation, *arguments)
        return operation(self, *arguments)

    return call


for _name in OPERATIONS:
    setattr(Counting, _name, _counted(_name))
