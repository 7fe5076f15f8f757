import errno
import os
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlspec.config import yaml_tree
from dlspec.config.experiment import Experiment
from dlspec.config.loader import LoadedExperiment, load, parse
from dlspec.config.wording import dotted
from dlspec.errors import ConfigError

SOURCE = b"""\
# moons
name: moons
data: {path: data/moons.csv}
optimizer: adam
architecture:
  layers:
    - {units: 8}
    - {units: 4, activation: tanh}
training:
  epochs: 20
"""


def parsed(*overrides: str, source: bytes = SOURCE) -> LoadedExperiment:
    return parse(source, path=Path("lab/exp.yaml"), overrides=overrides, cwd=Path("/here"))


def refusal(*overrides: str, source: bytes = SOURCE) -> str:
    with pytest.raises(ConfigError) as caught:
        parsed(*overrides, source=source)
    (line,) = caught.value.problems
    return line


def test_a_file_becomes_an_experiment_with_every_default(tmp_path):
    file = tmp_path / "exp.yaml"
    file.write_bytes(SOURCE)
    loaded = load(file, ["training.epochs=3"])
    assert loaded.experiment == Experiment(
        name="moons",
        data={"path": "data/moons.csv"},
        architecture={"layers": [{"units": 8}, {"units": 4, "activation": "tanh"}]},
        training={"epochs": 3},
    )
    assert loaded.source == SOURCE
    assert loaded.path == file
    assert loaded.overrides == ("training.epochs=3",)
    assert loaded.tree.root["training"] == {"epochs": 3}
    with pytest.raises(FrozenInstanceError):
        loaded.path = Path("other")


def test_data_files_are_relative_to_the_experiment_file():
    assert parsed().resolve("data/moons.csv") == Path("lab/data/moons.csv")
    assert parsed().resolve("/data/moons.csv") == Path("/data/moons.csv")


def test_data_files_in_a_flag_are_relative_to_where_the_command_runs():
    assert parsed("data.path=x.csv").experiment.data.path == "/here/x.csv"
    assert parsed("data.path=/x.csv").experiment.data.path == "/x.csv"
    data = parsed("data={train: a.csv, dev: b.csv, target: path}", "data.test=../c.csv").experiment.data
    assert (data.train, data.dev, data.test, data.target) == ("/here/a.csv", "/here/b.csv", "/here/../c.csv", "path")
    assert refusal("data.path=") == (
        "--set data.path=: data.path: found an empty value; "
        "expected text (CSV, TSV, Parquet, HDF5, NPZ, NPY, IDX or CIFAR-10 file, or folder of images, relative to the "
        "experiment file)"
    )


def test_without_a_directory_given_a_flag_is_relative_to_the_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = parse(SOURCE, path=Path("exp.yaml"), overrides=["data.path=x.csv"])
    assert loaded.experiment.data.path == str(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("path", "where"),
    [
        (("training", "epochs"), "lab/exp.yaml:10:11"),
        (("training", "early_stopping", "monitor"), "lab/exp.yaml:9:1"),
        (("architecture", "layers", 1, "activation"), "lab/exp.yaml:8:30"),
        (("architecture", "layers", 1, "activation", "name"), "lab/exp.yaml:8:30"),
        (("architecture", "layers", 7), "lab/exp.yaml:6:3"),
        (("evaluation", "metric"), "lab/exp.yaml:1:1"),
        (("optimizer", "name"), "lab/exp.yaml:4:12"),
        (("optimizer", "beta1"), "--set optimizer.beta1=0.8"),
        (("decay",), "--set decay={name: staircase, every: 5}"),
        (("decay", "every"), "--set decay={name: staircase, every: 5}"),
        (("decay", "factor"), "--set decay={name: staircase, every: 5}"),
        (("architecture", "layers", 0, "units"), "--set architecture.layers.0.units=2"),
    ],
)
def test_every_key_is_located(path, where):
    flags = ("optimizer.beta1=0.8", "decay={name: staircase, every: 5}", "architecture.layers.0.units=2")
    assert parsed(*flags).locate(path) == where


def test_a_flag_hides_the_places_of_what_it_replaced():
    source = SOURCE.replace(b"optimizer: adam", b"optimizer: {name: adam, beta1: 0.5}")
    loaded = parsed("optimizer={name: adam}", source=source)
    assert loaded.locate(("optimizer", "beta1")) == "--set optimizer={name: adam}"


