"""Check whether committed locks are still true: to their manifests, to what is known today, and to the indexes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from envgen.errors import EnvgenError, ForeignFileError, LockfileError, ManifestError, PlanError
from envgen.formats.registry import render
from envgen.lock.model import Lock, PlatformLock
from envgen.lock.package_fields import fold_depends
from envgen.lock.staleness import stale_reasons
from envgen.models.channel import Channel
from envgen.models.findings import StaleReason, counted, is_or_are
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.project.own_projects import open_whole
from envgen.project.project import (
    CONDA_LOCK,
    FOLDER,
    Environment,
    generated_names,
    generated_texts,
    meant_names,
    read_lock,
)
from envgen.project.services import Services, with_indexes
from envgen.proof.prove import new_findings, proof_faults
from envgen.system.git import Revision
from envgen.system.lifetime import ChildLimits, EndedError, run_child
from envgen.system.settings import Ceiling

_STARTER = "starter index"
_NO_CONDA_LOCK = 3  # the exit code of the script below
_TIMEOUT = 60.0
# conda-lock gets a process of its own: it is optional, slow to import, and warns while it is.
_SCRIPT = f"""
import json, pathlib, sys
try:
    from conda_lock.lockfile import parse_conda_lock_file
except ImportError:
    sys.exit({_NO_CONDA_LOCK})
lock = parse_conda_lock_file(pathlib.Path(sys.argv[1]))
rows = [[p.manager, p.name, p.platform, p.version, p.url, p.hash.md5 or "", p.hash.sha256 or ""] for p in lock.package]
print(json.dumps(rows))
"""
Row = tuple[str, ...]
"""A package as conda-lock sees it: manager (conda, pip), name, platform, version, URL, md5 and sha256."""
_Remarks = Iterator[StaleReason | str]
"""What makes a lock stale or faulty, and notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Why an environment's lock is stale or faulty; no reason means that it is true.

    `notes` say what the user should know beside that, and what was not proved.
    """

    name: str
    reasons: tuple[StaleReason, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepCheck:
    """What another reader and the indexes of today find wrong, and notes on what they could not tell."""

    reasons: tuple[StaleReason, ...] = ()
    notes: tuple[str, ...] = ()


def stale_environments(services: Services, names: tuple[str, ...]) -> tuple[CheckResult, ...]:
    """Compare the locks of these environments, or of all, with their manifests; nothing is solved or written."""
    return tuple(
        CheckResult(name=name, reasons=_read(open_whole(services.root, name))[1])
        for name in meant_names(services.root, names)
    )


def check_environments(services: Services, names: tuple[str, ...], *, deep: bool = False) -> tuple[CheckResult, ...]:
    """Check that locks are true to their manifests, whole, and proved with what is known today.

    Nothing is written, and without `deep` no index is asked. A damaged manifest or lock is a reason, not an error.
    Raises UsageError for an environment that does not exist.
    """
    return tuple(_checked(services, name, deep=deep) for name in meant_names(services.root, names))


def _checked(services: Services, name: str, *, deep: bool) -> CheckResult:
    try:
        environment = open_whole(services.root, name)
    except ManifestError as error:
        return CheckResult(name=name, reasons=(_reason("MANIFEST", error),))
    except (ForeignFileError, PlanError) as error:
        return CheckResult(name=name, reasons=(_reason("LOCAL", error),))
    lock, reasons = _read(environment)
    if lock is None:
        return CheckResult(name=name, reasons=reasons)
    committed = _committed(services, environment)
    faults = [fault for platform in lock.platforms for fault in proof_faults(platform)]
    faults += address_faults(lock, committed)
    deeply = _check_deeply(services, environment, lock) if deep else DeepCheck(notes=(_unproved(lock),))
    return CheckResult(
        name=name,
        reasons=(*dict.fromkeys([*reasons, *faults]), *deeply.reasons),
        notes=(*(note for platform in lock.platforms for note in _notes(platform)), *deeply.notes),
    )


def _read(environment: Environment) -> tuple[Lock | None, tuple[StaleReason, ...]]:
    """Return a folder's lock, None where it cannot be read, with why it is stale."""
    try:
        texts = generated_texts(environment.folder)
        lock = read_lock(environment.shown, environment.manifest, texts)
    except LockfileError as error:
        return None, (_reason("DAMAGED", error),)
    if lock is None:
        return None, (StaleReason(code="NO-LOCK", message=f"{environment.shown} has no lock yet"),)
    return lock, stale_reasons(environment.manifest, lock, texts, render(lock, environment.manifest.outputs))


def _committed(services: Services, environment: Environment) -> Lock | None:
    """Return the lock that HEAD has of an environment; None where there is no repository, or none that can be read."""
    folder = f"{FOLDER}/{environment.name}"
    try:
        commit = Revision(services.root, "HEAD")
        names = set(commit.names(folder) or ()) & set(generated_names())
        texts = {name: commit.text(f"{folder}/{name}") for name in sorted(names)}
        return read_lock(environment.shown, environment.manifest, texts, sealed=False)
    except EnvgenError:
        return None


