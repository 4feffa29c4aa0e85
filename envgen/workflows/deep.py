"""Re-prove a lock with another reader and with what the indexes say today."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from envgen.errors import EnvgenError, LockfileError
from envgen.gateways.second_parser import parse_with_conda_lock
from envgen.lock.model import Lock, PlatformLock
from envgen.lock.package_fields import fold_depends
from envgen.models.channel import Channel
from envgen.models.findings import Reason, counted
from envgen.models.record import Record
from envgen.project.channels import channels_of, open_index
from envgen.project.project import CONDA_LOCK, Environment
from envgen.project.services import Services, with_indexes
from envgen.proof.prove import proof_faults
from envgen.pypi.simple_api import listings

UNREACHABLE = "UNREACHABLE"
Said = Iterator[Reason | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deep:
    """Hold what a deep look found wrong, and notes on what it could not tell."""

    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]


def look_deep(services: Services, environment: Environment, lock: Lock) -> Deep:
    """Read the lock with conda-lock's own parser, and look every package up in its index."""
    said = [*_second_parser(environment, lock)]
    for platform in lock.platforms:
        offline = services.options.offline
        said += _guarded(_records(services, _channels(services, environment, lock), platform), platform, offline)
        said += _guarded(_wheels(services, lock, platform), platform, offline)
    reasons = tuple(dict.fromkeys(one for one in said if isinstance(one, Reason)))
    return Deep(reasons=reasons, notes=tuple(dict.fromkeys(one for one in said if isinstance(one, str))))


def _guarded(said: Said, platform: PlatformLock, offline: bool) -> Said:
    """Turn an index that cannot be asked into a reason, so that the other looks go on; off-line it is a note.

    Whoever forbids the network cannot be told that the lock is false for the lack of it.
    """
    try:
        yield from said
    except EnvgenError as error:
        message = f"{platform.platform.subdir}: {error.message}"
        yield f"not looked up, off-line: {message}" if offline else Reason(code=UNREACHABLE, message=message)


def _second_parser(environment: Environment, lock: Lock) -> Said:
    if CONDA_LOCK not in environment.manifest.outputs:
        yield f"conda-lock was not asked: the manifest's outputs have no {CONDA_LOCK}"
        return
    try:
        theirs = parse_with_conda_lock(environment.folder / CONDA_LOCK)
    except LockfileError as error:
        yield Reason(code="CONDA-LOCK", message=error.message)
        return
    if theirs is None:
        yield "conda-lock was not asked, because it is not installed: pip install 'envgen[conda-lock]'"
    elif different := sorted({row[1] for row in theirs ^ frozenset(_rows(lock))}):
        yield Reason(code="CONDA-LOCK", message=f"conda-lock reads other packages: {', '.join(different)}")


def _rows(lock: Lock) -> Iterator[tuple[str, ...]]:
    for platform in lock.platforms:
        subdir = platform.platform.subdir
        for record in platform.conda:
            yield ("conda", record.name, subdir, record.version, record.url, record.md5, record.sha256)
        for wheel in platform.pypi:
            yield ("pip", wheel.name, subdir, wheel.version, wheel.wheel.url, "", wheel.wheel.sha256)


def _channels(services: Services, environment: Environment, lock: Lock) -> tuple[Channel, ...]:
    """Give the lock's channels with the addresses that the manifest has for them: a lock holds none."""
    known = {channel.url: channel for channel in channels_of(services, environment.manifest)}
    return tuple(known.get(channel.url, channel) for channel in lock.channels)


def _records(services: Services, channels: tuple[Channel, ...], platform: PlatformLock) -> Said:
    """Compare the locked records with the channels', and prove them again as the channels have them."""
    services.progress(f"looking up {counted(len(platform.conda), 'record')}")
    repodata = open_index(services, channels, platform.platform)
    yield from repodata.notes
    names = [record.name for record in platform.conda]
    listed = {record.url: record for records in repodata.records(names).values() for record in records}
    today = []
    for old in platform.conda:
        new = listed.get(old.url)
        if new is None:
            yield Reason(code="RECORD-GONE", message=f"{old} is not in the index of {old.channel} any more")
        elif not _same_file(old, new):
            yield Reason(code="RECORD-HASH", message=f"{old} has another hash in the index of {old.channel}")
        else:
            today.append(new)
            if _folded(old) != _folded(new):
                yield f"the index has other depends or constrains of {old} than when it was locked"
    patched = {record.name: record for record in today}
    current = replace(platform, conda=tuple(patched.get(record.name, record) for record in platform.conda))
    known = set(proof_faults(platform))
    yield from (fault for fault in proof_faults(current) if fault not in known)


def _same_file(old: Record, new: Record) -> bool:
    pairs = ((old.sha256, new.sha256), (old.md5, new.md5))
    return all(mine == theirs for mine, theirs in pairs if mine and theirs)


def _folded(record: Record) -> tuple[dict[str, str], tuple[str, ...]]:
    return fold_depends(record.depends), tuple(sorted(record.constrains))


def _wheels(services: Services, lock: Lock, platform: PlatformLock) -> Said:
    if not platform.pypi:
        return
    services.progress(f"looking up {counted(len(platform.pypi), 'wheel')}")
    wheels = [locked.wheel for locked in platform.pypi]
    environ = with_indexes(services, lock.indexes).settings.environ
    for listing in listings(wheels, environ, offline=services.options.offline):
        if listing.fault:
            yield Reason(code="WHEEL-GONE", message=listing.fault)
        if listing.yanked:
            yield listing.yanked
