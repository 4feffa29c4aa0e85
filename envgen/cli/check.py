"""Check that committed locks are true, whole and proved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console
from envgen.cli.lock import staleness_shape, staleness_text
from envgen.errors import LockfileError

if TYPE_CHECKING:
    from envgen.commands.check import CheckResult

_TRUE = "consistent, from the lock's own data: true to its manifest, whole and proved"
_LOOKED_UP = "true to its manifest, whole and proved, and as the indexes have it"
_FALSE = "the lock is not true"
_UNKNOWN = "the lock is true as far as could be looked at, which is not all"


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
    from envgen.commands.check import check_environments

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("checking") as progress:
        services = options.services_for(offline=offline, mirrors=mirror, progress=progress)
        checked = check_environments(services, tuple(names or ()), deep=deep)
    report_check(console, checked, looked_up=deep and not offline)


def report_check(console: Console, checked: Sequence[CheckResult], *, looked_up: bool = False) -> None:
    """Print what each lock lacks, and what was not proved; raise LockfileError if a lock is not true."""
    good = _LOOKED_UP if looked_up else _TRUE
    shape = {"environments": [{**staleness_shape(item), "notes": list(item.notes)} for item in checked]}
    console.report(shape, [line for item in checked for line in staleness_text(item, _verdict(item) or good)])
    for item in checked:
        for note in item.notes:
            console.note(f"{item.name}: {note}" if len(checked) > 1 else note)
    faulty = [item for item in checked if item.reasons]
    if faulty and console.as_json:  # what was printed says so: stdout takes one object
        raise typer.Exit(1)
    if faulty:
        what = "not true" if any(_verdict(item) == _FALSE for item in faulty) else "not known to be true"
        raise LockfileError(f"{what}: {', '.join(item.name for item in faulty)}", hint=_hint(faulty))


_OF_INDEXES = frozenset({"ADDRESS", "RECORD-GONE", "RECORD-HASH", "WHEEL-ADDRESS", "WHEEL-GONE"})


def _verdict(item: CheckResult) -> str:
    """Return what is to be said of a lock with reasons, "" of one without."""
    codes = {reason.code for reason in item.reasons}
    if not codes:
        return ""
    return _UNKNOWN if codes == {"UNREACHABLE"} else _FALSE


def _hint(faulty: Sequence[CheckResult]) -> str:
    codes = {reason.code for item in faulty for reason in item.reasons}
    if codes == {"UNREACHABLE"}:
        return "try again with the network, or with a --mirror"
    if "MANIFEST" in codes:
        return "mend the manifest first"
    names = " ".join(item.name for item in faulty)
    if codes & _OF_INDEXES:  # `envgen lock` leaves a lock alone that is true to its manifest
        return f"run `envgen lock --upgrade {names}`, look at `envgen diff`, and commit what it writes"
    return f"run `envgen lock {names}` and commit what it writes"
