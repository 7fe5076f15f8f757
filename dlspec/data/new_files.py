"""One door to new rows: the name of a file tells its format."""

from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from dlspec.data import files, idx, new_arrays, new_tables, npy
from dlspec.data.new_rows import Form, NewRows
from dlspec.errors import DataError

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")


def open_rows(source: Path | BinaryIO, form: Form, *, key: str | None = None) -> NewRows:
    """The inputs of a file, in blocks: of CSV, TSV, Parquet, HDF5 and NPY with constant memory.

    Args:
        source: a file or directory of any format, one image, a folder of images with or without a directory for each
            class; or an open CSV.
        form: what the model takes; columns are found by name.
        key: column whose cells tell the rows apart; None numbers them from 0, and images have their file.

    Raises:
        DataError: no such file, columns that are missing, or what the reader of the format refuses.
    """
    if not isinstance(source, Path):
        return new_tables.of_stream(source, form, key)
    if source.is_file() and source.suffix.lower() in IMAGES:
        return new_arrays.of_images(source, [source], form, key)
    suffix = source.suffix.lower()
    found = files.format_of(source)
    files.check_readable(source)
    if suffix in (".csv", ".tsv", ".parquet"):
        return new_tables.of_file(source, form, key)
    if found is files.FOLDER:
        return new_arrays.of_images(source, new_arrays.images_in(source), form, key)
    if key is not None:
        raise DataError(f"{source}: {found.name} has no columns; expected no column to tell the rows apart")
    if suffix in (".h5", ".hdf5", ".npz"):
        return new_arrays.of_stored(source, form)
    if found is files.NPY:
        x: NDArray[Any] = npy.mapped(source)
    elif found is files.IDX:
        x = idx.array(source)
    else:
        x = files.read(source, training=False).x
    return new_arrays.of_array(source, x, form)
