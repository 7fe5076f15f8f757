"""YAML text → a tree of plain values that knows where each key is written, and back.

Scalars follow the core schema of YAML 1.2, where PyYAML follows 1.1: `1e-3` is a number, `no` and `on` are text,
`010` is ten, `1:30` and `2026-01-01` are text. Of YAML's structure only what an experiment needs is read: one
document of mappings with text keys and lists. Anchors, aliases, tags and merge keys are refused, so a file is never
larger in memory than it looks.

The tree is built from PyYAML's events with an explicit stack. Its composer recurses, its constructor lets
`ValueError` and `AttributeError` out, and its C parser dies on deep nesting.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from dlspec.config.wording import KeyPath, clipped, found, key_text, quoted
from dlspec.errors import ConfigError
from dlspec.text import printable

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64
MAX_VALUES = 10_000  # PyYAML takes about 20 µs for each; no file may take longer than a second
MAX_DIGITS = 40

_TAG = "tag:yaml.org,2002:"

# Next to control characters: lone surrogates, the byte order mark inside the text, and the line breaks that YAML
# and editors count differently.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_LINE_BREAK = re.compile("\r\n|\r|\n")

# The scalars of the core schema that are not text; the same table reads and decides what `dump` must quote.
_SCALARS: tuple[tuple[str, re.Pattern[str], Callable[[str], Any]], ...] = (
    ("null", re.compile(r"(null|Null|NULL|~|)\Z"), lambda _: None),
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)\Z"), lambda text: text.lower() == "true"),
    ("int", re.compile(r"[-+]?[0-9]+\Z"), int),
    ("int", re.compile(r"0o[0-7]+\Z"), lambda text: int(text, 8)),
    ("int", re.compile(r"0x[0-9a-fA-F]+\Z"), lambda text: int(text, 16)),
    ("float", re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z"), float),
    ("float", re.compile(r"[-+]?\.(inf|Inf|INF)\Z"), lambda text: float(text.replace(".", ""))),
    ("float", re.compile(r"\.(nan|NaN|NAN)\Z"), lambda _: math.nan),
)
_INFINITY = _SCALARS[-2][1]

# What PyYAML says → what a person can act on.
_EXPLANATIONS = (
    (
        "mapping values are not allowed",
        "': ' where no key can be; check the indentation, or quote text that holds ': '",
    ),
    ("could not find expected ':'", "a key without ': ' after it; write key: value"),
    ("found character '\\t'", "a tab; indent with spaces"),
    ("that cannot start any token", "text cannot start with this character; put the text in quotes"),
    ("unexpected end of stream", "a quote is opened and never closed"),
    ("unexpected document separator", "a quote is opened and never closed"),
    ("unknown escape character", "unknown escape in double quotes; write \\\\ for a backslash, or use single quotes"),
    ("escape sequence of", "incomplete escape in double quotes; write \\\\ for a backslash, or use single quotes"),
    ("expected ',' or ']'", "a list that is opened with '[' needs ',' between its items and ']' at its end"),
    ("expected ',' or '}'", "a mapping that is opened with '{' needs ',' between its keys and '}' at its end"),
    ("expected <block end>", "this line does not fit the lines above; check the indentation"),
    ("expected '<document start>'", "this line does not fit the lines above; check the indentation"),
    ("sequence entries are not allowed", "'- ' where no list item can be; put it on its own line"),
    ("expected the node content", "a value is missing here"),
    ("scanning an alias", "'*' starts no text; put the text in quotes"),
    ("scanning an anchor", "'&' starts no text; put the text in quotes"),
    ("scanning a tag", "'!' starts no text; put the text in quotes"),
    ("scanning a directive", "'%' starts no text; put the text in quotes"),
)


class Mark(NamedTuple):
    """Where something is written: a place in a file, or a whole `--set` flag, which has line 0."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Marks(NamedTuple):
    """Where a key and its value are written. A mapping, a list or an empty value is found at its key."""

    key: Mark
    value: Mark


@dataclass
class Tree:
    """Plain values and where they are written. `marks` holds every path, the root's `()` too."""

    root: Any = None
    marks: dict[KeyPath, Marks] = field(default_factory=dict)

    def value_at(self, path: KeyPath) -> Any:
        """The value at a path; None where there is none."""
        value = self.root
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def nearest(self, path: KeyPath) -> Marks:
        """The marks of a path, or of its nearest ancestor that is written anywhere."""
        while path not in self.marks:
            path = path[:-1]
        return self.marks[path]


