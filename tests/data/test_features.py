"""Columns into features: by hand, against a naive twin, and through whole data sets."""

import datetime
import json
import math

import numpy as np
import pytest
from flat_loading import load_file, load_files

from dlspec.data import mixed
from dlspec.data.features import DATE_PARTS, Columns, Treatment, fit_columns
from dlspec.errors import DataError

PEOPLE = """\
age,city,member,joined,y
30,Paris,yes,2024-01-05,a
,Rome,no,2024-02-29T12:00,b
50,,yes,,a
40,Oslo,no,2023-12-31,b
"""


def write(path, text):
    path.write_text(text)
    return path


def people(tmp_path, text=PEOPLE):
    return mixed.read(write(tmp_path / "people.csv", text), types={})


def fitted(table, rows=3, **treatment):
    return fit_columns(table, np.arange(rows), Treatment(**treatment))


def test_by_hand(tmp_path):
    """Training has the first three rows: the last one is before the first date, and in an unknown city."""
    table = people(tmp_path)
    columns = fitted(table, missing="mean", indicator=True, date_parts=DATE_PARTS)
    assert columns.feature_names == (
        *("age", "age missing", "city=Paris", "city=Rome", "city missing", "member"),
        *("joined", "joined year", "joined month", "joined day", "joined weekday", "joined hour", "joined missing"),
    )
    assert columns.apply(table).tolist() == [
        [30, 0, 1, 0, 0, 1, 0, 2024, 1, 5, 4, 0, 0],
        [40, 1, 0, 1, 0, 0, 55.5, 2024, 2, 29, 3, 12, 0],
        [50, 0, 0, 0, 1, 1, 27.75, 2024, 2, 1, 3, 18, 1],  # the mean date is 18:00 on a Thursday
        [40, 0, 0, 0, 0, 0, -5, 2023, 12, 31, 6, 0, 0],
    ]
    assert columns.unseen(table, np.arange(4)) == {"city": 1}
    assert columns.unseen(table, np.arange(3)) == {}


@pytest.mark.parametrize(("missing", "fill"), [("mean", 20.0), ("median", 15.0), (7, 7.0), (-0.5, -0.5), (0, 0.0)])
def test_what_stands_for_a_missing_number(tmp_path, missing, fill):
    table = people(tmp_path, "a,y\n10,0\n,0\n15,0\n35,0\n1000,0\n")
    columns = fitted(table, rows=4, missing=missing)
    assert columns.apply(table)[:, 0].tolist() == [10, fill, 15, 35, 1000]
    assert columns.feature_names == ("a",)


def test_a_constant_for_a_date_counts_from_the_first_in_training(tmp_path):
    table = people(tmp_path, "a,y\n2024-01-10,0\n,0\n2024-01-02,0\n")
    assert fitted(table, missing=-1).apply(table)[:, 0].tolist() == [8, -1, 0]


def test_missing_truth_values_are_a_share(tmp_path):
    table = people(tmp_path, "a,y\nyes,0\nno,0\nyes,0\n,0\n")
    assert fitted(table, rows=4, missing="mean").apply(table)[:, 0].tolist() == [1, 0, 1, 2 / 3]


def test_a_missing_cell_is_an_error_unless_said_otherwise(tmp_path):
    table = people(tmp_path)
    path, hint = tmp_path / "people.csv", "(data.columns: {missing: mean}, median or a number fills it)"
    with pytest.raises(DataError) as caught:
        fitted(table)
    assert str(caught.value) == f"{path}:3: column age: empty; expected a value {hint}"
    columns = fitted(people(tmp_path, PEOPLE.split("\n,")[0]), rows=1)
    table = people(tmp_path)
    with pytest.raises(DataError) as caught:  # in another file
        columns.apply(table)
    assert str(caught.value) == f"{path}:3: column age: empty; expected a value {hint}"
    with pytest.raises(DataError, match=r"people.csv:4: column city: empty"):
        fitted(people(tmp_path, PEOPLE.replace("\n,Rome", "\n1,Rome")))


@pytest.mark.parametrize("missing", ["mean", "median"])
def test_a_column_without_a_cell_in_training(tmp_path, missing):
    table = people(tmp_path, "a,y\n,0\n,0\n5,0\n")
    message = "people.csv: column a is empty in every training example; expected some cells, or data.columns: "
    with pytest.raises(DataError, match=message):
        fitted(table, rows=2, missing=missing)
    assert fitted(table, rows=2, missing=3).apply(table)[:, 0].tolist() == [3, 3, 5]
    with pytest.raises(DataError, match=message):
        fitted(people(tmp_path, "a,y\n,0\n,0\nx,0\n"), rows=2, missing=3)


def test_too_many_categories(tmp_path):
    table = people(tmp_path, "id,y\n" + "".join(f"u{number},0\n" for number in range(1001)))
    with pytest.raises(DataError, match=r"column id has 1,001 different texts; expected at most 1,000 categories"):
        fitted(table, rows=1001)
    assert len(fitted(table, rows=1000).feature_names) == 1000


