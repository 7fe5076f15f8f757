"""Checkpoints: exact, reproducible, readable by any HDF5 tool, and never accepted when damaged."""

import json
import random
import sys
from dataclasses import fields, replace

import h5py
import numpy as np
import pytest
from core.builders import build_network

from dlspec.core.randomness import stream
from dlspec.errors import RunError
from dlspec.run import checkpoint
from dlspec.run.checkpoint import FORMAT, HEADER_BYTES, Checkpoint, NewerFormatError
from dlspec.training.events import TrainingState
from dlspec.training.plateau import PlateauState
from dlspec.training.spikes import Spike, SpikeState
from dlspec.training.stopping import Best

from .tiny import of_format

MUTANTS = 5_000


def parameters_of(sizes=(3, 4, 2), *, dtype=np.float32):
    network = build_network(sizes)
    parameters = network.parameters(dtype=dtype)
    network.initialize(parameters, np.random.default_rng(0))
    return parameters


def state_of(parameters):
    """A state in the midst of a run: the seventh step, second batch of the third epoch."""
    rng, numbers = stream(1, "dropout"), np.random.default_rng(2)
    rng.random(5, dtype=np.float32)  # leaves half of a 64-bit draw behind, which the state must hold

    def noise():
        return numbers.standard_normal(parameters.vector.size).astype(parameters.theta.dtype)

    return TrainingState(
        epoch=2,
        seen=16,
        step=7,
        vector=noise(),
        optimizer={"v": noise(), "s": noise()},
        rng=rng.bit_generator.state,
        best_vector=noise(),
        best_epoch=1,
        best_value=0.1,
        waited=1,
        plateau=PlateauState(0.25, Best(1, 1 / 3, 1), 2),
        spikes=SpikeState(7, 0.1 + 0.2, 1 / 7, (Spike(6, 88.5, 1 / 9), Spike(7, 1e30, 0.7))),
    )


def checkpoint_of(parameters, **changes):
    return checkpoint.of_state(
        state_of(parameters),
        parameters,
        normalization={"mean": np.array([1.0, 2.0, 3.0]), "std": np.array([0.5, 0.25, 1 / 3])},
        model={"task": "classification", "classes": ["größe", "</script>"], "image_shape": None},
        **changes,
    )


def assert_same(loaded, original):
    for group in ("parameters", "optimizer", "best", "normalization"):
        ours, theirs = getattr(loaded, group), getattr(original, group)
        assert set(ours) == set(theirs)
        for name, array in theirs.items():
            assert ours[name].dtype == array.dtype
            np.testing.assert_array_equal(ours[name], array)
    assert loaded.progress == json.loads(json.dumps(original.progress))  # which has lists for tuples
    assert loaded.model == original.model


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("content", ["last", "best", "snapshot"])
def test_round_trip(dtype, content, tmp_path):
    original = checkpoint_of(parameters_of(dtype=dtype), content=content)
    checkpoint.save(tmp_path / "last.h5", original)
    loaded = checkpoint.load(tmp_path / "last.h5")
    assert_same(loaded, original)
    assert loaded.parameters["W1"].dtype == dtype


def test_last_holds_everything_and_best_only_the_best():
    parameters = parameters_of()
    state, last, best = state_of(parameters), checkpoint_of(parameters), checkpoint_of(parameters, content="best")
    np.testing.assert_array_equal(last.parameters["W1"], parameters.views_of(state.vector)["W1"])
    np.testing.assert_array_equal(last.best["W2"], parameters.views_of(state.best_vector)["W2"])
    assert (last.progress["epoch"], last.progress["seen"], last.progress["step"]) == (2, 16, 7)
    assert (last.progress["segment"], last.progress["metrics_bytes"]) == (1, 0)
    assert (last.progress["best_epoch"], last.progress["best_value"], last.progress["waited"]) == (1, 0.1, 1)
    np.testing.assert_array_equal(best.parameters["W1"], parameters.views_of(state.best_vector)["W1"])
    assert (best.optimizer, best.best) == ({}, {})
    assert best.progress == {"epoch": 1, "best_epoch": 1, "best_value": 0.1}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_state_comes_back_as_it_was(dtype):
    parameters = parameters_of(dtype=dtype)
    state = state_of(parameters)
    loaded = checkpoint.decode(b"".join(checkpoint.encode(checkpoint_of(parameters))), source="a.h5")
    back = checkpoint.to_state(loaded, parameters, source="a.h5")
    arrays = {"vector", "best_vector", "optimizer"}
    for field in fields(TrainingState):
        if field.name not in arrays:
            assert getattr(back, field.name) == getattr(state, field.name), field.name
    ours, theirs = (
        {"vector": each.vector, "best_vector": each.best_vector, **each.optimizer} for each in (back, state)
    )
    assert set(ours) == set(theirs) == {"vector", "best_vector", "v", "s"}
    for name, array in theirs.items():
        assert ours[name].dtype == dtype
        np.testing.assert_array_equal(ours[name], array)


