"""Make the starter index that the package ships."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from envgen.errors import PlanError, PypiUnsatisfiableError, RepodataError, UnsatisfiableError, WriteError
from envgen.locking.lock_platform import Keeping, solve_platform
from envgen.manifest.edit import set_python
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.templates import template_names, template_text
from envgen.models.record import Record
from envgen.project.services import Services
from envgen.repodata.starter import STARTER_FILE, write_starter
from envgen.solvers.choose import available_solvers
from envgen.system.files import exclusive
from envgen.workflows.creating import pythons_of

MAX_BYTES = 1_500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendored:
    """Say what a starter index holds: the date of its newest record, its size, and the environments it serves."""

    date: date
    records: int
    size: int
    served: tuple[str, ...]
    refused: tuple[str, ...]


def vendor_starter(services: Services) -> Vendored:
    """Solve every template for every python that the channel has, and pack the records into the starter index.

    Raises:
        WriteError: the index would be larger than 1.5 MB.
        EnvgenError: a template cannot be solved for the python that it names.
    """
    records: dict[str, Record] = {}
    served, refused = [], []
    for label, manifest, own in _manifests(services):
        try:
            found = list(_records(_without_pypi(services, manifest), manifest))
        except (PlanError, PypiUnsatisfiableError, UnsatisfiableError) as error:
            if own:
                raise
            refused.append(f"{label}: {error.message.splitlines()[0]}")
            continue
        records.update((record.url, record) for record in found)
        served.append(label)
    if not records:
        raise RepodataError("no template could be solved: the channel has no python", hint="read another channel")
    made_from = _newest(records.values())
    data = write_starter(records.values(), made_from)
    if len(data) > MAX_BYTES:
        raise WriteError(f"the starter index would have {len(data):,} bytes, more than {MAX_BYTES:,}")
    STARTER_FILE.parent.mkdir(exist_ok=True)
    with exclusive(STARTER_FILE.parent) as writer:
        writer.write({STARTER_FILE.name: data})
    return Vendored(date=made_from, records=len(records), size=len(data), served=tuple(served), refused=tuple(refused))


def _manifests(services: Services) -> Iterator[tuple[str, Manifest, bool]]:
    """Give every template for every python, with a label, and whether that python is the template's own."""
    for name in template_names():
        text = template_text(name)
        manifest = load_manifest(text, f"templates/{name}.yaml")
        for python in pythons_of(services, manifest):
            chosen = load_manifest(set_python(text, python), manifest.file)
            yield f"{name} on python {python}", chosen, python == manifest.python


def _without_pypi(services: Services, manifest: Manifest) -> Services:
    """Keep a template that conda serves from falling back to PyPI on a python that conda does not serve."""
    return services if manifest.accelerator == "metal" else replace(services, pypi=None)


def _records(services: Services, manifest: Manifest) -> Iterator[Record]:
    for solver in available_solvers():
        for platform in manifest.platforms():
            yield from solve_platform(services.using(solver), manifest, platform, Keeping(first=False)).lock.conda


def _newest(records: Iterable[Record]) -> date:
    newest = max(record.timestamp or 0 for record in records)
    return datetime.fromtimestamp(newest / 1000, UTC).date()
