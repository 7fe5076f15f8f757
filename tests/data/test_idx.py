"""IDX: MNIST's images and labels, plain and packed, and everything that can be wrong with two files."""

import gzip
import hashlib
import tracemalloc

import numpy as np
import pytest
from flat_loading import load_file, load_files
from format_files import IDX_TYPES, idx_bytes, write_idx

from dlspec.data import files, idx
from dlspec.errors import DataError

X = np.arange(5 * 3 * 4).reshape(5, 3, 4) * 4 % 256
Y = np.array([0, 1, 9, 1, 9])


def message_of(path, **settings):
    with pytest.raises(DataError) as caught:
        files.read(path, **settings)
    (line,) = caught.value.problems
    return line


@pytest.mark.parametrize("packed", [False, True])
def test_images_and_labels(tmp_path, packed):
    path = write_idx(tmp_path, X, Y, packed=packed)
    table = files.read(path)
    assert table.x.dtype == np.uint8
    assert np.array_equal(table.x, X.reshape(5, 12))
    assert table.image_shape == (3, 4)
    assert table.y.tolist() == Y.tolist()
    assert table.source == str(path)
    assert table.target_names == ("labels",)
    assert table.place(2) == f"{path}: row 2"


@pytest.mark.parametrize("dtype", IDX_TYPES)
@pytest.mark.parametrize("shape", [(5, 12), (5, 3, 4), (5, 2, 2, 3)])
def test_every_type_and_shape(tmp_path, dtype, shape):
    values = (X - 100 if dtype != "u1" else X).clip(-128, 127).reshape(shape) / (4 if "f" in dtype else 1)
    path = tmp_path / f"images-idx{len(shape)}-any"
    path.write_bytes(idx_bytes(values, dtype))
    (tmp_path / "labels-idx1-any").write_bytes(idx_bytes(Y))
    table = files.read(path)
    assert np.array_equal(table.x, values.reshape(5, 12))
    assert table.x.dtype == np.dtype(dtype).newbyteorder("=")
    assert table.image_shape == (shape[1:] if len(shape) > 2 else None)


@pytest.mark.parametrize(
    "images", ["train-images.idx3-ubyte", "emnist-Images-images-idx3-ubyte.gz", "T10K-images-IDX3-ubyte"]
)
def test_names(images):
    assert idx.NAME.fullmatch(images.lower())


def test_one_packed_and_the_other_not(tmp_path):
    path = write_idx(tmp_path, X, Y, packed=True)
    labels = tmp_path / "train-labels-idx1-ubyte"
    labels.write_bytes(gzip.decompress(labels.with_suffix(".gz").read_bytes()))
    labels.with_suffix(".gz").unlink()
    assert files.read(path).y.tolist() == Y.tolist()
    unpacked = path.with_suffix("")
    unpacked.write_bytes(path.read_bytes())  # as browsers leave it: packed under the name of the unpacked file
    assert np.array_equal(files.read(unpacked).x, X.reshape(5, 12))


def test_labels_by_name(tmp_path):
    (tmp_path / "a-idx3-ubyte").write_bytes(idx_bytes(X))
    (tmp_path / "b-idx1-ubyte").write_bytes(idx_bytes(Y))
    assert files.read(tmp_path / "a-idx3-ubyte", y="b-idx1-ubyte").y.tolist() == Y.tolist()


def test_one_example(tmp_path):
    table = files.read(write_idx(tmp_path, X[:1], Y[:1]))
    assert (table.x.shape, table.y.shape) == ((1, 12), (1,))


def test_the_same_rows_from_npz_are_the_same_dataset(tmp_path):
    x, y = np.tile(X, (6, 1, 1)), np.tile(Y, 6)
    np.savez(tmp_path / "a.npz", x=x.astype(np.uint8), y=y.astype(np.uint8))
    one = load_file(write_idx(tmp_path, x, y, packed=True), seed=1)
    other = load_file(tmp_path / "a.npz", seed=1)
    for name, examples in one.splits.items():
        assert np.array_equal(examples.X, other.splits[name].X)
        assert np.array_equal(examples.Y, other.splits[name].Y)
    assert (one.classes, one.image_shape) == (other.classes, other.image_shape) == (("0", "1", "9"), (3, 4))


def test_train_and_test(tmp_path):
    train, test = write_idx(tmp_path, X, Y), write_idx(tmp_path, X[::-1], Y[::-1], part="t10k")
    dataset = load_files(train, test=test, seed=0, normalize="scale")
    assert dataset.splits["test"].Y.tolist() == [2, 1, 2, 1, 0]
    parts = (train, tmp_path / "train-labels-idx1-ubyte", test, tmp_path / "t10k-labels-idx1-ubyte")
    assert dataset.fingerprint == hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def test_the_fingerprint_covers_the_labels(tmp_path):
    path = write_idx(tmp_path, X, Y)
    before = files.fingerprint([path])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(Y[::-1]))
    assert files.fingerprint([path]) != before


