"""Read match specs the same way for every solver.

Solvers disagree about brackets, channels and hashes in a spec (libmamba drops a bracket key that it does not know). So
only name, version and build are given to them, in one unambiguous form; every other part is applied here, by leaving
out the records that it excludes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import rattler

from envgen.errors import UnsupportedOptionError
from envgen.models.match_spec import MatchSpec
from envgen.models.record import Record
from envgen.models.solve import RootSpec

_PART = re.compile(r'[\[,](\w+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\])')
_GIVEN = frozenset({"version", "build"})
_PLACES = frozenset({"channel", "subdir", "fn", "url"})
_ATTRIBUTES = frozenset({"build_number", "md5", "sha256", "license", "track_features"})


def bracketed(spec: MatchSpec) -> str:
    """Render name, version and build as `name[version="…",build="…"]`, which every parser reads alike."""
    parts = [("version", spec.version), ("build", spec.build)]
    text = ",".join(f'{key}="{value}"' for key, value in parts if value not in ("", "*"))
    return f"{spec.name}[{text}]" if text else spec.name


def spaced(spec: MatchSpec) -> str:
    """Render name, version and build as repodata writes them: `name version build`."""
    if spec.build in ("", "*"):
        return spec.name if spec.version in ("", "*") else f"{spec.name} {spec.version}"
    return f"{spec.name} {spec.version or '*'} {spec.build}"


def selective(specs: Iterable[RootSpec]) -> Mapping[str, Sequence[MatchSpec]]:
    """Collect, by name, the specs that say more than name, version and build.

    Raise UnsupportedOptionError for a part that no two solvers understand alike (`extras`, `when`, `flags`).
    """
    found: dict[str, list[MatchSpec]] = {}
    for root in specs:
        if "[" not in root.spec.text and ":" not in root.spec.text:
            continue
        parts = _parts(root.spec).keys() - _GIVEN
        if unknown := sorted(parts - _PLACES - _ATTRIBUTES):
            raise UnsupportedOptionError(
                f"`{root.spec}` says `{unknown[0]}`, which envgen cannot solve for",
                lines=[root.origin.line] if root.origin.line else [],
                hint=f"leave `{unknown[0]}` out of the match spec",
            )
        if parts:
            found.setdefault(root.spec.name, []).append(root.spec)
    return found


def selects(spec: MatchSpec, record: Record) -> bool:
    """Tell whether a record meets every part of a spec: also its channel, subdir, file name, hashes and licence."""
    parts = _parts(spec)
    channel = rattler.MatchSpec(spec.text).channel
    places = {"subdir": record.subdir, "fn": record.filename, "url": record.url}
    return (
        (channel is None or channel.base_url.rstrip("/") == record.channel)
        and all(value == parts.get(key, value) for key, value in places.items())
        and rattler.MatchSpec(spec.text).matches(_package_record(record))
    )


def _parts(spec: MatchSpec) -> dict[str, str]:
    canonical = rattler.MatchSpec(spec.text).to_canonical_string()
    return {key: value.strip('"') for key, value in _PART.findall(canonical)}


def _package_record(record: Record) -> rattler.PackageRecord:
    package = rattler.PackageRecord(
        name=record.name,
        version=record.version,
        build=rattler.BuildString.new_unchecked(record.build),
        build_number=record.build_number,
        subdir=record.subdir,
        md5=bytes.fromhex(record.md5) if record.md5 else None,
        sha256=bytes.fromhex(record.sha256) if record.sha256 else None,
        license=record.license or None,
    )
    package.track_features = list(record.track_features)
    return package
