"""What is found in a file without holding its inputs: the same from every format."""

import tracemalloc

import h5py
import numpy as np
import pytest

from dlspec.data.identical import first_alike
from dlspec.data.reading import Reading
from dlspec.data.scan import Wanted, scan
from dlspec.errors import DataError

X = np.array([[1.0, 2.0], [3.0, 4.5], [1.0, 2.0], [-0.0, 7.0], [0.0, 7.0]])
LABELS = np.array(["cat", "dog", "cat", "dog", "cat"])
OWNERS = np.array(["ann", "bob", "ann", "eve", "bob"])
ALL = Wanted(columns=("owner",), targets=True, hashes=True)


def csv(path, *, owners=OWNERS, header="a,b,owner,t"):
    separator = "\t" if path.suffix == ".tsv" else ","
    rows = [f"{x[0]:g},{x[1]:g},{owner},{label}" for x, owner, label in zip(X + 0, owners, LABELS, strict=True)]
    path.write_text("\n".join([header, *rows]).replace(",", separator) + "\n")
    return path


def npz(path, **arrays):
    np.savez(path, **{"x": X, "y": LABELS, "owner": OWNERS, **arrays})
    return path


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in {"x": X, "y": LABELS, "owner": OWNERS, **arrays}.items():
            file[name] = values.astype(object) if values.dtype.kind == "U" else values
    return path


WRITERS = {"a.csv": csv, "a.tsv": csv, "a.npz": npz, "a.h5": hdf5}


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_is_found_in_every_format(tmp_path, name):
    path = WRITERS[name](tmp_path / name)
    found = scan(path, reading=Reading(), wanted=ALL)
    assert (found.source, found.m) == (str(path), 5)
    owner = found.columns["owner"]
    assert [owner.values[code] for code in owner.codes] == OWNERS.tolist()
    assert found.targets.y.tolist() == LABELS.tolist()
    assert first_alike(found.hashes).tolist() == [0, 1, 0, 3, 3]
    nothing = scan(path, reading=Reading(), wanted=Wanted())
    assert (nothing.m, nothing.columns, nothing.targets, nothing.hashes) == (5, {}, None, None)
    assert nothing.layout == found.layout
    place = {"a.csv": ":5", "a.tsv": ":5", "a.npz": ": row 3", "a.h5": ": row 3"}[name]
    assert owner.place(3) == found.targets.place(3) == f"{path}{place}"


def test_names_of_target_and_arrays(tmp_path):
    found = scan(csv(tmp_path / "a.csv"), reading=Reading(target="owner"), wanted=Wanted(targets=True))
    assert found.targets.target_names == ("owner",)
    path = hdf5(tmp_path / "a.h5", images=np.zeros((5, 2, 3)), label=np.arange(5))
    found = scan(path, reading=Reading(x="images", y="label"), wanted=Wanted(targets=True, hashes=True))
    assert found.targets.y.tolist() == [0, 1, 2, 3, 4]
    assert first_alike(found.hashes).tolist() == [0] * 5
    assert found.layout["inputs of shape"] == ("2", "3")


