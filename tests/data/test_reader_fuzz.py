"""Whatever is in a file, a reader gives a table or one DataError."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from fuzz_reader import mutant, outcome

MUTANTS = 500
X = np.arange(80).reshape(20, 2, 2) % 17
LABELS = np.array([b"cat", b"dog"] * 10)


def csv(path):
    rows = (f'{i}.5,"{-i}",{"dog" if i % 2 else "cat"}' for i in range(20))
    path.write_text("\n".join(["width,height,animal", *rows]))


def numbers(path):
    path.write_text("\n".join(["a\tb\tc", *(f"{i}\t{i / 7!r}\t{i * 1e300!r}" for i in range(20))]))


def npz(path):
    np.savez(path, x=X.astype(np.float32), y=LABELS, classes=np.array(["cat", "dog"]))


def npz_packed(path):
    np.savez_compressed(path, x=X, y=np.arange(20) % 3, feature_names=np.array(["a", "b", "c", "d"]))


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["x"], file["y"], file["classes"] = X.astype(np.float32), LABELS, np.array([b"cat", b"dog"])
        file["x"].attrs["feature_names"] = np.array([b"a", b"b", b"c", b"d"])


def hdf5_packed(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X.astype(np.uint8), compression="gzip", shuffle=True)
        file.create_dataset("y", data=np.arange(20) % 3, compression="gzip", fletcher32=True)


@pytest.mark.parametrize(("write", "name"), [(csv, "a.csv"), (numbers, "a.tsv"), (npz, "a.npz"), (npz_packed, "a.npz")])
def test_a_table_or_one_data_error(tmp_path, write, name):
    source = tmp_path / name
    write(source)
    assert outcome(source) == "table"
    data, path = source.read_bytes(), source.with_stem("mutant")
    counts = Counter()
    for seed in range(MUTANTS):
        path.write_bytes(mutant(data, seed))
        counts[outcome(path)] += 1
    assert counts.total() == MUTANTS
    assert min(counts["table"], counts["error"]) >= 5  # the mutants are neither all harmless nor all hopeless


@pytest.mark.parametrize("write", [hdf5, hdf5_packed])
def test_hdf5_in_a_process_of_its_own(tmp_path, write):
    """The HDF5 library itself can hang or crash on a damaged file; our reader must add nothing to that."""
    source = tmp_path / "a.h5"
    write(source)
    script = Path(__file__).with_name("fuzz_reader.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    outcomes, lost = [], 0
    while len(outcomes) + lost < MUTANTS:
        command = [sys.executable, str(script), str(source), str(len(outcomes) + lost), str(MUTANTS)]
        try:
            child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)
            code, output, messages = child.returncode, child.stdout, child.stderr
        except subprocess.TimeoutExpired as hung:
            code, output, messages = -1, (hung.stdout or b"").decode(), ""
        assert code <= 0, messages  # a Python exception exits with 1; a signal, or our kill, is HDF5's
        outcomes += output.split()
        lost += code < 0
    assert min(outcomes.count("table"), outcomes.count("error")) >= 5
    assert lost <= MUTANTS // 100
