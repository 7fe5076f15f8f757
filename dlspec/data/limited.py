"""Work that a file may crash, hang or bloat, done in a child process with limits.

The child is a fork, which starts in milliseconds; a fresh interpreter would import NumPy and h5py for 0.15 s. It has
a copy of one thread only, so the work must import nothing and take no lock that another thread may hold; h5py frees
its own. What goes wrong all the same ends in a refusal when the time is up.
"""

import faulthandler
import gc
import os
import resource
import signal
import socket
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from dlspec.errors import DataError

CPU_SECONDS = 10
WALL_SECONDS = 30
EXTRA_BYTES = 192 * 2**20  # of memory, beyond what this process has

_FINE, _NO_MEMORY = b".", b"!"
_ANSWER_BYTES = 16_384


def run(work: Callable[[], None], *, source: str) -> None:
    """Do `work` in a child process; what it changes in memory is lost.

    Args:
        work: raises `DataError` to refuse the file; nothing else may come out of it.
        source: the file, for messages.

    Raises:
        DataError: that of `work`; or the child crashed, or needed too much time or memory.
    """
    ours, theirs = socket.socketpair()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of other threads; see above
        child = os.fork()
    if child == 0:
        _answer(work, theirs)
    theirs.close()
    answer = b""
    try:
        with ours:
            ours.settimeout(WALL_SECONDS)
            answer = ours.recv(_ANSWER_BYTES)
    except TimeoutError:
        raise DataError(f"{source}: {_too_slow(WALL_SECONDS)}") from None
    finally:
        os.kill(child, signal.SIGKILL)  # no harm where it has ended: its status is kept
        _, status = os.waitpid(child, 0)
    if answer != _FINE:
        raise DataError(_refusal(answer, os.waitstatus_to_exitcode(status), source))


def _refusal(answer: bytes, code: int, source: str) -> str:
    if answer == _NO_MEMORY:
        return f"{source}: checking it takes more than {EXTRA_BYTES >> 20} MB of memory; the file is damaged or hostile"
    if answer:
        return answer.decode()
    if code == -signal.SIGXCPU:
        return f"{source}: {_too_slow(CPU_SECONDS)}"
    end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"{source}: checking it crashed ({end}); the file is damaged or hostile"


def _too_slow(seconds: float) -> str:
    return f"checking it takes more than {seconds} s; the file is damaged or hostile"


def _answer(work: Callable[[], None], theirs: socket.socket) -> NoReturn:
    """The life of the child; nothing of the parent's, such as its finally clauses and exit handlers, is run in it."""
    code = 1
    try:
        gc.disable()  # no finalizer of the parent's objects
        faulthandler.disable()
        with Path(os.devnull).open("rb") as nothing:  # the C library prints what it thinks of a damaged heap
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
        _limit()
        try:
            work()
            answer = _FINE
        except DataError as error:
            answer = str(error).encode(errors="backslashreplace")[:_ANSWER_BYTES]
        except MemoryError:
            answer = _NO_MEMORY
        theirs.sendall(answer)
        code = 0
    finally:
        os._exit(code)


def _limit() -> None:
    """Limit this process for good."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_CPU, CPU_SECONDS, grace=1)  # the signal of the hard limit would not say what it is for
    size = Path("/proc/self/statm")  # macOS has none, and does not limit memory either
    if size.exists():
        pages = int(size.read_text().split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + EXTRA_BYTES, grace=0)


def _lower(kind: int, limit: int, *, grace: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or hard > limit + grace:
        hard = limit + grace
    resource.setrlimit(kind, (min(limit, hard), hard))
