"""Names of classes and features out of a data file: no command lets them steer a terminal or be markup in a report."""

import html.parser
import re

import h5py
import markdown_it
import numpy as np
import pytest

from .commands import only_run, spawn_in_terminal, write

NAMES = [
    "[/x]", "[link=http://x]y[/link]", ":smile:", "\x1b]0;title\x07", "\x1b[31mred", "c\x9b31m", "\x07bell",
    "</script>", "<script>alert(1)</script>", "<!-- ", "&lt;b&gt;", "r\u202etl", "a\0b", "new\nline",
    "| pipe |", "`code`", "![i](http://x/y.png)", "[a](javascript:b)", "# head", "\\", "größe", "x" * 10_000,
]  # fmt: skip
BAD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
OURS = re.compile("\x1b\\[[0-9;?]*[A-Za-z]|\r")  # colours and the cursor, which are ours; never a title


def hdf5(path, arrays):
    """Texts of a fixed length, which may hold a NUL; an attribute of that size needs the newer format."""
    with h5py.File(path, "w", libver="latest") as file:
        file["x"], file["y"] = arrays["x"], arrays["y"]
        file["classes"] = np.strings.encode(arrays["classes"])
        file["x"].attrs["feature_names"] = np.strings.encode(arrays["feature_names"])


def npz(path, arrays):
    np.savez(path, **arrays)


def experiment(place, save, *, nan=False):
    """A set whose names are hostile; all its features but two are constant, so that a warning names them."""
    y = np.arange(len(NAMES) * 15) % len(NAMES)
    x = np.zeros((len(y), len(NAMES)))
    x[:, 0], x[:, 1] = y, np.arange(len(y)) / 7
    if nan:
        x[5] = np.nan
    names = np.array(NAMES)
    suffix = {hdf5: "h5", npz: "npz"}[save]
    save(place / f"a.{suffix}", {"x": x, "y": y, "classes": names, "feature_names": np.roll(names, len(names) // 2)})
    return write(place / "a.yaml", f"data: {{path: a.{suffix}}}\ntraining: {{epochs: 1}}\n")


class Page(html.parser.HTMLParser):
    """The tags of a page, its cells, and what is set as code."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self.code = set(), [], []
        self.tag = ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.tag = tag
        assert not dict(attributes).keys() & {"href", "src", "onclick"}
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):  # noqa: ARG002 - the signature
        self.tag = ""

    def handle_data(self, data):
        if self.tag == "code":
            self.code.append(data)
        if self.cells:
            self.cells[-1] += data


@pytest.mark.parametrize("save", [hdf5, npz])
def test_no_command_is_steered(save, tmp_path, dlspec):
    config, runs = experiment(tmp_path, save), tmp_path / "runs"
    for arguments in (
        ("train", config, "--runs-dir", runs),
        ("validate", config),
        ("evaluate", "latest", "--runs-dir", runs, "--split", "all"),
        ("diagnose", "latest", "--runs-dir", runs),
        ("evaluate", "latest", "--runs-dir", runs, "--json"),
    ):
        result = dlspec(*arguments)
        assert result.code == 0, result.err
        assert not BAD.search(result.out + result.err)
    assert [row["class"] for row in result.json["splits"][0]["classes"]] == NAMES
    shown = dlspec("evaluate", "latest", "--runs-dir", runs).out
    assert re.search(r"^\\x1b\]0;title\\x07 +3 ", shown, flags=re.MULTILINE)
    assert re.search(r"^x{59}… +3 ", shown, flags=re.MULTILINE)
    run = only_run(runs)
    for path in run.rglob("*"):
        if path.suffix in (".yaml", ".md", ".html", ".txt", ".json", ".jsonl"):
            assert not BAD.search(path.read_text()), path


def test_the_report_has_no_markup_of_theirs(tmp_path, dlspec):
    assert dlspec("train", experiment(tmp_path, npz), "--runs-dir", tmp_path / "runs").code == 0
    report = (only_run(tmp_path / "runs") / "report.md").read_text()
    assert len(report) < 20_000
    page = Page(markdown_it.MarkdownIt("gfm-like", {"linkify": False}).render(report))
    known = {"h1", "h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ol", "ul", "li", "code"}
    assert page.tags <= known
    assert all(code.startswith("--set ") for code in page.code)
    for name in NAMES[:-1]:
        assert "".join(c if c.isprintable() else "·" for c in name).strip() in [cell.strip() for cell in page.cells]


def test_a_terminal_gets_no_sequence_of_theirs(tmp_path):
    config = experiment(tmp_path, npz)
    for arguments in (("train", config), ("evaluate", "latest"), ("diagnose", "latest")):
        result = spawn_in_terminal(*arguments, cwd=tmp_path)
        assert result.code == 0
        assert not BAD.search(OURS.sub("", result.out.replace("\r\n", "\n")))


@pytest.mark.parametrize("save", [hdf5, npz])
def test_an_error_that_names_them_is_one_short_line(save, tmp_path, dlspec):
    result = dlspec("train", experiment(tmp_path, save, nan=True), "--runs-dir", tmp_path / "runs")
    assert result.code == 2
    (line,) = result.err.splitlines()
    assert re.search(r"row 5, feature .+: found nan; expected a finite number$", line)
    assert line.isprintable()
    assert len(line) < 500
