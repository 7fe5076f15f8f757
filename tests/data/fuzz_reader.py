"""Damaged copies of a small file, for test_reader_fuzz.py.

As a program it reads mutants FIRST … LAST − 1 of a file and prints a line for each, so that its parent
sees which one HDF5 itself crashed or hung on.
"""

import sys
import warnings
from pathlib import Path

import numpy as np

from dlspec.data import files
from dlspec.errors import DataError


def mutant(data: bytes, seed: int) -> bytes:
    """One to four bits flipped, bytes replaced, cut out or put in, or the end cut off."""
    rng = np.random.default_rng(seed)
    for _ in range(rng.integers(1, 5)):
        at, kind = int(rng.integers(len(data) + 1)), rng.integers(5)
        noise = rng.bytes(int(rng.integers(1, 9)))
        if kind == 0 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << int(rng.integers(8))]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + noise + data[at + len(noise) :]
        elif kind == 2:
            data = data[:at] + noise + data[at:]
        elif kind == 3:
            data = data[:at] + data[at + len(noise) :]
        elif rng.random() < 0.2:
            data = data[:at]
    return data


def outcome(path: Path, *, folder: Path | None = None) -> str:
    """What a reader makes of the file: "table" or "error"; anything else that it raises goes through.

    The error names the file, or one of its folder, where several belong together.
    """
    try:
        table = files.read(path)
    except DataError as error:
        (line,) = error.problems
        assert line.startswith(str(folder or path))
        assert line.isprintable()
        return "error"
    assert table.x.ndim == 2
    assert len(table.x) == len(table.y) > 0
    assert table.x.shape[1] == len(table.feature_names)
    assert table.place(len(table.x) - 1).startswith(str(path))
    return "table"


if __name__ == "__main__":
    warnings.simplefilter("error")
    source, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    path, data = source.with_stem("mutant"), source.read_bytes()
    for seed in range(first, last):
        path.write_bytes(mutant(data, seed))
        sys.stdout.write(outcome(path) + "\n")
        sys.stdout.flush()
