"""A training on a set ten times the memory it may take, 4 GB with `-m long`: the peak stays under that limit."""

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlspec.config.data import parse_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")

CONFIG = """\
data: {{path: rows.h5, memory: {memory}, split: {{ratios: {ratios}}}}}
architecture: {{layers: [{{units: 4}}]}}
training: {{epochs: 1}}
batch_size: 256
"""

# VmHWM is of this process alone, where the peak that getrusage tells may be that of its parent.
CHILD = """
import sys
from pathlib import Path
from dlspec import runner
from dlspec.config import loader
from dlspec.preparation import prepare

outcome = runner.train(prepare(loader.load(Path("a.yaml"), sys.argv[1:])), runs_dir=Path("runs"))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(outcome.report["splits"][0]["examples"], 1024 * int(peak.split()[1]))
"""


LONG = [pytest.mark.long, pytest.mark.timeout(600)]


def write_sparse(path, *, m, n_x):
    """Inputs that are 0 but for the first hundred of every thousand rows; the zeros take no space on the disk."""
    with h5py.File(path, "w") as file:
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        create.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((m, n_x))
        x = h5py.Dataset(h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_DOUBLE, space, create))
        some = np.random.default_rng(0).standard_normal((100, n_x))
        for start in range(0, m, 1000):
            x[start : start + 100] = some
        file["y"] = (np.arange(m) % 3).astype(np.uint8)


def write_parquet(path, *, m, n_x, group=20_000):
    """Noise in row groups, and three classes."""
    rng, names = np.random.default_rng(0), [f"x{j}" for j in range(n_x)]
    schema = pa.schema([*((name, pa.float32()) for name in names), ("y", pa.int64())])
    with pq.ParquetWriter(path, schema) as file:
        for start in range(0, m, group):
            x = rng.standard_normal((min(group, m - start), n_x), dtype=np.float32)
            file.write_table(pa.table([*x.T, np.arange(len(x)) % 3], schema=schema))


def trained(place, *overrides):
    """Train in a process of its own; the number of training examples, and the peak in bytes."""
    command = [sys.executable, "-c", CHILD, *overrides]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    examples, peak = done.stdout.split()
    return int(examples), int(peak)


@pytest.mark.parametrize(
    ("memory", "m", "ratios"),
    [
        ("32MB", 100_000, "94/3/3"),  # the dev set stays in memory
        pytest.param("32MB", 100_000, "90/5/5", marks=LONG),
        pytest.param("400MB", 1_250_000, "94/3/3", marks=LONG),
    ],
)
def test_ten_times_the_memory(tmp_path, memory, m, ratios):
    room = shutil.disk_usage(tmp_path).free
    if room < 400 * m:  # a tenth of 400 float64 each, and as much to spare
        pytest.skip(f"{room} bytes left on the disk")
    (tmp_path / "a.yaml").write_text(CONFIG.format(memory=memory, ratios=ratios))
    write_sparse(tmp_path / "few.h5", m=1000, n_x=400)
    _, without = trained(tmp_path, "data.path=few.h5", "data.memory=null")
    write_sparse(tmp_path / "rows.h5", m=m, n_x=400)
    assert (tmp_path / "rows.h5").stat().st_size >= 10 * parse_memory(memory)
    examples, peak = trained(tmp_path)
    assert examples == int(ratios[:2]) * m / 100
    assert peak - without < parse_memory(memory)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_times_the_memory_in_parquet(tmp_path):
    if shutil.disk_usage(tmp_path).free < 3e9:
        pytest.skip("too little room on the disk")
    (tmp_path / "a.yaml").write_text(CONFIG.format(memory="128MB", ratios="94/3/3").replace(".h5", ".parquet"))
    write_parquet(tmp_path / "few.parquet", m=1000, n_x=50)
    _, without = trained(tmp_path, "data.path=few.parquet", "data.memory=null")
    write_parquet(tmp_path / "rows.parquet", m=6_400_000, n_x=50)
    assert (tmp_path / "rows.parquet").stat().st_size >= 10 * parse_memory("128MB")
    examples, peak = trained(tmp_path)
    assert examples == 6_016_000
    assert peak - without < parse_memory("128MB")
