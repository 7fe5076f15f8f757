"""Small reports, metrics and pictures of every kind, for whoever draws them."""

import copy

from .test_markdown import CLASSIFICATION, REGRESSION

HOSTILE = [
    "</script>", "</style>", "</title>", "<!--", "]]>", '"><img src=http://x onerror=alert(1)>', "' onload='alert(1)",
    "<svg/onload=alert(1)>", "javascript:alert(1)", "&lt;b&gt;", "\x1b[31mred", "a\x00b", "r\u202etl", "\ud800", "a\nb",
    "$\\frac{1}{0}$", "עברית", "x" * 10_000,
]  # fmt: skip


def classification(name="yes"):
    """A report of two classes, the second of that name, with actions and findings."""
    report = copy.deepcopy(CLASSIFICATION)
    for split in report["splits"]:
        split["classes"][1]["class"] = name
    report["warnings"] = [f"classes without a training example: {name}"]
    report["diagnosis"]["notes"] = [f"note on {name}"]
    report["actions"] = [
        {
            "action": f"less of {name}", "gap": "variance", "knob": "dev", "reason": f"because of {name}",
            "effect": "smaller", "set": ["regularization.l2=0.5", f"data.target={name}"],
        }
    ]  # fmt: skip
    finding = {"name": "dead", "layer": 1, "epoch": 2, "value": 0.5, "threshold": 0.3, "message": f"dead: {name}"}
    layer = {"layer": 1, "activation": name, "mean": 0.1, "std": 1.0, "dead": None}
    report["health"] = {"findings": [finding], "initial": [layer], "last": [layer]}
    report["diagnosis"]["notes"].append("variance: about 90 in dev would tell")
    report["diagnosis"]["gaps"][1] |= {"judgement": "too few examples to tell", "examples_needed": 90, "split": "dev"}
    report["selection"] = {
        "optimize": "f1", "value": 0.7333333333, "model_kb": 2.5,
        "limits": [
            {"limit": "recall >= 0.9", "value": 0.75, "met": False},
            {"limit": "predict_ms <= 5", "value": None, "met": None},
        ],
    }  # fmt: skip
    report["segments"].append({"epoch": 1, "step": 9, "changes": [f"data.target={name}"]})
    return report


def regression():
    """A report of numbers, without dev."""
    return copy.deepcopy(REGRESSION)


def multi_task():
    """A report of labels that do not exclude each other."""
    report = classification()
    report["task"] = "multi_task"
    for split in report["splits"]:
        del split["confusion_matrix"]
        split["labels"] = 2 * split["examples"]
    return report


def metrics(epochs, *, metric="accuracy", dev=True, spikes=()):
    """Rows of `metrics.jsonl`: the loss halves every epoch, the cost is larger by 0.5."""
    rows = []
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "step": 10 * epoch, "segment": 1, "learning_rate": 0.1 / epoch}
        for split in ("train", "dev")[: 1 + dev]:
            loss = 2.0**-epoch
            row |= {f"{split}_cost": loss + 0.5, f"{split}_loss": loss, f"{split}_{metric}": 1 - loss}
        rows.append({**row, "improved": True, "spikes": list(spikes) if epoch == 2 else []})
    return rows


def health(epochs, *, layers=2, activation="relu"):
    """Rows of `health.jsonl`."""
    return [
        {
            "epoch": epoch,
            "step": 10 * epoch,
            "layers": [
                {
                    "layer": number, "activation": activation, "mean": 0.0, "std": 1.0 / number, "dead": 0.0,
                    "saturated": None, "gradient_norm": 10.0**-number, "update_ratio": 1e-3 * (epoch + 1),
                }
                for number in range(1, layers + 1)
            ],
        }
        for epoch in range(epochs)
    ]  # fmt: skip


def pictures(name="yes"):
    """Content of `pictures.json`: a plane in two halves and one wrong point; an image of four pixels."""
    return {
        "format": 1,
        "boundary": {
            "split": "dev", "features": [name, "b"], "classes": ["no", name], "x": [-1.0, 1.0], "y": [0.0, 2.0],
            "regions": ["01", "01"], "certainty": ["90", "09"],
            "points": [
                {"x": 0.5, "y": 0.5, "class": 1, "predicted": 1},
                {"x": 0.0, "y": 1.0, "class": 1, "predicted": 0},
            ],
        },
        "worst": {
            "split": "dev",
            "examples": [
                {
                    "row": 7, "loss": 2.5, "true": "no", "predicted": name, "wrong": True, "probability": 0.9,
                    "features": None, "image": {"width": 2, "height": 2, "channels": 1, "pixels": "AECA/w=="},
                },
                {
                    "row": 8, "loss": 0.5, "true": "no", "predicted": "no", "wrong": False, "probability": None,
                    "features": [[name, 1.5]], "image": None,
                },
            ],
        },
    }  # fmt: skip


def comparison(name="second"):
    """Two runs side by side, the second of that name and one epoch shorter."""
    run = {
        "run": "first", "path": "runs/first", "status": "finished", "epoch": 3, "train_error": 0.1, "dev_error": 0.2,
        "dev_accuracy": 0.8, "dev_loss": 0.25, "limits": None, "model_kb": 2.5, "predict_ms": 0.5, "seconds": 3.0,
        "age_seconds": 60.0, "host": "here", "processor": None, "against_reference": None,
        "curves": [{"quantity": "dev_loss", "epoch": [1, 2, 3], "value": [1.0, 0.5, 0.25]}],
    }  # fmt: skip
    other = run | {
        "run": name, "path": "runs/second", "host": name, "limits": "not met", "against_reference": {"label": name},
        "curves": [{"quantity": "dev_loss", "epoch": [1, 2], "value": [2.0, 1.0]}],
    }  # fmt: skip
    pair = {"a": "runs/first", "b": "runs/second", "label": name}
    whole = {"reference": "runs/first", "runs": [run, other], "tests": 0, "pairs": [pair], "seeds": []}
    return whole | {"differences": {"data.target": ["y", name]}}
