"""Compare two locks."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console

_WHAT = "An environment, a folder, a lock file, or REVISION:environments/NAME."


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help=_WHAT)],
    second: Annotated[
        str, typer.Argument(metavar="B", help="The same; without it, environment A is compared with what HEAD has.")
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a pull request.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Say which packages differ between two locks, up, down, rebuilt or from elsewhere, and how the size changes."""
    from envgen.cli.diff_report import diff_markdown, diff_shape, diff_text
    from envgen.cli.services import services_for
    from envgen.commands.diff import compare

    console = Console(as_json=as_json, quiet=quiet)
    comparison = compare(services_for(progress=lambda _: None), first, second)
    for note in () if markdown else comparison.notes:
        console.note(note)
    console.data(diff_shape(comparison), diff_markdown(comparison) if markdown else diff_text(comparison))
