"""What someone may have meant: names that other tools use, near misses, keys that live elsewhere, slips of notation."""

import difflib
import re
from typing import Any

from dlspec.config.schema import Node, Place, Schema, keys, name_of
from dlspec.config.wording import clipped, key_text
from dlspec.config.yaml_tree import Tree, scalar

# A name that other tools use → ours. The first that is valid at the place is suggested.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "alpha": ("learning_rate", "slope", "l2"),
    "augment": ("augmentation",),
    "batch": ("batch_size",),
    "beta": ("beta1",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "dataset": ("data",),
    "dev_path": ("dev",),
    "dropout": ("keep_prob",),
    "dropout_rate": ("keep_prob",),
    "eps": ("epsilon",),
    "file": ("path",),
    "flip": ("horizontal_flip",),
    "gamma": ("factor", "base", "rate"),
    "hidden": ("layers",),
    "hidden_layer_sizes": ("layers",),
    "hidden_layers": ("layers",),
    "init": ("initializer",),
    "initialization": ("initializer",),
    "kind": ("name",),
    "label": ("target",),
    "labels": ("classes", "target"),
    "lambda": ("l2",),
    "lambd": ("l2",),
    "learning_rate_decay": ("decay",),
    "learning_rate_init": ("learning_rate",),
    "lr": ("learning_rate",),
    "lr_decay": ("decay",),
    "lr_scheduler": ("decay",),
    "max_epochs": ("epochs",),
    "max_iter": ("epochs",),
    "metrics": ("metric",),
    "mini_batch_size": ("batch_size",),
    "minibatch_size": ("batch_size",),
    "model": ("architecture",),
    "momentum": ("beta",),
    "n_epochs": ("epochs",),
    "n_hidden": ("units",),
    "n_samples": ("examples",),
    "negative_slope": ("slope",),
    "network": ("architecture",),
    "neurons": ("units",),
    "normalization": ("normalize",),
    "num_epochs": ("epochs",),
    "num_threads": ("threads",),
    "precision": ("dtype",),
    "random_seed": ("seed",),
    "random_state": ("seed",),
    "regularizer": ("regularization",),
    "sample_weights": ("sample_weight",),
    "samples": ("examples",),
    "schedule": ("decay",),
    "scheduler": ("decay",),
    "size": ("units",),
    "solver": ("optimizer",),
    "step_size": ("every", "learning_rate"),
    "targets": ("target",),
    "test_path": ("test",),
    "train_path": ("train",),
    "type": ("name",),
    "val": ("dev",),
    "valid": ("dev",),
    "validation": ("dev",),
    "weight_decay": ("l2",),
    "width": ("units",),
}
# The same of values; the words of a quantity such as val_acc are looked up one by one.
VALUE_SYNONYMS: dict[str, tuple[str, ...]] = {
    "acc": ("accuracy",),
    "bce": ("binary_cross_entropy",),
    "cosine_annealing": ("cosine",),
    "cross_entropy": ("categorical_cross_entropy",),
    "double": ("float64",),
    "exp": ("exponential",),
    "f1_score": ("f1",),
    "float": ("float32",),
    "fp32": ("float32",),
    "fp64": ("float64",),
    "full_batch": ("all",),
    "gd": ("sgd",),
    "glorot_normal": ("glorot",),
    "identity": ("linear",),
    "kaiming": ("he",),
    "kaiming_normal": ("he",),
    "kaiming_uniform": ("he_uniform",),
    "log_loss": ("binary_cross_entropy",),
    "logistic": ("sigmoid",),
    "lrelu": ("leaky_relu",),
    "mae": ("absolute_error",),
    "minmax": ("scale",),
    "mse": ("squared_error", "rmse"),
    "nesterov": ("momentum",),
    "r2_score": ("r2",),
    "reduce_on_plateau": ("plateau",),
    "step": ("staircase",),
    "swish": ("silu",),
    "training": ("train",),
    "val": ("dev",),
    "valid": ("dev",),
    "validation": ("dev",),
    "zscore": ("standard",),
}
_NOTES = {"dropout": " (keep_prob = 1 - dropout)", "dropout_rate": " (keep_prob = 1 - dropout_rate)"}

_UNDERSCORES = re.compile(r"[-+]?[0-9]+(_[0-9]+)+(\.[0-9]*)?")
_SEXAGESIMAL = re.compile(r"[0-9]+(:[0-9]+)+")
_PERCENT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_BOOLEANS = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


def empty_home(place: Place, *, tree: Tree, schema: Schema) -> str | None:
    """The empty section next to an unknown key that would take it: the key has lost its indentation."""
    *parent, key = place.path
    written = tree.value_at(tuple(parent))
    for sibling, node in place.section["properties"].items():
        if written.get(sibling, ...) is None and key in keys(schema.sections(node)):
            return str(sibling)
    return None


