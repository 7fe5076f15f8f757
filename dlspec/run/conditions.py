"""`--where`: which runs are meant, in a small language of its own.

    condition = KEY OP VALUE { "and" KEY OP VALUE }        OP = == | != | < | <= | > | >=

A key is a fact of a run (`dev_error`, `status`) or a setting (`optimizer.name`, `architecture.layers.0.units`). A value
is a number, true, false, null, or text, in quotes where it holds a space or an operator. Nothing is evaluated.
"""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dlspec.config import yaml_tree
from dlspec.errors import UsageError
from dlspec.run.listing import ListedRun, is_number
from dlspec.text import printable, shortened

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EXPECTED = "expected KEY OP VALUE such as 'optimizer.name == adam and dev_error < 0.1', OP one of " + ", ".join(
    OPERATORS
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<op>==|!=|<=|>=|<|>)|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<word>[^\s=!<>'"]+))"""
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison.

    Attributes:
        key: of a fact or a setting.
        op: a key of `OPERATORS`.
        value: number, bool, None or text.
    """

    key: str
    op: str
    value: Any

    def holds(self, found: Any) -> bool:
        """Whether it holds for a value of a run; one that the run does not have only equals null."""
        compare = OPERATORS[self.op]
        if self.op in ("==", "!="):
            return compare(_same(found, self.value), True)
        if is_number(found) and is_number(self.value):
            return compare(found, self.value)
        return isinstance(found, str) and isinstance(self.value, str) and compare(found, self.value)


def parse(text: str) -> list[Condition]:
    """The conditions of a `--where`, all of which must hold.

    Raises:
        UsageError: says what was found where a key, an operator, a value or `and` should be.
    """
    tokens = _tokens(text)
    conditions = []
    while True:
        parts = tokens[:3]
        kinds = [kind for kind, _ in parts]
        if len(parts) < 3 or kinds[0] != "word" or kinds[1] != "op" or kinds[2] == "op":
            raise _problem(text, f"found {_shown(parts)}; {_EXPECTED}")
        (_, key), (_, op), (kind, value) = parts
        conditions.append(Condition(key, op, _value(value, text) if kind == "word" else value))
        if len(tokens) == 3:
            return conditions
        if tokens[3] != ("word", "and"):
            raise _problem(text, f"found {_shown(tokens[3:4])} after the value; expected and, or the end")
        tokens = tokens[4:]


def select(runs: Iterable[ListedRun], conditions: Sequence[Condition]) -> list[ListedRun]:
    """The runs for which all conditions hold.

    Raises:
        UsageError: a key that no run has.
    """
    chosen = list(runs)
    for condition in conditions:
        found = [(run, run.get(condition.key)) for run in chosen]
        if chosen and all(value is None for _, value in found) and condition.value is not None:
            raise UsageError(f"--where: no run has {_quoted(condition.key)}{_meant(condition.key, chosen)}")
        chosen = [run for run, value in found if condition.holds(value)]
    return chosen


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _problem(text, f"cannot read {_quoted(text[at:].strip())}; {_EXPECTED}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        at = match.end()
    return tokens


def _value(word: str, text: str) -> Any:
    try:
        return yaml_tree.scalar(word)
    except ValueError as error:
        raise _problem(text, str(error)) from None


def _same(found: Any, value: Any) -> bool:
    if isinstance(found, bool) or isinstance(value, bool) or found is None or value is None:
        return found is value
    return bool(found == value) or (isinstance(found, str) and found == str(value))


def _problem(text: str, what: str) -> UsageError:
    return UsageError(f"--where {_quoted(text)}: {what}")


def _quoted(text: str) -> str:
    return f"'{printable(shortened(text, 80))}'"


def _shown(tokens: Sequence[tuple[str, str]]) -> str:
    return _quoted(" ".join(text for _, text in tokens)) if tokens else "the end"


def _meant(key: str, runs: Sequence[ListedRun]) -> str:
    """The fact that was probably meant."""
    near = difflib.get_close_matches(key, {name for run in runs[:10] for name in run.facts}, n=1)
    return f"; did you mean {near[0]}?" if near else "; dlspec runs --json and dlspec show RUN tell what there is"
