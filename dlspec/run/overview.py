"""How a run stands, from its directory alone; also while it goes on, and without writing anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlspec.run import checkpoints
from dlspec.run.directory import read_row
from dlspec.run.record import read_record, segments_of, status_of
from dlspec.run.recorder import METRICS_FILE

_TAIL = 65_536  # bytes of the metrics; the last whole line is within


def overview(run: Path) -> dict[str, Any]:
    """How a run stands, in plain numbers and texts.

    Raises:
        RunError: the run is damaged, or of a newer format.
    """
    record = read_record(run)
    row = last_row(run / METRICS_FILE)
    return {
        "run": str(run),
        "name": record["name"],
        "status": status_of(run, record),
        "message": record["message"],
        "started": record["started"],
        "finished": record["finished"],
        "epoch": row["epoch"] if row else 0,
        "step": row["step"] if row else 0,
        "metrics": {name: value for name, value in row.items() if name.startswith(("train_", "dev_"))} if row else {},
        "segments": [
            {"epoch": segment.epoch, "step": segment.step, "changes": list(segment.overrides)}
            for segment in segments_of(record)
        ],
        "sessions": len(record["lineage"]),
        "checkpoints": sorted(path.stem for path in (run / checkpoints.DIRECTORY).glob("*.h5")),
        "environment": record.get("environment", {}),
    }


def first_row(path: Path) -> Mapping[str, Any]:
    """The first row of a file of metrics; empty where there is none yet.

    Raises:
        RunError: it is damaged.
    """
    try:
        with path.open("rb") as file:
            line = file.readline()
    except OSError:
        return {}
    return read_row(line, path) if line.endswith(b"\n") else {}


def last_row(path: Path) -> Mapping[str, Any] | None:
    """The last whole row of a file that may be growing; None where there is none yet.

    Raises:
        RunError: it is damaged.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")[:-1]  # what follows the last line break is half a row, or nothing
    except OSError:
        return None
    return read_row(lines[-1], path) if lines else None
