"""Write the bundled data sets from the copies that scikit-learn carries.

Needs scikit-learn, which dlspec itself does not: `python datasets/make_datasets.py [directory]`.
The same versions give the same bytes: floats are written so that they read back exactly, and the
HDF5 file stores no times.
"""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from sklearn import datasets


def write_csv(path: Path, columns: list[str], rows: Iterable[Iterable[Any]]) -> None:
    """One header line, then the rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def digits(directory: Path) -> None:
    """1,797 images of 8 × 8 pixels, 0 to 16."""
    digits = datasets.load_digits()
    with h5py.File(directory / "digits.h5", "w", track_order=False) as file:
        for name, values, level in (
            ("x", digits.images.astype(np.uint8), 9),
            ("y", digits.target.astype(np.int64), 9),
            ("classes", np.array([str(name).encode() for name in digits.target_names]), None),
        ):
            file.create_dataset(
                name, data=values, compression=level and "gzip", compression_opts=level, track_times=False
            )


def iris(directory: Path) -> None:
    """150 flowers of three species, four measures in cm."""
    iris = datasets.load_iris()
    columns = [name.removesuffix(" (cm)").replace(" ", "_") for name in iris.feature_names]
    rows = ([*x, iris.target_names[y]] for x, y in zip(iris.data.tolist(), iris.target, strict=True))
    write_csv(directory / "iris.csv", [*columns, "species"], rows)


def breast_cancer(directory: Path) -> None:
    """569 cell samples, 30 measures of their nuclei."""
    cancer = datasets.load_breast_cancer()
    columns = [name.replace(" ", "_") for name in cancer.feature_names]
    rows = ([*x, cancer.target_names[y]] for x, y in zip(cancer.data.tolist(), cancer.target, strict=True))
    write_csv(directory / "breast_cancer.csv", [*columns, "diagnosis"], rows)


def diabetes(directory: Path) -> None:
    """442 patients, ten measures in their own units, progression of the disease after a year."""
    diabetes = datasets.load_diabetes(scaled=False)
    rows = ([*x, y] for x, y in zip(diabetes.data.tolist(), diabetes.target.tolist(), strict=True))
    write_csv(directory / "diabetes.csv", [*diabetes.feature_names, "progression"], rows)


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for make in (digits, iris, breast_cancer, diabetes):
        make(directory)
        print(f"wrote {make.__name__} to {directory}")
