"""Augmentation, each change by hand on tiny images, and all together against a loop over pixels."""

import math

import numpy as np
import pytest

from dlspec.core.randomness import stream
from dlspec.data.augmentation import Augmentation, AugmentedInputs, sample, sources
from dlspec.data.contact_sheet import GAP, contact_sheet
from dlspec.data.normalization import Normalization, fit

IMAGE = np.arange(1.0, 13.0).reshape(3, 4)


class Drawn:
    """A generator whose draws are known: the extremes of every range, or what is given."""

    def __init__(self, *, random=0.0, uniform=1.0, high=True):
        self._random, self._uniform, self._high = random, uniform, high

    def random(self, n):
        return np.full(n, self._random)

    def uniform(self, low, high, shape):
        return np.full(shape, low + (high - low) * (self._uniform + 1) / 2)

    def integers(self, low, high, n):
        return np.full(n, high - 1 if self._high else low)


def changed(image=IMAGE, rng=None, **settings):
    """The image after one change with known draws, float64."""
    augment = Augmentation(**settings).bind(image.shape, low=0.0, high=image.max(), dtype=np.float64)
    return augment(image.reshape(1, -1), rng or Drawn()).reshape(image.shape)


def moved(image, down, right):
    """The image moved by whole pixels, zeros where nothing is."""
    result = np.zeros_like(image)
    height, width = image.shape[:2]
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                result[y, x] = image[y - down, x - right]
    return result


def test_a_flip_mirrors_left_and_right():
    assert np.array_equal(changed(horizontal_flip=0.5, rng=Drawn(random=0.49)), IMAGE[:, ::-1])
    assert np.array_equal(changed(horizontal_flip=0.5, rng=Drawn(random=0.5)), IMAGE)
    color = np.stack((IMAGE, -IMAGE, 2 * IMAGE), axis=2)
    low = Augmentation(horizontal_flip=1.0).bind((3, 4, 3), low=-12.0, high=24.0, dtype=np.float64)
    assert np.array_equal(low(color.reshape(1, -1), Drawn()).reshape(3, 4, 3), color[:, ::-1])


@pytest.mark.parametrize("settings", [{"shift": 1}, {"padding": 1}, {"shift": 0.3}])
def test_a_shift_and_a_crop_move_by_whole_pixels(settings):
    assert np.array_equal(changed(**settings), moved(IMAGE, 1, 1))
    assert np.array_equal(changed(**settings, rng=Drawn(high=False)), moved(IMAGE, -1, -1))


def test_a_fraction_is_of_each_side_and_adds_to_the_padding():
    tall = np.arange(1.0, 21.0).reshape(10, 2)
    assert np.array_equal(changed(tall, shift=0.2), moved(tall, 2, 0))
    assert Augmentation(shift=0.2, padding=3).largest_move(10) == 5
    assert Augmentation(shift=2, padding=3).largest_move(10) == 5


@pytest.mark.parametrize("side", [3, 4, 7])
@pytest.mark.parametrize("turns", [1, 2, -1])
def test_quarter_turns(side, turns):
    image = np.arange(1.0, side * side + 1).reshape(side, side)
    turned = changed(image, rotation=90.0 * abs(turns), rng=Drawn(uniform=math.copysign(1, turns)))
    np.testing.assert_allclose(turned, np.rot90(image, turns), rtol=0, atol=1e-12 * side**3)


def test_a_small_turn_keeps_a_round_spot_where_it_is():
    y, x = np.mgrid[-7:8, -7:8]
    spot = 100 * np.exp(-(x**2 + y**2) / 18.0)
    turned = changed(spot, rotation=30.0)
    # Bilinear means are off by up to (f_xx + f_yy)/8, which is 100/9 twice at the top.
    np.testing.assert_allclose(turned[2:-2, 2:-2], spot[2:-2, 2:-2], rtol=0, atol=2 * 100 / 9 / 8)
    assert turned.max() <= 100


def test_sampling_is_bilinear_and_zero_beyond_the_border():
    images = IMAGE[np.newaxis, :, :, np.newaxis]

    def at(row, column):
        return sample(images, np.full((1, 1, 1), row), np.full((1, 1, 1), column)).item()

    assert at(1.0, 2.0) == 7
    assert at(0.25, 1.5) == pytest.approx(0.75 * 2.5 + 0.25 * 6.5, rel=1e-15)
    assert at(2.5, 0.0) == pytest.approx(9 / 2, rel=1e-15)  # half way out
    assert at(-0.75, 3.0) == pytest.approx(4 / 4, rel=1e-15)
    for row, column in ((-1.0, 0.0), (3.0, 3.0), (0.0, 4.0), (1e9, 1.0), (1.0, -1e9)):
        assert at(row, column) == 0


