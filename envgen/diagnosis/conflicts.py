"""Judge requirements together: what the facts say may not be asked for at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet

from envgen.diagnosis.results import Fault, JointFix, ManifestEdit, Question
from envgen.errors import PlanError, SourceLine
from envgen.knowledge.caps import Cap, CapRule, cap_rules, caps_of, contradicted
from envgen.knowledge.tensorflow import METAL, NAMES, metal_choices, metal_releases
from envgen.knowledge.version_ranges import named_versions
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement
from envgen.planner.tensorflow_family import apply_family

_HERE = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class JointRequest:
    """What is asked for at once, for one target; `questions` are requirements that apply to it."""

    questions: tuple[Question, ...]
    platform: Platform
    accelerator: str | None = None
    constraints: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Describe which of the questions cannot be asked at once, by their places, and why.

    `bound` is the requirement that a fact demands in the place of one of them, "" where it demands none.
    """

    places: tuple[int, ...]
    fault: Fault
    bound: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointVerdict:
    """What is wrong with the questions as a whole, and the names that conda may not serve beside the others."""

    clashes: tuple[Conflict, ...] = ()
    forced: Mapping[str, str] = field(default_factory=dict)


def judge_together(asked: JointRequest) -> JointVerdict:
    """The TensorFlow family to its table, and everything to the bounds that upstream forgot."""
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
        fault = Fault(code=error.code.upper(), severity="error", message=error.message)
        return JointVerdict(clashes=(Conflict(places=places, fault=fault),))
    from_pypi = bool(family.tensorflow)
    caps = caps_of(family.requirements, from_pypi=from_pypi)
    return JointVerdict(clashes=tuple(_contradictions(caps, requirements)), forced=family.from_pypi)


def _placed(asked: JointRequest) -> list[Requirement]:
    """Return the requirements, each on a line that tells its place among the questions."""
    return [
        replace(question.asked, origin=Origin(path=str(place), line=_line(place, question)))
        for place, question in enumerate(asked.questions)
        if isinstance(question.asked, Requirement)
    ]


def _line(place: int, question: Question) -> SourceLine:
    return SourceLine(file=_HERE, line=place + 1, text=question.text)


def _places(lines: Sequence[SourceLine]) -> tuple[int, ...]:
    return tuple(sorted({line.line - 1 for line in lines if line.file == _HERE}))


def _named(asked: JointRequest, names: Sequence[str]) -> tuple[int, ...]:
    return tuple(place for place, question in enumerate(asked.questions) if question.name in names)


def _contradictions(caps: Sequence[Cap], requirements: Sequence[Requirement]) -> Iterator[Conflict]:
    for cap in caps:
        against = contradicted(cap, tuple(requirements))
        if not against:
            continue
        askers = [item for item in requirements if cap.because.startswith(f"`{item}` needs ")]
        places = sorted({int(item.origin.path) for item in (*askers, *against)})
        fault = Fault(code="CAP", severity="error", message=f"`{against[0]}` cannot be met: {cap.because}")
        yield Conflict(places=tuple(places), fault=fault, bound=cap.text)


# Find what to change so that requirements may be asked for at once; each way was judged by the facts.


def ways_out(asked: JointRequest, clash: Conflict) -> tuple[JointFix, ...]:
    """List changes after which the questions no longer clash, the smallest first."""
    found: dict[str, JointFix] = {}
    for way in _guesses(asked, clash):
        key = repr(sorted(way.edits.items(), key=lambda item: item[0]))
        if key not in found and _clears(asked, way, clash):
            found[key] = way
    return tuple(found.values())


def _guesses(asked: JointRequest, clash: Conflict) -> Iterator[JointFix]:
    yield from _bounds(asked, clash)
    yield from _tensorflow(asked)
    yield from _target(asked, clash)
    yield from _without_metal(asked)
    yield from _unbound(asked, clash)


