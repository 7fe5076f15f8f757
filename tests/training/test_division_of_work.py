"""How many threads and streams an experiment gets: by the size of its work alone, and what cannot be is refused."""

import pytest

from dlspec import experiment_data, resolver
from dlspec.config import loader
from dlspec.errors import ConfigError

DEEP = f"architecture: {{layers: [{', '.join(['{units: 128}'] * 50)}]}}\nbatch_size: 256\n"
WIDE = "architecture: {layers: [{units: 1024}, {units: 1024}]}\nbatch_size: 256\n"
SMALL = "architecture: {layers: [{units: 64}]}\n"
MIDDLE = f"architecture: {{layers: [{', '.join(['{units: 128}'] * 10)}]}}\nbatch_size: 256\n"


def divided(text, *, cores, place):
    path = place / "a.yaml"
    path.write_text("data: {synthetic: moons, examples: 600}\n" + text)
    loaded = loader.load(path)
    experiment = resolver.resolve(loaded, experiment_data.load_data(loaded), cores=cores)
    return experiment.threads, experiment.streams, experiment.threads_per_product


@pytest.mark.parametrize(
    ("text", "cores", "expected"),
    [
        (SMALL, 2, (1, 1, 1)),
        (WIDE, 1, (1, 1, 1)),
        (WIDE, 2, (2, 1, 2)),
        (WIDE, 8, (8, 1, 8)),
        (MIDDLE, 2, (2, 1, 2)),
        (DEEP, 2, (2, 2, 1)),
        (DEEP, 1, (1, 1, 1)),
        (DEEP, 4, (4, 1, 4)),
        (DEEP + "threads: 2", 4, (2, 2, 1)),
        (DEEP + "threads: 2\nstreams: 1", 4, (2, 1, 2)),
        (DEEP + "regularization: {keep_prob: 0.9}", 2, (2, 1, 2)),
        (DEEP + "regularization: {input_keep_prob: 0.9}", 2, (2, 1, 2)),
        (DEEP.replace("128}", "128, batch_norm: true}", 1), 2, (2, 1, 2)),
        (DEEP.replace("128}", "128, keep_prob: 0.5}", 1), 2, (2, 1, 2)),
        (SMALL + "streams: 2", 8, (2, 2, 1)),
        (SMALL + "threads: 2\nstreams: 2", 1, (2, 2, 1)),
    ],
)
def test_the_rule(text, cores, expected, tmp_path):
    assert divided(text, cores=cores, place=tmp_path) == expected


@pytest.mark.parametrize(
    ("text", "obstacle"),
    [
        ("threads: 1\n", "threads: 1, since each stream has one thread"),
        ("threads: 3\n", "threads: 3, since each stream has one thread"),
        ("regularization: {keep_prob: 0.9}\n", "dropout, whose masks are drawn for the whole mini-batch"),
        ("architecture: {layers: [{units: 4, batch_norm: true}]}\n", "batch_norm, whose mean is over the whole"),
    ],
)
def test_two_streams_that_cannot_be(text, obstacle, tmp_path):
    with pytest.raises(ConfigError, match=rf"a\.yaml:3:10: streams: 2 streams do not go with {obstacle}"):
        divided(text + "streams: 2", cores=2, place=tmp_path)
