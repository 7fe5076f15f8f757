"""The one-way flow of the package: who may import whom, who may write, what nobody may do."""

import ast
import re
import sys
from pathlib import Path

import pytest

import dlspec

ROOT = Path(dlspec.__file__).parent

# Nearest the mathematics first. A package imports only lower ranks; rank 5 is wired together by hand.
RANKS = {
    "errors": 0,
    "text": 0,
    "config": 1,
    "core": 1,
    "data": 2,
    "training": 3,
    "diagnosis": 3,
    "analysis": 3,
    "run": 4,
    "report": 4,
    "builder": 5,
    "preparation": 5,
    "run_report": 5,
    "run_page": 5,
    "pictures": 5,
    "plots": 5,
    "second_look": 5,
    "unfinished": 5,
    "changes": 5,
    "session": 5,
    "runner": 5,
    "measurement": 5,
    "predictions": 5,
    "compare": 5,
    "paired_runs": 5,
    "stepper": 5,
    "lr_find": 5,
    "tune": 5,
    "overfit": 5,
    "error_analysis": 5,
    "learning_curve": 5,
    "prediction": 5,
    "experiment_data": 5,
    "resolver": 5,
    "workload": 5,
    "battery": 5,
    "gradcheck": 5,
    "splitting": 5,
    "materialize": 5,
    "writers": 5,
    "column_tables": 5,
    "convert": 5,
    "starter": 5,
    "start_values": 5,
    "cli": 6,
    "__main__": 7,
}
SAME_RANK = {
    ("preparation", "builder"),
    ("preparation", "experiment_data"),
    ("preparation", "resolver"),
    ("session", "builder"),
    ("session", "changes"),
    ("session", "preparation"),
    ("session", "run_report"),
    ("session", "run_page"),
    ("run_page", "pictures"),
    ("run_page", "run_report"),
    ("plots", "run_page"),
    ("unfinished", "run_page"),
    ("session", "unfinished"),
    ("second_look", "builder"),
    ("second_look", "measurement"),
    ("second_look", "pictures"),
    ("second_look", "run_page"),
    ("runner", "builder"),
    ("runner", "changes"),
    ("runner", "preparation"),
    ("runner", "session"),
    ("resolver", "experiment_data"),
    ("resolver", "workload"),
    ("measurement", "experiment_data"),
    ("builder", "start_values"),
    ("measurement", "builder"),
    ("predictions", "builder"),
    ("predictions", "measurement"),
    ("compare", "paired_runs"),
    ("paired_runs", "measurement"),
    ("paired_runs", "predictions"),
    ("learning_curve", "builder"),
    ("learning_curve", "experiment_data"),
    ("learning_curve", "preparation"),
    ("learning_curve", "session"),
    ("error_analysis", "measurement"),
    ("error_analysis", "predictions"),
    ("overfit", "builder"),
    ("overfit", "gradcheck"),
    ("overfit", "preparation"),
    ("lr_find", "builder"),
    ("lr_find", "preparation"),
    ("lr_find", "stepper"),
    ("stepper", "builder"),
    ("stepper", "preparation"),
    ("stepper", "session"),
    ("tune", "builder"),
    ("tune", "preparation"),
    ("tune", "stepper"),
    ("materialize", "splitting"),
    ("convert", "writers"),
    ("convert", "column_tables"),
    ("prediction", "builder"),
    ("gradcheck", "builder"),
    ("gradcheck", "preparation"),
    ("gradcheck", "session"),
}
STARTER_IMPORTS = {"dlspec.errors", "dlspec.run.storage"}

THIRD_PARTY = {
    "config": {"pydantic", "pydantic_core", "yaml"},
    "core": {"numpy"},
    "data": {"numpy", "h5py", "PIL", "pyarrow"},
    "training": {"numpy"},
    "diagnosis": {"numpy"},
    "analysis": {"numpy"},
    "run": {"numpy", "h5py", "filelock", "threadpoolctl"},
    "builder": {"numpy"},
    "start_values": {"numpy"},
    "preparation": {"numpy"},
    "session": {"numpy"},
    "pictures": {"numpy"},
    "plots": {"matplotlib"},
    "measurement": {"numpy"},
    "predictions": {"numpy"},
    "paired_runs": {"numpy"},
    "lr_find": {"numpy"},
    "tune": {"numpy"},
    "overfit": {"numpy"},
    "error_analysis": {"numpy"},
    "learning_curve": {"numpy"},
    "prediction": {"numpy"},
    "experiment_data": {"numpy"},
    "gradcheck": {"numpy"},
    "splitting": {"numpy"},
    "materialize": {"numpy", "h5py"},
    "writers": {"numpy", "h5py"},
    "column_tables": {"numpy", "pyarrow"},
    "battery": {"numpy"},
    "cli": {"typer", "rich", "PIL"},
}

