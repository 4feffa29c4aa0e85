"""Describe a change of a manifest that makes something installable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from envgen.knowledge.version_ranges import to_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Hold what is put in the place of a requirement of a manifest's.

    `dependencies`, `pypi` and `overrides` are PEP 508 texts, `conda` match specs; `python`, `macos` and `accelerator`
    are "" where they stay. `drops` are further names of the manifest's that go with the requirement; `keeps` says that
    the requirement itself stays as it is written.
    """

    dependencies: tuple[str, ...] = ()
    conda: tuple[str, ...] = ()
    pypi: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    python: str = ""
    macos: str = ""
    accelerator: str = ""
    drops: tuple[str, ...] = ()
    keeps: bool = False


def combined(edits: Sequence[Edit]) -> Edit:
    """Make one edit of several that are about one requirement: the first python counts, and the newest macOS."""

    def all_of(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(text for items in lists for text in items))

    return Edit(
        dependencies=all_of(edit.dependencies for edit in edits),
        conda=all_of(edit.conda for edit in edits),
        pypi=all_of(edit.pypi for edit in edits),
        overrides=all_of(edit.overrides for edit in edits),
        python=next((edit.python for edit in edits if edit.python), ""),
        macos=max((edit.macos for edit in edits if edit.macos), key=to_numbers, default=""),
        accelerator=next((edit.accelerator for edit in edits if edit.accelerator), ""),
        drops=all_of(edit.drops for edit in edits),
        keeps=all(edit.keeps for edit in edits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Hold a way out in words, with the edits that take it, by the place of the question that each is about."""

    text: str
    edits: Mapping[int, Edit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Hold a way out in words, with the edit that takes it (None where no edit can); `locks` tells that it was tried.

    `text` has no full stop at its end.
    """

    text: str
    edit: Edit | None = None
    locks: bool = False


def fragment(edit: Edit | None, requirement: str, key: str = "dependencies") -> str:
    """Write an edit as the keys of envgen.yaml, to be put in place of a requirement's line under a key; "" for none.

    `dependencies: []` says that nothing takes its place there.
    """
    if edit is None:
        return ""
    return "\n".join(_lines(edit, requirement, key)) + "\n"


def _lines(edit: Edit, requirement: str, key: str) -> Iterator[str]:
    names = ", ".join(f"`{name}`" for name in (*(() if edit.keeps else (requirement,)), *edit.drops))
    if names:
        yield f"# in place of {names}"
    if edit.python:
        yield f'python: "{edit.python}"'
    if edit.macos:
        yield f'platforms: [{{platform: osx-arm64, macos: "{edit.macos}"}}]'
    if edit.accelerator:
        yield f"accelerator: {edit.accelerator}"
    lists = {"dependencies": edit.dependencies, "conda": edit.conda, "pypi": edit.pypi, "overrides": edit.overrides}
    for name, items in lists.items():
        kept = (requirement,) if edit.keeps and name == key else ()
        yield from _list(name, (*kept, *items), always=name == key)


def _list(key: str, items: Sequence[str], *, always: bool) -> Iterator[str]:
    if not items:
        if always:
            yield f"{key}: []"
        return
    yield f"{key}:"
    yield from (f"  - {_scalar(item)}" for item in items)


def _scalar(text: str) -> str:
    """Quote a text that YAML would not read as itself."""
    if all(character.isalnum() or character in "-_.=<>!~,[]" for character in text) and text[0].isalpha():
        return text
    return "'" + text.replace("'", "''") + "'"
