"""Errors on the terminal: plain lines and an exit code."""

from collections.abc import Iterator

from dlspec.errors import ConfigError, DataError, DlspecError, RunBusyError, UsageError
from dlspec.text import printable

USAGE, FAILED, DIVERGED, BUSY = 2, 1, 3, 4


def exit_code(error: DlspecError) -> int:
    """Exit code of an error, by its class."""
    if isinstance(error, UsageError | ConfigError | DataError):
        return USAGE
    return BUSY if isinstance(error, RunBusyError) else FAILED


def lines(error: DlspecError) -> Iterator[str]:
    """One line per problem, safe for any terminal."""
    return map(printable, error.problems)


def system_error(error: OSError) -> str:
    """One line for what the system refused and nobody foresaw."""
    reason = (error.strerror or str(error)).lower()
    return printable(f"{error.filename}: {reason}" if error.filename else reason)
