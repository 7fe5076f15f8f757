"""What a run needs to be reproduced: versions, linear algebra, threads, code."""

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import dlspec


def environment(*, threads: int, streams: int, source: Path) -> dict[str, Any]:
    """An allow-list of facts; environment variables are never recorded.

    Args:
        threads: of the experiment, as resolved.
        streams: likewise.
        source: the experiment file; its git commit is recorded.
    """
    # Only who trains needs these two. Their versions are asked of themselves: importlib.metadata took 8 ms to load.
    import h5py
    import threadpoolctl

    return {
        "dlspec": dlspec.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "h5py": h5py.__version__,
        "platform": _platform(),
        "processor": _processor(),
        "blas": [
            {key: library.get(key) for key in ("internal_api", "version", "architecture")}
            for library in threadpoolctl.threadpool_info()
            if library.get("user_api") == "blas"
        ],
        "simd": np.show_config(mode="dicts")["SIMD Extensions"]["found"],
        "threads": threads,
        "streams": streams,
        "git": _git(source),
    }


# What decides the bits of a run, beside its configuration and its data.
DECIDING = ("dlspec", "numpy", "blas", "simd", "threads", "streams")


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two environments and can change the bits of a result, for people.

    Facts that were not recorded are not compared.
    """
    return [
        f"{name}: {_words(recorded[name])} then, {_words(now[name])} now"
        for name in DECIDING
        if name in recorded and recorded[name] != now[name]
    ]


def _words(fact: Any) -> str:
    if not isinstance(fact, list):
        return str(fact)
    return " ".join(" ".join(map(str, part.values())) if isinstance(part, dict) else str(part) for part in fact)


@contextmanager
def numerics(threads: int) -> Iterator[None]:
    """Threads of the linear algebra pinned; overflow left to the checks of the trainer."""
    import threadpoolctl  # only who computes needs it

    with threadpoolctl.threadpool_limits(threads), np.errstate(all="ignore"):
        yield


def process() -> dict[str, Any]:
    """Who writes to the run directory."""
    return {"pid": os.getpid(), "host": os.uname().nodename}


def physical_cores() -> int:
    """Cores this process may use, hyper-threads counted once where the system tells."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    siblings = set()
    for cpu in usable:
        try:
            topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
            siblings.add(topology.read_text())
        except OSError:
            return len(usable)
    return len(siblings)


def _platform() -> str:
    """What `platform.platform()` says, which on Linux starts a process to ask for the processor and leaves it out."""
    if platform.system() != "Linux":
        return platform.platform()
    parts = (platform.system(), platform.release(), platform.machine(), "with", "".join(platform.libc_ver()))
    return "-".join(filter(None, parts))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _git(source: Path) -> dict[str, Any] | None:
    """Commit of the repository that holds the experiment file, and whether it has changes; None without git."""
    # One command tells both: a line `# branch.oid COMMIT` among the heads, and a line without # for every change.
    asked = ["status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--untracked-files=no"]
    command = ["git", "-C", str(source.resolve().parent), *asked]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
    commit = next((line.split()[2] for line in said if line.startswith("# branch.oid ")), "(initial)")
    if commit == "(initial)":
        return None
    return {"commit": commit, "changed": any(not line.startswith("#") for line in said)}
