"""Judge installation commands, and ask about the packages that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envgen.diagnosis.advice import Advised, judge_command
from envgen.diagnosis.commands import Command, read_commands
from envgen.errors import UsageError
from envgen.knowledge.advice import command_tools
from envgen.models.match_spec import MatchSpec
from envgen.models.requirement import Origin, Requirement
from envgen.project.project import Target
from envgen.workflows.cases import Case, cases_of_requirements

_MINOR = re.compile(r"(3\.\d{1,2})(?:\.\d+)?")
_TAG = re.compile(r"macosx_(\d{2})(?:_(\d{1,2}))?_arm64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Hold judged commands with the questions about their packages."""

    advised: tuple[Advised, ...] = ()
    cases: tuple[Case, ...] = ()
    notes: tuple[str, ...] = ()


def judge_advice(text: str, target: Target, accelerator: str) -> Advice:
    """Judge commands for a target; what they say of python and macOS counts where the call says nothing.

    The packages of all of them are asked for at once, since they go into one environment.

    Raises:
        UsageError: a shell could not read the text, or nothing in it installs.
    """
    commands = read_commands(text)
    meant = Target(python=target.python or _python(commands), macos=target.macos or _macos(commands))
    platform = meant.platform()
    advised = tuple(judge_command(command, platform, commands) for command in commands)
    if not any(each.judged for each in advised):
        known = ", ".join(program for tool in command_tools() for program in tool.programs)
        raise UsageError(f"there is no installation command in `{text}`", hint=f"commands of {known} are judged")
    requirements, specs, notes = _asked(commands)
    cases = cases_of_requirements(requirements, meant, accelerator, specs) if requirements or specs else ()
    return Advice(advised=advised, cases=cases, notes=tuple(notes))


def _python(commands: Sequence[Command]) -> str:
    """Find the python that commands name: in the program, an option, or conda's own package."""
    for command in commands:
        specs = [text.partition("=")[2].lstrip("=") for text in command.packages if text.startswith("python=")]
        for text in (command.python, *command.values("--python-version"), *specs):
            found = _MINOR.fullmatch(text.replace(".*", ""))
            if found:
                return found[1]
    return ""


def _macos(commands: Sequence[Command]) -> str:
    for command in commands:
        for value in command.values("--platform"):
            found = _TAG.fullmatch(value)
            if found:
                return f"{found[1]}.{found[2] or '0'}"
        for name, value in command.variables:
            if name == "MACOSX_DEPLOYMENT_TARGET" and re.fullmatch(r"\d{2}\.\d{1,2}", value):
                return value
    return ""


def _asked(commands: Sequence[Command]) -> tuple[list[str], list[MatchSpec], list[str]]:
    requirements: list[str] = []
    specs: dict[str, MatchSpec] = {}
    notes: list[str] = []
    for command in commands:
        for text in command.packages:
            if command.speaks == "pypi" and _is_requirement(text):
                requirements.append(text)
            elif command.speaks == "conda" and (spec := _spec(text)):
                specs.setdefault(spec.name, spec)
            else:
                notes.append(f"`{text}` was not looked up: it is no name of a package there")
        notes.extend(_files(command))
    return requirements, [spec for name, spec in specs.items() if name != "python"], notes


def _files(command: Command) -> Iterator[str]:
    for name in ("--requirement", "--file"):
        for value in command.values(name):
            yield f"`{value}` was not read: give it as well, `envgen diagnose {value}`"


def _is_requirement(text: str) -> bool:
    try:
        Requirement.parse(text, Origin(path="command"))
    except ValueError:
        return False
    return True


def _spec(text: str) -> MatchSpec | None:
    try:
        return MatchSpec.parse(text.rpartition("::")[2])
    except ValueError:
        return None
