"""Tell whether committed locks are still true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from envgen.errors import EnvgenError, ForeignFileError, LockfileError, ManifestError, PlanError
from envgen.formats.registry import render
from envgen.lock.model import Lock, PlatformLock
from envgen.lock.staleness import stale_reasons
from envgen.models.findings import Reason, counted, is_or_are
from envgen.project.own_projects import open_whole
from envgen.project.project import Environment, generated_texts, meant_names, read_lock
from envgen.project.services import Services
from envgen.proof.prove import new_findings, proof_faults

_STARTER = "starter index"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """Hold why an environment's lock is stale or faulty; no reason means that it is true.

    `notes` say what the user should know beside that, and what was not proved.
    """

    name: str
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...] = ()


def stale_environments(services: Services, names: tuple[str, ...]) -> tuple[Staleness, ...]:
    """Look at the locks of these environments, or of all; nothing is solved or written."""
    return tuple(
        Staleness(name=name, reasons=_read(open_whole(services.root, name))[1])
        for name in meant_names(services.root, names)
    )


def check_environments(services: Services, names: tuple[str, ...], *, deep: bool = False) -> tuple[Staleness, ...]:
    """Check that locks are true to their manifests, whole, and proved with what is known today.

    Nothing is written, and without `deep` no index is asked. A damaged manifest or lock is a reason, not an error.
    Raises UsageError for an environment that does not exist.
    """
    return tuple(_checked(services, name, deep=deep) for name in meant_names(services.root, names))


def _checked(services: Services, name: str, *, deep: bool) -> Staleness:
    try:
        environment = open_whole(services.root, name)
    except ManifestError as error:
        return Staleness(name=name, reasons=(_reason("MANIFEST", error),))
    except (ForeignFileError, PlanError) as error:
        return Staleness(name=name, reasons=(_reason("LOCAL", error),))
    lock, reasons = _read(environment)
    if lock is None:
        return Staleness(name=name, reasons=reasons)
    faults = (fault for platform in lock.platforms for fault in proof_faults(platform))
    found = Staleness(
        name=name,
        reasons=tuple(dict.fromkeys([*reasons, *faults])),
        notes=tuple(note for platform in lock.platforms for note in _notes(platform)),
    )
    if not deep:
        return replace(found, notes=(*found.notes, *_unproved(lock)))
    from envgen.workflows.deep import look_deep

    looked = look_deep(services, environment, lock)
    return replace(found, reasons=(*found.reasons, *looked.reasons), notes=(*found.notes, *looked.notes))


def _read(environment: Environment) -> tuple[Lock | None, tuple[Reason, ...]]:
    """Read a folder's lock, None where that cannot be done, with why it is stale."""
    try:
        texts = generated_texts(environment.folder)
        lock = read_lock(environment.shown, environment.manifest, texts)
    except LockfileError as error:
        return None, (_reason("DAMAGED", error),)
    if lock is None:
        return None, (Reason(code="NO-LOCK", message=f"{environment.shown} has no lock yet"),)
    return lock, stale_reasons(environment.manifest, lock, texts, render(lock, environment.manifest.outputs))


def _reason(code: str, error: EnvgenError) -> Reason:
    """Give a failure with its lines as one reason."""
    return Reason(code=code, message="\n".join([error.message, *map(str, error.lines)]))


def _notes(lock: PlatformLock) -> Iterator[str]:
    if lock.repodata.startswith(_STARTER):
        yield (
            f"{lock.platform.subdir} was locked from the {lock.repodata}, not from the channel of today: "
            "`envgen lock --upgrade` makes it anew where that is in reach"
        )
    yield from new_findings(lock)


def _unproved(lock: Lock) -> Iterator[str]:
    """Say what cannot be proved without the indexes."""
    count = sum(len(platform.conda) + len(platform.pypi) for platform in lock.platforms)
    files = f"{counted(count, 'file')} {is_or_are(count)}"
    yield f"not proved without the indexes: that the {files} still there with these hashes (--deep asks)"
