"""Weights and augmentation of an experiment: for training, and for nothing else."""

import json

import numpy as np
import pytest

from dlspec import builder, preparation, runner, session
from dlspec.config import loader
from dlspec.errors import ConfigError

X = np.array([[1.0, 0.0], [0.0, 2.0], [1.5, -1.0], [-0.5, 1.0]])
Y = np.array([0, 1, 0, 1])


def experiment(folder, text, name="experiment.yaml"):
    path = folder / name
    path.write_text(text)
    return loader.load(path)


def csv(path, rows):
    path.write_text("a,b,w,t\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def weights_of(folder, settings, rows):
    csv(folder / "a.csv", rows)
    text = f"data: {{train: a.csv, sample_weight: w, classes: ['0', '1']}}\ndtype: float64\n{settings}"
    return preparation.prepare(experiment(folder, text)).weights


ROWS = [(*x, w, y) for x, w, y in zip(X.tolist(), (2, 1, 0.5, 3), Y.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", [2, 1, 0.5, 3]),
        ("training: {class_weight: {'1': 4}}", [2, 4, 0.5, 12]),
        ("training: {class_weight: balanced}", [2, 1, 0.5, 3]),
    ],
)
def test_weights_of_classes_and_of_examples_are_multiplied(tmp_path, settings, expected):
    assert weights_of(tmp_path, settings, ROWS).tolist() == expected


def test_balanced_counts_examples_and_not_their_weights(tmp_path):
    rows = [*ROWS, (9, 9, 1, 0), (8, 8, 1, 0)]
    found = weights_of(tmp_path, "training: {class_weight: balanced}", rows)
    np.testing.assert_allclose(found, np.array([2, 1, 0.5, 3, 1, 1]) * 6 / 2 / np.array([4, 2, 4, 2, 4, 4]))


def gradient_of(prepared):
    cost = builder.build_cost(prepared.experiment, n_x=2)
    ((Xb, Yb, w),) = session.batches_of(prepared).epoch(0)
    loss = cost.bind(len(Xb))(Xb, Yb, w)
    return loss, cost.parameters.grad.copy()


def test_a_weight_of_two_is_the_example_twice(tmp_path):
    text = """\
data: {train: TRAIN, target: t, sample_weight: w, normalize: none}
architecture: {layers: [{units: 3, activation: tanh}]}
dtype: float64
batch_size: all
"""
    once = [(*x, 2 if i == 1 else 1, y) for i, (x, y) in enumerate(zip(X.tolist(), Y.tolist(), strict=True))]
    twice = [(*row[:2], 1, row[3]) for row in (*once, once[1])]
    found = {}
    for name, rows in (("once", once), ("twice", twice)):
        csv(tmp_path / f"{name}.csv", rows)
        loaded = experiment(tmp_path, text.replace("TRAIN", f"{name}.csv"), f"{name}.yaml")
        loss, gradient = gradient_of(preparation.prepare(loaded))
        found[name] = loss * len(rows), gradient * len(rows)  # without the 1/m
    assert found["once"][0] == pytest.approx(found["twice"][0], rel=1e-14)
    np.testing.assert_allclose(found["once"][1], found["twice"][1], rtol=1e-12, atol=1e-15)


def test_evaluation_is_not_weighted(tmp_path):
    """The same parameters measure the same, whatever the weights; training ends elsewhere."""
    losses = {}
    for name, weight in (("even", 1), ("uneven", 5)):
        csv(tmp_path / f"{name}.csv", [(*row[:2], weight if row[3] else 1, row[3]) for row in ROWS])
        text = f"data: {{train: {name}.csv, sample_weight: w}}\nbatch_size: all\n"
        prepared = preparation.prepare(experiment(tmp_path, text))
        cost = builder.build_cost(prepared.experiment, n_x=2)
        evaluator = builder.build_evaluator(prepared.experiment, cost, prepared.dataset)
        before = evaluator.measure("train")["loss"]
        for _ in session.build_trainer(prepared, cost, evaluator, interrupted=lambda: False).run():
            pass
        losses[name] = before, evaluator.measure("train")["loss"]
    assert losses["even"][0] == losses["uneven"][0]
    assert losses["even"][1] != losses["uneven"][1]


IMAGES = """\
name: images
seed: 4
data: {path: a.npz, normalize: scale}
architecture: {layers: [{units: 5}]}
batch_size: 16
training: {epochs: 2}
"""


@pytest.fixture
def images(tmp_path, rng):
    x = rng.integers(0, 256, (60, 4, 5)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x=x, y=np.arange(60) % 2)
    return tmp_path


def trained(folder, text):
    outcome = runner.train(preparation.prepare(experiment(folder, text)), runs_dir=folder / "runs")
    files = [outcome.run / "metrics.jsonl", outcome.run / "report.json", *(outcome.run / "checkpoints").iterdir()]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("batch_size", ["16", "all"])
def test_changes_that_are_all_off_change_nothing(images, batch_size):
    text = IMAGES.replace("16", batch_size)
    plain, off = (trained(images, text + section) for section in ("", "augmentation: {}\n"))
    assert plain == off


@pytest.mark.parametrize("batch_size", ["16", "all"])
def test_augmentation_is_reproducible_and_does_something(images, batch_size):
    text = IMAGES.replace("16", batch_size)
    many = (
        text + "augmentation: {shift: 1, rotation: 9, noise: 3, elastic: {alpha: 3, sigma: 1}, horizontal_flip: 0.5}\n"
    )
    one, again, plain = (trained(images, text) for text in (many, many, text))
    assert one == again
    assert one["metrics.jsonl"] != plain["metrics.jsonl"]


def test_training_alone_is_augmented(images):
    plain, augmented = (
        preparation.prepare(experiment(images, IMAGES + section)) for section in ("", "augmentation: {noise: 9}\n")
    )
    for name, examples in plain.dataset.splits.items():
        other = augmented.dataset.splits[name]
        assert np.array_equal(examples.X, other.X)
        assert np.array_equal(examples.Y, other.Y)
        assert (other.raw is not None) == (name == "train")
        assert examples.raw is None
    assert augmented.dataset.splits["train"].raw.dtype == np.uint8
    cost = builder.build_cost(plain.experiment, n_x=20)
    found = [
        builder.build_evaluator(prepared.experiment, cost, prepared.dataset).evaluate("train")
        for prepared in (plain, augmented)
    ]
    assert found[0] == found[1]
    batches = zip(session.batches_of(plain).epoch(0), session.batches_of(augmented).epoch(0), strict=True)
    for (Xb, Yb, _), (other_X, other_Y, _) in batches:
        assert np.array_equal(Yb, other_Y)  # the labels, and the order of the examples
        assert not np.array_equal(Xb, other_X)
        np.testing.assert_allclose(other_X, Xb, atol=5 * 9 / 255)


def test_an_interrupted_epoch_goes_on_with_the_same_images(images):
    prepared = preparation.prepare(experiment(images, IMAGES + "augmentation: {noise: 9, shift: 1}\n"))
    batches = session.batches_of(prepared)
    whole = [Xb.copy() for Xb, _, _ in batches.epoch(1)]
    rest = [Xb.copy() for Xb, _, _ in batches.epoch(1, start=2 * 16)]
    assert len(rest) == len(whole) - 2 == 1
    assert all(np.array_equal(a, b) for a, b in zip(whole[2:], rest, strict=True))


@pytest.mark.parametrize(
    ("data", "section", "message"),
    [
        (
            "{synthetic: moons}",
            "{noise: 1}",
            "2:1: augmentation: the inputs are no images; expected an array (examples, height, width) or "
            "(examples, height, width, channels) in HDF5 or NPZ, or leave augmentation out",
        ),
        (
            "{path: a.npz}",
            "{crop: {padding: 4}}",
            "2:1: augmentation: crop and shift move images by up to 4 pixels, but they are 4 x 5; expected less than 4",
        ),
        (
            "{path: a.npz}",
            "{shift: 7}",
            "2:1: augmentation: crop and shift move images by up to 7 pixels, but they are 4 x 5; expected less than 4",
        ),
    ],
)
def test_augmentation_that_does_not_fit_the_data(images, data, section, message):
    loaded = experiment(images, f"data: {data}\naugmentation: {section}\n")
    with pytest.raises(ConfigError) as caught:
        preparation.prepare(loaded)
    assert str(caught.value) == f"{images / 'experiment.yaml'}:{message}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{synthetic: moons, test: {seed: 1}}", "1:39: data.test.seed: found 1, which is the seed of train too"),
        ("{synthetic: moons, seed: 5, dev: {seed: 5}}", "1:47: data.dev.seed: found 5, which is the seed of train too"),
        (
            "{synthetic: moons, dev: {seed: 6}, test: {seed: 6}}",
            "1:55: data.test.seed: found 6, which is the seed of dev too",
        ),
    ],
)
def test_synthetic_sets_of_one_seed(tmp_path, data, message):
    loaded = experiment(tmp_path, f"data: {data}\n")
    with pytest.raises(ConfigError) as caught:
        preparation.prepare(loaded)
    assert str(caught.value) == f"{loaded.path}:{message}; expected another"


def test_synthetic_sets_made_apart_are_written_out_and_read_back(tmp_path):
    text = "data: {synthetic: circles, examples: 30, noise: 0.1, test: {seed: 2}}\ntraining: {epochs: 1}\n"
    outcome = runner.train(preparation.prepare(experiment(tmp_path, text)), runs_dir=tmp_path / "runs")
    report = json.loads((outcome.run / "report.json").read_text())
    assert [(split["split"], split["examples"]) for split in report["splits"]] == [("train", 30), ("test", 30)]
    again = loader.load(outcome.run / "config.resolved.yaml")
    assert again.experiment.data.seed == 1
    assert again.experiment.data.split is None
    prepared = preparation.prepare(again)
    assert prepared.dataset.fingerprint == json.loads((outcome.run / "run.json").read_text())["data"]["sha256"]
