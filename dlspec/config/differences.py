"""What an experiment says, key by key, beside the defaults."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from dlspec.config.wording import KeyPath, dotted


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of an experiment.

    Attributes:
        key: its path.
        value: as it would stand in the file.
        default: likewise; None where it has none.
        differs: whether somebody chose another value than the default.
    """

    key: str
    value: Any
    default: Any
    differs: bool


def settings(section: BaseModel, path: KeyPath = ()) -> Iterator[Setting]:
    """Every key of a section and those below it, in the order of the file.

    The defaults are those of the section that stands there: of `optimizer: sgd` those of sgd.
    """
    for name, field in type(section).model_fields.items():
        value, here = getattr(section, name), (*path, name)
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if isinstance(value, BaseModel):
            yield from _below(value, default, here)
        else:
            value, default = _short(value), _short(default)
            yield Setting(dotted(here), value, default, differs=value != default)


def _below(section: BaseModel, default: Any, path: KeyPath) -> Iterator[Setting]:
    """The keys of a section that stands where `default` would."""
    below = list(settings(section, path))
    if default is None and not any(setting.differs for setting in below):
        yield Setting(dotted(path), "on", None, differs=True)
    # The defaults of another member of a family are its own, but for its name.
    other = getattr(default, "name", None) if default is not None and not isinstance(default, type(section)) else None
    for setting in below:
        is_name = other is not None and setting.key == dotted((*path, "name"))
        yield replace(setting, default=other, differs=setting.value != other) if is_name else setting


def _short(value: Any) -> Any:
    """A section as what was said about it: no key that has its default."""
    if isinstance(value, BaseModel):
        fields = {name: field for name, field in type(value).model_fields.items() if name != "name"}
        said = {
            name: _short(getattr(value, name))
            for name, field in fields.items()
            if field.is_required() or getattr(value, name) != field.get_default(call_default_factory=True)
        }
        name = getattr(value, "name", None)
        return said if name is None else {"name": name, **said} if said else name
    if isinstance(value, list | tuple):
        return [_short(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
