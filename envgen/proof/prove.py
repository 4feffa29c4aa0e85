"""The proof that the packages of a lock fit together."""

from __future__ import annotations

from collections.abc import Callable

from envgen.lock.model import PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Finding, StaleReason
from envgen.models.record import Record
from envgen.proof.doubles import double_findings
from envgen.proof.facts import fact_findings
from envgen.proof.files import file_findings, in_order
from envgen.proof.requirements import need_findings, require_findings


def prove(lock: PlatformLock, *, distributions_of: Callable[[Record], tuple[str, ...]]) -> tuple[Finding, ...]:
    """Return every fault in how the packages of one target fit together, errors first; sorted, each once.

    `distributions_of` returns the canonical names of the PyPI distributions that a record provides. Cycles of depends
    are no fault, and neither are conda names that differ in `-` and `_` alone.
    """
    return in_order(
        {
            *file_findings(lock),
            *double_findings(lock, distributions_of),
            *need_findings(lock, distributions_of),
            *require_findings(lock, distributions_of),
        }
    )


def _findings_today(lock: PlatformLock) -> tuple[Finding, ...]:
    """Return what is found without any index by what is known today, each once."""
    return tuple(
        dict.fromkeys([*prove(lock, distributions_of=distributions_of), *fact_findings(lock, distributions_of)])
    )


def proof_faults(lock: PlatformLock) -> tuple[StaleReason, ...]:
    """Return the errors of today's proof."""
    errors = (finding for finding in _findings_today(lock) if finding.severity == "error")
    return tuple(StaleReason(code=error.code, message=f"{lock.platform.subdir}: {error.message}") for error in errors)


def new_findings(lock: PlatformLock) -> tuple[str, ...]:
    """Return in words what today's proof finds beside errors, and the proof of the day of locking did not."""
    known = set(lock.findings)
    fresh = (each for each in _findings_today(lock) if each.severity != "error" and each not in known)
    return tuple(f"{lock.platform.subdir}: {each.code}: {each.message}" for each in fresh)
