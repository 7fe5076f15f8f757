"""Small files of every format, for the tests of the readers."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

IDX_TYPES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_bytes(values, dtype="u1"):
    """An array as IDX has it."""
    values = np.asarray(values)
    return bytes([0, 0, IDX_TYPES[dtype], values.ndim]) + np.array(values.shape, ">u4").tobytes() + (
        values.astype(dtype).tobytes()
    )  # fmt: skip


def write_idx(folder, x, y, *, packed=False, part="train"):
    """MNIST's two files; the path of the images."""
    suffix, pack = (".gz", lambda data: gzip.compress(data, mtime=0)) if packed else ("", bytes)
    (folder / f"{part}-labels-idx1-ubyte{suffix}").write_bytes(pack(idx_bytes(y)))
    path = folder / f"{part}-images-idx{np.ndim(x)}-ubyte{suffix}"
    path.write_bytes(pack(idx_bytes(x)))
    return path


CIFAR_CLASSES = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def write_cifar(path, x, y):
    """One batch of images (m, 32, 32, 3); its path."""
    planes = np.asarray(x, np.uint8).transpose(0, 3, 1, 2).reshape(len(y), -1)
    path.write_bytes(np.column_stack([np.asarray(y, np.uint8), planes]).tobytes())
    return path


def write_cifar_names(folder, names=CIFAR_CLASSES):
    (folder / "batches.meta.txt").write_text("\n".join(names) + "\n\n")


def write_images(folder, x, y, *, suffix="png", **settings):
    """A directory of images x (m, h, w) or (m, h, w, 3), one directory for every name in y; its path."""
    for row, (pixels, name) in enumerate(zip(np.asarray(x, np.uint8), y, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name / f"{row:03}.{suffix}", **settings)
    return folder


def write_parquet(path, columns, *, metadata=None, **settings):
    """A file of columns by name, in order; its path. `metadata` is what dlspec itself would say in JSON."""
    table = pa.table(columns)
    if metadata is not None:
        said = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"dlspec": said})
    pq.write_table(table, path, **settings)
    return path
