"""The system calls of `storage`, counted, one of which can be made to fail."""

import contextlib
import errno
import os

CALLS = ("open", "write", "fsync", "close", "replace", "mkdir", "unlink")
REAL = {name: getattr(os, name) for name in CALLS}


class System:
    """Records every call by name; number `fail_at` (from 0) fails with `code`, writes take at most `at_once` bytes."""

    def __init__(self, *, fail_at=None, code=errno.EIO, at_once=None):
        self.calls = []
        self.fail_at = fail_at
        self.code = code
        self.at_once = at_once

    def __call__(self, name, *arguments, **keywords):
        number = len(self.calls)
        self.calls.append(name)
        if number == self.fail_at:
            if name == "close":
                REAL["close"](*arguments)  # close frees the descriptor even where it fails
            if name == "write":
                REAL["write"](arguments[0], bytes(arguments[1][:3]))  # some bytes were written before
            raise OSError(self.code, os.strerror(self.code))
        if name == "write" and self.at_once is not None:
            arguments = (arguments[0], arguments[1][: self.at_once])
        return REAL[name](*arguments, **keywords)


@contextlib.contextmanager
def replaced(monkeypatch, system):
    """Within this block the calls of `os` go through `system`."""

    def through(name):
        return lambda *arguments, **keywords: system(name, *arguments, **keywords)

    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, through(name))
        yield system
