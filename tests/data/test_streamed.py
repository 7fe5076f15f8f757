"""Sets that are read in parts: what training gets of them is what it gets of the same set in memory."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from format_files import write_parquet

from dlspec.data import loading, split_file, streamed_loading
from dlspec.data.dataset import Preparation
from dlspec.data.division import Cut
from dlspec.data.memory import Memory
from dlspec.data.reading import Reading
from dlspec.data.streamed_batches import StreamedBatches
from dlspec.errors import DataError

M, N = 700, 6
RNG = np.random.default_rng(0)
X = (100 + 3 * RNG.standard_normal((M, N))).astype(np.float32)
X[:, 4] = 0.1  # constant
NAMES = np.array(["cat", "dog", "eel"])
Y = {
    "numbers": np.arange(M) % 3,
    "text": NAMES[RNG.integers(0, 3, M)],
    "regression": RNG.standard_normal(M),
    "two targets": RNG.standard_normal((M, 2)),
    "multi-task": RNG.integers(-1, 2, (M, 2)),
}
TASKS = {"multi-task": "multi_task"}
MEMORY = Memory(64_000)  # pieces of ten rows
LITTLE = Memory(20_000)  # buffers of some hundred
MORE = Memory(800_000)


def hdf5(folder, y, **settings):
    path = folder / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X, **settings)
        file["y"] = y.astype("S3") if y.dtype.kind == "U" else y
    return path


def npy(folder, y):
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", y)
    return folder / "x.npy"


def parquet(folder, y, **settings):
    targets = {f"t{j}": column for j, column in enumerate(y.reshape(M, -1).T)}
    columns = {f"x{j}": X[:, j] for j in range(N)} | targets
    return write_parquet(folder / "a.parquet", columns, metadata={"target": [*targets]}, **settings)


FILES = {
    "contiguous": hdf5,
    "chunked": lambda folder, y: hdf5(folder, y, chunks=(64, N), compression="gzip"),
    "chunks of columns": lambda folder, y: hdf5(folder, y, chunks=(7, 2)),
    "npy": npy,
    "parquet": lambda folder, y: parquet(folder, y, row_group_size=50),
    "one row group": parquet,
}


@pytest.fixture(autouse=True)
def _a_reader_that_takes_nothing(monkeypatch):
    """The memories of these tests are far below what pyarrow takes for itself."""
    for name in ("LEAST_MEMORY", "_READER_BYTES"):
        monkeypatch.setattr(f"dlspec.data.parquet_rows.{name}", 0)


def both(path, *, task="auto", cut=None, dtype=np.float32, memory=MEMORY, **preparation):
    """The set in memory, and read in parts."""
    settings = {
        "reading": Reading(task=task),
        "cut": cut or Cut(seed=3),
        "preparation": Preparation(dtype=dtype, **preparation),
    }
    return loading.load_file(path, **settings), streamed_loading.load_file(path, **settings, memory=memory)


def all_of(examples, size=64):
    blocks = [(block_x.copy(), block_y.copy()) for block_x, block_y in examples.blocks(size)]
    assert all(len(x) <= size for x, _ in blocks)
    return np.concatenate([x for x, _ in blocks]), np.concatenate([y for _, y in blocks])


@pytest.mark.parametrize("targets", Y)
@pytest.mark.parametrize("form", FILES)
def test_the_same_examples_as_in_memory(tmp_path, form, targets):
    path = FILES[form](tmp_path, Y[targets])
    limit = MORE if form in ("parquet", "one row group") else MEMORY
    memory, streamed = both(path, task=TASKS.get(targets, "auto"), cut=Cut(seed=3, train_dev=0.1), memory=limit)
    assert list(streamed.splits) == list(memory.splits) == ["train", "train-dev", "dev", "test"]
    for name in ("task", "classes", "n_targets", "feature_names", "target_names", "cut", "fingerprint", "warnings"):
        assert getattr(streamed, name) == getattr(memory, name)
    assert streamed.warnings == (f"features constant in training, so that they become 0: {memory.feature_names[4]}",)
    for name, examples in memory.splits.items():
        found = streamed.splits[name]
        assert (len(found), found.n_x) == (len(examples), N)
        found_x, found_y = all_of(found)
        assert found_y.dtype == examples.Y.dtype
        assert np.array_equal(found_y, examples.Y, equal_nan=found_y.dtype.kind == "f")
        np.testing.assert_allclose(found_x, examples.X, rtol=1e-6, atol=1e-6)
        if memory.task == "classification":
            assert found.class_counts(3).tolist() == examples.class_counts(3).tolist()
    if memory.task == "regression":
        variance = memory.splits["train"].target_variance()
        assert streamed.splits["train"].target_variance() == pytest.approx(variance, rel=1e-6)


@pytest.mark.parametrize("place", ["attribute", "array"])
def test_names_of_features_and_classes(tmp_path, place):
    names = [f"n{j}" for j in range(N)]
    path = hdf5(tmp_path, Y["numbers"])
    with h5py.File(path, "a") as file:
        file["classes"] = NAMES.tolist()
        if place == "attribute":
            file["x"].attrs["feature_names"] = names
        else:
            file["feature_names"] = names
    for dataset in both(path):
        assert dataset.feature_names == tuple(names)
        assert dataset.classes == tuple(NAMES)


@pytest.mark.parametrize("form", FILES)
def test_some_examples_are_from_all_over_the_file(tmp_path, form):
    limit = MORE if form in ("parquet", "one row group") else MEMORY
    train = both(FILES[form](tmp_path, Y["regression"]), memory=limit)[1].splits["train"]
    everything = all_of(train)
    places = {value: place for place, value in enumerate(everything[0][:, 0].tolist())}
    found_x, found_y = train.some(40)
    found = [places[value] for value in found_x[:, 0].tolist()]
    assert len(set(found)) == len(found)
    assert 36 <= len(found) <= 40
    assert np.array_equal(found_x, everything[0][found])
    assert np.array_equal(found_y, everything[1][found])
    assert (found[0], found) == (0, sorted(found))
    assert found[-1] > 0.8 * len(train) or form == "one row group"  # which is one block


@pytest.mark.parametrize(
    ("most", "limit", "share"),
    [(1, MEMORY, 1), (10_000, MORE, 420), (10_000, MEMORY, 100), (128, LITTLE, 31)],
)
def test_some_examples_take_no_more_than_their_share_of_the_memory(tmp_path, most, limit, share):
    train = both(hdf5(tmp_path, Y["numbers"]), memory=limit)[1].splits["train"]
    x, y = train.some(most)
    assert 0.8 * share <= len(x) == len(y) <= share


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("offset", [0, 1e6])
def test_the_normalisation_is_that_of_all_rows(tmp_path, monkeypatch, form, offset):
    monkeypatch.setitem(globals(), "X", X.astype(np.float64) + offset)
    memory, streamed = both(FILES[form](tmp_path, Y["numbers"]), memory=MORE)
    for found, expected in zip(
        streamed.normalization.state().values(), memory.normalization.state().values(), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)
    assert streamed.normalization.std[4] == 0
    assert streamed.normalization.mean[4] == memory.normalization.mean[4]


@pytest.mark.parametrize("kind", ["scale", "none"])
def test_other_normalisations_and_a_given_one(tmp_path, kind):
    path = hdf5(tmp_path, Y["numbers"])
    memory, streamed = both(path, normalize=kind)
    given = both(path, normalization=memory.normalization)[1]
    for dataset in (streamed, given):
        assert np.array_equal(all_of(dataset.splits["dev"])[0], memory.splits["dev"].X)


def batches_of(train, *, batch_size=32, seed=7, **settings):
    return StreamedBatches(train, batch_size=batch_size, seed=seed, **settings)


def order_of(batches, epoch, *, start=0):
    """The first feature of the examples of an epoch, which tells them apart."""
    return np.concatenate([x[:, 0].copy() for x, _, _ in batches.epoch(epoch, start=start)])


@pytest.fixture
def train(tmp_path):
    return both(hdf5(tmp_path, Y["numbers"], chunks=(7, N)), memory=LITTLE)[1].splits["train"]


def test_an_epoch_has_every_example_once_in_full_batches(train):
    batches = batches_of(train)
    assert (batches.examples, batches.batch_size, batches.steps_per_epoch) == (420, 32, 14)
    assert batches.capacity == 91  # so that a batch goes on from one buffer to the next
    pairs = [(x.copy(), y.copy()) for x, y, w in batches.epoch(0) if w is None]
    assert [len(x) for x, _ in pairs] == [32] * 13 + [4]
    found = np.column_stack([np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])])
    expected = np.column_stack(all_of(train))
    assert np.array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_the_order_of_an_epoch_follows_from_seed_and_epoch(train):
    orders = [order_of(batches_of(train, seed=seed), epoch) for seed in (7, 8) for epoch in (0, 1)]
    assert len({order.tobytes() for order in orders}) == 4
    for size in (1, 9, 420):
        assert np.array_equal(order_of(batches_of(train, batch_size=size), 0), orders[0])


def test_the_order_is_shuffled_by_blocks_and_within_a_buffer(train):
    in_file = {value: place for place, value in enumerate(all_of(train)[0][:, 0].tolist())}
    batches = batches_of(train)
    places = np.array([in_file[value] for value in order_of(batches, 0).tolist()])
    first = np.sort(places[: batches.capacity])
    assert np.count_nonzero(np.diff(first) > 1) > 5  # blocks from all over the file
    assert np.count_nonzero(np.diff(places) == 1) < 12  # and few neighbours left in them


@pytest.mark.parametrize("start", [0, 1, 31, 32, 90, 91, 182, 300, 419, 420])
def test_an_epoch_goes_on_from_any_example(train, start):
    whole = order_of(batches_of(train), 2)
    batches = batches_of(train, batch_size=32)
    rest = [x[:, 0].copy() for x, _, _ in batches.epoch(2, start=start)]
    assert np.array_equal(np.concatenate([np.empty(0), *rest]), whole[start:])


def counted(examples):
    """The same examples, and a list that is told how many rows are read of them."""
    read, opened = [], examples.selection.source.opened

    def inputs_of(reader):
        return lambda spans: read.append(sum(b - a for a, b in spans)) or reader.inputs(spans)

    @contextmanager
    def counting():
        with opened() as reader:
            yield SimpleNamespace(inputs=inputs_of(reader), targets=reader.targets)

    source = replace(examples.selection.source, opened=counting)
    return replace(examples, selection=replace(examples.selection, source=source)), read


@pytest.mark.parametrize(("limit", "times"), [(MEMORY, 1), (LITTLE, 2)])
def test_a_dev_set_of_less_than_its_share_of_the_memory_is_read_once(tmp_path, limit, times):
    memory, streamed = both(hdf5(tmp_path, Y["numbers"]), normalize="scale", memory=limit)
    dev, read = counted(streamed.splits["dev"])
    found = [(all_of(dev, size=32)[0], sum(read)) for _ in range(2)]
    assert all(np.array_equal(x, memory.splits["dev"].X) for x, _ in found)
    assert found[1][1] == times * found[0][1] > 0
    train, kept = streamed.splits["train"], len(dev) * dev.example_bytes if times == 1 else 0
    buffers = 2 * train.capacity * train.example_bytes
    room = 7 * limit.limit / 16 - 2 * M - kept  # a label and the number of a split for each row
    assert room - 2 * train.example_bytes < buffers <= room


def test_what_comes_before_is_not_read(tmp_path):
    train, read = counted(both(hdf5(tmp_path, Y["numbers"], chunks=(7, N)), memory=LITTLE)[1].splits["train"])
    batches = batches_of(train)
    assert len(order_of(batches, 0, start=400)) == 20
    assert sum(read) < 0.5 * M


def test_class_weights_go_with_the_labels(train):
    for _, y, w in batches_of(train, class_weights=np.array([1.0, 0.5, 2.0], np.float32)).epoch(0):
        assert w.tolist() == np.array([1.0, 0.5, 2.0])[y].tolist()


def test_an_epoch_that_is_left_ends_its_thread(train, monkeypatch):
    monkeypatch.setattr("dlspec.data.batches.GATHERED_BATCHES", 1)
    before = threading.active_count()
    epoch = batches_of(train).epoch(0)
    next(epoch)
    assert threading.active_count() == before + 1
    epoch.close()
    assert threading.active_count() == before


def test_a_file_that_changes_is_an_error(tmp_path):
    path = hdf5(tmp_path, Y["numbers"])
    train = both(path)[1].splits["train"]
    with path.open("ab") as file:
        file.write(b"more")
    before = threading.active_count()
    with pytest.raises(DataError, match=r"a\.h5: has changed while it was trained on"):
        list(batches_of(train).epoch(0))
    assert threading.active_count() == before


def test_damage_in_the_midst_of_an_epoch_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("dlspec.data.batches.GATHERED_BATCHES", 1)
    train = both(npy(tmp_path, Y["numbers"]), memory=LITTLE)[1].splits["train"]
    epoch = batches_of(train).epoch(0)
    next(epoch)
    with (tmp_path / "x.npy").open("r+b") as file:
        file.truncate(200)
    with pytest.raises(DataError, match=r"x\.npy: ends before row \d+; expected 700 rows"):
        list(epoch)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"reading": Reading(x="z")}, r"no array 'z'"),
        ({"reading": Reading(target="t")}, r"target is given, which HDF5 does not have"),
        ({"cut": Cut(seed=1, strategy="group", column="g")}, r"a split by group needs a whole column; divide the file"),
        ({"memory": Memory(5_000)}, r"700 rows, too many to keep count of in data\.memory; expected at least 1MB"),
        ({"memory": Memory(6_000)}, r"reading a chunk takes 1,536 bytes; expected at most 375, 1/16 of data"),
        ({"reading": Reading(task="regression", classes=("a", "b"))}, r"classes are given for a regression"),
    ],
)
def test_what_cannot_be_read_in_parts(tmp_path, settings, message):
    path = hdf5(tmp_path, Y["numbers"], chunks=(64, N) if settings.get("memory") != Memory(5_000) else None)
    settings = {"reading": Reading(), "cut": Cut(seed=1), "preparation": Preparation(), "memory": MEMORY} | settings
    with pytest.raises(DataError, match=message):
        streamed_loading.load_file(path, **settings)


def test_parquet_needs_room_for_its_reader(tmp_path, monkeypatch):
    monkeypatch.setattr("dlspec.data.parquet_rows.LEAST_MEMORY", 128_000_000)
    path = FILES["parquet"](tmp_path, Y["numbers"])
    with pytest.raises(DataError, match=r"a\.parquet: data\.memory is 127MB; expected at least 128MB for Parquet"):
        both(path, memory=Memory(127_999_999))
    both(path, memory=Memory(128_000_000))


def test_formats_that_cannot_be_read_in_parts(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError) as caught:
        both_parts(tmp_path / "a.csv")
    assert str(caught.value) == (
        f"{tmp_path}/a.csv: CSV cannot be read in parts; leave out data.memory, or make an HDF5 file of it: "
        "dlspec convert a.csv a.h5"
    )


def both_parts(path):
    return streamed_loading.load_file(
        path, reading=Reading(), cut=Cut(seed=1), preparation=Preparation(), memory=MEMORY
    )


@pytest.mark.parametrize(
    ("values", "row", "message"),
    [
        (np.nan, 650, r"a\.h5: row 650, feature x3: found nan; expected a finite number"),
        (1e300, slice(20), r"feature x3 has values too large to square"),
    ],
)
def test_numbers_that_cannot_be_trained_on(tmp_path, monkeypatch, values, row, message):
    wrong = X.astype(np.float64)
    wrong[row, 2] = values
    monkeypatch.setitem(globals(), "X", wrong)
    with pytest.raises(DataError, match=message):
        both_parts(hdf5(tmp_path, Y["numbers"]))


def test_a_feature_out_of_range(tmp_path, monkeypatch):
    wrong = X.astype(np.float64)
    wrong[5, 2] = 1e200
    monkeypatch.setitem(globals(), "X", wrong)
    settings = {"reading": Reading(), "cut": Cut(seed=1), "preparation": Preparation(normalize="none")}
    with pytest.raises(DataError, match=r"a\.h5: feature x3 is too large for float32; rescale it"):
        streamed_loading.load_file(hdf5(tmp_path, Y["numbers"]), **settings, memory=MEMORY)


def test_files_that_are_split_and_a_split_file(tmp_path):
    for name in ("train", "dev"):
        (tmp_path / name).mkdir()
    paths = [hdf5(tmp_path / "train", Y["text"]), npy(tmp_path / "dev", Y["text"])]
    reading = Reading(classes=("cat", "dog", "eel"))
    settings = {"reading": reading, "cut": Cut(seed=1, ratios=(1.0,), train_dev=0.1), "preparation": Preparation()}
    memory, streamed = (
        loading.load_files(*paths, **settings),
        streamed_loading.load_files(*paths, **settings, memory=MORE),
    )
    for name in ("train", "train-dev", "dev"):
        assert np.array_equal(all_of(streamed.splits[name])[1], memory.splits[name].Y)
    split = tmp_path / "a.split.h5"
    rows = {"train": np.arange(3, M), "test": np.arange(3)}
    made = split_file.SplitFile(rows=rows, m=M, data_hash=split_file.data_hash(paths[0]), columns=(), made={})
    with h5py.File(split, "w") as file:
        split_file.write_hdf5(file, made)
    divided = streamed_loading.load_divided(paths[0], split, reading=reading, preparation=Preparation(), memory=MEMORY)
    assert {name: len(part) for name, part in divided.splits.items()} == {"train": M - 3, "test": 3}
    assert all_of(divided.splits["test"])[1].tolist() == [("cat", "dog", "eel").index(name) for name in Y["text"][:3]]
