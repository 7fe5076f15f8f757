"""How spans of time look."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(seconds: float) -> str:
    """`0.083` → `0.08 s`, `75` → `1 min 15 s`, `90000` → `1 d 1 h`: two units at most."""
    if seconds < 9.995:
        return f"{max(seconds, 0.0):.2f} s"
    whole = round(seconds)
    for position, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            below, name = _UNITS[position + 1] if position + 1 < len(_UNITS) else (1, "s")
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"


def about(seconds: float) -> str:
    """`75` → `1 min`, `90000` → `1 d`: the largest unit alone, of which a part does not count."""
    whole = max(int(seconds), 0)
    size, unit = next(((size, unit) for size, unit in _UNITS if whole >= size), (1, "s"))
    return f"{whole // size} {unit}"
