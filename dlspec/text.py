"""Text that is safe to show, and numbers that are safe to write."""

import json
import math
from typing import Any

_STRICT = json.JSONEncoder(allow_nan=False)


def printable(text: str) -> str:
    r"""Text on one line without control characters, which could steer a terminal: an escape shows as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, width: int) -> str:
    """The text, or its start where it is longer than so many characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def finite(content: Any) -> Any:
    """The same lists and mappings with None in place of NaN and infinity, which JSON does not have."""
    if isinstance(content, dict):
        return {key: finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def json_line(content: Any) -> str:
    """JSON on one line, with null in place of NaN and infinity."""
    try:
        return _STRICT.encode(content)
    except ValueError:  # a number that is not finite: rare, and `finite` takes as long as the rest
        return _STRICT.encode(finite(content))
