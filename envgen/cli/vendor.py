"""Vendor the packages and indexes of environments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console
from envgen.models.findings import counted, is_or_are

if TYPE_CHECKING:
    from envgen.commands.vendor import StarterReport, VendoredFolder


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
    from envgen.commands.vendor import vendor_environments, vendor_starter, verify_vendored
    from envgen.errors import UsageError
    from envgen.system.settings import expanded

    if [download, verify is not None, starter].count(True) != 1:
        raise UsageError("say what to vendor", hint="one of --download --to DIR, --verify DIR, --starter")
    if download and to is None:
        raise UsageError("no folder to vendor into", hint="add --to DIR")
    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("vendoring") as progress:
        services = options.services_for(offline=offline, channels=channel, mirrors=mirror, progress=progress)
        folder = (services.settings.folder / expanded(to or verify or Path())).resolve()
        made = vendor_starter(services) if starter else None
        count = verify_vendored(folder) if verify else 0
        gathered = vendor_environments(services, tuple(names or ()), folder) if download else None
    if made:
        _report_starter(console, made)
    elif gathered:
        _report_vendored(console, gathered)
    else:
        _report_verified(console, folder, count)


def _report_starter(console: Console, made: StarterReport) -> None:
    for line in made.refused:
        console.note(f"left out: {line}")
    shape = {
        "date": made.date.isoformat(),
        "records": made.records,
        "bytes": made.size,
        "served": list(made.served),
        "refused": list(made.refused),
    }
    text = (
        f"starter index of {made.date}: {made.records:,} records, {made.size:,} bytes, "
        f"for {counted(len(made.served), 'environment')}"
    )
    console.report(shape, [text])


def _report_vendored(console: Console, gathered: VendoredFolder) -> None:
    from envgen.install.download import size_text

    shape = {
        "folder": str(gathered.folder),
        "environments": list(gathered.environments),
        "files": gathered.files,
        "bytes": gathered.size,
        "downloaded": gathered.downloaded,
        "dropped": list(gathered.dropped),
    }
    names = ", ".join(gathered.environments)
    lines = [
        f"{gathered.folder}: {gathered.files} files, {size_text(gathered.size)}, for {names}",
        f"{size_text(gathered.downloaded)} downloaded" if gathered.downloaded else "nothing had to be downloaded",
        "",
        "Use it, moved to wherever you like, with",
        f"  envgen create NAME --from-vendored {gathered.folder}",
    ]
    console.report(shape, lines)
    if gathered.dropped:
        console.note(f"removed {counted(len(gathered.dropped), 'file')} that no lock needs any more")


def _report_verified(console: Console, folder: Path, count: int) -> None:
    console.report(
        {"folder": str(folder), "ok": True, "files": count},
        [f"{folder}: {counted(count, 'file')} {is_or_are(count)} as vendored"],
    )