def test_later_code_can_point_at_a_key():
    error = parsed().problem(("training", "early_stopping", "monitor"), "there is no dev set; add data.split")
    assert isinstance(error, ConfigError)
    assert error.problems == ("lab/exp.yaml:9:1: training.early_stopping.monitor: there is no dev set; add data.split",)


@pytest.mark.parametrize(
    ("flag", "path", "value"),
    [
        ("seed=7", ("seed",), 7),
        (" seed = 7", ("seed",), 7),
        ("optimizer.learning_rate=1e-3", ("optimizer", "learning_rate"), 1e-3),
        ("optimizer.name=sgd", ("optimizer", "name"), "sgd"),
        ("optimizer=sgd", ("optimizer", "name"), "sgd"),
        ("optimizer.beta1=0.8", ("optimizer", "beta1"), 0.8),
        ("initializer.gain=2.0", ("initializer", "gain"), 2.0),
        ("architecture.layers.0.units=2", ("architecture", "layers", 0, "units"), 2),
        ("architecture.layers.1.activation.name=relu", ("architecture", "layers", 1, "activation", "name"), "relu"),
        ("architecture.layers=[]", ("architecture", "layers"), []),
        ("training.early_stopping.patience=3", ("training", "early_stopping", "patience"), 3),
        ("training.early_stopping={}", ("training", "early_stopping", "patience"), 10),
        ("training.early_stopping=", ("training", "early_stopping"), None),
        ("batch_size=all", ("batch_size",), "all"),
        ("data.split.ratios=60/20/20", ("data", "split", "ratios"), "60/20/20"),
        ("data.target='1=2'", ("data", "target"), "1=2"),
    ],
)
def test_a_flag_sets_one_key(flag, path, value):
    got = yaml_tree.Tree(parsed(flag).experiment.model_dump()).value_at(path)
    assert repr(got) == repr(value)


def test_flags_apply_in_order():
    loaded = parsed(
        "optimizer.name=momentum", "optimizer.beta=0.5", "optimizer.beta=0.7", "training=", "training.epochs=5"
    )
    assert loaded.experiment.optimizer.model_dump() == {
        "name": "momentum",
        "learning_rate": 0.1,
        "beta": 0.7,
        "nesterov": False,
        "bias_correction": False,
    }
    assert loaded.experiment.training.epochs == 5


def test_setting_a_key_of_a_bare_name_keeps_the_name():
    loaded = parsed("architecture.layers.1.activation.name=leaky_relu", "architecture.layers.1.activation.slope=0.2")
    assert loaded.tree.root["architecture"]["layers"][1] == {
        "units": 4,
        "activation": {"name": "leaky_relu", "slope": 0.2},
    }


def test_settings_of_the_old_member_are_refused_when_the_name_changes():
    source = SOURCE.replace(b"optimizer: adam", b"optimizer: {name: adam, beta1: 0.5}")
    assert refusal("optimizer.name=sgd", source=source) == (
        "lab/exp.yaml:4:25: optimizer.beta1: unknown key; beta1 belongs to optimizer adam or adamw or nadam; "
        "set name: adam"
    )


@pytest.mark.parametrize(
    ("flag", "problem"),
    [
        ("seed", "found no '='; expected key=value such as optimizer.learning_rate=0.01"),
        ("=3", "found no path before '='; expected keys joined by dots such as training.epochs=20"),
        ("a..b=3", "found no path before '='; expected keys joined by dots such as training.epochs=20"),
        ("seed=[", "a value is missing here"),
        ("seed={a: 1, a: 2}", "a is already given; keep one of the two"),
        ("seed=1e400", "the number 1e400 is too large; the largest is 1.8e308"),
        ("name.first=x", "name is 'moons'; expected a mapping or a list; set name itself"),
        ("training.epochs.x=x", "training.epochs is 20; expected a mapping or a list; set training.epochs itself"),
        (
            "architecture.layers.2.units=3",
            "architecture.layers is a list of 2, without an item 2; expected an index from 0 to 1",
        ),
        ("architecture.layers.-1.units=3", "architecture.layers is a list; expected an index in place of -1"),
        ("architecture.layers.first=3", "architecture.layers is a list; expected an index in place of first"),
        (
            "data.classes.0=a",
            "data.classes is an empty list, without an item 0; set the whole list, data.classes=[…]",
        ),
        (
            "optimizer.lr=3",
            "optimizer.lr: unknown key; did you mean learning_rate? "
            "expected one of: name, learning_rate, beta1, beta2, epsilon, amsgrad",
        ),
        ("epochs=3", "epochs: unknown key; epochs belongs to training"),
        ("optimizer.beta1=2", "optimizer.beta1: found 2; expected a number of at least 0 and less than 1"),
        (
            "architecture.layers.1={}",
            "architecture.layers.1.units: missing; expected a whole number from 1 to 1,000,000",
        ),
        (
            "training.early_stopping.monitor=\x1b",
            "control character \\x1b; remove it",
        ),
    ],
)
def test_a_wrong_flag_is_one_line_that_names_it(flag, problem):
    shown = flag.replace("\x1b", "\\x1b")
    assert refusal(flag) == f"--set {shown}: {problem}"


