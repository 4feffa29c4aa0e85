"""Prove a lock from the metadata of its packages alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envgen.lock.model import PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Finding, StaleReason
from envgen.models.record import Record
from envgen.proof.facts import fact_findings
from envgen.proof.files import file_findings
from envgen.proof.requirements import need_findings, require_findings

_ORDER = ("error", "warning", "info")


def prove(lock: PlatformLock, *, distributions_of: Callable[[Record], tuple[str, ...]]) -> tuple[Finding, ...]:
    """Report every fault in how the packages of one target fit together, errors first; sorted, each once.

    `distributions_of` gives the canonical names of the PyPI distributions that a record provides. Cycles of depends are
    no fault, and neither are conda names that differ in `-` and `_` alone.
    """
    findings = {
        *file_findings(lock),
        *need_findings(lock, distributions_of),
        *require_findings(lock, distributions_of),
    }
    return in_order(findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by severity, then by code and text."""
    return tuple(sorted(findings, key=lambda finding: (_ORDER.index(finding.severity), finding)))


# Prove a lock again with what is known today, without any index.


def findings_today(lock: PlatformLock) -> tuple[Finding, ...]:
    """List what the proof finds today, each once, errors first."""
    return tuple(
        dict.fromkeys([*prove(lock, distributions_of=distributions_of), *fact_findings(lock, distributions_of)])
    )


def proof_faults(lock: PlatformLock) -> tuple[StaleReason, ...]:
    """List the errors of today's proof."""
    errors = (finding for finding in findings_today(lock) if finding.severity == "error")
    return tuple(StaleReason(code=error.code, message=f"{lock.platform.subdir}: {error.message}") for error in errors)


def new_findings(lock: PlatformLock) -> tuple[str, ...]:
    """List in words what today's proof finds beside errors, and the proof of the day of locking did not."""
    known = set(lock.findings)
    fresh = (each for each in findings_today(lock) if each.severity != "error" and each not in known)
    return tuple(f"{lock.platform.subdir}: {each.code}: {each.message}" for each in fresh)
