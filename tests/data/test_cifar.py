"""CIFAR-10's binary version: one batch or a directory of them."""

import hashlib

import numpy as np
import pytest
from flat_loading import load_file, load_files
from format_files import CIFAR_CLASSES, write_cifar, write_cifar_names

from dlspec.data import files
from dlspec.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 32, 32, 3)).astype(np.uint8)
Y = np.arange(20) * 3 % 10


@pytest.fixture
def directory(tmp_path):
    """Three training batches, of which the tenth comes last, a test batch and the names."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for number, rows in ((1, slice(0, 5)), (2, slice(5, 6)), (10, slice(6, 15))):
        write_cifar(folder / f"data_batch_{number}.bin", X[rows], Y[rows])
    write_cifar(folder / "test_batch.bin", X[15:], Y[15:])
    write_cifar_names(folder)
    return folder


def message_of(path, **settings):
    with pytest.raises(DataError) as caught:
        files.read(path, **settings)
    (line,) = caught.value.problems
    return line


def test_one_batch_by_hand(tmp_path):
    record = bytes([7]) + bytes([10] * 1024) + bytes([20] * 1024) + bytes([30] * 1023 + [31])
    (tmp_path / "a.bin").write_bytes(record)
    table = files.read(tmp_path / "a.bin")
    assert table.image_shape == (32, 32, 3)
    assert table.x.dtype == np.uint8
    assert table.x[0, :6].tolist() == [10, 20, 30, 10, 20, 30]
    assert table.x[0, -3:].tolist() == [10, 20, 31]
    assert table.y.tolist() == [7]
    assert table.classes is None


def test_the_directory_of_training(directory):
    table = files.read(directory)
    assert np.array_equal(table.x, X[:15].reshape(15, -1))
    assert table.y.tolist() == Y[:15].tolist()
    assert table.classes == CIFAR_CLASSES
    assert table.source == str(directory)
    assert [table.place(row) for row in (0, 4, 5, 6, 14)] == [
        f"{directory}/data_batch_{batch}.bin: row {row}" for batch, row in ((1, 0), (1, 4), (2, 0), (10, 0), (10, 8))
    ]


def test_the_directory_of_dev_and_test(directory):
    table = files.read(directory, training=False)
    assert np.array_equal(table.x, X[15:].reshape(5, -1))
    (directory / "test_batch.bin").unlink()
    assert message_of(directory, training=False) == f"{directory}: no test_batch.bin in this directory"
    write_cifar(directory / "test_batch.bin", X, Y)
    for batch in directory.glob("data_*"):
        batch.unlink()
    assert message_of(directory) == f"{directory}: no data_batch_*.bin in this directory"


def test_a_batch_of_the_directory(directory):
    table = files.read(directory / "test_batch.bin")
    assert table.y.tolist() == Y[15:].tolist()
    assert table.classes == CIFAR_CLASSES


def test_the_same_rows_from_npz_are_the_same_dataset(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    one = load_file(write_cifar(tmp_path / "a.bin", X, Y), seed=1)
    other = load_file(tmp_path / "a.npz", seed=1)
    for name, examples in one.splits.items():
        assert np.array_equal(examples.X, other.splits[name].X)
        assert np.array_equal(examples.Y, other.splits[name].Y)
    assert (one.classes, one.image_shape) == (other.classes, other.image_shape)


def test_train_and_test_of_one_directory(directory):
    dataset = load_files(directory, test=directory, seed=0, normalize="scale", ratios=(0.8, 0.2))
    assert {name: len(examples.Y) for name, examples in dataset.splits.items()} == {"train": 12, "dev": 3, "test": 5}
    assert np.array_equal(dataset.splits["test"].X, X[15:].reshape(5, -1) / np.float32(255))
    assert dataset.splits["test"].Y.tolist() == Y[15:].tolist()
    assert dataset.classes == CIFAR_CLASSES


def test_the_fingerprint_covers_names_and_bytes(directory):
    names = [*(f"data_batch_{k}.bin" for k in (1, 2, 10)), "test_batch.bin", "batches.meta.txt"]
    content = b"".join(name.encode() + b"\0" + (directory / name).read_bytes() for name in names)
    assert files.fingerprint([directory]) == hashlib.sha256(content).hexdigest()
    one, meta = directory / "data_batch_1.bin", directory / "batches.meta.txt"
    assert files.fingerprint([one]) == hashlib.sha256(one.read_bytes() + meta.read_bytes()).hexdigest()
    meta.unlink()
    assert files.fingerprint([one]) == hashlib.sha256(one.read_bytes()).hexdigest()


def test_wrong_files(tmp_path):
    path = write_cifar(tmp_path / "a.bin", X, Y)
    content = path.read_bytes()
    expected = "expected 3073 for each example of CIFAR-10 in its binary version"
    for wrong in (b"", content[:-1], content + b"!"):
        path.write_bytes(wrong)
        assert message_of(path) == f"{path}: holds {len(wrong)} bytes; {expected}"
    path.write_bytes(content[: 3 * 3073] + b"\x0a" + content[3 * 3073 + 1 :])
    assert message_of(path) == f"{path}: row 3: found label 10; expected 0 to 9; is this CIFAR-10?"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cat\ndog\n", "2 lines; expected ten names of classes, one a line"),
        (b"\xff\n" * 10, "not UTF-8 text; expected ten names of classes, one a line"),
        (b"name\n" * 10**6, "820 lines; expected ten names of classes, one a line"),
    ],
)
def test_wrong_names(directory, content, message):
    (directory / "batches.meta.txt").write_bytes(content)
    assert message_of(directory) == f"{directory}/batches.meta.txt: {message}"


@pytest.mark.parametrize("setting", ["target", "x", "y", "sample_weight"])
def test_settings_of_other_formats(directory, setting):
    message = f"{directory}: {setting} is given, which CIFAR-10 does not have; it is for "
    assert message_of(directory, **{setting: "name"}).startswith(message)
