"""Every error that dlspec raises on purpose.

    DlspecError
    ├── UsageError         an argument of a command or a call is wrong
    ├── ConfigError        the experiment file or a --set flag is wrong
    ├── DataError          a data file, a split or a label is wrong
    ├── TrainingError      the training itself failed
    └── RunError           a run directory could not be read or written
        └── RunBusyError   the run directory is locked by another process or not writable

A message says where, what was found, what was expected and how to fix it. A `ConfigError` or a
`DataError` may hold several problems, one line each: all of them are shown at once.
"""

from collections.abc import Sequence


class DlspecError(Exception):
    """Root of the tree: an error that is shown to the user as plain lines, never as a traceback.

    Args:
        problems: one line of text, or several lines that are shown together.
    """

    def __init__(self, problems: str | Sequence[str]):
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class UsageError(DlspecError):
    """An argument of a command or a call is wrong: it names what does not exist, or what must not be touched."""


class ConfigError(DlspecError):
    """The experiment file or an override is wrong."""


class DataError(DlspecError):
    """A data file, a split or a label is wrong."""


class TrainingError(DlspecError):
    """The training itself failed."""


class RunError(DlspecError):
    """A run directory could not be read or written."""


class RunBusyError(RunError):
    """The run directory is locked by another process or not writable."""
