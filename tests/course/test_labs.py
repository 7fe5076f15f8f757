"""The labs of the course: dlspec takes the very steps of its notebooks, and gets the figures that docs/course.md gives.

The costs and accuracies called published are those that the notebooks print; where they come from several machines
and differ, the test says so.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import h5py
import numpy as np
import pytest
import reference

from dlspec import preparation, runner, session
from dlspec.config import loader
from dlspec.core.randomness import stream
from dlspec.data import batches, synthetic

from . import notebook
from .files import CONFIGS, ROOT, football, overrides_for, shared, starts


@dataclass(frozen=True)
class Lab:
    """One lab.

    Attributes:
        config: name of its experiment.
        data: gives X (m, n_x) and Y (m,) of its training set.
        model: what the notebook is trained with, but for the data and the start.
        start: name of its start values; None means zeros.
        flags: further overrides.
        right: how many examples dlspec gets right, and of how many.
        unsteady: whether the last bits of another processor's sums may move a hundredth of them: such a lab takes
            steps that make a small difference large.
        published: costs by iteration, and how far the machines that they come from agree.
    """

    config: str
    data: Callable
    model: dict
    right: dict
    unsteady: bool = False
    start: str | None = None
    flags: tuple = ()
    published: dict = field(default_factory=dict)
    agree: float = 1e-10


def points(make, examples, noise, seed):
    return make(examples, noise, np.random.RandomState(seed))


def football_points():
    matrices = football["read_mat"](shared("football.mat").read_bytes())
    return matrices["X"], matrices["y"].ravel()


def cats():
    with h5py.File(shared("train_catvnoncat.h5")) as file:
        return file["train_set_x"][:].reshape(209, -1) / 255, file["train_set_y"][:]


def dlspec_masks():
    """What dlspec drops in the football network, drawn anew at each call: every mask (units, examples)."""
    rng = stream(1, "dropout")
    return lambda: [reference.dropout_mask(rng, (211, units), 0.86).T for units in (20, 3)]


def course_masks():
    """What the notebook drops: the seed is set in each forward pass."""
    rng = np.random.RandomState(1)
    return [rng.rand(units, 211) < 0.86 for units in (20, 3)]


def in_batches_of_64(order):
    return [order[start : start + 64] for start in range(0, len(order), 64)]


def dlspec_batches(epoch):
    order = np.arange(300)
    stream(1, "shuffle", epoch).shuffle(order)
    return in_batches_of_64(order)


def course_order(epoch):
    """The notebook starts at seed 10 and adds 1 before each epoch."""
    return np.random.RandomState(11 + epoch).permutation(300)


circles = partial(points, synthetic.circles, 300, 0.05, 1)
moons = partial(points, synthetic.moons, 300, 0.2, 3)
flower = partial(points, synthetic.flower, 400, 0.2, 1)

CIRCLES = {"learning_rate": 0.01}
FOOTBALL = {"learning_rate": 0.3}
MOONS = {"learning_rate": 0.0007, "batches": dlspec_batches}
FLOWER = {"learning_rate": 1.2, "activation": "tanh"}
CATS = {"learning_rate": 0.0075}


def flower_lab(units, train, test, **more):
    flags = (
        f"architecture.layers.0.units={units}",
        f"initializer.path={CONFIGS / 'starts' / f'flower-{units}.npz'}",
        "training.epochs=5000",
    )
    right = {"train": (train, 400), "test": (test, 400)}
    return Lab("flower", flower, FLOWER, right, start=f"flower-{units}", flags=flags, **more)


LABS = {
    "circles-zeros": Lab(
        "circles-zeros",
        circles,
        CIRCLES,
        {"train": (150, 300), "test": (50, 100)},
        published={1000: 0.6931471805599453, 14000: 0.6931471805599453},
    ),
    "circles-large": Lab(
        "circles-large",
        circles,
        CIRCLES,
        {"train": (249, 300), "test": (86, 100)},
        start="circles-large",
        # Steps this large make much of a rounding error: 0.59812 or 0.59797, 0.38278 or 0.38277.
        published={2000: 0.5981216596703697, 14000: 0.3827828308349524},
        agree=1e-3,
    ),
    "circles-he": Lab(
        "circles-he",
        circles,
        CIRCLES,
        {"train": (298, 300), "test": (96, 100)},
        start="circles-he",
        published={
            1000: 0.6879825919728063,
            5000: 0.5304944491717495,
            10000: 0.15015556280371808,
            14000: 0.07357895962677366,
        },
    ),
    "football": Lab(
        "football",
        football_points,
        FOOTBALL,
        {"train": (200, 211), "test": (183, 200)},
        start="football",
        published={10000: 0.16329987525724216, 20000: 0.13851642423255986},
    ),
    "football-l2": Lab(
        "football-l2",
        football_points,
        FOOTBALL | {"lambd": 0.7},
        {"train": (198, 211), "test": (186, 200)},
        start="football",
        published={10000: 0.2684918873282239, 20000: 0.2680916337127301},
    ),
    "football-dropout": Lab(
        "football-dropout",
        football_points,
        FOOTBALL | {"keep_prob": 0.86},  # and masks, which each test makes
        {"train": (201, 211), "test": (187, 200)},
        unsteady=True,
        start="football",
    ),
    "moons-sgd": Lab("moons-sgd", moons, MOONS, {"train": (239, 300), "test": (249, 300)}, start="moons"),
    "moons-momentum": Lab(
        "moons-momentum",
        moons,
        MOONS | {"rule": notebook.momentum},
        {"train": (239, 300), "test": (248, 300)},
        start="moons",
    ),
    "moons-adam": Lab(
        "moons-adam",
        moons,
        MOONS | {"rule": notebook.adam},
        {"train": (282, 300), "test": (285, 300)},
        start="moons",
    ),
    "flower-logistic": Lab(
        "flower-logistic", flower, {"learning_rate": 1.2}, {"train": (188, 400), "test": (197, 400)}
    ),
    "flower": Lab(
        "flower",
        flower,
        FLOWER,
        {"train": (363, 400), "test": (362, 400)},
        unsteady=True,
        start="flower-4",
        # From the 8,000th on they differ: 0.219454 or 0.219504.
        published={1000: 0.288083, 2000: 0.254385, 5000: 0.222644, 7000: 0.217504},
        agree=6e-7,
    ),
    "flower-1": flower_lab(1, 270, 266),
    "flower-2": flower_lab(2, 269, 257),
    "flower-3": flower_lab(3, 363, 362),
    "flower-4": flower_lab(4, 362, 360, published={4000: 0.226792}, agree=6e-7),
    "flower-5": flower_lab(5, 365, 364),
    "flower-20": flower_lab(20, 360, 361, unsteady=True),
    "flower-50": flower_lab(50, 363, 356, unsteady=True),
    "cat-logistic": Lab(
        "cat-logistic",
        cats,
        {"learning_rate": 0.005},
        {"train": (207, 209), "test": (35, 50)},
        published={100: 0.584508, 1000: 0.214820, 1900: 0.140872},
        agree=6e-7,
    ),
    "cat-2-layer": Lab(
        "cat-2-layer",
        cats,
        CATS,
        {"train": (209, 209), "test": (36, 50)},
        start="cat-2-layer",
        published={100: 0.6464320953428849, 200: 0.6325140647912678, 2400: 0.04855478562877019},
    ),
    "cat-4-layer": Lab(
        "cat-4-layer",
        cats,
        CATS,
        {"train": (206, 209), "test": (40, 50)},
        start="cat-4-layer",
        published={100: 0.6720534400822914, 200: 0.6482632048575212, 2400: 0.09287821526472398},
        agree=1e-9,
    ),
}

# Shapes of the weights that start at 0.
ZEROS = {
    "circles-zeros": [(10, 2), (5, 10), (1, 5)],
    "flower-logistic": [(1, 2)],
    "cat-logistic": [(1, 12288)],
}

each_lab = pytest.mark.parametrize("name", LABS)


def train(lab, directory, *flags):
    """Costs after each epoch, and how many examples are right in the end, by split."""
    config = CONFIGS / f"{lab.config}.yaml"
    overrides = [*overrides_for(config, directory), *lab.flags, "evaluation.every=1", *flags]
    outcome = runner.train(preparation.prepare(loader.load(config, overrides)), runs_dir=directory)
    rows = (outcome.run / "metrics.jsonl").read_text().splitlines()
    right = {
        split["split"]: (sum(row[c] for c, row in enumerate(split["confusion_matrix"])), split["examples"])
        for split in outcome.report["splits"]
    }
    return [json.loads(row)["train_cost"] for row in rows], right


def weights_of(lab):
    """The start of the notebook."""
    if lab.start is not None:
        return starts["weights"](lab.start)
    return {f"W{layer}": np.zeros(shape) for layer, shape in enumerate(ZEROS[lab.config], start=1)}


def notebook_costs(lab, epochs, **model):
    X, y = lab.data()
    return notebook.model(X.T, y[np.newaxis], weights_of(lab), epochs=epochs, **{**lab.model, **model})


def assert_same(costs, expected):
    """Within 1e-10, or for costs that explode within 1e-10 of the largest."""
    np.testing.assert_allclose(costs, expected, rtol=0, atol=1e-10 * max(1, *expected))


@each_lab
def test_the_steps_are_those_of_the_notebook(name, tmp_path):
    lab = LABS[name]
    epochs = 10 if lab.config.startswith("cat-") else 100
    costs, _ = train(lab, tmp_path, f"training.epochs={epochs}")
    masks = {"masks": dlspec_masks()} if "keep_prob" in lab.model else {}
    assert_same(costs, notebook_costs(lab, epochs, **masks))


@pytest.mark.long
@pytest.mark.parametrize("name", ["cat-logistic", "cat-2-layer", "cat-4-layer"])
def test_a_hundred_steps_of_the_cats_are_those_of_the_notebook(name, tmp_path):
    lab = LABS[name]
    costs, _ = train(lab, tmp_path, "training.epochs=100")
    assert_same(costs, notebook_costs(lab, 100))
    assert costs[-1] == pytest.approx(lab.published[100], abs=lab.agree)


def test_a_thousand_iterations_give_the_published_cost(tmp_path):
    costs, _ = train(LABS["circles-he"], tmp_path, "training.epochs=1000")
    assert costs[-1] == pytest.approx(0.6879825919728063, abs=1e-12)


@pytest.mark.long
@pytest.mark.timeout(600)
@each_lab
def test_the_whole_lab_gives_what_the_docs_say(name, tmp_path):
    lab = LABS[name]
    costs, right = train(lab, tmp_path)
    for split, (k, m) in lab.right.items():
        assert right[split] == (pytest.approx(k, abs=m / 100 if lab.unsteady else 0), m)
    for iteration, cost in lab.published.items():
        assert costs[iteration - 1] == pytest.approx(cost, abs=lab.agree), iteration


class CourseMasks:
    """In the place of the generator of dropout: 0 where the notebook keeps a unit, the largest where it drops it."""

    def __init__(self):
        self.bit_generator = self
        self.state = np.random.PCG64(0).state
        self.left = []

    def random_raw(self, words):
        self.left = self.left or course_masks()
        mask = self.left.pop(0).T.ravel()
        numbers = np.zeros(4 * words, np.uint16)
        numbers[: mask.size][~mask] = 65_535
        return numbers.view(np.uint64)


@pytest.fixture
def _masks_of_the_course(monkeypatch):
    monkeypatch.setattr(session, "stream", lambda _seed, use: {"dropout": CourseMasks()}[use])


class CourseOrder:
    """In the place of the generator that shuffles an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def shuffle(self, order):
        order[:] = course_order(self.epoch)


