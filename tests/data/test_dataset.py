import hashlib

import h5py
import numpy as np
import pytest
from flat_loading import load_file, load_files, load_synthetic

from dlspec.core.randomness import stream
from dlspec.data import loading, streamed_loading
from dlspec.data.dataset import Preparation
from dlspec.data.loading import Points
from dlspec.data.memory import Memory
from dlspec.data.normalization import Normalization, fit
from dlspec.data.reading import Reading
from dlspec.data.split import by_chance
from dlspec.data.synthetic import circles
from dlspec.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.integers(0, 50, size=(30, 3)) / 4
LABELS = np.array(["cat", "dog", "emu"] * 10)


def csv(path, x, y, names=("a", "b", "c"), target="t"):
    rows = (",".join([*map(repr, row), str(label)]) for row, label in zip(x.tolist(), y.tolist(), strict=True))
    path.write_text("\n".join([",".join([*names, target]), *rows]) + "\n")
    return path


def npz(path, x, y, **others):
    np.savez(path, x=x, y=y, **others)
    return path


def error_of(call, *arguments, **settings):
    with pytest.raises(DataError) as caught:
        call(*arguments, **{"seed": 0, **settings})
    return str(caught.value)


def assert_same(one, two):
    assert list(one.splits) == list(two.splits)
    for name, examples in one.splits.items():
        other = two.splits[name]
        for found, expected in ((examples.X, other.X), (examples.Y, other.Y), (examples.rows, other.rows)):
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected)
    for name in ("task", "classes", "n_targets", "feature_names", "target_names", "cut", "warnings"):
        assert getattr(one, name) == getattr(two, name)


@pytest.mark.parametrize("y", [LABELS, np.arange(30) % 3, np.arange(30) / 7], ids=["text", "whole", "real"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_same_rows_from_every_format_are_the_same_dataset(tmp_path, y, dtype):
    csv(tmp_path / "a.csv", X, y)
    (tmp_path / "a.tsv").write_text((tmp_path / "a.csv").read_text().replace(",", "\t"))
    npz(tmp_path / "a.npz", X, y, t=y, feature_names=np.array(["a", "b", "c"]))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["t"] = X, y.tolist() if y.dtype.kind == "U" else y
        file["x"].attrs["feature_names"] = ["a", "b", "c"]
    one, *others = (
        load_file(tmp_path / f"a.{suffix}", y=array, seed=3, dtype=dtype)
        for suffix, array in (("csv", "y"), ("tsv", "y"), ("npz", "t"), ("h5", "t"))
    )
    for other in others:
        assert_same(one, other)


def test_classification_by_hand(tmp_path):
    path = csv(tmp_path / "a.csv", X, LABELS)
    dataset = load_file(path, seed=5)
    assert dataset.task == "classification"
    assert dataset.classes == ("cat", "dog", "emu")
    assert dataset.n_targets == 1
    assert dataset.target_names == ("t",)
    assert dataset.cut.ratios == (0.6, 0.2, 0.2)
    assert dataset.cut.strategy == "stratified"
    assert dataset.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()
    assert dataset.warnings == ()
    codes = np.arange(30) % 3
    split_of = by_chance(30, ratios=(0.6, 0.2, 0.2), rng=stream(5, "split"), labels=codes)
    rows = [np.flatnonzero(split_of == number) for number in range(3)]
    assert list(dataset.splits) == ["train", "dev", "test"]
    mean, std = X[rows[0]].mean(axis=0), X[rows[0]].std(axis=0)
    for examples, expected in zip(dataset.splits.values(), rows, strict=True):
        assert np.array_equal(examples.rows, expected)
        assert np.array_equal(examples.Y, codes[expected])
        assert examples.Y.dtype == np.intp
        assert examples.X.dtype == np.float32
        assert examples.X.flags.c_contiguous
        np.testing.assert_allclose(examples.X, (X[expected] - mean) / std, rtol=1e-5, atol=1e-6)
    assert [np.bincount(examples.Y).tolist() for examples in dataset.splits.values()] == [[6] * 3, [2] * 3, [2] * 3]


def test_regression_with_several_targets(tmp_path):
    Y = np.column_stack((X[:, 0] * 2, X[:, 1] + 0.5))
    dataset = load_file(npz(tmp_path / "a.npz", X, Y), seed=0, dtype=np.float64, ratios=(0.7, 0.3))
    assert dataset.task == "regression"
    assert dataset.classes == ()
    assert dataset.n_targets == 2
    assert dataset.target_names == ("y1", "y2")
    assert dataset.cut.strategy == "random"
    assert list(dataset.splits) == ["train", "dev"]
    for examples in dataset.splits.values():
        assert np.array_equal(examples.Y, Y[examples.rows])
        assert examples.Y.flags.c_contiguous


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (LABELS, "classification"),
        (np.array([True, False] * 15), "classification"),
        (np.arange(30.0), "classification"),
        (np.arange(30) * 10**6, "classification"),
        (np.arange(30) / 2, "regression"),
        (np.eye(30, 2), "regression"),
    ],
)
def test_auto_task(tmp_path, y, task):
    assert load_file(npz(tmp_path / "a.npz", X, y), seed=0).task == task


