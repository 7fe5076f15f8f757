"""A folder of images: a directory for every class."""

import hashlib
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from flat_loading import load_file, load_files
from format_files import write_images
from PIL import Image

from dlspec.data import files
from dlspec.data.image_folder import MAX_PIXELS, ImageForm
from dlspec.errors import DataError

X = np.random.default_rng(0).integers(0, 256, (12, 5, 4, 3)).astype(np.uint8)
Y = ["cat", "dog", "emu"] * 4
ORDER = [*range(0, 12, 3), *range(1, 12, 3), *range(2, 12, 3)]  # by class, then by name
GREY = ImageForm(mode="grey")


def message_of(path, **settings):
    with pytest.raises(DataError) as caught:
        files.read(path, **settings)
    (line,) = caught.value.problems
    return line


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "pets", X, Y)


def test_images_and_classes(folder):
    (folder / ".DS_Store").write_text("rubbish")
    (folder / "cat" / ".hidden").write_text("rubbish")
    table = files.read(folder)
    assert table.image_shape == (5, 4, 3)
    assert table.x.dtype == np.uint8
    assert np.array_equal(table.x, X[ORDER].reshape(12, -1))
    assert table.y.tolist() == [Y[row] for row in ORDER]
    assert table.classes is None
    assert table.place(4) == f"{folder}/dog/001.png"


def test_the_same_rows_from_npz_are_the_same_dataset(folder, tmp_path):
    np.savez(tmp_path / "a.npz", x=X[ORDER], y=np.array(Y)[ORDER])
    one, other = load_file(folder, seed=1), load_file(tmp_path / "a.npz", seed=1)
    for name, examples in one.splits.items():
        assert np.array_equal(examples.X, other.splits[name].X)
        assert np.array_equal(examples.Y, other.splits[name].Y)
    assert (one.classes, one.image_shape) == (other.classes, other.image_shape) == (("cat", "dog", "emu"), (5, 4, 3))


def test_a_test_set_with_fewer_classes_keeps_the_numbers_of_training(folder, tmp_path):
    test = write_images(tmp_path / "test", X[2:3], ["emu"])
    dataset = load_files(folder, test=test, seed=0)
    assert dataset.splits["test"].Y.tolist() == [2]
    write_images(test, X[:1], ["yak"])
    with pytest.raises(DataError, match=r"yak/000\.png: label 'yak' is not among the classes cat, dog, emu"):
        load_files(folder, test=test, seed=0)


def test_grey(tmp_path):
    path = write_images(tmp_path, X[:, :, :, 0], Y)
    table = files.read(path, image=GREY)
    assert table.image_shape == (5, 4)
    assert np.array_equal(table.x, X[ORDER, :, :, 0].reshape(12, -1))
    assert np.array_equal(files.read(path).x.reshape(12, 20, 3), np.repeat(table.x[:, :, None], 3, axis=2))


def test_grey_of_colours_is_brightness(tmp_path):
    colours = np.array([[[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30]]]], np.uint8)
    table = files.read(write_images(tmp_path, colours, ["a"]), image=GREY)
    assert table.x.tolist() == [[76, 150, 29, 18]]  # 0.299 R + 0.587 G + 0.114 B


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("1", (2, 1), 1), [255, 255, 255] * 2),
        (Image.new("L", (2, 1), 7), [7, 7, 7] * 2),
        (Image.new("LA", (2, 1), (7, 0)), [7, 7, 7] * 2),
        (Image.new("RGBA", (2, 1), (1, 2, 3, 0)), [1, 2, 3] * 2),
        (Image.new("RGB", (2, 1), (1, 2, 3)).quantize(4), [1, 2, 3] * 2),
    ],
    ids=lambda value: getattr(value, "mode", ""),
)
def test_kinds_of_pixels(tmp_path, image, expected):
    (tmp_path / "a").mkdir()
    image.save(tmp_path / "a" / "b.png")
    assert files.read(tmp_path).x.tolist() == [expected]


@pytest.mark.parametrize("kind", ["I;16", "I", "F"])
def test_more_than_eight_bits_are_refused(tmp_path, kind):
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "b.png"
    Image.new(kind, (2, 2)).convert("I;16").save(path)
    assert message_of(tmp_path) == f"{path}: pixels of kind I;16; expected 8 bits for each colour"


@pytest.mark.parametrize("suffix", ["png", "bmp", "jpg", "gif", "JPEG"])
def test_formats_are_told_by_their_content(tmp_path, suffix):
    write_images(tmp_path, np.full((2, 4, 4, 3), 96), ["a", "b"], suffix=suffix)
    for path in tmp_path.glob("*/*"):
        path.rename(path.with_suffix(""))
    assert np.abs(files.read(tmp_path).x.astype(int) - 96).max() <= 1


def test_other_formats_are_no_images(tmp_path):
    write_images(tmp_path, X[:1], ["a"], suffix="tiff")
    assert message_of(tmp_path) == f"{tmp_path}/a/000.tiff: not an image; expected PNG, JPEG, BMP or GIF"


