"""The texts in which a lock file says what its format has no field for: conda-lock's custom_metadata.

A package has one short line and a decision one key, so that git merges what two branches add to a lock.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import get_args

from envgen.lock.model import FORMAT_VERSION, MAIN_GROUP, Lock, LockedWheel, PlatformLock
from envgen.lock.package_fields import (
    artifact,
    fold_depends,
    fold_requires,
    odd_requires,
    unfold_depends,
    unfold_requires,
    wheel_filename,
)
from envgen.models.findings import Decision, Finding, Severity, Source
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.secrets import plain_address
from envgen.models.wheel import Wheel

DIGEST_PLACEHOLDER = "file_digest: sha256:-"
"""The line that a writer puts where `with_digest` shall put the digest."""

_DIGEST = re.compile(r"file_digest: sha256:([0-9a-f]{64}|-)(?=\r?\n)")
_GROUP_OPTIONS = re.compile(r"^(# +or: .*?)(?: --(?:extras|category) \S+)+(.*)$", re.MULTILINE)
_DERIVED = ("build", "build_number", "channel", "subdir")
_OPTIONAL = ("constrains", "license", "noarch", "python_site_packages_path", "size", "timestamp", "track_features")
_SOURCES: Mapping[str, Source] = {source: source for source in get_args(Source)}

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode


def normal_form(lock: Lock) -> Lock:
    """Sort what has no order and fold what packages need into one entry a name.

    A lock in this form equals itself after writing and reading. Raises ValueError for depends that cannot be folded.
    """
    platforms = sorted(lock.platforms, key=lambda each: each.platform.subdir)
    return replace(lock, platforms=tuple(map(_normal_platform, platforms)))


def _normal_platform(lock: PlatformLock) -> PlatformLock:
    records = (replace(record, depends=_folded_depends(record)) for record in lock.conda)
    wheels = (replace(wheel, requires=_folded_requires(wheel)) for wheel in lock.pypi)
    return replace(
        lock,
        conda=tuple(sorted(records, key=lambda record: record.name)),
        pypi=tuple(sorted(wheels, key=lambda wheel: wheel.name)),
        groups=_normal_groups(lock),
        decisions=tuple(_sorted_decisions(lock.decisions)),
        findings=tuple(sorted(lock.findings)),
        notes=tuple(note for note in lock.notes if note),
    )


def _folded_depends(record: Record) -> tuple[str, ...]:
    return unfold_depends(fold_depends(record.depends))


def _folded_requires(wheel: LockedWheel) -> tuple[str, ...]:
    return unfold_requires(fold_requires(wheel.requires))


def _normal_groups(lock: PlatformLock) -> dict[PackageKey, tuple[str, ...]]:
    groups = {key: tuple(sorted(lock.groups_of(key))) for key in lock.packages()}
    return {key: names for key, names in sorted(groups.items()) if names and MAIN_GROUP not in names}


# One package's line.


def record_line(record: Record) -> str:
    """Return the JSON of what neither conda-lock.yml's fields nor the URL say of a record; "" where that is nothing."""
    data = _record_rest(record)
    return _encode(data) if data else ""


def whole_record_line(record: Record, groups: tuple[str, ...]) -> str:
    """Return the JSON of all that a URL and an md5 do not say of a record."""
    parts = artifact(record.url)
    data = _record_rest(record)
    data |= {key: getattr(record, key) for key in ("name", "version") if getattr(record, key) != getattr(parts, key)}
    data |= {"depends": _folded_depends(record), "sha256": record.sha256}
    return _encode(data | _groups(groups))


def wheel_line(wheel: LockedWheel) -> str:
    """Return the JSON of what conda-lock.yml's fields do not say of a wheel, its reason apart; "" for nothing."""
    data = _wheel_rest(wheel)
    if wheel.wheel.filename != wheel_filename(wheel.wheel.url):
        data["filename"] = wheel.wheel.filename
    if odd := odd_requires(fold_requires(wheel.requires)):
        data["requires"] = unfold_requires(odd)
    return _encode(data) if data else ""


