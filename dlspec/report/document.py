"""A page that needs nothing else, neither the net nor another file: its head, and a body that stands for itself."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256

from dlspec.report.assets import SCRIPT, STYLE
from dlspec.report.markup import Markup, element


def document(title: str, *content: str) -> str:
    """A whole page; its policy says by their hashes that it runs our script and shows our style, and nothing else.

    Args:
        title: of the window.
        content: of the body; text is escaped.
    """
    whole = element("body", None, *content, element("script", None, Markup(SCRIPT)))
    return f"<!DOCTYPE html>\n{element('html', {'lang': 'en'}, _head(title), whole)}\n"


def body(head: Markup, parts: Sequence[tuple[str, str, Markup]], *, first: str = "next") -> Iterator[Markup]:
    """What a page of sections consists of: a way past the head, the head, links to the sections, and these.

    Args:
        head: what stands above all of them.
        parts: anchor, title and content; a section without content is left out.
        first: anchor of the section that the way past the head leads to.
    """
    found = [(anchor, title, content) for anchor, title, content in parts if content]
    links = [element("li", None, element("a", {"href": f"#{anchor}"}, title)) for anchor, title, _ in found]
    yield element("a", {"class": "skip", "href": f"#{first}"}, "To the content")
    yield element("header", None, head, element("nav", {"aria-label": "Contents"}, element("ul", None, *links)))
    yield element("main", None, *(section(*part) for part in found))


def section(anchor: str, title: str, content: Markup) -> Markup:
    """A part of the page with its heading."""
    heading = element("h2", {"id": f"{anchor}-title"}, title)
    return element("section", {"id": anchor, "aria-labelledby": f"{anchor}-title"}, heading, content)


def _head(title: str) -> Markup:
    policy = (
        f"default-src 'none'; script-src '{_hash(SCRIPT)}'; style-src '{_hash(STYLE)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        None,
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "referrer", "content": "no-referrer"}),
        element("link", {"rel": "icon", "href": "data:,"}),
        element("title", None, title),
        element("style", None, Markup(STYLE)),
    )


def _hash(content: str) -> str:
    """Of an inline script or style, as a policy names it."""
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode('ascii')}"
