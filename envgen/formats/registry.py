"""The formats that a lock is written in: the outputs of a manifest, and those that it is exported to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from envgen.errors import UsageError, WriteError
from envgen.formats import conda_lock, environment_yml, explicit, pixi_lock, pylock
from envgen.formats.generated import own_projects
from envgen.lock.custom_metadata import normal_form
from envgen.lock.groups import lock_groups
from envgen.lock.model import Lock, PlatformLock
from envgen.models.findings import counted, is_or_are

Writer = Callable[[Lock], dict[str, str]]

WRITERS: Mapping[str, Writer] = {
    environment_yml.FILE: environment_yml.write,
    conda_lock.FILE: conda_lock.write,
    explicit.NAME: explicit.write,
}
OUTPUTS: tuple[str, ...] = tuple(WRITERS)
LOCKS: tuple[str, ...] = (conda_lock.FILE, explicit.NAME)


def render(lock: Lock, outputs: Iterable[str]) -> dict[str, str]:
    """Return the text of each file of these outputs, by file name, sorted.

    The same lock gives the same bytes, in whatever order its packages stand. Raises WriteError for an unknown output,
    for outputs of which none can be read back, and for what a format has no place for.
    """
    chosen = sorted(set(outputs))
    for output in chosen:
        if output not in WRITERS:
            raise WriteError(f"unknown output `{output}`", hint=f"known outputs: {', '.join(OUTPUTS)}")
    if not set(chosen) & set(LOCKS):
        raise WriteError(
            f"nothing of {', '.join(chosen) or 'no outputs'} can be read back",
            hint=f"add {' or '.join(LOCKS)} to `outputs`",
        )
    try:
        normal = normal_form(lock)
    except ValueError as error:
        raise WriteError(f"the lock of `{lock.name}` cannot be written: {error}") from error
    files = {name: text for output in chosen for name, text in WRITERS[output](normal).items()}
    return dict(sorted(files.items()))


def omissions(lock: Lock, outputs: Iterable[str]) -> tuple[str, ...]:
    """Return what the chosen formats leave out of the lock, for the user's notes."""
    groups = sorted(frozenset().union(*map(lock_groups, lock.platforms)))
    notes = []
    for output in sorted(set(outputs)):
        if groups and output != conda_lock.FILE:
            without = f"{', '.join(groups)} {is_or_are(len(groups))} installed by it, too"
            notes.append(f"{output} has no groups: {without}")
        if output == explicit.NAME and any(platform.pypi for platform in lock.platforms):
            notes.append("explicit holds no URLs of PyPI's wheels: they are found by name, version and hash")
    return tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format's writer, and whether it has a place for each half of a lock and for its groups."""

    write: Writer
    conda: bool = True
    pypi: bool = True
    groups: bool = False


def _conda_only(lock: Lock) -> dict[str, str]:
    """Write a conda-lock.yml without PyPI's packages, which conda's own reader refuses."""
    return conda_lock.write(replace(lock, platforms=tuple(replace(each, pypi=()) for each in lock.platforms)))


FORMATS: Mapping[str, Format] = {
    "explicit": Format(write=explicit.write),
    "requirements": Format(write=pylock.write_requirements, conda=False),
    "pylock": Format(write=pylock.write, conda=False, groups=True),
    "conda-only": Format(write=_conda_only, pypi=False),
    "pixi": Format(write=pixi_lock.write, groups=True),
    "environment": Format(write=environment_yml.write),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The text of each file by name, sorted, and notes on what the format leaves out."""

    files: Mapping[str, str]
    notes: tuple[str, ...]


def export(lock: Lock, name: str) -> Exported:
    """Write a lock in a format; raise UsageError for an unknown one, WriteError for what it has no place for."""
    if name not in FORMATS:
        raise UsageError(f"unknown format `{name}`", hint=f"one of {', '.join(FORMATS)}")
    chosen = FORMATS[name]
    files = chosen.write(normal_form(lock))
    notes = [note for platform in lock.platforms for note in _left_out(name, chosen, platform)]
    if lock.projects:
        notes.append(f"left out: {own_projects(lock)}")
    return Exported(files=dict(sorted(files.items())), notes=tuple(dict.fromkeys(notes)))


def _left_out(name: str, chosen: Format, lock: PlatformLock) -> Iterator[str]:
    subdir = lock.platform.subdir
    if not chosen.conda and lock.conda:
        left = f"{counted(len(lock.conda), 'package')} of {subdir} {is_or_are(len(lock.conda))} left out"
        yield f"{name} holds nothing of conda: {left}, python among them"
    if not chosen.pypi and lock.pypi:
        names = ", ".join(wheel.name for wheel in lock.pypi)
        yield f"{name} holds nothing of PyPI: left out for {subdir} {is_or_are(len(lock.pypi))} {names}"
    if not chosen.groups and (groups := sorted(lock_groups(lock))):
        yield _without_groups(name, groups)
    if name == "explicit" and lock.pypi:
        yield "the requirements file beside it holds no URLs: wheels are found by name, version and hash"
    if name == "pylock" and lock.pypi:
        yield "pylock.toml holds no dependencies between packages: what conda provides could not be named"


def _without_groups(name: str, groups: list[str]) -> str:
    listed = ", ".join(groups)
    if name == "conda-only":
        return f"conda installs `main` alone from it, not {listed}"
    return f"{name} has no groups: {listed} {is_or_are(len(groups))} installed by it, too (--no-group leaves one out)"
