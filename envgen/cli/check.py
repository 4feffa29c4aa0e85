"""Check that committed locks are true, whole and proved."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def check(
    names: options.Environments = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the locks with conda-lock too, and look every package up in its index.")
    ] = False,
    mirror: options.Mirrors = None,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Check that each lock is true to its manifest, undamaged, and proved; the exit code is 1 if one is not.

    No network is needed, except with --deep.
    """
    from envgen.cli.check_report import report_checked
    from envgen.cli.services import services_for
    from envgen.commands.check import check_environments

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("checking") as progress:
        services = services_for(offline=offline, mirrors=mirror, progress=progress)
        checked = check_environments(services, tuple(names or ()), deep=deep)
    report_checked(console, checked)
