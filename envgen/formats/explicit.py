"""Explicit and requirements files, which any tool installs without a solver and envgen reads back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from envgen.errors import LockfileError, SourceLine
from envgen.formats.fast_yaml import NotPlainError, load_plain
from envgen.formats.generated import (
    RESTORE,
    foreign,
    group_note,
    header,
    no_md5,
    read_head,
    refuse,
    refuse_edits,
    scalar,
)
from envgen.lock.custom_metadata import (
    DIGEST_PLACEHOLDER,
    CustomFields,
    Fields,
    facts_of,
    lock_facts,
    platform_facts,
    read_platform_facts,
    restored_record,
    restored_wheel,
    whole_record_line,
    whole_wheel_line,
    with_digest,
)
from envgen.lock.graph import topological
from envgen.lock.merge import refuse_merge_markers
from envgen.lock.model import Lock, LockedWheel, PlatformLock
from envgen.lock.package_fields import checked_channel, checked_record, checked_wheel
from envgen.models.record import Record
from envgen.models.wheel import PackageIndex

NAME = "explicit"
_FILE = re.compile(r"explicit\.([a-z0-9-]+)\.txt")
_FACT = "#: "
_URL = re.compile(r"(\S+)#([0-9a-f]*)")
_WHEEL = re.compile(r"([a-z0-9-]+)==(\S+) --hash=sha256:([0-9a-f]+)")
_Package = TypeVar("_Package", Record, LockedWheel)


def write(lock: Lock) -> dict[str, str]:
    """Write `explicit.<platform>.txt` and, where there are wheels, `requirements.<platform>.txt`.

    A URL is followed by `#md5`, which every reader takes (CEP 23 allows sha256, older clients do not). Comments keep
    the rest of the lock, so that it can be read back; wheels have no URL, so that no index is named.
    Raises WriteError for records without md5 and wheels without sha256.
    """
    refuse("explicit.txt", lock, "update the packages named: `envgen lock --update NAME`", no_md5(lock))
    files = {}
    for platform in lock.platforms:
        files[f"explicit.{platform.platform.subdir}.txt"] = with_digest(_explicit(lock, platform))
        if platform.pypi:
            files[_requirements_file(platform)] = with_digest(_requirements(lock, platform))
    return files


def _requirements_file(platform: PlatformLock) -> str:
    return f"requirements.{platform.platform.subdir}.txt"


def _explicit(lock: Lock, platform: PlatformLock) -> str:
    name, file = lock.name, f"explicit.{platform.platform.subdir}.txt"
    about = [f"Install it: conda create --name {name} --file {file}"]
    facts = lock_facts(lock) | platform_facts(platform)
    facts["channels"] = " ".join(channel.name for channel in lock.channels)
    if platform.pypi:
        about.append(f"      then: pip install --no-deps --require-hashes -r {_requirements_file(platform)}")
        facts["requirements"] = _requirements_file(platform)
    lines = [
        *header(lock, [platform], about=[*about, *group_note(platform)]),
        f"# platform: {platform.platform.subdir}",
        *_comments(facts),
        "@EXPLICIT",
        *_records(platform),
    ]
    return "\n".join(lines) + "\n"


def _comments(facts: Mapping[str, str]) -> Iterator[str]:
    """Write facts as YAML behind `#: `, which no installer reads."""
    yield f"#: {DIGEST_PLACEHOLDER}"
    yield from (f"#: {scalar(key)}: {scalar(value)}" for key, value in facts.items())


def _records(platform: PlatformLock) -> Iterator[str]:
    for record in topological(platform.conda):
        yield f"#: {whole_record_line(record, platform.groups_of(record.key))}"
        yield f"{record.url}#{record.md5}"


def _requirements(lock: Lock, platform: PlatformLock) -> str:
    about = [f"Install it after explicit.{platform.platform.subdir}.txt, with --no-deps and --require-hashes."]
    lines = [
        *header(lock, [platform], about=[*about, *group_note(platform)]),
        *_comments({"manifest_digest": lock.manifest_digest}),
        *(f"--extra-index-url {PackageIndex.parse(index).url}" for index in lock.indexes),
        *_wheels(platform),
    ]
    return "\n".join(lines) + "\n"


def _wheels(platform: PlatformLock) -> Iterable[str]:
    for wheel in sorted(platform.pypi, key=lambda wheel: wheel.name):
        yield f"#: {whole_wheel_line(wheel, platform.groups_of(wheel.key))}"
        yield f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}"


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
    """A file's facts, and its package lines with the JSON above each."""

    name: str
    facts: Mapping[str, str]
    packages: tuple[tuple[SourceLine, str], ...]


