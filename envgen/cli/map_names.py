"""Translate PyPI names to conda's."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table


def map_names(
    requirements: Annotated[
        list[str] | None,
        typer.Argument(metavar="REQ", help="Requirements, files with one a line, or - for standard input."),
    ] = None,
    python: options.Python = None,
    macos: options.Macos = None,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show which conda package serves for a PyPI requirement, how that is known, and what was rejected."""
    from envgen.commands.map_names import map_texts, mapped_row, mapped_shape
    from envgen.project.project import PlatformOptions

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("mapping") as progress:
        services = options.services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        results = map_texts(
            services, tuple(requirements or ()), PlatformOptions(python=python or "", macos=macos or "")
        )
    rows = [mapped_row(item) for item in results]
    console.data(
        {"results": [mapped_shape(item) for item in results]},
        table(("REQUIREMENT", "SOURCE", "CONDA", "WHY"), rows),
    )
