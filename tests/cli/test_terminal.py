"""What reaches the terminal: colours only there, never a control character of a file, never a traceback."""

import os
import re
import subprocess

import pytest

from .commands import COMMAND, TINY, environment, spawn, spawn_in_terminal, start, write, write_table

COLOR = re.compile("\x1b\\[[0-9;]*(3[0-9]|4[0-9]|9[0-7])[0-9;]*m")
HOSTILE = ["\x1b[31mred", "c\x9b31m", "r\u202etl", "[/x]", "[link=x]y[/link]", ":smile:", "\x07bell"]
BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(tmp_path):
    """An experiment on a table whose class names and feature names are hostile."""
    table = write_table(tmp_path / "hostile.csv", HOSTILE, examples=140)
    table.write_text(table.read_text().replace("a,b,label", "\x1b[32ma,b\x9b,label"))
    return write(tmp_path / "hostile.yaml", "data: {path: hostile.csv}\ntraining: {epochs: 1}\n")


def test_files_and_pipes_get_no_escape_codes(tiny, tmp_path):
    for arguments in (("train", tiny), ("evaluate", "latest"), ("validate", tiny), ("--help",), ("show", tiny)):
        result = spawn(*arguments, cwd=tmp_path)
        assert result.code == 0
        assert "\x1b" not in result.out + result.err


def test_lines_are_not_wrapped_in_files(tiny, tmp_path):
    result = spawn("train", tiny, "--runs-dir", "r" * 200, cwd=tmp_path, env={"COLUMNS": "20"})
    assert re.search(rf"^run +{'r' * 200}/\S+-tiny$", result.out, flags=re.MULTILINE)


def test_a_terminal_is_left_in_order(tiny, tmp_path):
    result = spawn_in_terminal("train", tiny, cwd=tmp_path)
    assert result.code == 0
    assert "verdict" in result.out
    hidden, shown = result.out.rfind("\x1b[?25l"), result.out.rfind("\x1b[?25h")
    assert shown >= hidden  # the cursor is back


def test_no_color_is_respected(tiny, tmp_path):
    result = spawn_in_terminal("train", tiny, cwd=tmp_path, env={"NO_COLOR": "1"})
    assert result.code == 0
    assert not COLOR.search(result.out)


def test_a_dumb_terminal_gets_no_escape_codes(tiny, tmp_path):
    result = spawn_in_terminal("train", tiny, "--quiet", cwd=tmp_path, env={"TERM": "dumb"})
    assert result.code == 0
    assert "\x1b" not in result.out


def test_control_characters_of_a_file_never_reach_the_terminal(hostile, tmp_path, dlspec):
    runs = tmp_path / "runs"
    for arguments in (
        ("train", hostile, "--runs-dir", runs),
        ("evaluate", "latest", "--runs-dir", runs, "--split", "all"),
        ("validate", hostile),
    ):
        result = dlspec(*arguments)
        assert result.code == 0, result.err
        assert not BAD.search(result.out + result.err)
    shown = dlspec("evaluate", "latest", "--runs-dir", runs).out
    for name in ("\\x1b[31mred", "[/x]", "[link=x]y[/link]", ":smile:"):
        assert name in shown


def test_control_characters_never_reach_the_terminal_by_way_of_json(hostile, tmp_path, dlspec):
    result = dlspec("train", hostile, "--runs-dir", tmp_path / "runs", "--json")
    assert result.code == 0
    assert [row["class"] for row in result.json["splits"][0]["classes"]] == sorted(HOSTILE)
    assert not BAD.search(result.out)


def test_control_characters_in_what_a_person_typed(tmp_path, dlspec, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ("evaluate", "\x1b[31mred"),
        ("train", "\x1b[31mred"),
        ("validate", "a\x9b.yaml"),
        ("show", write(tmp_path / "a.yaml", TINY), "--set", "\x1b[31m=1"),
        ("show", tmp_path / "a.yaml", "--set", "name=\x1b[31m"),
    ):
        result = dlspec(*arguments)
        assert result.code == 2
        assert not BAD.search(result.out + result.err)


@pytest.mark.parametrize(
    "content",
    ['name: "\\e[31m"\n', '"\\e[31m": 1\n', "data: {path: '\\e'}\n", 'data: {path: "\\x9b.csv"}\n', "a: \x1b\n"],
    ids=ascii,
)
def test_control_characters_in_a_config(content, tmp_path, dlspec):
    result = dlspec("validate", write(tmp_path / "a.yaml", content))
    assert result.code == 2
    assert not BAD.search(result.out + result.err)


@pytest.mark.parametrize("arguments", [("schema",), ("show", "tiny.yaml"), ("--help",), ("train", "tiny.yaml", "-q")])
@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_leaves_early_sees_no_traceback(arguments, lines, tiny):
    with start(*arguments, cwd=tiny.parent) as process:
        for _ in range(lines):
            assert process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


@pytest.mark.parametrize("arguments", [("schema",), ("show", "umlaut.yaml")])
def test_a_terminal_without_unicode(arguments, tmp_path):
    write(tmp_path / "umlaut.yaml", "data: {path: größe.csv}\n")
    assert spawn(*arguments, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"}).code == 0


@pytest.mark.parametrize("flags", [["-q"], ["--json"]])
def test_a_path_that_is_no_unicode(flags, tiny):
    command = [*COMMAND, "train", "tiny.yaml", "--runs-dir", b"r\xff", *flags]
    process = subprocess.run(
        command, cwd=tiny.parent, env=environment(PYTHONIOENCODING="utf-8:strict"), capture_output=True, check=False
    )
    assert (process.returncode, b"Traceback" in process.stderr) == (0, False)
    assert os.path.isdir(os.fsencode(tiny.parent) + b"/r\xff")  # noqa: PTH112 - a path of bytes


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("evaluate", "LONG"), id="run"),
        pytest.param(("train", "tiny.yaml", "--runs-dir", "LONG"), id="runs"),
        pytest.param(("init", "LONG"), id="project"),
        pytest.param(("train", "long.yaml"), id="data"),
    ],
)
def test_a_name_that_is_too_long_for_the_system(arguments, tiny, dlspec, monkeypatch):
    monkeypatch.chdir(tiny.parent)
    write(tiny.with_name("long.yaml"), f"data: {{path: {'x' * 300}.csv}}\n")
    result = dlspec(*(argument.replace("LONG", "x" * 300) for argument in arguments))
    assert result.code in (1, 2)
    assert len(result.err.splitlines()) == 1


def test_unknown_commands_and_options(dlspec):
    for arguments in (("fly",), ("train",), ("train", "a.yaml", "--fast"), ("evaluate", "a", "b")):
        result = dlspec(*arguments)
        assert (result.code, result.out) == (2, "")
        assert re.fullmatch(r".*dlspec( train| evaluate)?: .+; see: .*dlspec.* --help\n", result.err)


def test_without_a_command_the_help_is_shown(dlspec):
    result = dlspec()
    assert (result.code, result.out) == (2, "")
    assert re.match("Usage: .*dlspec", result.err)


def test_help_and_version(dlspec):
    assert re.fullmatch(r"dlspec \d+\.\d+\.\d+\n", dlspec("--version").out)
    result = dlspec("--help")
    assert result.code == 0
    for command in ("train", "evaluate", "validate", "show", "schema", "init"):
        assert re.search(rf"^  {command} ", result.out, flags=re.MULTILINE)
        assert dlspec(command, "--help").code == 0
    assert dlspec("train", "-h").out == dlspec("train", "--help").out
