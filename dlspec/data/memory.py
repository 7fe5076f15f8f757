"""How the memory that examples may take is shared out where they are read in parts."""

from dataclasses import dataclass

from dlspec.errors import DataError

# While rows are divided: their order (4), the number of their split (1, and 1 to write it), their label (up to 2).
BYTES_PER_ROW = 8
_PIECE = 2**21  # larger ones gain little more


@dataclass(frozen=True)
class Memory:
    """A limit in bytes, and who gets how much of it.

    | share    | what                                                                             |
    |----------|----------------------------------------------------------------------------------|
    | 7/16     | what is kept: for all rows, and the dev set where it takes at most 3/16;         |
    |          | two buffers that training examples are shuffled in, 1/16 each at least           |
    | 1/8      | two buffers of examples to be measured                                           |
    | 1/8      | a piece of the file as it is stored, and those of its rows that are wanted       |
    | 1/64     | training examples that are measured in the midst of the training                 |
    | the rest | mini-batches, room for whoever reads and unpacks                                 |
    """

    limit: int

    @property
    def block(self) -> int:
        """Bytes of a block of rows, the unit in which the order of a file is shuffled; a chunk may be larger."""
        return self.limit // 256

    @property
    def piece(self) -> int:
        """Bytes of blocks that are read together: the fewer pieces, the less do the threads wait for one another."""
        return min(self.limit // 32, _PIECE)

    @property
    def chunk(self) -> int:
        """Bytes that a file may make us read at once."""
        return self.limit // 16

    @property
    def sample(self) -> int:
        """Bytes of the training examples that are held to be measured again and again."""
        return self.limit // 64

    @property
    def measured(self) -> int:
        """Bytes of one of the buffers of examples to be measured."""
        return self.limit // 16

    @property
    def dev(self) -> int:
        """Bytes that a dev set may take to be kept; a larger one is read whenever it is measured."""
        return 3 * self.limit // 16

    def buffer(self, kept: int) -> int:
        """Bytes of one of the buffers of training examples; `kept` bytes are kept all the time."""
        return max((7 * self.limit // 16 - kept) // 2, self.limit // 16)

    def check_rows(self, source: str, m: int) -> None:
        """Refuse more rows than can be kept count of.

        Raises:
            DataError: says how much memory is enough.
        """
        if m * BYTES_PER_ROW > self.limit:
            enough = -(-m * BYTES_PER_ROW // 10**6)
            raise DataError(
                f"{source}: {m:,} rows, too many to keep count of in data.memory; expected at least {enough}MB"
            )

    def check_chunk(self, source: str, size: int, what: str) -> None:
        """Refuse a file of which so many bytes must be read at once, `what`.

        Raises:
            DataError: says how much memory is enough, and what else helps.
        """
        if size > self.chunk:
            enough = -(-16 * size // 10**6)
            raise DataError(
                f"{source}: reading {what} takes {size:,} bytes; expected at most {self.chunk:,}, 1/16 of data.memory: "
                f"allow it {enough}MB, or write the file anew with dlspec convert"
            )
