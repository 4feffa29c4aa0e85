"""Turn what a diagnosis is asked about into questions and the manifest that asks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envgen.commands.new import chosen_accelerator
from envgen.diagnosis.verdict import Question
from envgen.errors import Problem, SourceLine, UsageError
from envgen.manifest.edit import add_requirements, set_accelerator, set_macos, set_name, set_python
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.templates import blank_text
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.project.project import Environment, Target

NAME = "diagnosed"
SUBDIR = "osx-arm64"
MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Hold questions that are asked at once, with their target, and the manifest that asks them."""

    questions: tuple[Question, ...]
    platform: Platform
    manifest: str
    accelerator: str | None = None
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    constraints: tuple[Requirement, ...] = ()
    notes: tuple[str, ...] = ()


def cases_of_requirements(
    texts: Sequence[str], target: Target, accelerator: str, specs: Sequence[MatchSpec] = ()
) -> tuple[Case, ...]:
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
) -> Case:
    applying = [item for item in requirements if item.applies(platform.markers())]
    text = set_macos(set_python(set_name(blank_text(), NAME), platform.python), platform.macos)
    text = _accelerated(text, accelerator)
    text = add_requirements(text, [item.text for item in applying]).text
    text = add_requirements(text, [spec.text for spec in specs], kind="conda").text
    skipped = [item for item in requirements if item not in applying]
    return Case(
        questions=(*(Question(asked=item) for item in applying), *(Question(asked=spec) for spec in specs)),
        platform=platform,
        manifest=text,
        accelerator=accelerator or None,
        notes=tuple(f"`{item.text}` does not apply to this platform, by its marker" for item in skipped),
    )


def _accelerated(text: str, accelerator: str) -> str:
    return set_accelerator(text, chosen_accelerator(accelerator)) if accelerator else text


def case_of_environment(environment: Environment, target: Target, accelerator: str) -> Case:
    """Ask about all that an environment's manifest asks for, on osx-arm64."""
    case = case_of_manifest(environment.text, environment.manifest, target, accelerator)
    shown = ", ".join(f"`{project.path}`" for project in environment.manifest.local)
    note = f"what your own projects need is not looked at: {shown}; diagnose their pyproject.toml for that"
    return replace(case, notes=(*case.notes, note)) if shown else case


def case_of_manifest(
    text: str,
    manifest: Manifest,
    target: Target,
    accelerator: str,
    lines: Mapping[int, SourceLine] | None = None,
) -> Case:
    """Ask about all that a manifest asks for; `lines` are the lines to show for its own, by number."""
    python = target.python or manifest.python or Target().platform().python
    text = _accelerated(set_python(text, python) if python != manifest.python else text, accelerator)
    text = set_macos(text, target.macos) if target.macos else text
    asked = list(_questions(manifest, lines or {}))  # on the lines as they are, before the target was put in
    manifest = load_manifest(text, manifest.file)
    platform = next((each for each in manifest.platforms(python) if each.subdir == SUBDIR), None)
    if platform is None:
        raise UsageError(f"{manifest.file} is not made for {SUBDIR}", hint=f"add `- {SUBDIR}` to its `platforms`")
    applying = [item for item in asked if not isinstance(item.asked, Requirement) or _applies(item.asked, platform)]
    return Case(
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