# Pure functions of numbers: no files, clock, system or terminal.
PURE = {"core", "diagnosis", "analysis", "report"}
IMPURE_MODULES = {"os", "io", "pathlib", "shutil", "subprocess", "sys", "tempfile", "time", "datetime", "logging"}
BANNED_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "imp"}
BANNED_CALLS = {"eval", "exec", "compile", "__import__"}
YAML_LOADERS = {"load", "load_all", "unsafe_load", "full_load", "unsafe_load_all", "full_load_all"}

# Of the highest rank, it loads the module of the one command that was called, by the name in its table.
LOADER = "cli/app.py"
WRITER = "run/storage.py"
WRITING_METHODS = {"write_text", "write_bytes", "mkdir", "unlink", "rename", "rmdir", "touch", "symlink_to",
                   "hardlink_to", "chmod", "tofile"}  # fmt: skip
WRITING_FUNCTIONS = {
    "os": {"open", "write", "replace", "rename", "mkdir", "makedirs", "remove", "unlink", "rmdir", "removedirs",
           "truncate", "ftruncate", "link", "symlink", "chmod", "mknod", "mkfifo", "fdopen"},
    "shutil": {"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move", "rmtree", "make_archive"},
    "np": {"save", "savez", "savez_compressed", "savetxt", "memmap"},
}  # fmt: skip
READING_FLAGS = {"os.O_RDONLY", "os.O_RDONLY | os.O_NONBLOCK"}
WRITE_MODE = re.compile("[rbtU]*[wax+][rwaxbtU+]*")


