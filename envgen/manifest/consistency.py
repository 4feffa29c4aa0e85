"""Find the values of a manifest that contradict each other.

The values are compared as they were written, so that a value refused elsewhere hides no contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from packaging.utils import canonicalize_name

from envgen.manifest.problems import RefusalError, did_you_mean, quoted

MAXIMUM_GROUPS = 100
METAL_PLUGIN = "tensorflow-metal"
_READ_BACK = {"conda-lock.yml", "explicit"}
_INCLUDE = "include-group"
_LEADING_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")

Written = Mapping[str, object]
Includes = Mapping[str, Sequence[str]]


def contradictions(written: Written) -> Iterator[RefusalError]:
    """List what does not fit together in a document's plain values; `at` leads from the document's root."""
    yield from _doubled(written, "platforms", "platform")
    yield from _doubled(written, "channels", "")
    yield from _doubled(written, "local", "path")
    yield from _doubled(written, "outputs", "")
    yield from _doubled_names(written, "groups")
    yield from _doubled_names(written, "mapping")
    yield from _group_problems(_mapping(written, "groups"))
    yield from _accelerator_problems(written)
    outputs = {text for _, text in _texts(written, "outputs", "")}
    if outputs and not outputs & _READ_BACK:
        hint = "add conda-lock.yml or explicit"
        yield RefusalError("the lock could not be read back from these files", hint=hint, at=("outputs",))


def included(includes: Includes, name: str) -> tuple[str, ...]:
    """List a group and all that it includes, however deep, each once, in the order they are met."""
    found = [name]
    seen = {name}
    for group in found:
        fresh = [other for other in dict.fromkeys(includes.get(group, ())) if other not in seen]
        seen.update(fresh)
        found.extend(fresh)
    return tuple(found)


def leading_name(requirement: str) -> str:
    """Give the canonical name that a requirement starts with, or "" when it starts with none."""
    found = _LEADING_NAME.match(requirement)
    return canonicalize_name(found[1]) if found else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _mapping(written: Written, key: str) -> Mapping[str, object]:
    value = written.get(key)
    return value if isinstance(value, dict) else {}


def _texts(written: Written, key: str, inner: str) -> Iterator[tuple[int, str]]:
    """List the texts of a list with their places; of an item that is a mapping, the text under its key `inner`."""
    for index, item in enumerate(_list(written.get(key))):
        text = item.get(inner) if isinstance(item, dict) else item
        if isinstance(text, str):
            yield index, text


def _doubled(written: Written, key: str, inner: str) -> Iterator[RefusalError]:
    seen: set[str] = set()
    for index, text in _texts(written, key, inner):
        plain = text.rstrip("/")
        if plain in seen:
            yield RefusalError(f"{quoted(text)} stands here twice", at=(key, index))
        seen.add(plain)


def _doubled_names(written: Written, key: str) -> Iterator[RefusalError]:
    seen: dict[str, str] = {}
    for name in _mapping(written, key):
        canonical = canonicalize_name(name)
        if canonical in seen:
            message = f"{quoted(name)} and {quoted(seen[canonical])} are the same name"
            yield RefusalError(message, hint="join the two", at=(key, name))
        seen.setdefault(canonical, name)


def _group_problems(groups: Mapping[str, object]) -> Iterator[RefusalError]:
    if len(groups) > MAXIMUM_GROUPS:
        yield RefusalError(f"more than {MAXIMUM_GROUPS} groups", at=("groups",))
        return
    placed = {name: list(_includes_of(items)) for name, items in groups.items()}
    includes: Includes = {canonicalize_name(name): [group for _, group in found] for name, found in placed.items()}
    for name, found in placed.items():
        canonical = canonicalize_name(name)
        for index, group in found:
            if group not in includes:
                message = f"there is no group {quoted(group)}{did_you_mean(group, includes)}"
                yield RefusalError(message, at=("groups", name, index))
            elif canonical in included(includes, group):
                way = " -> ".join((canonical, *_way(includes, group, canonical)))
                hint = "take one of the includes out"
                yield RefusalError(f"the group includes itself: {way}", hint=hint, at=("groups", name, index))


def _includes_of(items: object) -> Iterator[tuple[int, str]]:
    for index, item in enumerate(_list(items)):
        group = item.get(_INCLUDE) if isinstance(item, dict) else None
        if isinstance(group, str):
            yield index, canonicalize_name(group)


def _way(includes: Includes, start: str, end: str) -> list[str]:
    """Give the shortest way of includes between two groups that `included` has found to be joined."""
    came_from = {start: ""}
    for group in included(includes, start):
        for other in includes.get(group, ()):
            came_from.setdefault(other, group)
    way = [end]
    while way[0] != start:
        way.insert(0, came_from[way[0]])
    return way


def _accelerator_problems(written: Written) -> Iterator[RefusalError]:
    accelerator = written.get("accelerator")
    others = [name for _, name in _texts(written, "platforms", "platform") if name != "osx-arm64"]
    if accelerator == "metal" and others:
        hint = "make an environment of its own for the other platforms"
        yield RefusalError(
            f"`metal` exists on osx-arm64 alone, not on {', '.join(others)}", hint=hint, at=("accelerator",)
        )
    metal = list(_places(written, METAL_PLUGIN))
    if accelerator == "cpu" and metal:
        hint = "write `accelerator: metal`, or take the requirement out"
        message = f"`cpu` contradicts the requirement {METAL_PLUGIN}"
        yield RefusalError(message, hint=hint, at=("accelerator",), beside=metal)


def _places(written: Written, name: str) -> Iterator[tuple[str | int, ...]]:
    """List where a project is required."""
    lists: dict[tuple[str, ...], object] = {(key,): written.get(key) for key in ("dependencies", "pypi")}
    lists |= {("groups", group): items for group, items in _mapping(written, "groups").items()}
    for path, items in lists.items():
        for index, item in enumerate(_list(items)):
            if isinstance(item, str) and leading_name(item) == name:
                yield (*path, index)
