"""`python -m benchmarks startup`: how long commands take that hardly compute, beside the import of libraries.

Beside the whole process, for orientation, the sum over its imports as `python -X importtime` tells it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import machine, processes

TINY = "data: {synthetic: moons, examples: 100}\nbatch_size: 60\ntraining: {epochs: 1}\n"
PROGRAMS = {
    "python -c pass": ["-c", "pass"],
    "dlspec --help": ["-m", "dlspec", "--help"],
    "dlspec validate": ["-m", "dlspec", "validate", "tiny.yaml"],
    "dlspec train, 1 step": ["-m", "dlspec", "train", "tiny.yaml"],
    "import numpy": ["-c", "import numpy"],
    "import sklearn": ["-c", "import sklearn"],
    "import sklearn.neural_network": ["-c", "import sklearn.neural_network"],
    "import jax": ["-c", "import jax"],
    "import torch": ["-c", "import torch"],
}


def seconds_of_imports(arguments: Sequence[str], *, cwd: Path, threads: int) -> float:
    """The sum of what each module takes by itself."""
    environment = machine.environment(threads) | {"PYTHONPATH": str(machine.ROOT)}
    command = [sys.executable, "-X", "importtime", *arguments]
    said = subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True, text=True).stderr
    fields = [line.removeprefix("import time:").split("|") for line in said.splitlines() if "import time:" in line]
    return sum(int(own) for own, *_ in fields if own.strip().isdigit()) / 1e6


def main(arguments: Sequence[str]) -> int:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks startup", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    load = os.getloadavg()
    commands = {name: [[sys.executable, *given]] for name, given in PROGRAMS.items()}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "tiny.yaml").write_text(TINY)
        found = processes.in_turn(commands, cwd=place, threads=chosen.threads, rounds=chosen.rounds)
        imports = {
            name: seconds_of_imports(PROGRAMS[name], cwd=place, threads=chosen.threads) for name in found["seconds"]
        }
    for name, seconds in found["seconds"].items():
        sys.stdout.write(f"{name:<32}{statistics.median(seconds):7.3f} s, imports {imports[name]:6.3f} s\n")
    row = {"threads": chosen.threads, **found, "imports": imports}
    machine.write("startup", [row], out=chosen.out, load_before=load)
    return 0
