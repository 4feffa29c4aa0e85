"""Read explicit and requirements files back into the lock that they were written from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from envgen.errors import LockfileError, SourceLine
from envgen.lock.custom_metadata import (
    Fields,
    Held,
    facts_of,
    read_platform_facts,
    read_projects,
    restored_record,
    restored_wheel,
)
from envgen.lock.model import Lock, LockedWheel, PlatformLock
from envgen.models.channel import Channel
from envgen.models.record import Record
from envgen.readers.damage import RESTORE, refuse_edits, refuse_foreign, refuse_merge_markers
from envgen.readers.plain_yaml import NotPlainError, load_plain

_FILE = re.compile(r"explicit\.([a-z0-9-]+)\.txt")
_FACT = "#: "
_URL = re.compile(r"(\S+)#([0-9a-f]*)")
_WHEEL = re.compile(r"([a-z0-9-]+)==(\S+) --hash=sha256:([0-9a-f]+)")
_Package = TypeVar("_Package", Record, LockedWheel)


def read_explicit(texts: Mapping[str, str], *, sealed: bool = True) -> Lock:
    """Read the explicit and requirements files of a folder; raise LockfileError for missing or damaged ones.

    With `sealed` any edit since the writing is an error. The lock comes back in its normal form, its wheels without
    URL.
    """
    locks = [_read(name, texts, sealed=sealed) for name in sorted(texts) if _FILE.fullmatch(name)]
    if not locks:
        raise LockfileError("there is no explicit file", hint="make it with `envgen lock`")
    heads = [replace(lock, platforms=()) for lock in locks]
    if any(head != heads[0] for head in heads):
        raise LockfileError("the explicit files are not of one lock", hint=RESTORE)
    return replace(locks[0], platforms=tuple(platform for lock in locks for platform in lock.platforms))


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """Hold a file's facts, and its package lines with the JSON above each."""

    name: str
    facts: Mapping[str, str]
    packages: tuple[tuple[SourceLine, str], ...]

    @property
    def subdir(self) -> str:
        """Give the platform that the file's name says."""
        return self.name.split(".")[1]


def _open(name: str, text: str, *, sealed: bool) -> _File:
    refuse_merge_markers(text, name)
    lines = text.replace("\r\n", "\n").split("\n")
    facts = [line.removeprefix(_FACT) for line in lines if line.startswith(_FACT) and not line.startswith("#: {")]
    try:
        fields = Fields.of(load_plain("\n".join(facts)), f"the head of {name}")
    except NotPlainError as error:
        if "#: envgen_format:" in text:
            raise LockfileError(f"{name} is damaged: its head cannot be read", hint=RESTORE) from error
        hint = f"make a manifest of it: `envgen import {name}`"
        raise LockfileError(f"{name} was not made by envgen", hint=hint, code="lockfile-foreign") from error
    if sealed:
        refuse_edits(text, name)
    return _File(name=name, facts=fields.all_texts(), packages=tuple(_packages(name, lines)))


def _packages(name: str, lines: list[str]) -> Iterator[tuple[SourceLine, str]]:
    held = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("#: {"):
            held = line.removeprefix(_FACT)
        elif line and line != "@EXPLICIT" and not line.startswith(("#", "--extra-index-url ")):
            yield SourceLine(file=name, line=number, text=line), held
            held = ""


def _read(name: str, texts: Mapping[str, str], *, sealed: bool) -> Lock:
    file = _open(name, texts[name], sealed=sealed)
    facts = file.facts
    try:
        refuse_foreign(facts, name)
        lock = read_platform_facts(file.subdir, facts_of(file.subdir, facts))
        channels = tuple(Channel.parse(channel) for channel in facts.get("channels", "").split())
    except ValueError as error:
        raise LockfileError(f"{name} is damaged: {error}", hint=RESTORE) from error
    return Lock(
        name=facts["name"],
        created_by=facts["created_by"],
        channels=channels,
        manifest_digest=facts["manifest_digest"],
        platforms=(_with_packages(lock, file, _requirements(file, texts, sealed=sealed)),),
        exclude_newer=facts.get("exclude_newer", ""),
        indexes=tuple(facts.get("indexes", "").split()),
        projects=read_projects(facts),
    )


def _requirements(explicit: _File, texts: Mapping[str, str], *, sealed: bool) -> _File | None:
    name = explicit.facts.get("requirements", "")
    if not name:
        return None
    if name not in texts:
        raise LockfileError(f"{name} is missing, which belongs to {explicit.name}", hint=RESTORE)
    file = _open(name, texts[name], sealed=sealed)
    if file.facts.get("manifest_digest") != explicit.facts["manifest_digest"]:
        raise LockfileError(f"{name} and {explicit.name} are not of one lock", hint=RESTORE)
    return file


def _with_packages(lock: PlatformLock, explicit: _File, requirements: _File | None) -> PlatformLock:
    records = _restored(explicit, _record)
    wheels = _restored(requirements, _wheel) if requirements else {}
    groups = {f"conda:{record.name}": names for record, names in records.values()}
    groups |= {f"pypi:{wheel.name}": names for wheel, names in wheels.values()}
    return replace(
        lock,
        conda=tuple(records[name][0] for name in sorted(records)),
        pypi=tuple(wheels[name][0] for name in sorted(wheels)),
        groups={key: names for key, names in sorted(groups.items()) if names},
    )


def _restored(file: _File, restore: Callable[[str, Held], _Package]) -> dict[str, tuple[_Package, tuple[str, ...]]]:
    """Restore each package of a file, by name, with its groups; () stands for main."""
    restored: dict[str, tuple[_Package, tuple[str, ...]]] = {}
    for line, text in file.packages:
        try:
            held = Held(text)
            groups = held.texts("groups")
            package = restore(line.text, held)
            held.end()
        except ValueError as error:
            raise LockfileError(f"{file.name} is damaged: {error}", lines=[line], hint=RESTORE) from error
        if package.name in restored:
            raise LockfileError(f"{file.name} has {package.name} twice", lines=[line], hint=RESTORE)
        restored[package.name] = (package, groups)
    return restored


def _record(line: str, held: Held) -> Record:
    match = _URL.fullmatch(line)
    if match is None:
        raise ValueError("not a URL with its md5")
    return restored_record(held, url=match[1], md5=match[2])


def _wheel(line: str, held: Held) -> LockedWheel:
    match = _WHEEL.fullmatch(line)
    if match is None:
        raise ValueError("not a name with its version and sha256")
    return restored_wheel(held, name=match[1], version=match[2], sha256=match[3])
