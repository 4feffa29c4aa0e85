"""Read what a diagnosis is asked for: requirements, a manifest, another tool's file, or installation commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from envgen.commands.import_file import Imported, ImportOptions, import_file, source_lines
from envgen.commands.new import chosen_accelerator
from envgen.diagnosis.command_advice import JudgedCommand, command_requirement, judge_command
from envgen.diagnosis.command_lines import Command, read_commands
from envgen.diagnosis.results import DiagnosisRequest, Question
from envgen.errors import Problem, SourceLine, UsageError
from envgen.importers.items import ImportedRequirement
from envgen.knowledge.advice import command_tools
from envgen.manifest.edit import add_requirements, set_accelerator, set_macos, set_name, set_python
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.templates import blank_text
from envgen.models.findings import counted
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import APPLE_SILICON, Platform
from envgen.models.requirement import Origin, Requirement
from envgen.project.project import Environment, PlatformOptions
from envgen.project.services import Services

_NAME = "diagnosed"  # of the manifest that is made for requirements alone
_DESCRIPTIVE = ("pyproject.toml", "pixi.toml", "conda-lock.yml")  # files with many lines that name no package
_MINOR = re.compile(r"(3\.\d{1,2})(?:\.\d+)?")
_TAG = re.compile(r"macosx_(\d{2})(?:_(\d{1,2}))?_arm64")


def requests_of_requirements(
    texts: Sequence[str], target: PlatformOptions, accelerator: str, specs: Sequence[MatchSpec] = ()
) -> tuple[DiagnosisRequest, ...]:
    """Ask about requirements from the command line; a name that is written twice starts a further request.

    `specs` are match specs that conda alone may serve; they go with the first request.

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
    first, *others = piles or [[]]
    return (
        _request(first, platform, accelerator, specs),
        *(_request(pile, platform, accelerator) for pile in others),
    )


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


def _request(
    requirements: Sequence[Requirement], platform: Platform, accelerator: str, specs: Sequence[MatchSpec] = ()
) -> DiagnosisRequest:
    applying = [item for item in requirements if item.applies(platform.markers())]
    text = set_macos(set_python(set_name(blank_text(), _NAME), platform.python), platform.macos)
    text = _accelerated(text, accelerator)
    text = add_requirements(text, [item.text for item in applying]).text
    text = add_requirements(text, [spec.text for spec in specs], kind="conda").text
    return DiagnosisRequest(
        questions=(*(Question(requested=item) for item in applying), *(Question(requested=spec) for spec in specs)),
        platform=platform,
        manifest=text,
        accelerator=accelerator or None,
        notes=tuple(_not_applying(item.text) for item in requirements if item not in applying),
    )


def _accelerated(text: str, accelerator: str) -> str:
    return set_accelerator(text, chosen_accelerator(accelerator)) if accelerator else text


def _not_applying(text: str) -> str:
    return f"`{text}` does not apply to this platform, by its marker"


def request_of_environment(environment: Environment, target: PlatformOptions, accelerator: str) -> DiagnosisRequest:
    """Ask about all that an environment's manifest lists for Apple silicon."""
    request = request_of_manifest(environment.text, environment.manifest, target, accelerator)
    shown = ", ".join(f"`{project.path}`" for project in environment.manifest.local)
    note = f"what your own projects need is not looked at: {shown}; diagnose their pyproject.toml for that"
    return replace(request, notes=(*request.notes, note)) if shown else request


def request_of_manifest(
    text: str,
    manifest: Manifest,
    target: PlatformOptions,
    accelerator: str,
    lines: Mapping[int, SourceLine] | None = None,
) -> DiagnosisRequest:
    """Ask about all that a manifest lists; `lines` are the lines to show in place of its own, by number."""
    python = target.python or manifest.python or PlatformOptions().platform().python
    text = _accelerated(set_python(text, python) if python != manifest.python else text, accelerator)
    text = set_macos(text, target.macos) if target.macos else text
    questions = list(_questions(manifest, lines or {}))  # on the lines as they are, before the target was put in
    manifest = load_manifest(text, manifest.file)
    platform = next((each for each in manifest.platforms(python) if each.is_apple_silicon), None)
    if platform is None:
        hint = f"add `- {APPLE_SILICON}` to its `platforms`"
        raise UsageError(f"{manifest.file} is not made for {APPLE_SILICON}", hint=hint)
    applying = [item for item in questions if isinstance(item.requested, MatchSpec) or _applies(item, platform)]
    return DiagnosisRequest(
        questions=tuple(applying),
        platform=platform,
        manifest=text,
        accelerator=manifest.accelerator,
        channels=manifest.channels,
        mapping=manifest.mapping,
        constraints=manifest.constraint_requirements(),
        notes=tuple(_not_applying(item.text) for item in questions if item not in applying),
    )


def _applies(question: Question, platform: Platform) -> bool:
    """Return whether a question is a requirement that applies to a platform."""
    return isinstance(question.requested, Requirement) and question.requested.applies(platform.markers())


