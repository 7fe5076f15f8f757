"""Errors on the terminal: plain lines and an exit code."""

from collections.abc import Iterator

from dlspec.errors import ConfigError, DataError, DlspecError, RunBusyError, UsageError

USAGE, FAILED, DIVERGED, BUSY = 2, 1, 3, 4


def exit_code(error: DlspecError) -> int:
    """Exit code of an error, by its class."""
    if isinstance(error, UsageError | ConfigError | DataError):
        return USAGE
    return BUSY if isinstance(error, RunBusyError) else FAILED


def lines(error: DlspecError) -> Iterator[str]:
    """One line per problem, safe for any terminal."""
    return map(printable, error.problems)


def printable(text: str) -> str:
    """Text without control characters: what comes from a file must not steer the terminal."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
