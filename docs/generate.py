"""Write the parts of the documentation that follow from the code.

Run `python docs/generate.py` to write docs/reference/*.md, and `python docs/generate.py --check` to be
told whether they are up to date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from dlspec.cli.app import command_line
from dlspec.config.experiment import Experiment

REFERENCE = Path(__file__).parent / "reference"
app = command_line()
COMMANDS = [command.callback.__name__.replace("_", "-") for command in app.registered_commands if command.callback] + [
    f"{group.name} {command.callback.__name__}"
    for group in app.registered_groups
    if group.typer_instance
    for command in group.typer_instance.registered_commands
    if command.callback
]
Node = dict[str, Any]


def main() -> int:
    """Write the files, or with --check compare them; 1 where one is out of date."""
    pages = {"experiment-file.md": experiment_page(), "commands.md": commands_page()}
    stale = [name for name, page in pages.items() if _read(REFERENCE / name) != page]
    if "--check" in sys.argv:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py" if stale else "up to date")
        return 1 if stale else 0
    for name in stale:
        (REFERENCE / name).write_text(pages[name])
    return 0


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def commands_page() -> str:
    """The help of every command."""
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
    parts = ["# Commands\n\nMade from `--help` by `docs/generate.py`.\n"]
    for command in ("", *COMMANDS):
        words = [*command.split(), "--help"]
        text = runner.invoke(app, words, prog_name="dlspec").output
        lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
        parts.append(f"## dlspec {command}".rstrip() + f"\n\n```text\n{lines}\n```\n")
    return "\n".join(parts)


def experiment_page() -> str:
    """Every key of the experiment file, its default and what it means."""
    schema = Experiment.model_json_schema()
    head = [
        "# The experiment file",
        "",
        "Made from the schema by `docs/generate.py`. Only `data` must be given. A bare name is short for",
        "`{name: …}`: `optimizer: sgd` is `{name: sgd}`.",
        "",
    ]
    return "\n".join([*head, *_table(schema), *_below(schema, "", schema, seen=set())]) + "\n"


def _below(schema: Node, path: str, node: Node, *, seen: set[str]) -> Iterator[str]:
    """The sections under the keys of one section, each with those under it; none twice."""
    for key, setting in node["properties"].items():
        below = f"{path}.{key}" if path else key
        for section in _sections(schema, setting):
            title = _title(below, section)
            if title not in seen:
                seen.add(title)
                yield from ("", f"## {title}", "", " ".join(section.get("description", "").split()))
                if rows := {k: v for k, v in section["properties"].items() if k != "name"}:
                    yield from ("", *_table({**section, "properties": rows}))
                yield from _below(schema, below, section, seen=seen)


def _title(path: str, section: Node) -> str:
    name = section["properties"].get("name", {}).get("const")
    if name:
        return f"{path}: {name}"
    kind = next((key for key in ("path", "train", "synthetic") if key in section.get("required", ())), None)
    return f"{path} with `{kind}`" if path == "data" else path


def _table(node: Node) -> Iterator[str]:
    required = node.get("required", [])
    yield "| key | default | meaning |"
    yield "|---|---|---|"
    for key, setting in node["properties"].items():
        default = "required" if key in required else _default(setting)
        meaning = " ".join(setting.get("description", "").split()).replace("|", "\\|")
        yield f"| `{key}` | {default} | {meaning} |"


def _default(setting: Node) -> str:
    default = setting.get("default")
    if isinstance(default, dict):
        return f"`{default['name']}`" if "name" in default else "see below"
    if default is None:
        return "unset"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _sections(schema: Node, node: Node) -> Iterator[Node]:
    """The mappings that may stand at a place."""
    if "$ref" in node:
        definition = schema["$defs"][node["$ref"].split("/")[-1]]
        if "properties" in definition:
            yield definition
    for option in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _sections(schema, option)
    if "items" in node:
        yield from _sections(schema, node["items"])


if __name__ == "__main__":
    sys.exit(main())
