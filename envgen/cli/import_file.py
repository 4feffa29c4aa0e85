"""Make a manifest of another tool's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options, values
from envgen.cli.console import Console


def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="requirements.txt, environment.yml, pyproject.toml, pixi.toml or conda-lock.yml."
        ),
    ],
    name: Annotated[
        str,
        typer.Option(
            "--name",
            metavar="NAME",
            callback=values.environment,
            help="The environment's name; default: the file's own.",
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="PATH", help="Write the manifest there; - is standard output.")
    ] = "-",
    python: options.Python = None,
    macos: options.Macos = None,
    accelerator: options.Accelerator = "",
    pins: Annotated[
        str,
        typer.Option(
            "--pins",
            metavar="LEVEL",
            callback=values.pins,
            help="How much to keep of versions that a solver chose: exact, series, major or free.",
        ),
    ] = "exact",
    mirror: options.Mirrors = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Print a manifest made of FILE, and say on stderr what became of each of its lines."""
    from envgen.cli.import_report import imported_shape, report_import
    from envgen.cli.services import services_for
    from envgen.commands import import_file as importing
    from envgen.commands.new import chosen_accelerator

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    wishes = importing.Wishes(
        name=name,
        python=python or "",
        macos=macos or "",
        accelerator=chosen_accelerator(accelerator) if accelerator else None,
        pins=importing.chosen_pins(pins),
    )
    with console.progress(f"importing {file.name}") as progress:
        services = services_for(
            offline=offline, starter=starter, online_names=online_names, mirrors=mirror, progress=progress
        )
        imported = importing.import_file(services, file, wishes)
    if output != "-":
        importing.save(services.settings.folder / output, imported.text)
    report_import(console, imported)
    console.data(imported_shape(imported), imported.text if output == "-" else f"wrote {output}")
