"""The rules that a manifest must meet, and every breach of them with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from envgen.errors import Problem
from envgen.manifest.fields import kind_of
from envgen.manifest.problems import RefusalError, did_you_mean, dotted, manifest_error, quoted
from envgen.manifest.schema import RESERVED, LocalProject, ManifestDocument, PlatformEntry
from envgen.manifest.yaml_document import BrokenNode, YamlTree
from envgen.models.platform import APPLE_SILICON
from envgen.models.requirement import Requirement

MAXIMUM_GROUPS = 100
METAL_PLUGIN = "tensorflow-metal"
KEYS = tuple(field.alias or name for name, field in ManifestDocument.model_fields.items())
_MEANT = {
    "dev-dependencies": "groups",
    "dependency-groups": "groups",
    "env": "name",
    "extras": "groups",
    "index": "indexes",
    "macos": "platforms",
    "optional-dependencies": "groups",
    "packages": "dependencies",
    "pip": "pypi",
    "python-version": "python",
    "requirements": "dependencies",
    "requires-python": "python",
}
_WANTED = {
    "tuple_type": "a list is wanted",
    "dict_type": "a mapping is wanted",
    "model_type": "a mapping is wanted",
    "model_attributes_type": "a mapping is wanted",
    "bool_type": "true or false is wanted",
    "string_type": "text is wanted",
}
_READ_BACK = {"conda-lock.yml", "explicit"}
_INCLUDE = "include-group"
_HEAD = re.compile(r"[\w.-]+", re.ASCII)

Written = Mapping[str, object]
Includes = Mapping[str, Sequence[str]]


def validated(tree: YamlTree) -> ManifestDocument:
    """Read a tree's values; raise ManifestError with every problem, those of the tree included.

    A key without a value is the same as an absent key.
    """
    written = {key: value for key, value in tree.data().items() if value is not None}
    found = contradictions(written)
    problems = [*tree.problems, *(tree.problem(one.at, one.message, one.hint, one.beside) for one in found)]
    try:
        document = ManifestDocument.model_validate(written)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [problem for detail in _relevant(details) for problem in _problems(tree, detail)]
        raise manifest_error(tree.file, problems) from error
    if problems:
        raise manifest_error(tree.file, problems)
    return document


def _relevant(details: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is empty where that is so because its entries were refused."""
    for detail in details:
        place = detail["loc"]
        entries = [other for other in details if len(other["loc"]) > len(place) and other["loc"][: len(place)] == place]
        if detail["type"] != "too_short" or not entries:
            yield detail


def _problems(tree: YamlTree, detail: ErrorDetails) -> Iterator[Problem]:
    """Yield one of Pydantic's errors as a problem; nothing for a value whose problem is among the tree's."""
    refusal = _refusal(detail)
    path = tree.known([part for part in detail["loc"] if part != "[key]"])
    path = tree.known([*path, *refusal.at])
    if refusal.message and not isinstance(tree.find(path), BrokenNode):
        problem = tree.problem(path, refusal.message, refusal.hint)
        yield problem if path else replace(problem, path=dotted(detail["loc"]), line=None)


def _refusal(detail: ErrorDetails) -> RefusalError:
    kind, value = detail["type"], detail["input"]
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, RefusalError):
        return raised
    if kind in _WANTED:
        hint = "write each on a line of its own: `- …`" if kind == "tuple_type" and isinstance(value, str) else ""
        return RefusalError(f"{_WANTED[kind]}, not {kind_of(value)}", hint=hint)
    if kind == "missing":
        return RefusalError(f"`{detail['loc'][-1]}` is missing")
    if kind == "extra_forbidden":
        return _unknown_key(tuple(map(str, detail["loc"])))
    if kind == "literal_error":
        return _unknown_value(value, detail)
    return RefusalError("at least one is wanted" if kind == "too_short" else detail["msg"])


def _unknown_key(path: tuple[str, ...]) -> RefusalError:
    key = path[-1]
    if len(path) > 1:
        known = tuple((PlatformEntry if path[0] == "platforms" else LocalProject).model_fields)
        return RefusalError(f"unknown key (known: {', '.join(known)}){did_you_mean(key, known)}")
    if key in RESERVED:
        return RefusalError(f"not yet supported: the key is reserved for {RESERVED[key]}", hint=f"take `{key}` out")
    if meant := _MEANT.get(key.lower().replace("_", "-")):
        return RefusalError(f"unknown key; did you mean `{meant}`?")
    nearest = did_you_mean(key, (*KEYS, *RESERVED))
    return RefusalError(f"unknown key{nearest}", hint="" if nearest else f"the keys are {', '.join(KEYS)}")


