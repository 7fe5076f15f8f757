import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.config.yaml_tree import MAX_BYTES, MAX_DEPTH, MAX_VALUES, Mark, dump, parse, parse_value
from dlspec.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"


def refusal(source: str | bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(source if isinstance(source, bytes) else source.encode(), name="f.yaml")
    (line,) = caught.value.problems
    return line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("5e-4", 5e-4),
        ("1e5", 1e5),
        ("-1E-3", -1e-3),
        ("1.0e3", 1000.0),
        ("1.0e-3", 1e-3),
        ("1.e-3", 1e-3),
        (".001", 1e-3),
        ("1.", 1.0),
        ("+.5", 0.5),
        ("-0.0", -0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("1e-400", 0.0),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("010", 10),
        ("09", 9),
        ("0o10", 8),
        ("0x1F", 31),
        ("1" * 40, int("1" * 40)),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("-0x1F", "-0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("12:30:45", "12:30:45"),
        ("2026-01-01", "2026-01-01"),
        ("60/20/20", "60/20/20"),
        ("1e", "1e"),
        (".", "."),
        ("1.2.3", "1.2.3"),
        ("\u0661", "\u0661"),  # a digit, but not one of ours
        ("no", "no"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("false", False),
        ("tRUE", "tRUE"),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("", None),
        ("none", "none"),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("+.INF", math.inf),
        ("inf", "inf"),
        ("nan", "nan"),
        ("=", "="),
        ("<<", "<<"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("''", ""),
        ('"\\x41\\t"', "A\t"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    got = parse(f"key: {text}\n".encode(), name="f.yaml").root
    assert repr(got) == repr({"key": value})


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan_is_a_number_for_validation_to_refuse(text):
    assert math.isnan(parse(f"key: {text}".encode(), name="f.yaml").root["key"])


@pytest.mark.parametrize("key", ["on", "no", "y", "1e", "<", "=", "a b"])
def test_plain_keys_are_text(key):
    assert parse(f"{key}: 1".encode(), name="f.yaml").root == {key: 1}


def test_every_key_and_value_has_its_place():
    source = "# head\na: 1\nb:\n  c: [x, {d: 'y'}]\n  e:\nf: {}\ng:\n  - 2\n  - h: é\n"
    tree = parse(source.encode(), name="f.yaml")
    assert tree.root == {"a": 1, "b": {"c": ["x", {"d": "y"}], "e": None}, "f": {}, "g": [2, {"h": "é"}]}
    places = {path: (str(marks.key), str(marks.value)) for path, marks in tree.marks.items()}
    assert places == {
        (): ("f.yaml:1:1", "f.yaml:1:1"),
        ("a",): ("f.yaml:2:1", "f.yaml:2:4"),
        ("b",): ("f.yaml:3:1", "f.yaml:3:1"),
        ("b", "c"): ("f.yaml:4:3", "f.yaml:4:3"),
        ("b", "c", 0): ("f.yaml:4:7", "f.yaml:4:7"),
        ("b", "c", 1): ("f.yaml:4:10", "f.yaml:4:10"),
        ("b", "c", 1, "d"): ("f.yaml:4:11", "f.yaml:4:14"),
        ("b", "e"): ("f.yaml:5:3", "f.yaml:5:3"),
        ("f",): ("f.yaml:6:1", "f.yaml:6:1"),
        ("g",): ("f.yaml:7:1", "f.yaml:7:1"),
        ("g", 0): ("f.yaml:8:5", "f.yaml:8:5"),
        ("g", 1): ("f.yaml:9:5", "f.yaml:9:5"),
        ("g", 1, "h"): ("f.yaml:9:5", "f.yaml:9:8"),
    }


def test_a_missing_path_is_found_at_its_nearest_ancestor():
    tree = parse(b"a: {b: 1}\n", name="f.yaml")
    assert str(tree.nearest(("a", "b", "c", 3)).value) == "f.yaml:1:8"
    assert str(tree.nearest(("a", "z")).value) == "f.yaml:1:1"
    assert str(tree.nearest(("z",)).value) == "f.yaml:1:1"


def test_a_byte_order_mark_and_foreign_line_ends_are_read():
    assert parse(b"\xef\xbb\xbfa: 1\r\nb: 2\rc: 3", name="f.yaml").root == {"a": 1, "b": 2, "c": 3}
    assert refusal(b"\xef\xbb\xbfa: 1\r\nb: 2\rb: 3") == "f.yaml:3:1: b is already given on line 2; keep one of the two"


NEITHER = "expected keys such as data, architecture and optimizer"
FIT = "this line does not fit the lines above; check the indentation"
NO_KEY = "': ' where no key can be; check the indentation, or quote text that holds ': '"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("", f"1:1: the file is empty; {NEITHER}"),
        ("# only a comment\n\n", f"1:1: the file is empty; {NEITHER}"),
        ("~", f"1:1: the file is empty; {NEITHER}"),
        ("- a\n- b", f"1:1: found a list of 2; {NEITHER}"),
        ("[]", f"1:1: found an empty list; {NEITHER}"),
        ("text", f"1:1: found 'text'; {NEITHER}"),
        ("3", f"1:1: found 3; {NEITHER}"),
        ("a: 1\nb: 2\na: 3", "3:1: a is already given on line 1; keep one of the two"),
        ("x: {a: 1, 'a': 2}", "1:11: a is already given on line 1; keep one of the two"),
        ("1: x", "1:1: found 1 as a key; expected text; write '1' in quotes"),
        ("true: x", "1:1: found true as a key; expected text; write 'true' in quotes"),
        ("~: x", "1:1: found an empty value as a key; expected text; write '~' in quotes"),
        ("{[a]: b}", "1:2: found a list as a key; expected text"),
        ("? {a: 1}\n: b", "1:3: found a mapping as a key; expected text"),
        ("a: &x 1", "1:4: anchors (&x) are not supported; remove it"),
        ("a: &x [*x]", "1:4: anchors (&x) are not supported; remove it"),
        ("a: *x", "1:4: aliases (*x) are not supported; write the value out"),
        ("a: !!int 3", "1:4: tags (!!int) are not supported; remove it"),
        ("a: !x [1]", "1:4: tags (!x) are not supported; remove it"),
        ("a: ! b", "1:4: tags (!) are not supported; remove it"),
        ("<<: {a: 1}", "1:1: merge keys (<<) are not supported; write the keys out"),
        ("a: 1\n---\nb: 2", "2:1: a second document starts here; an experiment is one document"),
        ("a: 1e400", "1:4: the number 1e400 is too large; the largest is 1.8e308"),
        ("a: -1e400", "1:4: the number -1e400 is too large; the largest is 1.8e308"),
        ("a: " + "1" * 41, f"1:4: the number '{'1' * 41}' has more than 40 characters; round it"),
        ("a: 0x" + "1" * 70, f"1:4: the number '0x{'1' * 58}…' has more than 40 characters; round it"),
        ("a: \x07", "1:4: control character \\x07; remove it"),
        ("a: 1\nb: \x85", "2:4: control character \\x85; remove it"),
        ('a: "\\0"', "1:4: control character \\x00 in quoted text; remove it"),
        ('a: "\\ud800"', "1:4: control character \\ud800 in quoted text; remove it"),
        (b"a: 1\nb: \xff", "2:4: byte 0xff is not UTF-8; expected a text file saved as UTF-8"),
        (b"\x89HDF\r\n\x1a\n", "1:1: byte 0x89 is not UTF-8; expected a text file saved as UTF-8"),
        ("a: 1".encode("utf-16"), "1:1: byte 0xff is not UTF-8; expected a text file saved as UTF-8"),
        (b"a: \xed\xa0\x80", "1:4: byte 0xed is not UTF-8; expected a text file saved as UTF-8"),
        ('a: "\\UFFFFFFFF"', "1:1: not valid YAML after this place: a number in an escape is too large"),
        ("%YAML 1." + "9" * 5000, "1:1: not valid YAML after this place: a number in an escape is too large"),
        ("%YAML 2.0\n---\na: 1", "1:1: not valid YAML: found incompatible YAML document (version 1.* is required)"),
        ("a: b: c", f"1:5: {NO_KEY}"),
        ("a: 1\n  b: 2", f"2:4: {NO_KEY}"),
        ("a:\n\tb: 1", "2:1: a tab; indent with spaces"),
        ("a: 'x\nb: 1\n", "1:4: a quote is opened and never closed"),
        ("a: [1, 2\nb: 3", "1:4: a list that is opened with '[' needs ',' between its items and ']' at its end"),
        ("a: {x: 1\nb: 3", "1:4: a mapping that is opened with '{' needs ',' between its keys and '}' at its end"),
        ("a: 1\nb\nc: 2", "2:1: a key without ': ' after it; write key: value"),
        ("a: @x", "1:4: text cannot start with this character; put the text in quotes"),
        ("a: *", "1:5: '*' starts no text; put the text in quotes"),
        ("a: & b", "1:5: '&' starts no text; put the text in quotes"),
        ("a:\n  b: 1\n c: 2", f"3:2: {FIT}"),
        ("a: 1\n- b", f"2:1: {FIT}"),
        ("{a: 1}}", f"1:7: {FIT}"),
        ("a: - b", "1:4: '- ' where no list item can be; put it on its own line"),
        ("a: [,]", "1:5: a value is missing here"),
        ("a: [\n\n", "1:5: a value is missing here"),  # the end of the file is its last line of text
        ('a: "\\q"', "1:6: unknown escape in double quotes; write \\\\ for a backslash, or use single quotes"),
        ('a: "\\x1"', "1:7: incomplete escape in double quotes; write \\\\ for a backslash, or use single quotes"),
    ],
)
def test_what_is_refused_and_where(source, line):
    assert refusal(source) == f"f.yaml:{line}"


def lines_of(tree, doubled, path=()):
    """A tree as lines of flow style, a key each; the first key of the mapping at `doubled` stands there twice."""
    if not isinstance(tree, dict):
        return [json.dumps(tree)]
    pairs = list(tree.items()) + (list(tree.items())[:1] if path == doubled else [])
    inner = [line for key, value in pairs for line in (f"{key}:", *lines_of(value, doubled, (*path, key)), ",")]
    return ["{", *inner, "}"]


def mappings_of(tree, path=()):
    """The path of every mapping that holds something."""
    if isinstance(tree, dict) and tree:
        yield path
        for key, value in tree.items():
            yield from mappings_of(value, (*path, key))


@pytest.mark.parametrize("config", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_key_that_is_doubled_anywhere_in_the_shipped_configs_is_named_with_both_lines(config):
    tree = parse(config.read_bytes(), name="f.yaml").root
    for doubled in mappings_of(tree):
        lines = lines_of(tree, doubled)
        within = tree
        for key in doubled:
            within = within[key]
        key = next(iter(within))
        found = re.fullmatch(
            r"f\.yaml:(\d+):1: (\S+) is already given on line (\d+); keep one of the two", refusal("\n".join(lines))
        )
        assert found is not None, doubled
        second, name, first = int(found[1]), found[2], int(found[3])
        assert (name, lines[first - 1], lines[second - 1]) == (key, f"{key}:", f"{key}:")
        assert first < second


def test_size_depth_and_number_of_values_are_bounded():
    assert parse(b"a: 1 #" + b"x" * (MAX_BYTES - 6), name="f.yaml").root == {"a": 1}
    assert refusal(b"a: 1 #" + b"x" * (MAX_BYTES - 5)) == (
        "f.yaml:1:1: the file is larger than 256 kB; expected an experiment file"
    )
    deep = "a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)
    assert len(parse(deep.encode(), name="f.yaml").marks) == MAX_DEPTH
    assert refusal("a: " + "[" * MAX_DEPTH) == "f.yaml:1:67: mappings and lists are nested more than 64 deep"
    assert len(parse(b"a: [" + b"1," * (MAX_VALUES - 2) + b"]", name="f.yaml").root["a"]) == MAX_VALUES - 2
    assert refusal(b"a: [" + b"1," * (MAX_VALUES - 1) + b"]") == (
        "f.yaml:1:20001: more than 10,000 values; an experiment is far smaller"
    )


def test_the_value_of_a_flag_follows_the_same_rules():
    mark = Mark("--set a=…")
    tree = parse_value("[1e-3, no, {b: 010}]", mark=mark)
    assert tree.root == [1e-3, "no", {"b": 10}]
    assert {str(marks.value) for marks in tree.marks.values()} == {"--set a=…"}
    assert parse_value("", mark=mark).root is None
    for text, problem in [
        ("[", "a value is missing here"),
        ("1e400", "the number 1e400 is too large; the largest is 1.8e308"),
        ("{a: 1, a: 2}", "a is already given; keep one of the two"),
        ("\x1b", "control character \\x1b; remove it"),
        ("\ud800", "control character \\ud800; remove it"),
        ("x" * (MAX_BYTES + 1), "the value is larger than 256 kB"),
    ]:
        with pytest.raises(ConfigError) as caught:
            parse_value(text, mark=mark)
        assert caught.value.problems == (f"--set a=…: {problem}",)


@pytest.mark.parametrize(
    "text", ["no", "on", "60/20/20", "1_000", "1:30", "2026-01-01", "=", "a b", "1e", "nan", "x.y"]
)
def test_text_that_our_rules_read_as_text_is_written_plain(text):
    assert dump({"key": text, "end": {"a": [1]}}) == f"key: {text}\nend:\n  a: [1]\n"


@pytest.mark.parametrize(
    "text", ["1e-3", "010", "null", "~", "", "true", ".5", "0o10", "0x1F", ".inf", "<<", "- a", "a: b"]
)
def test_text_that_would_be_misread_is_quoted(text):
    assert dump({"key": text, "end": {"a": [1]}}) == f"key: '{text}'\nend:\n  a: [1]\n"


def test_mappings_and_lists_without_others_inside_are_written_on_one_line():
    shared = [1]
    tree = {"b": 1e-8, "a": {"x": None, "y": True}, "layers": [{"units": 1, "of": [shared, shared]}], "z": math.inf}
    assert dump(tree) == (
        "b: 1e-08\na: {x: null, y: true}\nlayers:\n  - units: 1\n    of:\n      - [1]\n      - [1]\nz: .inf\n"
    )


text = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"))
texts = st.one_of(
    text,
    st.text("\t\n a:#'\"\\-[]{},&*!|>%@`?", max_size=12),
    st.sampled_from(
        ["1e-3", "no", "010", "null", "<<", "=", "1_000", "", "---", "...", "a: b", " a", "a ", "\n", "? a"]
    ),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**38), 10**38), st.floats(allow_nan=False), texts)
trees = st.dictionaries(
    texts,
    st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
    ),
    max_size=6,
)


@given(trees)
def test_what_is_dumped_is_read_back(tree):
    assert repr(parse(dump(tree).encode(), name="f.yaml").root) == repr(tree)  # repr tells 1, 1.0 and true apart


@given(st.binary(max_size=200) | st.text("ab:- \n\t[]{},'\"#&*!|>%@?0e.\\x\r", max_size=60).map(str.encode))
def test_any_bytes_give_a_tree_or_one_line_with_a_place(source):
    try:
        assert isinstance(parse(source, name="f.yaml").root, dict)
    except ConfigError as error:
        (line,) = error.problems
        name, row, column, message = line.split(":", 3)
        assert (name, message[:1]) == ("f.yaml", " ")
        assert 1 <= int(row) <= source.count(b"\n") + source.count(b"\r") + 1
        assert 1 <= int(column) <= len(source) + 1
        assert line.isprintable()
