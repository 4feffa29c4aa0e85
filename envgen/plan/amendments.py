"""Say which records of conda lack a bound, so that a solve sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from envgen.knowledge.caps import CapRule, cap_rules
from envgen.knowledge.names import name_table
from envgen.knowledge.version_ranges import covers
from envgen.mapping.version_specs import to_match_specs
from envgen.models.record import Record


def amendments() -> Mapping[str, Callable[[Record], Record]]:
    """Give, for each conda name whose metadata lacks a bound, the function that adds it to a record's constrains.

    This is what conda-forge does for its own records by patching repodata; a release outside a rule is left alone.
    """
    rules: dict[str, list[CapRule]] = {}
    for rule in cap_rules():
        if "conda" in rule.halves:
            rules.setdefault(conda_name(rule.beside), []).append(rule)
    return {name: _amendment(tuple(found)) for name, found in rules.items()}


def conda_name(distribution: str) -> str:
    """Give the conda name of a distribution that a fact speaks of, from the table of names alone."""
    holders = name_table().holders.get(distribution)
    return holders[0] if holders else distribution


def _amendment(rules: tuple[CapRule, ...]) -> Callable[[Record], Record]:
    def amend(record: Record) -> Record:
        bounds = [
            str(to_match_specs(conda_name(rule.distribution), rule.specifier).spec)
            for rule in rules
            if covers(rule.versions, record.version)
        ]
        missing = [bound for bound in bounds if bound not in record.constrains]
        return replace(record, constrains=(*record.constrains, *missing)) if missing else record

    return amend