def test_an_elastic_field_is_smoothed_noise_times_alpha():
    """Uniform draws of 1 make a field of alpha in the middle: everything looks alpha pixels down and to the right."""
    image = np.arange(1.0, 442.0).reshape(21, 21)
    bent = changed(image, elastic_alpha=2.0, elastic_sigma=1.0)
    np.testing.assert_allclose(bent[8:13, 8:13], image[10:15, 10:15], rtol=1e-6)
    # At the border half of the Gaussian hangs over, where the field is 0.
    weights = np.exp(-0.5 * np.arange(-30, 31) ** 2)
    corner = 2 * (weights[30:].sum() / weights.sum()) ** 2
    row = column = corner
    expected = sample(image[np.newaxis, :, :, np.newaxis], np.full((1, 1, 1), row), np.full((1, 1, 1), column)).item()
    assert bent[0, 0] == pytest.approx(expected, rel=1e-12)


def naive(images, *, mirrored, angle, down, right, bend):
    """Pixel by pixel: where each comes from, and the bilinear mean there."""
    b, height, width, _ = images.shape
    result = np.zeros_like(images)
    cy, cx = (height - 1) / 2, (width - 1) / 2
    for i in range(b):
        for y in range(height):
            for x in range(width):
                v, u = y + bend[0, i, y, x] - down[i] - cy, x + bend[1, i, y, x] - right[i] - cx
                v, u = (
                    math.cos(angle[i]) * v + math.sin(angle[i]) * u,
                    math.cos(angle[i]) * u - math.sin(angle[i]) * v,
                )
                row, column = v + cy, (-u if mirrored[i] else u) + cx
                top, left = math.floor(row), math.floor(column)
                for near_row in (top, top + 1):
                    for near_column in (left, left + 1):
                        weight = (1 - abs(row - near_row)) * (1 - abs(column - near_column))
                        if 0 <= near_row < height and 0 <= near_column < width:
                            result[i, y, x] += weight * images[i, near_row, near_column]
    return result


@pytest.mark.parametrize("shape", [(6, 5, 7, 1), (3, 8, 4, 3), (1, 1, 1, 2)])
def test_all_moves_together_are_those_of_the_loop(shape, rng):
    b, height, width, _ = shape
    images = rng.uniform(0, 255, shape)
    draws = {
        "mirrored": rng.random(b) < 0.5,
        "angle": rng.uniform(-3, 3, b),
        "down": rng.integers(-2, 3, b),
        "right": rng.integers(-2, 3, b),
        "bend": rng.normal(0, 1.5, (2, b, height, width)),
    }
    rows, columns = sources(height, width, **draws, dtype=np.dtype(np.float64))
    np.testing.assert_allclose(sample(images, rows, columns), naive(images, **draws), rtol=1e-9, atol=1e-9)


def test_offsets_cover_their_range_evenly():
    images = np.zeros((4000, 7, 7))
    images[:, 3, 3] = 1
    augment = Augmentation(padding=2).bind((7, 7), low=0.0, high=1.0, dtype=np.float32)
    found = augment(images.reshape(4000, -1), np.random.default_rng(0)).reshape(4000, 7, 7)
    _, down, right = np.nonzero(found)
    for offsets in (down - 3, right - 3):
        values, counts = np.unique(offsets, return_counts=True)
        assert values.tolist() == [-2, -1, 0, 1, 2]
        assert np.abs(counts - 800).max() < 110  # four standard deviations
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.06
    flip = Augmentation(horizontal_flip=0.25).bind((1, 2), low=0.0, high=1.0, dtype=np.float32)
    flipped = flip(np.tile([0, 1], (4000, 1)), np.random.default_rng(0))[:, 0]
    assert flipped.mean() == pytest.approx(0.25, abs=0.03)


def test_noise_has_its_moments_and_keeps_the_range():
    grey = np.full((100, 400), 128, dtype=np.uint8)
    augment = Augmentation(noise=8.0).bind((20, 20), low=0.0, high=255.0, dtype=np.float32)
    noise = augment(grey, np.random.default_rng(0)) - 128
    assert noise.dtype == np.float32
    assert noise.mean() == pytest.approx(0, abs=0.16)  # four standard errors
    assert noise.std() == pytest.approx(8, rel=0.015)
    edge = Augmentation(noise=50.0).bind((20, 20), low=0.0, high=130.0, dtype=np.float32)
    noisy = edge(grey, np.random.default_rng(0))
    assert (noisy.min(), noisy.max()) == (0, 130)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_stay_in_the_range_of_the_training_set(dtype, rng):
    x = rng.integers(7, 250, (64, 100)).astype(np.uint8)
    settings = {"horizontal_flip": 0.5, "padding": 2, "rotation": 40.0, "elastic_alpha": 20.0, "elastic_sigma": 2.0}
    augment = Augmentation(**settings).bind((10, 10), low=0.0, high=float(x.max()), dtype=dtype)
    found = augment(x, rng)
    assert found.dtype == dtype
    assert found.shape == x.shape
    assert found.min() >= 0
    assert found.max() <= x.max()
    assert np.array_equal(augment(np.full_like(x, 0), rng), np.zeros(x.shape))


