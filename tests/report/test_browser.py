"""`report.html` in a headless Chromium: no error, hovering and keys work, no request leaves."""

import re

import pytest

from dlspec.report import comparison_page

from . import browser
from .reports import HOSTILE, comparison, health
from .test_html import hostile, page, pictures
from .test_unfinished_page import page as unfinished
from .test_unfinished_page import run

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(None in (browser.CHROMIUM, browser.DRIVER), reason="needs chromium and chromedriver"),
]

LOSS, SAID = "#figure-loss svg.chart", "return document.querySelector('#figure-loss output').innerText"


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    with browser.browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.open(write(tmp_path_factory.mktemp("blank"), "<title>blank</title>"))
        yield opened


@pytest.fixture
def report(window, tmp_path):
    """The window with a report in it."""
    window.requests(), window.complaints()
    window.look(width=1280)
    window.open(write(tmp_path, page(health=health(3), pictures=pictures())))
    return window


def write(place, text):
    path = place / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_it_opens_without_a_word_and_asks_for_nothing(report):
    report.point_at(LOSS, x=0.5, y=0.5)
    report.click("#figure-loss button")
    assert report.complaints() == []
    outside = [address for address in report.requests() if not address.startswith("data:image/png;base64,")]
    assert [address.partition(":")[0] for address in outside] == ["file"]


def test_hovering_tells_the_values(report):
    assert report.run(SAID) == ""
    report.point_at(LOSS, x=0.999, y=0.5)
    assert report.run(SAID) == "epoch 12\ntrain: 0.00024414\ndev: 0.00024414\ncost J (train): 0.50024\nbest epoch: 12"
    assert report.run(f"return document.querySelectorAll('{LOSS} .dot').length") == 3
    report.point_at(LOSS, x=0.14, y=0.5)
    assert report.run(SAID).startswith("epoch 1\ntrain: 0.5\n")
    report.point_at("h1", x=0.5, y=0.5)
    assert report.run(SAID) == ""


def test_dots_stand_on_their_curves(report):
    """The script places the dots; the path was drawn by Python: both mean the same point."""
    for _ in range(2):
        report.point_at(LOSS, x=0.5, y=0.5)
        x, y, path = report.run(
            f"const c=document.querySelector('{LOSS}'),d=c.querySelector('circle.train');"
            "const v=c.classList.contains('is-log')?'.log':'.linear';"
            "return [+d.getAttribute('cx'),+d.getAttribute('cy'),c.querySelector(v+' .train').getAttribute('d')]"
        )
        points = [tuple(map(float, pair.split())) for pair in re.split("[ML]", path) if pair]
        assert min(abs(x - px) + abs(y - py) for px, py in points) < 0.2
        report.click("#figure-loss button")


def test_the_axis_switches(report):
    visible = "return [...document.querySelectorAll('#figure-loss .view')].map(v=>getComputedStyle(v).display)"
    assert report.run(visible) == ["none", "inline"]  # the loss spans a factor of 4,096
    report.click("#figure-loss button")
    assert report.run(visible) == ["inline", "none"]
    assert report.run("return document.querySelector('#figure-loss button').getAttribute('aria-pressed')") == "false"


def test_the_keyboard_is_enough(report):
    report.press(LOSS, "home")
    assert report.run(SAID).startswith("epoch 1\n")
    report.press(LOSS, "right", "right")
    assert report.run(SAID).startswith("epoch 3\n")
    report.press(LOSS, "end")
    assert report.run(SAID).startswith("epoch 12\n")
    report.press(LOSS, "tab")
    assert report.run(SAID) == ""


def test_a_phone_needs_no_sideways_scrolling(report):
    report.look(width=390)
    assert report.run("return document.documentElement.scrollWidth") == 390
    report.point_at(LOSS, x=0.9, y=0.5)
    left, right = report.run(
        "const b=document.querySelector('#figure-loss output').getBoundingClientRect();return [b.left,b.right]"
    )
    assert 0 <= left < right <= 390


def test_dark_is_dark(report):
    color = "return getComputedStyle(document.body).backgroundColor"
    assert report.run(color) == "rgb(255, 255, 255)"
    report.look(width=1280, dark=True)
    assert report.run(color) == "rgb(18, 22, 27)"


def test_the_page_of_a_comparison(window, tmp_path):
    """Hovering tells the values of every run; a hostile name stays text."""
    window.requests(), window.complaints()
    window.open(write(tmp_path, comparison_page.render(comparison(HOSTILE[0]))))
    chart = "#figure-dev_loss svg.chart"
    window.point_at(chart, x=0.999, y=0.5)
    said = window.run("return document.querySelector('#figure-dev_loss output').innerText")
    assert said == "epoch 3\nrun 1: 0.25\nrun 2: none"
    assert HOSTILE[0] in window.run("return document.querySelector('#results').textContent")
    assert window.complaints() == []
    assert not [address for address in window.requests() if not address.startswith("file:")]


def test_the_page_of_a_divergence(window, tmp_path):
    """Hovering works, a phone needs no sideways scrolling, and a hostile name stays text."""
    window.requests(), window.complaints()
    window.look(width=390)
    window.open(write(tmp_path, unfinished(run(HOSTILE[0]))))
    window.point_at(LOSS, x=0.9, y=0.5)
    assert window.run(SAID).startswith("epoch 3\ntrain: 0.125\n")
    assert window.run("return document.documentElement.scrollWidth") == 390
    assert HOSTILE[0] in window.run("return document.querySelector('#next').textContent")
    assert window.complaints() == []
    assert not [address for address in window.requests() if not address.startswith("file:")]


@pytest.mark.parametrize("name", HOSTILE[:8], ids=ascii)
def test_hostile_names_are_shown_as_text(name, window, tmp_path):
    window.requests(), window.complaints()
    window.open(write(tmp_path, hostile(name)))
    window.point_at("#figure-health_std svg.chart", x=0.5, y=0.5)
    assert window.complaints() == []
    assert not [address for address in window.requests() if not address.startswith(("file:", "data:image/png"))]
    for section in ("next", "errors", "health", "warnings"):
        assert name in window.run(f"return document.querySelector('#{section}').textContent"), section
    assert window.run("return document.scripts.length + document.images.length") == 1
