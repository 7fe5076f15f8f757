"""A stream is the table of `read` in blocks, whatever the format, and so are its errors."""

import h5py
import numpy as np
import pytest
from format_files import write_cifar, write_idx, write_images, write_parquet

from dlspec.data import delimited_cells, files, hdf5, idx, image_folder, parquet, stream
from dlspec.data.image_folder import ImageForm
from dlspec.errors import DataError

M = 30
X = np.arange(M * 12).reshape(M, 12) * 7 % 250 / 4
IMAGES = (np.arange(M * 12).reshape(M, 2, 2, 3) * 7 % 250).astype(np.uint8)
WEIGHTS = np.arange(1, M + 1) / 8
CODES = np.arange(M) % 3
NAMES = np.array(["cat", "naïve", "yak"])[CODES]
TARGETS = {"whole": CODES, "text": NAMES, "several": np.column_stack([CODES, X[:, 0]])}


def columns(y):
    """The columns of a table by name, the targets last."""
    return (
        {f"c{j}": X[:, j] for j in range(12)} | {"w": WEIGHTS} | {f"t{j}": t for j, t in enumerate(np.atleast_2d(y.T))}
    )


def csv(folder, y):
    rows = zip(*(values.tolist() for values in columns(y).values()), strict=True)
    path = folder / "a.csv"
    path.write_text("\n".join([",".join(columns(y)), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path, {"sample_weight": "w", "target": list(columns(y))[13:]}


def csv_for_the_exact_pass(folder, y):
    """Blank lines, and from row 10 on a space that NumPy's parser does not take for nothing."""
    path, settings = csv(folder, y)
    lines = path.read_text().splitlines()
    lines[4:4] = ["", ""]
    lines[12:12] = ["   "]
    path.write_text("\n".join(lines))
    return path, settings


def csv_of_quotes(folder, y):
    path, settings = csv(folder, y)
    path.write_text(path.read_text().replace("naïve", '"na\nïve, ""x"""').replace("c3", '"c\n3"'))
    return path, settings


def parquet_file(folder, y):
    path = folder / "a.parquet"
    write_parquet(path, {name: values.tolist() for name, values in columns(y).items()}, row_group_size=11)
    return path, {"sample_weight": "w", "target": list(columns(y))[13:]}


def hdf5_file(folder, y, **layout):
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X.reshape(M, 3, 4), **layout)
        file["y"], file["w"] = y.tolist() if y.dtype.kind == "U" else y, WEIGHTS
        file["classes"], file["feature_names"] = [b"a", b"b", b"c"], [f"f{j}".encode() for j in range(12)]
    return path, {"sample_weight": "w"}


def hdf5_chunks(folder, y):
    return hdf5_file(folder, y, chunks=(4, 3, 4), compression="gzip")


def npz(folder, y):
    np.savez(folder / "a.npz", x=X, y=y, w=WEIGHTS)
    return folder / "a.npz", {"sample_weight": "w"}


def npy(folder, y):
    for name, values in (("x", X), ("y", y), ("w", WEIGHTS)):
        np.save(folder / f"{name}.npy", values)
    return folder / "x.npy", {"sample_weight": "w.npy"}


EVERY_TARGET = [csv, csv_for_the_exact_pass, csv_of_quotes, parquet_file, hdf5_file, hdf5_chunks, npz, npy]


def idx_packed(folder):
    return write_idx(folder, IMAGES[..., 0], CODES, packed=True), {}


def cifar(folder):
    return write_cifar(folder / "a.bin", np.resize(IMAGES, (M, 32, 32, 3)), CODES), {}


def images(folder):
    return write_images(folder / "images", IMAGES, NAMES.tolist()), {"image": ImageForm(mode="grey")}


def set_rows(monkeypatch, rows):
    for module in (stream, hdf5, idx, image_folder, parquet, delimited_cells):
        monkeypatch.setattr(module, "rows_of_block", lambda _: rows)
    monkeypatch.setattr(delimited_cells, "_BLOCK_CHARACTERS", 40 * rows)


@pytest.fixture(params=[1, 4, 7, 100])
def _any_rows(request, monkeypatch):
    set_rows(monkeypatch, request.param)


@pytest.fixture
def _four_rows(monkeypatch):
    set_rows(monkeypatch, 4)


def assert_same(path, settings):
    table, found = files.read(path, **settings), files.stream(path, **settings)
    assert found.m == len(table.x) == M
    start = 0
    for block in found.blocks:
        stop = start + len(block.x)
        for name in ("x", "y", "weights"):
            ours, theirs = getattr(block, name), getattr(table, name)
            assert (ours is None) == (theirs is None)
            if theirs is not None:
                assert ours.dtype.kind == theirs.dtype.kind
                assert np.array_equal(ours, theirs[start:stop])
        for name in ("source", "feature_names", "target_names", "image_shape", "classes"):
            assert getattr(block, name) == getattr(table, name)
        assert block.place(len(block.x) - 1) == table.place(stop - 1)
        start = stop
    assert start == M


@pytest.mark.usefixtures("_any_rows")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("write", EVERY_TARGET)
def test_blocks_are_the_table(tmp_path, write, target):
    if write is not csv_of_quotes or target == "text":
        assert_same(*write(tmp_path, TARGETS[target]))


@pytest.mark.usefixtures("_any_rows")
@pytest.mark.parametrize("write", [idx_packed, cifar, images])
def test_blocks_of_images_are_the_table(tmp_path, write):
    assert_same(*write(tmp_path))


@pytest.mark.usefixtures("_four_rows")
def test_blocks_are_not_larger_than_they_should_be(tmp_path):
    for write in (csv, csv_for_the_exact_pass, parquet_file, hdf5_file, hdf5_chunks, npz, npy):
        path, settings = write(tmp_path, CODES)
        assert 6 <= len(list(files.stream(path, **settings).blocks)) <= 30


def error_of(read, path, **settings):
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    return str(caught.value)


def consumed(path, **settings):
    return list(files.stream(path, **settings).blocks)


@pytest.mark.usefixtures("_four_rows")
@pytest.mark.parametrize("cell", ["", "abc", "inf", "1,2"])
@pytest.mark.parametrize("column", [3, 13])
@pytest.mark.parametrize("row", [0, 5, 29])
def test_errors_of_csv(tmp_path, cell, column, row):
    path, settings = csv(tmp_path, CODES)
    lines = path.read_text().splitlines()
    cells = lines[1 + row].split(",")
    cells[column] = cell
    lines[1 + row] = ",".join(cells)
    path.write_text("\n".join(lines))
    settings["target"] = "t0"
    if (cell, column) == ("abc", 13):
        return  # then the target is text
    assert error_of(consumed, path, **settings) == error_of(files.read, path, **settings)


@pytest.mark.usefixtures("_four_rows")
@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a,b\n1,\xff\n", b"a\n1\n", b"a,a\n1,2\n", b"\0"])
def test_csv_without_examples(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert error_of(consumed, path) == error_of(files.read, path)


@pytest.mark.usefixtures("_four_rows")
def test_text_in_the_last_row_makes_a_text_target(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,2\n" * 40 + "3,none\n")
    assert {block.y.dtype.kind for block in files.stream(path).blocks} == {"U"}


@pytest.mark.usefixtures("_four_rows")
@pytest.mark.parametrize("name", ["a.npz", "a.h5", "x.npy", "a.parquet"])
@pytest.mark.parametrize("part", ["x", "y", "w"])
def test_a_wrong_value_in_the_midst(tmp_path, name, part):
    arrays = {"x": X.copy(), "y": CODES.astype(float), "w": WEIGHTS.copy()}
    arrays[part].reshape(M, -1)[17, 0] = np.nan
    path, settings = tmp_path / name, {"sample_weight": "w"}
    if name == "a.npz":
        np.savez(path, **arrays)
    elif name == "a.h5":
        with h5py.File(path, "w") as file:
            for array, values in arrays.items():
                file[array] = values
    elif name == "x.npy":
        settings["sample_weight"] = "w.npy"
        for array, values in arrays.items():
            np.save(tmp_path / f"{array}.npy", values)
    else:
        write_parquet(path, {"x1": arrays["x"][:, 0], "w": arrays["w"], "y": arrays["y"]})
    message = error_of(consumed, path, **settings)
    assert message == error_of(files.read, path, **settings)
    assert "row 17" in message


def test_arrays_of_different_lengths(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = X, CODES[:20]
    assert error_of(consumed, path) == f"{path}: x has 30 examples and y has shape (20,)"
    path = write_idx(tmp_path, IMAGES[..., 0], CODES[:20])
    assert error_of(consumed, path) == f"{path}: images has 30 examples and labels has shape (20,)"


def test_the_end_of_a_packed_file_is_looked_at(tmp_path, monkeypatch):
    path, _ = idx_packed(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:-8] + b"\0\0\0\0" + content[-4:])
    monkeypatch.setattr(idx, "rows_of_block", lambda _: 10)
    found = files.stream(path)
    assert len(next(found.blocks).x) == 10
    assert "CRC check failed" in error_of(lambda _: list(found.blocks), path)