def test_where_the_run_stands_is_in_last_alone():
    parameters, standing = parameters_of(), {"segment": 3, "metrics_bytes": 1234}
    last, best, snapshot = (
        checkpoint_of(parameters, content=content, standing=standing) for content in ("last", "best", "snapshot")
    )
    assert standing.items() <= last.progress.items()
    assert not standing.keys() & (best.progress.keys() | snapshot.progress.keys())


@pytest.mark.parametrize("group", ["parameters", "best"])
def test_a_state_of_another_architecture_is_refused(group):
    original, other = (checkpoint_of(parameters_of(sizes)) for sizes in ((3, 4, 2), (3, 5, 2)))
    mixed = replace(original, **{group: getattr(other, group)})
    with pytest.raises(RunError, match=r"a.h5: is of another architecture: W1 has shape \(5, 3\); .* \(4, 3\)"):
        checkpoint.to_state(mixed, parameters_of((3, 4, 2)), source="a.h5")


def test_the_generator_continues_where_it_was(tmp_path):
    rng = stream(1, "dropout")
    rng.random(5, dtype=np.float32)
    checkpoint.save(tmp_path / "last.h5", checkpoint_of(parameters_of()))
    expected = rng.random(9, dtype=np.float32)
    restored = stream(99, "dropout")
    restored.bit_generator.state = checkpoint.load(tmp_path / "last.h5").progress["rng"]
    np.testing.assert_array_equal(restored.random(9, dtype=np.float32), expected)


def test_the_same_content_gives_the_same_bytes():
    parameters = parameters_of()
    assert b"".join(checkpoint.encode(checkpoint_of(parameters))) == b"".join(
        checkpoint.encode(checkpoint_of(parameters))
    )


def test_any_hdf5_tool_reads_it_and_weights_have_the_shape_of_the_course(tmp_path):
    original = checkpoint_of(parameters_of((3, 4, 2)))
    checkpoint.save(tmp_path / "last.h5", original)
    with h5py.File(tmp_path / "last.h5", "r") as file:
        assert file.userblock_size == HEADER_BYTES
        assert set(file) == {"parameters", "optimizer", "best", "normalization"}
        assert {name: data.shape for name, data in file["parameters"].items()} == {
            "W1": (4, 3), "b1": (4,), "W2": (2, 4), "b2": (2,)
        }  # fmt: skip
        np.testing.assert_array_equal(file["parameters/W1"][:], original.parameters["W1"])
        np.testing.assert_array_equal(file["best/W2"][:], original.best["W2"])


def test_before_the_first_epoch_there_is_no_best_value(tmp_path):
    original = checkpoint_of(parameters_of())
    fresh = Checkpoint(original.parameters, {}, {}, {}, {**original.progress, "best_value": None}, {})
    checkpoint.save(tmp_path / "last.h5", fresh)
    assert checkpoint.load(tmp_path / "last.h5").progress["best_value"] is None


def mutant_of(data, rng):
    """The file after an accident."""
    mutant, size = bytearray(data), len(data)
    match rng.choice(["flip", "truncate", "append", "zero", "copy"]):
        case "flip":
            for _ in range(rng.randint(1, 4)):
                mutant[rng.randrange(size)] ^= 1 << rng.randrange(8)
        case "truncate":
            del mutant[rng.randrange(size) :]
        case "append":
            mutant += rng.randbytes(rng.randint(1, 600)) if rng.random() < 0.5 else bytes(rng.randint(1, 600))
        case "zero":
            start = rng.randrange(size)
            mutant[start : start + 512] = bytes(len(mutant[start : start + 512]))
        case "copy":
            length = rng.randint(1, 512)
            source, target = rng.randrange(size - length), rng.randrange(size - length)
            mutant[target : target + length] = data[source : source + length]
    return bytes(mutant)


