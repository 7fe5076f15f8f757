"""Many runs at a glance: what `run.json` says of each, and the row of its metrics that is its result.

Two small reads per run, so that thousands are listed in a second; its configuration and report are read only where
they are asked for.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from dlspec.config import yaml_tree
from dlspec.errors import ConfigError, DlspecError, RunError, UsageError
from dlspec.run.directory import read_json
from dlspec.run.record import read_record, segments_of, status_of
from dlspec.run.recorder import METRICS_FILE

DAMAGED = "damaged"  # never written: a run whose `run.json` cannot be read
REPORT_FILE = "report.json"

# What a report says of the metric and the limits that were asked for.
ASKED = ("optimize", "optimized", "limits", "model_kb")
SMALLER = ("loss", "rmse", "mae")  # is better; of every other metric larger

_TAIL = 65_536  # bytes of the metrics; the row of the best epoch is nearly always within
_SECTION = re.compile(r"^(?=[^\s#])", re.MULTILINE)  # a resolved configuration has a key at the start of each section


class ListedRun:
    """One run of a list, and every fact about it by name.

    Args:
        run: its directory.
        now: the time, for how long a run that goes on has been trained.

    Attributes:
        run: its directory.
        facts: run, name, status, message, started, finished, seconds of training, epoch and step of the result, host,
            processor, predict_ms where it was measured, and the quantities of its metrics; `train_error` and
            `dev_error` where accuracy is measured.
    """

    def __init__(self, run: Path, *, now: datetime):
        self.run = run
        try:
            record = read_record(run)
            self._config = segments_of(record)[-1].config
            self.facts = _facts(run, record, now)
        except (DlspecError, KeyError, TypeError, ValueError) as error:
            self._config = ""
            message = str(error) if isinstance(error, DlspecError) else f"{run}: the record is damaged"
            self.facts = {"run": run.name, "name": None, "status": DAMAGED, "message": message, "started": None}

    def get(self, key: str) -> Any:
        """A fact, an error rate of the report, or a setting such as `optimizer.name`; None where there is none.

        The report also has `optimize`, the metric that was asked for, `optimized`, its value on dev, `limits`, `met` or
        `not met`, and `model_kb`.
        """
        if key in self.facts:
            return self.facts[key]
        if key in ASKED:
            return self._asked.get(key)
        split, _, what = key.partition("_")
        if what == "error":
            return self._errors.get(split)
        head, *below = key.split(".")
        return _below(self._section(head), below)

    @cached_property
    def _errors(self) -> Mapping[str, Any]:
        """Error by split, but for test, which is not for choosing among runs."""
        try:
            errors = {split["split"]: split["error"] for split in self._report["splits"] if split["split"] != "test"}
            return {split: error for split, error in errors.items() if is_number(error)}
        except (KeyError, TypeError):
            return {}

    @cached_property
    def _asked(self) -> Mapping[str, Any]:
        """What was asked of the run, and whether it is met; limits on time by what `run.json` measured."""
        try:
            selection = self._report["selection"]
            met = [_is_met(row, self.facts.get("predict_ms")) for row in selection["limits"]]
            return {
                "optimize": selection["optimize"],
                "optimized": selection["value"],
                "limits": None if not met else "met" if all(met) else "not met",
                "model_kb": selection["model_kb"],
            }
        except (KeyError, TypeError, ValueError):
            return {}

    @cached_property
    def _report(self) -> Mapping[str, Any]:
        try:
            return read_json(self.run / REPORT_FILE)
        except RunError:
            return {}

    @cached_property
    def _sections(self) -> Mapping[str, str]:
        """Text of the sections of the resolved configuration: reading one takes a tenth of the time of all."""
        try:
            text = (self.run / self._config).read_text() if self._config else ""
        except (OSError, ValueError):
            return {}
        return {part.split(":", 1)[0]: part for part in _SECTION.split(text) if part}

    def _section(self, name: str) -> Any:
        return _parsed(self._sections.get(name, "")).get(name)


def _is_met(row: Mapping[str, Any], predict_ms: float | None) -> bool:
    """Whether a limit is met; one on time that was not measured is not."""
    if row["met"] is not None:
        return bool(row["met"])
    from dlspec.config.evaluation import parse_limit  # only here: it brings pydantic, which a list does without

    limit = parse_limit(row["limit"])
    return limit.name == "predict_ms" and bool(limit.is_met(predict_ms))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Mapping[str, Any]:
    """A section; runs of the same experiment share most of theirs."""
    try:
        tree = yaml_tree.parse(text.encode(), name="section").root
    except ConfigError:
        return {}
    return tree if isinstance(tree, dict) else {}


def listed(runs: Iterable[Path], *, now: datetime) -> list[ListedRun]:
    """The runs, in the order given; one that is damaged is listed as such."""
    return [ListedRun(run, now=now) for run in runs]


FALLBACKS = ("started", "dev_error")  # what is sorted by unless told otherwise, and may be absent


def ordered(runs: Iterable[ListedRun], key: str) -> list[ListedRun]:
    """The runs by a fact or a setting, smallest first, or largest first with a minus before the key.

    Runs without it stand at the end; equal ones in the order of their start.

    Raises:
        UsageError: no run has it, and it is nothing that `compare` sorts by unless told otherwise.
    """
    chosen = sorted(runs, key=lambda run: str(run.facts["started"] or ""))
    values = [(run.get(key.removeprefix("-")), run) for run in chosen]
    known = [(value, run) for value, run in values if value is not None]
    if chosen and not known and key.removeprefix("-") not in FALLBACKS:
        raise UsageError(f"--sort {key}: no run has that; expected a fact such as started, or a key such as seed")
    known.sort(key=lambda pair: _rank(pair[0]), reverse=key.startswith("-"))
    return [run for _, run in known] + [run for value, run in values if value is None]


def by_worth(runs: Sequence[ListedRun]) -> list[ListedRun]:
    """The best run first: those within their limits, then by the metric that all of them were asked to optimize.

    By `dev_error` where they were not asked for the same, or for nothing.
    """
    asked = {run.get("optimize") for run in runs if run.get("dev_error") is not None}
    metric = asked.pop() if len(asked) == 1 else None
    if metric is None:
        return ordered(runs, "dev_error")
    best = ordered(runs, "optimized" if metric in SMALLER else "-optimized")
    return sorted(best, key=lambda run: run.get("limits") == "not met" or run.get("optimized") is None)


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before texts, which do not compare."""
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def _facts(run: Path, record: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    status = status_of(run, record)
    row = result_row(run / METRICS_FILE, result=str(record["result"]))
    metrics = {name: x for name, x in row.items() if name.startswith(("train_", "dev_")) and is_number(x)}
    moment(record["started"])  # a time that is none makes the record a damaged one
    measured = {f"{split}_error": metrics.get(f"{split}_accuracy") for split in ("train", "dev")}
    errors = {name: 1.0 - accuracy for name, accuracy in measured.items() if accuracy is not None}
    return {
        "run": run.name,
        "name": record["name"],
        "status": status,
        "message": record["message"],
        "started": record["started"],
        "finished": record["finished"],
        "seconds": _seconds(record, status, now),
        "epoch": row["epoch"] if is_number(row.get("epoch")) else 0,
        "step": row["step"] if is_number(row.get("step")) else 0,
        "host": record.get("process", {}).get("host"),
        "processor": record.get("environment", {}).get("processor"),
        **({"predict_ms": record["predict_ms"]} if is_number(record.get("predict_ms")) else {}),
        **errors,
        **metrics,
    }


def result_row(path: Path, *, result: str) -> Mapping[str, Any]:
    """The row of the metrics that a run stands for: its last one, with `best` the last that improved; {} for none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            start = max(0, size - _TAIL)
            file.seek(start)
            content = file.read()
            if result == "best" and start and b'"improved": true' not in content:
                file.seek(0)
                content = file.read()
    except OSError:
        return {}
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    best = (line for line in reversed(lines) if b'"improved": true' in line)
    line = next(best, None) if result == "best" else None
    try:
        row = json.loads(line or lines[-1]) if lines else {}
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _seconds(record: Mapping[str, Any], status: str, now: datetime) -> float | None:
    """Wall clock of all sessions that have said when they ended, and of the one that goes on; None for none."""
    sessions: Sequence[Mapping[str, Any]] = record["lineage"] or [record]
    spans = [_span(session, now if status == "running" else None) for session in sessions]
    known = [span for span in spans if span is not None]
    return sum(known) if known else None


def _span(session: Mapping[str, Any], now: datetime | None) -> float | None:
    begin = moment(session["started"])
    end = moment(session["finished"]) or now
    return None if begin is None or end is None else (end - begin).total_seconds()


def moment(stamp: Any) -> datetime | None:
    """A time of `run.json`; None for none."""
    return None if stamp is None else datetime.fromisoformat(str(stamp)).astimezone(UTC)


def is_number(value: Any) -> bool:
    """Whether a value of a file is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _below(value: Any, steps: Sequence[str]) -> Any:
    """The value at a path of keys and list indices; None where there is none, or where it is a section."""
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return None if isinstance(value, dict | list) else value
