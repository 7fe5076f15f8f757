"""`pictures.json`: what a report draws of the examples themselves, which takes the data and the trained network."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlspec.core.arrays import Array
from dlspec.core.losses import Loss
from dlspec.data.dataset import Dataset
from dlspec.run import storage
from dlspec.text import finite
from dlspec.training.evaluation import BATCH, Evaluator, Measured

FILE = "pictures.json"
GRID = 80  # points of the decision boundary along each axis
POINTS_UP_TO = 300
CLASSES_UP_TO = 10  # colours that can be told apart
WORST = 12
FEATURES_UP_TO = 8  # of an example that is no image; more than these say nothing
SIDE_UP_TO = 96  # pixels of an image; of a larger one every second is left out, or every third, …


def write(run: Path, dataset: Dataset, evaluator: Evaluator) -> None:
    """Compute the pictures and write them.

    Args:
        run: the run directory.
        dataset: of the run.
        evaluator: of the network with the parameters that are the result.

    Raises:
        RunError: the system refused.
    """
    content = {"format": 1, "boundary": boundary(dataset, evaluator), "worst": worst(dataset, evaluator)}
    text = json.dumps(finite(content), separators=(",", ":"), allow_nan=False).replace("\x7f", "\\u007f")
    storage.write_file(run / FILE, f"{text}\n".encode())


def boundary(dataset: Dataset, evaluator: Evaluator) -> dict[str, Any] | None:
    """Where the network puts its classes in the plane of two features; None for any other data.

    `regions` has a string per row of the grid, from the lowest y up, with the class of each point; `certainty` likewise
    from 0, a guess, to 9. The points are examples of dev, as they stand in the file.
    """
    if dataset.task != "classification" or len(dataset.feature_names) != 2 or len(dataset.classes) > CLASSES_UP_TO:
        return None
    model, loss = evaluator.model, evaluator.loss
    split = _looked_at(dataset)
    X, Y = (array.copy() for array in next(dataset.splits[split].blocks(POINTS_UP_TO)))
    raw = _as_given(dataset, X)
    low, high = raw.min(axis=0), raw.max(axis=0)
    room = np.where(high > low, 0.08 * (high - low), 1.0)
    low, high = low - room, high + room
    xs, ys = (np.linspace(low[axis], high[axis], GRID) for axis in (0, 1))
    plane = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    plane = dataset.normalization.apply(plane, model.dtype)
    classes, probability = _classified(loss, model.forward(len(plane))(plane))
    chance = 1 / len(dataset.classes)
    certainty = np.clip(np.rint(9 * (probability - chance) / (1 - chance)), 0, 9).astype(int)
    predicted, _ = _classified(loss, model.forward(len(X))(X))
    return {
        "split": split,
        "features": list(dataset.feature_names),
        "classes": list(dataset.classes),
        "x": [float(low[0]), float(high[0])],
        "y": [float(low[1]), float(high[1])],
        "regions": _rows_of_digits(classes),
        "certainty": _rows_of_digits(certainty),
        "points": [
            {"x": float(x), "y": float(y), "class": int(true), "predicted": int(found)}
            for (x, y), true, found in zip(raw, Y, predicted, strict=True)
        ],
    }


def worst(dataset: Dataset, evaluator: Evaluator) -> dict[str, Any]:
    """The examples of dev, or of train where there is no dev, with the largest loss; ties to the first."""
    split = _looked_at(dataset)
    found = _largest_losses(evaluator, dataset.splits[split])
    images = _images(dataset, found.X)
    raw = _as_given(dataset, found.X) if len(dataset.feature_names) <= FEATURES_UP_TO else None
    rows = dataset.splits[split].source_rows(found.positions)
    described = _described(dataset, evaluator.loss, found.Z, found.Y)
    return {
        "split": split,
        "examples": [
            {
                "row": int(row) + 1,
                "loss": float(loss),
                **words,
                "features": None if raw is None or images else _pairs(dataset, raw[number]),
                "image": images[number] if images else None,
            }
            for number, (row, loss, words) in enumerate(zip(rows, found.losses, described, strict=True))
        ],
    }


class _Found(NamedTuple):
    """Examples of a split: their positions in it, losses, inputs, targets and logits."""

    positions: NDArray[np.intp]
    losses: Array
    X: Array
    Y: NDArray[Any]
    Z: Array

    def largest(self) -> "_Found":
        """Those with the largest loss, the largest first; copies."""
        order = np.argsort(-self.losses, kind="stable")[:WORST]
        return _Found(self.positions[order], self.losses[order], self.X[order], self.Y[order], self.Z[order])

    def with_others(self, other: "_Found") -> "_Found":
        """These, then those."""
        return _Found(*map(np.concatenate, zip(self, other, strict=True)))


def _largest_losses(evaluator: Evaluator, examples: Measured) -> _Found:
    """The examples with the largest loss, found block by block."""
    model, plans = evaluator.model, {}
    found: _Found | None = None
    start = 0
    for X, Y in examples.blocks(BATCH):
        if len(X) not in plans:
            plans[len(X)] = model.forward(len(X)), evaluator.loss.bind(len(X), model.units, model.dtype)
        forward, losses_and_gradient = plans[len(X)]
        Z = forward(X)
        here = _Found(np.arange(start, start + len(X)), losses_and_gradient(Z, Y)[0], X, Y, Z).largest()
        found = here if found is None else found.with_others(here).largest()
        start += len(X)
    if found is None:
        raise ValueError("a split has no examples")
    return found


def _looked_at(dataset: Dataset) -> str:
    """Test is for the end; what a person looks at example by example is dev."""
    return "dev" if "dev" in dataset.splits else "train"


def _classified(loss: Loss, Z: Array) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Class and its probability; of a single unit σ(z), as in the evaluation the class 1 above one half."""
    output = loss.predict(Z).astype(np.float64)
    if Z.shape[1] > 1:
        return Z.argmax(axis=1), output.max(axis=1)
    one = Z[:, 0] > 0
    return one.astype(np.intp), np.where(one, output[:, 0], 1 - output[:, 0])


