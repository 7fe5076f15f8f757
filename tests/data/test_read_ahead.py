"""The thread that reads ahead: order, errors and its end."""

import threading
import time

import pytest

from dlspec.data.read_ahead import read_ahead


class Counting:
    """Fills lists with the next numbers."""

    def __init__(self, n, *, error=None, on_close=None, wait=0.0):
        self.numbers, self.error, self.on_close, self.wait = iter(range(n)), error, on_close, wait
        self.stopped = self.closed = False

    def fill(self, buffer):
        time.sleep(self.wait)
        number = next(self.numbers, None)
        if number is None:
            if self.error:
                raise self.error
            return False
        buffer[:] = [number]
        return True

    def stop(self):
        self.stopped = True

    def close(self):
        self.closed = threading.current_thread().name
        if self.on_close:
            raise self.on_close


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@pytest.mark.parametrize(("reading", "using"), [(0, 0), (0.002, 0), (0, 0.002)])
@pytest.mark.parametrize("buffers", [2, 5])
def test_buffers_come_in_order_and_are_not_written_while_in_use(buffers, reading, using):
    found, filling = [], Counting(20, wait=reading)
    for buffer in read_ahead(filling, [[] for _ in range(buffers)]):
        (number,) = buffer
        time.sleep(using)
        assert buffer == [number]
        found.append(number)
    assert found == list(range(20))
    assert filling.closed == "read-ahead"


def test_it_reads_ahead_while_a_buffer_is_in_use():
    room = [[], [], []]
    buffers = read_ahead(Counting(9), room)
    assert next(buffers) == [0]
    deadline = time.monotonic() + 5
    while room != [[0], [1], [2]] and time.monotonic() < deadline:
        time.sleep(0.001)
    assert room == [[0], [1], [2]]
    buffers.close()


@pytest.mark.parametrize("error", [ValueError("damaged"), MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["error", "on_close"])
def test_an_error_in_the_thread_is_raised_behind_the_buffers_before_it(where, error):
    found = []
    with pytest.raises(type(error)) as caught:
        found.extend(buffer[0] for buffer in read_ahead(Counting(3, **{where: error}), [[], []]))
    assert caught.value is error
    assert found == [0, 1, 2]


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_generator_that_is_closed_ends_the_thread(taken):
    filling = Counting(10)
    buffers = read_ahead(filling, [[], []])
    for _ in range(taken):
        next(buffers)
    buffers.close()
    assert (filling.stopped, filling.closed) == ((True, "read-ahead") if taken else (False, False))
