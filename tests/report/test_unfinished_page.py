"""The page of a run that has not come to its end: what stands on it, and that it is as safe as that of any run."""

import pytest

from dlspec.config.differences import Setting
from dlspec.report.unfinished_page import LEFT_OUT, render

from .reports import HOSTILE, health, metrics
from .test_html import SETTINGS, Page

SIZES = [["the inputs", 3.5], ["layer 1, W1", 0.25], ["layer 1, Z1", 2.5e30], ["layer 2, Z2", None]]


def run(name="cats", **changes):
    """A run that diverged; names and texts of it are that name."""
    action = {
        "action": f"less of {name}", "gap": "optimization", "knob": "train", "reason": f"because of {name}",
        "effect": "finite", "set": ["optimizer.learning_rate=0.01", f"data.target={name}"],
    }  # fmt: skip
    finding = {"name": "dead", "layer": 1, "epoch": 2, "value": 0.5, "threshold": 0.3, "message": f"dead: {name}"}
    segments = [{"epoch": 0, "step": 0, "changes": []}, {"epoch": 1, "step": 9, "changes": [f"data.target={name}"]}]
    whole = {
        "name": name, "status": "diverged", "message": f"the loss is nan at step 7; first in {name}",
        "parameters": "last", "segments": segments, "actions": [action], "findings": [finding], "sizes": SIZES,
    }  # fmt: skip
    return whole | changes


def page(content=None, *, epochs=3, **changes):
    full = {"metrics": metrics(epochs), "health": health(3), "settings": SETTINGS, **changes}
    return render(run() if content is None else content, **full)


def sections_of(found):
    return [attributes["id"] for attributes in found.of("section")]


def test_what_stands_on_the_page_of_a_divergence():
    found = Page(page())
    for words in (
        "cats", "Diverged", "The loss is nan at step 7; first in cats.", "epochs measured3",
        "dev accuracy87.50 %", "learning rate0.033333", "less of cats", "against optimization", "because of cats",
        "--set optimizer.learning_rate=0.01 --set data.target=cats", "last finite checkpoint",
        "layer 1, Z12.5e+30", "layer 2, Z2not finite", "Learning rate", "dead: cats layer 1, epoch 2",
        "Layers when last looked at", LEFT_OUT, "What differs from the defaults", "after epoch 1, step 9",
    ):  # fmt: skip
        assert words in found.text, words
    assert sections_of(found) == ["next", "broke", "curves", "health", "missing", "config"]
    assert [attributes["href"] for attributes in found.of("a")] == ["#next", *(f"#{s}" for s in sections_of(found))]


@pytest.mark.parametrize("status", ["interrupted", "killed", "failed"])
def test_a_run_that_stopped_on_the_way_says_how_it_goes_on(status):
    found = Page(page(run(status=status, message=None, actions=[], sizes=[])))
    assert sections_of(found) == ["next", "curves", "health", "missing", "config"]
    assert status.capitalize() in found.text
    assert "dlspec resume RUN" in found.text
    assert "Nothing says why it ended." in found.text


def test_a_run_that_ended_within_its_first_epoch():
    found = Page(page(epochs=0, health=health(1)))
    assert "No epoch was measured" in found.text
    assert "Layers at the start" in found.text
    assert "Layers when last looked at" not in found.text
    assert "Nothing else stands out." in Page(page(run(findings=[]))).text
    assert Page(page(epochs=0, health=[])).of("h1")


def test_of_a_deep_network_the_last_blocks_are_shown():
    sizes = [[f"block {number}.", float(number)] for number in range(30)]
    found = Page(page(run(sizes=sizes)))
    assert "the first 6 are left out" in found.text
    assert "block 5." not in found.text
    assert "block 6." in found.text


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_stay_text(name):
    sizes = [[name, None]]
    settings = [*SETTINGS, Setting("data.target", name, "", differs=True)]
    content = page(run(name, sizes=sizes), health=health(3, activation=name), settings=settings)
    found, plain = Page(content), Page(page(run(sizes=[["W1", None]]), settings=[*SETTINGS, SETTINGS[0]]))
    assert [tag for tag, _ in found.elements] == [tag for tag, _ in plain.elements]
    content.encode()


def test_the_same_content_gives_the_same_bytes():
    assert page() == page()
