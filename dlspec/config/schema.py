"""The JSON Schema of a model, walked along a path of keys, and what it expects in words."""

import math
from collections import defaultdict
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel

from dlspec.config.wording import KeyPath

Node = dict[str, Any]

_OPEN_MAPPING = "dict["  # how pydantic begins to name the branch of a mapping whose keys are free


class Place(NamedTuple):
    """Where an error of pydantic is: the path in the file, and what the schema has there.

    `section` is the mapping that holds the last key; `node` is what belongs at the path, None for an unknown key.
    """

    path: KeyPath
    section: Node
    node: Node | None


class Schema:
    """What may stand where in a file.

    Args:
        model: the root of the file.
    """

    def __init__(self, model: type[BaseModel]):
        self.root: Node = model.model_json_schema()

    def alternatives(self, node: Node) -> list[Node]:
        """What may stand at one place: sections, lists and scalars, references resolved and null left out."""
        if reference := node.get("$ref"):
            definition = self.root["$defs"][reference.removeprefix("#/$defs/")]
            required = definition.get("required", []) + node.get("required", [])
            node = {**definition, **node, "$ref": None, "required": required}
        options = node.get("anyOf") or node.get("oneOf")
        if options is None:
            return [] if node.get("type") == "null" else [node]
        return [alternative for option in options for alternative in self.alternatives(option)]

    def sections(self, node: Node) -> list[Node]:
        """The mappings that may stand at one place."""
        return [option for option in self.alternatives(node) if "properties" in option]

    def is_family(self, node: Node) -> bool:
        """Whether a bare name may stand for a mapping here: `adam` for `{name: adam}`."""
        options = self.alternatives(node)
        return any("properties" in option for option in options) and any("enum" in option for option in options)

    def child(self, node: Node, step: str | int) -> Node | None:
        """What belongs under a key or a list index, in whichever alternative has it."""
        for option in self.alternatives(node):
            found: Node | None = (
                option.get("items")
                if isinstance(step, int)
                else option.get("properties", {}).get(step) or option.get("additionalProperties") or None
            )
            if found is not None:
                return found
        return None

    def at(self, path: KeyPath) -> Node | None:
        """What belongs at a path of the file; None where nothing does."""
        node: Node | None = self.root
        for step in path:
            node = self.child(node, step) if node is not None else None
        return node

    def follow(self, location: KeyPath) -> Place:
        """Find the place of pydantic's `loc`, which also names the branch of each union on its way."""
        path: KeyPath = ()
        section = self.root
        node: Node | None = self.root
        branch: Node | None = None
        for step in location:
            if node is None:
                break
            options = self.alternatives(node)
            if isinstance(step, str) and len(options) > 1 and branch is None:
                tag = _OPEN_MAPPING if step.startswith(_OPEN_MAPPING) else step
                branch = next((option for option in options if tag in _tags(option)), None)
                continue
            path, section = (*path, step), branch or options[0]
            node, branch = self.child(branch or node, step), None
        return Place(path, section, node)

    def types(self, node: Node) -> set[str]:
        """The JSON types that one place takes; a choice of names is text."""
        return {option.get("type", "string") for option in self.alternatives(node)}

    @cached_property
    def homes(self) -> dict[str, list[str]]:
        """Each key and the dotted sections that have it; `name`, which many have, left out."""
        homes: dict[str, list[str]] = defaultdict(list)

        def visit(node: Node, path: str) -> None:
            for option in self.alternatives(node):
                if "items" in option:
                    visit(option["items"], path)
                for key, child in option.get("properties", {}).items():
                    if key != "name" and path not in homes[key]:
                        homes[key].append(path)
                    visit(child, f"{path}.{key}" if path else key)

        visit(self.root, "")
        return dict(homes)

    def expected(self, node: Node, value: Any) -> str:
        """What may stand at a place, in words, for someone who wrote `value` there."""
        options = self.alternatives(node)
        if isinstance(value, str) and self.is_family(node):
            options = [option for option in options if "enum" in option]
        about = node.get("description", "")
        sections = [option for option in options if "properties" in option]
        words = [self._one(option, about=about, value=value) for option in options if option not in sections]
        if sections:
            words.append(_mapping(sections))
        return ", or ".join(words)

    def _one(self, option: Node, *, about: str, value: Any) -> str:
        if "const" in option:
            return repr(option["const"])
        if "enum" in option:
            return f"one of: {', '.join(map(str, option['enum']))}"
        match option.get("type"):
            case "integer":
                return f"a whole number{_range(option)}"
            case "number":
                infinite = isinstance(value, float) and not math.isfinite(value)
                return f"a {'finite ' if infinite else ''}number{_range(option)}"
            case "boolean":
                return "true or false"
            case "array":
                return self._list(option)
            case "object":
                return "a mapping of names to numbers"
        if isinstance(value, str):
            return about or "text"
        return f"text ({about})" if about else "text"

    def _list(self, option: Node) -> str:
        items = self.alternatives(option["items"])
        if "properties" in items[0]:
            of = _mapping(items).replace("a mapping", "mappings")
        else:
            of = {"integer": "whole numbers", "number": "numbers"}.get(items[0].get("type", ""), "text")
        least = option.get("minItems", 0)
        return f"a list of {of}" + (f"; at least {least}" if least else "")


def keys(sections: list[Node]) -> list[str]:
    """The keys of several sections, in order, without repetition."""
    return list(dict.fromkeys(key for section in sections for key in section["properties"]))


def name_of(section: Node) -> str | None:
    """The name of a family's member, None for any other section."""
    name: str | None = section["properties"].get("name", {}).get("const")
    return name


def _tags(option: Node) -> set[str]:
    """What pydantic may call a branch of a union: its name, or the one key that it cannot be without."""
    if "properties" not in option:
        return {_OPEN_MAPPING} if option.get("additionalProperties") else set()
    return {option["title"], name_of(option) or "", *option.get("required", [])}


def _mapping(sections: list[Node]) -> str:
    if len(sections) == 1:
        return f"a mapping with {', '.join(keys(sections))}"
    if all(name_of(section) for section in sections):
        return "a mapping with name"
    return f"a mapping with one of: {', '.join(section['required'][0] for section in sections)}"


def _range(option: Node) -> str:
    least, most = option.get("minimum"), option.get("maximum")
    above, below = option.get("exclusiveMinimum"), option.get("exclusiveMaximum")
    if least is not None and most is not None:
        return f" from {least:,} to {most:,}"
    bounds = [
        f"{words} {bound:,}"
        for words, bound in (("of at least", least), ("greater than", above), ("at most", most), ("less than", below))
        if bound is not None
    ]
    return f" {' and '.join(bounds)}" if bounds else ""
