"""`python -m benchmarks race`: everyone on every workload, A B A B, and the ratios.

Nothing is installed: what cannot be imported is said to be missing. Requirements with versions:
`benchmarks/requirements-peers.txt`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.race.contestants import PEERS
from benchmarks.race.workloads import WORKLOADS, Workload

# Before each turn: with two threads the second one of whoever went before looks for work for some 100 ms more, on the
# core that the next one has paid for. Without the wait 10,000 predictions took 44 ms in place of 27.
REST_S = 0.3


class Contestant:
    """A process that works when it is told to.

    Args:
        name: of a module in `benchmarks.race.contestants`, or `package.module` of another package beside it whose
            modules have the same `prepare`.
        workload: what it works on.
        threads: it may use.

    Attributes:
        missing: why it cannot work; None where it can.
        peak: bytes of memory that it had at most since it was prepared, data included.
    """

    def __init__(self, name: str, workload: Workload, *, threads: int):
        self.name = name
        self.peak = float("nan")
        module = name if "." in name else f"contestants.{name}"
        given = [module, json.dumps(asdict(workload)), str(threads)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.race.worker", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=machine.environment(threads),
        )
        said = self._read()
        self.missing = said.get("missing", "it died") if "ready" not in said else None

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {}

    def run(self, steps: int) -> float:
        """Median seconds per step, after a rest."""
        assert self._process.stdin is not None
        time.sleep(REST_S)
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        said = self._read()
        self.peak = said.get("peak", self.peak)
        return statistics.median(said["seconds"]) if "seconds" in said else float("nan")

    def close(self) -> None:
        """End the process, which takes its files with it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def compete(workload: Workload, names: Sequence[str], *, threads: int, processes: int, rounds: int) -> dict[str, Any]:
    """Seconds per step of everyone: a median per round, in turn; every process is started anew so many times."""
    seconds: dict[str, list[float]] = {name: [] for name in names}
    missing: dict[str, str] = {}
    for _ in range(processes):
        field = [Contestant(name, workload, threads=threads) for name in names if name not in missing]
        missing |= {c.name: c.missing for c in field if c.missing}
        field = [contestant for contestant in field if not contestant.missing]
        try:
            for contestant in field:
                contestant.run(max(1, workload.steps // 4))  # warm caches, compile
            for _ in range(rounds):
                for contestant in field:
                    seconds[contestant.name].append(contestant.run(workload.steps))
        finally:
            for contestant in field:
                contestant.close()
    return {"seconds": {name: s for name, s in seconds.items() if s}, "missing": missing}


def ratios(seconds: dict[str, list[float]], *, of: str = "ours") -> dict[str, dict[str, float]]:
    """Of one to each of the others, round by round: median and the range of the middle half."""
    ours, result = seconds[of], {}
    for name, theirs in seconds.items():
        pairs = sorted(a / b for a, b in zip(ours, theirs, strict=True))
        quarter = len(pairs) // 4
        result[name] = {"median": statistics.median(pairs), "low": pairs[quarter], "high": pairs[-1 - quarter]}
    return result


def main(arguments: Sequence[str]) -> int:
    """Race, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks race", description=__doc__)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, help="JSON file; unset: benchmarks/results/race-<UTC stamp>.json")
    chosen = parser.parse_args(arguments)
    names = ["ours", *(variant for peer in chosen.peers.split(",") if peer for variant in PEERS[peer])]
    table, load = [], os.getloadavg()
    for threads in map(int, chosen.threads.split(",")):
        for name in chosen.workloads.split(","):
            found = compete(WORKLOADS[name], names, threads=threads, processes=chosen.processes, rounds=chosen.rounds)
            row = {"workload": name, "threads": threads, **found, "ratios": ratios(found["seconds"])}
            table.append(row)
            sys.stdout.write(line_of(row) + "\n")
            sys.stdout.flush()
    machine.write("race", table, out=chosen.out, load_before=load)
    return 0


def line_of(row: dict[str, Any]) -> str:
    """Our time, and the ratio to each peer."""
    ours = statistics.median(row["seconds"]["ours"]) * 1e6
    parts = [
        f"{name} {r['median']:.2f} ({r['low']:.2f}-{r['high']:.2f})"
        for name, r in row["ratios"].items()
        if name != "ours"
    ]
    parts += [f"{name} missing ({why})" for name, why in row["missing"].items()]
    return f"{row['workload']:<4} {row['threads']} thread(s)  {ours:12,.1f} µs  " + "  ".join(parts)