def parse(source: bytes, *, name: str) -> Tree:
    """The tree of an experiment file; its root is a mapping.

    Args:
        source: the content of the file.
        name: what messages call the file.

    Raises:
        ConfigError: not UTF-8, not YAML, beyond a limit, or not a mapping; one line `name:line:column: …`.
    """
    if len(source) > MAX_BYTES:
        raise ConfigError(f"{name}:1:1: the file is larger than {MAX_BYTES // 1024} kB; expected an experiment file")
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = _after(error.object[: error.start].decode(), name=name)
        byte = error.object[error.start]
        raise ConfigError(f"{mark}: byte 0x{byte:02x} is not UTF-8; expected a text file saved as UTF-8") from None
    if bad := _UNPRINTABLE.search(text):
        raise ConfigError(f"{_after(text[: bad.start()], name=name)}: {_unprintable(bad)}; remove it")

    lines = _LINE_BREAK.split(text.rstrip("\r\n"))

    def at(line: int, column: int) -> Mark:
        if line <= len(lines):
            return Mark(name, line, column)
        return Mark(name, len(lines), len(lines[-1]) + 1)  # the end of the file is shown on its last line

    tree = _build(text, at=at)
    start = tree.marks[()].key
    if tree.root is None:
        raise ConfigError(f"{start}: the file is empty; expected keys such as data, architecture and optimizer")
    if not isinstance(tree.root, dict):
        raise ConfigError(f"{start}: found {found(tree.root)}; expected keys such as data, architecture and optimizer")
    return tree


def parse_value(text: str, *, mark: Mark) -> Tree:
    """The tree of the value of one `--set` flag, under the rules and limits of a file.

    Args:
        text: what follows the equals sign.
        mark: the flag, which becomes the mark of everything in the tree.

    Raises:
        ConfigError: not YAML, or beyond a limit; one line that starts with the mark.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise ConfigError(f"{mark}: the value is larger than {MAX_BYTES // 1024} kB")
    if bad := _UNPRINTABLE.search(text):
        raise ConfigError(f"{mark}: {_unprintable(bad)}; remove it")
    return _build(text, at=lambda _line, _column: mark)


def scalar(text: str) -> Any:
    """The value of an unquoted scalar.

    Raises:
        ValueError: a number that is too long or too large; the message says so.
    """
    for kind, pattern, convert in _SCALARS:
        if not pattern.match(text):
            continue
        if kind in ("int", "float") and len(text) > MAX_DIGITS:
            raise ValueError(f"the number {quoted(text)} has more than {MAX_DIGITS} characters; round it")
        value = convert(text)
        if value in (math.inf, -math.inf) and not _INFINITY.match(text):
            raise ValueError(f"the number {text} is too large; the largest is 1.8e308")
        return value
    return text


def dump(tree: Any) -> str:
    """YAML text of plain values, keys in their order; `parse` reads the same values back."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


@dataclass
class _Open:
    """A mapping or list whose end is still to come; `pending` is the key of a mapping whose value is to come."""

    values: Any
    path: KeyPath
    pending: tuple[str, Mark] | None = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.values, dict) and self.pending is None


class _Builder:
    """Puts a tree together from events; the stack of open collections stands in for recursion."""

    def __init__(self, *, start: Mark) -> None:
        self.tree = Tree(marks={(): Marks(start, start)})
        self._stack: list[_Open] = []

    def add(self, event: yaml.ScalarEvent, mark: Mark) -> None:
        """Take a scalar: a key where a mapping waits for one, else a value."""
        plain = event.style is None
        if bad := _UNPRINTABLE.search(event.value):
            raise ConfigError(f"{mark}: {_unprintable(bad)} in quoted text; remove it")
        try:
            value = scalar(event.value) if plain else event.value
        except ValueError as error:
            raise ConfigError(f"{mark}: {error}") from None
        if not self._wants_key():
            self._place(value, mark)
        elif plain and value == "<<":
            raise ConfigError(f"{mark}: merge keys (<<) are not supported; write the keys out")
        else:
            self._take_key(value, mark, text=event.value)

    def begin(self, values: dict[str, Any] | list[Any], mark: Mark) -> None:
        """Open a mapping or a list."""
        if self._wants_key():
            kind = "list" if isinstance(values, list) else "mapping"
            raise ConfigError(f"{mark}: found a {kind} as a key; expected text")
        if len(self._stack) == MAX_DEPTH:
            raise ConfigError(f"{mark}: mappings and lists are nested more than {MAX_DEPTH} deep")
        self._stack.append(_Open(values, self._place(values, mark)))

    def end(self) -> None:
        """Close the innermost mapping or list."""
        self._stack.pop()

    def _wants_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].wants_key

    def _take_key(self, key: Any, mark: Mark, *, text: str) -> None:
        top = self._stack[-1]
        if not isinstance(key, str):
            raise ConfigError(f"{mark}: found {found(key)} as a key; expected text; write {quoted(text)} in quotes")
        if key in top.values:
            first = self.tree.marks[*top.path, key].key
            where = f" on line {first.line}" if first.line else ""
            raise ConfigError(f"{mark}: {key_text(key)} is already given{where}; keep one of the two")
        top.pending = (key, mark)

    def _place(self, value: Any, mark: Mark) -> KeyPath:
        """Put a value where the document stands, and tell its path."""
        if len(self.tree.marks) == MAX_VALUES:
            raise ConfigError(f"{mark}: more than {MAX_VALUES:,} values; an experiment is far smaller")
        if not self._stack:
            self.tree.root = value
            return ()
        top = self._stack[-1]
        if top.pending is None:  # a list: a mapping has its key by now
            path: KeyPath = (*top.path, len(top.values))
            top.values.append(value)
            key_mark = mark
        else:
            key, key_mark = top.pending
            path = (*top.path, key)
            top.values[key] = value
            top.pending = None
        found_at_key = value is None or isinstance(value, dict | list)
        self.tree.marks[path] = Marks(key_mark, key_mark if found_at_key else mark)
        return path


