"""Say how to build what exists as source alone."""

from __future__ import annotations

from dataclasses import replace

from envgen.diagnosis.changes import without
from envgen.diagnosis.fix import Fix
from envgen.diagnosis.subject import Subject
from envgen.knowledge.builds import build_needs
from envgen.knowledge.wheels import missing_wheel

COMPILERS = "compilers"


def build_later(subject: Subject) -> Fix:
    """Leave a requirement out of the lock, put a toolchain into it, and build the package in the environment.

    Nothing is built while locking, since that runs foreign code.
    """
    requirement = subject.requirement
    row = build_needs(requirement.name)
    wanted = (COMPILERS, *(row.conda if row else ()))
    tools = tuple(name for name in wanted if name in subject.channel_names)
    headers = f" and what its source needs ({', '.join(row.conda)}: {row.why})" if row else ""
    version = subject.pypi.standing.version
    pinned = f"{requirement.name}=={version}" if version and not requirement.url else str(requirement)
    command = f'`pip install --no-deps --no-binary {requirement.name} "{pinned}"`'
    text = (
        f"{_on_conda_forge(subject)}lock the toolchain instead (conda's `{COMPILERS}`{headers}), and build it in the "
        f"environment once that is made: {command}; on the Mac this needs Xcode's command line tools "
        "(`xcode-select --install`)"
    )
    return Fix(text=text, edit=replace(without(subject), conda=tools))


def _on_conda_forge(subject: Subject) -> str:
    """Point at conda-forge itself, where the facts know that it has what the channels that were read lack."""
    row = missing_wheel(subject.requirement.name, subject.requirement.specifier, subject.platform)
    if row is None or not row.conda:
        return ""
    return f"conda-forge itself has `{row.conda}`, so solve against it (--channel conda-forge); or, with this channel, "
