"""What a run needs to be reproduced: versions, linear algebra, threads, code."""

import os
import platform
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import threadpoolctl

import dlspec


def environment(*, threads: int, source: Path) -> dict[str, Any]:
    """An allow-list of facts; environment variables are never recorded.

    Args:
        threads: threads of the linear algebra, as pinned.
        source: the experiment file; its git commit is recorded.
    """
    return {
        "dlspec": dlspec.__version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "h5py": version("h5py"),
        "platform": platform.platform(),
        "processor": _processor(),
        "blas": [
            {key: library.get(key) for key in ("internal_api", "version", "architecture")}
            for library in threadpoolctl.threadpool_info()
            if library.get("user_api") == "blas"
        ],
        "threads": threads,
        "git": _git(source),
    }


def process() -> dict[str, Any]:
    """Who writes to the run directory."""
    return {"pid": os.getpid(), "host": socket.gethostname()}


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


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def _git(source: Path) -> dict[str, Any] | None:
    """Commit of the repository that holds the experiment file, and whether it has changes; None without git."""

    def ask(*arguments: str) -> str:
        command = ["git", "-C", str(source.resolve().parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "changed": bool(ask("status", "--porcelain", "-uno"))}
    except (OSError, subprocess.SubprocessError):
        return None
