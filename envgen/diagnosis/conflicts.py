"""Judge requirements together: what the facts say may not be asked for at once, with the changes that end it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.specifiers import SpecifierSet

from envgen.diagnosis.results import DiagnosisRequest, Fault, JointFix, ManifestEdit, Question
from envgen.errors import PlanError, SourceLine
from envgen.knowledge.caps import Cap, CapRule, cap_rules, caps_of, contradicted
from envgen.knowledge.tensorflow import METAL, NAMES, metal_choices, metal_releases
from envgen.knowledge.version_ranges import named_versions
from envgen.models.match_spec import MatchSpec
from envgen.models.requirement import Origin, Requirement
from envgen.planner.tensorflow_family import apply_family

_HERE = "question"  # the file of the lines by which the planner's errors tell the questions' places


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The places of questions that cannot be asked at once, and why.

    `bound` is the requirement that a fact demands in the place of one of them, "" where it demands none.
    """

    places: tuple[int, ...]
    fault: Fault
    bound: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JointVerdict:
    """What is wrong with the questions as a whole, and the names that conda may not serve beside the others."""

    conflicts: tuple[Conflict, ...] = ()
    forced: Mapping[str, str] = field(default_factory=dict)


def judge_together(request: DiagnosisRequest) -> JointVerdict:
    """Judge the TensorFlow family by its table, and everything by the bounds that upstream forgot."""
    requirements = _placed(request)
    try:
        family = apply_family(
            requirements,
            accelerator=request.accelerator,
            platform=request.platform,
            constraints=request.constraints,
        )
    except PlanError as error:
        places = tuple(sorted({line.line - 1 for line in error.lines if line.file == _HERE}))
        places = places or tuple(_places(request, (*NAMES, METAL)))
        fault = Fault(code=error.code.upper(), severity="error", message=error.message)
        return JointVerdict(conflicts=(Conflict(places=places, fault=fault),))
    caps = caps_of(family.requirements, from_pypi=bool(family.tensorflow))
    return JointVerdict(conflicts=tuple(_contradictions(caps, requirements)), forced=family.from_pypi)


def _placed(request: DiagnosisRequest) -> list[Requirement]:
    """Return the requirements, each on a line that tells its place among the questions."""
    found = []
    for place, question in enumerate(request.questions):
        if isinstance(question.requested, Requirement):
            line = SourceLine(file=_HERE, line=place + 1, text=question.text)
            found.append(replace(question.requested, origin=Origin(path=str(place), line=line)))
    return found


def _places(request: DiagnosisRequest, names: Sequence[str]) -> list[int]:
    return [place for place, question in enumerate(request.questions) if question.name in names]


def _contradictions(caps: Sequence[Cap], requirements: Sequence[Requirement]) -> Iterator[Conflict]:
    for cap in caps:
        against = contradicted(cap, tuple(requirements))
        if not against:
            continue
        askers = [item for item in requirements if cap.because.startswith(f"`{item}` needs ")]
        places = sorted({int(item.origin.path) for item in (*askers, *against)})
        fault = Fault(code="CAP", severity="error", message=f"`{against[0]}` cannot be met: {cap.because}")
        yield Conflict(places=tuple(places), fault=fault, bound=cap.text)


def joint_fixes(request: DiagnosisRequest, conflict: Conflict) -> tuple[JointFix, ...]:
    """Return changes after which the questions no longer conflict, the smallest first.

    Each guess is judged by the facts in its turn, since one that ends a conflict may make another.
    """
    found: list[JointFix] = []
    for fix in _guesses(request, conflict) if conflict.places else ():
        if fix.edits not in [known.edits for known in found] and _clears(request, fix):
            found.append(fix)
    return tuple(found)


def _guesses(request: DiagnosisRequest, conflict: Conflict) -> Iterator[JointFix]:
    yield from _bounds(request, conflict)
    yield from _tensorflow(request)
    yield from _target(request, conflict)
    yield from _without_metal(request)
    yield from _unbound(request, conflict)


def _bounds(request: DiagnosisRequest, conflict: Conflict) -> Iterator[JointFix]:
    """Bound what a fact bounds, as it says."""
    for place in conflict.places:
        own = request.questions[place]
        if conflict.bound and Requirement.name_of(conflict.bound) == own.name:
            instead = [rule.instead for rule in cap_rules() if _text(rule) == conflict.bound and rule.instead]
            yield from (_respelled(request, {place: text}) for text in (*instead, conflict.bound))
            yield from _beyond(request, conflict)
            return
        specifiers = dict.fromkeys(rule.specifier for rule in cap_rules() if rule.distribution == own.name)
        for specifier in specifiers:
            yield _respelled(request, {place: f"{own.name}{specifier}"})


def _beyond(request: DiagnosisRequest, conflict: Conflict) -> Iterator[JointFix]:
    """Take releases of the cause that the bound does not speak of: the newer ones if there are."""
    for place in conflict.places:
        for rule in cap_rules():
            if rule.beside != request.questions[place].name or _text(rule) != conflict.bound:
                continue
            floors = [part.version for part in SpecifierSet(rule.versions) if part.operator == "<"]
            limits = [part.version for part in SpecifierSet(rule.versions) if part.operator == ">="]
            bound = f">={floors[0]}" if floors else f"<{limits[0]}" if limits else ""
            if bound:
                yield _respelled(request, {place: f"{rule.beside}{bound}"})


def _text(rule: CapRule) -> str:
    return f"{rule.distribution}{rule.specifier}"


