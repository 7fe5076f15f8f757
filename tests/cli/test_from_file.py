"""`initializer: from_file`: start values of an NPZ file, a checkpoint or a run."""

import numpy as np
import pytest

from dlspec.run import checkpoint, checkpoints

from .commands import write

EXPERIMENT = """\
data: {synthetic: moons, examples: 60, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 3, activation: tanh}]}
initializer: {name: from_file, path: start.npz}
optimizer: {name: sgd, learning_rate: 1e-30}
dtype: float64
training: {epochs: 1}
"""
ARRAYS = {
    "W1": np.arange(6.0).reshape(3, 2) / 10,
    "b1": np.array([0.1, 0.2, 0.3]),
    "W2": np.array([[1.0, -2.0, 0.5]]),
    "b2": np.array([0.7]),
}


@pytest.fixture
def experiment(tmp_path):
    return write(tmp_path / "from_file.yaml", EXPERIMENT)


def saved(arrays, place):
    np.savez(place / "start.npz", **arrays)


def parameters_of(run):
    return checkpoint.load(checkpoints.of_name(run, "last")).parameters


def test_training_starts_at_the_values_of_the_file(experiment, dlspec, tmp_path):
    saved(ARRAYS, tmp_path)
    assert dlspec("train", experiment, "--runs-dir", tmp_path / "runs").code == 0
    (run,) = (tmp_path / "runs").iterdir()
    for name, values in parameters_of(run).items():  # a step of 1e-30 moves none of them
        np.testing.assert_allclose(values, ARRAYS[name], atol=1e-29)


def test_biases_may_be_missing_or_columns_as_in_the_course(experiment, dlspec, tmp_path):
    saved({"W1": ARRAYS["W1"], "W2": ARRAYS["W2"], "b1": ARRAYS["b1"][:, np.newaxis]}, tmp_path)
    assert dlspec("train", experiment, "--runs-dir", tmp_path / "runs").code == 0
    (run,) = (tmp_path / "runs").iterdir()
    np.testing.assert_array_equal(parameters_of(run)["b1"], ARRAYS["b1"])
    assert abs(parameters_of(run)["b2"]) < 1e-29


@pytest.mark.parametrize("inside", ["", "checkpoints/step-00000001.h5"])
def test_an_earlier_run_gives_its_parameters(inside, experiment, dlspec, tmp_path):
    flags = ("--set", "initializer=xavier", "--set", "optimizer.learning_rate=0.1")
    assert dlspec("train", experiment, "--runs-dir", tmp_path / "first", *flags).code == 0
    (first,) = (tmp_path / "first").iterdir()
    path = first / inside if inside else first
    flags = ("--set", f"initializer.path={path}")
    assert dlspec("train", experiment, "--runs-dir", tmp_path / "second", *flags).code == 0
    (second,) = (tmp_path / "second").iterdir()
    before, after = parameters_of(first), parameters_of(second)
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)


def test_the_resolved_experiment_finds_the_file_again(experiment, dlspec, tmp_path):
    saved(ARRAYS, tmp_path)
    assert dlspec("train", experiment, "--runs-dir", tmp_path / "runs").code == 0
    (run,) = (tmp_path / "runs").iterdir()
    assert dlspec("train", run / "config.resolved.yaml", "--runs-dir", tmp_path / "again").code == 0
    (again,) = (tmp_path / "again").iterdir()
    first, second = (checkpoints.of_name(place, "last").read_bytes() for place in (run, again))
    assert first == second


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W1": ARRAYS["W1"].T}, "W1 has shape (2, 3); expected (3, 2); it looks transposed"),
        ({"W1": np.zeros((4, 2))}, "W1 has shape (4, 2); expected (3, 2)"),
        ({"W3": np.zeros((1, 1))}, "W3 is no parameter of this network; expected W1, W2, b1, b2"),
        ({"W2": None}, "has no array W2; expected one of shape (1, 3)"),
        ({"b1": np.array([0.1, np.nan, 0])}, "b1 holds numbers that are not finite in float64"),
        ({"b1": np.array(["a", "b", "c"])}, "b1 holds <U1; expected numbers"),
        ({"b1": np.array([None, 1, 2], dtype=object)}, "b1 holds Python objects; expected numbers or text"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_anything_is_written(change, message, experiment, dlspec, tmp_path):
    saved({name: array for name, array in (ARRAYS | change).items() if array is not None}, tmp_path)
    result = dlspec("train", experiment, "--runs-dir", tmp_path / "runs")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"{tmp_path / 'start.npz'}: {message}\n"
    assert not (tmp_path / "runs").exists()


def test_a_missing_file_is_pointed_at(experiment, dlspec, tmp_path):
    result = dlspec("train", experiment)
    assert result.code == 2
    assert result.err == (
        f"{experiment}:3:38: initializer.path: there is no file or run {tmp_path / 'start.npz'}; expected an NPZ file, "
        "a checkpoint or a run\n"
    )


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x93NUMPY rubbish", b"text"])
def test_damaged_files_are_one_line(content, experiment, dlspec, tmp_path):
    (tmp_path / "start.npz").write_bytes(content)
    result = dlspec("train", experiment, "--runs-dir", tmp_path / "runs")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert result.err.startswith(f"{tmp_path / 'start.npz'}: ")
