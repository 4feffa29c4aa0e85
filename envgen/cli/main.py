"""The command line as a whole, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import NamedTuple

import typer

from envgen import __version__
from envgen.cli.console import show_error
from envgen.errors import EnvgenError, UsageError

INTERRUPTED = 130


class CommandEntry(NamedTuple):
    """Where a command's function is, and its line in the list of all."""

    place: str  # the module under `envgen.cli`, and the function where its name is another
    summary: str  # none is cut in a terminal of 80 columns


COMMANDS: Mapping[str, CommandEntry] = {
    "new": CommandEntry("new", "Make environments/NAME with a manifest, and lock it."),
    "lock": CommandEntry("lock", "Solve manifests again, moving only what must move."),
    "check": CommandEntry("check", "Check without a network that locks are true, whole and proved."),
    "add": CommandEntry("edit.add", "Add requirements to a manifest, and lock it."),
    "remove": CommandEntry("edit.remove", "Take packages out of a manifest, and lock it."),
    "create": CommandEntry("create", "Make an environment exactly as it is locked, or repair it."),
    "run": CommandEntry("run", "Run a command in an environment, or print how to activate it."),
    "import": CommandEntry("import_file", "Print a manifest made of another tool's file."),
    "map": CommandEntry("map_names", "Say which conda package serves for a PyPI requirement."),
    "why": CommandEntry("why", "Say where a locked package comes from, and what asks for it."),
    "why-not": CommandEntry("why.why_not", "Say what stands against another version of a package."),
    "tree": CommandEntry("tree", "Print the packages of a lock as a tree, with their sizes."),
    "diff": CommandEntry("diff", "Say which packages differ between two locks."),
    "export": CommandEntry("export", "Write a lock for conda, pip, uv, pixi and others."),
    "diagnose": CommandEntry("diagnose", "Say why something can or cannot be installed on a Mac."),
    "doctor": CommandEntry("doctor", "Find what of this machine breaks environments."),
    "knowledge": CommandEntry("reference.knowledge", "List the facts that envgen decides by."),
    "templates": CommandEntry("reference.templates", "List the starter manifests of `envgen new --template`."),
    "schema": CommandEntry("reference.schema", "Print the JSON schema of envgen.yaml."),
    "vendor": CommandEntry("vendor", "Gather what environments need, for use without a network."),
}
"""Every command; only the module of the one that is called is loaded."""

_HELP: Sequence[Sequence[str]] = ([], ["-h"], ["--help"])
_GARBAGE = 200_000  # objects made between two looks for garbage


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"envgen {__version__}\n")
        raise typer.Exit


def application(words: Sequence[str]) -> typer.Typer:
    """Return the command line of a call: with the command that it names, or all of them.

    What only lists the commands loads none: their options take longer to build than the list takes to print.
    """
    app = typer.Typer(
        name="envgen",
        help="Generate proved, locked conda environments for Apple-silicon Macs, from any machine.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    if list(words) in _HELP:
        for name, listed in COMMANDS.items():
            app.command(name, short_help=listed.summary)(_listed)
        return app
    named = [name for name in words[:1] if name in COMMANDS]
    for name in named or COMMANDS:
        command = _command(COMMANDS[name].place)
        app.command(name, help=command.__doc__, short_help=COMMANDS[name].summary)(command)
    return app


def _listed() -> None:
    """Take a command's place in the list of all, which shows no options."""


def _command(place: str) -> Callable[..., None]:
    module, _, name = place.partition(".")
    command: Callable[..., None] = getattr(import_module(f"envgen.cli.{module}"), name or module)
    return command


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Generate proved, locked conda environments for Apple-silicon Macs, from any machine."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 an expected failure, 2 a wrong call, 130 interrupted.

    Without arguments, those of the process are taken and the process ends here: a channel that was given up may still
    have rattler's threads at work, which crash an interpreter that is being taken down.
    """
    if arguments is not None:
        sys.exit(run(arguments))
    gc.freeze()
    gc.set_threshold(_GARBAGE)  # a run is short and keeps what it makes: looking took a twentieth of its time
    code = run(sys.argv[1:])
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(words: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    as_json = "--json" in words
    try:
        code = application(words)(args=list(words), prog_name="envgen", standalone_mode=False)
        if code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
            raise KeyboardInterrupt
    except EnvgenError as error:
        show_error(error, as_json=as_json)
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        show_error(EnvgenError("interrupted; every file is whole", code="interrupted"), as_json=as_json)
        return INTERRUPTED
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # typer exits where the reader of stdout has gone away
            return 0
        raise
    except typer.TyperException as error:
        return _usage(error.format_message(), words)
    except OSError as error:  # as text even with --json: it may be stdout that cannot be written
        place = f" ({error.filename})" if error.filename else ""
        show_error(EnvgenError(f"cannot go on: {error.strerror or error}{place}", code="io"), as_json=False)
        return EnvgenError.exit_code
    return code if isinstance(code, int) else 0


def _usage(message: str, words: Sequence[str]) -> int:
    """Report a wrong call in our own form; a call without any word gets the help, which is the message then."""
    if words:
        command = f" {words[0]}" if words[0] in COMMANDS else ""
        show_error(UsageError(message.rstrip("."), hint=f"see `envgen{command} --help`"), as_json="--json" in words)
    else:
        sys.stderr.write(f"{message.rstrip()}\n")
    return UsageError.exit_code
