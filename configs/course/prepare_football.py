"""Turn the course's football.mat into the CSV files of the football experiments.

`python configs/course/prepare_football.py football.mat [directory]`; without one they go into `datasets/`, where the
experiments look for them. Reads as much of MATLAB's version 5 format as that file needs: matrices of plain numbers,
compressed or not. The format: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf
"""

import csv
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HEADER = 128
MATRIX, COMPRESSED = 14, 15
DTYPES = {1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}


def read_mat(content: bytes) -> dict[str, NDArray[np.float64]]:
    """The matrices of numbers in a little-endian version 5 file, by name.

    Raises:
        ValueError: another format.
    """
    if content[126:128] != b"IM":
        raise ValueError("found no little-endian MAT file of version 5")
    matrices = {}
    for kind, element in _elements(content[HEADER:]):
        if kind == COMPRESSED:
            ((_, matrix),) = _elements(zlib.decompress(element))
        elif kind == MATRIX:
            matrix = element
        else:
            raise ValueError(f"found an element of type {kind}; expected matrices")
        name, values = _matrix(matrix)
        matrices[name] = values
    return matrices


def _elements(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, data) of each element; up to four bytes of data may lie within the tag."""
    at = 0
    while at < len(content):
        kind, size = struct.unpack_from("<II", content, at)
        if kind >> 16:
            kind, size, start, end = kind & 0xFFFF, kind >> 16, at + 4, at + 8
        else:
            start = at + 8
            end = start + size if kind == COMPRESSED else start + -(-size // 8) * 8
        yield kind, content[start : start + size]
        at = end


def _matrix(content: bytes) -> tuple[str, NDArray[np.float64]]:
    """Name and values of one matrix: the elements flags, dimensions, name and real part; column after column."""
    _, (_, dimensions), (_, name), (kind, real) = _elements(content)
    shape = np.frombuffer(dimensions, "<i4")
    return name.decode(), np.frombuffer(real, DTYPES[kind]).astype(np.float64).reshape(shape, order="F")


def write_csv(path: Path, X: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    """Two coordinates and whether the French won the header; the numbers read back exactly."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["x1", "x2", "french"])
        writer.writerows([*point, int(label)] for point, label in zip(X.tolist(), y.ravel(), strict=True))


def main(source: Path, directory: Path) -> None:
    """`football_train.csv` from X and y, `football_test.csv` from Xval and yval."""
    matrices = read_mat(source.read_bytes())
    write_csv(directory / "football_train.csv", matrices["X"], matrices["y"])
    write_csv(directory / "football_test.csv", matrices["Xval"], matrices["yval"])


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: python prepare_football.py football.mat [directory]")
    default = Path(__file__).parents[2] / "datasets"
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else default)
