"""Damaged copies of a small file, for test_reader_fuzz.py.

As a program it reads the first COUNT mutants of a file and prints what became of them, so that a crash of the
reader would be a failure of the test and not of the whole suite.
"""

import json
import sys
import warnings
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
from peak import peak_mb

from dlspec.data import files, limited, probe
from dlspec.data.table import damage_as_data_error
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


def outcome(path: Path, *, folder: Path | None = None, read=files.read) -> str:
    """What a reader makes of the file: "table" or "error"; anything else that it raises goes through.

    The error names the file, or one of its folder, where several belong together.
    """
    try:
        if path.suffix == ".image":
            return outcome_of_image(path)
        table = read(path)
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


def outcome_of_image(path: Path) -> str:
    """Read all of a checkpoint whose hash is right, as whoever damaged it can make it be."""
    image = path.read_bytes()
    probe.check_image(image, source=str(path))
    with damage_as_data_error(path, "HDF5"), h5py.File.in_memory(image) as file:
        assert all(isinstance(values[()], np.ndarray) for group in file.values() for values in group.values())
        json.loads(file.attrs["progress"])
    return "table"


def outcomes(source: Path, *, count: int) -> Counter[str]:
    """How often each outcome came of the first `count` mutants."""
    data, path, found = source.read_bytes(), source.with_stem("mutant"), Counter[str]()
    for seed in range(count):
        path.write_bytes(mutant(data, seed))
        found[outcome(path)] += 1
    return found


if __name__ == "__main__":
    warnings.simplefilter("error")
    limited.CPU_SECONDS = 1  # some mutants hang HDF5, and patience would find out no more
    found = outcomes(Path(sys.argv[1]), count=int(sys.argv[2]))
    sys.stdout.write(json.dumps({**found, "mb": max(peak_mb())}))
