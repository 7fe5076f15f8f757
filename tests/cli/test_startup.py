"""`--help` starts in a tenth of a second because nothing heavy is imported for it."""

import re
import shutil
import subprocess
import sys

import pytest

from dlspec.cli import app

HEAVY = {"numpy", "h5py", "pydantic", "pydantic_core", "yaml", "rich", "threadpoolctl", "filelock"}


def imported_by(*arguments):
    """Top-level packages that `python -m dlspec …` imports."""
    return {name.split(".")[0] for name in modules_imported_by(*arguments)}


def modules_imported_by(*arguments):
    command = [sys.executable, "-X", "importtime", "-m", "dlspec", *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)", result.stderr, flags=re.MULTILINE))


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_nothing_heavy_is_imported(flag):
    imported = imported_by(flag)
    assert {"dlspec", "typer"} <= imported  # the list is not empty
    assert imported & HEAVY == set()


def test_the_help_of_a_command_imports_no_more_than_typer_itself_does():
    assert imported_by("train", "--help") & (HEAVY - {"pydantic", "pydantic_core"}) == set()


def test_a_command_that_reads_a_file_imports_what_it_needs(tmp_path):
    config = tmp_path / "moons.yaml"
    config.write_text("data: {synthetic: moons}\n")
    imported = imported_by("show", str(config))
    assert {"pydantic", "yaml"} <= imported
    assert imported & {"numpy", "h5py", "rich"} == set()


@pytest.mark.parametrize("command", sorted(app.COMMANDS))
def test_a_command_is_loaded_without_the_others_under_its_own_name(command):
    names = [each.callback.__name__ for each in app.command_line(command).registered_commands]
    assert names == [command.replace("-", "_")]
    assert app.command_line(command).registered_groups == []


@pytest.mark.parametrize("first", ["", "--help", "trian", "learning_curve", "data"])
def test_every_command_is_loaded_where_none_is_named(first):
    line = app.command_line(first)
    names = [each.callback.__name__.replace("_", "-") for each in line.registered_commands]
    assert names == list(app.COMMANDS)
    assert [group.name for group in line.registered_groups] == ["data"]


OF_FEW_DATA = {
    "dlspec.data.arrow",
    "dlspec.data.mixed",
    "dlspec.data.scan",
    "dlspec.data.streamed_loading",
    "dlspec.data.parquet_rows",
    "pyarrow",
    "PIL",
}
"""What is for columns of text and dates, for splits by a column, for reading in parts, for Parquet and images."""


def test_an_experiment_is_checked_without_what_would_train_it(tiny):
    imported = modules_imported_by("validate", tiny)
    assert "dlspec.resolver" in imported
    unwanted = {"h5py", "rich", "filelock", "threadpoolctl", "numpy.ma", "dlspec.builder", "dlspec.run.record"}
    assert imported & (unwanted | OF_FEW_DATA) == set()


def test_a_training_does_without_what_is_for_a_terminal_and_for_few_data(tiny, tmp_path):
    imported = modules_imported_by("train", tiny, "--runs-dir", tmp_path)
    assert {"h5py", "dlspec.run_page"} <= imported
    unwanted = {"rich.progress", "rich.markdown", "matplotlib", "numpy.ma", "dlspec.cli.evaluate"}
    assert imported & (unwanted | OF_FEW_DATA) == set()


def test_a_run_is_measured_without_what_trains_and_reports(trained):
    imported = modules_imported_by("evaluate", trained[0])
    unwanted = {"rich.progress", "matplotlib", "filelock", "dlspec.runner", "dlspec.session", "dlspec.cli.train"}
    assert imported & (unwanted | OF_FEW_DATA) == set()


def test_the_page_is_drawn_only_by_who_writes_one(trained, tmp_path):
    run = shutil.copytree(trained[0], tmp_path / "run")
    page = {"dlspec.report.html", "dlspec.run_page"}
    assert modules_imported_by("evaluate", str(run)) & page == set()
    assert modules_imported_by("diagnose", str(run), "--json") & {*page, "matplotlib"} == page
