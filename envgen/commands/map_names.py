"""Answer which conda packages requirements map to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from envgen.errors import EnvgenError, MappingError, Problem, SourceLine, UsageError
from envgen.knowledge.replacements import replacement_of
from envgen.mapping.requirements import MappedRequirement, map_requirements
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.project.channels import name_mapper, open_index
from envgen.project.project import PlatformOptions
from envgen.project.services import Services
from envgen.system.files import read_text

SUGGESTED = 50
_SUFFIXES = (".txt", ".in", ".csv", ".yml", ".yaml", ".toml", ".lock")


def map_texts(services: Services, texts: tuple[str, ...], target: PlatformOptions) -> tuple[MappedRequirement, ...]:
    """Map requirements, given as texts, as files with one a line, or as `-` for standard input.

    Raises:
        UsageError: with every argument that is no requirement. MappingError: with every line of a file that is none,
            or for a file that is not there.
    """
    requirements = _parsed(services, texts)
    platform = target.platform()
    channels = tuple(Channel.parse(text) for text in services.options.channels) or (CONDA_FORGE,)
    repodata = open_index(services, channels, platform, first=True)
    mapper = name_mapper(services, {}, repodata, platform)
    few = len(requirements) <= SUGGESTED
    # a question about names reads no metadata from an index
    found = map_requirements(requirements, mapper, platform, lambda *_: None, suggest=few)
    return tuple(_with_replacement(item, platform) for item in found)


def _with_replacement(item: MappedRequirement, platform: Platform) -> MappedRequirement:
    """Return an answer that says what a lock would ask for in the place of a name that conda does not serve."""
    row = replacement_of(item.requirement.name, platform.subdir, item.requirement.specifier)
    if row is None or item.source == "conda":
        return item
    instead = f"a lock asks for `{row.replacement}` instead" if row.replacement else "a lock leaves it out"
    return replace(item, why=f"{item.why}; {instead}: {row.why}", suggestions=())


def _parsed(services: Services, texts: tuple[str, ...]) -> list[Requirement]:
    found, problems = [], []
    for line in _lines(services, texts):
        try:
            found.append(Requirement.parse(line.text, Origin(path=line.text, line=line if line.line else None)))
        except ValueError as error:
            problems.append(Problem(path="", message=str(error), line=line))
    if problems:
        raise _refusal(problems)
    if not found:
        raise UsageError("nothing to map", hint="give names, files, or - for standard input")
    return found


def _refusal(problems: Sequence[Problem]) -> EnvgenError:
    lines = [problem.line for problem in problems if problem.line and problem.line.line]
    message = "\n".join(problem.message for problem in problems)
    if lines and len(problems) > 1:
        message = "\n  ".join([f"{len(problems)} lines are no requirements", *(each.message for each in problems)])
    hint = "write a requirement as in PEP 508, such as `pandas>=2`"
    return MappingError(message, lines=lines, hint=hint) if lines else UsageError(message, hint=hint)


def _lines(services: Services, texts: tuple[str, ...]) -> Iterator[SourceLine]:
    for text in texts:
        path = services.settings.folder / text
        if text == "-":
            yield from _stripped("standard input", sys.stdin.read())
        elif _is_path(text) or ("." in text and path.is_file()):
            if not path.exists():
                raise MappingError(f"there is no file {text}", hint="check the path, or give names of packages")
            yield from _stripped(text, read_text(path, error=MappingError))
        else:
            yield SourceLine(file="argument", line=0, text=text)


def _is_path(text: str) -> bool:
    """Return whether a text can be nothing but a file's name: a URL behind `@` has slashes, too."""
    return "/" in text.partition("@")[0] or text.lower().endswith(_SUFFIXES)


def _stripped(file: str, content: str) -> Iterator[SourceLine]:
    for number, line in enumerate(content.splitlines(), 1):
        text = line.split(" #")[0].strip()
        if text and not text.startswith("#"):
            yield SourceLine(file=file, line=number, text=text)


def mapped_row(item: MappedRequirement) -> tuple[str, str, str, str]:
    """Return one answer for people: the requirement, its source, what it is on conda, and why."""
    meant = " or ".join(f"`{name}`" for name in item.suggestions)
    why = f"{item.why}; did you mean {meant}?" if meant else item.why
    return str(item.requirement), item.source, item.spec or item.conda or "-", why


def mapped_shape(item: MappedRequirement) -> dict[str, object]:
    """Return one answer as `--json` prints it."""
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