def _build(text: str, *, at: Callable[[int, int], Mark]) -> Tree:
    builder = _Builder(start=at(1, 1))
    documents = 0
    for event, mark in _events(text, at=at):
        match event:
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    raise ConfigError(f"{mark}: a second document starts here; an experiment is one document")
            case yaml.AliasEvent():
                raise ConfigError(f"{mark}: aliases (*{event.anchor}) are not supported; write the value out")
            case yaml.NodeEvent(anchor=str(anchor)):
                raise ConfigError(f"{mark}: anchors (&{anchor}) are not supported; remove it")
            case yaml.ScalarEvent(tag=str(tag)) | yaml.CollectionStartEvent(tag=str(tag)):
                raise ConfigError(f"{mark}: tags ({clipped(tag.replace(_TAG, '!!'))}) are not supported; remove it")
            case yaml.ScalarEvent():
                builder.add(event, mark)
            case yaml.MappingStartEvent():
                builder.begin({}, mark)
            case yaml.SequenceStartEvent():
                builder.begin([], mark)
            case yaml.CollectionEndEvent():
                builder.end()
    return builder.tree


def _events(text: str, *, at: Callable[[int, int], Mark]) -> Iterator[tuple[yaml.Event, Mark]]:
    """PyYAML's events, its errors turned into ours."""
    mark = at(1, 1)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if start := event.start_mark:
                mark = at(start.line + 1, start.column + 1)
            yield event, mark
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_explain(error, at=at)) from None
    except (ValueError, OverflowError):
        # chr() and int() inside PyYAML: "\UFFFFFFFF", or a %YAML directive of thousands of digits.
        raise ConfigError(f"{mark}: not valid YAML after this place: a number in an escape is too large") from None


def _explain(error: yaml.MarkedYAMLError, *, at: Callable[[int, int], Mark]) -> str:
    problem = f"{error.context}: {error.problem}" if error.context else str(error.problem)
    explanation = next((ours for theirs, ours in _EXPLANATIONS if theirs in problem), f"not valid YAML: {problem}")
    # What lacks its end is shown where it starts, not where PyYAML gave up looking for the end.
    unended = any(words in explanation for words in ("never closed", "is opened with", "a key without"))
    place = (error.context_mark if unended else None) or error.problem_mark
    mark = at(place.line + 1, place.column + 1) if place else at(1, 1)
    return f"{mark}: {printable(explanation)}"


def _after(text: str, *, name: str) -> Mark:
    """The mark of what follows a text from the start of a file."""
    lines = _LINE_BREAK.split(text)
    return Mark(name, len(lines), len(lines[-1]) + 1)


def _unprintable(bad: re.Match[str]) -> str:
    return f"control character {printable(bad[0])}"


class _Dumper(yaml.SafeDumper):
    """Writes scalars plain where our rules read them back, in quotes elsewhere."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)  # the items of a list stand further in than its key

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 # a list that is used twice is written twice
        return True


def _represent_float(dumper: yaml.SafeDumper, value: float) -> yaml.ScalarNode:
    special = {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    return dumper.represent_scalar(f"{_TAG}float", repr(value) if math.isfinite(value) else special)


_Dumper.yaml_implicit_resolvers = {}  # PyYAML's own follow YAML 1.1
for _kind, _pattern, _ in _SCALARS:
    _Dumper.add_implicit_resolver(_TAG + _kind, _pattern, None)
_Dumper.add_implicit_resolver(_TAG + "merge", re.compile(r"<<\Z"), None)  # as a plain key it would be refused
_Dumper.add_representer(float, _represent_float)
