"""The command `dlspec`."""

import io
import sys
from typing import Annotated

import typer

import dlspec
from dlspec.cli import (
    augment,
    ensemble,
    evaluate,
    gradcheck,
    init,
    reproduce,
    resume,
    schema,
    show,
    signals,
    split,
    train,
    validate,
)
from dlspec.cli.errors import FAILED, exit_code, lines, system_error
from dlspec.errors import DlspecError
from dlspec.text import printable

app = typer.Typer(
    name="dlspec",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich would double the time it takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dlspec {dlspec.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Config-driven deep learning experiments on a NumPy core.

    One YAML file describes an experiment. Start with: dlspec init DIR, then dlspec train CONFIG.

    Exit codes: 0 ok, 1 run failed, 2 usage, config or data, 3 diverged, 4 run directory busy or not
    writable, 130 and 143 after SIGINT and SIGTERM.
    """


for command in (
    train.train,
    resume.resume,
    reproduce.reproduce,
    evaluate.evaluate,
    ensemble.ensemble,
    split.split,
    validate.validate,
    augment.augment,
    gradcheck.gradcheck,
    show.show,
    schema.schema,
    init.init,
):
    app.command()(command)


def main() -> None:
    """Run the command line; every error that dlspec raises on purpose becomes plain lines and an exit code."""
    signals.exit_at_once()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode is no reason to fail
    try:
        app()
    except DlspecError as error:
        for line in lines(error):
            typer.echo(line, err=True)
        sys.exit(exit_code(error))
    except BrokenPipeError:  # the reader of a pipe has left, as head does
        sys.stderr.close()
        sys.exit(0)
    except MemoryError:
        typer.echo("out of memory; a smaller network, a smaller batch_size or dtype float32 needs less", err=True)
        sys.exit(FAILED)
    except ImportError as error:  # a library that is installed: extras have messages of their own
        typer.echo(f"a library cannot be loaded, perhaps for want of memory: {printable(str(error))}", err=True)
        sys.exit(FAILED)
    except OSError as error:
        typer.echo(system_error(error), err=True)
        sys.exit(FAILED)
