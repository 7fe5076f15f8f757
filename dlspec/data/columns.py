"""What the columns of a table are for: targets, weights, features."""

from collections.abc import Sequence

from dlspec.data.table import suggestion
from dlspec.errors import DataError


def position(where: str, names: Sequence[str], name: str) -> int:
    """Where a column stands among the names; `where` these are: a file, or a file and a line.

    Raises:
        DataError: it does not.
    """
    if name not in names:
        raise DataError(f"{where}: no column {name!r}; {suggestion(name, names)}")
    return names.index(name)


def target_columns(
    where: str,
    names: Sequence[str],
    target: str | Sequence[str] | None,
    sample_weight: str | None,
    leave_out: Sequence[str],
) -> list[int]:
    """Positions of the targets; at least one column must be left for the features.

    Args:
        where: the file, or the file and the line of its header, for messages.
        names: of all columns.
        target: name of the target, or of several; None means the last column that is neither of the following.
        sample_weight: name of the weights.
        leave_out: names of columns that are no features.

    Raises:
        DataError: no such column, one with two meanings, or nothing left.
    """
    others = [name for name in names if name != sample_weight and name not in leave_out]
    wanted = others[-1:] if target is None else [target] if isinstance(target, str) else list(target)
    weights = [] if sample_weight is None else [sample_weight]
    meanings = (("a target", wanted), ("the sample weight", weights), ("what the split goes by", leave_out))
    meaning_of: dict[str, str] = {}
    for meaning, columns in meanings:
        for name in columns:
            position(where, names, name)
            if name in meaning_of:
                raise DataError(
                    f"{where}: column {name!r} is {meaning_of[name]} and {meaning}; expected different ones"
                )
            meaning_of[name] = meaning
    if set(others) <= set(wanted):
        others_are = (
            "a target, the sample weight or what the split goes by" if leave_out else "a target or the sample weight"
        )
        raise DataError(f"{where}: every column is {others_are}; expected features too")
    return [names.index(name) for name in wanted]