def _bounds(asked: JointRequest, clash: Conflict) -> Iterator[JointFix]:
    """Bound what a fact bounds, as it says."""
    for place in clash.places:
        own = asked.questions[place]
        if clash.bound and Requirement.name_of(clash.bound) == own.name:
            instead = [rule.instead for rule in cap_rules() if _text(rule) == clash.bound and rule.instead]
            yield from (_respelled(asked, {place: text}) for text in (*instead, clash.bound))
            yield from _beyond(asked, clash)
            return
        specifiers = dict.fromkeys(rule.specifier for rule in cap_rules() if rule.distribution == own.name)
        for specifier in specifiers:
            yield _respelled(asked, {place: f"{own.name}{specifier}"})


def _beyond(asked: JointRequest, clash: Conflict) -> Iterator[JointFix]:
    """Take releases that a bound does not speak of, of what it stands beside: the newer ones if there are."""
    for place in clash.places:
        rules = [
            rule for rule in cap_rules() if rule.beside == asked.questions[place].name and _text(rule) == clash.bound
        ]
        for rule in rules:
            floors = [part.version for part in SpecifierSet(rule.versions) if part.operator == "<"]
            limits = [part.version for part in SpecifierSet(rule.versions) if part.operator == ">="]
            bound = f">={floors[0]}" if floors else f"<{limits[0]}" if limits else ""
            if bound:
                yield _respelled(asked, {place: f"{rule.beside}{bound}"})


def _text(rule: CapRule) -> str:
    return f"{rule.distribution}{rule.specifier}"


def _tensorflow(asked: JointRequest) -> Iterator[JointFix]:
    """Ask for the TensorFlow that goes with Metal, where Metal is wanted."""
    if asked.accelerator != "metal" and METAL not in [question.name for question in asked.questions]:
        return
    places = [place for place, question in enumerate(asked.questions) if question.name in NAMES]
    for choice in metal_choices():
        if places:
            yield _respelled(asked, {places[0]: f"tensorflow{choice.tensorflow}"}, also=places[1:])


def _target(asked: JointRequest, clash: Conflict) -> Iterator[JointFix]:
    """Take another python, or raise the macOS floor."""
    anchor = clash.places[0] if clash.places else 0
    pythons = dict.fromkeys(python for row in metal_releases() for python in reversed(row.python))
    for python in (*pythons, "3.13", "3.14"):
        if python != asked.platform.python:
            yield JointFix(text=f'set `python: "{python}"`', edits={anchor: ManifestEdit(python=python, keeps=True)})
    for macos in ("12.1", "13.0", "14.0"):
        edit = ManifestEdit(macos=macos, keeps=True)
        yield JointFix(text=f'raise the macOS floor to "{macos}"', edits={anchor: edit})


def _without_metal(asked: JointRequest) -> Iterator[JointFix]:
    """Yield metal where cpu contradicts it, or compute on the processor."""
    if asked.accelerator == "cpu":
        yield JointFix(text="set `accelerator: metal`", edits={0: ManifestEdit(accelerator="metal", keeps=True)})
    places = [place for place, question in enumerate(asked.questions) if question.name == METAL]
    anchor = next((place for place in range(len(asked.questions)) if place not in places), 0)
    text = "set `accelerator: cpu`" + (f", and leave {METAL} out" if places else "")
    if places and len(asked.questions) == len(places):
        yield JointFix(text=text, edits={places[0]: ManifestEdit(dependencies=("tensorflow",), accelerator="cpu")})
        return
    edits = {place: ManifestEdit() for place in places}
    edits[anchor] = ManifestEdit(accelerator="cpu", keeps=True)
    yield JointFix(text=text, edits=edits)


def _unbound(asked: JointRequest, clash: Conflict) -> Iterator[JointFix]:
    """Drop the bounds of one of those that clash, then of all of them."""
    bounded = [place for place in clash.places if _specifier(asked.questions[place])]
    for places in (*([place] for place in bounded), bounded):
        if places:
            yield _respelled(asked, {place: asked.questions[place].name for place in places})


def _specifier(question: Question) -> str:
    return question.asked.specifier if isinstance(question.asked, Requirement) else ""