@pytest.mark.parametrize(("values", "task"), [(100, "classification"), (101, "regression")])
def test_auto_task_counts_the_different_whole_numbers(tmp_path, values, task):
    x = np.arange(400.0).reshape(400, 1)
    assert load_file(npz(tmp_path / "a.npz", x, np.arange(400) % values), seed=0).task == task


def test_a_stated_task_rules(tmp_path):
    path = npz(tmp_path / "a.npz", X, np.arange(30) % 3)
    regression = load_file(path, seed=0, task="regression")
    assert regression.splits["train"].Y.shape == (18, 1)
    assert regression.splits["train"].Y.dtype == np.float32
    path = npz(tmp_path / "b.npz", np.ones((400, 1)), np.arange(400) % 150)
    assert len(load_file(path, seed=0, task="classification", normalize="none").classes) == 150


CODES = [
    (["class10", "class2", "class1"], None, ("class1", "class2", "class10"), [2, 1, 0]),
    (["a1", "b", "a01"], None, ("a01", "a1", "b"), [1, 2, 0]),
    (["x", "x1", ""], None, ("", "x", "x1"), [1, 2, 0]),
    ([7, -3, 5], None, ("-3", "5", "7"), [2, 0, 1]),
    ([7.0, -3.0, 5.0], None, ("-3", "5", "7"), [2, 0, 1]),
    ([True, False, True], None, ("0", "1"), [1, 0, 1]),
    (["cat", "dog", "cat"], ["dog", "cat", "emu"], ("dog", "cat", "emu"), [1, 0, 1]),
    ([0, 2, 1], ["dog", "cat", "emu"], ("dog", "cat", "emu"), [0, 2, 1]),
    ([1, 3, 2], ["1", "2", "3"], ("1", "2", "3"), [0, 2, 1]),
]


@pytest.mark.parametrize(("labels", "given", "classes", "codes"), CODES)
def test_classes(tmp_path, labels, given, classes, codes):
    path = npz(tmp_path / "a.npz", np.arange(3.0).reshape(3, 1), np.array(labels))
    dataset = load_files(path, seed=0, classes=given)
    assert dataset.classes == classes
    assert dataset.splits["train"].Y.tolist() == codes
    assert dataset.cut is None


def test_classes_of_the_file_and_a_class_without_examples(tmp_path):
    path = npz(tmp_path / "a.npz", X, np.arange(30) % 2, classes=np.array(["no", "yes", "maybe"]))
    dataset = load_file(path, seed=0)
    assert dataset.classes == ("no", "yes", "maybe")
    assert dataset.warnings == ("classes without a training example: maybe",)
    assert load_file(path, seed=0, classes=("a", "b")).classes == ("a", "b")


# Names that the training file lists, the dev file, the experiment; the classes; what the labels 0, 1, 2 of dev become.
MEANT = [
    (["no", "yes", "so"], ["no", "yes", "so"], None, ("no", "yes", "so"), [0, 1, 2]),
    (["no", "yes", "so"], ["so", "no", "yes"], None, ("no", "yes", "so"), [2, 0, 1]),
    (["no", "yes", "so"], None, None, ("no", "yes", "so"), [0, 1, 2]),
    (None, ["so", "no", "yes"], ["no", "yes", "so"], ("no", "yes", "so"), [2, 0, 1]),
    (["so", "no", "yes"], None, ["no", "yes", "so"], ("no", "yes", "so"), [2, 0, 1]),
    (["no", "yes", "so"], ["so", "no", "yes"], ["non", "oui", "comme"], ("non", "oui", "comme"), [2, 0, 1]),
    (["no", "yes", "so"], ["comme", "non", "oui"], ["non", "oui", "comme"], ("non", "oui", "comme"), [2, 0, 1]),
]


