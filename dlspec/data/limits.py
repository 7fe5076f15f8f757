"""What a data file may ask for: the same for HDF5 and NPZ."""

from dlspec.data.table import plain
from dlspec.errors import DataError

# A small file can declare, or unpack to, far more than it stores. gzip packs zeros 1,000 to 1, data 2 to 100 to 1.
FREE_BYTES = 64 * 2**20  # as much is granted to any file
MAX_EXPANSION = 500  # bytes in memory per byte of the file, beyond that

MAX_NAMES = 5_000
"""Arrays, groups and attributes of an HDF5 file, members of an NPZ file."""


class Allowance:
    """The memory that the arrays of one file may take.

    Args:
        source: the file, for messages.
        size: of the file in bytes.
    """

    def __init__(self, source: str, size: int):
        self._source, self._size = source, size
        self._limit = max(FREE_BYTES, MAX_EXPANSION * size)
        self._taken = 0

    @property
    def left(self) -> int:
        """Bytes that may still be taken."""
        return self._limit - self._taken

    def take(self, name: str, declared: int) -> None:
        """Take the bytes that an array declares.

        Raises:
            DataError: it and those before it exceed the allowance.
        """
        self._taken += declared
        if self._taken > self._limit:
            others = "" if declared > self._limit else f", {self._taken} with those before it"
            raise DataError(
                f"{self._source}: {plain(name)} declares {declared} bytes{others}, in a file of {self._size}; "
                f"expected arrays that are stored whole, or packed less than {MAX_EXPANSION} to 1"
            )
