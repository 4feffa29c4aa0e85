"""Read where uv takes a package from: `tool.uv.sources` of pyproject.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from packaging.utils import canonicalize_name

from envgen.readers.foreign import Asked, AskedLink, AskedProject, AskedRequirement, Unread
from envgen.readers.markers import may_hold


def sourced(item: AskedRequirement, sources: Mapping[str, object]) -> Asked:
    """Give what a requirement asks for where uv takes it from somewhere else than an index."""
    source = _source_of(item.requirement.name, sources)
    for key in ("git", "url"):
        if isinstance(link := source.get(key), str):
            return AskedLink(span=item.span, url=link, name=item.requirement.name, group=item.group)
    if isinstance(path := source.get("path"), str):
        editable = source.get("editable") is True
        extras = item.requirement.extras
        return AskedProject(span=item.span, path=path, editable=editable, extras=extras, group=item.group)
    if source.get("workspace") is True:
        why = f"`{item.requirement.name}` is another project of the workspace"
        return Unread(span=item.span, why=why, hint="list its folder under `local`")
    if isinstance(index := source.get("index"), str):
        note = f"uv's index `{index}` is not asked for it, but the one that uv is set up for"
        return replace(item, notes=(*item.notes, note))
    return item


def _source_of(name: str, sources: Mapping[str, object]) -> Mapping[str, object]:
    """Find the source of a package that may count on Apple silicon, or nothing."""
    for key, value in sources.items():
        if canonicalize_name(key) == name:
            return next((each for each in _tables(value) if may_hold(str(each.get("marker", "")))), {})
    return {}


def _tables(value: object) -> Iterable[Mapping[str, object]]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