MANY = {"horizontal_flip": 0.5, "shift": 1, "rotation": 20.0, "elastic_alpha": 4.0, "elastic_sigma": 1.5, "noise": 2.0}


def inputs_of(raw, *, seed=3, normalization=None, **settings):
    return AugmentedInputs(
        Augmentation(**settings),
        raw,
        image_shape=(5, 6),
        normalization=normalization or fit(raw, "standard"),
        seed=seed,
        dtype=np.float32,
    )


@pytest.fixture
def raw(rng):
    return rng.integers(0, 256, (20, 30)).astype(np.uint8)


def filled(inputs, rows, epoch, batch):
    Xb = np.empty((len(rows), 30), dtype=np.float32)
    inputs.fill(np.array(rows), Xb, epoch, batch)
    return Xb


def test_nothing_on_gives_the_inputs_of_no_augmentation_to_the_bit(raw):
    normalization = fit(raw, "standard")
    X = normalization.apply(raw, np.float32)
    rows = [4, 0, 19, 7]
    assert filled(inputs_of(raw), rows, 0, 0).tobytes() == X[rows].tobytes()


def test_inputs_are_normalised_after_the_change(raw):
    normalization = Normalization("standard", np.arange(30.0), np.arange(1.0, 31.0))
    found = filled(inputs_of(raw, horizontal_flip=1.0, normalization=normalization), [2, 5], 0, 0)
    mirrored = raw[[2, 5]].reshape(2, 5, 6)[:, :, ::-1].reshape(2, 30)
    assert np.array_equal(found, normalization.apply(mirrored, np.float32))


def test_changes_follow_from_seed_epoch_and_batch_alone(raw):
    rows = list(range(8))
    one = filled(inputs_of(raw, **MANY), rows, 2, 1)
    other = inputs_of(raw, **MANY)
    for epoch, batch in ((0, 0), (2, 0), (5, 5)):
        assert not np.array_equal(filled(other, rows, epoch, batch), one)
    stream(3, "shuffle", 2).random(100)
    assert np.array_equal(filled(other, rows, 2, 1), one)
    assert not np.array_equal(filled(inputs_of(raw, seed=4, **MANY), rows, 2, 1), one)
    assert np.array_equal(
        other.images(np.array(rows), epoch=2, first=1),
        Augmentation(**MANY).bind((5, 6), low=0.0, high=float(raw.max()), dtype=np.float32)(
            raw[rows], stream(3, "augment", 2, 1)
        ),
    )


def test_raw_images_are_left_alone(raw):
    before = raw.copy()
    filled(inputs_of(raw, **MANY), [0, 1], 0, 0)
    assert np.array_equal(raw, before)


def test_contact_sheet(raw):
    inputs = inputs_of(raw, horizontal_flip=1.0)
    sheet = contact_sheet(inputs, examples=3, copies=2)
    factor = 64 // 6
    height, width = 5 * factor, 6 * factor
    assert sheet.shape == (3 * (height + GAP) - GAP, 3 * (width + GAP) - GAP)
    assert sheet.dtype == np.uint8
    scaled = np.rint(raw[:3] * (255 / raw.max())).reshape(3, 5, 6)
    for row in range(3):
        for column in range(3):
            top, left = row * (height + GAP), column * (width + GAP)
            cell = sheet[top : top + height, left : left + width]
            expected = scaled[row] if column == 0 else scaled[row][:, ::-1]
            assert np.array_equal(cell[::factor, ::factor], expected)
            assert np.array_equal(cell, cell[::factor, ::factor].repeat(factor, axis=0).repeat(factor, axis=1))
    assert (sheet[height : height + GAP] == 255).all()
    assert contact_sheet(inputs, examples=100, copies=1).shape[0] == 20 * (height + GAP) - GAP


def test_contact_sheet_of_colour_and_of_black(rng):
    settings = {"normalization": fit(np.zeros((2, 12)), "none"), "seed": 0, "dtype": np.float32}
    raw = rng.integers(0, 256, (2, 12)).astype(np.uint8)
    inputs = AugmentedInputs(Augmentation(), raw, image_shape=(2, 2, 3), **settings)
    assert contact_sheet(inputs, examples=2, copies=1).shape == (2 * 64 + GAP, 2 * 64 + GAP, 3)
    black = AugmentedInputs(Augmentation(), raw * 0, image_shape=(2, 2, 3), **settings)
    assert contact_sheet(black, examples=1, copies=1)[:64, :64].max() == 0
