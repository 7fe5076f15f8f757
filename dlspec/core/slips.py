"""From a failed gradient check to the place of the slip, and to its kind where that can be told.

The gradient flows from the loss backwards, so the wrong block nearest the output is where it breaks: what
lies nearer the input is wrong only because of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from dlspec.core.arrays import Array
from dlspec.core.gradcheck import Block, Entries

# Vectors that differ by less are the same but for the errors of central differences.
SAME = 1e-5

# So few numbers fit any pattern.
FEW = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a gradient breaks.

    Attributes:
        blocks: names of the wrong blocks of one layer, such as W2 and b2; nearer the output all is right.
        place: the part of the backward pass that this leaves.
        pattern: what the wrong values are to the right ones; None where that cannot be told.
    """

    blocks: tuple[str, ...]
    place: str
    pattern: str | None


def label(name: str) -> str:
    """W1 → dW[1], gamma2 → dγ[2]: as the course writes a gradient."""
    found = re.fullmatch(r"(\D+)(\d+)", name)
    if found is None:
        return f"d{name}"
    return f"d{({'gamma': 'γ', 'beta': 'β'}).get(found[1], found[1])}[{found[2]}]"


def explain(blocks: Sequence[Block], *, examples: int, keep_probs: Sequence[float] = ()) -> Finding | None:
    """Where the gradient breaks first, and what kind of slip gives that; None where nothing is wrong.

    Args:
        blocks: in the order of the layers.
        examples: m of the batch.
        keep_probs: of the dropout layers that were on.
    """
    layers = [list(group) for _, group in groupby(blocks, key=attrgetter("layer"))]
    for verdict in ("wrong", "suspicious"):
        broken = [number for number, layer in enumerate(layers) if any(b.verdict == verdict for b in layer)]
        if broken:
            first = [block for block in layers[broken[-1]] if block.verdict == verdict]
            patterns = (_pattern(block, examples, keep_probs) for block in reversed(first))
            return Finding(
                blocks=tuple(block.name for block in first),
                place=_place(layers, broken[-1], first),
                pattern=next((pattern for pattern in patterns if pattern), None),
            )
    return None


def _names(blocks: Sequence[Block]) -> str:
    return " and ".join(label(block.name) for block in blocks)


def _place(layers: Sequence[Sequence[Block]], number: int, first: Sequence[Block]) -> str:
    right = [block for block in layers[number] if block not in first]
    before = [block for layer in layers[:number] for block in layer]
    behind = (
        f"the way back from {_names(layers[number + 1])}" if number + 1 < len(layers) else "the gradient of the loss"
    )
    if right:  # W and b see the same dZ, γ and β the same dz̃
        return f"the formula of {_names(first)} itself: what arrives there is right, for {_names(right)} is"
    if before and all(block.verdict in ("ok", "unchecked") for block in before):
        return f"the formula of {_names(first)} itself: what flows on from there is right, for {_names(before)} is"
    return f"what arrives at {_names(first)}: {behind}"


def _pattern(block: Block, m: int, keep_probs: Sequence[float]) -> str | None:
    entries = block.entries
    if not (np.isfinite(entries.analytic).all() and np.isfinite(entries.numeric).all()):
        return "not finite: an overflow, or it is added to what was there instead of written"
    if block.differences.verdict == "ok":
        return "it fits the cost as it is computed, so the forward pass is not that of the formulas"
    if len(entries.analytic) and not entries.analytic.any():
        return "0 throughout: it is not written, or cut off"
    factors = list(_factors(m, keep_probs))
    return (
        _penalty(entries, factors)
        or _factor(entries, factors)
        or _transpose(block)
        or _factor_per_unit(block)
        or _penalised_bias(entries)
    )


def _factors(m: int, keep_probs: Sequence[float]) -> Iterator[tuple[float, str]]:
    """Factors that a known slip gives, and the slip."""
    yield 0.0, "it is missing"
    yield -1.0, "the sign is wrong"
    if m > 1:
        yield float(m), "a 1/m is missing"
        yield 1.0 / m, "1/m is there twice"
    yield 2.0, "a factor ½ is missing"
    yield 0.5, "a factor ½ too many"
    for p in sorted({p for p in keep_probs if p < 1}):
        yield p, f"a division by keep_prob ({p:g}) is missing"
        yield p * p, f"multiplied by keep_prob ({p:g}) instead of divided"
        yield 1.0 / p, f"divided by keep_prob ({p:g}) once too often"


