"""Markers of the target's kernel, which uv does not know: wheels that have such are told to it with these answered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import ResolveRequest, WheelMetadata


def answered(request: ResolveRequest, chosen: Iterable[WheelMetadata]) -> ResolveRequest:
    """Return a request that also tells uv what those of the wheels require on the target whose markers name a kernel.

    uv takes `platform_release` and `platform_version` as empty for each target. What it is told of a wheel counts for
    that version alone, so that it may still choose another.
    """
    told = {(known.name, known.version): known for known in request.known}
    for metadata in chosen:
        if (metadata.name, metadata.version) not in told:
            needs = tuple(Requirement.readable(metadata.requires_dist, Origin(path=metadata.name)))
            if any(need.names_kernel for need in needs):
                requires = tuple(line for need in needs for line in _lines(need, metadata, request.platform))
                told[metadata.name, metadata.version] = replace(metadata, requires_dist=requires)
    return replace(request, known=tuple(told[key] for key in sorted(told)))


def _lines(need: Requirement, metadata: WheelMetadata, platform: Platform) -> Iterator[str]:
    """Yield a requirement, one that names the kernel without that: once, or once for each extra that brings it."""
    if not need.names_kernel:
        yield _with_marker(need, need.marker)
    elif need.applies(platform.markers()):
        yield str(need)
    else:
        for extra in metadata.provides_extra:
            if need.applies(platform.markers(), extra):
                yield _with_marker(need, f"extra == '{extra}'")


def _with_marker(need: Requirement, marker: str) -> str:
    return f"{need}{' ' * bool(need.url)}; {marker}" if marker else str(need)


def dependency_metadata(known: Iterable[WheelMetadata]) -> str:
    """Write what uv is told of wheels as a configuration of its own; a JSON string is one of TOML's."""
    tables = (
        "[[dependency-metadata]]\n"
        f"name = {_string(metadata.name)}\n"
        f"version = {_string(metadata.version)}\n"
        f"requires-dist = [{', '.join(map(_string, metadata.requires_dist))}]\n"
        f"provides-extra = [{', '.join(map(_string, metadata.provides_extra))}]\n"
        for metadata in known
    )
    return "\n".join(tables)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
