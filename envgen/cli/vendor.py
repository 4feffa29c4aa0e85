"""Vendor packages and indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def vendor(
    names: options.Environments = None,
    download: Annotated[
        bool, typer.Option("--download", help="Gather every package of the environments into the folder of --to.")
    ] = False,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="The folder to gather into.")] = None,
    verify: Annotated[
        Path | None, typer.Option("--verify", metavar="DIR", help="Hold a folder's every file to its hash.")
    ] = None,
    starter: Annotated[
        bool, typer.Option("--starter", help="Make the starter index that envgen ships, from its templates.")
    ] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Gather what environments need into a folder that serves as channel and package index without a network.

    Give one of --download with --to, --verify, or --starter.
    """
    from envgen.cli.services import services_for
    from envgen.cli.vendor_report import report_starter, report_vendored, report_verified
    from envgen.commands.vendor import vendor_environments, vendor_starter, verify_vendored
    from envgen.errors import UsageError

    if [download, verify is not None, starter].count(True) != 1:
        raise UsageError("say what to vendor", hint="one of --download --to DIR, --verify DIR, --starter")
    if download and to is None:
        raise UsageError("no folder to vendor into", hint="add --to DIR")
    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("vendoring") as progress:
        services = services_for(offline=offline, channels=channel, mirrors=mirror, progress=progress)
        folder = (services.settings.folder / (to or verify or Path()).expanduser()).resolve()
        made = vendor_starter(services) if starter else None
        count = verify_vendored(folder) if verify else 0
        gathered = vendor_environments(services, tuple(names or ()), folder) if download else None
    if made:
        report_starter(console, made)
    elif gathered:
        report_vendored(console, gathered)
    else:
        report_verified(console, folder, count)