def package_of(module):
    """`dlspec.run.storage` → `run`; `dlspec` itself → ``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def imports_of(tree):
    """Every import of a module, also the late ones and those for types: (line, dotted name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level + (node.module or "")
            elif node.module in ("dlspec", "dlspec.run"):  # `from dlspec.run import storage` names a module
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module


def import_problem(package, name):
    """What is wrong with one import, None where nothing is."""
    root = name.split(".")[0]
    if name.startswith("."):
        return "imports relatively"
    if root == "dlspec":
        return internal_import_problem(package, name)
    if root in BANNED_MODULES or (root == "importlib" and name != "importlib.metadata"):
        return f"imports {name}, which runs code or hides an import"
    if root in sys.stdlib_module_names:
        return f"is pure but imports {name}" if package in PURE and root in IMPURE_MODULES else None
    return None if root in THIRD_PARTY.get(package, set()) else f"may not import {root}"


def internal_import_problem(package, name):
    target = package_of(name)
    if target in ("", "__version__") or target == package:
        return None
    if package == "starter" and name not in STARTER_IMPORTS:
        return f"may import only {', '.join(sorted(STARTER_IMPORTS))}, not {name}"
    if target not in RANKS:
        return f"imports {name}, which has no rank"
    if RANKS[target] < RANKS[package] or (package, target) in SAME_RANK:
        return None
    return f"of rank {RANKS[package]} imports {name} of rank {RANKS[target]}"


def call_problem(package, path, call):
    """What is wrong with one call, None where nothing is."""
    function = call.func
    keywords = {keyword.arg for keyword in call.keywords}
    if isinstance(function, ast.Name):
        if function.id == "print":
            return "prints"
        if function.id in BANNED_CALLS:
            return f"calls {function.id}"
    if "allow_pickle" in keywords and not all(
        isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in call.keywords
        if keyword.arg == "allow_pickle"
    ):
        return "loads pickles"
    owner = owner_of(function)
    if owner == "yaml" and function.attr in YAML_LOADERS:
        return f"calls yaml.{function.attr}"
    if owner in ("sys.stdout", "sys.stderr") and package != "cli":
        return f"writes to {owner}"
    return None if path == WRITER or not writes(call, owner) else "writes to disk"


def owner_of(function):
    return ast.unparse(function.value) if isinstance(function, ast.Attribute) else None


def writes(call, owner):
    """Whether a call can change the disk."""
    function, arguments = call.func, call.args
    if isinstance(function, ast.Name):
        return function.id == "open" and opens_for_writing(call, position=1)
    if not isinstance(function, ast.Attribute):
        return False
    name = function.attr
    if owner == "storage" or (owner == "os" and name == "open" and ast.unparse(arguments[1]) in READING_FLAGS):
        return False  # the writer itself, or a file opened for nothing but reading
    if owner in WRITING_FUNCTIONS:
        return name in WRITING_FUNCTIONS[owner]
    if owner == "tempfile":
        return True
    if owner in ("h5py.h5o", "h5py.h5a"):  # an object of an open file
        return False
    if owner == "h5py" and name == "File":
        return opens_for_writing(call, position=1)
    if name == "open":
        of_a_file = owner in ("io", "gzip", "codecs", "zipfile", "Image") or str(owner).endswith("archive")
        return opens_for_writing(call, position=1 if of_a_file else 0)
    if name == "replace":  # of a path: one argument; of text: two; of a date: keywords
        return len(arguments) == 1 and not call.keywords
    return name in WRITING_METHODS


def opens_for_writing(call, *, position):
    """Whether the mode may be one that writes; a mode that is not written out counts as one."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] + call.args[position : position + 1]
    return any(not isinstance(mode, ast.Constant) or WRITE_MODE.fullmatch(str(mode.value)) for mode in given)


def problems_of(source, path):
    """Every violation in the source of one module, as `path:line: what`."""
    package = path.split("/")[0].removesuffix(".py")
    tree = ast.parse(source)
    package = "" if package == "__init__" else package
    found = [
        (line, import_problem(package, name))
        for line, name in imports_of(tree)
        if (path, name) != (LOADER, "importlib")
    ]
    found += [(node.lineno, call_problem(package, path, node)) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [f"{path}:{line}: {problem}" for line, problem in sorted(found, key=lambda pair: pair[0]) if problem]


def modules():
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted(ROOT.rglob("*.py"))}


def package_graph(sources):
    """Package → packages it imports."""
    graph = {}
    for path, source in sources.items():
        package = path.split("/")[0].removesuffix(".py")
        targets = {package_of(name) for _, name in imports_of(ast.parse(source)) if name.startswith("dlspec.")}
        graph.setdefault(package, set()).update(targets - {package, ""})
    return graph


def cycle_in(graph):
    """A cycle as a list of packages, None where there is none."""
    done = set()

    def visit(package, trail):
        if package in trail:
            return [*trail[trail.index(package) :], package]
        if package in done:
            return None
        found = next((loop for target in sorted(graph.get(package, ())) if (loop := visit(target, [*trail, package]))),
                     None)  # fmt: skip
        done.add(package)
        return found

    return next((loop for package in sorted(graph) if (loop := visit(package, []))), None)


def test_no_module_breaks_a_rule():
    sources = modules()
    assert len(sources) > 50
    assert [problem for path, source in sources.items() for problem in problems_of(source, path)] == []


def test_every_package_has_a_rank():
    packages = {path.split("/")[0].removesuffix(".py") for path in modules()} - {"__init__"}
    assert packages == set(RANKS)


def test_packages_import_each_other_without_cycles():
    graph = package_graph(modules())
    assert "errors" in graph["run"]
    assert cycle_in(graph) is None


def test_a_cycle_is_found():
    sources = {
        "data/a.py": "from dlspec.training import b",
        "training/b.py": "import dlspec.run.c",
        "run/c.py": "def f():\n    from dlspec.data.a import x",
        "core/d.py": "import numpy",
    }
    assert cycle_in(package_graph(sources)) == ["data", "training", "run", "data"]


@pytest.mark.parametrize(
    ("path", "source", "problem"),
    [
        ("core/new.py", "import pydantic", "may not import pydantic"),
        ("core/new.py", "import h5py.h5f", "may not import h5py"),
        ("core/new.py", "from dlspec.config.data import Data", "of rank 1 imports dlspec.config.data of rank 1"),
        ("core/new.py", "import time", "is pure but imports time"),
        ("core/new.py", "from pathlib import Path", "is pure but imports pathlib"),
        ("core/new.py", "from . import layers", "imports relatively"),
        ("config/new.py", "import numpy", "may not import numpy"),
        ("data/new.py", "import dlspec.training.trainer", "of rank 2 imports dlspec.training.trainer of rank 3"),
        ("training/new.py", "from dlspec.diagnosis import intervals", "of rank 3 imports dlspec.diagnosis of rank 3"),
        ("report/new.py", "import numpy as np", "may not import numpy"),
        ("report/new.py", "from dlspec.run import storage", "of rank 4 imports dlspec.run.storage of rank 4"),
        ("run/new.py", "def f():\n    import typer", "may not import typer"),
        ("builder.py", "from dlspec import runner", "of rank 5 imports dlspec.runner of rank 5"),
        ("session.py", "from dlspec import runner", "of rank 5 imports dlspec.runner of rank 5"),
        ("preparation.py", "from dlspec import session", "of rank 5 imports dlspec.session of rank 5"),
        ("starter.py", "from dlspec.run import directory", "may import only"),
        ("starter.py", "from dlspec.core import layers", "may import only"),
        ("cli/new.py", "if TYPE_CHECKING:\n    import numpy", "may not import numpy"),
        ("errors.py", "import dlspec.config.loader", "of rank 0 imports dlspec.config.loader of rank 1"),
        ("__init__.py", "import numpy", "may not import numpy"),
        ("data/new.py", "import pickle", "runs code"),
        ("data/new.py", "import importlib", "hides an import"),
        ("cli/new.py", "from importlib import import_module", "hides an import"),
        ("data/new.py", "eval('1')", "calls eval"),
        ("data/new.py", "exec('1')", "calls exec"),
        ("data/new.py", "np.load(path, allow_pickle=True)", "loads pickles"),
        ("data/new.py", "np.load(path, allow_pickle=flag)", "loads pickles"),
        ("config/new.py", "yaml.load(text)", "calls yaml.load"),
        ("cli/new.py", "print('hello')", "prints"),
        ("run/new.py", "sys.stdout.write('hello')", "writes to sys.stdout"),
        ("run/new.py", "open(path, 'w')", "writes to disk"),
        ("run/new.py", "open(path, mode='ab')", "writes to disk"),
        ("run/new.py", "open(path, mode)", "writes to disk"),
        ("run/new.py", "path.open('x')", "writes to disk"),
        ("run/new.py", "archive.open(member, 'w')", "writes to disk"),
        ("run/new.py", "path.open('r+b')", "writes to disk"),
        ("run/new.py", "path.write_text('')", "writes to disk"),
        ("run/new.py", "path.write_bytes(b'')", "writes to disk"),
        ("run/new.py", "path.mkdir()", "writes to disk"),
        ("run/new.py", "path.unlink()", "writes to disk"),
        ("run/new.py", "path.rename(other)", "writes to disk"),
        ("run/new.py", "path.replace(other)", "writes to disk"),
        ("run/new.py", "os.open(path, os.O_WRONLY)", "writes to disk"),
        ("run/new.py", "os.open(path, os.O_RDONLY | os.O_CREAT)", "writes to disk"),
        ("run/new.py", "os.open(path, flags)", "writes to disk"),
        ("run/new.py", "os.replace(a, b)", "writes to disk"),
        ("run/new.py", "os.mkdir(path)", "writes to disk"),
        ("run/new.py", "shutil.rmtree(path)", "writes to disk"),
        ("run/new.py", "tempfile.mkdtemp()", "writes to disk"),
        ("run/new.py", "np.save(path, array)", "writes to disk"),
        ("run/new.py", "h5py.File(path, 'w')", "writes to disk"),
    ],
)
def test_a_planted_violation_is_found(path, source, problem):
    (found,) = problems_of(source, path)
    line = len(source.splitlines())
    assert found.startswith(f"{path}:{line}: ")
    assert problem in found


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("run/storage.py", "os.open(path, os.O_WRONLY); path.mkdir(); path.replace(other)"),
        ("run/new.py", "path.open('rb'); path.open(encoding='utf-8', newline=''); open(path)"),
        ("run/new.py", "text.replace('a', 'b'); moment.replace(tzinfo=UTC); re.compile('x'); path.read_text()"),
        ("run/new.py", "os.open(path, os.O_RDONLY | os.O_NONBLOCK); storage.rename(path, other)"),
        ("data/new.py", "h5py.File(path, 'r'); np.load(path, allow_pickle=False); archive.open(member)"),
        ("data/new.py", "Image.open(file, formats=FORMATS)"),
        ("runner.py", "from dlspec import builder\nimport dlspec"),
        ("starter.py", "from dlspec.run import storage\nfrom dlspec.errors import UsageError"),
    ],
)
def test_what_is_allowed_passes(path, source):
    assert problems_of(source, path) == []