HEADER = idx_bytes(X)[:16]
WRONG = {
    "text": (b"a,b\n1,2\n", ": not an IDX file; expected one such as train-images-idx3-ubyte"),
    "empty": (b"", ": not an IDX file; expected one such as train-images-idx3-ubyte"),
    "unknown type": (b"\0\0\x0a\3", ": not an IDX file; expected one such as train-images-idx3-ubyte"),
    "no dimensions": (b"\0\0\x08\0", ": not an IDX file; expected one such as train-images-idx3-ubyte"),
    "header": (HEADER[:13], ": ends within its header; the file is cut off"),
    "short": (idx_bytes(X)[:-1], ": holds 59 bytes behind its header; expected 60 for shape (5, 3, 4)"),
    "long": (idx_bytes(X) + b"!", ": holds 61 bytes behind its header; expected 60 for shape (5, 3, 4)"),
    "labels": (idx_bytes(Y), ": holds one number per example, as labels do; expected the file of the images"),
    "none": (idx_bytes(X[:0]), ": images has shape (0, 3, 4); expected at least one example and one feature"),
    "fewer": (idx_bytes(X[:4]), ": images has 4 examples and labels has 5 examples; expected the same number"),
    "64 dimensions": (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"!", ": cannot be read as IDX: "),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_wrong_images(tmp_path, content, message):
    path = write_idx(tmp_path, X, Y)
    path.write_bytes(content)
    assert message_of(path).startswith(f"{path}{message}")


PACKED = gzip.compress(idx_bytes(X), mtime=0)
WRONG_PACKED = {
    "cut off": (PACKED[:-9], "cannot be read as IDX: Compressed file ended before the end-of-stream marker"),
    "checksum": (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "cannot be read as IDX: CRC check failed"),
    "rubbish behind": (PACKED + b"rubbish", "cannot be read as IDX: Not a gzipped file"),
    "short": (gzip.compress(idx_bytes(X)[:-2]), "ends 2 bytes early; the file is cut off"),
    "long": (gzip.compress(idx_bytes(X) + b"!"), "holds more than its header declares"),
    "two members": (PACKED + gzip.compress(b"!"), "holds more than its header declares"),
}


@pytest.mark.parametrize(("content", "message"), WRONG_PACKED.values(), ids=WRONG_PACKED)
def test_wrong_packed_images(tmp_path, content, message):
    path = write_idx(tmp_path, X, Y, packed=True)
    path.write_bytes(content)
    assert message_of(path).startswith(f"{path}: {message}")


def test_a_packed_file_that_declares_far_more_than_it_can_hold(tmp_path):
    path = write_idx(tmp_path, X, Y, packed=True)
    content = gzip.compress(b"\0\0\x08\3" + np.array([2**20, 100, 100], ">u4").tobytes() + b"\0" * 10**6)
    path.write_bytes(content)
    tracemalloc.start()
    message = message_of(path)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
    assert message.startswith(f"{path}: the array declares {2**20 * 10**4} bytes, in a file of {len(content)}; ")


def test_a_packed_file_that_holds_far_more_than_it_declares_is_not_unpacked(tmp_path):
    path = write_idx(tmp_path, X, Y, packed=True)
    path.write_bytes(gzip.compress(idx_bytes(X) + b"\0" * 3 * 10**7, compresslevel=1))
    tracemalloc.start()
    message = message_of(path)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
    assert message == f"{path}: holds more than its header declares"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (idx_bytes(Y)[:-1], "{labels}: holds 4 bytes behind its header; expected 5 for shape (5,)"),
        (b"", "{labels}: not an IDX file; expected one such as train-images-idx3-ubyte"),
        (idx_bytes(Y[:3]), "{path}: images has 5 examples and labels has 3 examples; expected the same number"),
    ],
)
def test_wrong_labels(tmp_path, labels, message):
    path = write_idx(tmp_path, X, Y)
    file = tmp_path / "train-labels-idx1-ubyte"
    file.write_bytes(labels)
    assert message_of(path) == message.format(path=path, labels=file)


def test_no_labels(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(PACKED)
    there_is_none = "there is no file train-labels-idx1-ubyte.gz beside it; name the file of the targets with y"
    assert message_of(path) == f"{path}: {there_is_none}"
    (tmp_path / "labels.gz").write_bytes(PACKED)
    assert message_of(path, y="lables.gz") == (
        f"{path}: there is no file lables.gz beside it; did you mean 'labels.gz'?"
    )
    path = path.rename(tmp_path / "pictures-idx3-ubyte.gz")
    assert message_of(path) == (
        f"{path}: its name does not tell where the targets are; name their file with y, relative to this one"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "label"}, "target is given, which IDX does not have; it is for CSV, TSV, Parquet"),
        ({"x": "images"}, "x is given, which IDX does not have; it is for HDF5, NPZ"),
        (
            {"sample_weight": "w"},
            "sample_weight is given, which IDX does not have; it is for CSV, TSV, Parquet, HDF5, NPZ, NPY",
        ),
    ],
)
def test_settings_of_other_formats(tmp_path, settings, message):
    path = write_idx(tmp_path, X, Y)
    assert message_of(path, **settings) == f"{path}: {message}"


def test_weights_are_for_training_only(tmp_path):
    assert files.read(write_idx(tmp_path, X, Y), sample_weight="w", training=False).weights is None
