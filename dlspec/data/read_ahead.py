"""Reading ahead: a thread fills buffers while others are worked on."""

from collections.abc import Generator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Protocol, TypeVar

B = TypeVar("B")
B_contra = TypeVar("B_contra", contravariant=True)


class Filling(Protocol[B_contra]):
    """What fills buffers, one after the other."""

    def fill(self, buffer: B_contra) -> bool:
        """Fill a buffer; False where nothing is left for it."""

    def stop(self) -> None:
        """Called by another thread: give up the buffer that is being filled."""

    def close(self) -> None:
        """Called by the thread that fills, at the end."""


def read_ahead(filling: Filling[B], buffers: Sequence[B]) -> Generator[B, None, None]:
    """The buffers as they are filled, in order; each is filled again once the next one is asked for.

    What goes wrong in the thread is raised here. The thread ends with the last buffer, with an error, and when the
    generator is closed. What comes out does not depend on how fast either side is.

    Args:
        filling: what fills them; used by the thread alone.
        buffers: at least two, so that one can be filled while another is in use.
    """
    free: SimpleQueue[B | None] = SimpleQueue()
    full: SimpleQueue[B | BaseException | None] = SimpleQueue()
    for buffer in buffers:
        free.put(buffer)

    def work() -> None:
        end = None
        try:
            while (buffer := free.get()) is not None and filling.fill(buffer):
                full.put(buffer)
        except BaseException as error:  # whatever it is, it is for the other side to raise
            end = error
        try:
            filling.close()
        except BaseException as error:
            end = end or error
        full.put(end)

    thread = Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        while (item := full.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            free.put(item)
    finally:
        filling.stop()
        free.put(None)
        thread.join()
