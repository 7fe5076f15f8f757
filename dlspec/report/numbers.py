"""How numbers look, in every report and table."""


def percent(share: float) -> str:
    """`0.0278` → `2.78 %`."""
    return f"{100 * share:.2f} %"


def signed_percent(share: float) -> str:
    """`0.0278` → `+2.78 %`."""
    return f"{100 * share:+.2f} %"


def value(name: str, number: float) -> str:
    """A quantity by its name: shares in percent, others with five significant digits."""
    return percent(number) if name in ("accuracy", "f1", "precision", "recall") else f"{number:.5g}"
