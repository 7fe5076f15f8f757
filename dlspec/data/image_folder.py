"""A folder of images: a directory for every class, named as the class, with its images."""

import itertools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dlspec.data.stream import Stream, rows_of_block
from dlspec.data.table import Table, damage_as_data_error, from_arrays, listed
from dlspec.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF")
"""What is decoded, told by the content of a file: few, so that little code sees foreign bytes."""

MAX_PIXELS = 64_000_000
"""Of one image, as its header declares; a few bytes can declare any number, and decoding takes 8 bytes for each."""

_EIGHT_BITS = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}
_ORIENTATION = 0x0112  # of Exif


@dataclass(frozen=True)
class ImageForm:
    """What every image of a folder is brought to.

    Attributes:
        size: (h, w) that images are resized to, without regard to their proportions; None: all have one size.
        mode: rgb for images (h, w, 3), grey for (h, w).
    """

    size: tuple[int, int] | None = None
    mode: Literal["rgb", "grey"] = "rgb"


def read(path: Path, *, image: ImageForm | None = None) -> Table:
    """Read the images `<class>/<file>` of a directory, ordered by the names of class and file.

    Images are turned as Exif says; transparency is dropped; of an animation the first picture counts. Hidden files
    are left out.

    Args:
        path: the directory.
        image: what the images are brought to; None for RGB of one size.

    Returns:
        A table of bytes whose targets are the names of the classes.

    Raises:
        DataError: no Pillow, no classes, a class without images, something else between them, an image that cannot be
            decoded or is too large, or images of different sizes.
    """
    images = files(path)
    return _table(path, images, _decoded(images, image or ImageForm()), len(images))


def stream(path: Path, *, image: ImageForm | None = None) -> Stream:
    """The same rows, a block at a time.

    Raises:
        DataError: as `read`; what is wrong with an image, when its block is taken.
    """
    images = files(path)

    def tables() -> Iterator[Table]:
        start, pixels = 0, _decoded(images, image or ImageForm())
        while start < len(images):
            first = next(pixels)
            count = min(rows_of_block(first.size), len(images) - start)
            yield _table(path, images[start : start + count], itertools.chain([first], pixels), count)
            start += count

    return Stream(len(images), tables())


def _table(path: Path, images: Sequence[Path], pixels_of: Iterator[NDArray[np.uint8]], count: int) -> Table:
    """The table of as many images, of which these are the files."""
    first = next(pixels_of)
    x = np.empty((count, *first.shape), np.uint8)
    for row, pixels in enumerate(itertools.chain([first], itertools.islice(pixels_of, count - 1))):
        x[row] = pixels
    y = np.array([file.parent.name for file in images])
    return from_arrays(str(path), x=x, y=y, x_name="images", y_name="class", place=lambda row: str(images[row]))


def _decoded(images: Sequence[Path], form: ImageForm) -> Iterator[NDArray[np.uint8]]:
    """The pixels of one image after the other, all of one size."""
    size = None
    for path in images:
        pixels = decoded(path, form)
        size = size or pixels.shape
        if pixels.shape != size:
            raise DataError(
                f"{path}: {pixels.shape[0]} x {pixels.shape[1]} pixels, but {images[0]} has {size[0]} x {size[1]}; "
                f"bring them to one size with image.size, such as [{size[0]}, {size[1]}]"
            )
        yield pixels


def files(path: Path) -> Sequence[Path]:
    """The images of all classes in order.

    Raises:
        DataError: no classes, a class without images, or something else between them.
    """
    images: list[Path] = []
    for folder in entries(path):
        if not folder.is_dir():
            raise DataError(f"{folder}: outside the classes; expected only directories here, one for every class")
        before = len(images)
        for file in entries(folder):
            if not file.is_file():
                raise DataError(f"{file}: not a file; expected the images of class {listed([folder.name])} only")
            images.append(file)
        if len(images) == before:
            raise DataError(f"{folder}: no images; add some, or remove the directory")
    if not images:
        raise DataError(f"{path}: an empty directory; expected a directory of images for every class")
    return images


def entries(path: Path) -> list[Path]:
    """What is in a directory, but for hidden files, ordered by name.

    Raises:
        DataError: it cannot be read, or holds a name that is no text.
    """
    try:
        names = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"{path}: holds a name that is not UTF-8, {listed([name])}; rename it") from None
    return [path / name for name in names]


def decoded(path: Path, form: ImageForm) -> NDArray[np.uint8]:
    """One image: (h, w, 3), or (h, w) for grey.

    Raises:
        DataError: as `read`.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise DataError(
            f"{path}: reading images needs Pillow, which is not installed: pip install 'dlspec[images]'"
        ) from None

    with damage_as_data_error(path, "an image"), warnings.catch_warnings(action="ignore"), path.open("rb") as file:
        try:
            image: Image.Image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            raise DataError(f"{path}: not an image; expected PNG, JPEG, BMP or GIF") from None
        except Image.DecompressionBombError:
            raise DataError(_too_large(path)) from None
        _check_header(path, image)
        turned = _turned(image).convert("RGB" if form.mode == "rgb" else "L")
        if form.size is not None:
            turned = turned.resize(form.size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(turned)


def _check_header(path: Path, image: "Image") -> None:
    if image.width * image.height > MAX_PIXELS:
        raise DataError(_too_large(path))
    if image.mode not in _EIGHT_BITS:
        raise DataError(f"{path}: pixels of kind {image.mode}; expected 8 bits for each colour")


def _too_large(path: Path) -> str:
    return f"{path}: declares more than {MAX_PIXELS:,} pixels; make it smaller"


def _turned(image: "Image") -> "Image":
    """The image with its top at the top."""
    from PIL import ImageOps

    return image if image.getexif().get(_ORIENTATION, 1) == 1 else ImageOps.exif_transpose(image)
