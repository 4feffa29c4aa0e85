"""Prove that each file of a lock is what the lock says, and for the target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.lock.package_fields import artifact, wheel_filename
from envgen.models.findings import Finding, Severity
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.wheel import wheel_rank

_HASHES = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
_AGAIN = "restore the lock from version control, or lock again: `envgen lock`"


def file_findings(lock: PlatformLock) -> Iterator[Finding]:
    """Report files of another package, platform or python, files without hashes, and packages locked twice."""
    for record in lock.conda:
        yield from _record(record, lock.platform)
    for wheel in lock.pypi:
        yield from _wheel(wheel, lock.platform)
    yield from _twice("DOUBLE-RECORD", [record.name for record in lock.conda])
    yield from _twice("DOUBLE-WHEEL", [wheel.name for wheel in lock.pypi])
    yield from _python(lock)


def _twice(code: str, names: list[str]) -> Iterator[Finding]:
    for name, count in sorted(Counter(names).items()):
        if count > 1:
            yield found(code, f"{name} is locked {count} times", _AGAIN, name)


def _record(record: Record, platform: Platform) -> Iterator[Finding]:
    if record.subdir not in platform.subdirs:
        message = f"{record} is for {record.subdir or 'no platform'}, not for {platform.subdir}"
        yield found("SUBDIR", message, _AGAIN, record.name)
    parts = artifact(record.url)
    wanted = (record.name, record.version, record.build, record.subdir)
    if (parts.name, parts.version, parts.build, parts.subdir) != wanted:
        yield found("URL", f"the URL of {record} is of another file: {record.filename}", _AGAIN, record.name)
    elif parts.channel != record.channel:
        message = f"the file of {record} is not under the URL of its channel"
        yield found("URL-ELSEWHERE", message, "say in `channels` the URL that holds it", record.name)
    yield from _hashes(str(record), record.name, {"md5": record.md5, "sha256": record.sha256})
    if record.md5 and not record.sha256:
        hint = "nothing, or lock again where the channel's own index is in reach"
        yield found("HASH-WEAK", f"{record} has no sha256", hint, record.name)


def _hashes(label: str, name: str, hashes: dict[str, str]) -> Iterator[Finding]:
    if not any(hashes.values()):
        yield found("HASH-MISSING", f"{label} has no hash", _AGAIN, name)
    for kind, value in hashes.items():
        if value and _HASHES[kind].fullmatch(value) is None:
            yield found("HASH-MALFORMED", f"the {kind} of {label} is none: `{value}`", _AGAIN, name)


def _wheel(locked: LockedWheel, platform: Platform) -> Iterator[Finding]:
    wheel = locked.wheel
    label = f"{wheel.name} {wheel.version}"
    yield from _hashes(label, wheel.name, {"sha256": wheel.sha256})
    if wheel.url and wheel_filename(wheel.url) != wheel.filename:
        message = f"the URL of {label} is of another file: {wheel_filename(wheel.url)}"
        yield found("URL", message, _AGAIN, wheel.name)
    if not _is_of(wheel.filename, wheel.name, wheel.version):
        yield found("WHEEL-NAME", f"{wheel.filename} is not a wheel of {label}", _AGAIN, wheel.name)
    elif wheel_rank(wheel.filename, platform) is None:
        message = f"{wheel.filename} does not fit {_target(platform)}"
        hint = "raise `macos` in the manifest, or take a version that has a wheel for it"
        yield found("WHEEL-TAGS", message, hint, wheel.name)


def _is_of(filename: str, name: str, version: str) -> bool:
    try:
        found_name, found_version, _, _ = parse_wheel_filename(filename)
        return found_name == name and found_version == Version(version)
    except (InvalidWheelFilename, InvalidVersion):
        return False


def _target(platform: Platform) -> str:
    macos = f" with macOS {platform.macos}" if platform.is_mac else ""
    return f"python {platform.python} on {platform.subdir}{macos}"


def _python(lock: PlatformLock) -> Iterator[Finding]:
    names = {record.name: record for record in lock.conda}
    python = names.get("python")
    minor = ".".join(python.version.split(".")[:2]) if python else ""
    if python and minor != lock.platform.python:
        message = f"{python} is locked for python {lock.platform.python}"
        yield found("PYTHON", message, _AGAIN, "python")
    if lock.pypi and "pip" not in names:
        yield found("PIP-MISSING", "PyPI packages are locked without pip", _AGAIN, "pip")


# Name the findings of the proof that metadata alone yields.

CODES: Mapping[str, tuple[Severity, str]] = {
    "DEPENDS-MISSING": ("error", "a record needs a package that is not in the lock"),
    "DEPENDS-UNMET": ("error", "a record needs another version or build of a package than the locked one"),
    "CONSTRAINS": ("error", "a record forbids the locked version or build of another"),
    "CONSTRAINS-PYPI": ("error", "a record forbids the locked version of a PyPI package"),
    "SYSTEM": ("error", "a record needs a system, such as a newer macOS, that the target does not promise"),
    "SPEC-UNREADABLE": ("warning", "a record's depends or constrains cannot be read, and so not be proved"),
    "DOUBLE-RECORD": ("error", "one conda package is in the lock twice"),
    "DOUBLE-WHEEL": ("error", "one PyPI package is in the lock twice"),
    "DOUBLE-DISTRIBUTION": ("error", "conda and PyPI both install one distribution"),
    "DOUBLE-CONTENT": ("warning", "two conda packages install one distribution"),
    "SUBDIR": ("error", "a record is for another platform"),
    "URL": ("error", "a URL ends in another file than the package it stands for"),
    "URL-ELSEWHERE": ("warning", "a record's file is not under its channel's URL"),
    "HASH-MISSING": ("error", "a file has no hash by which it could be checked"),
    "HASH-WEAK": ("warning", "a record has an md5 and no sha256"),
    "HASH-MALFORMED": ("error", "a hash is none"),
    "PYTHON": ("error", "the locked python is not of the target's minor version"),
    "PIP-MISSING": ("error", "PyPI packages are locked without a pip to install them"),
    "REQUIRES-MISSING": ("error", "a wheel requires a distribution that nothing in the lock provides"),
    "REQUIRES-UNMET": ("error", "a wheel requires another version of a distribution than the locked one"),
    "REQUIRES-UNREADABLE": ("warning", "a wheel's requirement cannot be compared, and so not be proved"),
    "REQUIRES-PYTHON": ("error", "a wheel does not take the target's python"),
    "WHEEL-TAGS": ("error", "a wheel does not fit the target's python, machine or macOS"),
    "WHEEL-NAME": ("error", "a wheel's file is of another package or version than the lock says"),
}
"""Give each finding its severity and its meaning, for the documentation too."""


def found(code: str, message: str, hint: str, *packages: str) -> Finding:
    """Build a finding with its code's severity, its packages sorted."""
    severity, _ = CODES[code]
    return Finding(code=code, severity=severity, message=message, hint=hint, packages=tuple(sorted(set(packages))))
