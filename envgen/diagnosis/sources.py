"""Say how to build what exists as source alone."""

from __future__ import annotations

from dataclasses import replace

from envgen.diagnosis.changes import without
from envgen.diagnosis.fix import Fix
from envgen.diagnosis.subject import Subject
from envgen.knowledge.wheels import BuildNeeds, build_needs, missing_wheel
from envgen.models.requirement import Requirement

COMPILERS = "compilers"


def build_later(subject: Subject) -> Fix:
    """Leave a requirement out of the lock, put a toolchain into it, and build the package in the environment.

    Nothing is built while locking, since that runs foreign code.
    """
    requirement = subject.requirement
    row = build_needs(requirement.name)
    wanted = (*(() if row and row.pure else (COMPILERS,)), *(row.conda if row else ()))
    tools = tuple(name for name in wanted if name in subject.channel_names)
    text = f"{_on_conda_forge(subject)}{_toolchain(requirement, row)}: {_command(subject, row)}"
    if not (row and row.pure):
        text += "; on the Mac this needs Xcode's command line tools (`xcode-select --install`)"
    return Fix(text=text, edit=replace(without(subject), conda=tools))


def _toolchain(requirement: Requirement, row: BuildNeeds | None) -> str:
    if row and row.pure:
        return (
            f"lock the rest, and install `{requirement.name}` from its source, which needs no compiler, once it is made"
        )
    headers = f" and what its source needs ({', '.join(row.conda)}: {row.why})" if row and row.conda else ""
    tools = f"conda's `{COMPILERS}`{headers}"
    return f"lock the toolchain instead ({tools}), and build it in the environment once that is made"


def _command(subject: Subject, row: BuildNeeds | None) -> str:
    requirement = subject.requirement
    version = subject.pypi.standing.version
    pinned = f"{requirement.name}=={version}" if version and not requirement.url else str(requirement)
    beside = "" if row is None or row.isolated else "--no-build-isolation "
    return f'`pip install --no-deps {beside}--no-binary {requirement.name} "{pinned}"`'


def _on_conda_forge(subject: Subject) -> str:
    """Point at conda-forge itself, where the facts know that it has what the channels that were read lack."""
    row = missing_wheel(subject.requirement.name, subject.requirement.specifier, subject.platform)
    if row is None or not row.conda:
        return ""
    return f"conda-forge has `{row.conda}`, but not as it was read here: read all of it, without a mirror; or else "
