"""What the labs need beside their experiments: the course's own data, which is not free to share, and start values."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs" / "course"
SHARED = ROOT.parent / "shared" / "data"

starts = runpy.run_path(str(CONFIGS / "make_starts.py"))
football = runpy.run_path(str(CONFIGS / "prepare_football.py"))


def shared(name):
    """A file of the course; skips the test where it is missing."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the course's {name} is not free to share; put it into ../shared/data to run this")
    return path


def overrides_for(config, directory):
    """The flags with which an experiment of the course finds its files; `directory` takes those that are made."""
    if config.stem.startswith("cat-"):
        flags = [f"data.{split}={shared(f'{split}_catvnoncat.h5')}" for split in ("train", "test")]
        if config.stem in starts["STARTS"]:
            starts["write"](config.stem, directory)
            flags.append(f"initializer.path={directory / f'{config.stem}.npz'}")
        return flags
    if config.stem.startswith("football"):
        football["main"](shared("football.mat"), directory)
        return [f"data.{split}={directory / f'football_{split}.csv'}" for split in ("train", "test")]
    return []
