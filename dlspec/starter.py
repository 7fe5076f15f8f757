"""The examples that come with dlspec, and how a new project starts from them."""

from pathlib import Path

from dlspec.errors import UsageError
from dlspec.run import storage

FOLDERS = ("configs", "datasets")
SUFFIXES = (".yaml", ".csv", ".h5", ".npz", ".md", ".py")


def source() -> Path:
    """Where the examples lie: inside an installed dlspec, or at the top of a clone."""
    installed = Path(__file__).parent / "starter"
    return installed if installed.is_dir() else Path(__file__).parent.parent


def files() -> list[Path]:
    """The examples, relative to `source()`."""
    base = source()
    found = [path for folder in FOLDERS for path in (base / folder).rglob("*") if path.suffix in SUFFIXES]
    return sorted(path.relative_to(base) for path in found)


def write(target: Path) -> list[Path]:
    """Copy the examples to a directory and make an empty `runs/` there.

    Raises:
        UsageError: one of the files is there already; nothing was written.
        RunError: the directory cannot be written.
    """
    storage.check_writable(target)
    existing = [path for path in files() if (target / path).exists()]
    if existing:
        raise UsageError(
            f"{target / existing[0]}: already there ({len(existing)} of {len(files())} files are); "
            "nothing was written; choose another directory"
        )
    base = source()
    for path in files():
        storage.make_parents((target / path).parent)
        storage.write_file(target / path, (base / path).read_bytes())
    storage.make_parents(target / "runs")
    return files()
