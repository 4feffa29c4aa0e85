"""The proof that each file of a lock is what the lock says, for its target."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from packaging.version import Version

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.lock.package_fields import artifact, wheel_filename
from envgen.models.findings import Finding, Severity
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.wheel import wheel_parts, wheel_rank

_HASHES = {"md5": re.compile(r"[0-9a-f]{32}"), "sha256": re.compile(r"[0-9a-f]{64}")}
AGAIN = "restore the lock from version control, or lock again: `envgen lock`"
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


def fault(code: str, message: str, hint: str, *packages: str, severity: Severity = "error") -> Finding:
    """Return a finding; its packages are sorted, each once."""
    return Finding(code=code, severity=severity, message=message, hint=hint, packages=tuple(sorted(set(packages))))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings sorted by severity, errors first, then by code and text."""
    return tuple(sorted(findings, key=lambda finding: (_SEVERITIES.index(finding.severity), finding)))


def file_findings(lock: PlatformLock) -> Iterator[Finding]:
    """Yield files of another package, platform or python, and files without hashes."""
    for record in lock.conda:
        yield from _record(record, lock.platform)
    for wheel in lock.pypi:
        yield from _wheel(wheel, lock.platform)
    yield from _python(lock)


def _record(record: Record, platform: Platform) -> Iterator[Finding]:
    if record.subdir not in platform.subdirs:
        message = f"{record} is for {record.subdir or 'no platform'}, not for {platform.subdir}"
        yield fault("SUBDIR", message, AGAIN, record.name)
    parts = artifact(record.url)
    wanted = (record.name, record.version, record.build, record.subdir)
    if (parts.name, parts.version, parts.build, parts.subdir) != wanted:
        yield fault("URL", f"the URL of {record} is of another file: {record.filename}", AGAIN, record.name)
    elif parts.channel != record.channel:
        message = f"the file of {record} is not under the URL of its channel"
        hint = "say in `channels` the URL that holds it"
        yield fault("URL-ELSEWHERE", message, hint, record.name, severity="warning")
    yield from _hashes(str(record), record.name, {"md5": record.md5, "sha256": record.sha256})
    if record.md5 and not record.sha256:
        hint = "nothing, or lock again where the channel's own index is in reach"
        yield fault("HASH-WEAK", f"{record} has no sha256", hint, record.name, severity="warning")


def _hashes(label: str, name: str, hashes: dict[str, str]) -> Iterator[Finding]:
    if not any(hashes.values()):
        yield fault("HASH-MISSING", f"{label} has no hash", AGAIN, name)
    for kind, value in hashes.items():
        if value and _HASHES[kind].fullmatch(value) is None:
            yield fault("HASH-MALFORMED", f"the {kind} of {label} is none: `{value}`", AGAIN, name)


def _wheel(locked: LockedWheel, platform: Platform) -> Iterator[Finding]:
    wheel = locked.wheel
    label = f"{wheel.name} {wheel.version}"
    yield from _hashes(label, wheel.name, {"sha256": wheel.sha256})
    if wheel.url and wheel_filename(wheel.url) != wheel.filename:
        message = f"the URL of {label} is of another file: {wheel_filename(wheel.url)}"
        yield fault("URL", message, AGAIN, wheel.name)
    if not _is_of(wheel.filename, wheel.name, wheel.version):
        yield fault("WHEEL-NAME", f"{wheel.filename} is not a wheel of {label}", AGAIN, wheel.name)
    elif wheel_rank(wheel.filename, platform) is None:
        message = f"{wheel.filename} does not fit {_target(platform)}"
        hint = "raise `macos` in the manifest, or take a version that has a wheel for it"
        yield fault("WHEEL-TAGS", message, hint, wheel.name)


def _is_of(filename: str, name: str, version: str) -> bool:
    try:
        found_name, found_version, _, _ = wheel_parts(filename)
        return found_name == name and found_version == Version(version)
    except ValueError:
        return False


def _target(platform: Platform) -> str:
    macos = f" with macOS {platform.macos}" if platform.is_mac else ""
    return f"python {platform.python} on {platform.subdir}{macos}"


def _python(lock: PlatformLock) -> Iterator[Finding]:
    names = {record.name: record for record in lock.conda}
    python = names.get("python")
    if python and python.version.split(".")[:2] != lock.platform.python.split("."):
        message = f"{python} is locked for python {lock.platform.python}"
        yield fault("PYTHON", message, AGAIN, "python")
    if lock.pypi and "pip" not in names:
        yield fault("PIP-MISSING", "PyPI packages are locked without pip", AGAIN, "pip")