@pytest.mark.parametrize(("train", "dev", "given", "classes", "codes"), MEANT)
@pytest.mark.parametrize("streamed", [False, True])
def test_labels_mean_the_names_that_their_file_lists(tmp_path, train, dev, given, classes, codes, streamed):
    files = [tmp_path / "train.h5", tmp_path / "dev.h5"]
    for path, names in zip(files, (train, dev), strict=True):
        with h5py.File(path, "w") as file:
            file["x"], file["y"] = X[:3], np.arange(3)
            if names is not None:
                file["classes"] = names
    memory = {"memory": Memory(1_000_000)} if streamed else {}
    load = streamed_loading.load_files if streamed else loading.load_files
    dataset = load(*files, reading=Reading(classes=given), cut=None, preparation=Preparation(), **memory)
    assert dataset.classes == classes
    assert np.concatenate([Y for _, Y in dataset.splits["dev"].blocks(3)]).tolist() == codes


def test_a_listed_name_that_is_no_class(tmp_path):
    train = npz(tmp_path / "train.npz", X[:4], np.arange(4) % 2, classes=np.array(["cat", "dog"]))
    dev = npz(tmp_path / "dev.npz", X[:3], np.arange(3), classes=np.array(["dog", "fox", "cat"]))
    assert error_of(load_files, train, dev) == (
        f"{dev}: row 1: label '1' stands for 'fox' in this file, which is not among the classes cat, dog"
    )
    npz(dev, X[:2], np.array([0, 2]), classes=np.array(["dog", "fox", "cat"]))
    assert load_files(train, dev, seed=0).splits["dev"].Y.tolist() == [1, 0]


def test_constant_features_are_named(tmp_path):
    x = np.column_stack((X, np.full(30, 0.1)))
    dataset = load_file(npz(tmp_path / "a.npz", x, LABELS), seed=0)
    assert dataset.warnings == ("features constant in training, so that they become 0: x4",)
    assert not dataset.splits["dev"].X[:, 3].any()


def test_images(tmp_path):
    x = RNG.integers(0, 256, size=(30, 4, 5, 3)).astype(np.uint8)
    dataset = load_file(npz(tmp_path / "a.npz", x, LABELS), seed=0, normalize="scale")
    assert dataset.image_shape == (4, 5, 3)
    train = dataset.splits["train"]
    np.testing.assert_allclose(train.X, x.reshape(30, -1)[train.rows] / 255, rtol=1e-6)


def test_files_already_split(tmp_path):
    parts = {
        name: csv(tmp_path / f"{name}.csv", X[rows], LABELS[rows])
        for name, rows in (("train", slice(0, 18)), ("dev", slice(18, 24)), ("test", slice(24, 30)))
    }
    dataset = load_files(parts["train"], parts["dev"], parts["test"], seed=0)
    assert {name: len(examples.X) for name, examples in dataset.splits.items()} == {"train": 18, "dev": 6, "test": 6}
    assert dataset.splits["test"].rows.tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(dataset.normalization.mean, X[:18].mean(axis=0))
    everything = b"".join(path.read_bytes() for path in parts.values())
    assert dataset.fingerprint == hashlib.sha256(everything).hexdigest()
    assert list(load_files(parts["train"], None, parts["test"], seed=0).splits) == ["train", "test"]
    assert list(load_files(parts["train"], seed=0).splits) == ["train"]


def test_a_missing_dev_set_is_cut_from_train_where_asked(tmp_path):
    train, test = csv(tmp_path / "a.csv", X, LABELS), csv(tmp_path / "b.csv", X[:5], LABELS[:5])
    dataset = load_files(train, None, test, seed=4, ratios=(0.8, 0.2))
    assert {name: len(examples.X) for name, examples in dataset.splits.items()} == {"train": 24, "dev": 6, "test": 5}
    assert dataset.cut.ratios == (0.8, 0.2)
    assert dataset.cut.strategy == "stratified"
    message = f"{train}: dev is given; ratios train/dev are for a dev set cut from the training file"
    assert error_of(load_files, train, test, ratios=(0.8, 0.2)) == message
    message = f"{train}: 3 ratios; ratios train/dev are for a dev set cut from the training file"
    assert error_of(load_files, train, ratios=(0.6, 0.2, 0.2)) == message


def test_a_saved_normalization_is_applied_and_not_fitted(tmp_path):
    saved = fit(X * 3 + 1, "standard")
    path = npz(tmp_path / "a.npz", X, np.zeros(30, dtype=int))
    dataset = load_files(path, seed=0, classes=("no", "yes"), normalization=saved)  # one class will do to evaluate
    assert dataset.normalization is saved
    assert np.array_equal(dataset.splits["train"].X, saved.apply(X, np.float32))
    other = Normalization(kind="none", mean=np.zeros(2), std=np.ones(2))
    message = f"{path}: 3 features; expected 2, as many as the model was trained on"
    assert error_of(load_files, path, classes=("no", "yes"), normalization=other) == message