def _tensorflow(request: DiagnosisRequest) -> Iterator[JointFix]:
    """Ask for the TensorFlow that goes with Metal, where Metal is wanted."""
    if request.accelerator != "metal" and METAL not in [question.name for question in request.questions]:
        return
    places = _places(request, NAMES)
    for choice in metal_choices() if places else ():
        yield _respelled(request, {places[0]: f"tensorflow{choice.tensorflow}"}, also=places[1:])


def _target(request: DiagnosisRequest, conflict: Conflict) -> Iterator[JointFix]:
    """Take another python, or raise the macOS floor."""
    anchor = conflict.places[0]
    pythons = dict.fromkeys(python for row in metal_releases() for python in reversed(row.python))
    for python in (*pythons, "3.13", "3.14"):
        if python != request.platform.python:
            yield JointFix(text=f'set `python: "{python}"`', edits={anchor: ManifestEdit(python=python, keeps=True)})
    for macos in ("12.1", "13.0", "14.0"):
        edit = ManifestEdit(macos=macos, keeps=True)
        yield JointFix(text=f'raise the macOS floor to "{macos}"', edits={anchor: edit})


def _without_metal(request: DiagnosisRequest) -> Iterator[JointFix]:
    """Take metal where cpu contradicts it, or compute on the processor."""
    if request.accelerator == "cpu":
        yield JointFix(text="set `accelerator: metal`", edits={0: ManifestEdit(accelerator="metal", keeps=True)})
    places = _places(request, (METAL,))
    anchor = next((place for place in range(len(request.questions)) if place not in places), 0)
    text = "set `accelerator: cpu`" + (f", and leave {METAL} out" if places else "")
    if places and len(request.questions) == len(places):
        yield JointFix(text=text, edits={places[0]: ManifestEdit(dependencies=("tensorflow",), accelerator="cpu")})
        return
    edits = dict.fromkeys(places, ManifestEdit())
    edits[anchor] = ManifestEdit(accelerator="cpu", keeps=True)
    yield JointFix(text=text, edits=edits)


def _unbound(request: DiagnosisRequest, conflict: Conflict) -> Iterator[JointFix]:
    """Drop the bounds of one of those that conflict, then of all of them."""
    bounded = [place for place in conflict.places if _specifier(request.questions[place])]
    for places in (*([place] for place in bounded), bounded):
        if places:
            yield _respelled(request, {place: request.questions[place].name for place in places})


def _specifier(question: Question) -> str:
    return question.requested.specifier if isinstance(question.requested, Requirement) else ""


def _respelled(request: DiagnosisRequest, texts: dict[int, str], also: Sequence[int] = ()) -> JointFix:
    before, after, edits = _changes(request.questions, texts)
    return JointFix(text=f"write {after} for {before}", edits={**edits, **dict.fromkeys(also, ManifestEdit())})


def _changes(questions: Sequence[Question], texts: Mapping[int, str]) -> tuple[str, str, dict[int, ManifestEdit]]:
    """Return questions by their places as they are and as they become, in words, with the edits."""
    before = " and ".join(f"`{questions[place].text}`" for place in texts)
    after = " and ".join(f"`{text}`" for text in texts.values())
    return before, after, {place: ManifestEdit(dependencies=(text,)) for place, text in texts.items()}


def _clears(request: DiagnosisRequest, fix: JointFix) -> bool:
    """Return whether a fix changes a request to one without any conflict, of what is known about existing versions."""
    questions: list[Question] = []
    platform, accelerator = request.platform, request.accelerator
    for place, question in enumerate(request.questions):
        edit = fix.edits.get(place, ManifestEdit(keeps=True))
        platform = replace(platform, python=edit.python or platform.python, macos=edit.macos or platform.macos)
        accelerator = edit.accelerator or accelerator
        texts = [*([question.text] if edit.keeps else []), *edit.dependencies]
        if isinstance(question.requested, Requirement):
            origin = question.requested.origin
            questions += [replace(question, requested=Requirement.parse(text, origin)) for text in texts]
    if questions == list(request.questions) and (platform, accelerator) == (request.platform, request.accelerator):
        return False
    changed = replace(request, questions=tuple(questions), platform=platform, accelerator=accelerator)
    return not judge_together(changed).conflicts


def loosened(questions: Sequence[Question], places: Sequence[int]) -> Iterator[JointFix]:
    """Loosen the bounds of questions that cannot be met together: let newer ones in, then any.

    Match specs lose their version and build, and are left out in the end.
    """
    bounded = [place for place in places if _specifier(questions[place])]
    floors = {place: floor for place in bounded if (floor := _floor(questions[place]))}
    names = {place: questions[place].name for place in bounded}
    for texts in filter(None, (floors, names)):
        before, after, edits = _changes(questions, texts)
        yield JointFix(text=f"loosen {before} to {after}", edits=edits)
    for place in places:
        spec = questions[place].requested
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
    """Move everything to another python; the edits are those of one of the questions."""
    for python in pythons:
        text = f'set `python: "{python}"`: each of what is asked for can be had for it'
        yield JointFix(text=text, edits={place: ManifestEdit(python=python, keeps=True)})


def without_one(questions: Sequence[Question], places: Sequence[int]) -> Iterator[JointFix]:
    """Leave one of several requirements out, each in its turn."""
    for place in places if len(places) > 1 else ():
        if isinstance(questions[place].requested, Requirement):
            text = f"leave `{questions[place].text}` out, or move it to an environment of its own"
            yield JointFix(text=text, edits={place: ManifestEdit()})


def _floor(question: Question) -> str:
    named = named_versions(_specifier(question))
    return f"{question.name}>={named[0]}" if named and not _specifier(question).startswith(">=") else ""
