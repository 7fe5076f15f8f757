"""`report.html` of a run, out of the files of its directory alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from dlspec import pictures
from dlspec.config import loader
from dlspec.config.differences import Setting, settings
from dlspec.config.overrides import FILES
from dlspec.config.wording import dotted
from dlspec.data.dataset import Dataset
from dlspec.diagnosis import more_data
from dlspec.errors import ConfigError, RunError, UsageError
from dlspec.report import curve_of_data, figures, html
from dlspec.report.axes import finite
from dlspec.run import storage, test_uses
from dlspec.run.directory import read_json
from dlspec.run.record import read_record, segments_of, status_of
from dlspec.run.recorder import METRICS_FILE
from dlspec.run_report import limits
from dlspec.training.evaluation import Evaluator

HEALTH_FILE = "health.jsonl"
REPORT_FILE = "report.json"
CURVE_FILE = "learning-curve.json"
PAGE_FILE = "report.html"
_FILES = {dotted(path) for path in FILES}


@dataclass(frozen=True, slots=True)
class Content:
    """What the directory of a finished run tells about it.

    Attributes:
        report: of `report.json`.
        metrics: rows of `metrics.jsonl`.
        health: rows of `health.jsonl`; none where the run was not sampled.
        pictures: of `pictures.json`; None where there is none.
        predict_ms: milliseconds to predict one example; None where they were not measured.
        test_looks: how often the test split was looked at.
        learning_curve: of `learning-curve.json`, which `dlspec diagnose` puts there; None where there is none.
    """

    report: dict[str, Any]
    metrics: list[dict[str, Any]]
    health: list[dict[str, Any]]
    pictures: dict[str, Any] | None
    predict_ms: float | None = None
    test_looks: int = 0
    learning_curve: dict[str, Any] | None = None

    @property
    def curves(self) -> list[figures.Lines]:
        """Loss, metric and learning rate, and the error by training examples where it was measured."""
        of_data = curve_of_data.figure(self.learning_curve) if self.learning_curve else None
        return [*figures.curves(self.report, self.metrics), *([of_data] if of_data else [])]

    @property
    def ranked(self) -> dict[str, Any]:
        """The report, its actions in the order that the learning curve gives them."""
        if self.learning_curve is None:
            return self.report
        return {**self.report, "actions": more_data.ranked(self.report.get("actions") or (), self.learning_curve)}


def read(run: Path) -> Content:
    """Read the files of a finished run.

    Raises:
        UsageError: it has no report yet.
        RunError: a file is damaged.
    """
    record = read_record(run)
    if not (run / REPORT_FILE).exists():
        status = status_of(run, record)
        if status == "running":
            raise UsageError(f"{run}: has no report yet, because the run goes on; look at it with: dlspec show {run}")
        why = "it was lost" if status == "finished" else f"the run is {status}"
        raise UsageError(f"{run}: has no report, because {why}; have it written with: dlspec resume {run}")
    return Content(
        report=read_json(run / REPORT_FILE),
        metrics=rows(run / METRICS_FILE),
        health=rows(run / HEALTH_FILE),
        pictures=read_json(run / pictures.FILE) if (run / pictures.FILE).exists() else None,
        predict_ms=finite(record.get("predict_ms")),
        test_looks=test_uses.looks(run),
        learning_curve=read_json(run / CURVE_FILE) if (run / CURVE_FILE).exists() else None,
    )


def write(run: Path, dataset: Dataset, evaluator: Evaluator, *, predict_ms: float) -> None:
    """Write `pictures.json` and `report.html` at the end of a training.

    Args:
        run: the run directory; its report, metrics and configurations are written.
        dataset: of the run.
        evaluator: of the network with the parameters that are the result.
        predict_ms: milliseconds to predict one example, which `run.json` does not have yet.

    Raises:
        RunError: a file of the run is damaged, or the system refused.
    """
    pictures.write(run, dataset, evaluator)
    storage.write_file(run / PAGE_FILE, rendered(run, replace(read(run), predict_ms=predict_ms)))


def rendered(run: Path, content: Content) -> bytes:
    """The page of a run, out of what its directory holds.

    Raises:
        RunError: a file of the run is damaged.
    """
    try:
        page = html.render(
            content.ranked,
            metrics=content.metrics,
            health=content.health,
            pictures=content.pictures,
            settings=settings_of(run),
            learning_curve=content.learning_curve,
            met={limit: met for limit, _, met in limits(content.report.get("selection") or {}, content.predict_ms)},
        )
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # JSON, but not of a report
        raise RunError(
            f"{run}: its report cannot be drawn ({error!r}); report.json or a file beside it is damaged"
        ) from error
    return page.encode()


def rows(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file of JSON lines, one per epoch; none where there is no such file.

    Raises:
        RunError: a line is damaged.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line break is half a row, or nothing
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("epoch"), int):
            raise RunError(f"{path}:{number}: is no JSON object with an epoch; the file is damaged")
        found.append(row)
    return found


def settings_of(run: Path) -> list[Setting]:
    """What the run was trained with, beside the defaults.

    A key that was left to `auto` does not differ from its default, whatever it turned out to be. Of data files only the
    names are told: where they lie says nothing about the run.

    Raises:
        RunError: `run.json` is damaged.
        ConfigError: the configuration is.
    """
    segments = segments_of(read_record(run))
    asked = _asked(run, segments[0].overrides)
    resolved = [
        list(settings(loader.load(run / config).experiment))
        for config in dict.fromkeys((segments[0].config, segments[-1].config))  # most runs have one segment
    ]
    first = {setting.key: setting.value for setting in resolved[0]}
    found = []
    for setting in resolved[-1]:
        on_the_way = first.get(setting.key) != setting.value
        differs = setting.differs and (on_the_way or not _left_open(asked, setting.key))
        value = PurePath(str(setting.value)).name if setting.key in _FILES and setting.value else setting.value
        found.append(replace(setting, value=value, differs=differs))
    return found


def _asked(run: Path, overrides: Sequence[str]) -> Mapping[str, Setting]:
    """The experiment file as given, with its flags, by key; empty where this dlspec no longer reads it."""
    try:
        experiment = loader.load(run / "config.yaml", overrides).experiment
    except ConfigError:
        return {}
    return {setting.key: setting for setting in settings(experiment)}


def _left_open(asked: Mapping[str, Setting], key: str) -> bool:
    """Whether a key, or the section it stands in, was left out or said `auto`."""
    while key and key not in asked:
        key = key.rpartition(".")[0]
    return key in asked and asked[key].value in (None, "auto")
