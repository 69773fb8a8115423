"""Every command by name, and the group that loads only the one that is called."""

from importlib import import_module
from typing import Annotated, Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from doctored.errors import DoctoredError, UsageError
from doctored.spelling import suggest
from doctored.version import __version__

COMMANDS = {
    "scan": "Judge pictures: real, fake or unsure, and why.",
    "explain": "Show where in a picture the evidence lies.",
    "evaluate": "Measure a detector on a labelled data set.",
    "report": "Show a run, or compare several, on one page.",
    "calibrate": "Fit a detector's thresholds to pictures of your own.",
    "trust": "Keep the trust lists that Content Credentials are checked by.",
    "detectors": "List the detectors that there are, and what each covers.",
    "pull": "Fetch a detector from a hub, by its name.",
    "push": "Put a detector on a hub, with a page made from its card.",
    "demo": "See it work in two minutes, on pictures that are at hand.",
    "check-up": "Tell what is installed, and whether the detectors work here.",
    "train": "Train a detector on a labelled data set.",
    "export": "Write a run's detector again, or in int8.",
    "interpolate": "Take a run's weights back part of the way to those that it started from.",
    "restore": "Make a detector's run again from its file and its data.",
    "models": "List the networks that can be trained, and what each costs.",
    "data": "Pack and check data sets.",
}


def module_name(command: str) -> str:
    """`check-up` lives in `doctored.cli.check_up`: a function `command`, or an `app` where it has parts."""
    return f"doctored.cli.{command.replace('-', '_')}"


class LazyGroup(TyperGroup):
    """Knows the names and one line of help of all commands, and imports a command when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the list of commands shows of one; `resolve_command` gives the command itself."""
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str, Any, list[str]]:
        name = args[0]
        if name not in COMMANDS:
            raise UsageError(f"there is no command '{name}'; {suggest(name, COMMANDS)}")
        return name, load_command(name), args[1:]


def load_command(name: str) -> Any:
    """Import a command; DoctoredError where this installation lacks its file."""
    try:
        module = import_module(module_name(name))
    except ModuleNotFoundError as error:
        if error.name != module_name(name):
            raise
        raise DoctoredError(f"the command '{name}' is missing here; install Doctored again") from error
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        app.command(name, help=COMMANDS[name] if module.command.__doc__ is None else None)(module.command)
    return typer.main.get_command(app)


def make_group() -> Any:
    """The command `doctored`."""
    app = typer.Typer(cls=LazyGroup, add_completion=False)
    app.callback()(doctored)
    return typer.main.get_command(app)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"doctored {__version__}")
        raise typer.Exit


def doctored(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Is this picture what it claims to be? Answers real, fake or unsure, says why, and shows where."""
