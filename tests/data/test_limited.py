"""A child process that crashes, hangs or grows takes nothing with it."""

import contextlib
import ctypes
import os
import signal
import threading
import time

import pytest

from dlspec.data import limited
from dlspec.data.limits import FREE_BYTES, MAX_EXPANSION, Allowance
from dlspec.errors import DataError

HOSTILE = "; the file is damaged or hostile"


def crash():
    ctypes.string_at(0)


def burn():
    while True:
        pass


def grow():
    return bytearray(2**30)


def refuse():
    raise DataError("a.h5: x is a link")


def refuse_with_a_surrogate():
    raise DataError("a.h5: \udcff is a link")


def talk():
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"corrupted heap")


def fail():
    raise KeyError("a mistake of ours")


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (crash, f"a.h5: checking it crashed (SIGSEGV){HOSTILE}"),
        (burn, f"a.h5: checking it takes more than 1 s{HOSTILE}"),
        (lambda: time.sleep(60), f"a.h5: checking it takes more than 0.2 s{HOSTILE}"),
        (lambda: signal.raise_signal(signal.SIGSTOP), f"a.h5: checking it takes more than 0.2 s{HOSTILE}"),
        (grow, f"a.h5: checking it takes more than 192 MB of memory{HOSTILE}"),
        (refuse, "a.h5: x is a link"),
        (refuse_with_a_surrogate, "a.h5: \\udcff is a link"),
        (lambda: os._exit(7), f"a.h5: checking it crashed (exit code 7){HOSTILE}"),
        (fail, f"a.h5: checking it crashed (exit code 1){HOSTILE}"),
    ],
    ids=["crash", "burn", "sleep", "stop", "grow", "refuse", "surrogate", "exit", "fail"],
)
def test_what_goes_wrong_is_one_data_error(work, message, monkeypatch, capfd):
    monkeypatch.setattr(limited, "CPU_SECONDS", 1)
    monkeypatch.setattr(limited, "WALL_SECONDS", 5 if work is burn else 0.2)
    with pytest.raises(DataError) as caught:
        limited.run(work, source="a.h5")
    assert caught.value.problems == (message,)
    assert capfd.readouterr() == ("", "")


def test_work_that_ends_leaves_nothing_behind(capfd):
    changed = []
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []  # noqa: PTH112, PTH208
    try:
        limited.run(lambda: changed.append(1), source="a.h5")
        limited.run(talk, source="a.h5")
    finally:
        changed.append("parent")  # the child never comes here
    assert changed == ["parent"]
    assert capfd.readouterr() == ("", "")
    assert (os.listdir("/proc/self/fd") if before else []) == before  # noqa: PTH208
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_signal_while_it_waits_ends_the_child():
    def interrupt():
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, lambda *_: interrupt())
    timer = threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGALRM))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            limited.run(lambda: time.sleep(60), source="a.h5")
    finally:
        timer.join()
        signal.signal(signal.SIGALRM, previous)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("size", [0, 1000, 10 * FREE_BYTES])
def test_an_allowance_ends_where_it_should(size):
    limit = max(FREE_BYTES, MAX_EXPANSION * size)
    Allowance("a.npz", size).take("x", limit)
    with pytest.raises(DataError) as caught:
        Allowance("a.npz", size).take("x" * 300, limit + 1)
    assert str(caught.value) == (
        f"a.npz: {'x' * 199}… declares {limit + 1} bytes, in a file of {size}; expected arrays that are stored whole, "
        "or packed less than 500 to 1"
    )
    allowance = Allowance("a.npz", size)
    allowance.take("x", limit)
    with pytest.raises(DataError, match=f"y declares 1 bytes, {limit + 1} with those before it, in a file of {size}"):
        allowance.take("y", 1)
