"""Check a tree against the keys of a manifest, and tell every problem with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from envgen.errors import Problem
from envgen.manifest.consistency import contradictions
from envgen.manifest.document import RESERVED, LocalProject, ManifestDocument, PlatformEntry
from envgen.manifest.fields import kind_of
from envgen.manifest.problems import RefusalError, did_you_mean, dotted, manifest_error, quoted
from envgen.manifest.tree import BrokenNode, Tree

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


def validated(tree: Tree) -> ManifestDocument:
    """Read a tree's values; raise ManifestError with every problem, those of the tree included.

    A key without a value is the same as an absent key.
    """
    written = {key: value for key, value in tree.data().items() if value is not None}
    problems = [*tree.problems, *_contradictions(tree, written)]
    try:
        document = ManifestDocument.model_validate(written)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [problem for detail in _told(details) for problem in _problems(tree, detail)]
        raise manifest_error(tree.file, problems) from error
    if problems:
        raise manifest_error(tree.file, problems)
    return document


def _contradictions(tree: Tree, written: Mapping[str, object]) -> Iterator[Problem]:
    for refusal in contradictions(written):
        yield tree.problem(refusal.at, refusal.message, refusal.hint, refusal.beside)


def _told(details: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is empty where that is so because its entries were refused."""
    for detail in details:
        place = detail["loc"]
        entries = [other for other in details if len(other["loc"]) > len(place) and other["loc"][: len(place)] == place]
        if detail["type"] != "too_short" or not entries:
            yield detail


def _problems(tree: Tree, detail: ErrorDetails) -> Iterator[Problem]:
    """Turn one of Pydantic's errors into a problem; nothing for a value whose problem the tree has told."""
    refusal = _refusal(detail)
    path = tree.known([part for part in detail["loc"] if part != "[key]"])
    path = tree.known([*path, *refusal.at])
    if refusal.message and not isinstance(tree.find(path), BrokenNode):
        problem = tree.problem(path, refusal.message, refusal.hint)
        yield problem if path else replace(problem, path=dotted(detail["loc"]), line=None)


def _refusal(detail: ErrorDetails) -> RefusalError:
    kind, value = detail["type"], detail["input"]
    told = detail.get("ctx", {}).get("error")
    if isinstance(told, RefusalError):
        return told
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
