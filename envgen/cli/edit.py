"""Add requirements to a manifest or remove them, keeping its comments, and lock it."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console
from envgen.cli.lock import report_lock

Group = Annotated[str | None, typer.Option("--group", "-g", metavar="NAME", help="A group, instead of the main list.")]


def add(
    name: options.Environment,
    requirements: Annotated[
        list[str], typer.Argument(metavar="REQ", help="Requirements, such as 'pandas>=2'; with --conda match specs.")
    ],
    group: Group = None,
    conda: Annotated[bool, typer.Option("--conda", help="They are match specs, taken from conda as they are.")] = False,
    pypi: Annotated[bool, typer.Option("--pypi", help="They always come from PyPI.")] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    allow_older: options.AllowOlder = None,
    effort: options.Effort = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Add requirements to an environment's manifest, and lock it.

    A package that is there already gets the new bounds. Where it cannot be locked, nothing is changed.
    """
    from envgen.commands.edit import EditRequest, add_to_environment
    from envgen.errors import UsageError
    from envgen.manifest.fields import Kind

    if conda and pypi:
        raise UsageError("--conda and --pypi exclude each other")
    kind: Kind = "conda" if conda else "pypi" if pypi else "dependencies"
    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress(f"adding to {name}") as progress:
        services = options.services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            allow_older=allow_older,
            effort=effort,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        result = add_to_environment(
            services, name, EditRequest(requirements=tuple(requirements), group=group, kind=kind)
        )
    report_lock(console, [result])


def remove(
    name: options.Environment,
    packages: Annotated[list[str], typer.Argument(metavar="PKG", help="Packages that the manifest names.")],
    group: Group = None,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    allow_older: options.AllowOlder = None,
    effort: options.Effort = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Take packages out of an environment's manifest, and lock it.

    What nothing else needs goes with them. Where it cannot be locked, nothing is changed.
    """
    from envgen.commands.edit import EditRequest, remove_from_environment

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress(f"removing from {name}") as progress:
        services = options.services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            allow_older=allow_older,
            effort=effort,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        result = remove_from_environment(services, name, EditRequest(requirements=tuple(packages), group=group))
    report_lock(console, [result])
