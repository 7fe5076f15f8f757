"""Contact sheets: many images in one, such as training images beside what augmentation makes of them."""

import numpy as np
from numpy.typing import NDArray

from dlspec.data.augmentation import AugmentedInputs
from dlspec.data.look import Look, examples_of_classes
from dlspec.errors import DataError

CELL = 64  # pixels that a small image is enlarged to, at most
GAP = 2  # pixels between images
PAPER = 255  # grey level of the gaps


def contact_sheet(inputs: AugmentedInputs, *, examples: int, copies: int) -> NDArray[np.uint8]:
    """A row per example: the original, then the image as it is in the first epochs.

    Args:
        inputs: the training images.
        examples: rows; at most as many as there are training images.
        copies: changed images per row.

    Returns:
        Grey `(H, W)`, or `(H, W, c)` for images with c > 1 channels, with the smallest pixel of the training set
        as 0 and the largest as 255.
    """
    rows = np.arange(min(examples, len(inputs.raw)))
    columns = [inputs.raw[rows].astype(np.float64)]
    columns += [inputs.images(rows, epoch=epoch, first=0).astype(np.float64) for epoch in range(copies)]
    height, width, channels = (*inputs.image_shape, 1)[:3]
    images = np.stack(columns, axis=1).reshape(len(rows), -1, height, width, channels)
    return sheet_of(images, low=float(inputs.low), high=float(inputs.high))


def sheet_of_classes(look: Look, *, rows: int, each: int) -> NDArray[np.uint8]:
    """A row for each class: its first images.

    Args:
        look: of images.
        rows: classes at most, see `examples_of_classes`.
        each: images of a class.

    Returns:
        As `contact_sheet`, with the smallest pixel of these images as 0 and the largest as 255.

    Raises:
        DataError: no images, or images of a kind that cannot be shown.
    """
    images = examples_of_classes(look, each=each, rows=rows)
    channels = images.shape[-1]
    if channels not in (1, 3, 4):
        raise DataError(f"{look.source}: the images have {channels} channels; only 1, 3 or 4 can be shown")
    return sheet_of(images, low=float(np.nanmin(images)), high=float(np.nanmax(images)))


def sheet_of(images: NDArray[np.float64], *, low: float, high: float) -> NDArray[np.uint8]:
    """Images side by side.

    Args:
        images: `(rows, columns, h, w, c)`; NaN leaves paper.
        low: pixel that becomes 0.
        high: pixel that becomes 255.

    Returns:
        Grey `(H, W)`, or `(H, W, c)` for c > 1.
    """
    height, width, channels = images.shape[2:]
    grey = np.nan_to_num(np.rint((images - low) * (255 / ((high - low) or 1))), nan=PAPER).astype(np.uint8)
    factor = max(1, CELL // max(height, width))
    cells = np.pad(
        grey.repeat(factor, axis=2).repeat(factor, axis=3),
        ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)),
        constant_values=PAPER,
    )
    count, per_row, cell_height, cell_width, _ = cells.shape
    sheet = cells.swapaxes(1, 2).reshape(count * cell_height, per_row * cell_width, channels)
    return sheet[:-GAP, :-GAP, 0] if channels == 1 else sheet[:-GAP, :-GAP]
