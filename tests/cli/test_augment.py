"""`dlspec augment`: a contact sheet, and what stands in its way."""

import sys

import numpy as np
import pytest
from PIL import Image

from .commands import write

EXPERIMENT = """\
seed: 2
data: {path: images.npz, normalize: scale, split: {ratios: 80/20}}
augmentation: {horizontal_flip: 1.0}
"""


@pytest.fixture
def config(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (10, 32, 16)).astype(np.uint8)
    x[:, 0, :2] = 0, 255  # in every image the full range
    np.savez(tmp_path / "images.npz", x=x, y=np.arange(10) % 2)
    return write(tmp_path / "images.yaml", EXPERIMENT)


def test_a_sheet_has_the_originals_and_their_copies(config, tmp_path, dlspec):
    sheet = tmp_path / "new" / "sheet.png"
    result = dlspec("augment", config, "--out", sheet, "--examples", 3, "--copies", 2)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"{sheet}: the originals on the left, beside each its first 2 epochs\n"
    with Image.open(sheet) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        pixels = np.asarray(image)
    assert pixels.shape == (3 * 64 + 4, 3 * 32 + 4)
    original, copy = pixels[:64:2, :32:2], pixels[:64:2, 34:66:2]
    assert original[0, :2].tolist() == [0, 255]
    assert np.array_equal(copy, original[:, ::-1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images.npz", "images.yaml", "new"]


def test_flags_and_reproducibility(config, tmp_path, dlspec):
    for name in ("a", "b"):
        assert dlspec("augment", config, "--out", tmp_path / f"{name}.png", "--set", "augmentation.noise=20").code == 0
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert dlspec("augment", config, "--out", tmp_path / "c.png").code == 0
    assert (tmp_path / "c.png").read_bytes() != (tmp_path / "a.png").read_bytes()


def test_an_existing_file_is_kept_unless_forced(config, tmp_path, dlspec):
    sheet = write(tmp_path / "sheet.png", "precious")
    result = dlspec("augment", config, "--out", sheet)
    assert result.code == 2
    assert result.err == f"{sheet}: already there; nothing was written; choose another name, or --force\n"
    assert sheet.read_text() == "precious"
    assert dlspec("augment", config, "--out", sheet, "--force").code == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_without_pillow(config, tmp_path, dlspec, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = dlspec("augment", config, "--out", tmp_path / "sheet.png")
    assert result.code == 2
    assert result.err == "drawing images needs Pillow, which is not installed: pip install 'dlspec[images]'\n"
    assert not (tmp_path / "sheet.png").exists()


@pytest.mark.parametrize("augmentation", ["", "augmentation: {}\n"])
def test_nothing_to_show(tmp_path, config, dlspec, augmentation):
    config.write_text(EXPERIMENT.replace("augmentation: {horizontal_flip: 1.0}\n", augmentation))
    result = dlspec("augment", config, "--out", tmp_path / "sheet.png")
    assert result.code == 2
    message = "augmentation: nothing is turned on; expected what to do to the images, such as {shift: 2}\n"
    assert result.err.endswith(message)


def test_other_names_and_channels(tmp_path, config, dlspec):
    result = dlspec("augment", config, "--out", tmp_path / "sheet.jpg")
    assert (result.code, result.err) == (2, f"{tmp_path}/sheet.jpg: expected a name that ends in .png\n")
    np.savez(tmp_path / "images.npz", x=np.ones((10, 4, 4, 2)), y=np.arange(10) % 2)
    result = dlspec("augment", config, "--out", tmp_path / "sheet.png")
    assert result.code == 2
    assert result.err == f"{config}:3:1: augmentation: the images have 2 channels; only 1, 3 or 4 can be shown\n"