def _questions(manifest: Manifest, lines: Mapping[int, SourceLine]) -> Iterator[Question]:
    def shown(origin: Origin) -> SourceLine | None:
        return lines.get(origin.line.line, origin.line) if origin.line else None

    for item in manifest.requirements():
        origin = item.requirement.origin
        group = origin.path.split(".")[1].split("[")[0] if origin.path.startswith("groups.") else ""
        yield Question(requested=item.requirement, line=shown(origin), group=group)
    for requirement in manifest.pypi_requirements():
        yield Question(requested=requirement, line=shown(requirement.origin), pypi_only=True)
    for root in manifest.conda_specs():
        yield Question(requested=root.spec, line=shown(root.origin))


def request_of_file(services: Services, path: Path, target: PlatformOptions, accelerator: str) -> DiagnosisRequest:
    """Import a file, and ask about its manifest, on the lines of the file itself.

    Requirements that the import leaves out, or puts under another name, are asked about as they are written, too.

    Raises:
        ForeignFileError: the file cannot be read.
    """
    options = ImportOptions(
        python=target.python,
        macos=target.macos,
        accelerator=chosen_accelerator(accelerator) if accelerator else None,
    )
    imported = import_file(services, path, options)
    request = request_of_manifest(imported.text, imported.manifest, PlatformOptions(), "", source_lines(imported))
    known = {question.name for question in request.questions}
    further = [item for item in _rewritten(imported) if item.name not in known and _applies(item, request.platform)]
    return replace(
        request,
        questions=(*request.questions, *further),
        notes=(*request.notes, *imported.notes, *_import_notes(imported)),
    )


def _rewritten(imported: Imported) -> Iterator[Question]:
    """Yield the requirements that the manifest has in another form, or not at all."""
    outcomes = {(report.line.file, report.line.line): report.outcome for report in imported.accounts}
    for item in imported.file.items:
        if not isinstance(item, ImportedRequirement) or item.bound:
            continue
        line = item.span.line
        if outcomes.get((line.file, line.line)) in ("dropped", "replaced"):
            yield Question(requested=item.requirement, line=line, group=item.group)


def _import_notes(imported: Imported) -> Iterator[str]:
    """Yield what is not asked about; lines that only describe a project, or lock other platforms, are counted."""
    descriptive = 0
    for report in imported.accounts:
        if report.subject and imported.file.format in _DESCRIPTIVE:
            descriptive += 1
        elif report.outcome in ("dropped", "decision") and report.why:
            what = "left out" if report.outcome == "dropped" else "not decided"
            yield f"{report.line}: {what}: {report.why}"
    if descriptive:
        verb = "asks" if descriptive == 1 else "ask"
        parts = f"{counted(descriptive, 'part')} of {imported.file.file}"
        yield f"{parts} {verb} for no package here; `envgen import -v` lists them"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDiagnosis:
    """Judged installation commands, with the requests for the packages that they name."""

    commands: tuple[JudgedCommand, ...] = ()
    requests: tuple[DiagnosisRequest, ...] = ()
    notes: tuple[str, ...] = ()


def judge_commands(text: str, target: PlatformOptions, accelerator: str) -> CommandDiagnosis:
    """Judge commands for a target; what they say of python and macOS counts where the call says nothing.

    The packages of all of them are requested together, since they go into one environment.

    Raises:
        UsageError: a shell could not read the text, or nothing in it installs.
    """
    commands = read_commands(text)
    target = PlatformOptions(python=target.python or _python(commands), macos=target.macos or _macos(commands))
    platform = target.platform()
    judged = tuple(judge_command(command, platform, commands) for command in commands)
    if not any(each.judged for each in judged):
        known = ", ".join(program for tool in command_tools() for program in tool.programs)
        raise UsageError(f"there is no installation command in `{text}`", hint=f"commands of {known} are judged")
    requirements, specs, notes = _packages(commands)
    requests = requests_of_requirements(requirements, target, accelerator, specs) if requirements or specs else ()
    return CommandDiagnosis(commands=judged, requests=requests, notes=tuple(notes))


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


def _packages(commands: Sequence[Command]) -> tuple[list[str], list[MatchSpec], list[str]]:
    """Return the requirements and the match specs of commands, with notes on what is neither."""
    requirements: list[str] = []
    specs: dict[str, MatchSpec] = {}
    notes: list[str] = []
    for command in commands:
        for text in command.packages:
            if command.speaks == "pypi" and command_requirement(text):
                requirements.append(text)
            elif command.speaks == "conda" and (spec := _spec(text)):
                specs.setdefault(spec.name, spec)
            else:
                notes.append(f"`{text}` was not looked up: it is no name of a package there")
        for value in (*command.values("--requirement"), *command.values("--file")):
            notes.append(f"`{value}` was not read: give it as well, `envgen diagnose {value}`")
    return requirements, [spec for name, spec in specs.items() if name != "python"], notes


def _spec(text: str) -> MatchSpec | None:
    try:
        return MatchSpec.parse(text.rpartition("::")[2])
    except ValueError:
        return None
