"""`python -m benchmarks inference`: from examples in memory to probabilities, by batch size, interleaved."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine
from benchmarks.race.predictors import PEERS
from benchmarks.race.referee import compete, line_of, ratios
from benchmarks.race.workloads import WORKLOADS

BATCHES = {1: 4_000, 128: 200, 10_000: 3}  # and predictions of one measurement: about a tenth of a second


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks inference", description=__doc__)
    parser.add_argument("--workload", default="W3")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    names = ["predictors.ours", *(name for peer in chosen.peers.split(",") if peer for name in PEERS[peer])]
    rows, load = [], os.getloadavg()
    for threads in map(int, chosen.threads.split(",")):
        for batch, times in BATCHES.items():
            workload = replace(WORKLOADS[chosen.workload], batch=batch, steps=times)
            found = compete(workload, names, threads=threads, processes=chosen.processes, rounds=chosen.rounds)
            for part in found.values():
                for name in [name for name in names if name in part]:
                    part[name.removeprefix("predictors.")] = part.pop(name)
            row = {"workload": chosen.workload, "batch": batch, "threads": threads, **found}
            rows.append({**row, "ratios": ratios(found["seconds"])})
            sys.stdout.write(f"batch {batch:>6,}  {line_of(rows[-1])}\n")
            sys.stdout.flush()
    machine.write("inference", rows, out=chosen.out, load_before=load)
    return 0
