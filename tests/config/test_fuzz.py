"""Whatever the bytes: an experiment, or lines that say where; and never for long."""

import random
import re
import time
from pathlib import Path

import pytest

from dlspec.config.loader import LoadedExperiment, parse
from dlspec.config.yaml_tree import MAX_BYTES
from dlspec.errors import ConfigError

SAMPLES = [
    b"""\
name: digits
seed: 1
data: {path: ../digits.h5, split: {ratios: 60/20/20}}
architecture:
  layers:
    - {units: 64, activation: relu}
    - {units: 32, keep_prob: 0.8}
optimizer: {name: adam, learning_rate: 1e-3}
batch_size: 64
""",
    b"""\
data:
  synthetic: "moons"   # two arcs
  noise: .2
decay:
  name: manual
  points: [{epoch: 3, learning_rate: 0.1}]
training:
  early_stopping:
    patience: 10
""",
    "data: {train: tr\u00e4in.csv, dev: 'dev.csv'}\r\ninitializer: he\r\nregularization:\r\n  l2: 0.7\r\n".encode(),
]
PIECES = (
    *(b":", b": ", b"- ", b"\n", b"\t", b" ", b"{", b"}", b"[", b"]", b",", b"'", b'"', b"#", b"&a ", b"*a", b"!!int "),
    *(
        b"|\n",
        b">\n",
        b"---\n",
        b"...\n",
        b"? ",
        b"<<: ",
        b"%YAML 1.2\n",
        b"\\",
        b'"\\ud800"',
        b"\xff",
        b"\x00",
        b"\xc2\x85",
    ),
    *(
        b"null",
        b"yes",
        b"1e400",
        b".nan",
        b"-.inf",
        b"1_000",
        b"0x",
        b"9" * 41,
        b"lr: 1\n",
        b"name: x\n",
        b"\xef\xbb\xbf",
    ),
)


def mutant(rng: random.Random) -> bytes:
    source = bytearray(rng.choice(SAMPLES))
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        at = rng.randrange(len(source) + 1)
        match rng.randrange(6):
            case 0 if at < len(source):
                source[at] ^= 1 << rng.randrange(8)
            case 1:
                del source[at : at + rng.randint(1, 8)]
            case 2:
                source[at:at] = rng.choice(PIECES)
            case 3:
                del source[at:]
            case _:
                lines = source.splitlines(keepends=True) or [bytearray()]
                first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
                if rng.random() < 0.5:
                    lines.insert(first, lines[second])
                else:
                    lines[first], lines[second] = lines[second], lines[first]
                source = bytearray(b"".join(lines))
    return bytes(source)


def outcome(source: bytes) -> LoadedExperiment | tuple[str, ...]:
    try:
        return parse(source, path=Path("f.yaml"))
    except ConfigError as error:
        return error.problems


def assert_points_inside(line: str, source: bytes) -> None:
    place = re.match(r"f\.yaml:(\d+):(\d+): \S", line)
    assert place, line
    rows = re.split("\r\n|\r|\n", source.decode("utf-8-sig", errors="replace"))
    row, column = int(place[1]), int(place[2])
    assert 1 <= row <= len(rows), line
    assert 1 <= column <= len(rows[row - 1]) + 1, line
    assert line.isprintable(), line


def test_ten_thousand_mutants():
    rng = random.Random(20240229)
    loaded = 0
    for _ in range(10_000):
        source = mutant(rng)
        result = outcome(source)
        if isinstance(result, LoadedExperiment):
            loaded += 1
            continue
        assert result
        for line in result:
            assert_points_inside(line, source)
    assert 500 < loaded < 9_500  # both ways are taken often


def filled(unit: str, *, start: str = "", end: str = "") -> bytes:
    return (start + unit * ((MAX_BYTES - len(start) - len(end)) // len(unit)) + end).encode()


def numbered(unit: str, *, start: str = "") -> bytes:
    return (start + "".join(unit.format(i) for i in range(MAX_BYTES // (len(unit) + 4)))).encode()[:MAX_BYTES]


WORST = {
    "deep brackets": filled("["),
    "deep braces": filled("{a: "),
    "deep dashes": filled("- "),
    "deep questions": filled("? "),
    "deep indentation": "\n".join(" " * depth + "a:" for depth in range(700)).encode(),
    "deep and wide": filled("[" * 60 + "]" * 60 + ",", start="a: [", end="]"),
    "many items": filled("1,", start="a: [", end="]"),
    "many mappings": filled("{a: 1},", start="a: [", end="]"),
    "many lines": filled("- a\n"),
    "many unknown keys": numbered("key{}: 1\n"),
    "many empty keys": numbered("key{}:\n"),
    "many keys in a section": numbered(" key{}: 1\n", start="optimizer:\n"),
    "many duplicate keys": filled("a: 1\n"),
    "many wrong layers": filled("{units: x},", start="architecture: {layers: [", end="]}"),
    "many wrong names": filled("{activation: x},", start="architecture: {layers: [", end="]}"),
    "long key": filled("a", end=": 1"),
    "long quoted key": filled("a", start='"', end='": 1'),
    "long name": filled("a", start="name: ", end="!"),
    "huge whole number": filled("1", start="seed: "),
    "huge number": filled("1", start="seed: ", end=".5"),
    "almost a number": filled("1", start="seed: ", end="x"),
    "alias bomb": filled("[*a,*a]\nb: &b ", start="a: &a [1]\nb: &b "),
    "anchors": filled("&a "),
    "tags": filled("!a "),
    "escapes": filled("\\x41", start='a: "', end='"'),
    "folded lines": filled("a\n ", start="name: "),
    "literal lines": filled(" a\n", start="name: |\n"),
    "words in brackets": filled("a ", start="[", end="]"),
    "quotes": filled("'"),
    "blank lines": filled("\n"),
    "comments": filled("#\n"),
    "documents": filled("---\n"),
    "tabs": filled("\t"),
    "colons": filled(":"),
    "directives": filled("%a\n"),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_files_of_256_kb_do_not_take_long(name):
    source = WORST[name]
    start = time.perf_counter()
    result = outcome(source)
    # A second on an idle machine; the bound is there to catch what grows with the square of the size.
    assert time.perf_counter() - start < 5
    assert not isinstance(result, LoadedExperiment)
    for line in result:
        assert_points_inside(line, source)
        assert len(line) < 500
