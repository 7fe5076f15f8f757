"""An experiment file, with `--set` flags applied, → an `Experiment` that knows where each key was written."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from dlspec.config.experiment import Experiment
from dlspec.config.overrides import FILES, override
from dlspec.config.problems import problem_lines
from dlspec.config.schema import Schema
from dlspec.config.wording import KeyPath, dotted
from dlspec.config.yaml_tree import MAX_BYTES, Tree
from dlspec.config.yaml_tree import parse as parse_yaml
from dlspec.errors import ConfigError
from dlspec.text import printable


@dataclass(frozen=True)
class LoadedExperiment:
    """An experiment and where it came from.

    Attributes:
        experiment: what was asked for, every default filled in.
        source: the file as given, byte for byte, before any override.
        path: the file.
        overrides: the `--set` flags, in order.
        tree: the values of the file after the overrides, without defaults, and where they are written.
    """

    experiment: Experiment
    source: bytes = field(repr=False)
    path: Path
    overrides: tuple[str, ...]
    tree: Tree = field(repr=False)

    def locate(self, path: KeyPath) -> str:
        """Where a value is written: `file:line:column`, or the flag that set it.

        A key that is not written is found at its nearest ancestor that is.
        """
        return str(self.tree.nearest(path).value)

    def problem(self, path: KeyPath, message: str) -> ConfigError:
        """An error about a key, for what only shows later, such as an early stopping monitor without a dev set."""
        return ConfigError(f"{self.locate(path)}: {dotted(path)}: {message}")

    def missing_files(self) -> list[str]:
        """A line for each data file that does not exist."""
        return _missing_files(self.tree, base=self.path.parent)

    def resolve(self, path: str) -> Path:
        """A data file of the experiment; relative ones are relative to the experiment file."""
        return self.path.parent / path


def load(path: Path, overrides: Sequence[str] = (), *, cwd: Path = Path()) -> LoadedExperiment:
    """Read an experiment file and apply overrides.

    Args:
        path: the YAML file.
        overrides: `a.b=value`, applied in order.
        cwd: what relative data files in overrides are relative to.

    Raises:
        ConfigError: the file cannot be read, or as for `parse`. Data files that are missing are told too where
            anything else is wrong; alone they are no error, since not every command reads them.
    """
    source = _read(path)
    tree = _tree(source, path=path, overrides=overrides, cwd=cwd)
    try:
        experiment = _experiment(tree)
    except ConfigError as error:
        raise ConfigError([*error.problems, *_missing_files(tree, base=path.parent)]) from None
    return LoadedExperiment(experiment, source, path, tuple(overrides), tree)


def parse(source: bytes, *, path: Path, overrides: Sequence[str] = (), cwd: Path = Path()) -> LoadedExperiment:
    """The experiment in the content of a file.

    Args:
        source: the content.
        path: the file it came from: names it in messages, and its directory is the base of data files.
        overrides: `a.b=value`, applied in order.
        cwd: what relative data files in overrides are relative to.

    Raises:
        ConfigError: not YAML, a malformed override, or not an experiment; all that is wrong with the keys and values
            is told at once, one line each: `file:line:column: key: found; expected; fix`.
    """
    tree = _tree(source, path=path, overrides=overrides, cwd=cwd)
    return LoadedExperiment(_experiment(tree), source, path, tuple(overrides), tree)


def _tree(source: bytes, *, path: Path, overrides: Sequence[str], cwd: Path) -> Tree:
    tree = parse_yaml(source, name=printable(str(path)))
    for flag in overrides:
        override(tree, flag, schema=_schema(), cwd=cwd)
    return tree


def _experiment(tree: Tree) -> Experiment:
    try:
        return Experiment.model_validate(tree.root)
    except ValidationError as error:
        raise ConfigError(problem_lines(error, tree=tree, schema=_schema())) from None


def _missing_files(tree: Tree, *, base: Path) -> list[str]:
    written = {path: tree.value_at(path) for path in FILES if path[0] == "data"}
    missing = [path for path, name in written.items() if name and isinstance(name, str) and not _exists(base / name)]
    return [
        f"{tree.nearest(path).value}: {dotted(path)}: there is no file {base / written[path]}; check the path"
        for path in missing
    ]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # for whoever reads it to tell
        return True
    except OSError:  # a name that is too long
        return False


@cache
def _schema() -> Schema:
    return Schema(Experiment)


def _read(path: Path) -> bytes:
    name = printable(str(path))
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return file.read(MAX_BYTES + 1)  # one more than `parse` takes, so that it can tell
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{name}: this is a link to a file that does not exist; check where it leads") from None
        raise ConfigError(f"{name}: there is no such file; {_did_you_mean(path)}") from None
    except IsADirectoryError:
        raise ConfigError(f"{name}: this is a directory; expected a YAML file") from None
    except OSError as error:
        raise ConfigError(
            f"{name}: the file cannot be read: {error.strerror}; check the path and its permissions"
        ) from None


def _without_waiting(path: str, flags: int) -> int:  # noqa: ARG001 - the signature of an opener
    """Open a file; a pipe that nobody writes to is empty, where it would otherwise be waited for without end."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(fd, True)
    return fd


def _did_you_mean(path: Path) -> str:
    """The YAML files with a similar name in the same directory."""
    try:
        files = {file.stem: file for file in sorted(path.parent.iterdir()) if file.suffix in (".yaml", ".yml")}
    except OSError:
        return f"there is no directory {printable(str(path.parent))} either"
    near = [printable(str(files[stem])) for stem in difflib.get_close_matches(path.stem, files)]
    return f"did you mean {' or '.join(near)}?" if near else "check the path"
