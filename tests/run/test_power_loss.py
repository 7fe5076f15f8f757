"""What is left after a power loss, at any call: files whole, old or new, and every line they count on."""

import random

import pytest

from dlspec.run import storage

from .power_loss import (
    File,
    PowerLoss,
    WithoutDirectorySync,
    WithoutFileSync,
    WithoutMetricsSync,
    WithoutRename,
    materialise,
    refusals,
)


class Story:
    """What a run does, in small: a log grows and is synced, then a new version of a file is written beside it.

    Attributes:
        versions: the bytes of the file, one after another; some span pages of the disk.
        lines: those of the log before each version.
    """

    def __init__(self, seed, *, versions=12):
        draw = random.Random(seed)
        self.versions = [draw.randbytes(draw.choice([20, 300, 4096, 9000, 13000])) for _ in range(versions)]
        self.lines = [["x" * draw.choice([5, 80, 4100]) for _ in range(draw.choice([0, 1, 3]))] for _ in self.versions]

    def tell(self, root, power):
        storage.make_parents(root / "runs" / "a" / "checkpoints")
        log = storage.Appender(root / "runs" / "a" / "metrics.jsonl")
        for number, (version, lines) in enumerate(zip(self.versions, self.lines, strict=True), start=1):
            for line in lines:
                log.append(line)
            log.sync()
            storage.write_file(root / "runs" / "a" / "checkpoints" / "last.h5", version)
            power.promised = number
        log.close()

    def check(self, state, promised):
        """A version is whole, none older than promised, and the lines before it are there."""
        content = state.get("runs/a/checkpoints/last.h5")
        if content is None:
            assert promised == 0, "the file is gone"
            return
        assert content in self.versions, "the file is torn"
        version = self.versions.index(content) + 1
        assert promised <= version <= promised + 1, "the file is older than promised"
        lines = "".join(f"{line}\n" for before in self.lines[:version] for line in before)
        assert state.get("runs/a/metrics.jsonl", b"").startswith(lines.encode()), "lines are lost"


def recorded(kind, story, root, monkeypatch, **settings):
    root.mkdir()
    power = kind(root, **settings)
    monkeypatch.setattr(storage, "filesystem", power)
    story.tell(root, power)
    return power


@pytest.mark.parametrize("seed", range(20))
def test_a_power_loss_leaves_a_whole_version_and_its_lines(seed, tmp_path, monkeypatch):
    story = Story(seed)
    power = recorded(PowerLoss, story, tmp_path / "disk", monkeypatch)
    assert len(power.states) > 100
    assert refusals(power, story.check) == {}


@pytest.mark.long
def test_a_power_loss_in_every_way(tmp_path, monkeypatch):
    for seed in range(20, 200):
        story = Story(seed, versions=40)
        power = recorded(PowerLoss, story, tmp_path / str(seed), monkeypatch, most=2**12, seed=seed)
        assert refusals(power, story.check) == {}


@pytest.mark.parametrize(
    ("mutant", "reasons"),
    [
        (WithoutFileSync, {"the file is torn"}),
        (WithoutMetricsSync, {"lines are lost"}),
        (WithoutDirectorySync, {"the file is gone", "the file is older than promised"}),
        (WithoutRename, {"the file is torn"}),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_storage_that_leaves_out_one_step_is_found_out(mutant, reasons, seed, tmp_path, monkeypatch):
    story = Story(seed)
    power = recorded(mutant, story, tmp_path / "disk", monkeypatch)
    assert reasons <= refusals(power, story.check).keys()


# The double itself


def test_bytes_that_are_not_synced_may_be_anything_of_a_crash():
    file = File(b"old")
    file.content += b"new" * 3000
    outcomes = file.outcomes(4096)
    assert outcomes[0] == file.content
    assert outcomes[-1] == b"old"
    assert all(outcome.startswith(b"old") for outcome in outcomes)
    assert b"old" + bytes(9000) in outcomes
    assert file.content[: 3 + 4096] + bytes(4096) + file.content[3 + 8192 :] in outcomes
    assert {len(outcome) for outcome in outcomes} == {3 + length for length in (0, 4096, 4500, 8192, 8999, 9000)}


def test_bytes_that_are_synced_last():
    file = File()
    file.content = b"new"
    file.sync()
    assert file.outcomes(4096) == [b"new"]


def test_a_file_that_is_cut_may_be_as_it_was():
    file = File(b"one\ntwo\n")
    file.cut(4)
    assert file.outcomes(4096) == [b"one\n", b"one\ntwo\n"]


def states_of(root, monkeypatch, act):
    monkeypatch.setattr(storage, "filesystem", PowerLoss(root))
    storage.filesystem.states.clear()
    act()
    return {frozenset((name, content) for name, content in state) for state in storage.filesystem.states}


def test_names_that_are_not_synced_come_and_go(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"A")

    def rename():
        storage.filesystem.replace(tmp_path / "a", tmp_path / "b")
        storage.filesystem.mkdir(tmp_path / "c")

    old, new, directory = ("a", b"A"), ("b", b"A"), ("c", None)
    assert states_of(tmp_path, monkeypatch, rename) == {
        frozenset(names) for names in ([old], [new], [old, directory], [new, directory])
    }


def test_removed_files_may_come_back(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"A")
    states = states_of(tmp_path, monkeypatch, lambda: storage.remove(tmp_path / "a"))
    assert states == {frozenset(), frozenset([("a", b"A")])}


def test_a_state_becomes_a_directory(tmp_path):
    materialise(frozenset([("a/b", None), ("a/b/c", b"C"), ("a", None)]), tmp_path)
    assert (tmp_path / "a" / "b" / "c").read_bytes() == b"C"
