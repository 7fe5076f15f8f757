"""How numbers look, in every report and table."""

import math

METRICS = ("accuracy", "f1", "rmse", "mae", "r2")  # in the order of every table
UNKNOWN = "unknown"  # a number that is none: not finite, or null in a file


def percent(share: float | None) -> str:
    """`0.0278` → `2.78 %`."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{100 * share:.2f} %"


def signed_percent(share: float | None) -> str:
    """`0.0278` → `+2.78 %`."""
    return UNKNOWN if share is None or not math.isfinite(share) else f"{100 * share:+.2f} %"


def value(name: str, number: float | None) -> str:
    """A quantity by its name: shares in percent, others with five significant digits."""
    if name in ("accuracy", "f1", "precision", "recall", "error"):
        return percent(number)
    return UNKNOWN if number is None or not math.isfinite(number) else f"{number:.5g}"


def kilobytes(number: float) -> str:
    """`69.8` → `69.8 kB`, `2500` → `2.5 MB`."""
    return f"{number / 1000:.3g} MB" if number >= 1000 else f"{number:.3g} kB"
