"""A file system that knows what a power loss at any moment could leave of it.

It works on the disk like the real one and keeps, beside it, what would last: the bytes of a file up to
its last `fsync`, the names in a directory up to its last `sync_directory`. Everything since may be there or
not, each effect on its own: a name, or bytes that are whole, lost, cut or zeros by pages.
A state of the disk after such a crash is a mapping of paths to bytes, None for a directory.
"""

import itertools
import math
import random

from .faults import Hasty


class File:
    """Bytes now, bytes that last, and how many of those nothing has touched since."""

    def __init__(self, content=b""):
        self.content = self.lasting = content
        self.untouched = len(content)

    def cut(self, length):
        self.content = self.content[:length]
        self.untouched = min(self.untouched, length)

    def sync(self):
        self.lasting, self.untouched = self.content, len(self.content)

    def outcomes(self, page):
        """What a crash may leave of the bytes, by pages of so many; as they are first, as they were last."""
        if self.untouched == len(self.content) == len(self.lasting):
            return [self.content]
        safe, tail = self.content[: self.untouched], self.content[self.untouched :]
        pages = range(0, len(tail), page)
        zeros = (tail[:start] + bytes(len(tail[start : start + page])) + tail[start + page :] for start in pages)
        cuts = (tail[:length] for length in {*pages, len(tail) // 2, max(len(tail) - 1, 0)})
        left = (safe + rest for rest in (*zeros, *cuts, bytes(len(tail))))
        between = dict.fromkeys(left).keys() - {self.content, self.lasting}
        return [self.content, *sorted(between), self.lasting]


class Directory:
    """Names that last, and the changes to them since, in order; a change maps names to files, None where one goes."""

    def __init__(self, lasting=()):
        self.lasting = dict(lasting)
        self.changes = []

    def after(self, changes):
        names = dict(self.lasting)
        for change in changes:
            names.update(change)
        return {name: node for name, node in names.items() if node is not None}

    def now(self):
        return self.after(self.changes)

    def sync(self):
        self.lasting, self.changes = self.now(), []

    def nodes(self):
        """This directory and everything in it that a crash may show, parents first."""
        yield self
        inside = [node for names in (self.lasting, *self.changes) for node in names.values() if node is not None]
        for node in dict.fromkeys(inside):
            if isinstance(node, Directory):
                yield from node.nodes()
            else:
                yield node


class PowerLoss(Hasty):
    """Collects the states of the disk that a power loss before, in or after each call could leave.

    Args:
        root: everything below it is watched; what is there already lasts.
        most: states looked at per call; all of them where there are no more, else that many drawn at random.
        page: bytes that reach the disk together, those of a file counted from the last sync.
        seed: of the drawing.

    Attributes:
        states: each state with what had been promised when it could last occur.
        promised: set by the caller to what the disk must hold from now on.
    """

    def __init__(self, root, *, most=64, page=4096, seed=0):
        self.root = root
        self.most = most
        self.page = page
        self.draw = random.Random(seed)
        self.tree = _read(root)
        self.open = {}
        self.appended = set()  # descriptors of files that grow
        self.promised = 0
        self.states = {}
        self._crash()

    def create(self, path):
        return self._opened(path, super().create(path), keep=False)

    def open_append(self, path):
        fd = self._opened(path, super().open_append(path), keep=True)
        self.appended.add(fd)
        return fd

    def _opened(self, path, fd, *, keep):
        directory = self._directory(path.parent)
        file = directory.now().get(path.name)
        if file is None:
            file = File()
            directory.changes.append({path.name: file})
        elif not keep:
            file.cut(0)
        self.open[fd] = file
        self._crash()
        return fd

    def write(self, fd, data):
        written = super().write(fd, data)
        self.open[fd].content += bytes(data[:written])
        self._crash()
        return written

    def truncate(self, fd, length):
        super().truncate(fd, length)
        self.open[fd].cut(length)
        self._crash()

    def fsync(self, fd):
        self.open[fd].sync()
        self._crash()

    def close(self, fd):
        super().close(fd)
        del self.open[fd]
        self.appended.discard(fd)

    def replace(self, old, new):
        super().replace(old, new)
        directory = self._directory(new.parent)
        directory.changes.append({old.name: None, new.name: directory.now()[old.name]})
        self._crash()

    def unlink(self, path):
        super().unlink(path)
        self._directory(path.parent).changes.append({path.name: None})
        self._crash()

    def mkdir(self, path):
        super().mkdir(path)
        self._directory(path.parent).changes.append({path.name: Directory()})
        self._crash()

    def sync_directory(self, path):
        self._directory(path).sync()
        self._crash()

    def _directory(self, path):
        node = self.tree
        for part in path.relative_to(self.root).parts:
            node = node.now()[part]
        return node

    def _crash(self):
        """Add the states that a power loss could leave now."""
        choices = {}
        for node in self.tree.nodes():
            if isinstance(node, File):
                choices[node] = node.outcomes(self.page)
            else:
                choices.update({(node, number): (True, False) for number in range(len(node.changes))})
        options = list(choices.values())
        if math.prod(map(len, options)) <= self.most:
            chosen = itertools.product(*options)
        else:
            extremes = [[option[0] for option in options], [option[-1] for option in options]]
            drawn = ([self.draw.choice(option) for option in options] for _ in range(self.most - len(extremes)))
            chosen = itertools.chain(extremes, drawn)
        for choice in chosen:
            state = frozenset(_left(self.tree, dict(zip(choices, choice, strict=True)), ""))
            self.states[state] = self.promised


def _read(path):
    if path.is_dir():
        return Directory({each.name: _read(each) for each in path.iterdir()})
    return File(path.read_bytes())


def _left(directory, chosen, prefix):
    """Paths and bytes of what is left of a directory."""
    changes = [change for number, change in enumerate(directory.changes) if chosen[directory, number]]
    for name, node in directory.after(changes).items():
        if isinstance(node, Directory):
            yield prefix + name, None
            yield from _left(node, chosen, f"{prefix}{name}/")
        else:
            yield prefix + name, chosen[node]


def materialise(state, directory):
    """Make a directory look like a state."""
    for name, content in sorted(state):
        if content is None:
            (directory / name).mkdir()
        else:
            (directory / name).write_bytes(content)


def refusals(power, oracle):
    """Why the oracle refuses states: each reason with the first of them, its files and what had been promised."""
    found = {}
    for state, promised in power.states.items():
        try:
            oracle(dict(state), promised)
        except AssertionError as refusal:
            found.setdefault(str(refusal).splitlines()[0], (dict(state), promised))
    return found


class WithoutFileSync(PowerLoss):
    """A mutant: the bytes of a file that is replaced whole are not synced."""

    def fsync(self, fd):
        if fd in self.appended:
            super().fsync(fd)


class WithoutMetricsSync(PowerLoss):
    """A mutant: the bytes of a file that grows are not synced."""

    def fsync(self, fd):
        if fd not in self.appended:
            super().fsync(fd)


class WithoutDirectorySync(PowerLoss):
    """A mutant: names are not synced."""

    def sync_directory(self, path):
        pass


class WithoutRename(PowerLoss):
    """A mutant: a file is written in place."""

    def create(self, path):
        return super().create(path.with_name(path.name.removeprefix(".").rsplit(".", 2)[0]))

    def replace(self, old, new):
        pass
