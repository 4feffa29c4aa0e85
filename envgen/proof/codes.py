"""Name the findings of the proof that metadata alone yields."""

from __future__ import annotations

from collections.abc import Mapping

from envgen.models.findings import Finding, Severity

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
