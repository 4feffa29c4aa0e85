"""Lock environments again, or tell whether their locks are current."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def lock(
    names: options.Environments = None,
    update: Annotated[
        list[str] | None, typer.Option("--update", "-u", metavar="PKG", help="Let this package move (repeatable).")
    ] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Let every package move.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a lock is stale.")] = False,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    solver: options.Solver = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Solve manifests again, moving only what must move, and write the lock files.

    A lock that is true to its manifest is left as it is; --update and --upgrade let packages move.
    """
    from envgen.cli.lock_report import report_lock, report_stale
    from envgen.cli.options import services_for
    from envgen.commands.check import stale_environments
    from envgen.locking.lock import lock_environments
    from envgen.locking.updates import Updates

    console = Console(as_json=as_json, quiet=quiet, verbose=verbose)
    with console.progress("locking") as progress:
        services = services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            solver=solver,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        if check:
            report_stale(console, stale_environments(services, tuple(names or ())))
            return
        updates = Updates(packages=frozenset(update or ()), everything=upgrade)
        results = lock_environments(services, tuple(names or ()), updates)
    report_lock(console, results)
