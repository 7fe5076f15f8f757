"""`python -m benchmarks scaling`: how the time of a step grows with batch size, width, depth and examples.

One of them changes, the others stay: 256-256-256-10, batch 128, 8,192 examples, Adam. The slope of time against size,
both as logarithms, is between neighbours: 1 where twice the size takes twice as long, 0 where the size does not matter.
"""

import argparse
import math
import os
import statistics
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.race.limits import operations
from benchmarks.race.referee import Contestant
from benchmarks.race.workloads import Workload

SIZES = {
    "batch": (8, 16, 32, 64, 128, 256, 512, 1_024, 2_048),
    "width": (16, 32, 64, 128, 256, 512, 1_024),
    "depth": (1, 2, 4, 8, 16, 32),
    "examples": (1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536),
}
MEASUREMENT_S = 0.2


def workload_of(kind: str, size: int) -> Workload:
    """The network of the base, with one size changed; width is that of the inputs and of both hidden layers."""
    widths = {"width": (size, size, size, 10), "depth": (128,) * (size + 1) + (10,)}.get(kind, (256, 256, 256, 10))
    batch = size if kind == "batch" else 128
    examples = size if kind == "examples" else 8_192
    workload = Workload(f"{kind} {size}", widths, examples, batch, "adam", steps=1)
    guess = 50e-6 + operations(workload) / 50e9
    return Workload(workload.name, widths, examples, batch, "adam", steps=math.ceil(MEASUREMENT_S / guess))


def slopes(sizes: Sequence[float], seconds: Sequence[float]) -> list[float]:
    """Δ log seconds / Δ log size between neighbours, one fewer than sizes."""
    points = list(zip(sizes, seconds, strict=True))
    return [math.log(t / s) / math.log(b / a) for (a, s), (b, t) in pairwise(points)]


def row_of(kind: str, *, threads: int, rounds: int) -> dict[str, Any]:
    """Measure all sizes of one kind, in turn."""
    sizes = SIZES[kind]
    workloads = [workload_of(kind, size) for size in sizes]
    field = [Contestant("ours", workload, threads=threads) for workload in workloads]
    found: list[list[float]] = [[] for _ in sizes]
    try:
        for _ in range(rounds):
            for contestant, workload, seconds in zip(field, workloads, found, strict=True):
                seconds.append(contestant.run(workload.steps))
    finally:
        for contestant in field:
            contestant.close()
    medians = [statistics.median(seconds) for seconds in found]
    return {
        "kind": kind,
        "threads": threads,
        "sizes": list(sizes),
        "seconds": found,
        "operations": [operations(workload) for workload in workloads],
        "slopes": slopes(sizes, medians),
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks scaling", description=__doc__)
    parser.add_argument("--kinds", default=",".join(SIZES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    rows, load = [], os.getloadavg()
    for kind in chosen.kinds.split(","):
        row = row_of(kind, threads=chosen.threads, rounds=chosen.rounds)
        rows.append(row)
        for size, seconds, slope in zip(row["sizes"], row["seconds"], [math.nan, *row["slopes"]], strict=True):
            sys.stdout.write(f"{kind:<9}{size:>8,}{1e6 * statistics.median(seconds):>12,.1f} µs{slope:>8.2f}\n")
        sys.stdout.flush()
    machine.write("scaling", rows, out=chosen.out, load_before=load)
    return 0