def _respelled(asked: JointRequest, texts: dict[int, str], also: Sequence[int] = ()) -> JointFix:
    listed = " and ".join(f"`{text}`" for text in texts.values())
    before = " and ".join(f"`{asked.questions[place].text}`" for place in texts)
    edits = {place: ManifestEdit(dependencies=(text,)) for place, text in texts.items()}
    return JointFix(text=f"write {listed} for {before}", edits={**edits, **{place: ManifestEdit() for place in also}})


def _clears(asked: JointRequest, way: JointFix, clash: Conflict) -> bool:
    """Return whether a change ends a clash and makes no other, of what is known about versions that exist."""
    changed = _changed(asked, way)
    return changed is not None and not judge_together(changed).clashes and bool(clash.places)


def _changed(asked: JointRequest, way: JointFix) -> JointRequest | None:
    questions: list[Question] = []
    platform, accelerator = asked.platform, asked.accelerator
    for place, question in enumerate(asked.questions):
        edit = way.edits.get(place, ManifestEdit(keeps=True))
        platform = replace(platform, python=edit.python or platform.python, macos=edit.macos or platform.macos)
        accelerator = edit.accelerator or accelerator
        texts = [*([question.text] if edit.keeps else []), *edit.dependencies]
        origin = question.asked.origin if isinstance(question.asked, Requirement) else None
        if origin is not None:
            questions += [replace(question, asked=Requirement.parse(text, origin)) for text in texts]
    if questions == list(asked.questions) and (platform, accelerator) == (asked.platform, asked.accelerator):
        return None
    return replace(asked, questions=tuple(questions), platform=platform, accelerator=accelerator)


def loosened(questions: Sequence[Question], places: Sequence[int]) -> Iterator[JointFix]:
    """Loosen the bounds of questions that cannot be met together: let newer ones in, then any.

    Match specs lose their version and build, and are left out in the end.
    """
    bounded = [place for place in places if _specifier(questions[place])]
    floors = {place: _floor(questions[place]) for place in bounded}
    asked = {place: text for place, text in floors.items() if text}
    yield from (_loose(questions, texts) for texts in (asked, {p: questions[p].name for p in bounded}) if texts)
    for place in places:
        spec = questions[place].asked
        if isinstance(spec, MatchSpec):
            if spec.text != spec.name:
                yield JointFix(
                    text=f"ask for `{spec.name}` in any version", edits={place: ManifestEdit(conda=(spec.name,))}
                )
            yield JointFix(text=f"leave conda's `{spec.name}` out", edits={place: ManifestEdit()})


def from_pypi(questions: Sequence[Question], places: Iterable[int]) -> Iterator[JointFix]:
    """Take one of several requirements from PyPI, each in its turn."""
    for place in places:
        text = f"take `{questions[place].text}` from PyPI: list it under `pypi`"
        yield JointFix(text=text, edits={place: ManifestEdit(pypi=(questions[place].text,))})


def on_pythons(pythons: Sequence[str], place: int) -> Iterator[JointFix]:
    """Move everything to another python; the edits stand at one of the questions."""
    for python in pythons:
        text = f'set `python: "{python}"`: each of what is asked for can be had for it'
        yield JointFix(text=text, edits={place: ManifestEdit(python=python, keeps=True)})


def without_one(questions: Sequence[Question], places: Sequence[int]) -> Iterator[JointFix]:
    """Leave one of several requirements out, each in its turn."""
    for place in places if len(places) > 1 else ():
        if isinstance(questions[place].asked, Requirement):
            text = f"leave `{questions[place].text}` out, or move it to an environment of its own"
            yield JointFix(text=text, edits={place: ManifestEdit()})


def _floor(question: Question) -> str:
    named = named_versions(_specifier(question))
    return f"{question.name}>={named[0]}" if named and not _specifier(question).startswith(">=") else ""


def _loose(questions: Sequence[Question], texts: dict[int, str]) -> JointFix:
    listed = " and ".join(f"`{text}`" for text in texts.values())
    before = " and ".join(f"`{questions[place].text}`" for place in texts)
    edits = {place: ManifestEdit(dependencies=(text,)) for place, text in texts.items()}
    return JointFix(text=f"loosen {before} to {listed}", edits=edits)
