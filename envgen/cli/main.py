"""Assemble the command line; the one place where errors become messages and exit codes."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence

import typer

from envgen import __version__
from envgen.cli import (
    add,
    check,
    create,
    diagnose,
    diff,
    doctor,
    import_file,
    knowledge,
    lock,
    map_names,
    new,
    remove,
    schema,
    templates,
    tree,
    vendor,
    why,
    why_not,
)
from envgen.cli import run as run_command
from envgen.cli.console import show_error
from envgen.errors import EnvgenError, UsageError

INTERRUPTED = 130

COMMANDS: Mapping[str, Callable[..., None]] = {
    "new": new.new,
    "lock": lock.lock,
    "check": check.check,
    "add": add.add,
    "remove": remove.remove,
    "create": create.create,
    "run": run_command.run,
    "import": import_file.import_file,
    "map": map_names.map_names,
    "why": why.why,
    "why-not": why_not.why_not,
    "tree": tree.tree,
    "diff": diff.diff,
    "diagnose": diagnose.diagnose,
    "doctor": doctor.doctor,
    "knowledge": knowledge.knowledge,
    "templates": templates.templates,
    "schema": schema.schema,
    "vendor": vendor.vendor,
}
_GARBAGE = 200_000  # objects made between two looks for garbage


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"envgen {__version__}\n")
        raise typer.Exit


def application(words: Sequence[str]) -> typer.Typer:
    """Assemble the command line of a call: the command that it names, or all of them; typer takes 2 ms for each."""
    app = typer.Typer(
        name="envgen",
        help="Generate proved, locked conda environments for Apple-silicon Macs, from any machine.",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    named = [name for name in words[:1] if name in COMMANDS]
    for name in named or COMMANDS:
        app.command(name)(COMMANDS[name])
    return app


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
    """Run the command line and give its exit code."""
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
    return code if isinstance(code, int) else 0


def _usage(message: str, words: Sequence[str]) -> int:
    """Report a wrong call in our own form; a call without any word gets the help, which is the message then."""
    if words:
        show_error(UsageError(message.rstrip("."), hint="see `envgen --help`"), as_json="--json" in words)
    else:
        sys.stderr.write(f"{message.rstrip()}\n")
    return UsageError.exit_code
