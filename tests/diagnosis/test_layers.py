"""What samples of health say, at both sides of every threshold."""

import math

import pytest

from dlspec.diagnosis.layers import layer_findings


def layer(
    number=1, activation="relu", *, mean=0.0, std=1.0, dead=None, saturated=None, alike=0.0, gradient=1.0, ratio=1e-3
):
    return {"layer": number, "activation": activation, "mean": mean, "std": std, "dead": dead, "saturated": saturated,
            "alike": alike, "gradient_norm": gradient, "update_ratio": ratio}  # fmt: skip


def sample(*layers, epoch=0, rms=1.0, scale_ratio=1.0):
    numbered = [{**one, "layer": number} for number, one in enumerate(layers, start=1)]
    return {"epoch": epoch, "step": 10 * epoch, "inputs": {"rms": rms, "scale_ratio": scale_ratio}, "layers": numbered}


OUTPUT = layer(activation="output")


def found(*samples, normalized=True):
    return [(finding.name, finding.layer, finding.epoch) for finding in layer_findings(samples, normalized=normalized)]


def test_a_healthy_network_has_no_findings():
    healthy = sample(layer(dead=0.1), layer(activation="tanh", saturated=0.1), OUTPUT)
    assert found(healthy, {**healthy, "epoch": 8}) == []
    assert found() == []


@pytest.mark.parametrize(("factor", "name"), [(1.5, "exploding signal"), (0.5, "vanishing signal")])
def test_fifty_layers_that_multiply_the_signal(factor, name):
    layers = [layer(activation="linear", std=factor**number) for number in range(1, 51)]
    (finding,) = layer_findings([sample(*layers, layer(std=factor**51))], normalized=True)
    assert (finding.name, finding.layer) == (name, 51 if factor > 1 else 50)
    assert finding.value == pytest.approx(factor)
    assert (finding.value > finding.threshold) == (factor > 1)
    assert f"by a factor of {factor:.3g} per layer" in finding.message


@pytest.mark.parametrize(
    ("std", "logits", "name"),
    [(0.02, 1, None), (0.005, 1, "vanishing signal"), (20, 1, None), (40, 1, "exploding signal"), (1, 29, None),
     (1, 31, "exploding signal"), (1, None, "exploding signal"), (0.02, 0.0, None)],
)  # fmt: skip
def test_the_size_of_the_signal(std, logits, name):
    names = [name for name, _, _ in found(sample(layer(std=std), layer(activation="output", std=logits)))]
    assert names == ([name] if name else [])


def test_the_size_counts_the_mean_too():
    assert found(sample(layer(std=0.001, mean=0.5), OUTPUT)) == []


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [(1e-2, 1, None), (1e-4, 1, "vanishing gradient"), (1e4, 1, "exploding gradient"), (0.0, 1, None), (1, 0.0, None),
     (None, 1, None)],
)  # fmt: skip
def test_the_gradient(first, last, name):
    names = [name for name, _, _ in found(sample(layer(gradient=first), layer(), layer(gradient=last)))]
    assert names == ([name] if name else [])


def test_the_gradient_of_two_layers_may_differ():
    assert found(sample(layer(gradient=1e-5), OUTPUT)) == []


@pytest.mark.parametrize(
    ("rms", "ratio", "normalized", "there"),
    [(1, 1, False, False), (12, 1, False, True), (0.05, 1, False, True), (1, 50, False, True), (1, 50, True, False),
     (0.0, 1, False, False)],
)  # fmt: skip
def test_inputs_off_scale(rms, ratio, normalized, there):
    names = [name for name, _, _ in found(sample(layer(), OUTPUT, rms=rms, scale_ratio=ratio), normalized=normalized)]
    assert ("inputs off scale" in names) == there


@pytest.mark.parametrize(("share", "there"), [(0.49, False), (0.5, True), (None, False)])
def test_units_that_are_saturated_before_the_first_step(share, there):
    one = layer(activation="tanh", saturated=share)
    assert (found(sample(layer(), one, OUTPUT)) == [("saturated units", 2, 0)]) == there
    assert found(sample(layer(), layer(), OUTPUT), sample(layer(), one, OUTPUT, epoch=4)) == []


def test_dead_units_are_told_with_the_epoch_that_first_shows_them():
    shares = {0: 0.1, 4: 0.39, 8: 0.4, 16: 0.6}
    samples = [sample(layer(dead=share), OUTPUT, epoch=epoch) for epoch, share in shares.items()]
    assert found(*samples[:2]) == []
    assert found(*samples) == [("dead units", 1, 8)]
    assert found(*samples, sample(layer(dead=0.1), OUTPUT, epoch=32)) == []


def test_units_alike_count_in_hidden_layers_and_at_the_end():
    start = sample(layer(alike=1.0), layer(alike=1.0), layer(activation="output", alike=1.0))
    assert found(start) == [("symmetric units", 1, 0), ("symmetric units", 2, 0)]
    assert found(start, sample(layer(alike=0.5), layer(), OUTPUT, epoch=3)) == []


def test_a_run_that_an_older_dlspec_began_is_told_by_its_end():
    assert found(sample(layer(std=1e9, dead=0.9), OUTPUT, epoch=7)) == [("dead units", 1, 7)]


def test_an_infinite_factor_is_told_as_one():
    (finding,) = layer_findings([sample(layer(std=None), OUTPUT)], normalized=True)
    assert (finding.name, finding.value) == ("exploding signal", math.inf)
