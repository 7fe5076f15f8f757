"""`test_uses.jsonl`: when the test split of a run was looked at, and by whom.

An error on test is unbiased for who chooses nothing by it. Each look is a line, kept apart from `run.json`, which the
process that trains writes as a whole.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from dlspec.run import storage

USES_FILE = "test_uses.jsonl"


def count(run: Path, *, by: Literal["report", "evaluate"], parameters: str, now: datetime) -> int:
    """Write down a look at the test split of a run; gives the number of looks so far, this one included.

    Args:
        run: the run directory.
        by: what looked.
        parameters: of which checkpoint.
        now: the time.

    Raises:
        RunError: the run directory cannot be written.
    """
    uses = storage.Appender(run / USES_FILE)
    try:
        uses.append(json.dumps({"time": now.astimezone(UTC).isoformat(), "by": by, "parameters": parameters}))
    finally:
        uses.close()
    return looks(run)


def looks(run: Path) -> int:
    """How often the test split of a run was looked at."""
    path = run / USES_FILE
    return path.read_bytes().count(b"\n") if path.exists() else 0
