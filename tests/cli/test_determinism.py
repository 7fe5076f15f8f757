"""What the promise of the same bytes rests on, and what another kernel of the linear algebra does."""

import json

import pytest

from .commands import REPRODUCIBLE_FILES, only_run, spawn, write

WIDE = """\
name: wide
seed: 3
data: {synthetic: spirals, examples: 300, noise: 0.1}
architecture: {layers: [{units: 40, keep_prob: 0.9}, {units: 20, batch_norm: true}]}
batch_size: 32
training: {epochs: 6}
"""
# Said in docs/concepts/determinism.md.
TOLERANCES = {"float32": 1e-4, "float64": 1e-10}


def trained(place, *flags, env=None):
    place.mkdir()
    config = write(place / "wide.yaml", WIDE)
    arguments = [argument for flag in flags for argument in ("--set", flag)]
    result = spawn("train", config, "-q", *arguments, cwd=place, env=env)
    assert result.code == 0, result.err
    return only_run(place / "runs")


def rows_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_another_kernel_gives_the_same_within_the_tolerance_and_is_noticed(dtype, tmp_path):
    ours = trained(tmp_path / "ours", f"dtype={dtype}")
    other = trained(tmp_path / "other", f"dtype={dtype}", env={"OPENBLAS_CORETYPE": "Prescott"})
    architectures = [
        json.loads((run / "run.json").read_text())["environment"]["blas"][0]["architecture"] for run in (ours, other)
    ]
    if architectures[0] == architectures[1]:
        pytest.skip("this linear algebra has one kernel only")
    for a, b in zip(rows_of(ours), rows_of(other), strict=True):
        for name in ("train_loss", "dev_loss"):
            assert b[name] == pytest.approx(a[name], rel=TOLERANCES[dtype])
    refused = spawn("resume", other, "--epochs", 7, cwd=tmp_path)
    assert (refused.code, refused.out) == (1, "")
    assert "blas: openblas" in refused.err
    assert refused.err.endswith("restore it, or go on with --allow-inexact\n")


def test_variables_that_set_threads_have_no_influence_on_two_threads(tmp_path):
    runs = [
        trained(tmp_path / f"{number}", "threads=2", env={"OMP_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": number})
        for number in ("1", "2", "8")
    ]
    for name in REPRODUCIBLE_FILES:
        if not name.startswith("checkpoints"):
            assert len({(run / name).read_bytes() for run in runs}) == 1, name
    assert len({(run / "checkpoints" / "best.h5").read_bytes() for run in runs}) == 1
