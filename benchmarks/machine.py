"""The machine that a result is of, and what of it the processes of a benchmark get: threads, cores, kernels."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
# Left out of the environment, so that every library picks its own kernels for this processor.
KERNEL_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_CBWR", "ATEN_CPU_CAPABILITY")
# Left out too, so that a checkout starts as an installed package does, from byte code.
START_VARIABLES = ("PYTHONDONTWRITEBYTECODE",)
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = ("numpy", "torch", "jax", "scikit-learn", "thinc")


def environment(threads: int) -> dict[str, str]:
    """The environment of a process that may use so many threads."""
    left_out = {*KERNEL_VARIABLES, *START_VARIABLES}
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    kept |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    kept["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    return kept


def pin(threads: int) -> None:
    """Keep this process, and those that it starts, on so many cores: nobody gets more than it says."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def write(kind: str, rows: Sequence[Any], *, out: Path | None, load_before: Sequence[float]) -> Path:
    """Write a result: what was measured, when, on what, and how busy that was.

    Args:
        kind: the command that measured.
        rows: what it found.
        out: JSON file; None: `benchmarks/results/<kind>-<UTC stamp>.json`.
        load_before: the load average when the command began.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    # Asked of a process like those that were measured: the choice of kernels falls when NumPy is imported.
    asked = subprocess.run(
        [sys.executable, "-m", "benchmarks.machine"], env=environment(1), check=True, capture_output=True, text=True
    )
    content = {
        "kind": kind,
        "when": stamp,
        "arguments": sys.argv[1:],
        "machine": json.loads(asked.stdout),
        "load_average": {"before": list(load_before), "after": list(os.getloadavg())},
        "rows": list(rows),
    }
    path = out or RESULTS / f"{kind}-{stamp}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
    sys.stdout.write(f"{path}\n")
    return path


def facts() -> dict[str, Any]:
    """Processor, linear algebra, versions."""
    from importlib.metadata import PackageNotFoundError, version

    import numpy as np
    import threadpoolctl

    from dlspec.run import environment as of_run

    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    np.ones((2, 2)) @ np.ones((2, 2))
    recorded = of_run.environment(threads=1, streams=1, source=Path(__file__))
    blas = [{key: lib.get(key) for key in ("version", "architecture")} for lib in threadpoolctl.threadpool_info()]
    return {
        "processor": recorded["processor"],
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "blas": blas,
        "versions": versions,
        "git": recorded["git"],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts()))
