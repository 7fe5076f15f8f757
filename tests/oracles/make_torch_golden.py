"""Write tests/golden/torch_steps.json and torch_functions.json: what PyTorch makes of the cases.

Run it with torch installed: `cd tests && python -m oracles.make_torch_golden`. The default suite compares dlspec with
these files and needs no torch (`tests/core/test_golden.py`).
"""

import json
from pathlib import Path

import torch
from families import ACTIVATION_CASES

from . import cases, pytorch

GOLDEN = Path(__file__).parents[1] / "golden"


def steps():
    """Key of a case → its fingerprint."""
    return {case.key: cases.fingerprint(pytorch.train(case)) for case in cases.all_pairs() + cases.penalty_cases()}


def functions():
    """Activations on the grid, losses of some logits, and factors of initialisers: lists of numbers by name."""
    activations = {cases.label(row): pytorch.activation(*row, cases.GRID) for row in ACTIVATION_CASES}
    losses = {
        cases.label(row): pytorch.loss_and_gradient(*row[:2], *cases.loss_inputs(row[0], row[2]))
        for row in cases.LOSSES
    }
    return {
        "activations": {f"{key}: g": g.tolist() for key, (g, _) in activations.items()}
        | {f"{key}: g'": slope.tolist() for key, (_, slope) in activations.items()},
        "losses": {f"{key}: losses": values.tolist() for key, (values, _) in losses.items()}
        | {f"{key}: dZ": dZ.ravel().tolist() for key, (_, dZ) in losses.items()},
        "initializers": {
            name: [pytorch.initializer_factor(name, shape) for shape in cases.INITIALIZER_SHAPES]
            for name in pytorch.INITIALIZERS
        },
    }


def golden():
    """File name → content."""
    version = {"torch": torch.__version__.partition("+")[0]}
    return {"torch_steps.json": version | {"steps": steps()}, "torch_functions.json": version | functions()}


def main():
    for name, content in golden().items():
        parts = []
        for key, value in content.items():
            if isinstance(value, dict):  # a line per case
                rows = ",\n".join(f"  {json.dumps(case)}: {json.dumps(row)}" for case, row in value.items())
                parts.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
            else:
                parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
        (GOLDEN / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
