"""Judge the names that installation commands ask for: those that do not serve on a Mac, and what does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from packaging.utils import canonicalize_name

from envgen.diagnosis.commands import Command, Option
from envgen.knowledge.replacements import needless_extra, replacement_of, unwanted_channel, unwanted_package
from envgen.knowledge.tensorflow import pypi_name
from envgen.models.findings import Severity
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement

_SPEC = re.compile(r"(?:[^:\s]+::)?([A-Za-z0-9_][\w.-]*)\s*(.*)")
_LOCAL = re.compile(r"(==\s*[\w.]+)\+[\w.]+")
TENSORFLOW = "tensorflow"
CHANNEL = "--channel"
CONDA_FORGE = Option(name=CHANNEL, value="conda-forge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Say what is wrong with a command, under a stable code, and what is right."""

    code: str
    severity: Severity
    message: str
    right: str


@dataclass(slots=True, kw_only=True)
class Named:
    """Hold a command with the names that serve, and what was wrong with the others."""

    command: Command
    wrongs: list[Wrong] = field(default_factory=list)


def base_name(text: str) -> str:
    """Give the canonical name that a package's text starts with."""
    return str(canonicalize_name(re.split(r"[=<>!~\[ {;@]", text.rpartition("::")[2])[0]))


def named(command: Command) -> Iterator[tuple[str, str]]:
    """Give each package's canonical name with its specifier; what cannot be read as one has none."""
    for text in command.packages:
        if not _SPEC.fullmatch(text):
            continue
        requirement = _requirement(text)
        yield (requirement.name, requirement.specifier) if requirement else (base_name(text), "")


def judge_names(command: Command, platform: Platform, told: Collection[str]) -> Named:
    """Put the names that serve in the place of those that do not; `told` are those that a rule speaks of already."""
    found = Named(command=command)
    if command.speaks in ("pypi", "conda"):
        texts = (text if base_name(text) in told else _right(found, text, platform) for text in command.packages)
        found.command = replace(command, packages=tuple(text for text in texts if text))
    if command.speaks == "conda":
        _channels(found, told)
    return found


def _right(found: Named, text: str, platform: Platform) -> str:
    """Give what to ask for in the place of one package, "" for nothing."""
    name, speaks = base_name(text), found.command.speaks
    why = unwanted_package(name, "conda" if speaks == "conda" else "pypi")
    if why:
        found.wrongs.append(
            Wrong(code="NO-USE-ON-MAC", severity="error", message=f"`{name}`: {why}", right="leave it out")
        )
        return ""
    local = _LOCAL.sub(r"\1", text)
    if local != text:
        why = "what stands behind the `+` names a build of one index, which has none for a Mac"
        found.wrongs.append(Wrong(code="LOCAL-VERSION", severity="error", message=why, right=f"ask for `{local}`"))
    requirement = _requirement(local)
    if requirement is None:
        return local
    return _renamed(found, local, requirement, platform)


def _renamed(found: Named, text: str, requirement: Requirement, platform: Platform) -> str:
    row = replacement_of(requirement.name, platform.subdir, requirement.specifier)
    extras = [needless_extra(requirement.name, extra, platform.subdir) for extra in requirement.extras]
    why = row.why if row else ""
    code = "REPLACED"
    right = requirement
    if row:
        right = replace(right, name=row.replacement, specifier=requirement.specifier if row.keep_specifier else "")
    elif any(extras):
        code, why = "NEEDLESS-EXTRA", next(extra.why for extra in extras if extra)
        right = replace(right, extras=tuple(x for x, known in zip(right.extras, extras, strict=True) if not known))
    elif found.command.speaks == "pypi" and right.name == TENSORFLOW and pypi_name(right.specifier) != TENSORFLOW:
        code, why = "OLD-NAME", "on Apple silicon TensorFlow up to 2.12 was released as tensorflow-macos"
        right = replace(right, name=pypi_name(right.specifier))
    if not why:
        return text
    written = str(right) if right.name else ""
    told = f"ask for `{written}`" if written else "leave it out"
    found.wrongs.append(Wrong(code=code, severity="error", message=why, right=told))
    return written


def _channels(found: Named, told: Collection[str]) -> None:
    """Leave out the channels that are not to be mixed with conda-forge, and name that one in their place."""
    kept: list[Option] = []
    for option in found.command.options:
        why = unwanted_channel(option.value or "") if option.name == CHANNEL else ""
        unwanted = bool(why) and f"{CHANNEL}={option.value}" not in told
        if unwanted:
            message = f"the channel `{option.value}`: {why}"
            found.wrongs.append(Wrong(code="CHANNEL", severity="warning", message=message, right="take conda-forge"))
        kept.append(CONDA_FORGE if unwanted else option)
    found.command = replace(found.command, options=tuple(dict.fromkeys(kept)))


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement.parse(text, Origin(path="command"))
    except ValueError:
        return None
