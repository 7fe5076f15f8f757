"""What samples of a network's health say: signals, gradients and units, layer by layer.

A sample is a line of `health.jsonl`. Where a number is None it was not finite, or makes no sense for the layer.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dlspec.diagnosis.findings import Finding

Sample = Mapping[str, Any]

VANISHED = 0.01
"""Root mean square of the last hidden layer by that of the inputs, from which down the signal has vanished."""
EXPLODED = 30.0
"""The same of the largest layer, the logits included, from which up it has exploded. He keeps it below 3."""
GRADIENT_FACTOR = 1_000.0
"""‖dW‖ of the last layer by that of the first, or the other way round, from which on learning is uneven."""
DEAD = 0.4
"""Share of a layer's relus; some die in every training."""
SATURATED = 0.5
"""Share of a layer's activations before the first step; later a network may saturate because it is sure."""
ALIKE = 1.0
OFF_SCALE = 10.0
"""Root mean square of the inputs, or its inverse: standard normalization makes it 1."""
UNEVEN_SCALES = 30.0
"""Largest scale of a feature by the smallest."""


def layer_findings(samples: Sequence[Sample], *, normalized: bool) -> list[Finding]:
    """What is wrong with the layers at the beginning and at the end of a run.

    Args:
        samples: in order; the first may be missing in a run that an older dlspec began.
        normalized: whether the inputs were normalised, so that scales that differ come from features that rarely vary.
    """
    if not samples:
        return []
    findings: list[Finding] = []
    if samples[0]["epoch"] == 0:
        inputs = samples[0]["inputs"]
        findings += [] if normalized else _of_inputs(inputs)
        findings += _of_signal(samples[0]["layers"], inputs["rms"])
        findings += _of_gradient(samples[0]["layers"])
        findings += _saturated(samples[0]["layers"])
    findings += _alike(samples[-1])
    findings += _dead(samples)
    return findings


def _of_inputs(inputs: Mapping[str, float]) -> Iterator[Finding]:
    rms, ratio = inputs["rms"], inputs["scale_ratio"]
    if rms > OFF_SCALE or 0 < rms < 1 / OFF_SCALE:
        yield _finding("inputs off scale", None, rms, OFF_SCALE, f"the inputs have a root mean square of {rms:.3g}")
    elif ratio > UNEVEN_SCALES:
        words = f"the scales of the features differ by a factor of {ratio:,.0f}"
        yield _finding("inputs off scale", None, ratio, UNEVEN_SCALES, words)


def _of_signal(layers: Sequence[Sample], inputs: float) -> Iterator[Finding]:
    """The factor per layer, where the signal vanishes or explodes on its way through the network."""
    sizes = [_size(layer) / inputs if inputs else 1.0 for layer in layers]
    largest = max(range(len(sizes)), key=sizes.__getitem__)
    if sizes[largest] > EXPLODED:
        factor, limit = _per_layer(sizes[largest], largest + 1), _per_layer(EXPLODED, largest + 1)
        words = f"the signal grows by a factor of {factor:.3g} per layer before the first step, to {sizes[largest]:.2g}"
        yield _finding(
            "exploding signal", largest + 1, factor, limit, f"{words} times the inputs in layer {largest + 1}"
        )
    hidden = len(sizes) - 1
    if hidden and sizes[hidden - 1] < VANISHED:
        factor, limit = _per_layer(sizes[hidden - 1], hidden), _per_layer(VANISHED, hidden)
        words = f"the signal shrinks by a factor of {factor:.3g} per layer before the first step"
        yield _finding(
            "vanishing signal",
            hidden,
            factor,
            limit,
            f"{words}, to {sizes[hidden - 1]:.2g} of the inputs in layer {hidden}",
        )


def _of_gradient(layers: Sequence[Sample]) -> Iterator[Finding]:
    first, last = (layers[index]["gradient_norm"] for index in (0, -1))
    if len(layers) < 3 or not first or not last:
        return
    factor = _per_layer(first / last, len(layers) - 1)
    limit = _per_layer(GRADIENT_FACTOR, len(layers) - 1)
    words = f"by a factor of {factor:.3g} per layer on its way back to layer 1, before the first step"
    if first / last < 1 / GRADIENT_FACTOR:
        yield _finding("vanishing gradient", 1, factor, 1 / limit, f"the gradient shrinks {words}")
    elif first / last > GRADIENT_FACTOR:
        yield _finding("exploding gradient", 1, factor, limit, f"the gradient grows {words}")


def _saturated(layers: Sequence[Sample]) -> Iterator[Finding]:
    for layer in layers:
        share = layer["saturated"]
        if share is not None and share >= SATURATED:
            words = f"{share:.0%} of the activations of layer {layer['layer']} are saturated before the first step"
            yield _finding("saturated units", layer["layer"], share, SATURATED, words)


def _alike(sample: Sample) -> Iterator[Finding]:
    """Units of a hidden layer that are still the same at the end: they have learnt the same all the way."""
    for layer in sample["layers"][:-1]:
        if layer["alike"] >= ALIKE:
            words = f"all units of layer {layer['layer']} have the same weights, so that it learns like one unit"
            yield _finding("symmetric units", layer["layer"], layer["alike"], ALIKE, words, epoch=sample["epoch"])


def _dead(samples: Sequence[Sample]) -> Iterator[Finding]:
    """Relus that are dead at the end, with the first sample that shows so many."""
    for index, layer in enumerate(samples[-1]["layers"]):
        if layer["dead"] is None or layer["dead"] < DEAD:
            continue
        since = next(s["epoch"] for s in samples if s["layers"][index]["dead"] >= DEAD)
        when = "from the first step on" if since == 0 else f"since epoch {since} or before"
        words = f"{layer['dead']:.0%} of the relus of layer {layer['layer']} are dead, {when}"
        yield _finding("dead units", layer["layer"], layer["dead"], DEAD, words, epoch=since)


def _finding(name: Any, layer: int | None, value: float, threshold: float, message: str, *, epoch: int = 0) -> Finding:
    return Finding(name, layer, epoch, value, threshold, message)


def _size(layer: Sample) -> float:
    """Root mean square of the activations; infinite where it overflowed."""
    if layer["mean"] is None or layer["std"] is None:
        return math.inf
    return math.hypot(layer["mean"], layer["std"])


def _per_layer(factor: float, layers: int) -> float:
    return math.inf if math.isinf(factor) else float(factor ** (1 / layers))
