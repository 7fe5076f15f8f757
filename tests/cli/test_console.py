"""Lines and tables: a file gets what a terminal without styles shows."""

import io

import pytest

from dlspec.cli import console
from dlspec.cli.console import WIDTH_OF_FILES, Console, table, text
from dlspec.cli.terminal import Terminal

HEAD = ["class", "examples", "F1"]
CONTENTS = {
    "nothing": None,
    "a line": text("run      ", style="bold") + text("runs/a b  "),
    "brackets and names of emojis": text("[bold]x[/bold] :smile: https://example.org 3.5"),
    "a longer line than any terminal has": text("x " * 300),
    "control characters": text("a\x1b[31m\tb\n"),
    "a table": table(HEAD, [["a", "1", "90.00 %"], ["bcd", "1,000", "-"]]),
    "a head alone": table(HEAD, []),
    "columns on the left": table(HEAD, [["a", "1", text("ok", style="green")], ["b", "10,000", "failed"]], left=(0, 2)),
    "wide characters": table(HEAD, [["猫", "1", "größe"], ["e\u0301", "2", "😀"], ["Ελληνικά", "3", "→"]]),
}


def written(out, content):
    out.print(content)
    return out.file.getvalue()


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_gets_what_rich_writes_without_styles(name):
    file, terminal = Console(io.StringIO()), Terminal(io.StringIO(), width=WIDTH_OF_FILES)
    assert not terminal.is_terminal
    assert written(file, CONTENTS[name]) == written(terminal, CONTENTS[name])


def test_columns_stand_under_their_heads():
    rows = table(HEAD, [["a", "1", "90.00 %"], ["bcd", "1,000", "-"]])
    assert list(rows.lines()) == ["class  examples       F1", "a             1  90.00 %", "bcd       1,000        -"]


def test_a_table_of_a_file_is_never_cut():
    name = "x" * WIDTH_OF_FILES
    assert written(Console(io.StringIO()), table(["name", "n"], [[name, "1"]])).splitlines()[1] == f"{name}  1"


@pytest.mark.parametrize(("variable", "drawn"), [(None, False), ("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_rich_draws_for_a_pipe_only_where_that_is_asked_for(variable, drawn, monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    if variable is not None:
        monkeypatch.setenv(variable, "1")
    out = console.console()
    assert (out.rich is not None, out.is_terminal, out.width) == (drawn, drawn, WIDTH_OF_FILES)
