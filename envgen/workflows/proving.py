"""Prove a lock again with what is known today, without any index."""

from __future__ import annotations

from envgen.lock.model import PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Finding, Reason
from envgen.proof.facts import fact_findings
from envgen.proof.prove import prove


def findings_today(lock: PlatformLock) -> tuple[Finding, ...]:
    """List what the proof finds today, each once, errors first."""
    return tuple(
        dict.fromkeys([*prove(lock, distributions_of=distributions_of), *fact_findings(lock, distributions_of)])
    )


def proof_faults(lock: PlatformLock) -> tuple[Reason, ...]:
    """List the errors of today's proof."""
    errors = (finding for finding in findings_today(lock) if finding.severity == "error")
    return tuple(Reason(code=error.code, message=f"{lock.platform.subdir}: {error.message}") for error in errors)


def new_findings(lock: PlatformLock) -> tuple[str, ...]:
    """List in words what today's proof finds beside errors, and the proof of the day of locking did not."""
    known = set(lock.findings)
    fresh = (each for each in findings_today(lock) if each.severity != "error" and each not in known)
    return tuple(f"{lock.platform.subdir}: {each.code}: {each.message}" for each in fresh)