def _named(factor: float, factors: Sequence[tuple[float, str]]) -> str:
    names = [name for known, name in factors if abs(factor - known) <= SAME * max(1.0, abs(known))]
    # Rounded, so that what is 0 but for errors shows as 0.
    return f"{round(factor, 5) + 0.0:.6g} times what it should be" + (f": {', or '.join(names)}" if names else "")


def _same(one: Array, other: Array) -> bool:
    return float(np.linalg.norm(one - other)) <= SAME * float(np.linalg.norm(one) + np.linalg.norm(other))


def _penalty(entries: Entries, factors: Sequence[tuple[float, str]]) -> str | None:
    """The error is a multiple of W or sign W, which are what the penalties give."""
    if not entries.penalty.any() or len(entries.values) < FEW:
        return None
    basis = np.stack([entries.values, np.sign(entries.values)], axis=1)
    error = entries.analytic - entries.numeric
    found = np.linalg.lstsq(basis, error)[0]
    if not _same(basis @ found, error):
        return None
    expected = np.linalg.lstsq(basis, entries.penalty)[0]
    named = []
    for name, off, right in zip(("l2", "l1"), found, expected, strict=True):
        if abs(off) <= SAME * float(np.abs([*found, *expected]).max()):
            continue
        if abs(right) <= SAME * float(np.abs(expected).max()):
            named.append(f"a term of {name} too many")
        else:
            named.append(f"the term of {name} is {_named(float(1 + off / right), factors)}")
    return "; ".join(named) or None


def _factor(entries: Entries, factors: Sequence[tuple[float, str]]) -> str | None:
    """All of it, or the part of the loss, is a multiple of the right values."""
    for analytic, numeric in (
        (entries.analytic - entries.penalty, entries.loss),
        (entries.analytic, entries.numeric),
    ):
        square = float(numeric @ numeric)
        factor = float(analytic @ numeric) / square if square else 0.0
        text = _named(factor, factors)
        # One number is always a multiple of another: it takes a known factor to mean anything.
        if _same(analytic, factor * numeric) and (len(numeric) >= FEW or ":" in text):
            return text
    return None


def _matrices(block: Block) -> tuple[Array, Array] | None:
    """Analytic and numeric (n_out, n_in) of the loss part; None where not every entry of a matrix was compared."""
    entries = block.entries
    if len(block.shape) != 2 or len(entries.values) != block.size:
        return None
    analytic = (entries.analytic - entries.penalty).reshape(block.shape, order="F")
    return analytic, entries.loss.reshape(block.shape, order="F")


def _transpose(block: Block) -> str | None:
    matrices = _matrices(block)
    if matrices is None or block.shape[0] != block.shape[1] or block.shape[0] == 1:
        return None
    return "transposed" if _same(matrices[0], matrices[1].T) else None


def _factor_per_unit(block: Block) -> str | None:
    matrices = _matrices(block)
    if matrices is None or block.shape[1] < FEW:
        return None
    analytic, numeric = matrices
    squares = np.sum(numeric**2, axis=1)
    factors = np.sum(analytic * numeric, axis=1) / np.where(squares > 0, squares, 1)
    if not _same(analytic, factors[:, np.newaxis] * numeric):
        return None
    return "a factor of its own for each unit: something per unit is missing, such as γ or 1/√(σ² + ε)"


def _penalised_bias(entries: Entries) -> str | None:
    """The error is a multiple of the values themselves, where there is no penalty."""
    error, values = entries.analytic - entries.numeric, entries.values
    square = float(values @ values)
    if entries.penalty.any() or len(values) < FEW or not square:
        return None
    off = float(error @ values) / square
    return f"{off:.6g} times its values too much: a penalty where there is none" if _same(error, off * values) else None
