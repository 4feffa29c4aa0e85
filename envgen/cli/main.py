"""The command line as a whole, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import typer

from envgen import __version__
from envgen.cli.console import show_error
from envgen.errors import EnvgenError, InterruptedInstallError, InterruptedRunError, UsageError

INTERRUPTED = 130
_VERBOSE = frozenset({"--verbose", "-v"})


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
    "map": CommandEntry("reference.map_names", "Say which conda package serves for a PyPI requirement."),
    "why": CommandEntry("why", "Say where a locked package comes from, and what asks for it."),
    "why-not": CommandEntry("why.why_not", "Say what stands against another version of a package."),
    "tree": CommandEntry("tree", "Print the packages of a lock as a tree, with their sizes."),
    "diff": CommandEntry("diff", "Say which packages differ between two locks."),
    "export": CommandEntry("export", "Write a lock for conda, pip, uv, pixi and others."),
    "diagnose": CommandEntry("diagnose", "Say why something can or cannot be installed on a Mac."),
    "doctor": CommandEntry("doctor", "Find what of this machine breaks environments."),
    "cache": CommandEntry("cache", "Say how large the cache is, and clean it."),
    "knowledge": CommandEntry("reference.knowledge", "List the facts that envgen decides by."),
    "templates": CommandEntry("reference.templates", "List the starter manifests of `envgen new --template`."),
    "schema": CommandEntry("reference.schema", "Print the JSON schema of envgen.yaml."),
    "auth": CommandEntry("auth", "Store what a host is told, for private packages."),
    "vendor": CommandEntry("vendor", "Gather what environments need, for use without a network."),
}
"""Every command; only the module of the one that is called is loaded."""

_HELP: Sequence[Sequence[str]] = ([], ["-h"], ["--help"])


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


def main(arguments: Sequence[str]) -> None:
    """Run a command line and exit; `envgen.__main__` is the way in for a process of its own."""
    sys.exit(run(arguments))


def run(words: Sequence[str]) -> int:
    """Run the command line and return its exit code: 0 done, 1 an expected failure or a fault, 2 a wrong call.

    130 is for an interrupt. Nothing leaves it as an exception but SystemExit.
    """
    is_verbose = bool(_VERBOSE.intersection(words))
    try:
        code = application(words)(args=_accepted(words), prog_name="envgen", standalone_mode=False)
        if code == INTERRUPTED:  # what typer makes of KeyboardInterrupt
            raise KeyboardInterrupt
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # typer exits where the reader of stdout has gone away
            return 0
        raise
    except typer.TyperException as error:
        return _usage(error.format_message(), words)
    except BaseException as error:  # noqa: BLE001 - the one net; a panic of rattler's is no Exception
        failure = _failure(error)
        if failure.code == "fault" and is_verbose:
            traceback.print_exception(error)
        # as text where it may be stdout that cannot be written, which has no name
        is_named = not isinstance(error, OSError) or error.filename is not None
        show_error(failure, as_json="--json" in words and is_named)
        return failure.exit_code
    return code if isinstance(code, int) else 0


def _accepted(words: Sequence[str]) -> list[str]:
    """Return the words that typer is given: `--verbose` is for faults in commands that have no more to say."""
    if not words or words[0] not in COMMANDS or "verbose" in _command(COMMANDS[words[0]].place).__annotations__:
        return list(words)
    end = words.index("--") if "--" in words else len(words)
    return [word for at, word in enumerate(words) if at > end or word not in _VERBOSE]


def _failure(error: BaseException) -> EnvgenError:
    """Return what a command's end by an exception is to the user."""
    if isinstance(error, InterruptedInstallError):
        return error
    if isinstance(error, typer.Abort) or _has_cause(error, KeyboardInterrupt):
        return InterruptedRunError("interrupted; every file is whole")
    if isinstance(error, EnvgenError):
        return error
    if isinstance(error, OSError):
        return _refused(error)
    if isinstance(error, UnicodeEncodeError) and any("\ud800" <= sign <= "\udfff" for sign in error.object):
        hint = "rename the file or folder, or work in another one"
        return EnvgenError(f"a name is not UTF-8: {error.object!a}", hint=hint, code="io")
    return fault(error)


def _refused(error: OSError) -> EnvgenError:
    """Return what the system's refusal is to the user, as text even with --json: stdout may be what it refuses."""
    if isinstance(error, FileNotFoundError) and not error.filename:  # rattler asks for it while it is loaded
        from envgen.system.settings import current_folder

        try:
            current_folder()
        except EnvgenError as missing:
            return missing
    place = f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes) else ""
    return EnvgenError(f"cannot go on: {error.strerror or error}{place}", code="io")


def _has_cause(error: BaseException | None, kind: type[BaseException]) -> bool:
    """Return whether an exception, or what it was made of or came upon, is of a kind."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, kind):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def fault(error: BaseException) -> EnvgenError:
    """Return a fault of envgen's own: what it was, where, and how it is reported."""
    package = f"{Path(__file__).resolve().parents[1]}{os.sep}"  # by its whole path: a clone has the same name
    lines = [
        f"envgen/{frame.f_code.co_filename.removeprefix(package)}:{number}"
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename.startswith(package)
    ]
    told = f": {' '.join(str(error).split())}" if str(error).strip() else ""
    place = f" ({lines[-1]})" if lines else ""
    return EnvgenError(
        f"a fault of envgen's: {type(error).__name__}{told}{place}",
        hint="please report it to envgen's repository as an issue, with what `--verbose` shows",
        code="fault",
    )


def _usage(message: str, words: Sequence[str]) -> int:
    """Report a wrong call in our own form; a call without any word gets the help, which is the message then."""
    if words:
        command = f" {words[0]}" if words[0] in COMMANDS else ""
        show_error(UsageError(message.rstrip("."), hint=f"see `envgen{command} --help`"), as_json="--json" in words)
    else:
        sys.stderr.write(f"{message.rstrip()}\n")
    return UsageError.exit_code