def _unknown_value(value: object, detail: ErrorDetails) -> RefusalError:
    known = [part.strip("'") for part in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    if isinstance(value, str):
        return RefusalError(f"{quoted(value)} is none of {', '.join(known)}{did_you_mean(value, known)}")
    return RefusalError(f"one of {', '.join(known)} is wanted, not {kind_of(value)}")


def contradictions(written: Written) -> Iterator[RefusalError]:
    """Yield what does not fit together in a document's plain values; `at` leads from the document's root.

    These are not validators of the models: Pydantic runs none of a model whose values it refuses, and a user wants
    every problem at once.
    """
    yield from _doubled(written, "platforms", "platform")
    yield from _doubled(written, "channels", "")
    yield from _doubled(written, "local", "path")
    yield from _doubled(written, "outputs", "")
    yield from _doubled_names(written, "groups")
    yield from _doubled_names(written, "mapping")
    yield from _group_problems(_mapping(written, "groups"))
    yield from _doubled(written, "indexes", "url")
    yield from _bound_problems(written)
    yield from _accelerator_problems(written)
    outputs = {text for _, text in _texts(written, "outputs", "")}
    if outputs and not outputs & _READ_BACK:
        hint = "add conda-lock.yml or explicit"
        yield RefusalError("the lock could not be read back from these files", hint=hint, at=("outputs",))


def included(includes: Includes, name: str) -> dict[str, str]:
    """Return a group and all that it includes, however deep, each with the group that led to it ("" for itself)."""
    led_by = {name: ""}
    queue = [name]
    for group in queue:
        fresh = [other for other in dict.fromkeys(includes.get(group, ())) if other not in led_by]
        led_by |= dict.fromkeys(fresh, group)
        queue += fresh
    return led_by


def written_group(tree: YamlTree, name: str) -> str:
    """Return a group's name as a tree writes it, or the name as it is given where there is no such group."""
    canonical = canonicalize_name(name)
    return next((key for key in tree.keys(("groups",)) if canonicalize_name(key) == canonical), name)


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _mapping(written: Written, key: str) -> Mapping[str, object]:
    value = written.get(key)
    return value if isinstance(value, dict) else {}


def _texts(written: Written, key: str, inner: str) -> Iterator[tuple[int, str]]:
    """Yield the texts of a list with their places; of an item that is a mapping, the text under its key `inner`."""
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


def _bound_problems(written: Written) -> Iterator[RefusalError]:
    """Yield which packages cannot be bound to the index that they are bound to."""
    mapped = {canonicalize_name(name) for name, conda in _mapping(written, "mapping").items() if conda is not None}
    overrides = {
        canonicalize_name(found[0]) for _, text in _texts(written, "overrides", "") if (found := _HEAD.match(text))
    }
    seen: set[str] = set()
    for index, item in enumerate(_list(written.get("indexes"))):
        packages = item.get("packages") if isinstance(item, dict) else None
        for place, name in enumerate(_list(packages)):
            canonical = canonicalize_name(name) if isinstance(name, str) else ""
            at = ("indexes", index, "packages", place)
            if canonical in seen:
                yield RefusalError(f"{quoted(name)} is bound twice", hint="bind it to one index, once", at=at)
            if canonical in mapped:
                yield RefusalError(f"{quoted(name)} is mapped to conda, too", hint="take it out of `mapping`", at=at)
            if canonical in overrides:  # uv binds what is required, and takes an override from any index
                hint = "write the bound as a constraint"
                yield RefusalError(f"{quoted(name)} cannot be bound to an index and have an override", hint=hint, at=at)
            seen |= {canonical} - {""}


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
            elif canonical in (led_by := included(includes, group)):
                way: list[str] = [canonical]
                while way[0] != group:
                    way.insert(0, led_by[way[0]])
                message = f"the group includes itself: {' -> '.join((canonical, *way))}"
                yield RefusalError(message, hint="take one of the includes out", at=("groups", name, index))


def _includes_of(items: object) -> Iterator[tuple[int, str]]:
    for index, item in enumerate(_list(items)):
        group = item.get(_INCLUDE) if isinstance(item, dict) else None
        if isinstance(group, str):
            yield index, canonicalize_name(group)


def _accelerator_problems(written: Written) -> Iterator[RefusalError]:
    accelerator = written.get("accelerator")
    others = [name for _, name in _texts(written, "platforms", "platform") if name != APPLE_SILICON]
    if accelerator == "metal" and others:
        hint = "make an environment of its own for the other platforms"
        message = f"`metal` exists on osx-arm64 alone, not on {', '.join(others)}"
        yield RefusalError(message, hint=hint, at=("accelerator",))
    metal = list(_places(written, METAL_PLUGIN))
    if accelerator == "cpu" and metal:
        hint = "write `accelerator: metal`, or take the requirement out"
        message = f"`cpu` contradicts the requirement {METAL_PLUGIN}"
        yield RefusalError(message, hint=hint, at=("accelerator",), beside=metal)


def _places(written: Written, name: str) -> Iterator[tuple[str | int, ...]]:
    """Yield where a project is required."""
    lists: dict[tuple[str, ...], object] = {(key,): written.get(key) for key in ("dependencies", "pypi")}
    lists |= {("groups", group): items for group, items in _mapping(written, "groups").items()}
    for path, items in lists.items():
        for index, item in enumerate(_list(items)):
            if isinstance(item, str) and Requirement.name_of(item) == name:
                yield (*path, index)
