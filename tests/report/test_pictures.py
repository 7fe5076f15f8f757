"""`pictures.json`: the decision boundary and the worst examples of small networks whose outputs are known."""

from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest

from dlspec import pictures
from dlspec.core.losses import LOSSES
from dlspec.data.dataset import Dataset, Examples
from dlspec.data.normalization import Normalization
from dlspec.training.evaluation import Evaluator


class Linear:
    """Logits X @ W."""

    dtype = np.dtype(np.float64)

    def __init__(self, W):
        self.W = np.array(W, float)
        self.units = self.W.shape[1]

    def forward(self, batch):
        def forward(X):
            assert len(X) == batch
            return X @ self.W

        return forward

    def penalty(self, m):  # noqa: ARG002 - the signature
        return 0.0


def dataset(X, Y, *, mean=0.0, std=1.0, **fields):
    X = np.array(X, float)
    n_x = X.shape[1]
    known = {
        "task": "classification", "classes": ("no", "yes"), "n_targets": 1, "target_names": ("y",), "image_shape": None,
        "cut": None, "columns": None, "fingerprint": "", "warnings": (),
    }  # fmt: skip
    return Dataset(
        **known
        | {
            "splits": {"train": Examples(X, np.array(Y), np.arange(len(X)) + 100)},
            "feature_names": tuple(f"x{number}" for number in range(1, n_x + 1)),
            "normalization": Normalization("standard", np.full(n_x, mean), np.full(n_x, std)),
        }
        | fields
    )


def evaluator(data, W, loss="binary_cross_entropy"):
    return Evaluator(
        model=Linear(W),
        loss=LOSSES[loss](),
        splits=data.splits,
        task=data.task,
        classes=data.classes,
        metric="accuracy",
    )


def test_the_boundary_of_a_line():
    data = dataset([[-1, 0], [1, 0], [0.5, 1]], [0, 1, 0], mean=10.0, std=2.0)
    found = pictures.boundary(data, evaluator(data, [[50.0], [0.0]]))
    assert (found["split"], found["features"], found["classes"]) == ("train", ["x1", "x2"], ["no", "yes"])
    assert found["x"] == pytest.approx([8 - 0.32, 12 + 0.32])  # as in the file: 10 + 2x
    assert found["y"] == pytest.approx([10 - 0.16, 12 + 0.16])
    half = pictures.GRID // 2
    assert set(found["regions"]) == {"0" * half + "1" * half}
    assert len(found["regions"]) == pictures.GRID
    assert found["certainty"][0][0] == found["certainty"][0][-1] == "9"
    assert found["points"] == [
        {"x": 8.0, "y": 10.0, "class": 0, "predicted": 0},
        {"x": 12.0, "y": 10.0, "class": 1, "predicted": 1},
        {"x": 11.0, "y": 12.0, "class": 0, "predicted": 1},
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"task": "regression"},
        {"feature_names": ("a", "b", "c")},
        {"classes": tuple(map(str, range(11)))},
    ],
)
def test_no_boundary_of_other_data(fields):
    data = replace(dataset([[-1, 0], [1, 0]], [0, 1]), **fields)
    assert pictures.boundary(data, evaluator(data, [[1.0], [0.0]])) is None


def test_points_that_are_all_the_same_have_a_boundary():
    data = dataset([[1, 1], [1, 1]], [0, 1])
    assert pictures.boundary(data, evaluator(data, [[1.0], [0.0]]))["x"] == [0.0, 2.0]


def test_the_worst_come_first():
    data = dataset([[3.0], [-3.0], [1.0], [2.0]], [0, 0, 1, 0])
    first, second, third, last = pictures.worst(data, evaluator(data, [[1.0]]))["examples"]
    assert [example["row"] for example in (first, second, third, last)] == [101, 104, 103, 102]
    assert first["loss"] == pytest.approx(np.log1p(np.exp(3.0)))
    told = {
        "true": "no",
        "predicted": "yes",
        "wrong": True,
        "probability": 0.9526,
        "features": [["x1", 3.0]],
        "image": None,
    }
    assert {key: first[key] for key in told} == told
    assert (third["wrong"], last["wrong"]) == (False, False)


def test_there_are_at_most_a_dozen_and_dev_goes_before_train():
    data = dataset(np.linspace(-1, 1, 40)[:, np.newaxis], np.arange(40) % 2)
    dev = replace(data.splits["train"], rows=np.arange(40))
    data = replace(data, splits={"train": data.splits["train"], "dev": dev, "test": dev})
    found = pictures.worst(data, evaluator(data, [[1.0]]))
    assert (found["split"], len(found["examples"])) == ("dev", pictures.WORST)


def test_numbers_and_labels():
    data = dataset([[1.0], [2.0]], [[1.5], [2.0]], task="regression", classes=())
    first, second = pictures.worst(data, evaluator(data, [[1.0]], "squared_error"))["examples"]
    assert (first["true"], first["predicted"], first["wrong"], first["probability"]) == ("1.5", "1", False, None)
    assert second["loss"] == 0
    labels = [[1.0, np.nan], [0.0, 1.0]]
    data = dataset([[1.0], [-1.0]], labels, task="multi_task", target_names=("a", "b"), n_targets=2)
    loss = evaluator(data, [[1.0, 2.0]], "multi_task_cross_entropy")
    first, second = pictures.worst(data, loss)["examples"]
    assert (first["row"], first["true"], first["predicted"], first["wrong"]) == (102, "b", "none of the labels", True)
    assert (second["true"], second["predicted"], second["wrong"]) == ("a", "a", False)


@pytest.mark.parametrize(
    ("shape", "size"), [((2, 3), (3, 2, 1)), ((2, 3, 3), (3, 2, 3)), ((200, 2), (1, 67, 1)), ((2, 3, 2), None)]
)
def test_images_are_as_in_the_file(shape, size):
    n_x = int(np.prod(shape))
    X = np.stack([np.arange(n_x), np.zeros(n_x)]) / n_x
    data = dataset(X, [0, 1], mean=5.0, std=3.0, image_shape=shape)
    first = pictures.worst(data, evaluator(data, np.full((n_x, 1), 1.0)))["examples"][0]
    if size is None:
        assert first["image"] is None
        return
    image = first["image"]
    assert (image["width"], image["height"], image["channels"]) == size
    pixels = b64decode(image["pixels"])
    assert (len(pixels), pixels[0]) == (np.prod(size), 0)
    assert pixels[-1] == 255
    assert list(pixels) == sorted(pixels)
