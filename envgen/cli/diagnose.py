"""Say why something can or cannot be installed on an Apple-silicon Mac."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def diagnose(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="WHAT", help="Requirements, a file as `envgen import` reads it, or an environment."),
    ] = None,
    command: Annotated[
        str, typer.Option("--command", metavar="COMMAND", help="Judge an installation command that was advised.")
    ] = "",
    python: options.Python = None,
    macos: options.Macos = None,
    accelerator: options.Accelerator = "",
    trials: Annotated[
        bool, typer.Option("--try/--no-try", help="Try the fixes, by locking with them and forgetting the lock.")
    ] = True,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a bug report.")] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Say of each requirement, and of all that it needs, where it can come from, or why not and what to do."""
    from envgen.cli.diagnosis_report import report_diagnosis
    from envgen.cli.services import services_for
    from envgen.diagnosis.diagnose import Asking, diagnose_all

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("looking") as progress:
        services = services_for(offline=offline, starter=starter, channels=channel, mirrors=mirror, progress=progress)
        asking = Asking(
            what=tuple(what or ()),
            command=command,
            python=python or "",
            macos=macos or "",
            accelerator=accelerator,
            trials=trials,
        )
        report = diagnose_all(services, asking)
    report_diagnosis(console, report, markdown=markdown)
    if not report.ok:
        raise typer.Exit(1)
