"""What `run.json` must hold. A person may have edited it, or half of it may be gone."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dlspec.config.wording import found
from dlspec.errors import RunError

STATUSES = ("running", "finished", "interrupted", "failed", "diverged")
RESULTS = ("best", "last")
CONFIG = re.compile(r"config\.(resolved|segment-\d{1,9})\.yaml")  # nothing that leads out of the run


class _Kind(NamedTuple):
    """What a value must be: in words, and as a test."""

    words: str
    fits: Callable[[Any], bool]


def _one_of(*names: str) -> _Kind:
    return _Kind(f"one of: {', '.join(names)}", lambda value: value in names)


_TEXT = _Kind("text", lambda value: isinstance(value, str))
_TEXT_OR_NULL = _Kind("text or null", lambda value: value is None or isinstance(value, str))
_TEXTS = _Kind("a list of text", lambda value: isinstance(value, list) and all(map(_TEXT.fits, value)))
_SIZES = _Kind(
    "a list of names with a number or null each",
    lambda value: (
        isinstance(value, list)
        and all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], float | None)
            for pair in value
        )
    ),
)
_COUNT = _Kind("a whole number of at least 0", lambda value: type(value) is int and value >= 0)
_MAPPING = _Kind("a mapping", lambda value: isinstance(value, dict))
_MAPPINGS = _Kind("a list of mappings", lambda value: isinstance(value, list) and all(map(_MAPPING.fits, value)))
_CONFIG = _Kind("config.resolved.yaml or that of a segment", lambda value: bool(CONFIG.fullmatch(str(value))))

# What each format calls for. The environment and the process may be missing: then there is nothing to compare with.
RECORD = {
    "status": _one_of(*STATUSES),
    "result": _one_of(*RESULTS),
    "data": _MAPPING,
    "run": _TEXT,
    "name": _TEXT,
    "message": _TEXT_OR_NULL,
    "started": _TEXT_OR_NULL,
    "finished": _TEXT_OR_NULL,
}
OF_FORMAT = {1: {"overrides": _TEXTS}, 2: {"segments": _MAPPINGS, "lineage": _MAPPINGS}}
OPTIONAL = {"environment": _MAPPING, "process": _MAPPING, "advice": _TEXTS, "sizes": _SIZES}
SEGMENT = {
    "config": _CONFIG,
    "epoch": _COUNT,
    "seen": _COUNT,
    "step": _COUNT,
    "overrides": _TEXTS,
    "sha256": _TEXT_OR_NULL,
}


def check(record: Mapping[str, Any], *, newest: int, path: Path) -> None:
    """Refuse a record that lacks something, or holds something else.

    Args:
        record: content of the file.
        newest: the newest format that can be read.
        path: the file, for messages.

    Raises:
        RunError: names the first key at fault; or the record is of a newer format.
    """
    if "format" not in record:
        raise _missing(path, "format")
    number = record["format"]
    if type(number) is int and number > newest:
        raise RunError(f"{path}: has format {number}; this dlspec reads up to {newest}; install a newer dlspec")
    if type(number) is not int or number not in OF_FORMAT:
        raise _wrong(path, "format", number, f"a whole number from 1 to {newest}")
    _check_keys(record, RECORD | OF_FORMAT[number], path=path)
    _check_keys(record, {name: kind for name, kind in OPTIONAL.items() if name in record}, path=path)
    _check_keys(record["data"], {"sha256": _TEXT}, path=path, within="data.")
    segments = record.get("segments")
    if segments == []:
        raise _wrong(path, "segments", segments, "at least one")
    for index, segment in enumerate(segments or ()):
        _check_keys(segment, SEGMENT, path=path, within=f"segments.{index}.")
        if unknown := sorted(segment.keys() - SEGMENT.keys()):
            raise _wrong(path, f"segments.{index}", segment, f"no {unknown[0]!r}")
    for index, session in enumerate(record.get("lineage", ())):
        _check_keys(session, {"status": _TEXT}, path=path, within=f"lineage.{index}.")


def _check_keys(holder: Mapping[str, Any], kinds: Mapping[str, _Kind], *, path: Path, within: str = "") -> None:
    for name, kind in kinds.items():
        if name not in holder:
            raise _missing(path, within + name)
        if not kind.fits(holder[name]):
            raise _wrong(path, within + name, holder[name], kind.words)


def _missing(path: Path, name: str) -> RunError:
    return RunError(f"{path}: has no {name!r}; the file is damaged")


def _wrong(path: Path, name: str, value: Any, expected: str) -> RunError:
    return RunError(f"{path}: {name}: found {found(value)}; expected {expected}; the file is damaged")
