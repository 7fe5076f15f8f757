"""How long does `dlspec split` take, and how much memory? Whole commands in processes of their own.

    python -m benchmarks.split [DIRECTORY]

The files (140 MB each, and sparse ones of 6 GB that take no room) are made in DIRECTORY, or in a temporary one.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

CASES = (
    ("1,000,000 × 30 float32, HDF5", "small.h5", ()),
    ("  the same, random", "small.h5", ("--strategy", "random")),
    ("  the same, identical rows together", "small.h5", ("--drop-duplicates",)),
    ("  the same, by group", "small.h5", ("--strategy", "group", "--column", "group")),
    ("  the same, by hash", "small.h5", ("--strategy", "hash", "--column", "group", "--ratios", "98/1/1")),
    ("  the same, files written", "small.h5", ("--materialize", "OUT")),
    ("1,000,000 × 30 float32, NPZ", "small.npz", ()),
    ("  the same, files written", "small.npz", ("--materialize", "OUT")),
    ("1,000,000 × 30, CSV", "small.csv", ()),
    ("50,000,000 × 30 float32, HDF5, random", "large.h5", ("--strategy", "random")),
    ("  the same, stratified", "large.h5", ("--strategy", "stratified")),
)


def make(directory: Path) -> None:
    """Write the files."""
    rng = np.random.default_rng(0)
    m = 1_000_000
    x = rng.standard_normal((m, 30), dtype=np.float32)
    arrays = {"x": x, "y": rng.integers(0, 10, m), "group": rng.integers(0, m // 10, m)}
    with h5py.File(directory / "small.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values
    np.savez(directory / "small.npz", **arrays)
    with (directory / "small.csv").open("w") as table:
        table.write(",".join([*(f"x{j}" for j in range(30)), "y"]) + "\n")
        for start in range(0, m, 10_000):
            block = np.column_stack((x[start : start + 10_000], arrays["y"][start : start + 10_000]))
            np.savetxt(table, block, fmt="%.5g", delimiter=",")
    with h5py.File(directory / "large.h5", "w") as file:
        inputs = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        inputs.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        inputs.set_fill_time(h5py.h5d.FILL_TIME_NEVER)  # a hole: declared, but never written
        space = h5py.h5s.create_simple((50 * m, 30))
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F32LE, space, dcpl=inputs)
        file["y"] = rng.integers(0, 10, 50 * m).astype(np.uint8)


def measured(directory: Path, name: str, flags: tuple[str, ...]) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and the peak of resident memory in MB of one command."""
    out = directory / "out"
    places = [str(out) if flag == "OUT" else flag for flag in flags]
    if "OUT" not in flags:
        places += ["--out", str(directory / "index.h5")]
    command = [sys.executable, "-m", "dlspec", "split", str(directory / name), *places, "--force", "--json"]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, process.returncode, usage = os.wait4(process.pid, 0)
    assert process.returncode == 0
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main(directory: Path) -> None:
    """Print the table."""
    # In a process of its own: a command inherits the peak of the process that starts it.
    subprocess.run([sys.executable, "-m", "benchmarks.split", "--make", str(directory)], check=True)
    print(f"{'':44}{'seconds':>9}{'of CPU':>9}{'peak MB':>9}")
    for title, name, flags in CASES:
        seconds, busy, peak = measured(directory, name, flags)
        print(f"{title:44}{seconds:9.2f}{busy:9.2f}{peak:9.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--make"]:
        make(Path(sys.argv[2]))
    elif len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
