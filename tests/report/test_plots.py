"""Figures as files, drawn by Matplotlib."""

import re
from functools import partial

import pytest

from dlspec import plots
from dlspec.report import figures

from .reports import classification, metrics


def texts_of(lines):
    """What is written in a figure: the SVG names every piece of text in a comment."""
    matplotlib = pytest.importorskip("matplotlib")
    with matplotlib.rc_context(plots.SETTINGS):
        svg = plots._file(partial(plots._lines, lines=lines), "svg").decode()
    return re.findall(r"<!-- (.*?) -->", svg)


@pytest.fixture
def curves():
    return {figure.key: figure for figure in figures.curves(classification(), metrics(12))}


def test_numbers_of_a_logarithmic_axis_are_plain(curves):
    assert curves["loss"].starts_logarithmic
    found = texts_of(curves["loss"])
    assert {"0.001", "0.01", "0.1", "0.2", "0.5", "1"} <= {*found}
    assert not any("$" in text for text in found)


def test_a_segment_is_a_labelled_line(curves):
    for figure in curves.values():
        assert "target=yes" in texts_of(figure)