def test_a_long_flag_is_cut():
    assert refusal("seed." + "a" * 100) == (
        f"--set seed.{'a' * 55}…: found no '='; expected key=value such as optimizer.learning_rate=0.01"
    )
    assert refusal(".".join("a" * 65) + "=1").endswith(
        "found no path before '='; expected keys joined by dots such as training.epochs=20"
    )


def test_files_that_cannot_be_read(tmp_path):
    def line(path: Path) -> str:
        with pytest.raises(ConfigError) as caught:
            load(path)
        (problem,) = caught.value.problems
        return problem.replace(str(tmp_path), "DIR")

    (tmp_path / "digits.yaml").write_bytes(SOURCE)
    (tmp_path / "data.h5").write_bytes(b"\x89HDF\r\n\x1a\n\0\0")
    (tmp_path / "big.yaml").write_bytes(b"#" * 300_000)
    (tmp_path / "folder").mkdir()
    missing = "there is no such file"
    assert line(tmp_path / "digit.yaml") == f"DIR/digit.yaml: {missing}; did you mean DIR/digits.yaml?"
    assert line(tmp_path / "digits") == f"DIR/digits: {missing}; did you mean DIR/digits.yaml?"
    assert line(tmp_path / "other.yaml") == f"DIR/other.yaml: {missing}; check the path"
    assert line(tmp_path / "no" / "x.yaml") == f"DIR/no/x.yaml: {missing}; there is no directory DIR/no either"
    assert line(tmp_path / "folder") == "DIR/folder: this is a directory; expected a YAML file"
    assert line(tmp_path / "digits.yaml" / "x.yaml") == (
        "DIR/digits.yaml/x.yaml: the file cannot be read: Not a directory; check the path and its permissions"
    )
    assert line(tmp_path / "data.h5") == (
        "DIR/data.h5:1:1: byte 0x89 is not UTF-8; expected a text file saved as UTF-8"
    )
    assert line(tmp_path / "big.yaml") == (
        "DIR/big.yaml:1:1: the file is larger than 256 kB; expected an experiment file"
    )
    assert line(tmp_path / "a\nb.yaml") == f"DIR/a\\nb.yaml: {missing}; check the path"


def test_a_file_without_permission(tmp_path, monkeypatch):
    file = tmp_path / "exp.yaml"
    file.write_bytes(SOURCE)

    def refuse(*_arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError, match="the file cannot be read: Permission denied; check the path"):
        load(file)


def test_the_json_schema_takes_bare_names_and_only_the_default_member_without_a_name():
    schema = Experiment.model_json_schema()
    bare, family = schema["properties"]["optimizer"]["anyOf"]
    assert bare == {"enum": ["sgd", "momentum", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam"]}
    members = ["Sgd", "Momentum", "Adagrad", "RmsProp", "Adadelta", "Adam", "AdamW", "Nadam"]
    assert family["oneOf"] == [
        {"$ref": f"#/$defs/{member}", **({} if member == "Adam" else {"required": ["name"]})} for member in members
    ]


def test_the_shipped_configs_are_valid():
    files = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))
    assert files
    for file in files:
        assert load(file).source == file.read_bytes()


