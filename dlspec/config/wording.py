"""How values, keys and files are shown in a message: quoted, on one line, cut to a readable length."""

import re
from typing import Any

from dlspec.text import printable

MAX_SHOWN = 60
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")

KeyPath = tuple[str | int, ...]


def clipped(text: str, *, length: int = MAX_SHOWN) -> str:
    """Printable text of at most `length` characters of the original; … says that some are missing."""
    return printable(text) if len(text) <= length else printable(text[:length]) + "…"


def quoted(text: str) -> str:
    """`fast` → `'fast'`."""
    return f"'{clipped(text)}'"


def key_text(key: str | int) -> str:
    """A key as it is written, or quoted where it is not a plain word."""
    return str(key) if isinstance(key, int) or PLAIN_KEY.fullmatch(key) else quoted(key)


def dotted(path: KeyPath) -> str:
    """`('architecture', 'layers', 0)` → `architecture.layers.0`."""
    return ".".join(key_text(key) for key in path)


def found(value: Any) -> str:
    """A value in words: text quoted, numbers and true/false as in YAML, the size or the keys of the rest."""
    match value:
        case None:
            return "an empty value"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case list():
            return f"a list of {len(value)}" if value else "an empty list"
        case dict():
            return clipped(f"a mapping with {', '.join(map(str, value))}") if value else "an empty mapping"
    return repr(value)
