"""Create environments from their locks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import options, values
from envgen.cli.console import Console


def create(
    name: options.Environment,
    prefix: options.Prefix = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    with_tool: Annotated[
        str,
        typer.Option(
            "--with", metavar="TOOL", callback=values.tool, help="Hand over to conda, mamba, micromamba or conda-lock."
        ),
    ] = "",
    no_group: Annotated[
        list[str] | None, typer.Option("--no-group", metavar="GROUP", help="Leave a group out (repeatable).")
    ] = None,
    no_local: Annotated[bool, typer.Option("--no-local", help="Leave your own projects out.")] = False,
    kernel: Annotated[bool, typer.Option("--kernel", help="Offer the environment to Jupyter.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Change a prefix that another tool made.")] = False,
    from_vendored: Annotated[
        Path | None,
        typer.Option("--from-vendored", metavar="DIR", help="Take every package from this folder, and ask no network."),
    ] = None,
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            metavar="PLATFORM",
            callback=values.platform,
            help="Unpack and verify another platform's packages into --prefix; nothing of them is run.",
        ),
    ] = "",
    mirror: options.Mirrors = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make an environment exactly as it is locked, or bring one that is there to its lock.

    Every package is verified before the first file is changed, and what the manifest names is imported afterwards.
    """
    from envgen.cli.create_report import report_created, report_handed
    from envgen.cli.services import services_for
    from envgen.install.create import create_environment
    from envgen.install.handover import hand_over
    from envgen.install.target import Creation
    from envgen.system.machine import read_machine

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress(f"creating {name}") as progress:
        services = services_for(offline=offline, mirrors=mirror, progress=progress)
        wanted = Creation(
            name=name,
            prefix=prefix,
            left_out=tuple(no_group or ()),
            platform=platform,
            dry_run=dry_run,
            adopt=adopt,
            vendored=(services.settings.folder / from_vendored.expanduser()).resolve() if from_vendored else None,
            kernel=kernel,
            local=not no_local,
        )
        created = None if with_tool else create_environment(services, wanted, read_machine())
    if created is not None:
        report_created(console, created)
    else:
        report_handed(console, hand_over(services, wanted, with_tool, read_machine(), quiet=quiet or as_json))
