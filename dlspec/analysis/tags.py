"""Error analysis (course 3, week 2): of the errors that people have looked at, how many are of which kind?

A kind's ceiling is what the error would become if all of its errors were solved: no work on it can give more.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Looked:
    """One error that someone has looked at: its tags, and how much it counts."""

    tags: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One kind of error.

    Attributes:
        tag: its name; "" for errors without a tag.
        count: errors that have it.
        share: of the errors, by weight; an error may have several tags, so shares may add up to more than 1.
        error: of the split, if all of them were solved.
    """

    tag: str
    count: int
    share: float
    error: float


def ceilings(looked: Sequence[Looked], *, error: float, whole: float) -> list[Ceiling]:
    """Every tag, the most frequent first, and the errors without one at the end; upper and lower case are the same.

    Args:
        looked: the errors that someone has looked at.
        error: of the whole split.
        whole: the weight that counts as all of the errors: that of those looked at, where they stand for all.
    """
    members: dict[str, list[Looked]] = {}
    names: dict[str, str] = {}
    for one in looked:
        for tag in dict.fromkeys(tag.casefold() for tag in one.tags) or ("",):
            members.setdefault(tag, []).append(one)
        for tag in one.tags:
            names.setdefault(tag.casefold(), tag)
    found = [_ceiling(names.get(tag, ""), of_tag, error, whole) for tag, of_tag in members.items()]
    return sorted(found, key=lambda one: (one.tag == "", -one.share, one.tag.casefold()))


def _ceiling(tag: str, members: Sequence[Looked], error: float, whole: float) -> Ceiling:
    share = min(sum(one.weight for one in members) / whole, 1.0) if whole > 0 else 0.0
    return Ceiling(tag, len(members), share, error * (1 - share))
