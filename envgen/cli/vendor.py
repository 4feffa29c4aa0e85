"""Vendor indexes."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def vendor(
    starter: Annotated[
        bool, typer.Option("--starter", help="Make the starter index that the package ships, from the templates.")
    ] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Gather the records that environments need; for now, the starter index alone."""
    from envgen.cli.services import services_for
    from envgen.errors import UsageError
    from envgen.workflows.vendoring import vendor_starter

    if not starter:
        raise UsageError("nothing to vendor", hint="`envgen vendor --starter` makes the starter index")
    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("solving the templates") as progress:
        made = vendor_starter(services_for(channels=channel, mirrors=mirror, progress=progress))
    for line in made.refused:
        console.note(f"left out: {line}")
    shape = {
        "date": made.date.isoformat(),
        "records": made.records,
        "bytes": made.size,
        "served": list(made.served),
        "refused": list(made.refused),
    }
    console.data(
        shape,
        f"starter index of {made.date}: {made.records:,} records, {made.size:,} bytes, "
        f"for {len(made.served)} environments",
    )
