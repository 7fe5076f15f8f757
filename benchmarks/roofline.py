"""`python -m benchmarks roofline`: how much of a step's time this processor needs for it anyway, in one thread.

That is the time of the matrix products at the best rate measured for their shapes, plus the least traffic to memory at
the rate measured: `race/limits`. Both are measured in turn with our steps.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.race import limits
from benchmarks.race.referee import compete
from benchmarks.race.workloads import WORKLOADS, Workload

NAMES = ("ours", "limits.products", "limits.traffic")


def row_of(workload: Workload, *, processes: int, rounds: int) -> dict[str, Any]:
    """Measure one workload."""
    found = compete(workload, NAMES, threads=1, processes=processes, rounds=rounds)
    ours, products, traffic = (found["seconds"][name] for name in NAMES)
    shares = [(p + t) / o for o, p, t in zip(ours, products, traffic, strict=True)]
    moved = limits.bytes_of_update(workload) + limits.bytes_of_fetch(workload)
    return {
        "workload": workload.name,
        "threads": 1,
        "seconds": {"ours": ours, "products": products, "traffic": traffic},
        "operations": limits.operations(workload),
        "bytes": moved,
        "operations_per_second": limits.operations(workload) / statistics.median(products),
        "bytes_per_second": moved / statistics.median(traffic),
        "share": {"median": statistics.median(shares), "low": min(shares), "high": max(shares)},
    }


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks roofline", description=__doc__)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    rows, load = [], os.getloadavg()
    for name in chosen.workloads.split(","):
        rows.append(row_of(WORKLOADS[name], processes=chosen.processes, rounds=chosen.rounds))
        row = rows[-1]
        ours, products, traffic = (1e6 * statistics.median(seconds) for seconds in row["seconds"].values())
        sys.stdout.write(
            f"{name:<4} {ours:12,.1f} µs  products {products:12,.1f} at {row['operations_per_second'] / 1e9:5.1f} GF/s"
            f"  traffic {traffic:10,.1f} at {row['bytes_per_second'] / 1e9:5.1f} GB/s"
            f"  share {row['share']['median']:.0%} ({row['share']['low']:.0%}-{row['share']['high']:.0%})\n"
        )
        sys.stdout.flush()
    machine.write("roofline", rows, out=chosen.out, load_before=load)
    return 0
