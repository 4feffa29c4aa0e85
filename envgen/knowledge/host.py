"""Describe what may be wrong with a machine, and why it matters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from envgen.knowledge.tables import rows
from envgen.models.findings import Severity

TABLE = "host.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRule:
    """What a finding about a machine breaks, and the way out."""

    code: str
    severity: Severity
    why: str
    fix: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{self.code}: {self.why}; fix: {self.fix}"


@cache
def host_rules() -> tuple[HostRule, ...]:
    """Read the findings."""
    return rows(TABLE, "finding", HostRule)


def host_rule(code: str) -> HostRule:
    """Find a finding's row by its code; raise KeyError for one that is none."""
    return {row.code: row for row in host_rules()}[code]
