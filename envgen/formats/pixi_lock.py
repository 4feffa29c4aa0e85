"""pixi.lock: the packages of every platform for pixi and rattler."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envgen.formats.generated import header, no_url, refuse, scalar
from envgen.lock.groups import lock_groups, without_groups
from envgen.lock.model import MAIN_GROUP, Lock, LockedWheel, PlatformLock
from envgen.models.record import Record

FILE = "pixi.lock"
_DEFAULT = "default"


def write(lock: Lock) -> dict[str, str]:
    """Write one file, in format 6.

    `main` is pixi's default environment; each group is one of its own, with `main` in it. py-rattler would write
    format 7, without the hashes of wheels. Raises WriteError for what it has no place for.
    """
    groups = sorted({group for each in lock.platforms for group in lock_groups(each)})
    clash = f"its environment `{_DEFAULT}` is `{MAIN_GROUP}`, and a group has that name"
    refuse(FILE, lock, "export another format", no_url(lock), [clash] if _DEFAULT in groups else [])
    lines = [*header(lock, lock.platforms), "version: 6", "environments:"]
    for name in (_DEFAULT, *groups):
        others = [group for group in groups if group != name]
        lines += _environment(lock, name, [without_groups(each, others) for each in lock.platforms])
    lines += ["packages:", *_packages(lock.platforms)]
    return {FILE: "\n".join(lines) + "\n"}


def _environment(lock: Lock, name: str, platforms: list[PlatformLock]) -> Iterator[str]:
    yield f"  {scalar(name)}:"
    yield "    channels:"
    yield from (f"    - url: {scalar(f'{channel.url}/')}" for channel in lock.channels)
    yield "    packages:"
    for platform in platforms:
        packages = [f"      - conda: {scalar(url)}" for url in sorted(record.url for record in platform.conda)]
        packages += [f"      - pypi: {scalar(url)}" for url in sorted(wheel.wheel.url for wheel in platform.pypi)]
        yield f"      {platform.platform.subdir}:{'' if packages else ' []'}"
        yield from packages


def _packages(platforms: Sequence[PlatformLock]) -> Iterator[str]:
    records = {record.url: record for each in platforms for record in each.conda}
    wheels = {wheel.wheel.url: wheel for each in platforms for wheel in each.pypi}
    for url in sorted(records):
        yield from _record(records[url])
    for url in sorted(wheels):
        yield from _wheel(wheels[url])


def _record(record: Record) -> Iterator[str]:
    yield f"- conda: {scalar(record.url)}"
    yield from (f"  {key}: {value}" for key, value in _record_fields(record) if value)
    for key in ("depends", "constrains", "track_features"):
        yield from _list(key, getattr(record, key))


def _record_fields(record: Record) -> Iterator[tuple[str, str]]:
    yield "build_number", str(record.build_number)
    yield "noarch", record.noarch
    for key in ("sha256", "md5", "license", "python_site_packages_path"):
        value: str = getattr(record, key)
        yield key, scalar(value) if value else ""
    yield "size", "" if record.size is None else str(record.size)
    yield "timestamp", "" if record.timestamp is None else str(record.timestamp)


def _wheel(locked: LockedWheel) -> Iterator[str]:
    yield f"- pypi: {scalar(locked.wheel.url)}"
    yield f"  name: {scalar(locked.name)}"
    yield f"  version: {scalar(locked.version)}"
    yield f"  sha256: {scalar(locked.wheel.sha256)}"
    yield from _list("requires_dist", locked.requires)
    if locked.requires_python:
        yield f"  requires_python: {scalar(locked.requires_python)}"


def _list(key: str, values: tuple[str, ...]) -> Iterator[str]:
    if values:
        yield f"  {key}:"
        yield from (f"  - {scalar(value)}" for value in values)
