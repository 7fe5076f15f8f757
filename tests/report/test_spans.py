import pytest

from dlspec.report.spans import about, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.00 s"), (0.083, "0.08 s"), (9.99, "9.99 s"), (9.999, "10 s"), (59.4, "59 s"), (59.6, "1 min"),
        (75, "1 min 15 s"), (3600, "1 h"), (3661, "1 h 1 min"), (90_000, "1 d 1 h"), (86_400 * 400, "400 d"),
    ],
)  # fmt: skip
def test_two_units_at_most(seconds, text):
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59.9, "59 s"), (75, "1 min"), (7_199, "1 h"), (90_000, "1 d")]
)
def test_one_unit(seconds, text):
    assert about(seconds) == text
