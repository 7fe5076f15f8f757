"""How much memory a process took at most."""

import resource
from pathlib import Path


def peak_mb() -> tuple[int, int]:
    """Of this process, and of the largest child that it waited for, in MB.

    What getrusage says of a process itself may be what its parent took: the number outlives exec.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    own = next(line for line in lines if line.startswith("VmHWM"))
    return int(own.split()[1]) // 1024, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