def test_the_first_picture_of_an_animation(tmp_path):
    (tmp_path / "a").mkdir()
    frames = [Image.new("L", (2, 2), value) for value in (9, 90)]
    frames[0].save(tmp_path / "a" / "b.gif", save_all=True, append_images=frames[1:])
    assert files.read(tmp_path, image=GREY).x.tolist() == [[9] * 4]


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_the_orientation_of_exif(tmp_path, orientation, turns):
    (tmp_path / "a").mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(X[0]).save(tmp_path / "a" / "b.png", exif=exif)
    table = files.read(tmp_path)
    upright = np.rot90(X[0], turns)
    assert table.image_shape == upright.shape
    assert np.array_equal(table.x[0], upright.ravel())


def test_size(tmp_path):
    write_images(tmp_path, np.full((1, 9, 6), 50), ["a"])
    write_images(tmp_path, np.full((1, 20, 30), 100), ["b"])
    first, second = tmp_path / "a" / "000.png", tmp_path / "b" / "000.png"
    assert message_of(tmp_path) == (
        f"{second}: 20 x 30 pixels, but {first} has 9 x 6; bring them to one size with image.size, such as [9, 6]"
    )
    table = files.read(tmp_path, image=ImageForm(size=(2, 3), mode="grey"))
    assert table.image_shape == (2, 3)
    assert table.x.tolist() == [[50] * 6, [100] * 6]


def test_resizing_averages(tmp_path):
    stripes = np.zeros((1, 8, 8), np.uint8)
    stripes[:, :, ::2] = 200
    (values,) = files.read(write_images(tmp_path, stripes, ["a"]), image=ImageForm(size=(2, 2), mode="grey")).x
    assert np.abs(values.astype(int) - 100).max() <= 15  # every second pixel alone would be 0 or 200


def test_the_fingerprint_covers_names_and_bytes(folder):
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*"))
    content = b"".join(name.encode() + b"\0" + (folder / name).read_bytes() for name in names)
    fingerprint = files.fingerprint([folder])
    assert fingerprint == hashlib.sha256(content).hexdigest() == load_file(folder, seed=0).fingerprint
    (folder / "dog" / "010.png").rename(folder / "emu" / "010.png")
    assert files.fingerprint([folder]) != fingerprint


def png_that_declares(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (9_400, 10_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_an_image_of_too_many_pixels_is_not_decoded(folder, width, height):
    path = folder / "dog" / "bomb.png"
    path.write_bytes(png_that_declares(width, height))
    tracemalloc.start()
    message = message_of(folder)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
    assert message == f"{path}: declares more than {MAX_PIXELS:,} pixels; make it smaller"


def test_what_stands_between_the_images(tmp_path, folder):
    expected = "outside the classes; expected only directories here, one for every class"
    (folder / "labels.csv").write_text("a,b\n")
    assert message_of(folder) == f"{folder}/labels.csv: {expected}"
    (folder / "labels.csv").unlink()
    (folder / "dog" / "zzz.txt").write_text("a,b\n")
    assert message_of(folder) == f"{folder}/dog/zzz.txt: not an image; expected PNG, JPEG, BMP or GIF"
    (folder / "dog" / "zzz.txt").write_bytes(b"")
    assert message_of(folder) == f"{folder}/dog/zzz.txt: not an image; expected PNG, JPEG, BMP or GIF"
    (folder / "dog" / "zzz.txt").unlink()
    (folder / "dog" / "puppies").mkdir()
    assert message_of(folder) == f"{folder}/dog/puppies: not a file; expected the images of class dog only"
    (folder / "dog" / "puppies").rmdir()
    (folder / "yak").mkdir()
    assert message_of(folder) == f"{folder}/yak: no images; add some, or remove the directory"
    (tmp_path / "empty").mkdir()
    message = "an empty directory; expected a directory of images for every class"
    assert message_of(tmp_path / "empty") == f"{tmp_path}/empty: {message}"


def test_a_damaged_image_is_named(folder):
    path = folder / "emu" / "002.png"
    path.write_bytes(path.read_bytes()[:60])
    assert message_of(folder).startswith(f"{path}: cannot be read as an image: ")


def test_a_name_that_is_no_text(folder):
    (folder / b"dog".decode() / b"\xff.png".decode(errors="surrogateescape")).write_bytes(b"")
    assert message_of(folder) == f"{folder}/dog: holds a name that is not UTF-8, \\udcff.png; rename it"


def test_one_class_is_nothing_to_learn(tmp_path):
    with pytest.raises(DataError, match="every label is 'cat'; expected at least two classes"):
        load_file(write_images(tmp_path, X, ["cat"] * 12), seed=0)


def test_settings_of_other_formats(folder, tmp_path):
    assert message_of(folder, y="label") == (
        f"{folder}: y is given, which a folder of images does not have; it is for HDF5, NPZ, NPY, IDX"
    )
    path = tmp_path / "a.npz"
    path.write_bytes(b"")
    message = "image is given, which NPZ does not have; it is for a folder of images"
    assert message_of(path, image=GREY) == f"{path}: {message}"


def test_without_pillow(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    message = "reading images needs Pillow, which is not installed: pip install 'dlspec[images]'"
    assert message_of(folder) == f"{folder}/cat/000.png: {message}"
