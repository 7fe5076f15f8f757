"""Errors on the terminal: plain lines and an exit code."""

from collections.abc import Iterator
from typing import Any, cast

import typer

from dlspec.errors import ConfigError, DataError, DlspecError, RunBusyError, UsageError
from dlspec.text import printable

USAGE, FAILED, DIVERGED, BUSY = 2, 1, 3, 4

MAX_LINE = 1_000  # characters; the names in a message may be of any length

# What typer raises where the command line itself is wrong. It has no public name, but those of it that have descend
# from it.
CommandLineError = cast(type[Exception], typer.BadParameter.__mro__[1])


def exit_code(error: DlspecError) -> int:
    """Exit code of an error, by its class."""
    if isinstance(error, UsageError | ConfigError | DataError):
        return USAGE
    return BUSY if isinstance(error, RunBusyError) else FAILED


def lines(error: DlspecError) -> Iterator[str]:
    """One line per problem, safe for any terminal."""
    return map(line, error.problems)


def line(text: str) -> str:
    """A message on one line, safe for any terminal, its middle left out where it is too long."""
    half = MAX_LINE // 2
    return printable(text if len(text) <= MAX_LINE else f"{text[:half]} … {text[-half:]}")


def command_line_error(error: Any) -> str:
    """One line for what typer finds wrong with the command line.

    Args:
        error: a `CommandLineError`.
    """
    message = " ".join(str(error.format_message()).replace("Value error, ", "").split()).removesuffix(".")
    command = error.ctx.command_path if error.ctx else "dlspec"
    return line(f"{command}: {message[:1].lower()}{message[1:]}; see: {command} --help")


def system_error(error: OSError) -> str:
    """One line for what the system refused and nobody foresaw."""
    reason = (error.strerror or str(error)).lower()
    return line(f"{error.filename}: {reason}" if error.filename else reason)
