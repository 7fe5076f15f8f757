"""What a learning curve says about more data: where that action stands among the others."""

from collections.abc import Mapping, Sequence
from typing import Any

MORE_DATA = "get more training data"  # how the action begins
FLAT = 0.1  # share of the dev error; a curve that gains less by twice the data is flat

Action = Mapping[str, Any]


def ranked(actions: Sequence[Action], curve: Mapping[str, Any]) -> list[Action]:
    """The actions of a report, in an order that knows how much more data would help.

    Where twice the examples surely lower the dev error, more data comes first of what is tried against its gap; where
    the curve is flat, it comes last of all; else it stays. Its reason is what was measured.

    Args:
        actions: of `report.json`, ranked.
        curve: content of `learning-curve.json`.
    """
    found = next((action for action in actions if str(action["action"]).startswith(MORE_DATA)), None)
    doubled = curve["doubled"]
    if found is None or doubled is None:
        return list(actions)
    told = {**found, "reason": _reason(doubled, len(curve["seeds"])), "effect": curve["verdict"]}
    flat = doubled["gain"] < FLAT * (doubled["dev_error"] + doubled["gain"])
    surely = doubled["low"] is not None and doubled["low"] > 0
    others = [action for action in actions if action is not found]
    place = len(others) if flat else next(at for at, action in enumerate(actions) if action is found)
    if surely and not flat:
        place = next((at for at, action in enumerate(others) if action.get("gap") == found.get("gap")), place)
    return [*others[:place], told, *others[place:]]


def _reason(doubled: Mapping[str, Any], seeds: int) -> str:
    words = f"measured: {doubled['examples']:,} examples would give a dev error of {doubled['dev_error']:.1%}, "
    known = (
        f"; 95 % over {seeds} seeds: {-doubled['high']:+.1%} to {-doubled['low']:+.1%}"
        if doubled["low"] is not None
        else ""
    )
    return f"{words}{-doubled['gain']:+.1%} (learning curve{known})"
