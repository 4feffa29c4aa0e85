"""Prove that what each wheel requires is there, whichever half provides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Finding
from envgen.models.record import Record
from envgen.proof.codes import found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """Hold what provides a distribution; `version` is PEP 440, or None where conda's version is none."""

    label: str
    package: str
    version: str | None
    is_wheel: bool


_Providers = Mapping[str, Sequence[_Provider]]


def require_findings(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> Iterator[Finding]:
    """Report requirements of wheels that nothing meets, pythons that they refuse, and distributions provided twice."""
    providers = _providers(lock, distributions_of)
    for wheel in lock.pypi:
        for text in wheel.requires:
            yield from _requirement(wheel, text, providers)
        yield from _requires_python(wheel, _python_version(lock))
    for name, provided in sorted(providers.items()):
        yield from _doubles(name, provided)


def _providers(lock: PlatformLock, distributions_of: Callable[[Record], tuple[str, ...]]) -> dict[str, list[_Provider]]:
    providers: dict[str, list[_Provider]] = {}
    for wheel in lock.pypi:
        label = f"{wheel.name} {wheel.version} from PyPI"
        provider = _Provider(label=label, package=wheel.name, version=to_pep440(wheel.version), is_wheel=True)
        providers.setdefault(wheel.name, []).append(provider)
    for record in lock.conda:
        for name in distributions_of(record):
            version = to_pep440(record.version)
            provider = _Provider(label=str(record), package=record.name, version=version, is_wheel=False)
            providers.setdefault(name, []).append(provider)
    return providers


def _requirement(wheel: LockedWheel, text: str, providers: _Providers) -> Iterator[Finding]:
    label = f"{wheel.name} {wheel.version}"
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        yield _unreadable(wheel, f"`{text}`, which {label} requires, cannot be read")
        return
    name = canonicalize_name(requirement.name)
    provided = providers.get(name, ())
    if not provided:
        message = f"{label} requires `{text}`, and nothing in the lock provides {name}"
        yield found("REQUIRES-MISSING", message, f"add {name} to the manifest and lock again", wheel.name, name)
    for provider in provided:
        if requirement.url or provider.version is None:
            yield _unreadable(wheel, f"`{text}`, which {label} requires, cannot be compared with {provider.label}")
        elif not requirement.specifier.contains(provider.version, prereleases=True):
            message = f"{label} requires `{text}`, and {provider.label} is locked"
            hint = f"lock again: `envgen lock --update {wheel.name} {provider.package}`"
            yield found("REQUIRES-UNMET", message, hint, wheel.name, provider.package)


def _unreadable(wheel: LockedWheel, message: str) -> Finding:
    return found("REQUIRES-UNREADABLE", message, "check it by hand", wheel.name)


def _python_version(lock: PlatformLock) -> str:
    """Give the locked python's version; the target's minor where conda installs none."""
    locked = next((record.version for record in lock.conda if record.name == "python"), "")
    return to_pep440(locked) or f"{lock.platform.python}.0"


def _requires_python(wheel: LockedWheel, python: str) -> Iterator[Finding]:
    try:
        fits = SpecifierSet(wheel.requires_python).contains(python, prereleases=True)
    except InvalidSpecifier:
        message = f"`{wheel.requires_python}`, the python that {wheel.name} requires, cannot be read"
        yield _unreadable(wheel, message)
        return
    if not fits:
        message = f"{wheel.name} {wheel.version} requires python {wheel.requires_python}, and python {python} is locked"
        yield found("REQUIRES-PYTHON", message, "take another version of it, or another python", wheel.name)


def _doubles(name: str, provided: Sequence[_Provider]) -> Iterator[Finding]:
    records = [each for each in provided if not each.is_wheel]
    wheels = [each for each in provided if each.is_wheel]
    packages = [each.package for each in provided]
    if wheels and records:
        message = f"{name} is provided by {wheels[0].label} and by {', '.join(each.label for each in records)}"
        yield found("DOUBLE-DISTRIBUTION", message, f"lock again: `envgen lock --update {name}`", *packages)
    elif len(records) > 1:
        message = f"{name} is provided by {' and by '.join(sorted(each.label for each in records))}"
        yield found("DOUBLE-CONTENT", message, "drop one of them from the manifest if you asked for both", *packages)
