"""The proof that what records and wheels need is in the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Finding
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record, VirtualPackage
from envgen.proof.files import fault


def need_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> Iterator[Finding]:
    """Yield what each record needs or forbids and the lock does not meet.

    `depends` must be met by a record or by a virtual package of the target; `constrains` count for records, and for
    PyPI's packages, which a conda solver does not see.
    """
    present: dict[str, Record | VirtualPackage] = {each.name: each for each in lock.platform.virtual_packages()}
    present |= {record.name: record for record in lock.conda}
    wheels = {wheel.name: wheel for wheel in lock.pypi}
    for record in lock.conda:
        yield from _depends(record, present)
        yield from _constrains(record, present, wheels, distributions_of)


def _depends(record: Record, present: Mapping[str, Record | VirtualPackage]) -> Iterator[Finding]:
    for text in record.depends:
        spec = _spec(text)
        if spec is None:
            yield _unreadable(record, "depends", text)
        elif spec.name in present:
            if not spec.matches(present[spec.name]):
                yield _mismatch("DEPENDS-UNMET", record, "needs", text, present[spec.name])
        elif spec.name.startswith("__"):
            yield _system(record, text, "which the target does not have")
        else:
            message = f"{record} needs `{text}`, and {spec.name} is not in the lock"
            yield fault("DEPENDS-MISSING", message, "lock again: `envgen lock`", record.name, spec.name)


def _constrains(
    record: Record,
    present: Mapping[str, Record | VirtualPackage],
    wheels: Mapping[str, LockedWheel],
    distributions_of: Callable[[Record], tuple[str, ...]],
) -> Iterator[Finding]:
    for text in record.constrains:
        spec = _spec(text)
        if spec is None:
            yield _unreadable(record, "constrains", text)
            continue
        if spec.name in present and not spec.matches(present[spec.name]):
            yield _mismatch("CONSTRAINS", record, "goes only with", text, present[spec.name])
        if not wheels or canonicalize_name(spec.name) == canonicalize_name(record.name):
            continue  # a twin's constrains, such as `argon2_cffi ==999` of argon2-cffi, are about conda's names
        for name in _distributions(spec.name, wheels.values(), distributions_of):
            wheel = wheels[name]
            if not spec.matches_version(wheel.version):
                message = f"{record} goes only with `{text}`, and {name} {wheel.version} from PyPI is locked"
                hint = f"bound {name} or {record.name} in the manifest's constraints and lock again"
                yield fault("CONSTRAINS-PYPI", message, hint, record.name, name)


@cache
def _spec(text: str) -> MatchSpec | None:
    try:
        return MatchSpec.parse(text)
    except ValueError:
        return None


def _mismatch(code: str, record: Record, verb: str, text: str, met: Record | VirtualPackage) -> Finding:
    if isinstance(met, VirtualPackage):
        return _system(record, text, f"the target has {met.name} {met.version}")
    hint = f"lock again: `envgen lock --update {record.name}`"
    return fault(code, f"{record} {verb} `{text}`, and {met} is locked", hint, record.name, met.name)


def _system(record: Record, text: str, reason: str) -> Finding:
    hint = "take a build of it for the target"
    if text.startswith("__osx"):
        hint = "raise `macos` in the manifest, or take an older version of it"
    return fault("SYSTEM", f"{record} needs `{text}`, {reason}", hint, record.name)


def _distributions(
    conda_name: str, wheels: Iterable[LockedWheel], distributions_of: Callable[[Record], tuple[str, ...]]
) -> list[str]:
    """Return the locked wheels whose distribution a conda package of this name would provide."""
    # The package is not in the lock: a Python record of the wheel's own version stands for it.
    names = []
    for wheel in wheels:
        version, depends = wheel.version, ("python",)
        record = Record(
            name=conda_name, version=version, build="", build_number=0, subdir="", channel="", url="", depends=depends
        )
        if wheel.name in distributions_of(record):
            names.append(wheel.name)
    return names


def _unreadable(record: Record, kind: str, text: str) -> Finding:
    message = f"`{text}` in the {kind} of {record} cannot be read"
    return fault("SPEC-UNREADABLE", message, "report it to the channel", record.name, severity="warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """What provides a distribution; `version` is PEP 440, or None where conda's version is none."""

    label: str
    package: str
    version: str | None


_Providers = Mapping[str, Sequence[_Provider]]


def require_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> Iterator[Finding]:
    """Yield requirements of wheels that nothing meets, and pythons that they refuse."""
    providers = _providers(lock, distributions_of)
    for wheel in lock.pypi:
        for text in wheel.requires:
            yield from _requirement(wheel, text, providers)
        yield from _requires_python(wheel, _python_version(lock))


def _providers(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> dict[str, list[_Provider]]:
    providers: dict[str, list[_Provider]] = {}
    for wheel in lock.pypi:
        label = f"{wheel.name} {wheel.version} from PyPI"
        provider = _Provider(label=label, package=wheel.name, version=to_pep440(wheel.version))
        providers.setdefault(wheel.name, []).append(provider)
    for record in lock.conda:
        for name in distributions_of(record):
            version = to_pep440(record.version)
            provider = _Provider(label=str(record), package=record.name, version=version)
            providers.setdefault(name, []).append(provider)
    return providers


def _requirement(wheel: LockedWheel, text: str, providers: _Providers) -> Iterator[Finding]:
    label = f"{wheel.name} {wheel.version}"
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        yield _requires_unreadable(wheel, f"`{text}`, which {label} requires, cannot be read")
        return
    name = canonicalize_name(requirement.name)
    provided = providers.get(name, ())
    if not provided:
        message = f"{label} requires `{text}`, and nothing in the lock provides {name}"
        yield fault("REQUIRES-MISSING", message, f"add {name} to the manifest and lock again", wheel.name, name)
    for provider in provided:
        if requirement.url or provider.version is None:
            yield _requires_unreadable(
                wheel, f"`{text}`, which {label} requires, cannot be compared with {provider.label}"
            )
        elif not requirement.specifier.contains(provider.version, prereleases=True):
            message = f"{label} requires `{text}`, and {provider.label} is locked"
            hint = f"lock again: `envgen lock --update {wheel.name} {provider.package}`"
            yield fault("REQUIRES-UNMET", message, hint, wheel.name, provider.package)


def _requires_unreadable(wheel: LockedWheel, message: str) -> Finding:
    return fault("REQUIRES-UNREADABLE", message, "check it by hand", wheel.name, severity="warning")


def _python_version(lock: PlatformLock) -> str:
    """Return the locked python's version; the target's minor where conda installs none."""
    locked = next((record.version for record in lock.conda if record.name == "python"), "")
    return to_pep440(locked) or f"{lock.platform.python}.0"


def _requires_python(wheel: LockedWheel, python: str) -> Iterator[Finding]:
    try:
        fits = SpecifierSet(wheel.requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        message = f"`{wheel.requires_python}`, the python that {wheel.name} requires, cannot be read"
        yield _requires_unreadable(wheel, message)
        return
    if not fits:
        message = f"{wheel.name} {wheel.version} requires python {wheel.requires_python}, and python {python} is locked"
        yield fault("REQUIRES-PYTHON", message, "take another version of it, or another python", wheel.name)
