"""Text that comes from a person's files, made safe to show."""


def printable(text: str) -> str:
    r"""Text on one line without control characters, which could steer a terminal: an escape shows as `\x1b`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
