"""What is known of a run that has not come to its end: how it stands, what to try, and how far it came."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dlspec.config import loader
from dlspec.config.experiment import Experiment
from dlspec.diagnosis.curves import curve_findings, trend_of
from dlspec.diagnosis.divergence import actions_after, long_step
from dlspec.diagnosis.layers import layer_findings
from dlspec.diagnosis.optimization_rules import descends
from dlspec.errors import DlspecError, RunError
from dlspec.report import figures, summary, unfinished_page
from dlspec.report.axes import finite
from dlspec.run import directory, storage
from dlspec.run.record import KILLED, Segment, read_record, segments_of, status_of
from dlspec.run.recorder import METRICS_FILE
from dlspec.run_page import HEALTH_FILE, PAGE_FILE, rows, settings_of

STATUSES = ("running", "interrupted", "failed", "diverged", KILLED)

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that has not come to its end.

    Attributes:
        name: of the experiment.
        status: one of `STATUSES`.
        message: why it ended; None while it goes on, and where nobody could say.
        segments: as in a report.
        actions: what to try after a divergence, as in a report.
        findings: what was out of bounds, likewise.
        sizes: after a divergence, name and largest value of each block up to the one that broke, whose own is None.
        metrics: rows of `metrics.jsonl`.
        health: rows of `health.jsonl`.
    """

    name: str
    status: str
    message: str | None
    segments: Rows
    actions: Rows
    findings: Rows
    sizes: list[list[Any]]
    metrics: Rows
    health: Rows

    @property
    def layers(self) -> Rows:
        """When they were looked at last; none where they never were."""
        return self.health[-1]["layers"] if self.health else []

    @property
    def curves(self) -> list[figures.Lines]:
        """As far as the run came."""
        return figures.curves({"parameters": "last", "segments": self.segments}, self.metrics)


def read(run: Path) -> Unfinished | None:
    """What the directory tells; None of a run that is finished.

    Raises:
        ConfigError: its configuration is damaged.
        RunError: another file is.
    """
    record = read_record(run)
    status, segments = status_of(run, record), segments_of(record)
    if status not in STATUSES:
        return None
    experiment = loader.load(run / segments[-1].config).experiment
    diverged = status == "diverged"
    metrics, health = rows(run / METRICS_FILE), rows(run / HEALTH_FILE)
    try:
        found = Unfinished(
            name=record["name"],
            status=status,
            message=record["message"] if status != KILLED else "its process was killed, or its machine stopped",
            segments=_segments(segments),
            actions=[
                asdict(action) for action in actions_after(record.get("advice", ()) if diverged else (), experiment)
            ],
            findings=_findings(experiment, metrics, health, diverged=diverged),
            sizes=record.get("sizes", []) if diverged else [],
            metrics=metrics,
            health=health,
        )
        summary.layers(found.layers), found.curves  # whatever else is damaged is told before anything is shown
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # JSON, but not of a run
        raise RunError(f"{run}: {HEALTH_FILE} or {METRICS_FILE} is damaged ({error!r})") from error
    return found


def _segments(segments: list[Segment]) -> Rows:
    return [
        {"epoch": segment.epoch, "step": segment.step, "changes": list(segment.overrides if number else ())}
        for number, segment in enumerate(segments)
    ]


def _findings(experiment: Experiment, metrics: Rows, health: Rows, *, diverged: bool) -> Rows:
    """What was out of bounds; of the errors nothing is known."""
    measured = [row for row in metrics if None not in (finite(row["train_loss"]), finite(row["train_cost"]))]
    long = long_step(health) if diverged else None
    found = [
        *([long] if long else []),
        *layer_findings(health, normalized=experiment.data.normalize != "none"),
        *curve_findings(
            measured,
            trend_of(measured, health),
            underfits=True,
            overfits=False,
            descent=descends(experiment),
            ends=False,
        ),
    ]
    return [asdict(finding) for finding in found]


def rendered(run: Path, known: Unfinished) -> bytes:
    """The page of a run that has ended.

    Raises:
        ConfigError: a configuration of the run is damaged.
        RunError: another file is.
    """
    told = ("name", "status", "message", "segments", "actions", "findings", "sizes")
    content = {**{name: getattr(known, name) for name in told}, "parameters": "last"}
    try:
        page = unfinished_page.render(content, metrics=known.metrics, health=known.health, settings=settings_of(run))
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # JSON, but not of a run
        raise RunError(f"{run}: its page cannot be drawn ({error!r}); a file of it is damaged") from error
    return page.encode()


def leave(run: Path) -> None:
    """Write the page at the end of a session, if it can be: what goes on with the run is written already."""
    with suppress(DlspecError):
        known = read(run)
        if known is not None:
            storage.write_file(run / PAGE_FILE, rendered(run, known))


def rewrite(run: Path, page: bytes) -> None:
    """Write the page of a run that has ended.

    Raises:
        RunBusyError: another process writes to the run, or the place is not writable.
        RunError: the system refused.
    """
    with directory.locked(run):
        storage.write_file(run / PAGE_FILE, page)
