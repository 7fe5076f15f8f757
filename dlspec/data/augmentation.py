"""Augmentation: training images that are changed anew in every epoch, in the pixels of the file.

Images are arrays `(b, h, w, c)`. All of a batch are moved at once: each output pixel looks up where it comes
from, and takes the bilinear mean of the four pixels around that place; beyond the border all pixels are 0.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dlspec.core.arrays import Array
from dlspec.core.randomness import stream
from dlspec.data.normalization import Normalization

Augment = Callable[[NDArray[Any], np.random.Generator], Array]
"""`augment(x, rng)`: other images `(b, n_x)` made from the raw images `x (b, n_x)`, in the run's dtype."""


class Augmentation:
    """Random changes of images that keep their label (course 2, week 1); the label is the user's to judge.

    In this order: mirrored, turned about the centre, moved, bent, then noise. The moves of `padding` and of
    `shift` add up: cutting the old size out of an image with p zeros around it is moving it by −p … p pixels.
    All draws are independent and uniform, but for the noise.

    Args:
        horizontal_flip: probability to mirror left and right, in [0, 1].
        padding: p ≥ 0, whole pixels.
        rotation: largest angle in degrees to either side, in [0, 180].
        shift: s ≥ 0, moved by −s … s whole pixels in each direction; below 1 a fraction of the height and of
            the width, rounded to pixels.
        elastic_alpha: scale of the displacements in pixels, ≥ 0: uniform in ±1 per pixel, smoothed by a
            Gaussian, times alpha (Simard, Steinkraus, Platt, 2003); 0 bends nothing.
        elastic_sigma: standard deviation of that Gaussian in pixels, > 0.
        noise: standard deviation of Gaussian noise in the unit of the pixels, ≥ 0; the sum is cut to [low, high].
    """

    def __init__(
        self,
        *,
        horizontal_flip: float = 0.0,
        padding: int = 0,
        rotation: float = 0.0,
        shift: float = 0,
        elastic_alpha: float = 0.0,
        elastic_sigma: float = 1.0,
        noise: float = 0.0,
    ):
        self.horizontal_flip = horizontal_flip
        self.padding = padding
        self.rotation = rotation
        self.shift = shift
        self.elastic_alpha = elastic_alpha
        self.elastic_sigma = elastic_sigma
        self.noise = noise

    def largest_move(self, side: int) -> int:
        """Pixels by which an image may be moved along a side of that many pixels."""
        return self.padding + (round(self.shift * side) if self.shift < 1 else int(self.shift))

    def bind(self, image_shape: tuple[int, ...], *, low: float, high: float, dtype: DTypeLike) -> Augment:
        """Prepare the grids for images of one shape.

        Args:
            image_shape: `(h, w)` or `(h, w, c)`.
            low: smallest pixel, at most 0.
            high: largest pixel.
            dtype: of the result.
        """
        height, width, channels = (*image_shape, 1)[:3]
        dtype = np.dtype(dtype)
        down, right = self.largest_move(height), self.largest_move(width)
        bend = _bending(height, width, alpha=self.elastic_alpha, sigma=self.elastic_sigma, dtype=dtype)
        moves = bool(self.horizontal_flip or down or right or self.rotation or self.elastic_alpha)

        def augment(x: NDArray[Any], rng: np.random.Generator) -> Array:
            b = len(x)
            images: Array = x.astype(dtype).reshape(b, height, width, channels)
            if moves:
                rows, columns = sources(
                    height,
                    width,
                    mirrored=rng.random(b) < self.horizontal_flip,
                    angle=np.radians(rng.uniform(-self.rotation, self.rotation, b)),
                    down=rng.integers(-down, down + 1, b),
                    right=rng.integers(-right, right + 1, b),
                    bend=bend(rng, b) if self.elastic_alpha else None,
                    dtype=dtype,
                )
                images = sample(images, rows, columns)
            if self.noise:
                images += (self.noise * rng.standard_normal(images.shape)).astype(dtype)
            np.clip(images, low, high, out=images)  # rounding, too, can leave the range
            return images.reshape(b, -1)

        return augment


def sources(
    height: int,
    width: int,
    *,
    mirrored: NDArray[np.bool_],
    angle: NDArray[np.float64],
    down: NDArray[np.int64],
    right: NDArray[np.int64],
    bend: Array | None,
    dtype: np.dtype[Any],
) -> tuple[Array, Array]:
    """Where the pixels of changed images come from: the changes, undone from the last to the first.

    Args:
        height: h of the images.
        width: w of the images.
        mirrored: `(b,)`, whether left and right are exchanged.
        angle: `(b,)` in radians, counter-clockwise, about the centre ((h − 1)/2, (w − 1)/2).
        down: `(b,)`, pixels that the image moves down.
        right: `(b,)`, pixels that it moves to the right.
        bend: `(2, b, h, w)`, displacements of the looking up, down and to the right; None for none.
        dtype: of the result.

    Returns:
        Rows and columns in pixels from 0, which broadcast to `(b, h, w)`; whole numbers stay exact.
    """

    def of_images(values: NDArray[Any]) -> Array:
        return values.astype(dtype)[:, np.newaxis, np.newaxis]

    middle_row, middle_column = (height - 1) / 2, (width - 1) / 2
    y = np.arange(height, dtype=dtype)[:, np.newaxis] - middle_row - of_images(down)  # (b, h, 1)
    x = np.arange(width, dtype=dtype) - middle_column - of_images(right)  # (b, 1, w)
    if bend is not None:
        y, x = y + bend[0], x + bend[1]
    if angle.any():
        cos, sin = of_images(np.cos(angle)), of_images(np.sin(angle))
        y, x = cos * y + sin * x, cos * x - sin * y
    return y + middle_row, x * of_images(np.where(mirrored, -1, 1)) + middle_column


