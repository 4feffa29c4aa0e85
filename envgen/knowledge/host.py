"""What may be wrong with a machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from envgen.knowledge.tables import lazy_table
from envgen.models.findings import Severity


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
        return f"{self.code}: {self.why}; fix: {self.fix}"


host_rules = lazy_table("host.toml", "finding", HostRule)


def host_rule(code: str) -> HostRule:
    """Return the rule of a finding's code; raise KeyError for one that is none."""
    return {rule.code: rule for rule in host_rules()}[code]
