"""The changes that bring what a prefix holds to what a lock says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.utils import canonicalize_version

from envgen.errors import InstallError
from envgen.install.prefix import PrefixContents
from envgen.install.wheels import Distribution
from envgen.lock.model import LockedWheel
from envgen.models.findings import Source
from envgen.models.record import Record

_SHOWN = 8
Kind = Literal["added", "changed", "repaired", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Difference:
    """What happens to one package; `before` and `after` are versions, with the build for conda, "" for none."""

    name: str
    source: Source
    kind: Kind
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedContents:
    """What a prefix is to hold: records, wheels, and the folders of the user's own projects as URLs.

    `site` is the folder of its Python modules, relative to the prefix.
    """

    records: tuple[Record, ...]
    wheels: tuple[LockedWheel, ...]
    site: str
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixChanges:
    """What must change in a prefix, package by package and as the steps need it.

    `link` are the names of the records to link, `relinked` those of them that are there already but miss files;
    `wheels` are those to install, in the lock's order; `removed` are the distributions that go.
    """

    differences: tuple[Difference, ...]
    link: frozenset[str]
    relinked: frozenset[str]
    wheels: tuple[LockedWheel, ...]
    removed: tuple[Distribution, ...]


def compare(contents: PrefixContents, wanted: WantedContents, installed_wheels: Mapping[str, str]) -> PrefixChanges:
    """Compare a prefix with what it is to hold.

    `installed_wheels` maps distributions to the sha256 of the wheel that they came from, as far as it is known.
    """
    removed, wheels = _distributions(contents, wanted, installed_wheels)
    conda = list(_records(contents, wanted, removed))
    coming = {wheel.name for wheel in wanted.wheels}
    # a distribution that no wheel brought, and whose record comes (back), is that record's own
    coming |= {each.name for each in conda if each.kind == "added" and each.name not in installed_wheels}
    gone = (
        Difference(name=each.name, source="pypi", kind="removed", before=each.version)
        for each in removed
        if each.name not in coming
    )
    return PrefixChanges(
        differences=tuple(sorted((*conda, *_wheel_differences(contents, wheels), *gone))),
        link=frozenset(each.name for each in conda if each.kind != "removed"),
        relinked=frozenset(each.name for each in conda if each.kind == "repaired"),
        wheels=tuple(wheels),
        removed=tuple(removed),
    )


def _records(contents: PrefixContents, wanted: WantedContents, removed: Sequence[Distribution]) -> Iterator[Difference]:
    installed = {record.name: record for record in contents.records}
    staying = {record.name for record in wanted.records if (it := installed.get(record.name)) and it.is_of(record)}
    # two may have one path: it goes with either, or is the other's
    going = {file for name, each in installed.items() if name not in staying for file in (*each.files, *each.listed)}
    going.update(file for each in removed for file in each.files)
    doubled = {record.name: record.shown for record in contents.doubled}
    for record in wanted.records:
        before, after = installed.get(record.name), f"{record.version}={record.build}"
        if record.name in doubled:
            yield Difference(
                name=record.name, source="conda", kind="repaired", before=doubled[record.name], after=after
            )
        elif before is None:
            yield Difference(name=record.name, source="conda", kind="added", after=after)
        elif not before.is_of(record):
            yield Difference(name=record.name, source="conda", kind="changed", before=before.shown, after=after)
        elif record.name in contents.broken or not going.isdisjoint(before.files):
            yield Difference(name=record.name, source="conda", kind="repaired", before=before.shown, after=after)
    names = {record.name for record in wanted.records}
    for name, left in (doubled | {name: each.shown for name, each in installed.items()}).items():
        if name not in names:
            yield Difference(name=name, source="conda", kind="removed", before=left)


def _distributions(
    contents: PrefixContents, wanted: WantedContents, installed_wheels: Mapping[str, str]
) -> tuple[list[Distribution], list[LockedWheel]]:
    """Return the loose distributions to remove, and the wheels to install; what is replaced is in both."""
    locked = {wheel.name: wheel for wheel in wanted.wheels}
    removed, there = [], set()
    for each in contents.loose:
        wheel = locked.get(each.name) if each.site == wanted.site else None
        if wheel is not None and _is_whole(contents.prefix, each, wheel, installed_wheels) and each.name not in there:
            there.add(each.name)
        elif wheel is not None or each.site != wanted.site or each.url not in wanted.projects:
            removed.append(each)
    return removed, [wheel for wheel in wanted.wheels if wheel.name not in there]


def _is_whole(prefix: Path, each: Distribution, wheel: LockedWheel, installed_wheels: Mapping[str, str]) -> bool:
    known = installed_wheels.get(each.name, wheel.wheel.sha256) == wheel.wheel.sha256
    return known and _same(each.version, wheel.version) and each.complete and not each.missing(prefix)


def _same(first: str, second: str) -> bool:
    """Compare two versions as PEP 440 does: metadata may say 2024.01.1 where the lock says 2024.1.1."""
    return first == second or canonicalize_version(first) == canonicalize_version(second)


def _wheel_differences(contents: PrefixContents, wheels: list[LockedWheel]) -> Iterator[Difference]:
    loose = {each.name: each.version for each in contents.loose}
    for wheel in wheels:
        before = loose.get(wheel.name, "")
        kind: Kind = "added" if not before else "repaired" if _same(before, wheel.version) else "changed"
        yield Difference(name=wheel.name, source="pypi", kind=kind, before=before, after=wheel.version)


def verify_contents(contents: PrefixContents, wanted: WantedContents) -> None:
    """Verify that each record and distribution is there with all of its files, and no other is.

    Raises:
        InstallError: with everything that differs.
    """
    faults = list(_faults(contents, wanted))
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InstallError(
            f"{contents.prefix} is not what the lock says: {'; '.join(faults[:_SHOWN])}{more}",
            hint="is something else at work in that folder?",
            code="verify",
        )


def _faults(contents: PrefixContents, wanted: WantedContents) -> Iterator[str]:
    yield from (f"{file.name} is damaged" for file in contents.unreadable)
    yield from (f"{record.file} is not the only record of {record.name}" for record in contents.doubled)
    words = {
        "added": "is missing",
        "changed": "is another",
        "repaired": "misses files",
        "removed": "is there though it is not locked",
    }
    for each in compare(contents, wanted, {}).differences:
        yield f"{each.name} {words[each.kind]}"
