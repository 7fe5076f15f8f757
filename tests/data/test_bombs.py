"""Small files that declare or unpack to far more are refused before the memory is taken."""

import os
import subprocess
import sys
from pathlib import Path

import hostile
import hostile_npz
import pytest
from peak import peak_mb

from dlspec.data import files
from dlspec.errors import DataError

HDF5 = ("chunked_4_tib", "contiguous_4_tib", "text_4_tib", "chunk_of_2_gib", "zeros_packed_1000_to_1",
        "chunk_that_unpacks_to_1_gib", "one_text_many_times", "one_long_text")  # fmt: skip
NPZ = ("declares_4_tib", "declares_nothing_many_times", "zeros_packed_1000_to_1", "large_directory")
LIMIT_MB = 300


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says there what a process took")
def test_a_reader_that_meets_bombs_stays_small(tmp_path):
    for kind in HDF5:
        hostile.write(tmp_path / f"{kind}.h5", kind)
    for kind in NPZ:
        hostile_npz.write(tmp_path / f"{kind}.npz", kind)
    assert max(path.stat().st_size for path in tmp_path.iterdir()) < 8 * 2**20
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, __file__, *map(str, sorted(tmp_path.iterdir()))]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    refused, own, child = map(int, output.split())
    assert refused == len(HDF5) + len(NPZ)
    assert own < LIMIT_MB
    assert child < LIMIT_MB


if __name__ == "__main__":
    refused = 0
    for path in map(Path, sys.argv[1:]):
        try:
            files.read(path)
        except DataError:
            refused += 1
    sys.stdout.write(f"{refused} {' '.join(map(str, peak_mb()))}\n")
