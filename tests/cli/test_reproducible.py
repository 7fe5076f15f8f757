"""The same experiment gives the same bytes, wherever and however it is started."""

import pytest
import threadpoolctl

from dlspec import preparation, runner
from dlspec.config import loader
from dlspec.run import checkpoints

from .commands import only_run, reproducible_in, spawn, spawn_in_terminal, write, write_table

# Dropout, a short last batch, early stopping on the best parameters: all that draws or decides.
CONFIG = """\
name: cats
seed: 11
data: {path: cats.csv, split: {ratios: 60/20/20}}
architecture: {layers: [{units: 8, keep_prob: 0.7}, {units: 4, activation: tanh}]}
regularization: {l2: 0.1, input_keep_prob: 0.9}
batch_size: 10
training: {epochs: 8, early_stopping: {patience: 3}}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """An experiment on a table, and a first run of it: (config, its run)."""
    place = tmp_path_factory.mktemp("project")
    write_table(place / "cats.csv", ["no", "yes", "perhaps"], examples=93)
    config = write(place / "cats.yaml", CONFIG)
    assert spawn("train", config, cwd=place).code == 0
    return config, only_run(place / "runs")


def assert_same_run(ours, theirs):
    assert_same_files(reproducible_in(ours), reproducible_in(theirs))


def assert_same_files(ours, theirs):
    assert set(ours) == set(theirs)
    assert [name for name, content in ours.items() if content != theirs[name]] == []


@pytest.mark.parametrize(
    ("env", "flags"),
    [
        ({"PYTHONHASHSEED": "0", "TZ": "Asia/Tokyo"}, []),
        ({"PYTHONHASHSEED": "1", "LC_ALL": "C"}, ["--quiet"]),
        ({"LC_ALL": "C.UTF-8", "TZ": "UTC+12", "COLUMNS": "20"}, ["--json"]),
        ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}, ["--quiet"]),
        ({"OMP_NUM_THREADS": "8", "OPENBLAS_NUM_THREADS": "8"}, ["--quiet"]),
    ],
    ids=lambda value: " ".join(value) or "loud",
)
def test_the_surroundings_do_not_matter(env, flags, project, tmp_path):
    config, first = project
    assert spawn("train", config, *flags, cwd=tmp_path, env=env).code == 0
    assert_same_run(only_run(tmp_path / "runs"), first)


def test_a_terminal_does_not_matter(project, tmp_path):
    config, first = project
    assert spawn_in_terminal("train", config, cwd=tmp_path).code == 0
    assert_same_run(only_run(tmp_path / "runs"), first)


def test_the_resolved_config_trains_to_the_same_bytes(project, tmp_path):
    _, first = project
    assert spawn("train", first / "config.resolved.yaml", cwd=tmp_path).code == 0
    again, before = reproducible_in(only_run(tmp_path / "runs")), reproducible_in(first)
    for name in ("config.yaml", "report.html"):  # the page tells which settings somebody chose: there, all of them
        assert again.pop(name) != before.pop(name)
    assert_same_files(again, before)


def test_another_seed_is_another_run(project, tmp_path):
    config, first = project
    assert spawn("train", config, "--set", "seed=12", cwd=tmp_path).code == 0
    again = only_run(tmp_path / "runs")
    for name in ("metrics.jsonl", "report.json"):
        assert (again / name).read_bytes() != (first / name).read_bytes(), name
    last, other = (checkpoints.of_name(run, "last").read_bytes() for run in (first, again))
    assert last != other


@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_of_the_config_are_those_that_are_used(threads, project, tmp_path):
    config, _ = project
    prepared = preparation.prepare(loader.load(config, [f"threads={threads}"]))
    seen = set()

    def watch(_):
        blas = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
        seen.update(pool["num_threads"] for pool in blas)

    with threadpoolctl.threadpool_limits(3 - threads, user_api="blas"):
        runner.train(prepared, runs_dir=tmp_path / "runs", watcher=watch)
    assert seen == {threads}
