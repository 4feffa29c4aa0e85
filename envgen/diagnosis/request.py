"""Turn what a diagnosis is asked about into questions and the manifest that asks them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from envgen.commands.import_file import Imported, ImportOptions, import_file, source_lines
from envgen.commands.new import chosen_accelerator
from envgen.diagnosis.command_advice import JudgedCommand, judge_command
from envgen.diagnosis.command_lines import Command, read_commands
from envgen.diagnosis.results import Question
from envgen.errors import Problem, SourceLine, UsageError
from envgen.importers.draft import LineReport
from envgen.importers.items import ImportedRequirement
from envgen.knowledge.advice import command_tools
from envgen.manifest.edit import add_requirements, set_accelerator, set_macos, set_name, set_python
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.templates import blank_text
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.findings import counted
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.project.project import Environment, PlatformOptions
from envgen.project.services import Services

NAME = "diagnosed"
SUBDIR = "osx-arm64"
MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnosisRequest:
    """Questions that are asked at once, with their target, and the manifest that asks them."""

    questions: tuple[Question, ...]
    platform: Platform
    manifest: str
    accelerator: str | None = None
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    constraints: tuple[Requirement, ...] = ()
    notes: tuple[str, ...] = ()


def cases_of_requirements(
    texts: Sequence[str], target: PlatformOptions, accelerator: str, specs: Sequence[MatchSpec] = ()
) -> tuple[DiagnosisRequest, ...]:
    """Ask about requirements from the command line; a name that is written twice starts a further case.

    `specs` are match specs that conda alone may serve; they go with the first case.

    Raises:
        UsageError: with every text that is no requirement.
    """
    requirements = _parsed(texts) if texts or not specs else []
    platform = target.platform()
    piles: list[list[Requirement]] = []
    for requirement in requirements:
        pile = next((pile for pile in piles if requirement.name not in {item.name for item in pile}), None)
        if pile is None:
            piles.append([requirement])
        else:
            pile.append(requirement)
    own = [specs, *([()] * len(piles))]
    return tuple(_case(pile, platform, accelerator, own[place]) for place, pile in enumerate(piles or [[]]))


def _parsed(texts: Sequence[str]) -> list[Requirement]:
    found, problems = [], []
    for text in texts:
        try:
            found.append(Requirement.parse(text, Origin(path=text)))
        except ValueError as error:
            line = SourceLine(file="argument", line=0, text=text)
            problems.append(Problem(path="", message=str(error), line=line))
    if problems:
        raise UsageError(
            "\n".join(problem.message for problem in problems),
            hint="write requirements as in PEP 508, such as `pandas>=2`; or give a file, or an environment",
        )
    if not found:
        raise UsageError("nothing to diagnose", hint="give requirements, a file, or an environment")
    return found


def _case(
    requirements: Sequence[Requirement], platform: Platform, accelerator: str, specs: Sequence[MatchSpec] = ()
) -> DiagnosisRequest:
    applying = [item for item in requirements if item.applies(platform.markers())]
    text = set_macos(set_python(set_name(blank_text(), NAME), platform.python), platform.macos)
    text = _accelerated(text, accelerator)
    text = add_requirements(text, [item.text for item in applying]).text
    text = add_requirements(text, [spec.text for spec in specs], kind="conda").text
    skipped = [item for item in requirements if item not in applying]
    return DiagnosisRequest(
        questions=(*(Question(asked=item) for item in applying), *(Question(asked=spec) for spec in specs)),
        platform=platform,
        manifest=text,
        accelerator=accelerator or None,
        notes=tuple(f"`{item.text}` does not apply to this platform, by its marker" for item in skipped),
    )


def _accelerated(text: str, accelerator: str) -> str:
    return set_accelerator(text, chosen_accelerator(accelerator)) if accelerator else text


def case_of_environment(environment: Environment, target: PlatformOptions, accelerator: str) -> DiagnosisRequest:
    """Ask about all that an environment's manifest asks for, on osx-arm64."""
    case = case_of_manifest(environment.text, environment.manifest, target, accelerator)
    shown = ", ".join(f"`{project.path}`" for project in environment.manifest.local)
    note = f"what your own projects need is not looked at: {shown}; diagnose their pyproject.toml for that"
    return replace(case, notes=(*case.notes, note)) if shown else case


def case_of_manifest(
    text: str,
    manifest: Manifest,
    target: PlatformOptions,
    accelerator: str,
    lines: Mapping[int, SourceLine] | None = None,
) -> DiagnosisRequest:
    """Ask about all that a manifest asks for; `lines` are the lines to show for its own, by number."""
    python = target.python or manifest.python or PlatformOptions().platform().python
    text = _accelerated(set_python(text, python) if python != manifest.python else text, accelerator)
    text = set_macos(text, target.macos) if target.macos else text
    asked = list(_questions(manifest, lines or {}))  # on the lines as they are, before the target was put in
    manifest = load_manifest(text, manifest.file)
    platform = next((each for each in manifest.platforms(python) if each.subdir == SUBDIR), None)
    if platform is None:
        raise UsageError(f"{manifest.file} is not made for {SUBDIR}", hint=f"add `- {SUBDIR}` to its `platforms`")
    applying = [item for item in asked if not isinstance(item.asked, Requirement) or _applies(item.asked, platform)]
    return DiagnosisRequest(
        questions=tuple(applying),
        platform=platform,
        manifest=text,
        accelerator=manifest.accelerator,
        channels=manifest.channels,
        mapping=manifest.mapping,
        constraints=manifest.constraint_requirements(),
        notes=tuple(
            f"`{item.text}` does not apply to this platform, by its marker" for item in asked if item not in applying
        ),
    )


