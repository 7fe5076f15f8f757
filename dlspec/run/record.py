"""`run.json`: what a run is, how it stands, and who worked on it when.

A run is made of segments: stretches trained with one configuration each. Most runs have one; changing the learning
rate of a running experiment begins another. A session is one process at work on it, and `lineage` lists them: every
interruption ends one, every resume begins one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dlspec.run import format1, record_check, storage
from dlspec.run.directory import RUN_FILE, is_locked, read_json, to_json
from dlspec.training.events import Reason

FORMAT = 2
STATUS: dict[Reason, str] = {
    "completed": "finished",
    "early_stopping": "finished",
    "interrupted": "interrupted",
    "diverged": "diverged",
}
"""What a run is after its training ended in that way."""
KILLED = "killed"  # never written: a run that says it is running, and that nobody holds


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a run with one configuration.

    Attributes:
        config: its file in the run directory, every default written out.
        sha256: of that file, so that a later change is noticed; None where it was not recorded.
        epoch: completed epochs at its start.
        seen: examples of the next epoch seen by then.
        step: steps done by then.
        overrides: the flags that made it differ from the segment before, or from the experiment file.
    """

    config: str
    epoch: int = 0
    seen: int = 0
    step: int = 0
    overrides: tuple[str, ...] = ()
    sha256: str | None = None


def read_record(run: Path) -> dict[str, Any]:
    """Content of `run.json`, of this format or the one before.

    Raises:
        RunError: it is missing, damaged, or of a newer format.
    """
    record = read_json(run / RUN_FILE)
    record_check.check(record, newest=FORMAT, path=run / RUN_FILE)
    return format1.record(record) if record["format"] == 1 else record


def status_of(run: Path, record: Mapping[str, Any]) -> str:
    """`running`, `finished`, `interrupted`, `failed`, `diverged`, or `killed`."""
    status = str(record["status"])
    return KILLED if status == "running" and not is_locked(run) else status


def segments_of(record: Mapping[str, Any]) -> list[Segment]:
    """The segments of a run, in order."""
    return [Segment(**{**segment, "overrides": tuple(segment["overrides"])}) for segment in record["segments"]]


def write_record(run: Path, record: Mapping[str, Any]) -> None:
    """Replace `run.json` in one step.

    Raises:
        RunError: the system refused.
    """
    storage.write_file(run / RUN_FILE, to_json(record))


def new_record(
    run: Path,
    *,
    name: str,
    result: str,
    data_sha256: str,
    segments: Sequence[Segment],
    reproduces: str | None = None,
) -> dict[str, Any]:
    """The record of a run that is about to start.

    Args:
        run: its directory.
        name: of the experiment.
        result: which parameters are its result, `best` or `last`.
        data_sha256: hash of the data.
        segments: at least one.
        reproduces: the run that it repeats.
    """
    return {
        "format": FORMAT,
        "run": run.name,
        "name": name,
        "status": "running",
        "message": None,
        "started": None,
        "finished": None,
        "epoch": 0,
        "step": 0,
        "result": result,
        "data": {"sha256": data_sha256},
        "segments": [asdict(segment) for segment in segments],
        "lineage": [],
        **({"reproduces": reproduces} if reproduces else {}),
    }


def begun(
    record: Mapping[str, Any],
    *,
    now: datetime,
    environment: Mapping[str, Any],
    process: Mapping[str, Any],
    step: int = 0,
    overrides: Sequence[str] = (),
    inexact: Sequence[str] = (),
) -> dict[str, Any]:
    """The record, now that a session begins.

    Args:
        record: before.
        now: the time.
        environment: versions, linear algebra, threads.
        process: who it is.
        step: steps done before it.
        overrides: its flags.
        inexact: what differs from the environment of the session before.
    """
    stamp = _stamp(now)
    session = {
        "started": stamp,
        "finished": None,
        "status": "running",
        "from_step": step,
        "overrides": list(overrides),
        **({"inexact": list(inexact)} if inexact else {}),
    }
    # What says how the session before ended is left behind.
    known = {key: value for key, value in record.items() if key not in ("advice", "sizes")}
    return {
        **known,
        "status": "running",
        "message": None,
        "started": record["started"] or stamp,
        "finished": None,
        "lineage": [*_closed(record["lineage"]), session],
        "environment": dict(environment),
        "process": dict(process),
    }


def _closed(lineage: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Earlier sessions; one that never said how it ended was killed."""
    return [{**session, "status": KILLED} if session["status"] == "running" else session for session in lineage]


def ended(record: Mapping[str, Any], *, now: datetime, status: str, message: str, **progress: int) -> dict[str, Any]:
    """The record, now that the newest session has ended; `progress` is its `epoch` and `step`."""
    stamp = _stamp(now)
    *earlier, session = record["lineage"]
    session = {**session, "finished": stamp, "status": status}
    return {
        **record,
        "status": status,
        "finished": stamp,
        "message": message,
        **progress,
        "lineage": [*earlier, session],
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