fraction = st.floats(0, 1, exclude_max=True)
positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
names = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,12}", fullmatch=True)
words = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_categories=("Cc",)), min_size=1)
layers = st.fixed_dictionaries(
    {"units": st.integers(1, 99)},
    optional={
        "activation": st.sampled_from(["relu", "tanh"])
        | st.fixed_dictionaries({"name": st.just("leaky_relu"), "slope": fraction}),
        "keep_prob": st.none() | st.floats(0.1, 1),
    },
)
experiments = st.fixed_dictionaries(
    {
        "data": st.one_of(
            st.fixed_dictionaries({"path": words}, optional={"target": words, "classes": st.lists(words, min_size=2)}),
            st.fixed_dictionaries({"train": words}, optional={"dev": words, "normalize": st.just("none")}),
            st.fixed_dictionaries({"synthetic": st.just("xor")}, optional={"noise": positive, "seed": st.none()}),
        )
    },
    optional={
        "name": names,
        "seed": st.integers(0, 2**64 - 1),
        "architecture": st.fixed_dictionaries({"layers": st.lists(layers, max_size=3)}),
        "optimizer": st.sampled_from(["sgd", {"learning_rate": 3}])
        | st.fixed_dictionaries({"name": st.just("adam"), "beta1": fraction, "epsilon": positive}),
        "batch_size": st.just("all") | st.integers(1, 10**9),
        "decay": st.fixed_dictionaries({"name": st.just("sqrt"), "k": positive}),
        "training": st.fixed_dictionaries({"early_stopping": st.none() | st.just({})}),
    },
)


@given(experiments)
def test_an_experiment_written_as_yaml_is_read_back(settings):
    experiment = Experiment(**settings)
    text = yaml_tree.dump(experiment.model_dump()).encode()
    assert parse(text, path=Path("exp.yaml")).experiment == experiment


BASE = yaml_tree.parse(SOURCE, name="exp.yaml").root
KEYS = [
    ("seed",),
    ("name",),
    ("batch_size",),
    ("optimizer",),
    ("training", "epochs"),
    ("training", "early_stopping"),
    ("architecture", "layers", 1, "units"),
    ("architecture", "layers", 1, "activation"),
    ("evaluation", "metric"),
]
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 100),
    st.floats(allow_nan=False),
    st.sampled_from(["sgd", "all", "relu", "f1"]),
)


def outcome(source: bytes, *overrides: str) -> Experiment | list[str]:
    """The experiment, or the problems without their places, which differ."""
    try:
        return parsed(*overrides, source=source).experiment
    except ConfigError as error:
        return [line.partition(": ")[2] for line in error.problems]


@given(st.sampled_from(KEYS), values)
def test_a_flag_equals_the_edited_file(path, value):
    tree = yaml_tree.parse(SOURCE, name="exp.yaml").root
    holder = tree
    for key in path[:-1]:
        holder = holder[key] if isinstance(holder, list) else holder.setdefault(key, {})
    holder[path[-1]] = value
    flag = f"{dotted(path)}={yaml_tree.dump([value]).strip()[1:-1]}"
    assert outcome(SOURCE, flag) == outcome(yaml_tree.dump(tree).encode())


class TestOddFiles:
    def test_a_pipe_with_a_writer_is_read(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.yaml")
        fd = os.open(tmp_path / "pipe.yaml", os.O_RDWR)  # which waits for nobody
        os.write(fd, b"data: {synthetic: moons}")
        threading.Timer(0.05, os.close, (fd,)).start()
        assert load(tmp_path / "pipe.yaml").experiment.data.synthetic == "moons"

    def test_a_pipe_without_a_writer_is_empty(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.yaml")
        with pytest.raises(ConfigError, match="the file is empty"):
            load(tmp_path / "pipe.yaml")

    def test_a_link_that_leads_nowhere(self, tmp_path):
        (tmp_path / "exp.yaml").symlink_to("gone.yaml")
        with pytest.raises(ConfigError, match=r"exp\.yaml: this is a link to a file that does not exist"):
            load(tmp_path / "exp.yaml")


def test_missing_data_files_are_told_with_what_else_is_wrong(tmp_path):
    path = tmp_path / "exp.yaml"
    path.write_text("data:\n  train: a.csv\n  dev: b.csv\n  test: exp.yaml\nsede: 1\n")
    with pytest.raises(ConfigError) as raised:
        load(path, ["data.dev=c.csv"], cwd=tmp_path)
    first, *missing = [problem.replace(str(tmp_path), "HERE") for problem in raised.value.problems]
    assert first.startswith("HERE/exp.yaml:5:1: sede: unknown key; did you mean seed? ")
    assert missing == [
        "HERE/exp.yaml:2:10: data.train: there is no file HERE/a.csv; check the path",
        "--set data.dev=c.csv: data.dev: there is no file HERE/c.csv; check the path",
    ]


def test_missing_data_files_alone_are_no_error_of_the_experiment(tmp_path):
    path = tmp_path / "exp.yaml"
    path.write_text("data: {train: a.csv, dev: b.csv}\n")
    loaded = load(path)
    assert [problem.split(": ")[1] for problem in loaded.missing_files()] == ["data.train", "data.dev"]
