"""Parse a distribution's core metadata, old and sloppy files included."""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from envgen.models.wheel import Wheel, WheelMetadata

_REPAIRS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"((?:>=|<=|>|<)\s*[\w.]*?)\.\*"), r"\1"),  # >=1.9.* means >=1.9
    (re.compile(r"(\d)\s*(?=(?:>=|<=|!=|==|~=|>|<))"), r"\1,"),  # >=1.0<2 lacks a comma
    (re.compile(r"(===?|!=|~=|>=|<=|>|<)\s*['\"]([\w.*+!-]+)['\"](?=[^;]*(?:;|$))"), r"\1\2"),  # >='1.0'
)


def parse_metadata(content: bytes, wheel: Wheel) -> WheelMetadata | None:
    """Read METADATA, or give None where the bytes are no metadata of this wheel's distribution.

    Requirements that PEP 508 refuses are repaired where uv repairs them too, else kept as written.
    """
    raw, _ = parse_email(content)
    name = raw.get("name", "")
    if canonicalize_name(name) != wheel.name:
        return None
    return WheelMetadata(
        name=wheel.name,
        version=raw.get("version", wheel.version),
        requires_dist=_requirements(raw.get("requires_dist") or ()),
        requires_python=raw.get("requires_python", ""),
        provides_extra=tuple(raw.get("provides_extra") or ()),
    )


def _requirements(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(repair(" ".join(text.split())) for text in texts)


def repair(text: str) -> str:
    """Give a requirement that PEP 508 accepts, if known slips are all that is wrong with the text."""
    requirement, separator, marker = text.partition(";")
    for pattern, replacement in ((re.compile("$^"), ""), *_REPAIRS):
        requirement = pattern.sub(replacement, requirement)
        candidate = f"{requirement}{separator}{marker}"
        try:
            Pep508(candidate)
        except InvalidRequirement:
            continue
        return candidate
    return text
