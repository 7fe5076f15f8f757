"""A contact sheet: training images beside what augmentation makes of them."""

import numpy as np
from numpy.typing import NDArray

from dlspec.data.augmentation import AugmentedInputs

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
    grey = np.rint((images - inputs.low) * (255 / ((inputs.high - inputs.low) or 1))).astype(np.uint8)
    factor = max(1, CELL // max(height, width))
    cells = np.pad(
        grey.repeat(factor, axis=2).repeat(factor, axis=3),
        ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)),
        constant_values=PAPER,
    )
    count, per_row, cell_height, cell_width, _ = cells.shape
    sheet = cells.swapaxes(1, 2).reshape(count * cell_height, per_row * cell_width, channels)
    return sheet[:-GAP, :-GAP, 0] if channels == 1 else sheet[:-GAP, :-GAP]
