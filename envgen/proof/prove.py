"""Prove a lock from the metadata of its packages alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from envgen.lock.model import PlatformLock
from envgen.models.findings import Finding
from envgen.models.record import Record
from envgen.proof.files import file_findings
from envgen.proof.needs import need_findings
from envgen.proof.requires import require_findings

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