def test_seeds_and_strategies(tmp_path):
    path = npz(tmp_path / "a.npz", X, LABELS)
    one, again, other = (load_file(path, seed=seed).splits["dev"].rows for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert load_file(path, seed=1, strategy="random").cut.strategy == "random"
    assert not np.array_equal(load_file(path, seed=1, strategy="random").splits["dev"].rows, one)


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (np.array([0.0, 1.5, 0.0]), {"task": "classification"},
         ": row 1: target 1.5 is not a whole number; expected class labels (task: regression predicts numbers)"),
        (np.array(["1", "b", "2"]), {"task": "regression"},
         ": row 1: target 'b' is text; expected a number (task: classification learns classes)"),
        (np.zeros((3, 2)), {"task": "classification"},
         ": 2 targets per example; expected one label for classification"),
        (np.array(["a", "a", "a"]), {}, ": every label is 'a'; expected at least two classes"),
        (np.array([4, 4, 4]), {}, ": every label is '4'; expected at least two classes"),
        (
            np.array([0.5, 0.5, 0.5]),
            {},
            ": target y is 0.5 in every example; expected one that differs",
        ),
        (
            np.array([[1.5, 2], [2.5, 2], [3.5, 2]]),
            {"task": "regression"},
            ": target y2 is 2 in every example; expected one that differs",
        ),
        (np.array([1, 1, 1]), {"classes": ["no", "yes"]},
         ": every training example is of class 'yes'; expected at least two classes"),
        (np.array([0, 1, 2]), {"classes": ["no", "yes"]},
         ": row 2: label '2' is out of range; expected 0 to 1, positions in the classes no, yes"),
        (np.array([0, -1, 1]), {"classes": ["no", "yes"]},
         ": row 1: label '-1' is out of range; expected 0 to 1, positions in the classes no, yes"),
        (np.array(["no", "yes", "Yes"]), {"classes": ["no", "yes"]},
         ": row 2: label 'Yes' is not among the classes no, yes"),
        (np.array([3, 4, 5]), {"classes": ["3", "5"]}, ": row 1: label '4' is not among the classes 3, 5"),
        (np.array([0, 1, 1]), {"classes": ["a", "a"]}, ": two classes are named 'a'; expected different names"),
        (np.array([0.5, 1, 1e39]), {}, ": row 2: target y is too large for float32; rescale it"),
    ],
)  # fmt: skip
def test_wrong_targets(tmp_path, y, settings, message):
    path = npz(tmp_path / "a.npz", np.arange(3.0).reshape(3, 1), y)
    assert error_of(load_files, path, **settings) == f"{path}{message}"


def test_wrong_targets_of_a_csv_name_the_line(tmp_path):
    path = csv(tmp_path / "a.csv", X[:3], np.array(["1", "2", "2.5"]))
    message = f"{path}:4: target 2.5 is not a whole number; expected class labels (task: regression predicts numbers)"
    assert error_of(load_file, path, task="classification") == message


def test_labels_unknown_to_the_training_file(tmp_path):
    train = csv(tmp_path / "train.csv", X, LABELS)
    dev = csv(tmp_path / "dev.csv", X[:3], np.array(["cat", "cat", "fox"]))
    assert error_of(load_files, train, dev) == f"{dev}:4: label 'fox' is not among the classes cat, dog, emu"
    train = npz(tmp_path / "train.npz", X, np.arange(30) % 3)
    test = npz(tmp_path / "test.npz", X[:3], np.array([0, 5, 6]))
    assert error_of(load_files, train, None, test) == f"{test}: row 1: label '5' is not among the classes 0, 1, 2"


@pytest.mark.parametrize(
    ("x", "y", "names", "message"),
    [
        (X[:, :2], LABELS, ("a", "b"), ": 2 features; expected 3, as in {train}"),
        (X, LABELS, ("a", "c", "b"), ": feature 2 is 'c'; expected 'b', as in {train}"),
    ],
)
def test_features_that_differ_between_files(tmp_path, x, y, names, message):
    train, dev = csv(tmp_path / "train.csv", X, LABELS), csv(tmp_path / "dev.csv", x, y, names)
    assert error_of(load_files, train, dev) == f"{dev}{message.format(train=train)}"


