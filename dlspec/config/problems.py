"""What pydantic found wrong, as lines that say where, what was found, what is expected and how to fix it."""

from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dlspec.config.schema import Node, Place, Schema, name_of
from dlspec.config.suggestions import empty_home, for_key, for_value
from dlspec.config.wording import KeyPath, dotted, found
from dlspec.config.yaml_tree import Mark, Tree

MAX_LINES = 50

# Errors that say something of their own, whatever is wrong inside the value.
_NEVER_EXPLAINED = ("extra_forbidden", "missing", "value_error")


class _Problem(NamedTuple):
    """An error of pydantic, and what the message is about: a path, and what the schema has there."""

    error: ErrorDetails
    place: Place
    path: KeyPath
    node: Node | None
    mark: Mark


def problem_lines(error: ValidationError, *, tree: Tree, schema: Schema) -> list[str]:
    """All problems of a file, one line each, in the order in which they stand in it.

    Args:
        error: what validation of the tree's root raised.
        tree: the values and where they are written.
        schema: of the model that was validated.
    """
    problems: dict[tuple[KeyPath, bool], _Problem] = {}
    unindented: set[KeyPath] = set()
    for detail in error.errors(include_url=False, include_input=False):
        place = schema.follow(detail["loc"])
        unknown = detail["type"] == "extra_forbidden"
        if unknown and (home := empty_home(place, tree=tree, schema=schema)):
            unindented.add((*place.path[:-1], home))
        path, node = _subject(place, kind=detail["type"], tree=tree, schema=schema)
        marks = tree.nearest(path)
        problem = _Problem(detail, place, path, node, marks.key if unknown else marks.value)
        problems.setdefault((path, unknown), problem)  # the branches of a union complain one by one about one value
    # An empty section whose keys lost their indentation is explained at those keys, and where a union takes either a
    # section or something else, what is wrong inside the section tells more.
    explained = unindented | {path[:depth] for path, _ in problems for depth in range(len(path))}
    shown = [
        problem
        for problem in problems.values()
        if problem.error["type"] in _NEVER_EXPLAINED or problem.path not in explained
    ]
    shown.sort(key=lambda problem: (problem.mark.line, problem.mark.column, problem.mark.source))
    lines = [_line(problem, tree=tree, schema=schema) for problem in shown[:MAX_LINES]]
    if rest := shown[MAX_LINES:]:
        lines.append(f"{rest[0].mark}: and {len(rest)} more from here on")
    return lines


def _subject(place: Place, *, kind: str, tree: Tree, schema: Schema) -> tuple[KeyPath, Node | None]:
    """What a message is about, where it is not the place that pydantic names."""
    if kind == "union_tag_invalid" and place.node and isinstance(tree.value_at(place.path), dict):
        names = next(option for option in schema.alternatives(place.node) if "enum" in option)
        return (*place.path, "name"), names
    if kind == "missing":
        parent = schema.at(place.path[:-1])
        members = schema.sections(parent) if parent else []
        if len(members) > 1 and not name_of(members[0]):
            return place.path[:-1], parent  # `data: {}` lacks any one of three keys, not just the first
    return place.path, place.node


def _line(problem: _Problem, *, tree: Tree, schema: Schema) -> str:
    words = _words(problem, tree=tree, schema=schema)
    return f"{problem.mark}: {dotted(problem.path)}: {words}" if problem.path else f"{problem.mark}: {words}"


def _words(problem: _Problem, *, tree: Tree, schema: Schema) -> str:
    value = tree.value_at(problem.path)
    match problem.error["type"]:
        case "extra_forbidden":
            return f"unknown key; {for_key(problem.place, tree=tree, schema=schema)}"
        case "value_error":
            message = str(problem.error["ctx"]["error"])
            return message if isinstance(value, dict | list) else f"found {found(value)}; {message}"
        case "missing" if problem.path not in tree.marks and problem.node:
            return f"missing; expected {schema.expected(problem.node, None)}"
    if problem.node is None:
        return problem.error["msg"]
    parts = [
        f"found {found(value)}{_kind(value, types=schema.types(problem.node))}",
        f"expected {schema.expected(problem.node, value)}",
        for_value(value, node=problem.node, schema=schema),
    ]
    return "; ".join(part for part in parts if part)


def _kind(value: Any, *, types: set[str]) -> str:
    """The kind of a scalar, where the kind is what is wrong with it."""
    match value:
        case str() if "string" not in types:
            return " (text)"
        case int() if types == {"string"} and not isinstance(value, bool):
            return " (whole number)"
        case float() if types == {"string"}:
            return " (number)"
    return ""
