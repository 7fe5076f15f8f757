"""Runs of format 1, read as those of today: `last.h5` in place of a file per step, no segments, no lineage."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dlspec.run.checkpoint import Checkpoint


def record(old: Mapping[str, Any]) -> dict[str, Any]:
    """`run.json` with the one segment that every run of format 1 is."""
    segment = {"config": "config.resolved.yaml", "epoch": 0, "seen": 0, "step": 0, "overrides": old["overrides"]}
    new = {name: value for name, value in old.items() if name != "overrides"}
    return {**new, "format": 2, "segments": [segment], "lineage": []}


def step_files(run: Path) -> list[Path]:
    """The one checkpoint that continues a run of format 1, if there is one."""
    path = run / "checkpoints" / "last.h5"
    return [path] if path.exists() else []


def continued(saved: Checkpoint, *, batch_size: int, examples: int, metrics: bytes) -> Checkpoint:
    """A `last` checkpoint of format 1 as one of today.

    Args:
        saved: of any format; one of today is returned as it is.
        batch_size: examples per step of the run.
        examples: in the training set.
        metrics: content of its `metrics.jsonl`.
    """
    if "seen" in saved.progress:
        return saved
    rows = [line for line in metrics.splitlines(keepends=True) if line.endswith(b"\n")]
    progress = {
        **saved.progress,
        "seen": min(saved.progress["batch"] * batch_size, examples),
        "spikes": {"steps": 0, "mean": 0.0, "variance": 0.0, "found": ()},
        "segment": 1,
        "metrics_bytes": sum(map(len, _up_to(saved.progress["epoch"], rows))),
    }
    return replace(saved, progress=progress)


def _up_to(epoch: int, rows: Iterable[bytes]) -> list[bytes]:
    return [row for row in rows if json.loads(row)["epoch"] <= epoch]
