"""`report.html`: what stands on the page, and that nothing of a data file becomes more than text."""

import html.parser
import re

import pytest

from dlspec.config.differences import Setting
from dlspec.report import assets, figures, svg
from dlspec.report.html import render

from .reports import HOSTILE, classification, health, metrics, multi_task, pictures, regression

SPIKE = {"step": 15, "loss": 9.0, "usual": 0.5}
SETTINGS = [
    Setting("optimizer.learning_rate", 0.1, 0.001, differs=True),
    Setting("architecture.layers", [{"units": 3, "activation": "tanh"}], [], differs=True),
    Setting("threads", 2, "auto", differs=False),
    Setting("data.target", None, None, differs=False),
]
VOID = {"meta", "link", "br", "wbr"}


class Page(html.parser.HTMLParser):
    """The elements of a page, their attributes and texts; fails where they are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open, self.ids = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page(report=None, *, epochs=12, **content):
    full = {"metrics": metrics(epochs, spikes=[SPIKE]), "settings": SETTINGS, **content}
    return render(classification() if report is None else report, **full)


def hostile(name):
    settings = [*SETTINGS, Setting("data.target", name, "", differs=True)]
    return page(classification(name), health=health(3, activation=name), pictures=pictures(name), settings=settings)


def test_what_stands_on_the_page():
    found = Page(page(health=health(3), pictures=pictures()))
    for words in (
        "cats", "High variance", "No improvement of dev_loss", "the numbers are of epoch 12 (best parameters)",
        "dev accuracy", "75.00 %", "less of yes", "against variance", "because of yes",
        "--set regularization.l2=0.5 --set data.target=yes", "note on yes", "+25.00 %", "+10.00 % to +40.00 %",
        "Health of the training", "dead: yes layer 1, epoch 2: 0.5, threshold 0.3", "best f1",
        "0.73333", "recall >= 0.9", "not met", "predict_ms <= 5", "see dlspec diagnose", "2.5 kB",
        "about 90 in dev would tell", "90 in dev",
        "Layers at the start", "Confusion", "Decision boundary", "taken for",
        "optimizer.learning_rate", "[{units: 3, activation: tanh}]", "0.001", "All 4 settings",
        "after epoch 1, step 9: data.target=yes", "classes without a training example: yes", "loss spike at step 15",
    ):  # fmt: skip
        assert words in found.text or any(words in str(a) for _, a in found.elements), words
    sections = [attributes["id"] for attributes in found.of("section")]
    assert sections == [
        "next", "asked", "errors", "curves", "health", "classes", "boundary", "worst", "config", "warnings",
    ]  # fmt: skip
    links = [attributes["href"] for attributes in found.of("a")]
    assert links == ["#next", *(f"#{section}" for section in sections)]


def test_a_labelled_line_says_where_a_segment_begins_and_what_changed():
    report, changes = classification(), ["optimizer.learning_rate=0.0001", "batch_size=8"]
    report["segments"] += [{"epoch": epoch, "step": 10 * epoch, "changes": changes} for epoch in (9, 40)]
    (loss, *_) = figures.curves(report, metrics(12))
    drawn = str(svg.lines(loss))
    groups = re.findall(
        r'<g class="mark segment"><line x1="([\d.]+)".*?<text x="([\d.]+)" .*?text-anchor="(\w+)">(.*?)</text>', drawn
    )
    width = svg.RIGHT - svg.LEFT
    for (line, label, anchor, words), (epoch, side, text) in zip(
        groups,
        [
            (1, "start", "target=yes"),
            (9, "end", "learning_rate=0.0001, bat…"),
            (12, "end", "learning_rate=0.0001, bat…"),
        ],
        strict=True,
    ):
        assert float(line) == pytest.approx(svg.LEFT + width * (epoch - 1) / 11, abs=0.1)
        assert (float(label) - float(line), anchor) == (pytest.approx(4 if side == "start" else -4), side)
        assert words == text
    assert "changed: optimizer.learning_rate=0.0001, batch_size=8" in drawn


@pytest.mark.parametrize(
    ("report", "content", "sections"),
    [
        (
            classification(),
            {"epochs": 1},
            ["next", "asked", "errors", "curves", "health", "classes", "config", "warnings"],
        ),
        (regression(), {"metrics": metrics(3, metric="rmse", dev=False)}, ["next", "errors", "curves", "config"]),
        (regression(), {"metrics": [], "settings": ()}, ["next", "errors"]),
        (multi_task(), {}, ["next", "asked", "errors", "curves", "health", "classes", "config", "warnings"]),
    ],
    ids=["one epoch", "regression without dev", "nothing but the report", "multi-task"],
)
def test_every_kind_of_run(report, content, sections):
    text = page(report, **content)
    assert [attributes["id"] for attributes in Page(text).of("section")] == sections
    assert not re.search(r"\b(NaN|nan|inf|Infinity|None)\b", text.replace(assets.SCRIPT, "").replace(assets.STYLE, ""))


def test_a_report_of_before_there_were_actions():
    report = classification()
    del report["actions"], report["health"]
    found = Page(page(report))
    assert "get more training data" in found.text
    assert "health" not in [attributes["id"] for attributes in found.of("section")]
    report["diagnosis"]["next_steps"] = []
    for verdict, words in (
        ("low bias, low variance", "errors and training look fine"),
        ("too few examples to tell", "the notes below say what was not"),
    ):
        report["diagnosis"]["verdict"] = verdict
        assert words in Page(page(report)).text


def test_numbers_that_are_none():
    report = classification()
    report["splits"][1] |= {"loss": None, "cost": None}
    report["diagnosis"]["gaps"][1] |= {"low": None, "high": None}
    assert "unknown" in Page(page(report)).text
    rows = [{**row, "dev_loss": None} for row in metrics(3)]
    assert "unknown" in Page(page(metrics=rows)).text or "dev" in Page(page(metrics=rows)).text


def test_the_same_content_is_the_same_bytes():
    assert page(health=health(3), pictures=pictures()) == page(health=health(3), pictures=pictures())


def test_the_page_asks_the_net_for_nothing():
    text = page(health=health(3), pictures=pictures())
    found = Page(text)
    assert re.findall(r"\b(?:https?|ftp|wss?):", text) == ["http:"]  # the name of the SVG namespace, in the script
    for tag, attributes in found.elements:
        for name in ("src", "href", "action", "xlink:href", "poster", "srcset"):
            assert str(attributes.get(name, "#")).startswith(("#", "data:")), (tag, attributes)
    policy = next(a["content"] for a in found.of("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_script_and_style_are_small_and_ours_alone():
    assert len(assets.SCRIPT.encode()) + len(assets.STYLE.encode()) < 20_000
    found = Page(page(health=health(3), pictures=pictures()))
    assert len(found.of("script")) == len(found.of("style")) == 1
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_are_text(name):
    text = hostile(name)
    text.encode()
    assert all(c.isprintable() or c == "\n" for c in text)
    theirs, plain = Page(text), Page(hostile("plain"))
    assert [tag for tag, _ in theirs.elements] == [tag for tag, _ in plain.elements]
    assert [set(attributes) for _, attributes in theirs.elements] == [
        set(attributes) for _, attributes in plain.elements
    ]
    shown = "".join(c if c.isprintable() else "·" for c in name)[:59]
    assert " ".join(shown.split()) in theirs.text


def test_a_page_of_a_long_run_stays_small():
    assert len(page(metrics=metrics(20_000), health=health(2_000, layers=40))) < 400_000


def test_charts_can_be_read_without_seeing_them():
    found = Page(page(health=health(3), pictures=pictures()))
    assert {a["lang"] for a in found.of("html")} == {"en"}
    for attributes in found.of("svg"):
        assert attributes.get("aria-hidden") == "true" or (attributes["role"] == "img" and attributes["aria-label"])
    for attributes in found.of("table"):
        assert attributes["aria-label"]
    for attributes in found.of("th"):
        assert attributes["scope"] in ("row", "col")
    charts = [a for a in found.of("svg") if "data-chart" in a]
    assert len(charts) == 6
    assert all(attributes["tabindex"] == "0" for attributes in charts)
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def luminance(color):
    full = color if len(color) == 7 else "#" + "".join(2 * c for c in color[1:])
    parts = [int(full[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme):
    light, dark = re.findall(r":root\{(.*?)\}", assets.STYLE, flags=re.DOTALL)
    colors = dict(re.findall(r"--(\w+):(#[0-9a-f]+)", light if scheme == "light" else dark))
    assert len(colors) == 19
    for name in ("ink", "quiet", "fine", "high", "unsure", "train"):
        for ground in ("paper", "card"):
            assert contrast(colors[name], colors[ground]) >= 4.5, (name, ground)
    for name in ("dev", "cost", *(f"l{number}" for number in range(8))):
        assert contrast(colors[name], colors["card"]) >= 3, name
