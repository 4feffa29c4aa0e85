"""Run commands in environments."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def run(
    name: options.Environment,
    command: Annotated[
        list[str] | None, typer.Argument(metavar="CMD", help="The command and its words, after `--`.")
    ] = None,
    prefix: options.Prefix = None,
    activation: Annotated[
        str,
        typer.Option(
            "--activation",
            metavar="SHELL",
            callback=options.shell,
            help="Print the script that activates it in a shell, such as bash, zsh or fish, and run nothing.",
        ),
    ] = "",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a command in an environment as if it were activated; the exit code is the command's."""
    from envgen.errors import InstallError, UsageError
    from envgen.install.activation import command_in, script_for
    from envgen.system.machine import read_machine

    services = options.services_for()
    if activation:
        script = script_for(services, name, prefix, read_machine(), activation)
        Console(as_json=as_json, quiet=quiet).data({"shell": activation, "script": script}, script)
        return
    if not command:
        raise UsageError("nothing to run", hint=f"such as: envgen run {name} -- python")
    words = command_in(services, name, prefix, read_machine(), command)
    sys.stdout.flush()  # the new process would not
    try:
        os.execvpe(words[0], words, services.settings.environ)  # noqa: S606 - the command takes our place
    except OSError as error:
        raise InstallError(f"{words[0]} cannot be run ({error.strerror})", code="run") from error
