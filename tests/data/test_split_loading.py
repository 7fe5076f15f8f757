"""Experiments on data that is split by a column, by a file, or with a train-dev set."""

import h5py
import numpy as np
import pytest
from flat_loading import load_divided, load_file, load_files

from dlspec.data import split_file
from dlspec.data.split_file import SplitFile, data_hash
from dlspec.errors import DataError

M = 40
X = np.arange(2.0 * M).reshape(M, 2) / 8
LABELS = np.array(["cat", "dog"] * (M // 2))
WEEKS = np.arange(M)[::-1] // 4  # the newest comes first


def csv(path, *, m=M, header="a,week,b,t"):
    rows = [f"{X[row, 0]},w{WEEKS[row]},{X[row, 1]},{LABELS[row]}" for row in range(m)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def npz(path):
    np.savez(path, x=X, y=LABELS, week=WEEKS)
    return path


def hdf5(path):
    with h5py.File(path, "w") as file:
        file["x"], file["y"], file["weeks/week"] = X, LABELS.astype(object), WEEKS
    return path


def rows_of(dataset):
    return {name: examples.rows.tolist() for name, examples in dataset.splits.items()}


def weeks_of(dataset):
    return {name: set(WEEKS[examples.rows].tolist()) for name, examples in dataset.splits.items()}


def error_of(call, *arguments, **settings):
    with pytest.raises(DataError) as caught:
        call(*arguments, **{"seed": 0, **settings})
    return str(caught.value)


@pytest.mark.parametrize("writer", [csv, npz, hdf5])
def test_groups_stay_together_and_are_no_feature(tmp_path, writer):
    path = writer(tmp_path / f"a.{'h5' if writer is hdf5 else writer.__name__}")
    column = "weeks/week" if writer is hdf5 else "week"
    dataset = load_file(path, seed=1, strategy="group", column=column, ratios=(0.6, 0.2, 0.2))
    assert len(dataset.feature_names) == 2
    weeks = weeks_of(dataset)
    assert [len(weeks[name]) for name in ("train", "dev", "test")] == [6, 2, 2]
    assert set.union(*weeks.values()) == set(range(10))
    np.testing.assert_allclose(
        dataset.splits["dev"].X * dataset.normalization.std + dataset.normalization.mean,
        X[dataset.splits["dev"].rows],
        rtol=1e-5,
    )


@pytest.mark.parametrize("writer", [npz, hdf5])
def test_the_newest_rows_are_tested_on(tmp_path, writer):
    path = writer(tmp_path / ("a.h5" if writer is hdf5 else "a.npz"))
    column = "weeks/week" if writer is hdf5 else "week"
    dataset = load_file(path, seed=1, strategy="time", column=column, ratios=(0.6, 0.2, 0.2))
    assert weeks_of(dataset) == {"train": set(range(6)), "dev": {6, 7}, "test": {8, 9}}


def test_a_time_may_be_learnt_from_too(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("year,a,t\n" + "".join(f"{2000 + row},{row % 3},{row % 2}\n" for row in range(20)))
    settings = {"seed": 0, "strategy": "time", "column": "year", "ratios": (0.8, 0.2)}
    assert load_file(path, **settings).feature_names == ("a",)
    assert load_file(path, **settings, column_is_feature=True).feature_names == ("year", "a")
    assert load_file(path, **settings).splits["dev"].rows.tolist() == [16, 17, 18, 19]


def test_rows_by_hash_stay_when_rows_are_added(tmp_path):
    settings = {"seed": 2, "strategy": "hash", "column": "week", "ratios": (0.5, 0.5), "target": "t"}
    few, all_rows = (rows_of(load_file(csv(tmp_path / "a.csv", m=m), **settings)) for m in (30, M))
    for name in ("train", "dev"):
        assert few[name] == [row for row in all_rows[name] if row < 30]


def test_the_last_column_that_is_no_column_of_the_split_is_the_target(tmp_path):
    path = csv(tmp_path / "a.csv", header="a,t,b,week")
    path.write_text("a,t,week\n" + "".join(f"{row},{row % 2},w{row % 10}\n" for row in range(40)))
    dataset = load_file(path, seed=0, strategy="group", column="week", ratios=(0.8, 0.2))
    assert dataset.target_names == ("t",)
    assert dataset.feature_names == ("a",)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "group", "column": "weak"}, ":1: no column 'weak'; did you mean 'week'?"),
        ({"strategy": "time", "column": "week"},
         ":2: column week: found 'w9'; expected a number, or a date such as 2024-01-31 or 2024-01-31T12:00"),
        ({"strategy": "group", "column": "week", "ratios": (0.98, 0.01, 0.01)},
         ": 40 examples split 98/1/1 leave a split empty; 100 are enough"),
        ({"strategy": "group", "column": "week", "target": "week"},
         ":1: column 'week' is a target and what the split goes by; expected different ones"),
        ({"strategy": "group", "column": "week", "sample_weight": "week"},
         ":1: column 'week' is the sample weight and what the split goes by; expected different ones"),
        ({}, ":2: column week: found 'w9'; expected a number (data.columns takes text and empty cells)"),
    ],
)  # fmt: skip
def test_columns_that_do_not_fit(tmp_path, settings, message):
    path = csv(tmp_path / "a.csv")
    assert error_of(load_file, path, **settings) == f"{path}{message}"


