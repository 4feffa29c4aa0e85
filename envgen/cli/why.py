"""Say why a package is in a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console

if TYPE_CHECKING:
    from envgen.commands.why import Answer, Way

SHOWN_WAYS = 8


def why(
    name: options.Environment,
    package: Annotated[str, typer.Argument(metavar="PKG", help="A package of its lock, by its conda or PyPI name.")],
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Say where a locked package comes from, and which of the manifest's lines lead to it."""
    from envgen.cli.services import services_for
    from envgen.commands.why import why_package

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    answers = why_package(services_for(progress=lambda _: None), name, package)
    console.data(
        {"answers": [_shape(answer) for answer in answers]},
        "\n".join(line for answer in answers for line in _text(answer, verbose=verbose)),
    )


def _text(answer: Answer, *, verbose: bool) -> list[str]:
    half, _, shown = answer.key.partition(":")
    lines = [f"{shown} {answer.version} ({answer.subdir}, from {half}): {answer.why}"]
    ways = answer.ways if verbose else answer.ways[:SHOWN_WAYS]
    lines += [f"  {way.needs}  ({place(way)})" for way in ways]
    more = len(answer.ways) - len(ways)
    return [*lines, f"  … and {more} more ways (-v)"] if more else lines


def place(way: Way) -> str:
    """Say where a way starts: a line of the manifest, or what else asks."""
    line = way.origin.line
    return f"{line.file}:{line.line}" if line else way.origin.path


def _shape(answer: Answer) -> dict[str, object]:
    half, _, shown = answer.key.partition(":")
    return {
        "platform": answer.subdir,
        "name": shown,
        "version": answer.version,
        "source": half,
        "why": answer.why,
        "chains": [[{"package": link.key, "need": link.need} for link in way.chain] for way in answer.ways],
        "lines": [place(way) for way in answer.ways],
    }