def test_images_and_targets_that_differ_between_files(tmp_path):
    train = npz(tmp_path / "train.npz", np.zeros((3, 2, 6)), np.eye(3))
    dev = npz(tmp_path / "dev.npz", np.zeros((3, 3, 4)), np.eye(3))
    assert error_of(load_files, train, dev) == f"{dev}: images of shape (3, 4); expected (2, 6), as in {train}"
    dev = npz(tmp_path / "dev.npz", np.zeros((3, 2, 6)), np.eye(3)[:, :2])
    assert error_of(load_files, train, dev) == f"{dev}: 2 targets; expected 3, as in {train}"


def test_values_too_large(tmp_path):
    x = np.array([[1.0, 0.0], [2.0, 1e200], [3.0, -1e200]])
    path = npz(tmp_path / "a.npz", x, np.array([0, 1, 1]))
    assert error_of(load_files, path) == f"{path}: feature x2 has values too large to square; rescale it"
    message = f"{path}: row 1: feature x2 is too large for float32; rescale it"
    assert error_of(load_files, path, normalize="none") == message
    assert load_files(path, seed=0, normalize="none", dtype=np.float64).splits["train"].X.tolist() == x.tolist()


def test_splits_that_cannot_be(tmp_path):
    path = npz(tmp_path / "a.npz", X[:3], LABELS[:3])
    assert error_of(load_file, path) == f"{path}: 3 examples split 60/20/20 leave a split empty; 5 are enough"
    path = npz(tmp_path / "a.npz", X, X[:, 0])
    message = f"{path}: a stratified split needs classes; expected strategy random"
    assert error_of(load_file, path, strategy="stratified") == message


def test_synthetic():
    dataset = load_synthetic("flower", Points(400, seed=1), seed=2, normalize="none", dtype=np.float64)
    assert dataset.task == "classification"
    assert dataset.classes == ("0", "1")
    assert dataset.feature_names == ("x1", "x2")
    assert {name: len(examples.X) for name, examples in dataset.splits.items()} == {"train": 240, "dev": 80, "test": 80}
    points = np.empty((400, 2))
    for examples in dataset.splits.values():
        points[examples.rows] = examples.X
    np.testing.assert_allclose(points[0], [1.20444229, 3.57611427], atol=1e-8)  # the course's first point
    same, noise, seed = (
        load_synthetic("flower", points, seed=9).fingerprint
        for points in (Points(400, seed=1), Points(400, seed=1, noise=0.3), Points(400, seed=2))
    )
    assert same == dataset.fingerprint
    assert len({same, noise, seed}) == 3


def test_too_few_synthetic_examples():
    message = "moons: 2 examples split 60/20/20 leave a split empty; 5 are enough"
    with pytest.raises(DataError) as caught:
        load_synthetic("moons", Points(2, seed=0), seed=0)
    assert str(caught.value) == message


def test_synthetic_sets_made_apart():
    train, test = Points(300, seed=1), Points(100, seed=2, noise=0.2)
    dataset = load_synthetic("circles", train, None, test, seed=0, normalize="none", dtype=np.float64)
    assert list(dataset.splits) == ["train", "test"]
    assert dataset.cut is None
    for name, examples, seed, noise in (("train", 300, 1, 0.05), ("test", 100, 2, 0.2)):
        points, labels = circles(examples, noise, np.random.RandomState(seed))
        assert np.array_equal(dataset.splits[name].X, points)
        assert np.array_equal(dataset.splits[name].Y, labels)
        assert np.array_equal(dataset.splits[name].rows, np.arange(examples))
    other = load_synthetic("circles", train, None, Points(100, seed=3, noise=0.2), seed=0)
    assert other.fingerprint != dataset.fingerprint
    assert other.normalization.kind == "standard"
    np.testing.assert_allclose(other.normalization.mean, circles(300, 0.05, np.random.RandomState(1))[0].mean(axis=0))


def test_a_dev_set_is_cut_from_a_synthetic_train_set_where_asked():
    train, other = Points(100, seed=1), Points(50, seed=2)
    dataset = load_synthetic("moons", train, None, other, seed=0, ratios=(0.8, 0.2))
    assert {name: len(part.X) for name, part in dataset.splits.items()} == {"train": 80, "dev": 20, "test": 50}
    assert list(load_synthetic("moons", train, other, seed=0).splits) == ["train", "dev"]
    for sets, reason in (((train, other), "dev is given"), ((train, None, other), "3 ratios")):
        ratios = (0.8, 0.2) if reason == "dev is given" else (0.6, 0.2, 0.2)
        with pytest.raises(DataError) as caught:
            load_synthetic("moons", *sets, seed=0, ratios=ratios)
        assert str(caught.value) == f"moons: {reason}; ratios train/dev are for a dev set cut from the training set"
