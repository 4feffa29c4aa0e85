"""Prove the depends and constrains of each record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache

from packaging.utils import canonicalize_name

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.models.findings import Finding
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record, VirtualPackage
from envgen.proof.codes import found

_Named = Mapping[str, Record | VirtualPackage]
_MACOS_HINT = "raise `macos` in the manifest, or take an older version of it"


def need_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> Iterator[Finding]:
    """Report what each record needs or forbids and the lock does not heed.

    `depends` must be met by a record or by a virtual package of the target; `constrains` hold for records, and for
    PyPI's packages, which a conda solver does not see.
    """
    present: dict[str, Record | VirtualPackage] = {each.name: each for each in lock.platform.virtual_packages()}
    present |= {record.name: record for record in lock.conda}
    wheels = {wheel.name: wheel for wheel in lock.pypi}
    for record in lock.conda:
        for text in record.depends:
            yield from _depend(record, text, present)
        for text in record.constrains:
            yield from _constrain(record, text, present)
            yield from _pypi_constrain(record, text, wheels, distributions_of)


@cache
def _spec(text: str) -> MatchSpec | None:
    try:
        return MatchSpec.parse(text)
    except ValueError:
        return None


def _depend(record: Record, text: str, present: _Named) -> Iterator[Finding]:
    spec = _spec(text)
    if spec is None:
        yield _unreadable(record, "depends", text)
        return
    met = present.get(spec.name)
    if met is None:
        if spec.name.startswith("__"):
            yield _system(record, text, "which the target does not have")
        else:
            message = f"{record} needs `{text}`, and {spec.name} is not in the lock"
            yield found("DEPENDS-MISSING", message, "lock again: `envgen lock`", record.name, spec.name)
    elif not spec.matches(met):
        if isinstance(met, VirtualPackage):
            yield _system(record, text, f"the target has {met.name} {met.version}")
        else:
            message = f"{record} needs `{text}`, and {met} is locked"
            hint = f"lock again: `envgen lock --update {record.name}`"
            yield found("DEPENDS-UNMET", message, hint, record.name, met.name)


def _constrain(record: Record, text: str, present: _Named) -> Iterator[Finding]:
    spec = _spec(text)
    if spec is None:
        yield _unreadable(record, "constrains", text)
        return
    met = present.get(spec.name)
    if met is None or spec.matches(met):
        return
    if isinstance(met, VirtualPackage):
        yield _system(record, text, f"the target has {met.name} {met.version}")
        return
    message = f"{record} goes only with `{text}`, and {met} is locked"
    hint = f"lock again: `envgen lock --update {record.name}`"
    yield found("CONSTRAINS", message, hint, record.name, met.name)


def _pypi_constrain(
    record: Record,
    text: str,
    wheels: Mapping[str, LockedWheel],
    distributions_of: Callable[[Record], tuple[str, ...]],
) -> Iterator[Finding]:
    spec = _spec(text)
    if spec is None or not wheels or canonicalize_name(spec.name) == canonicalize_name(record.name):
        return  # a twin's constrains, such as `argon2_cffi ==999` of argon2-cffi, are about conda's names
    for name in _distributions(spec.name, wheels.values(), distributions_of):
        wheel = wheels[name]
        if not spec.matches_version(wheel.version):
            message = f"{record} goes only with `{text}`, and {name} {wheel.version} from PyPI is locked"
            hint = f"bound {name} or {record.name} in the manifest's constraints and lock again"
            yield found("CONSTRAINS-PYPI", message, hint, record.name, name)


def _distributions(
    conda_name: str, wheels: Iterable[LockedWheel], distributions_of: Callable[[Record], tuple[str, ...]]
) -> list[str]:
    """List the locked wheels whose distribution a conda package of this name would provide."""
    names = []
    for wheel in wheels:
        version, depends = wheel.version, ("python",)
        record = Record(
            name=conda_name, version=version, build="", build_number=0, subdir="", channel="", url="", depends=depends
        )
        if wheel.name in distributions_of(record):
            names.append(wheel.name)
    return names


def _system(record: Record, text: str, reason: str) -> Finding:
    hint = _MACOS_HINT if text.startswith("__osx") else "take a build of it for the target"
    return found("SYSTEM", f"{record} needs `{text}`, {reason}", hint, record.name)


def _unreadable(record: Record, kind: str, text: str) -> Finding:
    message = f"`{text}` in the {kind} of {record} cannot be read"
    return found("SPEC-UNREADABLE", message, "report it to the channel", record.name)
