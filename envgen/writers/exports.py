"""Choose the writers of formats that a lock is exported to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from envgen.errors import UsageError
from envgen.lock.custom_metadata import normal_form
from envgen.lock.model import Lock, PlatformLock, lock_groups
from envgen.models.findings import counted, is_or_are
from envgen.writers import conda_lock, environment_yml, explicit, pixi_lock, pylock, requirements
from envgen.writers.header import own_projects


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """Hold a format's writer and what it cannot hold: one half of a lock, or its groups."""

    write: Callable[[Lock], dict[str, str]]
    conda: bool = True
    pypi: bool = True
    groups: bool = False


def _conda_only(lock: Lock) -> dict[str, str]:
    """Write a conda-lock.yml without PyPI's packages, which conda's own reader refuses."""
    return conda_lock.write(replace(lock, platforms=tuple(replace(each, pypi=()) for each in lock.platforms)))


FORMATS: Mapping[str, Format] = {
    "explicit": Format(write=explicit.write),
    "requirements": Format(write=requirements.write, conda=False),
    "pylock": Format(write=pylock.write, conda=False, groups=True),
    "conda-only": Format(write=_conda_only, pypi=False),
    "pixi": Format(write=pixi_lock.write, groups=True),
    "environment": Format(write=environment_yml.write),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Hold the text of each file by name, sorted, and notes on what the format leaves out."""

    files: Mapping[str, str]
    notes: tuple[str, ...]


def export(lock: Lock, name: str) -> Exported:
    """Write a lock in a format; raise UsageError for an unknown one, WriteError for what it cannot hold."""
    if name not in FORMATS:
        raise UsageError(f"unknown format `{name}`", hint=f"one of {', '.join(FORMATS)}")
    chosen = FORMATS[name]
    files = chosen.write(normal_form(lock))
    notes = [note for platform in lock.platforms for note in _omissions(name, chosen, platform)]
    if lock.projects:
        notes.append(f"left out: {own_projects(lock)}")
    return Exported(files=dict(sorted(files.items())), notes=tuple(dict.fromkeys(notes)))


def _omissions(name: str, chosen: Format, lock: PlatformLock) -> Iterator[str]:
    subdir = lock.platform.subdir
    if not chosen.conda and lock.conda:
        yield f"{name} holds nothing of conda: {_left(len(lock.conda), subdir)}, python among them"
    if not chosen.pypi and lock.pypi:
        left = ", ".join(wheel.name for wheel in lock.pypi)
        yield f"{name} holds nothing of PyPI: left out for {subdir} {is_or_are(len(lock.pypi))} {left}"
    if not chosen.groups and (groups := sorted(lock_groups(lock))):
        yield _grouped(name, groups)
    if name == "explicit" and lock.pypi:
        yield "the requirements file beside it holds no URLs: wheels are found by name, version and hash"
    if name == "pylock" and lock.pypi:
        yield "pylock.toml holds no dependencies between packages: what conda provides could not be named"


def _left(number: int, subdir: str) -> str:
    return f"{counted(number, 'package')} of {subdir} {is_or_are(number)} left out"


def _grouped(name: str, groups: list[str]) -> str:
    listed = ", ".join(groups)
    if name == "conda-only":
        return f"conda installs `main` alone from it, not {listed}"
    return f"{name} has no groups: {listed} {is_or_are(len(groups))} installed by it, too (--no-group leaves one out)"
