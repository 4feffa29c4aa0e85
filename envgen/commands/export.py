"""Write an environment's lock in another tool's format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.commands.why import chosen_platforms
from envgen.errors import UsageError, WriteError
from envgen.formats.registry import Exported, export
from envgen.lock.groups import lock_groups, without_groups
from envgen.project.project import MANIFEST, locked_environment
from envgen.project.services import Services
from envgen.system.files import exclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is exported: `platform` is one of several, or "" for all; packages of `no_groups` are left out."""

    format: str
    platform: str = ""
    no_groups: tuple[str, ...] = ()


def export_environment(services: Services, name: str, options: ExportOptions) -> Exported:
    """Return the texts of an environment's lock in a format.

    Raises:
        UsageError: the environment, the format, the platform or a group is unknown. LockfileError: there is no lock.
        WriteError: the format has no place for it.
    """
    _, lock = locked_environment(services.root, name)
    platforms = chosen_platforms(lock, lock.name, options.platform)
    groups = {group for each in platforms for group in lock_groups(each)}
    if unknown := sorted(set(options.no_groups) - groups):
        hint = f"its groups are {', '.join(sorted(groups))}" if groups else "it has no groups"
        raise UsageError(f"{lock.name} has no packages of the group `{unknown[0]}` alone", hint=hint)
    chosen = replace(lock, platforms=tuple(without_groups(each, options.no_groups) for each in platforms))
    return export(chosen, options.format)


def write_export(services: Services, files: Mapping[str, str], output: str) -> tuple[str, ...]:
    """Write exported files into a folder, or one of them as the file named; return the paths, as they were named.

    Raises:
        UsageError: several files were to be one, or the folder is an environment's own, whose lock would be lost.
        WriteError: the disk refuses.
    """
    target = services.settings.folder / output
    folder = target if target.is_dir() or output.endswith("/") else target.parent
    if folder == target:
        named = dict(files)
    elif len(files) == 1:
        named = {target.name: next(iter(files.values()))}
    else:
        raise UsageError(f"{len(files)} files are written: {', '.join(files)}", hint="name a folder, ending in /")
    if (folder / MANIFEST).is_file():
        raise UsageError(f"{folder} is an environment's own folder", hint="export to another one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot make {folder}: {error.strerror}") from error
    with exclusive(folder) as writer:
        writer.write(named)
    shown = Path(output) if folder == target else Path(output).parent
    return tuple(str(shown / name) for name in named)
