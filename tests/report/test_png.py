"""PNG files, read back by Pillow."""

import io
from base64 import b64decode

import pytest
from PIL import Image

from dlspec.report import drawings, png

from .reports import pictures


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_another_reader_sees_the_pixels(channels, mode):
    pixels = bytes(number * 7 % 256 for number in range(5 * 3 * channels))
    image = Image.open(io.BytesIO(png.encode(pixels, width=5, height=3, channels=channels)))
    assert (image.size, image.mode) == ((5, 3), mode)
    assert image.tobytes() == pixels


@pytest.mark.parametrize(
    "content", [{"width": 2, "height": 3, "channels": 1}, {"width": 2, "height": 2, "channels": 2}]
)
def test_pixels_that_do_not_fit_are_refused(content):
    with pytest.raises(ValueError, match="expected"):
        png.encode(bytes(4), **content)


def test_the_address_holds_the_file():
    head, _, rest = png.address(b"abc").partition(",")
    assert (head, b64decode(rest)) == ("data:image/png;base64", b"abc")


def test_the_boundary_has_the_lowest_y_at_the_bottom():
    content = pictures()["boundary"] | {"regions": ["00", "11"], "certainty": ["90", "00"]}
    image = Image.open(io.BytesIO(drawings.boundary_png(content)))
    sure, unsure = drawings.STRONGEST, drawings.WEAKEST
    assert image.getpixel((0, 1)) == (*drawings.COLOURS[0], sure)
    assert image.getpixel((1, 1)) == (*drawings.COLOURS[0], unsure)
    assert image.getpixel((0, 0)) == (*drawings.COLOURS[1], unsure)
