"""The base of every section of an experiment file, and the shorthand for named ones."""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class Section(BaseModel):
    """One mapping of the experiment file: strict types, no unknown keys, no NaN or infinity, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Named:
    """Annotation of a family of sections told apart by `name`.

    A bare name is short for `{name: …}`, and settings without a name belong to the default member:
    `optimizer: sgd` is `{name: sgd}`; `optimizer: {learning_rate: 0.01}` is the default optimiser's.

    Args:
        default: name of the member that is meant when none is given.
    """

    def __init__(self, *, default: str):
        self.default = default

    def expand(self, value: Any) -> Any:
        """Turn the short forms into a full mapping; leave anything else to validation."""
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "name" not in value:
            return {"name": self.default, **value}
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        members = handler(schema)
        if "oneOf" not in members:  # a family of one section whose settings do not depend on the name
            return {"anyOf": [{"enum": handler.resolve_ref_schema(members)["properties"]["name"]["enum"]}, members]}
        mapping = members["discriminator"]["mapping"]
        # Only the default member may come without its name; otherwise a nameless mapping would fit several.
        options = [
            option if option["$ref"] == mapping[self.default] else {**option, "required": ["name"]}
            for option in members["oneOf"]
        ]
        return {"anyOf": [{"enum": list(mapping)}, {**members, "oneOf": options}]}
