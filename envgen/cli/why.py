"""Say why a package is in a lock."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console

SHOWN_CHAINS = 8


def why(
    name: Annotated[str, typer.Argument(help="The environment.")],
    package: Annotated[str, typer.Argument(help="A package of its lock, by its conda or PyPI name.")],
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Say where a locked package comes from, and which of the manifest's lines lead to it."""
    from envgen.cli.services import services_for
    from envgen.workflows.asking import Answer, why_package

    def text(answer: Answer) -> list[str]:
        half, _, shown = answer.key.partition(":")
        lines = [f"{shown} {answer.version} ({answer.subdir}, from {half}): {answer.why}"]
        chains = answer.chains if verbose else answer.chains[:SHOWN_CHAINS]
        lines += ["  " + " → ".join(link.need for link in chain) for chain in chains]
        more = len(answer.chains) - len(chains)
        return [*lines, f"  … and {more} more ways (-v)"] if more else lines

    def shape(answer: Answer) -> dict[str, object]:
        half, _, shown = answer.key.partition(":")
        chains = [[{"package": link.key, "need": link.need} for link in chain] for chain in answer.chains]
        return {
            "platform": answer.subdir,
            "name": shown,
            "version": answer.version,
            "source": half,
            "why": answer.why,
            "chains": chains,
        }

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    answers = why_package(services_for(progress=lambda _: None), name, package)
    console.data(
        {"answers": [shape(answer) for answer in answers]}, "\n".join(line for item in answers for line in text(item))
    )