def test_a_column_that_is_no_number_is_left_out_by_the_exact_pass_too(tmp_path):
    path = csv(tmp_path / "a.csv")
    path.write_text(path.read_text() + "1,w1,oops,cat\n")
    message = error_of(load_file, path, strategy="group", column="week")
    assert message == f"{path}:42: column b: found 'oops'; expected a number (data.columns takes text and empty cells)"
    path.write_text("a,week,b,t\n\n" + "".join(f"{row},,{row},{row % 2}\n" for row in range(10)))
    message = error_of(load_file, path, strategy="group", column="week")
    assert message == f"{path}:3: column week: empty; expected a value"


# --- train-dev -------------------------------------------------------------------------------------------


def test_a_train_dev_set_is_cut_from_train(tmp_path):
    dataset = load_file(npz(tmp_path / "a.npz"), seed=1, ratios=(0.5, 0.25, 0.25), train_dev=0.2)
    assert list(dataset.splits) == ["train", "train-dev", "dev", "test"]
    assert [len(examples.X) for examples in dataset.splits.values()] == [16, 4, 10, 10]
    plain = load_file(npz(tmp_path / "a.npz"), seed=1, ratios=(0.5, 0.25, 0.25))
    together = np.sort(np.concatenate([dataset.splits[name].rows for name in ("train", "train-dev")]))
    assert together.tolist() == plain.splits["train"].rows.tolist()
    assert rows_of(dataset)["dev"] == rows_of(plain)["dev"]
    assert dataset.normalization.mean == pytest.approx(X[dataset.splits["train"].rows].mean(axis=0))
    assert dataset.cut.train_dev == 0.2


def test_a_train_dev_set_beside_files(tmp_path):
    train, dev = npz(tmp_path / "train.npz"), npz(tmp_path / "dev.npz")
    dataset = load_files(train, dev, seed=0, ratios=(1.0,), train_dev=0.1)
    assert {name: len(examples.X) for name, examples in dataset.splits.items()} == {
        "train": 36, "train-dev": 4, "dev": 40
    }  # fmt: skip
    dataset = load_files(train, dev, seed=0, train_dev_file=npz(tmp_path / "other.npz"))
    assert {name: len(examples.X) for name, examples in dataset.splits.items()} == {
        "train": 40, "train-dev": 40, "dev": 40
    }  # fmt: skip
    message = error_of(load_files, train, dev, train_dev_file=dev, ratios=(1.0,), train_dev=0.1)
    assert message.endswith("train-dev is given; its share is for a train-dev set cut from the training file")
    dataset = load_files(train, None, dev, seed=0, ratios=(0.8, 0.2), train_dev=0.25)
    assert {name: len(examples.X) for name, examples in dataset.splits.items()} == {
        "train": 24, "train-dev": 8, "dev": 8, "test": 40
    }  # fmt: skip


def test_columns_of_files_beside_each_other(tmp_path):
    train = csv(tmp_path / "train.csv")
    (tmp_path / "dev.csv").write_text("a,b,t\n1,2,cat\n")
    settings = {"seed": 0, "strategy": "group", "column": "week", "ratios": (1.0,), "train_dev": 0.2}
    for dev in (tmp_path / "dev.csv", csv(tmp_path / "other.csv")):
        dataset = load_files(train, dev, **settings)
        assert dataset.feature_names == ("a", "b")
        assert len(weeks_of(dataset)["train"] & {WEEKS[row] for row in dataset.splits["train-dev"].rows}) == 0


# --- a file that says how --------------------------------------------------------------------------------


def divided(data, path, rows, *, columns=()):
    split = SplitFile(rows=rows, m=M, data_hash=data_hash(data), columns=columns, made={"seed": 1})
    with path.open("wb") as file:
        split_file.write_csv(file, split)
    return path


ROWS = {"train": np.arange(20), "train-dev": np.arange(20, 25), "dev": np.arange(25, 35), "test": np.arange(35, 40)}


def test_a_file_says_which_row_is_where(tmp_path):
    data = npz(tmp_path / "a.npz")
    split = divided(data, tmp_path / "a.split.csv", ROWS)
    dataset = load_divided(data, split, seed=0)
    assert rows_of(dataset) == {name: rows.tolist() for name, rows in ROWS.items()}
    assert dataset.cut is None
    other = divided(data, tmp_path / "b.split.csv", {"train": np.arange(20), "dev": np.arange(20, 40)})
    assert load_divided(data, other, seed=0).fingerprint != dataset.fingerprint


def test_columns_that_the_file_went_by_are_no_features(tmp_path):
    data = csv(tmp_path / "a.csv")
    split = divided(data, tmp_path / "a.split.csv", ROWS, columns=("week",))
    assert load_divided(data, split, seed=0).feature_names == ("a", "b")
    message = error_of(load_divided, data, split, column_is_feature=True)
    assert message == f"{data}:2: column week: found 'w9'; expected a number (data.columns takes text and empty cells)"


def test_a_file_of_other_data(tmp_path):
    data = npz(tmp_path / "a.npz")
    split = divided(data, tmp_path / "a.split.csv", ROWS)
    np.savez(data, x=X + 1, y=LABELS)
    found = f"{split}: {data} is not the file that was split, or has changed since"
    assert error_of(load_divided, data, split) == f"{found}; split it again with dlspec split"
    np.savez(data, x=X[:30], y=LABELS[:30])
    found = f"{split}: {data} has 30 rows, and the split is of 40"
    assert error_of(load_divided, data, split) == f"{found}; split it again with dlspec split"