def address_faults(lock: Lock, committed: Lock | None) -> Iterator[StaleReason]:
    """Yield where the files of a lock are to come from places that its channels and indexes do not explain.

    A channel's files are below its URL or, all of one platform's, below one other address, which its index names
    (`base_url`, CEP 15); an index gives its wheels from one host; and neither moves beside a committed lock unseen.
    """
    for platform in lock.platforms:
        subdir = platform.platform.subdir
        for channel, places in sorted(_places(platform).items()):
            if channel not in {each.url for each in lock.channels}:
                yield _address(f"{subdir}: files come from {channel}, which is none of the lock's channels")
            if len(places) > 1:
                yield _address(f"{subdir}: the files of {channel} are at several addresses: {', '.join(places)}")
        hosts = _wheel_hosts(platform)
        if len(hosts) > 1 + len(lock.indexes):
            yield _address(f"{subdir}: the wheels of one index are at several hosts: {', '.join(hosts)}")
        before = committed.for_subdir(subdir) if committed else None
        if before is None or committed is None:
            continue
        old = _places(before)
        for channel, places in sorted(_places(platform).items()):
            if channel in old and places != old[channel] and len(places) == 1:
                was = ", ".join(old[channel])
                yield _address(f"{subdir}: the files of {channel} are at {places[0]}, in HEAD at {was}")
        known = _wheel_hosts(before)
        if known and lock.indexes == committed.indexes and (new := [host for host in hosts if host not in known]):
            yield _address(f"{subdir}: wheels are at {', '.join(new)}, in HEAD at {', '.join(known)}")


def _address(message: str) -> StaleReason:
    return StaleReason(code="ADDRESS", message=message)


def _places(platform: PlatformLock) -> dict[str, list[str]]:
    """Return the addresses of each channel's files, without the folder of the platform where that is the channel's."""
    found: dict[str, set[str]] = {}
    for record in platform.conda:
        folder = record.url.rpartition("/")[0]
        is_below = folder == f"{record.channel}/{record.subdir}"
        found.setdefault(record.channel, set()).add(record.channel if is_below else folder.removesuffix(record.subdir))
    return {channel: sorted(places) for channel, places in found.items()}


def _wheel_hosts(platform: PlatformLock) -> list[str]:
    urls = (urlsplit(wheel.wheel.url) for wheel in platform.pypi if wheel.wheel.url)
    return sorted({f"{url.scheme}://{url.netloc}" for url in urls})


def _reason(code: str, error: EnvgenError) -> StaleReason:
    hint = [f"hint: {error.hint}"] if isinstance(error, ManifestError) and error.hint else []
    return StaleReason(code=code, message="\n".join([error.message, *map(str, error.lines), *hint]))


def _notes(lock: PlatformLock) -> Iterator[str]:
    if lock.repodata.startswith(_STARTER):
        yield (
            f"{lock.platform.subdir} was locked from the {lock.repodata}, not from the channel of today: "
            "`envgen lock --upgrade` makes it anew where that is in reach"
        )
    yield from new_findings(lock)


def _unproved(lock: Lock) -> str:
    count = sum(len(platform.conda) + len(platform.pypi) for platform in lock.platforms)
    files = f"{counted(count, 'file')} {is_or_are(count)}"
    return f"not proved without the indexes: that the {files} still there with these hashes (--deep asks)"


def _check_deeply(services: Services, environment: Environment, lock: Lock) -> DeepCheck:
    """Read the lock with conda-lock's own parser, and look every package up in its index.

    What reads an index is loaded here and below, since a hook runs the check without `--deep` at every commit.
    """
    remarks = [*_second_parser(environment, lock)]
    for platform in lock.platforms:
        offline = services.options.offline
        remarks += _guarded(_records(services, _channels(services, environment, lock), platform), platform, offline)
        remarks += _guarded(_wheels(services, lock, platform), platform, offline)
    reasons = tuple(dict.fromkeys(one for one in remarks if isinstance(one, StaleReason)))
    return DeepCheck(reasons=reasons, notes=tuple(dict.fromkeys(one for one in remarks if isinstance(one, str))))


def _guarded(remarks: _Remarks, platform: PlatformLock, offline: bool) -> _Remarks:
    """Turn an index that cannot be read into a reason, so that the other looks go on.

    Off-line it is a note: that the network is forbidden does not make a lock false.
    """
    try:
        yield from remarks
    except EnvgenError as error:
        message = f"{platform.platform.subdir}: {error.message}"
        yield f"not looked up, off-line: {message}" if offline else StaleReason(code="UNREACHABLE", message=message)