@pytest.fixture
def _order_of_the_course(monkeypatch):
    monkeypatch.setattr(batches, "stream", lambda _seed, use, epoch: {"shuffle": CourseOrder(epoch)}[use])


@pytest.mark.usefixtures("_masks_of_the_course")
def test_the_steps_are_those_of_the_notebook_with_its_own_masks(tmp_path):
    lab = LABS["football-dropout"]
    costs, _ = train(lab, tmp_path, "training.epochs=100")
    assert_same(costs, notebook_costs(lab, 100, masks=course_masks))


@pytest.mark.long
@pytest.mark.usefixtures("_masks_of_the_course")
def test_dropout_gives_the_figures_of_the_course_with_its_own_masks(tmp_path):
    _, right = train(LABS["football-dropout"], tmp_path)
    assert right == {"train": (196, 211), "test": (190, 200)}  # 92.9 % and 95 %


@pytest.mark.usefixtures("_order_of_the_course")
@pytest.mark.parametrize("name", ["moons-sgd", "moons-momentum", "moons-adam"])
def test_the_steps_are_those_of_the_notebook_in_its_own_order(name, tmp_path):
    costs, _ = train(LABS[name], tmp_path, "training.epochs=100")
    expected = notebook_costs(LABS[name], 100, batches=lambda epoch: in_batches_of_64(course_order(epoch)))
    assert_same(costs, expected)


@pytest.mark.long
@pytest.mark.usefixtures("_order_of_the_course")
@pytest.mark.parametrize(("name", "right"), [("moons-sgd", 239), ("moons-momentum", 239), ("moons-adam", 282)])
def test_the_moons_give_the_figures_of_the_course_in_its_own_order(name, right, tmp_path):
    assert train(LABS[name], tmp_path)[1]["train"] == (right, 300)  # 79.7 %, 79.7 % and 94 %


@each_lab
def test_the_docs_give_these_figures(name):
    lab, page = LABS[name], (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
    start = rf"\| {name.removeprefix('flower-')} \|" if lab.flags else rf"\|[^|]*\| `{name}.yaml` \|"
    (row,) = re.findall(rf"^{start}.*$", page, flags=re.MULTILINE)
    for k, m in lab.right.values():
        assert f"{k} of {m}" in row


def test_every_lab_has_its_experiment_and_every_experiment_its_lab():
    assert {lab.config for lab in LABS.values()} == {path.stem for path in CONFIGS.glob("*.yaml")}
