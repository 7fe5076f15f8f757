"""Files that belong together by their names: `train-labels…` lies beside `train-images…`, `y.npy` beside `x.npy`."""

import re
from collections.abc import Sequence
from pathlib import Path

from dlspec.data.table import plain, suggestion
from dlspec.errors import DataError

_WORD_X = re.compile("(?<![A-Za-z])[xX](?![A-Za-z])")


def targets_beside(path: Path, y: str) -> Path:
    """The file of targets that belongs to a file of inputs.

    Args:
        path: the inputs.
        y: name of the targets, relative to the inputs. The default `y` means the name of the inputs with
            `labels` in place of `images`, or `y` in place of the word `x`: `x_train.npy`, `y_train.npy`.

    Raises:
        DataError: there is no such file, or the name of the inputs tells nothing.
    """
    names = [y] if y != "y" else _names(path.name)
    if not names:
        raise DataError(
            f"{path}: its name does not tell where the targets are; name their file with y, relative to this one"
        )
    found = _first(path.parent, names)
    if found is None and y == "y":
        raise DataError(f"{path}: there is no file {plain(names[0])} beside it; name the file of the targets with y")
    if found is None:
        raise absent(path, y)
    return found


def file_beside(path: Path, name: str) -> Path | None:
    """The file of that name, relative to `path`; None where there is none."""
    return _first(path.parent, [name])


def renamed(path: Path, word: str) -> Path | None:
    """The path with another word in place of `x`, or of `images` (then `labels` for `y`); None where there is none."""
    if "images" in path.name:
        return path.with_name(path.name.replace("images", "labels" if word == "y" else word))
    return path.with_name(_WORD_X.sub(word, path.name)) if _WORD_X.search(path.name) else None


def absent(path: Path, name: str) -> DataError:
    """The error about a file of that name that should lie beside `path`: it lists those of the same kind."""
    near = sorted(other.name for other in path.parent.iterdir() if other != path and other.suffix == path.suffix)
    return DataError(f"{path}: there is no file {plain(name)} beside it; {suggestion(name, near)}")


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _names(name: str) -> list[str]:
    """Names that the targets may have, the likeliest first."""
    if "images" in name:  # train-images-idx3-ubyte.gz: labels have one dimension, and may be unpacked
        labels = re.sub("idx[0-9]", "idx1", name.replace("images", "labels"))
        return [labels, labels.removesuffix(".gz") if labels.endswith(".gz") else f"{labels}.gz"]
    return [_WORD_X.sub("y", name), _WORD_X.sub("Y", name)] if _WORD_X.search(name) else []
