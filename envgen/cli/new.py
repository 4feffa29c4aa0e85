"""Scaffold and lock a new environment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console
from envgen.cli.lock import environments_shape, platform_text, print_notes

if TYPE_CHECKING:
    from envgen.locking.lock import EnvironmentResult


def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The environment's name; a template's name takes that template.")
    ],
    template: Annotated[
        str, typer.Option("--template", "-t", metavar="NAME", help="Start from this template (`envgen templates`).")
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Start from another tool's file, as `envgen import` reads it."),
    ] = None,
    python: options.Python = None,
    accelerator: options.Accelerator = "",
    macos: options.Macos = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", "-a", metavar="REQ", help="Add a requirement, as in PEP 508.")
    ] = None,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    effort: options.Effort = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Make environments/NAME with a manifest, and lock it.

    It is locked for osx-arm64 from a template, from another tool's file, or from what --add names. Nothing is left
    behind where that fails.
    """
    from envgen.cli.import_file import report_import
    from envgen.commands.new import NewOptions, new_environment

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    new_options = NewOptions(
        template=template,
        source=source,
        python=python or "",
        accelerator=accelerator,
        macos=macos or "",
        add=tuple(add or ()),
    )
    with console.progress(f"making {name}") as progress:
        services = options.services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            effort=effort,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        result = new_environment(services, name, new_options)
    if result.imported:
        report_import(console, result.imported)
    report_new(console, result)


def report_new(console: Console, result: EnvironmentResult) -> None:
    """Print a new environment: what was decided, what was written, and what to do next."""
    console.report(environments_shape([result]), _text(result, verbose=console.verbose))
    print_notes(console, result)


def _text(result: EnvironmentResult, *, verbose: bool) -> Iterator[str]:
    from envgen.formats.conda_lock import category_options
    from envgen.lock.groups import lock_groups

    for lock in result.lock.platforms:
        yield from platform_text(lock, verbose=verbose)
    yield "Wrote"
    yield from (f"  {file}" for file in result.files)
    yield ""
    yield "Next"
    yield "  git add environments && git commit      # the lock is made to be committed"
    yield "  edit envgen.yaml, then `envgen lock`    # to change what the environment holds"
    yield f"  envgen create {result.name}     # on the Mac, which needs no conda for it"
    for file in result.files:
        if file.endswith("environment.yml"):
            yield f"  conda env create -f {file}     # or this"
        elif file.endswith("conda-lock.yml"):
            options = category_options(sorted(frozenset().union(*map(lock_groups, result.lock.platforms))))
            yield f"  micromamba create -n {result.name} -f {file}{options}     # or this"
