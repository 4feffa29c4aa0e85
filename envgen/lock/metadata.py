"""Hold what a lock says beside its packages as flat texts, the form of conda-lock's custom_metadata."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from envgen.lock.model import FORMAT_VERSION, Lock, PlatformLock
from envgen.models.findings import Decision, Finding, Severity, Source
from envgen.models.platform import Platform

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def lock_facts(lock: Lock) -> dict[str, str]:
    """Give the facts of the whole lock, in a fixed order."""
    facts = {
        "created_by": lock.created_by,
        "envgen_format": FORMAT_VERSION,
        "name": lock.name,
        "manifest_digest": lock.manifest_digest,
    }
    if lock.exclude_newer:
        facts["exclude_newer"] = lock.exclude_newer
    if lock.indexes:
        facts["indexes"] = " ".join(lock.indexes)
    facts |= {f"local.{number}": words for number, words in enumerate(lock.projects, 1)}
    return facts


def read_projects(facts: Mapping[str, str]) -> tuple[str, ...]:
    """Read the user's own projects out of the facts of the whole lock."""
    return tuple(_numbered(facts, "local"))


def platform_facts(lock: PlatformLock) -> dict[str, str]:
    """Give the facts of one platform under `<subdir>.<what>`, sorted where their order says nothing.

    Decisions are keyed by their requirement, so that two branches that add one do not touch the same lines.
    """
    target = lock.platform
    facts = {"python": target.python, "macos": target.macos, "accelerator": lock.accelerator}
    facts |= {"solver": lock.solver, "repodata": lock.repodata}
    facts |= dict(_decision_facts(lock.decisions))
    facts |= {f"finding.{number}": _finding_text(each) for number, each in enumerate(sorted(lock.findings), 1)}
    facts |= {f"note.{number}": note for number, note in enumerate(filter(None, lock.notes), 1)}
    return {f"{target.subdir}.{key}": value for key, value in facts.items() if value}


def read_platform_facts(subdir: str, facts: Mapping[str, str]) -> PlatformLock:
    """Build a lock without packages from one platform's facts, their prefix removed; raise ValueError for odd ones."""
    return PlatformLock(
        platform=Platform(subdir=subdir, python=_fact(facts, "python"), macos=facts.get("macos", "")),
        solver=_fact(facts, "solver"),
        repodata=_fact(facts, "repodata"),
        accelerator=facts.get("accelerator", "cpu"),
        decisions=tuple(_decisions(facts)),
        findings=tuple(_finding(text) for text in _numbered(facts, "finding")),
        notes=tuple(_numbered(facts, "note")),
    )


def facts_of(subdir: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Select one platform's facts and remove their prefix."""
    prefix = f"{subdir}."
    return {key.removeprefix(prefix): value for key, value in facts.items() if key.startswith(prefix)}


def _fact(facts: Mapping[str, str], key: str) -> str:
    if key not in facts:
        raise ValueError(f"`{key}` is missing")
    return facts[key]


def sorted_decisions(decisions: Iterable[Decision]) -> list[Decision]:
    """Sort decisions as they are written: by requirement."""
    return sorted(decisions, key=lambda each: (each.requirement, each.source, each.name, each.why))


def _decision_facts(decisions: Iterable[Decision]) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for each in sorted_decisions(decisions):
        again = seen.get(each.requirement, 0)
        seen[each.requirement] = again + 1
        yield f"decision{'+' * again}.{each.requirement}", f"{each.source} {each.name} - {each.why}"


def _decisions(facts: Mapping[str, str]) -> Iterator[Decision]:
    for key, value in facts.items():
        kind, _, requirement = key.partition(".")
        if kind.rstrip("+") == "decision":
            head, dash, why = value.partition(" - ")
            source, _, name = head.partition(" ")
            if not dash or source not in get_args(Source):
                raise ValueError(f"not a decision: `{value}`")
            yield Decision(requirement=requirement, name=name, source=_source(source), why=why)


def _source(text: str) -> Source:
    return "conda" if text == "conda" else "pypi" if text == "pypi" else "unknown"


def _finding_text(finding: Finding) -> str:
    return _encode([finding.code, finding.severity, finding.message, finding.hint, *finding.packages])


def _finding(text: str) -> Finding:
    parts: object = json.loads(text)
    if not isinstance(parts, list) or len(parts) < 4 or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"not a finding: `{text}`")
    code, severity, message, hint, *packages = parts
    if severity not in get_args(Severity):
        raise ValueError(f"not a severity: `{severity}`")
    return Finding(code=code, severity=severity, message=message, hint=hint, packages=tuple(packages))


def _numbered(facts: Mapping[str, str], kind: str) -> Iterator[str]:
    number = 1
    while (text := facts.get(f"{kind}.{number}")) is not None:
        yield text
        number += 1