def sample(images: Array, rows: Array, columns: Array) -> Array:
    """Bilinear means of the images `(b, h, w, c)` at places between their pixels; 0 beyond the border.

    Args:
        images: floats.
        rows: from 0; together with `columns` they broadcast to `(b, h', w')`.
        columns: from 0.

    Returns:
        `(b, h', w', c)`; where both numbers are whole it is that pixel, exactly.
    """
    b, height, width, channels = images.shape
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))  # a frame of zeros to look up what is beyond the border
    top, below = _framed(rows, height)
    left, beside = _framed(columns, width)
    stride = width + 2
    first = np.arange(b)[:, np.newaxis, np.newaxis] * (height + 2) * stride + top * stride + left
    pixels = framed.reshape(-1, channels)

    def looked_up(offset: int) -> Array:
        # "clip": a neighbour past the last frame has the weight 0.
        found: Array = pixels.take(first + offset, axis=0, mode="clip")
        return found

    if not below.any() and not beside.any():  # whole pixels: a quarter of the work
        return looked_up(0)
    upper = (1 - beside) * looked_up(0) + beside * looked_up(1)
    lower = (1 - beside) * looked_up(stride) + beside * looked_up(stride + 1)
    means: Array = (1 - below) * upper + below * lower
    return means


def _framed(places: Array, side: int) -> tuple[NDArray[np.intp], Array]:
    """The pixel of the framed image before each place, and how far beyond it the place is, in [0, 1)."""
    framed = np.clip(places, -1, side) + 1
    before = framed.astype(np.intp)
    return before, (framed - before.astype(places.dtype))[..., np.newaxis]


def _bending(
    height: int, width: int, *, alpha: float, sigma: float, dtype: np.dtype[Any]
) -> Callable[[np.random.Generator, int], Array]:
    """A function of the stream and b that draws displacements `(2, b, h, w)`.

    Smoothing is one product from the left and one from the right, for a Gaussian is one along each axis.
    """
    down, across = (_smoothing(side, sigma).astype(dtype) for side in (height, width))

    def bend(rng: np.random.Generator, b: int) -> Array:
        uniform = rng.uniform(-1, 1, (2, b, height, width)).astype(dtype)
        displacements: Array = alpha * (down @ uniform @ across)
        return displacements

    return bend


def _smoothing(side: int, sigma: float) -> NDArray[np.float64]:
    """Matrix `(side, side)` of the Gaussian's weights between pixels; they add up to 1 over the whole line."""
    reach = side + math.ceil(6 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    pixels = np.arange(side)
    matrix: NDArray[np.float64] = (weights / weights.sum())[pixels[:, np.newaxis] - pixels + reach]
    return matrix


class AugmentedInputs:
    """The training images, changed anew in every epoch, then normalised like all others.

    The changes of a mini-batch follow from (seed, epoch, where it begins in the epoch) alone, so that a resumed run
    sees what an uninterrupted one would have seen, and no other stream of random numbers moves.

    Args:
        augmentation: what is done to the images.
        raw: images `(m, n_x)` in the dtype of the file.
        image_shape: `(h, w)` or `(h, w, c)`.
        normalization: that of the data.
        seed: the experiment's seed.
        dtype: of the run.

    Attributes:
        low: smallest pixel of the training set, or 0 where that is less.
        high: largest pixel, or 0 where that is more.
    """

    def __init__(
        self,
        augmentation: Augmentation,
        raw: NDArray[Any],
        *,
        image_shape: tuple[int, ...],
        normalization: Normalization,
        seed: int,
        dtype: DTypeLike,
    ):
        self.raw, self.image_shape = raw, image_shape
        self.low, self.high = min(0.0, float(raw.min())), max(0.0, float(raw.max()))
        self._normalize, self._seed = normalization.bind(), seed
        self._augment = augmentation.bind(image_shape, low=self.low, high=self.high, dtype=dtype)

    def images(self, rows: NDArray[np.intp], *, epoch: int, first: int) -> Array:
        """The images of `rows (b,)`, from example `first` of an epoch on, changed: `(b, n_x)`, not normalised."""
        return self._augment(self.raw[rows], stream(self._seed, "augment", epoch, first))

    def fill(self, rows: NDArray[np.intp], Xb: NDArray[Any], epoch: int, first: int) -> None:
        """Write them, normalised, into `Xb (b, n_x)`: the `Fill` of `Batches`."""
        self._normalize(Xb, self.images(rows, epoch=epoch, first=first))
