"""`python -m benchmarks guard BASE`: what has become slower since a commit, measured side by side in one run.

A process trains with the dlspec of the working tree, another with that of the base commit, in turn. Exit code 1 where
a workload is slower by more than the tolerance.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.race.referee import Contestant
from benchmarks.race.workloads import WORKLOADS

ROOT = Path(__file__).parent.parent


def checked_out(base: str, place: Path) -> Path:
    """The package of a commit, alone in a directory."""
    archive = subprocess.run(["git", "archive", base, "dlspec"], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(place)], input=archive, check=True)
    return place


def with_package_of(place: Path) -> dict[str, str]:
    """Variables with which a process takes dlspec from there, and the benchmarks from here.

    PYTHONSAFEPATH, because `python -m` looks into the current directory first, and that is the working tree.
    """
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}


def main(arguments: Sequence[str]) -> int:
    """Measure and name what became slower."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks guard", description=__doc__)
    parser.add_argument("base", nargs="?", default="HEAD~1", help="commit to compare with")
    parser.add_argument("--workloads", default="W1,W2,W3,W4,W6")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tolerance", type=float, default=0.05)
    chosen = parser.parse_args(arguments)
    slower = []
    with tempfile.TemporaryDirectory() as folder:
        base = checked_out(chosen.base, Path(folder))
        for name in chosen.workloads.split(","):
            workload = WORKLOADS[name]
            both = []
            for place in (base, ROOT):
                os.environ.update(with_package_of(place))
                both.append(Contestant("ours", workload, threads=chosen.threads))
            before, after = both
            ratios = []
            for _ in range(chosen.rounds):
                then = before.run(workload.steps)
                ratios.append(after.run(workload.steps) / then)
            for contestant in both:
                contestant.close()
            ratio = statistics.median(ratios)
            slower += [name] if ratio > 1 + chosen.tolerance else []
            spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
            sys.stdout.write(f"{name}: HEAD takes {ratio:.3f} of the time of {chosen.base} ({spread})\n")
            sys.stdout.flush()
    if slower:
        sys.stdout.write(f"slower by more than {100 * chosen.tolerance:g} %: {', '.join(slower)}\n")
    return 1 if slower else 0