def _open(name: str, text: str, *, sealed: bool) -> _File:
    refuse_merge_markers(text, name)
    lines = text.replace("\r\n", "\n").split("\n")
    facts = [line.removeprefix(_FACT) for line in lines if line.startswith(_FACT) and not line.startswith("#: {")]
    try:
        fields = Fields.of(load_plain("\n".join(facts)), f"the head of {name}")
    except NotPlainError as error:
        if "#: envgen_format:" in text:
            raise LockfileError(f"{name} is damaged: its head cannot be read", hint=RESTORE) from error
        raise foreign(name) from error
    if sealed:
        refuse_edits(text, name)
    return _File(name=name, facts=fields.all_texts(), packages=tuple(_packages(name, lines)))


def _packages(name: str, lines: list[str]) -> Iterator[tuple[SourceLine, str]]:
    above = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("#: {"):
            above = line.removeprefix(_FACT)
        elif line and line != "@EXPLICIT" and not line.startswith(("#", "--extra-index-url ")):
            yield SourceLine(file=name, line=number, text=line), above
            above = ""


def _read(name: str, texts: Mapping[str, str], *, sealed: bool) -> Lock:
    file = _open(name, texts[name], sealed=sealed)
    subdir = name.split(".")[1]
    try:
        head = read_head(file.facts, name, sealed=sealed)
        platform = read_platform_facts(subdir, facts_of(subdir, file.facts))
        channels = tuple(checked_channel(channel) for channel in file.facts.get("channels", "").split())
    except ValueError as error:
        raise LockfileError(f"{name} is damaged: {error}", hint=RESTORE) from error
    platform = _with_packages(platform, file, _requirements_beside(file, texts, sealed=sealed))
    return replace(head, channels=channels, platforms=(platform,))


def _requirements_beside(explicit: _File, texts: Mapping[str, str], *, sealed: bool) -> _File | None:
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
    groups = {record.key: names for record, names in records.values()}
    groups |= {wheel.key: names for wheel, names in wheels.values()}
    return replace(
        lock,
        conda=tuple(records[name][0] for name in sorted(records)),
        pypi=tuple(wheels[name][0] for name in sorted(wheels)),
        groups={key: names for key, names in sorted(groups.items()) if names},
    )


def _restored(
    file: _File, restore: Callable[[str, CustomFields], _Package]
) -> dict[str, tuple[_Package, tuple[str, ...]]]:
    """Restore each package of a file, by name, with its groups; () stands for main."""
    restored: dict[str, tuple[_Package, tuple[str, ...]]] = {}
    for line, text in file.packages:
        try:
            custom = CustomFields(text)
            groups = custom.texts("groups")
            package = restore(line.text, custom)
            custom.end()
        except ValueError as error:
            raise LockfileError(f"{file.name} is damaged: {error}", lines=[line], hint=RESTORE) from error
        if package.name in restored:
            raise LockfileError(f"{file.name} has {package.name} twice", lines=[line], hint=RESTORE)
        restored[package.name] = (package, groups)
    return restored


def _record(line: str, custom: CustomFields) -> Record:
    match = _URL.fullmatch(line)
    if match is None:
        raise ValueError("not a URL with its md5")
    return checked_record(restored_record(custom, url=match[1], md5=match[2]))


def _wheel(line: str, custom: CustomFields) -> LockedWheel:
    match = _WHEEL.fullmatch(line)
    if match is None:
        raise ValueError("not a name with its version and sha256")
    return checked_wheel(restored_wheel(custom, name=match[1], version=match[2], sha256=match[3]))
