"""Thrift's compact protocol: structures by hand, and bytes that are none."""

import numpy as np
import pytest

from dlspec.data.thrift import Damaged, integer, read_struct, struct, structs

# Fields 1: −3 (i32), 2: true, 5: "hi", 21: {1: 300 (i64)}, 22: [{1: 1}, {1: 2}], 23: doubles, 24: [true, false]
EXAMPLE = bytes.fromhex("1505 11 3802 6869 0c2a 16d804 00 192c 1502 00 1504 00 17 000000000000f03f 1921 01 02 00")
FIELDS = {
    1: -3,
    2: True,
    5: b"hi",
    21: {1: 300},
    22: [{1: 1}, {1: 2}],
    23: np.float64(1).tobytes(),
    24: [True, False],
}


def test_a_structure_by_hand():
    assert read_struct(EXAMPLE + b"more") == (FIELDS, len(EXAMPLE))
    assert read_struct(b"\0") == ({}, 1)


def test_a_long_list():
    assert read_struct(b"\x19\xf3\x14" + bytes(20) + b"\0")[0] == {1: [b"\0"] * 20}


@pytest.mark.parametrize("end", range(len(EXAMPLE)))
def test_an_end_that_is_missing(end):
    with pytest.raises(Damaged):
        read_struct(EXAMPLE[:end])


@pytest.mark.parametrize(
    "data",
    [
        b"\x1d\0",  # no such type
        b"\x15" + b"\xff" * 11,  # a number of more than 64 bits
        b"\x18\xff\xff\xff\xff\x0f",  # 4 GB of text
        b"\x19\xf5\xff\xff\xff\xff\x0f",  # a list of 4 billion numbers
        b"\x1c" * 1000,  # structures within each other
        b"\x19" * 1000,  # lists within each other
    ],
)
def test_what_is_no_structure(data):
    with pytest.raises(Damaged):
        read_struct(data)


def test_fields_of_another_kind():
    assert integer(FIELDS, 1) == -3
    assert integer(FIELDS, 9, default=4) == 4
    assert struct(FIELDS, 21) == {1: 300}
    assert structs(FIELDS, 22) == [{1: 1}, {1: 2}]
    for get, number in (
        (integer, 9),
        (integer, 5),
        (struct, 1),
        (struct, 9),
        (structs, 24),
        (structs, 21),
        (structs, 9),
    ):
        with pytest.raises(Damaged):
            get(FIELDS, number)
