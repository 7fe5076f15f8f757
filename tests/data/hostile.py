"""HDF5 files with one hostile thing in each, at any depth, for test_probe.py and test_bombs.py."""

import functools
import re
import zlib
from pathlib import Path

import h5py
import numpy as np

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
LARGE = 2**20  # rows and columns: 4 TiB of float32


def write(path: Path, kind: str, *, depth: int = 1) -> str:
    """A file with x, y and a thing of that kind, `depth` levels down: the name of the thing."""
    group = "/".join(f"g{level}" for level in range(1, depth))
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = X, [0, 1, 1]
        patch = KINDS[kind](file.require_group(group or "/"), path.with_name("other"))
    if patch is not None:
        path.write_bytes(patch(path.read_bytes()))
    return f"{group}/thing".lstrip("/")


def soft_link(group, _other):
    group["thing"] = h5py.SoftLink("/x")


def external_link(group, other):
    group["thing"] = h5py.ExternalLink(str(other), "/x")


def user_defined_link(group, _other):
    """An external link whose kind is changed from 64 to 80, the first that programs may define."""
    group["thing"] = h5py.ExternalLink("other", "/x")
    return lambda data: re.sub(rb"\x01\x08\x40(?=\x05thing)", b"\x01\x08\x50", data)


def external_storage(group, other):
    group.create_dataset("thing", X.shape, "f8", external=[(str(other), 0, X.nbytes)])


def virtual(group, other):
    layout = h5py.VirtualLayout(shape=X.shape, dtype=X.dtype)
    layout[:] = h5py.VirtualSource(str(other), "x", shape=X.shape)
    group.create_virtual_dataset("thing", layout)


def virtual_of_itself(group, _other):
    layout = h5py.VirtualLayout(shape=X.shape, dtype=X.dtype)
    layout[:] = h5py.VirtualSource(".", "x", shape=X.shape)
    group.create_virtual_dataset("thing", layout)


def unknown_filter(group, _other):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((3, 2))
    plist.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1, 2))  # blosc
    dataset = h5py.h5d.create(group.id, b"thing", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple(X.shape), plist)
    dataset.write_direct_chunk((0, 0), b"what only the filter understands")


def scale_offset(group, _other):
    group.create_dataset("thing", data=np.arange(16), scaleoffset=2)


def name_with_a_slash(group, _other):
    group["thXng"] = 1
    return lambda data: data.replace(b"thXng", b"thi/g")


def chunked_4_tib(group, _other):
    group.create_dataset("thing", (LARGE, LARGE), "f4", chunks=(64, 64))


def contiguous_4_tib(group, _other):
    group.create_dataset("thing", (LARGE, LARGE), "f4")


def text_4_tib(group, _other):
    group.create_dataset("thing", (LARGE, LARGE), "S1", chunks=(64, 64))


def chunk_of_2_gib(group, _other):
    group.create_dataset("thing", (3, 2), "u1", chunks=(2**15, 2**16), maxshape=(None, None), compression="gzip")


def zeros_packed_1000_to_1(group, _other):
    group.create_dataset("thing", (2**17, 2**10), "u1", chunks=(2**10, 2**10), compression="gzip")
    for row in range(0, 2**17, 2**10):
        group["thing"].id.write_direct_chunk((row, 0), zeros(mib=1))


def chunk_that_unpacks_to_1_gib(group, _other):
    group.create_dataset("thing", (1000,), "u1", chunks=(1000,), compression="gzip")
    group["thing"].id.write_direct_chunk((0,), zeros(mib=1024))


@functools.cache
def zeros(*, mib):
    """So many MiB of zeros, packed; the same block again and again."""
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    head, last = b"\x78\x9c", b"\x03\x00"  # of the format; a block without content
    return head + block * mib + last + (mib * 2**20 % 65521 << 16 | 1).to_bytes(4, "big")  # Adler-32 of zeros


def one_text_many_times(group, _other, *, count=100_000, length=60_000):
    """Texts of any length are stored apart, each found by 16 bytes, which are the same here."""
    texts = group.create_dataset("thing", (count,), h5py.string_dtype())
    texts[0], texts[-1] = "a" * length, "b"
    at = texts.id.get_offset()
    return lambda data: data[:at] + data[at : at + 16] * count + data[at + 16 * count :]


def one_long_text(group, _other):
    """NumPy gives each text the room of the longest."""
    texts = group.create_dataset("thing", (50_000,), h5py.string_dtype())
    texts[0] = "a" * 60_000


def too_many_names(group, _other):
    for number in range(100):
        group[f"{number}"] = group


def too_many_attributes(group, _other):
    names = group.create_group("thing", track_order=True).attrs
    for number in range(101):
        names[f"{number}"] = 0


def too_deep(group, _other):
    group["/".join(["thing", *"a" * 32])] = 0


KINDS = {function.__name__: function for function in (
    soft_link, external_link, user_defined_link, external_storage, virtual, virtual_of_itself, unknown_filter,
    scale_offset, name_with_a_slash, chunked_4_tib, contiguous_4_tib, text_4_tib, chunk_of_2_gib,
    zeros_packed_1000_to_1, chunk_that_unpacks_to_1_gib, one_text_many_times, one_long_text, too_many_names,
    too_many_attributes, too_deep,
)}  # fmt: skip
