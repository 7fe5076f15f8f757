"""Two files looked at as one."""

import numpy as np
import pytest

from dlspec.data.join import join
from dlspec.data.reading import Reading
from dlspec.data.scan import Wanted, scan
from dlspec.errors import DataError

ALL = Wanted(columns=("who",), targets=True, hashes=True)


def scanned(path, who, y=(0, 1)):
    """Two examples with a column."""
    if path.suffix == ".csv":
        path.write_text(
            "a,who,t\n" + "".join(f"{row},{w},{t}\n" for row, (w, t) in enumerate(zip(who, y, strict=True)))
        )
    else:
        np.savez(path, x=np.arange(2.0)[:, np.newaxis], y=np.array(y), who=np.array(who))
    return scan(path, reading=Reading(), wanted=ALL)


@pytest.mark.parametrize(
    ("suffix", "one", "two"),
    [
        (".csv", ["ann", "bob"], ["bob", "eve"]),
        (".npz", ["ann", "bob"], ["bob", "eve"]),
        (".npz", [3, 5], [5, 4]),
        (".npz", [3, 5], [5.0, 0.5]),
        (".npz", [3, 5], ["5", "x"]),
    ],
)
def test_rows_of_the_second_file_follow(tmp_path, suffix, one, two):
    first, second = (scanned(tmp_path / f"{n}{suffix}", who) for n, who in (("one", one), ("two", two)))
    both = join(first, second)
    assert both.m == 4
    column = both.columns["who"]
    texts = list(column.texts())
    assert [texts[code] for code in column.codes] == [
        f"{value:g}" if isinstance(value, float) else str(value) for value in [*one, *two]
    ]
    assert column.codes[1] == column.codes[2]
    assert both.targets.y.tolist() == [0, 1, 0, 1]
    assert both.targets.x.shape == (4, 1)
    assert np.array_equal(both.hashes[:2], both.hashes[2:])
    places = [":2", ":3", ":2", ":3"] if suffix == ".csv" else [": row 0", ": row 1", ": row 0", ": row 1"]
    files = [tmp_path / f"{n}{suffix}" for n in ("one", "one", "two", "two")]
    expected = [f"{file}{place}" for file, place in zip(files, places, strict=True)]
    assert [column.place(row) for row in range(4)] == [both.targets.place(row) for row in range(4)] == expected


def test_text_and_numbers_do_not_mix(tmp_path):
    one, two = scanned(tmp_path / "one.npz", [1, 2]), scanned(tmp_path / "two.npz", [1, 2], y=["a", "b"])
    with pytest.raises(DataError) as caught:
        join(one, two)
    assert str(caught.value) == f"{two.source}: the targets are text; expected numbers, as in {one.source}"


def test_other_arrays(tmp_path):
    one = scanned(tmp_path / "one.npz", [1, 2])
    np.savez(tmp_path / "two.npz", x=np.zeros((2, 3)), y=np.array([0, 1]), who=np.array([1, 2]))
    with pytest.raises(DataError) as caught:
        join(one, scan(tmp_path / "two.npz", reading=Reading(), wanted=ALL))
    assert str(caught.value) == f"{tmp_path / 'two.npz'}: inputs of shape: found 3; expected 1, as in {one.source}"