def test_the_course_s_names(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["train_set_x"], file["train_set_y"] = np.zeros((4, 2, 2, 3), np.uint8), [0, 1, 1, 0]
        file["list_classes"] = [b"non-cat", b"cat"]
    found = scan(tmp_path / "a.h5", reading=Reading(), wanted=Wanted(targets=True))
    assert found.targets.classes == ("non-cat", "cat")
    assert found.layout["classes"] == ("non-cat", "cat")


def test_the_target_the_weight_and_the_column_are_no_inputs(tmp_path):
    (tmp_path / "a.csv").write_text("a,w,id,t\n1,0.5,1,x\n1,0.7,2,y\n")
    found = scan(tmp_path / "a.csv", reading=Reading(sample_weight="w"), wanted=Wanted(columns=("id",), hashes=True))
    assert first_alike(found.hashes).tolist() == [0, 0]


def test_several_targets_are_no_classes(tmp_path):
    reading = Reading(target=["a", "b"])
    assert scan(csv(tmp_path / "a.csv"), reading=reading, wanted=Wanted(targets=True)).targets is None
    path = npz(tmp_path / "a.npz", y=np.zeros((5, 2)))
    assert scan(path, reading=Reading(), wanted=Wanted(targets=True)).targets is None


def test_a_column_may_be_anything_and_lines_may_be_blank(tmp_path):
    (tmp_path / "a.csv").write_text('a,when,t\n\n1,"1 May, noon",x\n\n2, later ,y\n')
    found = scan(tmp_path / "a.csv", reading=Reading(), wanted=Wanted(columns=("when",)))
    assert found.columns["when"].values == ["1 May, noon", "later"]
    assert found.columns["when"].place(1) == f"{tmp_path / 'a.csv'}:5"


@pytest.mark.parametrize("chunks", [None, (1000, 7), (7, 3)])
def test_an_array_is_read_in_slabs(tmp_path, chunks, monkeypatch):
    x = np.random.default_rng(0).integers(0, 3, size=(2500, 7)).astype(np.float32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=x, chunks=chunks)
        file["y"] = np.zeros(2500)
    whole = scan(tmp_path / "a.h5", reading=Reading(), wanted=Wanted(hashes=True)).hashes
    monkeypatch.setattr("dlspec.data.stored_arrays.SLAB_BYTES", 5000)
    assert np.array_equal(scan(tmp_path / "a.h5", reading=Reading(), wanted=Wanted(hashes=True)).hashes, whole)


@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_rows_are_counted_without_reading_the_inputs(tmp_path, name):
    path = tmp_path / name
    if name == "a.h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("x", shape=(200_000, 40), dtype="f4")
            file["y"] = np.arange(10)
    else:
        np.savez(path, x=np.zeros((200_000, 40), np.float32), y=np.arange(10))
    tracemalloc.start()
    assert scan(path, reading=Reading(), wanted=Wanted()).m == 200_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


@pytest.mark.parametrize(
    ("header", "wanted", "message"),
    [
        ("a,b,owner,t", "owners", ":1: no column 'owners'; did you mean 'owner'?"),
        ("a,b,owner,t", "t", ":1: no column 'x'; found a, b, owner, t"),
        ("a,b,owner", "owner", ":2: 4 cells; expected 3, as many as in the header"),
    ],
)
def test_tables_that_cannot_be_scanned(tmp_path, header, wanted, message):
    path = csv(tmp_path / "a.csv", header=header)
    reading = Reading(target="x" if wanted == "t" else None)
    with pytest.raises(DataError) as caught:
        scan(path, reading=reading, wanted=Wanted(columns=(wanted,)))
    assert str(caught.value) == f"{path}{message}"


def test_a_target_cannot_be_the_column(tmp_path):
    path = csv(tmp_path / "a.csv")
    with pytest.raises(DataError) as caught:
        scan(path, reading=Reading(target="owner"), wanted=Wanted(columns=("owner",)))
    message = "column 'owner' is a target and what the split goes by; expected different ones"
    assert str(caught.value) == f"{path}:1: {message}"


def test_an_empty_cell(tmp_path):
    path = csv(tmp_path / "a.csv", owners=["ann", "", "a", "b", "c"])
    with pytest.raises(DataError) as caught:
        scan(path, reading=Reading(), wanted=Wanted(columns=("owner",)))
    assert str(caught.value) == f"{path}:3: column owner: empty; expected a value"


@pytest.mark.parametrize("writer", [npz, hdf5])
@pytest.mark.parametrize(
    ("arrays", "wanted", "message"),
    [
        ({}, Wanted(columns=("owners",)), ": no array 'owners'; did you mean 'owner'?"),
        ({"owner": np.zeros(4)}, Wanted(columns=("owner",)),
         ": owner has shape (4,); expected a value for each of 5 examples"),
        ({"y": np.zeros(4)}, Wanted(targets=True), ": x has 5 examples and y has 4 examples; expected the same number"),
        ({"x": np.zeros(5)}, Wanted(), ": x has shape (5,); expected (examples, features) or images"),
        ({"x": np.zeros((5, 0))}, Wanted(), ": x has shape (5, 0); expected (examples, features) or images"),
        ({"x": np.zeros((5, 2), complex)}, Wanted(), ": x holds complex128; expected numbers"),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_scanned(tmp_path, writer, arrays, wanted, message):
    path = writer(tmp_path / ("a.npz" if writer is npz else "a.h5"), **arrays)
    with pytest.raises(DataError) as caught:
        scan(path, reading=Reading(), wanted=wanted)
    assert str(caught.value) == f"{path}{message}"


@pytest.mark.parametrize("name", ["a.csv", "a.h5", "a.npz", "a.json"])
def test_files_that_are_none(tmp_path, name):
    with pytest.raises(DataError) as caught:
        scan(tmp_path / name, reading=Reading(), wanted=Wanted())
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    (tmp_path / name).write_bytes(b"PK\x03\x04 no archive" if name == "a.npz" else b"")
    with pytest.raises(DataError) as caught:
        scan(tmp_path / name, reading=Reading(), wanted=Wanted())
    assert str(caught.value).startswith(f"{tmp_path / name}: ")


def test_a_header_and_nothing_else(tmp_path):
    (tmp_path / "a.csv").write_text("a,t\n")
    with pytest.raises(DataError) as caught:
        scan(tmp_path / "a.csv", reading=Reading(), wanted=Wanted())
    assert str(caught.value) == f"{tmp_path / 'a.csv'}: a header and no examples"
