"""The loaders with all settings in one row: each goes to the description that has a field of its name."""

from dataclasses import fields

from dlspec.data import loading
from dlspec.data.dataset import Preparation
from dlspec.data.division import Cut
from dlspec.data.reading import Reading


def load_file(path, **settings):
    return loading.load_file(path, **_described(settings))


def load_files(train, dev=None, test=None, **settings):
    train_dev = settings.pop("train_dev_file", None)
    described = _described(settings)
    if not {"ratios", "strategy", "train_dev"} & set(settings):
        described["cut"] = None
    return loading.load_files(train, dev, test, train_dev=train_dev, **described)


def load_divided(path, split, *, column_is_feature=False, **settings):
    described = _described(settings)
    del described["cut"]
    return loading.load_divided(path, split, column_is_feature=column_is_feature, **described)


def load_synthetic(name, *points, **settings):
    described = _described(settings)
    if len(points) > 1 and "ratios" not in settings:
        described["cut"] = None
    del described["reading"]
    return loading.load_synthetic(name, *points, **described)


def _described(settings):
    described, rest = {}, dict(settings)
    for name, kind in (("reading", Reading), ("cut", Cut), ("preparation", Preparation)):
        described[name] = kind(**{f.name: rest.pop(f.name) for f in fields(kind) if f.name in rest})
    assert rest == {}
    return described