def for_key(place: Place, *, tree: Tree, schema: Schema) -> str:
    """What to do about an unknown key."""
    key = str(place.path[-1])
    if home := empty_home(place, tree=tree, schema=schema):
        return f"{home} is empty and {key} belongs inside it: indent {key}"
    normal = clipped(key).lower().replace("-", "_")
    candidates = list(dict.fromkeys((key, normal, *SYNONYMS.get(normal, ()))))
    note = _NOTES.get(normal, "")
    valid = keys([place.section])
    expected = f"expected one of: {', '.join(valid)}"
    for candidate in candidates:
        meant = f"did you mean {candidate}{note}? " if candidate != key else ""
        if candidate in valid:
            return meant + expected
        if owner := _owner(candidate, place=place, schema=schema):
            return meant + owner
    for candidate in candidates:
        if candidate in schema.homes:
            where = " or ".join(home or "the top level" for home in schema.homes[candidate][:3])
            return f"{key} belongs to {where}" if candidate == key else f"did you mean {candidate}{note} in {where}?"
    if near := difflib.get_close_matches(normal, valid, n=1):
        return f"did you mean {near[0]}? {expected}"
    return expected


def _owner(key: str, *, place: Place, schema: Schema) -> str | None:
    """Which other members of the family have a key, and what that asks for."""
    parent = place.path[:-1]
    node = schema.at(parent)
    owners = [section for section in schema.sections(node) if key in section["properties"]] if node is not None else []
    if not owners:
        return None
    names = [name for section in owners if (name := name_of(section))]
    family = next((str(step) for step in reversed(parent) if isinstance(step, str)), "")
    if names:
        return f"{key} belongs to {family} {' or '.join(names)}; set name: {names[0]}"
    chosen = place.section["required"][0]
    if any(key in section["required"] for section in owners):
        return f"{key} and {chosen} exclude each other; keep one of the two"
    return f"{key} belongs to {family} with {' or '.join(section['required'][0] for section in owners)}"


def for_value(value: Any, *, node: Node, schema: Schema) -> str:
    """What to do about a value of the wrong kind or out of range; empty where there is nothing to add."""
    options = schema.alternatives(node)
    types = schema.types(node)
    match value:
        case bool():
            if any("properties" in option and not option.get("required") for option in options):
                return "write {} for its defaults" if value else "leave the key out"
        case str():
            return _for_text(value, options=options, types=types)
        case float() if value.is_integer() and abs(value) < 1e15 and types & {"integer", "number"} == {"integer"}:
            return f"write {value:.0f}"
        case int() | float() if any(_takes(str(value), option=option) for option in options):
            return f"write '{value}' in quotes"
        case dict() if "array" in types:
            return "put '- ' before each item"
    return ""


def _for_text(text: str, *, options: list[Node], types: set[str]) -> str:
    choices = [choice for option in options for choice in option.get("enum", [option.get("const")]) if choice]
    normal = clipped(text).lower().replace("-", "_")
    known = [name for name in VALUE_SYNONYMS.get(normal, ()) if name in choices]
    if near := known or difflib.get_close_matches(normal, choices, n=1):
        return f"did you mean {near[0]}?"
    words = "_".join(VALUE_SYNONYMS.get(word, (word,))[0] for word in normal.split("_"))
    for meant in (words, f"dev_{words}"):
        if meant != text and any("pattern" in option and _takes(meant, option=option) for option in options):
            return f"did you mean {meant}?"
    if "boolean" in types and text.lower() in _BOOLEANS:
        return f"write {_BOOLEANS[text.lower()]}"
    if types & {"integer", "number"}:
        return _for_number(text.strip(), whole="number" not in types)
    return ""


def _takes(text: str, *, option: Node) -> bool:
    """Whether an option is free text with this form."""
    free = option.get("type") == "string" and not {"enum", "const"} & option.keys()
    return free and re.search(option.get("pattern", ""), text) is not None


def _for_number(text: str, *, whole: bool) -> str:
    if _UNDERSCORES.fullmatch(text):
        return f"write {clipped(text.replace('_', ''))}"
    if _SEXAGESIMAL.fullmatch(text):
        return f"{clipped(text)} is not read as a number; write it out"
    if (percent := _PERCENT.fullmatch(text)) and not whole:
        return f"write {float(percent[1]) / 100:g}"
    try:
        value = scalar(text)
    except ValueError:
        return ""
    return f"write {key_text(text)} without quotes" if isinstance(value, int | float) else ""
