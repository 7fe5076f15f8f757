"""Damaged copies of one file of a format that reads several, for test_format_fuzz.py.

As a program it reads mutants FIRST … LAST − 1 of a case and prints a line for each, then how much memory that took,
in MB.
"""

import datetime
import resource
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from format_files import write_cifar, write_cifar_names, write_idx, write_images, write_parquet
from fuzz_reader import mutant, outcome

from dlspec.data import files, mixed

X = np.arange(80).reshape(20, 2, 2) % 17
Y = np.arange(20) % 3


def idx_images(folder):
    path = write_idx(folder, X, Y)
    return path, path


def idx_labels(folder):
    return write_idx(folder, X, Y), folder / "train-labels-idx1-ubyte"


def idx_packed(folder):
    path = write_idx(folder, X, Y, packed=True)
    return path, path


def cifar(folder):
    path = write_cifar(folder / "a.bin", np.resize(X, (20, 32, 32, 3)), Y)
    write_cifar_names(folder)
    return path, path


def cifar_names(folder):
    path, _ = cifar(folder)
    return path, folder / "batches.meta.txt"


def image(folder, suffix, **settings):
    pixels = np.resize(X, (2, 12, 10, 3)) * 11
    path = write_images(folder / "images", pixels, ["cat", "dog"], suffix=suffix, **settings)
    return path, path / "dog" / f"001.{suffix}"


def png(folder):
    return image(folder, "png")


def jpeg(folder):
    return image(folder, "jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\1\0\0\0\0\0\0")


def bmp(folder):
    return image(folder, "bmp")


def gif(folder):
    return image(folder, "gif")


def npy(folder):
    np.save(folder / "x.npy", X.astype(np.float32))
    np.save(folder / "y.npy", np.array(["cat", "dog"] * 10))
    return folder / "x.npy", folder / "x.npy"


def npy_targets(folder):
    path, _ = npy(folder)
    return path, folder / "y.npy"


COLUMNS = {"a": X[:, 0, 0] / 7, "b": X[:, 1, 1].astype(np.int16), "animal": ["cat", "dog"] * 10}


def parquet(folder):
    path = write_parquet(folder / "a.parquet", COLUMNS, compression="none", metadata={"classes": ["cat", "dog"]})
    return path, path


def parquet_packed(folder):
    path = write_parquet(folder / "a.parquet", COLUMNS, compression="zstd", row_group_size=7)
    return path, path


def parquet_pages(folder):
    path = write_parquet(
        folder / "a.parquet", COLUMNS, compression="gzip", use_dictionary=False, data_page_version="2.0"
    )
    return path, path


MIXED = {
    "age": [1.5, None, 3.0, 4.0] * 5,
    "city": ["Rome", "Oslo", None, "naïve"] * 5,
    "since": [datetime.date(2024, 2, 29), None] * 10,
    "member": [True, False] * 10,
    "animal": ["cat", "dog"] * 10,
}


def mixed_csv(folder):
    rows = zip(*MIXED.values(), strict=True)
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    (folder / "a.csv").write_text("\n".join([",".join(MIXED), *lines]) + "\n", encoding="utf-8")
    return folder / "a.csv", folder / "a.csv"


def mixed_parquet(folder):
    path = write_parquet(folder / "a.parquet", MIXED, compression="none")
    return path, path


# A case writes its files and says what is read and which of them is damaged.
CASES = {
    case.__name__: case
    for case in (
        *(idx_images, idx_labels, idx_packed, cifar, cifar_names, npy, npy_targets),
        *(png, jpeg, bmp, gif, parquet, parquet_packed, parquet_pages, mixed_csv, mixed_parquet),
    )
}


def outcomes(case, folder, first, last):
    """What the reader makes of each mutant: "table" or "error"."""
    path, victim = CASES[case](folder)
    read = partial(mixed.read, types={}) if case.startswith("mixed") else files.read
    assert outcome(path, folder=folder, read=read) == "table"
    data = victim.read_bytes()
    for seed in range(first, last):
        victim.write_bytes(mutant(data, seed))
        yield outcome(path, folder=folder, read=read)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    warnings.simplefilter("error")
    case, folder, first, last = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    before = peak()
    for line in outcomes(case, folder, first, last):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{peak() - before}\n")
