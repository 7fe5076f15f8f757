"""The command `dlspec`."""

import errno
import gc
import io
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated

import typer

import dlspec
from dlspec.cli import signals
from dlspec.cli.errors import FAILED, USAGE, CommandLineError, command_line_error, exit_code, line, lines, system_error
from dlspec.errors import DlspecError, UsageError

# Every command, in the order of the help, and the module of this package that holds its function.
COMMANDS = {
    "train": "train",
    "resume": "resume",
    "reproduce": "reproduce",
    "runs": "runs",
    "compare": "compare",
    "errors": "error_analysis",
    "evaluate": "evaluate",
    "diagnose": "diagnose",
    "ensemble": "ensemble",
    "predict": "predict",
    "split": "split",
    "validate": "validate",
    "augment": "augment",
    "convert": "convert",
    "lr-find": "lr_find",
    "tune": "tune",
    "overfit": "overfit",
    "learning-curve": "learning_curve",
    "gradcheck": "gradcheck",
    "show": "show",
    "schema": "schema",
    "init": "init",
}
DATA_COMMANDS = {"describe": "data_describe"}


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dlspec {dlspec.__version__}")
        raise typer.Exit


def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Config-driven deep learning experiments on a NumPy core.

    One YAML file describes an experiment. Start with: dlspec init DIR, then dlspec train CONFIG.

    Exit codes: 0 ok, 1 run failed, 2 usage, config or data, 3 diverged, 4 run directory busy or not
    writable, 130 and 143 after SIGINT and SIGTERM.
    """
    _help_without_command(context)


def _help_without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE)


def command_line(first: str = "") -> typer.Typer:
    """The commands of `dlspec`.

    Args:
        first: the first word behind `dlspec`. Where it names a command, that one alone is loaded: all of them take
            12 ms.
    """
    app = typer.Typer(
        name="dlspec",
        invoke_without_command=True,
        rich_markup_mode=None,  # plain help: rich would double the time it takes
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    _add(app, {first: COMMANDS[first]} if first in COMMANDS else COMMANDS)
    if first not in COMMANDS:
        data = typer.Typer(
            callback=_help_without_command, invoke_without_command=True, help="Look at data.", rich_markup_mode=None
        )
        _add(data, DATA_COMMANDS)
        app.add_typer(data, name="data")
    return app


def _add(app: typer.Typer, commands: Mapping[str, str]) -> None:
    for name, module in commands.items():
        app.command()(getattr(import_module(f"dlspec.cli.{module}"), name.replace("-", "_")))


def main() -> None:
    """Run the command line; every error that dlspec raises on purpose becomes plain lines and an exit code."""
    signals.exit_at_once()
    # Whoever has many packages would wait 10 ms for a search for plugins of pydantic among them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode is no reason to fail
    try:
        if "" in sys.argv[1:]:
            raise UsageError("found an empty argument; is a variable of the shell not set?")
        app = command_line(*sys.argv[1:2])
        sys.exit(app(standalone_mode=False))
    except CommandLineError as error:
        typer.echo(command_line_error(error), err=True)
        sys.exit(USAGE)
    except DlspecError as error:
        for each in lines(error):
            typer.echo(each, err=True)
        sys.exit(exit_code(error))
    except BrokenPipeError:  # the reader of a pipe has left, as head does
        sys.stderr.close()
        sys.exit(0)
    except ImportError as error:  # a package that is damaged, or too little memory to load it into
        typer.echo(line(f"cannot load {error.name or 'a package'}, perhaps for want of memory: {error}"), err=True)
        sys.exit(FAILED)
    except MemoryError:
        typer.echo("out of memory; a smaller network, a smaller batch_size or dtype float32 needs less", err=True)
        sys.exit(FAILED)
    except OSError as error:
        typer.echo(system_error(error), err=True)
        sys.exit(USAGE if error.errno == errno.ENAMETOOLONG else FAILED)
    finally:
        # What is left goes with the process: to look for garbage in it, as Python does at its end, took 80 ms.
        gc.freeze()
