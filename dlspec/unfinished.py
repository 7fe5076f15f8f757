"""What is known of a run that has no report: how it ended, what to try, and how far it came."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlspec.config import loader
from dlspec.errors import ConfigError, RunError
from dlspec.report import figures, summary
from dlspec.run.record import KILLED, read_record, segments_of, status_of
from dlspec.run.recorder import METRICS_FILE
from dlspec.run_page import HEALTH_FILE, rows

STATUSES = ("running", "interrupted", "failed", "diverged", KILLED)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that has not come to its end.

    Attributes:
        status: one of `STATUSES`.
        message: why it ended; None while it goes on.
        actions: what to try after a divergence, `action` and the settings that do it, `set`.
        layers: when they were looked at last; none where they never were.
        curves: as far as the run came.
    """

    status: str
    message: str | None
    actions: list[dict[str, Any]]
    layers: list[dict[str, Any]]
    curves: list[figures.Lines]


def read(run: Path) -> Unfinished | None:
    """What the directory tells; None of a run that is finished.

    Raises:
        RunError: a file is damaged.
    """
    record = read_record(run)
    status = status_of(run, record)
    if status not in STATUSES:
        return None
    config = run / segments_of(record)[-1].config
    advice = record.get("advice") or () if status == "diverged" else ()
    samples = rows(run / HEALTH_FILE)
    try:
        layers = samples[-1]["layers"] if samples else []
        summary.layers(layers)
        curves = figures.curves({"parameters": "last", "segments": ()}, rows(run / METRICS_FILE))
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # JSON, but not of a run
        raise RunError(f"{run}: {HEALTH_FILE} or {METRICS_FILE} is damaged ({error!r})") from error
    actions = [{"action": text, "set": _settings(text, config)} for text in advice]
    return Unfinished(status, record["message"], actions, layers, curves)


def _settings(advice: str, config: Path) -> list[str]:
    """The settings that follow a piece of advice; none where that takes a decision."""
    if "regularization.clip_norm" in advice:
        return ["regularization.clip_norm=1"]
    if "optimizer.learning_rate" in advice:
        try:
            return [f"optimizer.learning_rate={loader.load(config).experiment.optimizer.learning_rate / 10:.3g}"]
        except ConfigError:  # of a file that somebody changed
            return []
    return []