def naive(cells, train, kind, missing, indicator):
    """The features of one column, cell by cell: a list for each."""
    known = [cell for cell in train if cell is not None]
    if kind == "category":
        names = sorted(set(known))
        rows = [[float(cell == name) for name in names] for cell in cells]
    else:
        ordered = sorted(known)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        fill = {"mean": sum(known) / len(known), "median": median}[missing]
        first = min(known) if kind == "date" else 0
        rows = [[(fill if cell is None else cell) - first] for cell in cells]
    if indicator and None in train:
        rows = [[*row, float(cell is None)] for row, cell in zip(rows, cells, strict=True)]
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_equals_a_naive_twin(tmp_path, seed):
    rng = np.random.default_rng(seed)
    m = 40
    day = datetime.date(2020, 1, 1)

    def holey(values):
        return [None if rng.random() < 0.2 else value for value in values]

    number = holey(rng.normal(size=m).round(3).tolist())
    city = holey(rng.choice(["Paris", "Rome", "Oslo", "é,\n"], m).tolist())
    truth = holey(rng.integers(0, 2, m).tolist())
    date = holey([(day - datetime.date(1970, 1, 1)).days + int(n) for n in rng.integers(0, 900, m)])
    written = {
        "number": number,
        "city": [cell and f'"{cell}"' for cell in city],
        "truth": [None if cell is None else ("no", "yes")[cell] for cell in truth],
        "date": [None if cell is None else str(datetime.date(1970, 1, 1) + datetime.timedelta(cell)) for cell in date],
    }
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in zip(*written.values(), strict=True)]
    table = people(tmp_path, ",".join([*written, "y"]) + "\n" + "".join(f"{line},0\n" for line in lines))
    missing, indicator = ("mean", "median")[seed % 2], bool(seed % 3)
    train = rng.permutation(m)[:25]
    found = fit_columns(table, train, Treatment(missing=missing, indicator=indicator)).apply(table)
    expected = np.concatenate(
        [
            naive(cells, [cells[row] for row in train], kind, missing, indicator)
            for cells, kind in zip((number, city, truth, date), ("number", "category", "", "date"), strict=True)
        ],
        axis=1,
    )
    assert np.allclose(found, expected, rtol=1e-14, atol=1e-14)


def test_state(tmp_path):
    columns = fitted(people(tmp_path), missing="median", indicator=True, date_parts=("month",))
    assert Columns.from_state(json.loads(json.dumps(columns.state()))) == columns
    for damaged in ([{}], [{**columns.state()[0], "fil": 1}], [3]):
        with pytest.raises(DataError, match="damaged"):
            Columns.from_state(damaged)


def test_a_data_set_is_fitted_on_train_alone(tmp_path):
    train = write(tmp_path / "train.csv", "age,city,y\n10,Rome,a\n,Oslo,b\n30,Rome,a\n")
    dev = write(tmp_path / "dev.csv", "age,city,y\n,Paris,a\n90,7,b\n5,,b\n")
    treatment = Treatment(missing="mean")
    dataset = load_files(train, dev, types={}, treatment=treatment, normalize="none", dtype=np.float64, seed=0)
    assert dataset.feature_names == ("age", "city=Oslo", "city=Rome")
    assert dataset.splits["train"].X.tolist() == [[10, 0, 1], [20, 1, 0], [30, 0, 1]]
    assert dataset.splits["dev"].X.tolist() == [[20, 0, 0], [90, 0, 0], [5, 0, 0]]
    assert dataset.warnings == ("dev: column city has a category unknown in training in 2 of 3 examples",)


def test_a_saved_preparation_is_applied_as_it_is(tmp_path):
    path = write(tmp_path / "a.csv", "age,city,y\n" + "".join(f"{n},{'XYZ'[n % 3]},{n % 2}\n" for n in range(30)))
    settings = {"types": {}, "treatment": Treatment(missing="mean"), "ratios": (0.6, 0.4), "seed": 1}
    first = load_file(path, **settings)
    write(path, path.read_text().replace("\n5,", "\n,"))
    again = load_file(path, **settings, columns=first.columns, normalization=first.normalization)
    assert again.columns is first.columns
    (row,) = np.flatnonzero(np.concatenate([part.rows for part in again.splits.values()]) == 5)
    X = np.concatenate([part.X for part in again.splits.values()])
    mean, std = first.normalization.mean[0], first.normalization.std[0]
    assert X[row, 0] == np.float32((first.columns.columns[0].fill - mean) / std)
    before = np.concatenate([part.X for part in first.splits.values()])
    assert np.array_equal(np.delete(X, row, 0), np.delete(before, row, 0))


def test_a_constant_column_becomes_zero_and_is_named(tmp_path):
    path = write(tmp_path / "a.csv", "k,city,y\n" + "".join(f"3,{'XY'[n % 2]},{n % 2}\n" for n in range(20)))
    dataset = load_file(path, types={}, ratios=(0.5, 0.5), seed=0)
    assert (dataset.splits["dev"].X[:, 0] == 0).all()
    assert dataset.warnings == ("features constant in training, so that they become 0: k",)
    assert math.isfinite(dataset.splits["train"].X.sum())
