"""HTML and SVG as text that escapes itself: what is not markup already cannot become markup."""

from collections.abc import Iterable, Mapping
from html import escape

from dlspec.text import shortened

NAMES_UP_TO = 60  # characters; a longer name would push everything else off the page
VOID = {"br", "link", "meta", "wbr"}  # elements without an end


class Markup(str):
    """Text that is markup already; any other text is escaped when it becomes part of an element."""

    __slots__ = ()


def visible(text: str) -> str:
    """Text without control characters, marks of direction and halves of characters: a dot stands for each."""
    return "".join(c if c.isprintable() else "·" for c in text)


def element(name: str, attributes: Mapping[str, object] | None = None, *content: str) -> Markup:
    """One element.

    Args:
        name: of the tag, ours.
        attributes: by name, ours; values are escaped; True stands for an attribute without a value, and those that
            are None or False are left out.
        content: markup as it is, other text escaped.
    """
    written = "".join(
        f" {key}" if value is True else f' {key}="{escape(visible(str(value)))}"'
        for key, value in (attributes or {}).items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>" if name in VOID else f"<{name}{written}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Several pieces one after the other."""
    return Markup("".join(part if isinstance(part, Markup) else escape(visible(part)) for part in parts))


def name_of(text: str) -> Markup:
    """A name out of a data file: short, and of a direction that ends with it."""
    return element("bdi", None, shortened(visible(text), NAMES_UP_TO))
