"""`python -m benchmarks whole`: start, train digits for 20 epochs, evaluate, against the same program of others.

dlspec starts twice for it, `dlspec train` and `dlspec evaluate`, and leaves checkpoints and a report; `train` alone
already says the figures of dev. The experiment is `programs/digits.yaml`; the split is the same for all.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from benchmarks import machine, processes
from benchmarks.race.referee import ratios
from dlspec.data.split import by_chance

PROGRAMS = Path(__file__).parent / "programs"
DIGITS = machine.ROOT / "datasets" / "digits.h5"


def write_splits(place: Path) -> None:
    """60 % train.npz and 20 % dev.npz, stratified, as `split: {ratios: 60/20/20}` has it."""
    with h5py.File(DIGITS) as file:
        X, Y = file["x"][:].reshape(len(file["x"]), -1).astype(np.float32), file["y"][:].astype(np.int64)
    split_of = by_chance(len(Y), ratios=(0.6, 0.2, 0.2), rng=np.random.default_rng(1), labels=Y)
    for number, name in enumerate(("train", "dev")):
        np.savez(place / f"{name}.npz", x=X[split_of == number], y=Y[split_of == number])


def main(arguments: Sequence[str]) -> int:
    """Measure, print a line, write JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks whole", description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    python, load = sys.executable, os.getloadavg()
    train = [python, "-m", "dlspec", "train", "digits.yaml"]
    programs = {
        "ours": [train, [python, "-m", "dlspec", "evaluate", "latest"]],
        "ours, train alone": [train],
        "scikit-learn": [[python, str(PROGRAMS / "sklearn_digits.py")]],
        "torch": [[python, str(PROGRAMS / "torch_digits.py")]],
    }
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        shutil.copy(PROGRAMS / "digits.yaml", place)
        write_splits(place)
        found = processes.in_turn(programs, cwd=place, threads=chosen.threads, rounds=chosen.rounds)
    rows, seconds = [], found["seconds"]
    for name in programs:
        if name.startswith("ours"):
            to = ratios(seconds, of=name)
            rows.append({"program": name, "threads": chosen.threads, **found, "ratios": to})
            parts = [f"{to[other]['median']:.2f} of {other}" for other in seconds if other != name]
            sys.stdout.write(f"{name:<20}{statistics.median(seconds[name]):6.3f} s, {', '.join(parts)}\n")
    machine.write("whole", rows, out=chosen.out, load_before=load)
    return 0
