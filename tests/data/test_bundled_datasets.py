from pathlib import Path

import numpy as np
import pytest
from flat_loading import load_file

from dlspec.data import files

FOLDER = Path(__file__).parents[2] / "datasets"


@pytest.mark.parametrize(
    ("name", "shape", "task", "classes", "target"),
    [
        ("digits.h5", (1797, 64), "classification", tuple("0123456789"), "y"),
        ("breast_cancer.csv", (569, 30), "classification", ("benign", "malignant"), "diagnosis"),
        ("iris.csv", (150, 4), "classification", ("setosa", "versicolor", "virginica"), "species"),
        ("diabetes.csv", (442, 10), "regression", (), "progression"),
    ],
)
def test_bundled(name, shape, task, classes, target):
    dataset = load_file(FOLDER / name, seed=1)
    assert (sum(len(examples.X) for examples in dataset.splits.values()), len(dataset.feature_names)) == shape
    assert dataset.task == task
    assert dataset.classes == classes
    assert dataset.target_names == (target,)
    assert name in (FOLDER / "README.md").read_text()


def test_values():
    digits = files.read(FOLDER / "digits.h5")
    assert digits.x.dtype == np.uint8
    assert digits.image_shape == (8, 8)
    assert (int(digits.x.max()), int(digits.x.sum(dtype=np.int64))) == (16, 561_718)
    assert np.bincount(digits.y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    cancer = files.read(FOLDER / "breast_cancer.csv")
    assert dict(zip(*np.unique(cancer.y, return_counts=True), strict=True)) == {"benign": 357, "malignant": 212}
    assert cancer.x[0, :3].tolist() == [17.99, 10.38, 122.8]
    assert cancer.feature_names[-1] == "worst_fractal_dimension"
    iris = files.read(FOLDER / "iris.csv")
    assert iris.x[34].tolist() == [4.9, 3.1, 1.5, 0.2]  # as in Fisher's paper, not as in the UCI file
    assert iris.x[37].tolist() == [4.9, 3.6, 1.4, 0.1]
    diabetes = files.read(FOLDER / "diabetes.csv")
    assert (diabetes.y.min(), diabetes.y.max()) == (25, 346)
    assert diabetes.x[0].tolist() == [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]