def whole_wheel_line(wheel: LockedWheel, groups: tuple[str, ...]) -> str:
    """Return the JSON of all that a name, a version and a sha256 do not say of a wheel; its URL is left out."""
    data = _wheel_rest(wheel)
    data |= {"filename": wheel.wheel.filename, "requires": _folded_requires(wheel)}
    if wheel.why:
        data["why"] = wheel.why
    return _encode(data | _groups(groups))


def _record_rest(record: Record) -> dict[str, object]:
    parts = artifact(record.url)
    data = {key: getattr(record, key) for key in _DERIVED if getattr(record, key) != getattr(parts, key)}
    for key in _OPTIONAL:
        value = getattr(record, key)
        if value is not None and value not in ("", ()):
            data[key] = value
    return data


def _wheel_rest(wheel: LockedWheel) -> dict[str, object]:
    data: dict[str, object] = {}
    if wheel.wheel.size is not None:
        data["size"] = wheel.wheel.size
    if wheel.requires_python:
        data["requires_python"] = wheel.requires_python
    return data


def _groups(groups: tuple[str, ...]) -> dict[str, object]:
    return {} if groups == (MAIN_GROUP,) else {"groups": groups}


def _decode(text: str) -> object:
    """Read JSON; raise ValueError for what is none, or nested so deeply that no writer wrote it."""
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"broken JSON ({error})") from error
    return data


class CustomFields:
    """The values of a package's line, each taken once; ValueError refuses what no writer writes."""

    def __init__(self, line: str) -> None:
        data = _decode(line) if line else {}
        if not isinstance(data, dict):
            raise ValueError(f"not a JSON object: `{line}`")
        self._data: dict[str, object] = data

    def text(self, key: str, default: str = "") -> str:
        """Take a text, or the default where there is none."""
        value = self._data.pop(key, default)
        if not isinstance(value, str):
            raise ValueError(f"`{key}` is not a text")
        return value

    def number(self, key: str) -> int | None:
        """Take a whole number, or None."""
        value = self._data.pop(key, None)
        if value is not None and type(value) is not int:
            raise ValueError(f"`{key}` is not a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; () where there is none."""
        value = self._data.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"`{key}` is not a list of texts")
        return tuple(value)

    def end(self) -> None:
        """Refuse what has not been taken."""
        if self._data:
            raise ValueError(f"unknown `{'`, `'.join(sorted(self._data))}`")


def restored_record(fields: CustomFields, *, url: str, md5: str, name: str = "", version: str = "") -> Record:
    """Build the record that a URL, an md5 and a whole line say."""
    parts = artifact(url)
    number = fields.number("build_number")
    return Record(
        name=name or fields.text("name", parts.name),
        version=version or fields.text("version", parts.version),
        build=fields.text("build", parts.build),
        build_number=parts.build_number if number is None else number,
        subdir=fields.text("subdir", parts.subdir),
        channel=plain_address(fields.text("channel", parts.channel)),
        url=plain_address(url),
        md5=md5,
        sha256=fields.text("sha256"),
        size=fields.number("size"),
        timestamp=fields.number("timestamp"),
        depends=fields.texts("depends"),
        constrains=fields.texts("constrains"),
        track_features=fields.texts("track_features"),
        license=fields.text("license"),
        noarch=fields.text("noarch"),
        python_site_packages_path=fields.text("python_site_packages_path"),
    )


def restored_wheel(fields: CustomFields, *, name: str, version: str, sha256: str, url: str = "") -> LockedWheel:
    """Build the wheel that a name, a version, a hash and a whole line say."""
    wheel = Wheel(
        name=name,
        version=version,
        filename=fields.text("filename", wheel_filename(url)),
        url=plain_address(url),
        sha256=sha256,
        size=fields.number("size"),
    )
    return LockedWheel(
        wheel=wheel,
        requires=fields.texts("requires"),
        requires_python=fields.text("requires_python"),
        why=fields.text("why"),
    )


