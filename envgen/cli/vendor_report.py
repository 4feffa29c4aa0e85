"""Say what a `vendor` did."""

from __future__ import annotations

from pathlib import Path

from envgen.cli.console import Console
from envgen.commands.vendor import Vendored, VendoredFolder
from envgen.install.download import size_text
from envgen.models.findings import counted, is_or_are


def report_starter(console: Console, made: Vendored) -> None:
    """Print what the starter index holds."""
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
    console.report(shape, text)


def report_vendored(console: Console, gathered: VendoredFolder) -> None:
    """Print what a folder holds now, and how it is used."""
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
    console.report(shape, "\n".join(lines))
    if gathered.dropped:
        console.note(f"removed {counted(len(gathered.dropped), 'file')} that no lock needs any more")


def report_verified(console: Console, folder: Path, count: int) -> None:
    """Print that a folder is whole."""
    console.report(
        {"folder": str(folder), "ok": True, "files": count},
        f"{folder}: {counted(count, 'file')} {is_or_are(count)} as vendored",
    )