def _applies(requirement: Requirement, platform: Platform) -> bool:
    return requirement.applies(platform.markers())


def _questions(manifest: Manifest, lines: Mapping[int, SourceLine]) -> Iterator[Question]:
    def shown(origin: Origin) -> SourceLine | None:
        return lines.get(origin.line.line, origin.line) if origin.line else None

    for item in manifest.requirements():
        where = item.requirement.origin
        group = where.path.split(".")[1].split("[")[0] if where.path.startswith("groups.") else ""
        yield Question(asked=item.requirement, line=shown(where), group=group)
    for requirement in manifest.pypi_requirements():
        yield Question(asked=requirement, line=shown(requirement.origin), pypi_only=True)
    for root in manifest.conda_specs():
        yield Question(asked=root.spec, line=shown(root.origin))


# Ask about what another tool's file asks for, line by line.

_TOLD = ("dropped", "decision")
_WORDY = ("pyproject.toml", "pixi.toml", "conda-lock.yml")


def case_of_file(services: Services, path: Path, target: PlatformOptions, accelerator: str) -> DiagnosisRequest:
    """Import a file, and ask about its manifest, on the lines of the file itself.

    Requirements that the import leaves out, or asks for under another name, are asked about as they are written, too.

    Raises:
        ForeignFileError: the file cannot be read.
    """
    wishes = ImportOptions(
        python=target.python,
        macos=target.macos,
        accelerator=chosen_accelerator(accelerator) if accelerator else None,
    )
    imported = import_file(services, path, wishes)
    case = case_of_manifest(imported.text, imported.manifest, PlatformOptions(), "", source_lines(imported))
    known = {question.name for question in case.questions}
    further = [item for item in _rewritten(imported) if item.name not in known]
    markers = case.platform.markers()
    asked = [item for item in further if isinstance(item.asked, Requirement) and item.asked.applies(markers)]
    return replace(
        case,
        questions=(*case.questions, *asked),
        notes=(*case.notes, *imported.notes, *_notes(imported)),
    )


def _rewritten(imported: Imported) -> Iterator[Question]:
    """Yield the requirements that stand otherwise, or not at all, in the manifest."""
    outcomes = {(account.line.file, account.line.line): account.outcome for account in imported.accounts}
    for item in imported.file.items:
        if not isinstance(item, ImportedRequirement) or item.bound:
            continue
        line = item.span.line
        if outcomes.get((line.file, line.line)) in ("dropped", "replaced"):
            yield Question(asked=item.requirement, line=line, group=item.group)


def _notes(imported: Imported) -> Iterator[str]:
    """Yield what is not asked about; lines that only describe a project, or lock other platforms, are counted."""
    beside = 0
    for account in imported.accounts:
        if account.subject and imported.file.format in _WORDY:
            beside += 1
        elif account.outcome in _TOLD and account.why:
            yield _note(account)
    if beside:
        verb = "asks" if beside == 1 else "ask"
        told = f"{counted(beside, 'part')} of {imported.file.file} {verb} for no package here"
        yield f"{told}; `envgen import -v` lists them"


def _note(account: LineReport) -> str:
    what = "left out" if account.outcome == "dropped" else "not decided"
    return f"{account.line}: {what}: {account.why}"


# Judge installation commands, and ask about the packages that they name.

_MINOR = re.compile(r"(3\.\d{1,2})(?:\.\d+)?")
_TAG = re.compile(r"macosx_(\d{2})(?:_(\d{1,2}))?_arm64")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDiagnosis:
    """Judged commands with the questions about their packages."""

    advised: tuple[JudgedCommand, ...] = ()
    cases: tuple[DiagnosisRequest, ...] = ()
    notes: tuple[str, ...] = ()


def judge_advice(text: str, target: PlatformOptions, accelerator: str) -> CommandDiagnosis:
    """Judge commands for a target; what they say of python and macOS counts where the call says nothing.

    The packages of all of them are asked for at once, since they go into one environment.

    Raises:
        UsageError: a shell could not read the text, or nothing in it installs.
    """
    commands = read_commands(text)
    meant = PlatformOptions(python=target.python or _python(commands), macos=target.macos or _macos(commands))
    platform = meant.platform()
    advised = tuple(judge_command(command, platform, commands) for command in commands)
    if not any(each.judged for each in advised):
        known = ", ".join(program for tool in command_tools() for program in tool.programs)
        raise UsageError(f"there is no installation command in `{text}`", hint=f"commands of {known} are judged")
    requirements, specs, notes = _asked(commands)
    cases = cases_of_requirements(requirements, meant, accelerator, specs) if requirements or specs else ()
    return CommandDiagnosis(advised=advised, cases=cases, notes=tuple(notes))


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
