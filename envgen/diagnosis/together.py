"""Judge requirements together: what the facts say may not be asked for at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envgen.diagnosis.verdict import Question, Trouble
from envgen.errors import PlanError, SourceLine
from envgen.knowledge.caps import Cap, caps_of, contradicted
from envgen.knowledge.tensorflow import NAMES
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.planner.tensorflow_family import apply_family

_HERE = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Hold what is asked for at once, for one target; `questions` are requirements that apply to it."""

    questions: tuple[Question, ...]
    platform: Platform
    accelerator: str | None = None
    constraints: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Say which of the questions cannot be asked at once, by their places, and why.

    `bound` is the requirement that a fact demands in the place of one of them, "" where it demands none.
    """

    places: tuple[int, ...]
    trouble: Trouble
    bound: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Hold what is wrong with the questions as a whole, and the names that conda may not serve beside the others."""

    clashes: tuple[Clash, ...] = ()
    forced: Mapping[str, str] = field(default_factory=dict)


def judge_together(asked: Asked) -> Together:
    """Hold the TensorFlow family to its table, and everything to the bounds that upstream forgot."""
    requirements = _placed(asked)
    try:
        family = apply_family(
            requirements,
            accelerator=asked.accelerator,
            platform=asked.platform,
            constraints=asked.constraints,
        )
    except PlanError as error:
        places = _places(error.lines) or _named(asked, (*NAMES, "tensorflow-metal"))
        trouble = Trouble(code=error.code.upper(), severity="error", message=error.message)
        return Together(clashes=(Clash(places=places, trouble=trouble),))
    from_pypi = bool(family.tensorflow)
    caps = caps_of(family.requirements, from_pypi=from_pypi)
    return Together(clashes=tuple(_contradictions(caps, requirements)), forced=family.from_pypi)


def _placed(asked: Asked) -> list[Requirement]:
    """Give the requirements, each on a line that tells its place among the questions."""
    return [
        replace(question.asked, origin=Origin(path=str(place), line=_line(place, question)))
        for place, question in enumerate(asked.questions)
        if isinstance(question.asked, Requirement)
    ]


def _line(place: int, question: Question) -> SourceLine:
    return SourceLine(file=_HERE, line=place + 1, text=question.text)


def _places(lines: Sequence[SourceLine]) -> tuple[int, ...]:
    return tuple(sorted({line.line - 1 for line in lines if line.file == _HERE}))


def _named(asked: Asked, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(place for place, question in enumerate(asked.questions) if question.name in names)


def _contradictions(caps: Sequence[Cap], requirements: Sequence[Requirement]) -> Iterator[Clash]:
    for cap in caps:
        against = contradicted(cap, tuple(requirements))
        if not against:
            continue
        askers = [item for item in requirements if cap.because.startswith(f"`{item}` needs ")]
        places = sorted({int(item.origin.path) for item in (*askers, *against)})
        trouble = Trouble(code="CAP", severity="error", message=f"`{against[0]}` cannot be met: {cap.because}")
        yield Clash(places=tuple(places), trouble=trouble, bound=cap.text)
