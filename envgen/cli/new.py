"""Scaffold and lock a new environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The environment's name; a template's name takes that template.")
    ],
    template: Annotated[
        str, typer.Option("--template", "-t", metavar="NAME", help="Start from this template (`envgen templates`).")
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Start from another tool's file, as `envgen import` reads it."),
    ] = None,
    python: options.Python = None,
    accelerator: options.Accelerator = "",
    macos: options.Macos = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", "-a", metavar="REQ", help="Add a requirement, as in PEP 508.")
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
    """Make environments/NAME with a manifest, and lock it.

    It is locked for osx-arm64 from a template, from another tool's file, or from what --add names. Nothing is left
    behind where that fails.
    """
    from envgen.cli.import_file import report_import
    from envgen.cli.lock_report import report_new
    from envgen.cli.options import services_for
    from envgen.commands.new import NewOptions, new_environment

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    scaffold = NewOptions(
        template=template,
        source=source,
        python=python or "",
        accelerator=accelerator,
        macos=macos or "",
        add=tuple(add or ()),
    )
    with console.progress(f"making {name}") as progress:
        services = services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        result = new_environment(services, name, scaffold)
    if result.imported:
        report_import(console, result.imported)
    report_new(console, result)
