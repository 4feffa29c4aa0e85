"""Remove requirements, keeping the manifest's comments, then lock."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def remove(
    name: options.Environment,
    packages: Annotated[list[str], typer.Argument(metavar="PKG", help="Packages that the manifest names.")],
    group: Annotated[
        str | None, typer.Option("--group", "-g", metavar="NAME", help="A group, instead of the main list.")
    ] = None,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Take packages out of an environment's manifest, and lock it.

    What nothing else needs goes with them. Where it cannot be locked, nothing is changed.
    """
    from envgen.cli.report import report_lock
    from envgen.cli.services import services_for
    from envgen.commands.edit import Edit, remove_from_environment

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress(f"removing from {name}") as progress:
        services = services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        result = remove_from_environment(services, name, Edit(requirements=tuple(packages), group=group))
    report_lock(console, [result])
