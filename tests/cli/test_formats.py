"""Formats of data as an experiment names them: keys, flags, and mistakes in them."""

import json

import numpy as np
import pytest
from PIL import Image

from .commands import only_run, write

FOLDER = "data: {path: pets, image: {size: [2, 3], mode: grey}, split: {ratios: 50/50}}\ntraining: {epochs: 1}\n"


@pytest.fixture
def pets(tmp_path):
    """Two classes of eight images of different sizes."""
    for name, colour in (("cat", (200, 0, 0)), ("dog", (0, 0, 200))):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(8):
            Image.new("RGB", (4 + number, 5), colour).save(tmp_path / "pets" / name / f"{number}.png")
    return write(tmp_path / "pets.yaml", FOLDER)


def test_a_folder_of_images_is_trained_and_evaluated(pets, tmp_path, dlspec):
    result = dlspec("train", pets, "--runs-dir", tmp_path / "runs")
    assert result.code == 0, result.err
    run = only_run(tmp_path / "runs")
    assert "mode: grey" in (run / "config.resolved.yaml").read_text()
    assert dlspec("evaluate", run).code == 0
    digest = json.loads((run / "run.json").read_text())["data"]["sha256"]
    image = tmp_path / "pets" / "cat" / "0.png"
    image.rename(tmp_path / "pets" / "dog" / "8.png")
    again = dlspec("evaluate", run)
    assert "changed" in again.err
    image.write_bytes((tmp_path / "pets" / "dog" / "8.png").read_bytes())
    (tmp_path / "pets" / "dog" / "8.png").unlink()
    assert dlspec("evaluate", run).err == ""
    assert len(digest) == 64


def test_flags_reach_the_reader(pets, dlspec):
    assert dlspec("validate", pets, "--set", "data.image.mode=rgb", "--set", "data.image.size=[4, 4]").code == 0
    result = dlspec("validate", pets, "--set", "data.image=null")
    assert result.code == 2
    assert "pixels, but " in result.err
    assert "bring them to one size with image.size" in result.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mode: grey", "mode: gray", "1:48: data.image.mode: found 'gray'; expected one of: rgb, grey"),
        ("size: [2, 3]", "size: [2]", "1:28: data.image.size: found a list of 1; expected"),
        ("size: [2, 3]", "size: [2, 0]", "1:38: data.image.size.1: found 0; expected"),
        ("size:", "sizes:", "1:28: data.image.sizes: unknown key; did you mean size?"),
        ("path: pets", "path: pats", "1:14: data.path: there is no file"),
        ("path: pets", "path: pets/cat", "pets/cat/0.png: outside the classes; expected only directories here"),
        ("path: pets", "path: pets.yaml", "pets.yaml: unknown suffix '.yaml'; expected one of .csv, .tsv, .parquet"),
    ],
)  # fmt: skip
def test_mistakes(pets, dlspec, old, new, message):
    pets.write_text(FOLDER.replace(old, new))
    result = dlspec("validate", pets)
    assert result.code == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1


def test_files_that_belong_together(tmp_path, dlspec):
    for name in ("x_train", "x_test"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(20, 3)))
        np.save(tmp_path / f"{name.replace('x', 'y')}.npy", np.arange(20) % 2)
    config = write(tmp_path / "exp.yaml", "data: {train: x_train.npy, test: x_test.npy}\ntraining: {epochs: 1}\n")
    assert dlspec("validate", config).code == 0
    (tmp_path / "y_test.npy").unlink()
    result = dlspec("validate", config)
    expected = "x_test.npy: there is no file y_test.npy beside it; name the file of the targets with y\n"
    assert (result.code, result.err) == (2, f"{tmp_path}/{expected}")
