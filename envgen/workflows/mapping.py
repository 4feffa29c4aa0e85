"""Answer how requirements map to conda."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from envgen.errors import MappingError, Problem, SourceLine, UsageError
from envgen.gateways.disk import read_text
from envgen.manifest.fields import macos_floor, python_minor
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.platform import DEFAULT_MACOS, Platform
from envgen.models.requirement import Origin, Requirement
from envgen.workflows.index import open_index
from envgen.workflows.services import Services
from envgen.workflows.solving import name_mapper

DEFAULT_PYTHON = "3.12"
SUGGESTED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Hold the target that a question is about; "" takes the default."""

    python: str = ""
    macos: str = ""

    def platform(self) -> Platform:
        """Give the target; raise UsageError for one that does not exist."""
        try:
            python = python_minor(self.python) if self.python else DEFAULT_PYTHON
            macos = macos_floor(self.macos) if self.macos else DEFAULT_MACOS
            return Platform(subdir="osx-arm64", python=python, macos=macos)
        except ValueError as error:
            raise UsageError(str(error), hint="write them as in `--python 3.12 --macos 13.0`") from error


def map_texts(services: Services, texts: tuple[str, ...], target: Target) -> tuple[MappedRequirement, ...]:
    """Map requirements, given as texts, as files with one a line, or as `-` for standard input.

    Raises:
        MappingError: with every line that is no requirement.
    """
    requirements = _parsed(services, texts)
    platform = target.platform()
    channels = tuple(Channel.parse(text) for text in services.options.channels) or (CONDA_FORGE,)
    repodata = open_index(services, channels, platform, first=True)
    mapper = name_mapper(services, {}, repodata, platform)
    return map_requirements(requirements, mapper, platform, _unasked, suggest=len(requirements) <= SUGGESTED)


def _unasked(name: str, version: str) -> None:
    """Answer that metadata is not read: a question about names asks no index."""


def _parsed(services: Services, texts: tuple[str, ...]) -> list[Requirement]:
    found, problems = [], []
    for line in _lines(services, texts):
        try:
            found.append(Requirement.parse(line.text, Origin(path=line.text, line=line if line.line else None)))
        except ValueError as error:
            problems.append(Problem(path="", message=str(error), line=line))
    if problems:
        listed = "\n".join(f"  {problem.message}" for problem in problems)
        raise MappingError(
            f"{len(problems)} of the lines are no requirements\n{listed}",
            lines=[problem.line for problem in problems if problem.line and problem.line.line],
            hint="write them as in PEP 508, such as `pandas>=2`",
        )
    if not found:
        raise UsageError("nothing to map", hint="give names, files, or - for standard input")
    return found


def _lines(services: Services, texts: tuple[str, ...]) -> Iterator[SourceLine]:
    for text in texts:
        path = services.settings.folder / text
        if text == "-":
            yield from _stripped("standard input", sys.stdin.read())
        elif ("/" in text or "." in text) and path.is_file():
            yield from _stripped(text, read_text(path, error=MappingError))
        else:
            yield SourceLine(file="argument", line=0, text=text)


def _stripped(file: str, content: str) -> Iterator[SourceLine]:
    for number, line in enumerate(content.splitlines(), 1):
        text = line.split(" #")[0].strip()
        if text and not text.startswith("#"):
            yield SourceLine(file=file, line=number, text=text)


def mapped_row(item: MappedRequirement) -> tuple[str, str, str, str]:
    """Lay one answer out for people: the requirement, its source, what it is on conda, and why."""
    meant = " or ".join(f"`{name}`" for name in item.suggestions)
    why = f"{item.why}; did you mean {meant}?" if meant else item.why
    return str(item.requirement), item.source, item.spec or item.conda or "-", why


def mapped_shape(item: MappedRequirement) -> dict[str, object]:
    """Shape one answer for `--json`."""
    return {
        "requirement": str(item.requirement),
        "pypi": item.requirement.name,
        "source": item.source,
        "conda": item.package,
        "spec": ", ".join(map(str, item.specs)) or None,
        "provenance": item.provenance,
        "why": item.why,
        "rejected": [{"conda": rejected.conda, "why": rejected.why} for rejected in item.rejected],
        "notes": list(item.notes),
        "suggestions": list(item.suggestions),
    }