# The facts of a lock, by key.


def lock_facts(lock: Lock) -> dict[str, str]:
    """Return what is said of the whole lock, in a fixed order."""
    facts = {
        "created_by": lock.created_by,
        "envgen_format": FORMAT_VERSION,
        "name": lock.name,
        "manifest_digest": lock.manifest_digest,
    }
    if lock.exclude_newer:
        facts["exclude_newer"] = lock.exclude_newer
    if lock.indexes:
        facts["indexes"] = " ".join(lock.indexes)
    facts |= {f"local.{number}": words for number, words in enumerate(lock.projects, 1)}
    return facts


def read_projects(facts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the user's own projects out of the facts of the whole lock."""
    return tuple(_numbered(facts, "local"))


def platform_facts(lock: PlatformLock) -> dict[str, str]:
    """Return what is said of one platform under `<subdir>.<what>`, sorted where their order says nothing.

    Decisions are keyed by their requirement, so that two branches that add one do not touch the same lines.
    """
    target = lock.platform
    facts = {"python": target.python, "macos": target.macos, "accelerator": lock.accelerator}
    facts |= {"solver": lock.solver, "repodata": lock.repodata}
    facts |= dict(_decision_facts(lock.decisions))
    facts |= {f"finding.{number}": _finding_text(each) for number, each in enumerate(sorted(lock.findings), 1)}
    facts |= {f"note.{number}": note for number, note in enumerate(filter(None, lock.notes), 1)}
    return {f"{target.subdir}.{key}": value for key, value in facts.items() if value}


def read_platform_facts(subdir: str, facts: Mapping[str, str]) -> PlatformLock:
    """Return a lock without packages from `facts_of` one platform; raise ValueError for odd ones."""
    return PlatformLock(
        platform=Platform(subdir=subdir, python=_fact(facts, "python"), macos=facts.get("macos", "")),
        solver=_fact(facts, "solver"),
        repodata=_fact(facts, "repodata"),
        accelerator=facts.get("accelerator", "cpu"),
        decisions=tuple(_decisions(facts)),
        findings=tuple(_finding(text) for text in _numbered(facts, "finding")),
        notes=tuple(_numbered(facts, "note")),
    )


def facts_of(subdir: str, facts: Mapping[str, str]) -> dict[str, str]:
    """Return one platform's facts without their prefix."""
    prefix = f"{subdir}."
    return {key.removeprefix(prefix): value for key, value in facts.items() if key.startswith(prefix)}


def _fact(facts: Mapping[str, str], key: str) -> str:
    if key not in facts:
        raise ValueError(f"`{key}` is missing")
    return facts[key]


def _sorted_decisions(decisions: Iterable[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda each: (each.requirement, each.source, each.name, each.why))


def _decision_facts(decisions: Iterable[Decision]) -> Iterator[tuple[str, str]]:
    seen: dict[str, int] = {}
    for each in _sorted_decisions(decisions):
        again = seen.get(each.requirement, 0)  # keys are unique: the second is `decision+.X`
        seen[each.requirement] = again + 1
        yield f"decision{'+' * again}.{each.requirement}", f"{each.source} {each.name} - {each.why}"


def _decisions(facts: Mapping[str, str]) -> Iterator[Decision]:
    for key, value in facts.items():
        kind, _, requirement = key.partition(".")
        if kind.rstrip("+") == "decision":
            head, dash, why = value.partition(" - ")
            source, _, name = head.partition(" ")
            if not dash or source not in _SOURCES:
                raise ValueError(f"not a decision: `{value}`")
            yield Decision(requirement=requirement, name=name, source=_SOURCES[source], why=why)


def _finding_text(finding: Finding) -> str:
    return _encode([finding.code, finding.severity, finding.message, finding.hint, *finding.packages])


def _finding(text: str) -> Finding:
    parts = _decode(text)
    if not isinstance(parts, list) or len(parts) < 4 or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"not a finding: `{text}`")
    code, severity, message, hint, *packages = parts
    if severity not in get_args(Severity):
        raise ValueError(f"not a severity: `{severity}`")
    return Finding(code=code, severity=severity, message=message, hint=hint, packages=tuple(packages))


def _numbered(facts: Mapping[str, str], kind: str) -> Iterator[str]:
    number = 1
    while (text := facts.get(f"{kind}.{number}")) is not None:
        yield text
        number += 1


def with_digest(text: str) -> str:
    """Return the text with its digest in the place of the first placeholder, so that an edit shows."""
    return text.replace(DIGEST_PLACEHOLDER, f"file_digest: sha256:{_digest(text)}", 1)


def digest_matches(text: str) -> bool:
    """Return whether a file is as it was written, but for line ends, which git may have changed.

    A file without a digest is not.
    """
    match = _DIGEST.search(text)
    if match is None:
        return False
    written = f"{text[: match.start()]}{DIGEST_PLACEHOLDER}{text[match.end() :]}"
    return match[1] == _digest(written.replace("\r\n", "\n"))


def with_earlier_hints(text: str) -> str:
    """Return a file as it was written when the hints at its head named no groups: no reason to write it again."""
    match = _DIGEST.search(text)
    hints = _GROUP_OPTIONS.search(text)
    if match is None or hints is None or match.start() < hints.end():
        return text
    written = f"{text[: match.start()]}{DIGEST_PLACEHOLDER}{text[match.end() :]}"
    return with_digest(_GROUP_OPTIONS.sub(r"\1\2", written))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Fields:
    """The typed values of a document's mapping, each taken once; errors call it by `where`."""

    def __init__(self, data: Mapping[str, object], where: str) -> None:
        self._data = dict(data)
        self.where = where

    @classmethod
    def of(cls, value: object, where: str) -> Fields:
        """Take a mapping with text keys; raise ValueError for anything else."""
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise ValueError(f"{where} is not a mapping")
        return cls(value, where)

    def has(self, key: str) -> bool:
        """Return whether a value is there and has not been taken."""
        return key in self._data

    def _take(self, key: str) -> object:
        if key not in self._data:
            raise ValueError(f"{self.where} has no `{key}`")
        return self._data.pop(key)

    def text(self, key: str) -> str:
        """Take a text that must be there."""
        value = self._take(key)
        if not isinstance(value, str):
            raise ValueError(f"`{key}` of {self.where} is not a text")
        return value

    def optional_text(self, key: str) -> str:
        """Take a text; "" where there is none."""
        return self.text(key) if key in self._data else ""

    def value(self, key: str, expected: object) -> None:
        """Take a value that must be this one."""
        found = self._take(key)
        if found != expected or type(found) is not type(expected):
            raise ValueError(f"`{key}` of {self.where} is {found!r}, not {expected!r}")

    def fields(self, key: str) -> Fields:
        """Take a mapping that must be there."""
        return Fields.of(self._take(key), f"`{key}` of {self.where}")

    def texts(self, key: str) -> dict[str, str]:
        """Take a mapping of texts that must be there."""
        return self.fields(key).all_texts()

    def all_texts(self) -> dict[str, str]:
        """Take everything, which must be texts."""
        return {key: self.text(key) for key in tuple(self._data)}

    def items(self, key: str) -> Iterator[object]:
        """Take a sequence that must be there."""
        value = self._take(key)
        if not isinstance(value, list):
            raise ValueError(f"`{key}` of {self.where} is not a list")
        return iter(value)

    def names(self, key: str) -> list[str]:
        """Take a sequence of texts that must be there."""
        names = list(self.items(key))
        texts = [name for name in names if isinstance(name, str)]
        if len(texts) < len(names):
            raise ValueError(f"`{key}` of {self.where} is not a list of texts")
        return texts

    def end(self) -> None:
        """Refuse what has not been taken."""
        if self._data:
            raise ValueError(f"{self.where} has an unknown `{next(iter(self._data))}`")
