"""`--set a.b=value`: one key of a tree replaced, by a path of keys and list indices."""

import re
from pathlib import Path
from typing import Any

from dlspec.config.schema import Schema
from dlspec.config.wording import KeyPath, clipped, dotted, found, key_text
from dlspec.config.yaml_tree import MAX_DEPTH, Mark, Marks, Tree, parse_value
from dlspec.errors import ConfigError

# Keys that name a file.
FILES = (
    ("data", "path"),
    ("data", "train"),
    ("data", "train_dev"),
    ("data", "dev"),
    ("data", "test"),
    ("data", "split", "file"),
    ("initializer", "path"),
)

_INDEX = re.compile("[0-9]{1,9}")


def override(tree: Tree, flag: str, *, schema: Schema, cwd: Path) -> None:
    """Set one key of a tree in place; mappings on the way that do not exist are created.

    Args:
        tree: of an experiment file.
        flag: `a.b=value`, the value in YAML.
        schema: says where a bare name stands for a mapping, which is written out when a key below it is set.
        cwd: what relative data files in a flag are relative to.

    Raises:
        ConfigError: no path or no value, a value that is not YAML, a path through a scalar, an index out of range.
    """
    mark = Mark(f"--set {clipped(flag)}")
    keys, equals, text = flag.partition("=")
    steps = keys.strip().split(".")
    if not equals:
        raise ConfigError(f"{mark}: found no '='; expected key=value such as optimizer.learning_rate=0.01")
    if not all(steps) or len(steps) > MAX_DEPTH:
        raise ConfigError(f"{mark}: found no path before '='; expected keys joined by dots such as training.epochs=20")
    if not keys.isprintable():
        raise ConfigError(f"{mark}: control character in the key; remove it")
    value = parse_value(text, mark=mark)
    path: KeyPath = ()
    holder = tree.root
    for step in steps[:-1]:
        path = (*path, _key(holder, step, path=path, mark=mark))
        holder[path[-1]] = _opened(tree, path, schema=schema, mark=mark)
        holder = holder[path[-1]]
    path = (*path, _key(holder, steps[-1], path=path, mark=mark))
    holder[path[-1]] = _absolute(value.root, path=path, cwd=cwd)
    tree.marks = {old: marks for old, marks in tree.marks.items() if old[: len(path)] != path}
    tree.marks |= {(*path, *below): marks for below, marks in value.marks.items()}


def _key(holder: Any, step: str, *, path: KeyPath, mark: Mark) -> str | int:
    """A step as a key of a mapping or an index of a list."""
    if isinstance(holder, dict):
        return step
    size = len(holder)
    if not _INDEX.fullmatch(step):
        raise ConfigError(f"{mark}: {dotted(path)} is a list; expected an index in place of {key_text(step)}")
    if int(step) >= size:
        fix = f"expected an index from 0 to {size - 1}" if size else f"set the whole list, {dotted(path)}=[…]"
        raise ConfigError(f"{mark}: {dotted(path)} is {found(holder)}, without an item {step}; {fix}")
    return int(step)


def _opened(tree: Tree, path: KeyPath, *, schema: Schema, mark: Mark) -> Any:
    """The mapping or list at a path that the flag goes through, made where it is missing or a bare name."""
    value = tree.value_at(path)
    node = schema.at(path)
    if isinstance(value, dict | list):
        return value
    if value is None:
        tree.marks[path] = Marks(mark, mark)
        return [] if node is not None and schema.types(node) == {"array"} else {}
    if isinstance(value, str) and node is not None and schema.is_family(node):
        tree.marks[*path, "name"] = tree.marks[path]
        return {"name": value}
    raise ConfigError(
        f"{mark}: {dotted(path)} is {found(value)}; expected a mapping or a list; set {dotted(path)} itself"
    )


def _absolute(value: Any, *, path: KeyPath, cwd: Path) -> Any:
    """A file named by a flag is relative to where the command runs, not to the experiment file."""
    if len(path) == 1 and isinstance(value, dict):
        return {key: _absolute(child, path=(*path, key), cwd=cwd) for key, child in value.items()}
    if value and isinstance(value, str) and path in FILES:
        return str((cwd / value).absolute())
    return value