def _second_parser(environment: Environment, lock: Lock) -> _Remarks:
    if CONDA_LOCK not in environment.manifest.outputs:
        yield f"conda-lock was not asked: the manifest's outputs have no {CONDA_LOCK}"
        return
    try:
        theirs = parse_with_conda_lock(environment.folder / CONDA_LOCK)
    except LockfileError as error:
        yield StaleReason(code="CONDA-LOCK", message=error.message)
        return
    if theirs is None:
        yield "conda-lock was not asked, because it is not installed: pip install 'envgen[conda-lock]'"
    elif different := sorted({row[1] for row in theirs ^ frozenset(_rows(lock))}):
        yield StaleReason(code="CONDA-LOCK", message=f"conda-lock reads other packages: {', '.join(different)}")


def _rows(lock: Lock) -> Iterator[tuple[str, ...]]:
    for platform in lock.platforms:
        subdir = platform.platform.subdir
        for record in platform.conda:
            yield ("conda", record.name, subdir, record.version, record.url, record.md5, record.sha256)
        for wheel in platform.pypi:
            yield ("pip", wheel.name, subdir, wheel.version, wheel.wheel.url, "", wheel.wheel.sha256)


def _channels(services: Services, environment: Environment, lock: Lock) -> tuple[Channel, ...]:
    """Return the lock's channels with the addresses that the manifest has for them: a lock has no passwords."""
    from envgen.project.channels import channels_of

    known = {channel.url: channel for channel in channels_of(services, environment.manifest)}
    return tuple(known.get(channel.url, channel) for channel in lock.channels)


def _records(services: Services, channels: tuple[Channel, ...], platform: PlatformLock) -> _Remarks:
    """Compare the locked records with the channels', and prove them again as the channels have them."""
    from envgen.project.channels import open_index

    services.progress(f"looking up {counted(len(platform.conda), 'record')}")
    repodata = open_index(services, channels, platform.platform)
    yield from repodata.notes
    names = [record.name for record in platform.conda]
    listed = {record.url: record for records in repodata.records(names).values() for record in records}
    today: dict[PackageKey, Record] = {}
    for old in platform.conda:
        new = listed.get(old.url)
        if new is None:
            yield StaleReason(code="RECORD-GONE", message=f"{old} is not in the index of {old.channel} any more")
        elif not _same_file(old, new):
            yield StaleReason(code="RECORD-HASH", message=f"{old} has another hash in the index of {old.channel}")
        else:
            today[old.key] = new
            if _folded(old) != _folded(new):
                yield f"the index has other depends or constrains of {old} than when it was locked"
    current = replace(platform, conda=tuple(today.get(record.key, record) for record in platform.conda))
    known = set(proof_faults(platform))
    yield from (fault for fault in proof_faults(current) if fault not in known)


def _same_file(old: Record, new: Record) -> bool:
    pairs = ((old.sha256, new.sha256), (old.md5, new.md5))
    return all(mine == theirs for mine, theirs in pairs if mine and theirs)


def _folded(record: Record) -> tuple[dict[str, str], tuple[str, ...]]:
    return fold_depends(record.depends), tuple(sorted(record.constrains))


def _wheels(services: Services, lock: Lock, platform: PlatformLock) -> _Remarks:
    if not platform.pypi:
        return
    from envgen.pypi.simple_api import listings

    services.progress(f"looking up {counted(len(platform.pypi), 'wheel')}")
    wheels = [locked.wheel for locked in platform.pypi]
    environ = with_indexes(services, lock.indexes).settings.environ
    listed = listings(wheels, environ, offline=services.options.offline)
    # a mirror has all files at its own addresses; their hashes are compared all the same
    found = [listing for listing in listed if not listing.fault]
    is_mirror = len(listed) > 1 and bool(found) and all(listing.elsewhere for listing in found)
    if is_mirror:
        yield f"the index has the wheels at other addresses than the lock, such as: {found[0].elsewhere}"
    for listing in listed:
        if listing.fault:
            yield StaleReason(code="WHEEL-GONE", message=listing.fault)
        if listing.elsewhere and not is_mirror:
            yield StaleReason(code="WHEEL-ADDRESS", message=listing.elsewhere)
        if listing.yanked:
            yield listing.yanked


def parse_with_conda_lock(path: Path) -> frozenset[Row] | None:
    """Return the packages of a conda-lock.yml as conda-lock reads them, or None where conda-lock is not installed.

    Raises:
        LockfileError: conda-lock refuses the file, or does not answer.
    """
    try:
        limits = ChildLimits(seconds=_TIMEOUT, output=Ceiling.OUTPUT)
        done = run_child([sys.executable, "-W", "ignore", "-c", _SCRIPT, str(path)], limits)
    except EndedError as error:
        raise LockfileError(f"conda-lock did not read {path.name} within {_TIMEOUT:g} s") from error
    if done.returncode == _NO_CONDA_LOCK:
        return None
    if done.returncode:
        said = _last_line(done.stderr.decode("utf-8", "replace"))
        raise LockfileError(f"conda-lock refuses {path.name}: {said}")
    rows: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return frozenset(tuple(row) for row in rows)


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it says nothing")
