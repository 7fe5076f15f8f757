"""Whatever is in the files of a format, its reader gives a table or one DataError, and soon, and within a gigabyte."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from fuzz_formats import CASES, outcomes

MUTANTS = 2_000
A_FEW = 100
MEGABYTES = 1_000


@pytest.mark.parametrize("case", CASES)
def test_a_few_mutants(tmp_path, case):
    counts = Counter(outcomes(case, tmp_path, 0, A_FEW))
    assert counts.total() == A_FEW
    assert min(counts["table"], counts["error"]) >= 1  # the mutants are neither all harmless nor all hopeless


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_many_mutants_in_a_process_of_their_own(tmp_path, case):
    script = Path(__file__).with_name("fuzz_formats.py")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(script), case, str(tmp_path), "0", str(MUTANTS)]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert child.returncode == 0, child.stderr
    *lines, megabytes = child.stdout.split()
    assert len(lines) == MUTANTS
    assert int(megabytes) < MEGABYTES
