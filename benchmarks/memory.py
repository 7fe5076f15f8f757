"""`python -m benchmarks memory`: the most memory (VmHWM) that a process has while it trains, by workload and library.

All of the process counts, interpreter, libraries and data included; not what went before the training, such as the
writing of the data file. Linux only.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.race.contestants import PEERS
from benchmarks.race.referee import Contestant
from benchmarks.race.workloads import WORKLOADS


def peaks(workload_name: str, names: Sequence[str], *, threads: int, steps: int | None) -> dict[str, Any]:
    """Bytes of each contestant, one after the other."""
    workload = WORKLOADS[workload_name]
    found: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name in names:
        contestant = Contestant(name, workload, threads=threads)
        try:
            if contestant.missing:
                missing[name] = contestant.missing
                continue
            contestant.run(workload.steps if steps is None else steps)
            found[name] = contestant.peak
        finally:
            contestant.close()
    return {"workload": workload_name, "threads": threads, "bytes": found, "missing": missing}


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="unset: those of one measurement of the race")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    names = ["ours", *(variant for peer in chosen.peers.split(",") if peer for variant in PEERS[peer])]
    rows, load = [], os.getloadavg()
    for name in chosen.workloads.split(","):
        rows.append(peaks(name, names, threads=chosen.threads, steps=chosen.steps))
        parts = [f"{who} {size / 1e6:,.0f} MB" for who, size in rows[-1]["bytes"].items()]
        sys.stdout.write(f"{name:<4} {'  '.join(parts)}\n")
        sys.stdout.flush()
    machine.write("memory", rows, out=chosen.out, load_before=load)
    return 0
