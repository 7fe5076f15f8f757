"""A look at an HDF5 file before it is opened: nothing in it may lead out of it, or take far more than it stores.

HDF5 reads other files where a file tells it to, and it can crash or hang on a damaged or hostile file. So a limited
child process walks over every link, reads every text, every attribute and the first arrays; only then may this
process open the file. That lowers the risk and does not remove it: see docs/concepts/security.md.
"""

import io
import math
from pathlib import Path
from typing import Any, NoReturn

import h5py
import numpy as np

from dlspec.data import limited
from dlspec.data.limits import MAX_NAMES, Allowance
from dlspec.data.table import damage_as_data_error, plain
from dlspec.errors import DataError

MAX_DEPTH = 32  # groups within groups
READ_BYTES = 16 * 2**20  # of arrays that are read in the child; reading them there takes as long as reading them here
_CHARACTER = 4  # bytes, in an array of text
_TEXTS_AT_ONCE = 1024

_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}


def check(path: Path) -> None:
    """Refuse a file that should not be opened.

    Raises:
        DataError: it holds a link that is no hard link, an array that is stored elsewhere or packed by an unknown
            filter, more names or memory than `limits` allows; it is damaged; or HDF5 crashes or hangs on it.
    """

    def work() -> None:
        _forget_plugins()
        with damage_as_data_error(path, "HDF5"), h5py.File(path, "r") as file:
            _Inspection(str(path), path.stat().st_size).walk(file)

    limited.run(work, source=str(path))


def check_image(image: bytes, *, source: str) -> None:
    """Refuse the bytes of a file, as `check` does; `source` names them in messages.

    Raises:
        DataError: as `check`.
    """

    def work() -> None:
        _forget_plugins()
        with damage_as_data_error(source, "HDF5"), h5py.File(io.BytesIO(image), "r") as file:
            _Inspection(source, len(image)).walk(file)

    limited.run(work, source=source)


def _forget_plugins() -> None:
    """Look for filters in no directory: HDF5 would load a library from there, and run it."""
    while h5py.h5pl.size():
        h5py.h5pl.remove(0)


class _Inspection:
    """One walk over a file.

    Args:
        source: the file, for messages.
        size: of the file in bytes.
    """

    def __init__(self, source: str, size: int):
        self._source = source
        self._allowance = Allowance(source, size)
        self._names = 0
        self._unread = READ_BYTES

    def walk(self, file: h5py.File) -> None:
        """Look at every object, once."""
        seen = set()
        waiting: list[tuple[str, Any, bytes]] = [("", file.id, b"/")]
        while waiting:
            name, parent, link = waiting.pop()
            node = h5py.h5o.open(parent, link)
            address = h5py.h5o.get_info(node).addr
            if address in seen:  # hard links may form a circle
                continue
            seen.add(address)
            if isinstance(node, h5py.h5g.GroupID):
                waiting += [(child, node, link) for child, link in reversed(self._children(name, node))]
            elif isinstance(node, h5py.h5d.DatasetID):
                self._look_at_array(name, h5py.Dataset(node))
            self._look_at_attributes(name, node)

    def _children(self, name: str, group: Any) -> list[tuple[str, bytes]]:
        """Names of what a group holds, below its own, all of them hard links."""
        found: list[tuple[bytes, int]] = []

        def add(link: bytes, info: Any) -> bool | None:  # True ends the iteration; no exception may
            found.append((link, info.type))
            return True if len(found) > MAX_NAMES else None

        group.links.iterate(add, info=True)
        self._count_names(len(found))
        children = []
        for link, kind in found:
            child = f"{name}/{link.decode(errors='surrogateescape')}".lstrip("/")
            self._check_link(child, link, kind)
            children.append((child, link))
        return children

    def _check_link(self, name: str, link: bytes, kind: int) -> None:
        if kind == h5py.h5l.TYPE_EXTERNAL:
            self._refuse(name, "is a link to another file; expected an array in this one")
        if kind != h5py.h5l.TYPE_HARD:
            self._refuse(name, "is a link; expected an array stored under that name")
        if b"/" in link or link == b".":  # HDF5 would take it for a path, and open something else
            self._refuse(name, "is a name that HDF5 does not allow; the file is damaged or hostile")
        if name.count("/") >= MAX_DEPTH:
            self._refuse(name, f"lies within {name.count('/')} groups; expected less than {MAX_DEPTH}")

    def _look_at_array(self, name: str, dataset: h5py.Dataset) -> None:
        plist = dataset.id.get_create_plist()
        if plist.get_layout() == h5py.h5d.VIRTUAL or plist.get_external_count():
            self._refuse(name, "is stored in another file; expected an array in this one")
        codes = [plist.get_filter(position)[0] for position in range(plist.get_nfilters())]
        unknown = [code for code in codes if code not in _FILTERS]
        if unknown:
            self._refuse(name, f"is packed by filter {unknown[0]}; expected gzip, lzf, shuffle or fletcher32")
        if dataset.shape is None:
            return
        text = h5py.check_string_dtype(dataset.dtype)
        bytes_each = dataset.id.get_type().get_size() * (1 if text is None else _CHARACTER)
        declared = bytes_each * max(math.prod(dataset.shape), math.prod(dataset.chunks or ()))
        self._allowance.take(name, declared)
        if text is not None and text.length is None:
            self._read_texts(name, dataset)
        elif (text is not None or dataset.dtype.kind in "biuf") and declared <= self._unread:
            self._unread -= declared
            dataset[()]

    def _read_texts(self, name: str, dataset: h5py.Dataset) -> None:
        """Read texts of any length: the array does not declare what they take, and many may be the same bytes."""
        step = max(1, _TEXTS_AT_ONCE // max(1, math.prod(dataset.shape[1:])))
        parts = [slice(start, start + step) for start in range(0, dataset.shape[0], step)] if dataset.shape else [()]
        longest = taken = 0
        for part in parts:
            longest = max(0, longest, *map(len, np.ravel(dataset[part])))
            taken = _CHARACTER * longest * math.prod(dataset.shape)
            if taken > self._allowance.left:
                break
        self._allowance.take(f"{name}, with a text of {longest} bytes,", taken)

    def _look_at_attributes(self, name: str, node: Any) -> None:
        number, values = h5py.h5a.get_num_attrs(node), h5py.HLObject(node).attrs
        self._count_names(number)
        for position in range(number):
            attribute = h5py.h5a.open(node, index=position)
            if attribute.shape is None:
                continue
            declared = attribute.get_type().get_size() * math.prod(attribute.shape)
            self._allowance.take(f"an attribute of {name or '/'}", declared)
            if attribute.dtype.kind in "biufS" or h5py.check_string_dtype(attribute.dtype) is not None:
                values[attribute.name]

    def _count_names(self, more: int) -> None:
        self._names += more
        if self._names > MAX_NAMES:
            raise DataError(f"{self._source}: holds more than {MAX_NAMES} arrays, groups and attributes")

    def _refuse(self, name: str, what: str) -> NoReturn:
        raise DataError(f"{self._source}: {plain(name)} {what}")
