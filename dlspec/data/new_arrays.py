"""New rows out of arrays and images."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlspec.data import image_folder, stored_arrays
from dlspec.data.image_folder import ImageForm
from dlspec.data.new_rows import Block, Form, NewRows, places_of, table_of
from dlspec.data.stream import rows_of_block
from dlspec.data.table import Table, plain, texts
from dlspec.errors import DataError


def of_stored(path: Path, form: Form) -> NewRows:
    """Rows of HDF5 or NPZ.

    Raises:
        DataError: no array that fits, or features of other names.
    """
    order: list[int] | None = None
    notes: tuple[str, ...] = ()
    with stored_arrays.opened(path, x=form.x, y="y") as file:
        name = _name_of_inputs(file, form)
        inputs = replace(file, x=name).inputs()
        names = _stored_names(file, inputs)
        if names is not None and form.columns is None and not _numbered(form.feature_names):
            order, notes = places_of(str(path), names, form, None)
        found = math.prod(inputs.shape[1:]) if order is None else len(order)
        _check_width(str(path), inputs.shape[1:], form, found=found)

    def blocks() -> Iterator[Block]:
        with stored_arrays.opened(path, x=form.x, y="y") as file:
            for rows, values in file.array(name).slabs():
                x = values.reshape(len(values), -1)
                place = partial(_numbered_row, str(path), rows.start)
                table = table_of(str(path), x if order is None else x[:, order], form.feature_names, place)
                yield Block(_finite(table), range(rows.start, rows.stop))

    return NewRows("row", notes, blocks())


def _name_of_inputs(file: stored_arrays.ArrayFile, form: Form) -> str:
    """The array of that name, else the only one that is as wide as the model takes."""
    if file.x in file.names:
        return file.x
    shapes = {name: file.array(name).shape for name in file.names}
    wide = [n for n, s in shapes.items() if len(s) > 1 and math.prod(s[1:]) == len(form.feature_names)]
    return wide[0] if len(wide) == 1 else file.x


def _stored_names(file: stored_arrays.ArrayFile, inputs: stored_arrays.StoredArray) -> tuple[str, ...] | None:
    names = inputs.attributes.get("feature_names")
    if names is None and "feature_names" in file.names:
        names = file.array("feature_names").read(slice(None))
    found = None if names is None else texts(names)
    return found if found is not None and len(found) == math.prod(inputs.shape[1:]) else None


def _numbered(names: Sequence[str]) -> bool:
    """Whether names are those of features that have none."""
    return all(name == f"x{j + 1}" for j, name in enumerate(names))


def of_array(path: Path, x: NDArray[Any], form: Form) -> NewRows:
    """Rows of an array `(m, n)`, or of images.

    Raises:
        DataError: another shape, or no numbers.
    """
    if x.ndim < 2 or x.dtype.kind not in "biuf":
        raise DataError(f"{path}: holds {x.dtype} of shape {x.shape}; expected numbers, (rows, features) or images")
    _check_width(str(path), x.shape[1:], form, found=math.prod(x.shape[1:]))

    def blocks() -> Iterator[Block]:
        size = rows_of_block(len(form.feature_names))
        for start in range(0, len(x), size):
            rows = x[start : start + size].reshape(-1, len(form.feature_names))
            table = table_of(str(path), rows, form.feature_names, partial(_numbered_row, str(path), start))
            yield Block(_finite(table), range(start, start + len(rows)))

    return NewRows("row", (), blocks())


def _numbered_row(source: str, start: int, row: int) -> str:
    return f"{source}: row {start + row}"


def _check_width(source: str, shape: tuple[int, ...], form: Form, *, found: int) -> None:
    if form.columns is not None:
        raise DataError(f"{source}: arrays, but the model takes columns by name; expected a CSV, TSV or Parquet file")
    if found != len(form.feature_names):
        raise DataError(f"{source}: rows of shape {shape}; expected {len(form.feature_names)} features, as in training")


def _finite(table: Table) -> Table:
    if table.x.dtype.kind == "f" and not (finite := np.isfinite(table.x)).all():
        row, column = np.argwhere(~finite)[0]
        found = f"{table.place(int(row))}, feature {plain(table.feature_names[column])}: found {table.x[row, column]}"
        raise DataError(f"{found}; expected a finite number")
    return table


def images_in(folder: Path) -> Sequence[Path]:
    """Images right in a folder, else those of its classes.

    Raises:
        DataError: neither.
    """
    entries = image_folder.entries(folder)
    if entries and all(entry.is_file() for entry in entries):
        return entries
    return image_folder.files(folder)


def _image_of(images: Sequence[Path], row: int) -> str:
    return str(images[row])


def of_images(source: Path, images: Sequence[Path], form: Form, key: str | None) -> NewRows:
    """A row for each image, brought to the size and the colours of training.

    Args:
        source: for messages.
        images: the files.
        form: what the model takes.
        key: must be None.

    Raises:
        DataError: the model takes no images; one that cannot be decoded, when its block is taken.
    """
    if key is not None:
        raise DataError(f"{source}: images have no columns; expected no column to tell the rows apart")
    if form.image_shape is None or form.image_shape[2:] not in ((), (1,), (3,)):
        raise DataError(f"{source}: images, but the model was trained on none, or on other channels than RGB or grey")
    height, width = form.image_shape[:2]
    wanted = ImageForm(size=(height, width), mode="rgb" if form.image_shape[2:] == (3,) else "grey")

    def blocks() -> Iterator[Block]:
        size = rows_of_block(len(form.feature_names))
        for start in range(0, len(images), size):
            some = images[start : start + size]
            x = np.stack([image_folder.decoded(image, wanted).reshape(-1) for image in some])
            table = table_of(str(source), x, form.feature_names, partial(_image_of, some))
            yield Block(table, [str(image) for image in some])

    return NewRows("file", (), blocks())
