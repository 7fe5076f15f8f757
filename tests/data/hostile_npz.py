"""NPZ files with one hostile thing in each, for test_npz.py and test_bombs.py."""

import io
import struct
import warnings
import zipfile

import numpy as np

X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def write(path, kind):
    """A file with x, y and a thing of that kind, mostly in x."""
    KINDS[kind](path)
    return path


def npy(values=X, *, shape=None, descr=None, header=None, version=b"\x01\x00"):
    """The bytes of an NPY file, any part of them replaced."""
    content = {"descr": descr or values.dtype.str, "fortran_order": False, "shape": shape or values.shape}
    text = (header or str(content)).encode()
    length = struct.pack("<I" if version != b"\x01\x00" else "<H", len(text))
    return b"\x93NUMPY" + version + length + text + values.tobytes()


def archive(path, members, *, compression=zipfile.ZIP_STORED):
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members:
            file.writestr(name, content)


def with_x(x, **options):
    return lambda path: archive(path, [("x.npy", x), ("y.npy", npy(np.array([0, 1, 1])))], **options)


def zeros_packed_1000_to_1(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as member:
        member.write(npy(np.zeros(0, "u1"), shape=(2**17, 2**10)))
        for _ in range(2**7):
            member.write(bytes(2**20))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("y.npy", npy(np.array([0, 1, 1])))


def objects(path):
    np.savez(path, x=X, y=np.array([{}, [], 1], dtype=object))


def encrypted(path):
    with_x(npy())(path)
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flags of the first member, there and in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)


def large_directory(path):
    """The end record says that the directory takes 5 MB, and so it does."""
    with_x(npy())(path)
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b""
        for name in "ab":
            info = zipfile.ZipInfo(f"{name}.npy")
            info.comment = bytes(65_535)
            file.writestr(info, npy())
        entries = file.infolist()
        file.infolist().extend(entries[-1:] * 80)  # the same member again and again
        file._didModify = True


def too_many_members(path):
    archive(path, ((f"{number}.npy", b"") for number in range(101)))


def nested(path):
    inner = io.BytesIO()
    np.savez(inner, x=X, y=X)
    archive(path, [("x.npy", npy()), ("y.npy", npy()), ("more.npz", inner.getvalue())])


KINDS = {
    "objects": objects,
    "nested": nested,
    "encrypted": encrypted,
    "large_directory": large_directory,
    "too_many_members": too_many_members,
    "zeros_packed_1000_to_1": zeros_packed_1000_to_1,
    "folder": lambda path: archive(path, [("x.npy", npy()), ("y.npy", npy()), ("folder/", b"")]),
    "script": lambda path: archive(path, [("x.npy", npy()), ("y.npy", npy()), ("run.py", b"1 / 0")]),
    "twice": lambda path: archive(path, [("x.npy", npy()), ("y.npy", npy()), ("x.npy", npy())]),
    "bzip2": with_x(npy(), compression=zipfile.ZIP_BZIP2),
    "lzma": with_x(npy(), compression=zipfile.ZIP_LZMA),
    "declares_4_tib": with_x(npy(shape=(2**20, 2**20), descr="<f4")),
    "declares_nothing_many_times": with_x(npy(shape=(2**20, 2**20), descr="|S0")),
    "negative_shape": with_x(npy(shape=(-1, 2))),
    "overflowing_shape": with_x(npy(shape=(2**32, 2**32))),
    "not_enough_numbers": with_x(npy(shape=(4, 2))),
    "long_header": with_x(npy(header=f"{' ' * 5000}{{}}")),
    "deep_header": with_x(npy(header="(" * 2000)),
    "expression_as_header": with_x(npy(header="__import__('os').abort()")),
    "version_3": with_x(npy(version=b"\x03\x00")),
    "records": with_x(npy(descr="[('a', '<f8'), ('b', '<f8')]", shape=(3,), header=str(
        {"descr": [("a", "<f8"), ("b", "<f8")], "fortran_order": False, "shape": (3,)}))),
}  # fmt: skip