def test_no_damaged_file_is_accepted_or_even_shown_to_hdf5(monkeypatch):
    data = b"".join(checkpoint.encode(checkpoint_of(parameters_of())))

    class Forbidden:
        def __getattr__(self, name):
            pytest.fail("HDF5 was asked to read a damaged file")

    monkeypatch.setitem(sys.modules, "h5py", Forbidden())
    rng, tried = random.Random(20240229), 0
    for number in range(MUTANTS):
        mutant = mutant_of(data, rng)
        if mutant == data:
            continue
        tried += 1
        with pytest.raises(RunError) as caught:
            checkpoint.decode(mutant, source="runs/a/last.h5")
        assert str(caught.value).startswith("runs/a/last.h5: "), number
        assert len(caught.value.problems) == 1
    assert tried > 0.9 * MUTANTS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"dlspec",
        b"dlspec checkpoint",
        b"dlspec checkpoint x\n",
        b"dlspec checkpoint -1\n",
        b"\x89HDF\r\n\x1a\n" + bytes(600),
    ],
    ids=lambda content: ascii(content[:24]),
)
def test_no_checkpoint_at_all(content):
    with pytest.raises(RunError, match="is no dlspec checkpoint"):
        checkpoint.decode(content, source="a.h5")


def test_a_newer_format_is_refused_with_a_hint():
    with pytest.raises(NewerFormatError) as caught:
        checkpoint.decode(of_format(FORMAT + 1, b"anything"), source="a.h5")
    assert str(caught.value) == (
        f"a.h5: has format {FORMAT + 1}; this dlspec reads up to {FORMAT}; install a newer dlspec"
    )


@pytest.mark.parametrize("number", [0, 1, FORMAT + 1, FORMAT + 7, 10 * FORMAT, 10**20])
def test_damage_in_the_number_of_the_format_is_damage(number):
    data = b"".join(checkpoint.encode(checkpoint_of(parameters_of())))
    mutant = data.replace(f"checkpoint {FORMAT}\n".encode(), f"checkpoint {number}\n".encode(), 1)
    with pytest.raises(RunError, match=r"a\.h5: damaged: its length or SHA-256 is not the recorded one") as caught:
        checkpoint.decode(mutant, source="a.h5")
    assert type(caught.value) is RunError


def test_every_flipped_bit_of_the_header_is_damage():
    data = b"".join(checkpoint.encode(checkpoint_of(parameters_of())))
    for bit in range(8 * HEADER_BYTES):
        mutant = bytearray(data)
        mutant[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RunError, match=r"a\.h5: (damaged|is no dlspec checkpoint)") as caught:
            checkpoint.decode(bytes(mutant), source="a.h5")
        assert type(caught.value) is RunError


def test_a_missing_file(tmp_path):
    with pytest.raises(RunError, match="cannot be read: no such file") as caught:
        checkpoint.load(tmp_path / "last.h5")
    assert str(tmp_path / "last.h5") in str(caught.value)


def test_restoring_copies_the_parameters():
    original = checkpoint_of(parameters_of())
    target = parameters_of()
    checkpoint.restore(original, target, source="a.h5")
    np.testing.assert_array_equal(target.theta, state_of(target).vector)


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ((3, 5, 2), r"W1 has shape \(4, 3\); the configuration of the run expects \(5, 3\)"),
        ((3, 2), r"W1 has shape \(4, 3\); the configuration of the run expects \(2, 3\)"),
        ((3, 4, 2, 2), r"W3 has shape None; the configuration of the run expects \(2, 2\)"),
        ((4, 3, 2), r"W1 has shape \(4, 3\); the configuration of the run expects \(3, 4\)"),
    ],
)
def test_restoring_into_another_architecture(sizes, problem):
    target = parameters_of(sizes)
    before = target.theta.copy()
    with pytest.raises(RunError, match=problem):
        checkpoint.restore(checkpoint_of(parameters_of((3, 4, 2))), target, source="a.h5")
    np.testing.assert_array_equal(target.theta, before)
