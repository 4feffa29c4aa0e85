"""Look at this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def doctor(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Hold the machine to this environment's macOS floor and channels.")
    ] = "",
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Find what of this machine breaks environments: Rosetta, Intel tools, leaking settings, what is out of reach."""
    from envgen.cli.doctor_report import report_checkup
    from envgen.cli.services import services_for
    from envgen.commands.doctor import check_host

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("looking") as progress:
        services = services_for(offline=offline, channels=channel, mirrors=mirror, progress=progress)
        checkup = check_host(services, name)
    report_checkup(console, checkup)
    if not checkup.ok:
        raise typer.Exit(1)
