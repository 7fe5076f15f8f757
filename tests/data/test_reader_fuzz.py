"""Whatever is in a file, a reader gives a table or one DataError."""

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from fuzz_reader import outcome, outcomes

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


def hdf5_text(path):
    """Texts of any length, on whose damage HDF5 likes to hang."""
    with h5py.File(path, "w") as file:
        file["x"], file["y"], file["classes"] = X, ["cat", "dog"] * 10, ["cat", "dog"]
        file["x"].attrs["feature_names"] = list("abcd")


def hdf5_latest(path):
    """The newer file format, with checksums of its own."""
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("x", data=X, chunks=(5, 2, 2), compression="lzf")
        file["y"] = np.arange(20) % 3


def image(path):
    with h5py.File(path, "w") as file:
        for name in ("W1", "b1", "W2", "b2"):
            file[f"parameters/{name}"] = file[f"best/{name}"] = X[..., 0].astype(np.float32)
        file["optimizer/v"] = np.arange(80.0)
        file.attrs["progress"] = '{"epoch": 3}'


def all_of(mutants):
    return pytest.param(mutants, marks=pytest.mark.long)


def check(found, *, mutants):
    """As many outcomes as mutants, and these neither all harmless nor all hopeless."""
    assert found.keys() == {"table", "error"}
    assert sum(found.values()) == mutants
    assert min(found.values()) >= mutants // 100


@pytest.mark.parametrize("mutants", [300, all_of(2000)])
@pytest.mark.parametrize(("write", "name"), [(csv, "a.csv"), (numbers, "a.tsv"), (npz, "a.npz"), (npz_packed, "a.npz")])
def test_a_table_or_one_data_error(tmp_path, write, name, mutants):
    source = tmp_path / name
    write(source)
    assert outcome(source) == "table"
    check(outcomes(source, count=mutants), mutants=mutants)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutants", [25, all_of(2000)])
@pytest.mark.parametrize("write", [hdf5, hdf5_packed, hdf5_text, hdf5_latest, image])
def test_hdf5_never_crashes_hangs_or_grows(tmp_path, write, mutants):
    source = tmp_path / ("a.image" if write is image else "a.h5")
    write(source)
    assert outcome(source) == "table"
    script = Path(__file__).with_name("fuzz_reader.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(script), str(source), str(mutants)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    assert found.pop("mb") < 300
    check(found, mutants=mutants)