def _rows_of_digits(values: NDArray[Any]) -> list[str]:
    return ["".join(map(str, row)) for row in values.reshape(GRID, GRID).tolist()]


def _as_given(dataset: Dataset, X: Array) -> NDArray[np.float64]:
    """Inputs as they stand in the file, the normalisation undone."""
    raw: NDArray[np.float64] = X.astype(np.float64) * dataset.normalization.std + dataset.normalization.mean
    return raw


def _pairs(dataset: Dataset, raw: NDArray[np.float64]) -> list[list[Any]]:
    return [[name, float(f"{number:.6g}")] for name, number in zip(dataset.feature_names, raw, strict=True)]


def _described(dataset: Dataset, loss: Loss, Z: Array, Y: NDArray[Any]) -> Iterator[dict[str, Any]]:
    """What each example is and what the network takes it for, in words."""
    if dataset.task == "classification":
        found, probability = _classified(loss, Z)
        for true, predicted, sure in zip(Y, found, probability, strict=True):
            names = {"true": dataset.classes[true], "predicted": dataset.classes[predicted]}
            yield {**names, "wrong": bool(true != predicted), "probability": float(f"{sure:.4g}")}
    elif dataset.task == "multi_task":
        for labels, held in zip(Y, Z > 0, strict=True):
            known = ~np.isnan(labels)
            names = {"true": _labels(dataset, labels == 1), "predicted": _labels(dataset, held & known)}
            yield {**names, "wrong": bool((labels[known] != held[known]).any()), "probability": None}
    else:
        for targets, values in zip(Y, loss.predict(Z), strict=True):
            true, predicted = (", ".join(f"{number:.4g}" for number in row) for row in (targets, values))
            yield {"true": true, "predicted": predicted, "wrong": False, "probability": None}


def _labels(dataset: Dataset, held: NDArray[np.bool_]) -> str:
    return ", ".join(name for name, has in zip(dataset.target_names, held, strict=True) if has) or "none of the labels"


def _images(dataset: Dataset, X: Array) -> list[dict[str, Any]] | None:
    """Bytes of each image, from its darkest to its brightest value; None where the inputs are no images to be shown."""
    if dataset.image_shape is None:
        return None
    height, width, channels = (*dataset.image_shape, 1)[:3]
    if channels not in (1, 3, 4):
        return None
    stride = -(-max(height, width) // SIDE_UP_TO)
    raw = _as_given(dataset, X).reshape(-1, height, width, channels)[:, ::stride, ::stride]
    low, high = raw.min(), raw.max()
    levels = np.rint((raw - low) * (255 / ((high - low) or 1))).astype(np.uint8)
    return [
        {
            "width": image.shape[1],
            "height": image.shape[0],
            "channels": channels,
            "pixels": b64encode(image.tobytes()).decode("ascii"),
        }
        for image in levels
    ]
