"""Write explicit and requirements files: what any tool installs without a solver."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from envgen.lock.custom_metadata import (
    lock_facts,
    placeholder,
    platform_facts,
    sealed,
    whole_record_line,
    whole_wheel_line,
)
from envgen.lock.graph import topological
from envgen.lock.model import Lock, PlatformLock
from envgen.writers.header import header, other_groups
from envgen.writers.refusal import credentials, no_md5, no_sha256, refuse
from envgen.writers.yaml_text import scalar

NAME = "explicit"


def write(lock: Lock) -> dict[str, str]:
    """Write `explicit.<platform>.txt` and, where there are wheels, `requirements.<platform>.txt`.

    A URL is followed by `#md5`, which every reader takes (CEP 23 allows sha256, older clients do not). Comments hold
    the rest of the lock, so that it can be read back; wheels have no URL, so that no index is named.
    Raises WriteError for records without md5 and wheels without sha256.
    """
    refuse("explicit.txt", _problems(lock), "update the packages named: `envgen lock --update NAME`")
    files = {}
    for platform in lock.platforms:
        files[f"explicit.{platform.platform.subdir}.txt"] = sealed(_explicit(lock, platform))
        if platform.pypi:
            files[_requirements_file(platform)] = sealed(_requirements(lock, platform))
    return files


def _problems(lock: Lock) -> Iterator[str]:
    yield from credentials(lock)
    for platform in lock.platforms:
        yield from no_md5(platform.conda)
        yield from no_sha256(platform.pypi)


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
        *header(lock, [platform], about=[*about, *_group_note(platform)]),
        f"# platform: {platform.platform.subdir}",
        *_comments(facts),
        "@EXPLICIT",
        *_records(platform),
    ]
    return "\n".join(lines) + "\n"


def _group_note(platform: PlatformLock) -> list[str]:
    groups = other_groups([platform])
    return [f"It holds every group ({', '.join(groups)} too): the format has none."] if groups else []


def _comments(facts: Mapping[str, str]) -> Iterator[str]:
    """Write facts as YAML behind `#: `, which no installer reads."""
    yield f"#: {placeholder()}"
    yield from (f"#: {scalar(key)}: {scalar(value)}" for key, value in facts.items())


def _records(platform: PlatformLock) -> Iterator[str]:
    for record in topological(platform.conda):
        yield f"#: {whole_record_line(record, platform.groups_of(f'conda:{record.name}'))}"
        yield f"{record.url}#{record.md5}"


def _requirements(lock: Lock, platform: PlatformLock) -> str:
    about = [f"Install it after explicit.{platform.platform.subdir}.txt, with --no-deps and --require-hashes."]
    lines = [
        *header(lock, [platform], about=[*about, *_group_note(platform)]),
        *_comments({"manifest_digest": lock.manifest_digest}),
        *(f"--extra-index-url {index}" for index in lock.indexes),
        *_wheels(platform),
    ]
    return "\n".join(lines) + "\n"


def _wheels(platform: PlatformLock) -> Iterable[str]:
    for wheel in sorted(platform.pypi, key=lambda wheel: wheel.name):
        yield f"#: {whole_wheel_line(wheel, platform.groups_of(f'pypi:{wheel.name}'))}"
        yield f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}"
