"""Find the ways out that lock, by trying them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.utils import canonicalize_name

from envgen.diagnosis.conflicts import Conflict, from_pypi, loosened, on_pythons, without_one
from envgen.diagnosis.dependencies import one_of
from envgen.diagnosis.results import Fault, Fix, JointFix, ManifestEdit, Question, combined
from envgen.errors import EnvgenError, ManifestError, PypiUnreachableError, PypiUnsatisfiableError, RepodataError
from envgen.knowledge.version_ranges import to_numbers
from envgen.locking.lock_platform import Preferences, solve_platform
from envgen.manifest.edit import add_requirements, remove_requirements, set_accelerator, set_macos, set_python
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.schema import Accelerator
from envgen.project.services import Services

MOST_TRIES = 8
TIMEOUT = 60.0
_PYTHONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FixSearchResult:
    """What trying gave: the manifest with the ways that are taken, and whether it locks.

    `tried` counts the attempts; `last` is the failure of the last one, None where it locked or nothing was tried;
    `backtracked` holds the notes of a lock that needed no change at all.
    """

    manifest: str
    locks: bool = False
    tried: int = 0
    last: LockAttempt | None = None
    backtracked: tuple[str, ...] | None = None


@dataclass(slots=True, kw_only=True)
class FixSearch:
    """What is being tried: the manifest as it is asked for, its questions, and what stands in the way.

    `pythons` gives those for which each question can be had, `wheels` are names that PyPI may serve as well as conda;
    `attempt` locks a text in memory; `clock` gives seconds.
    """

    manifest: str
    questions: Sequence[Question]
    issues: Issues
    pythons: Callable[[], Sequence[str]] = tuple
    wheels: Container[str] = ()
    attempt: Callable[[str], LockAttempt]
    progress: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    tried: int = field(default=0)


def search_fixes(settling: FixSearch, *, untouched: bool) -> FixSearchResult:
    """Try the ways that are taken, and the next ones of whatever a failure blames, until the manifest locks.

    `untouched` says to try the manifest as it is first, for a resolver may find older releases that need less.
    """
    deadline = settling.clock() + TIMEOUT
    if untouched:
        attempt = _try(settling, settling.manifest, "trying it as it is")
        if attempt.locks:
            return FixSearchResult(manifest=settling.manifest, locks=True, tried=1, backtracked=attempt.notes)
        if not settling.issues.entries and (attempt.unasked or not _conflict(settling, attempt)):
            return FixSearchResult(manifest=settling.manifest, tried=1, last=attempt)
    last: LockAttempt | None = None
    while True:
        text = _text(settling)
        if last is not None and (settling.tried >= MOST_TRIES or settling.clock() > deadline):
            return _given_up(settling, last)
        last = _try(settling, text, "trying the fixes")
        if last.locks:
            return FixSearchResult(manifest=text, locks=True, tried=settling.tried)
        if last.unasked or not _advance(settling, last):
            return _given_up(settling, last)


def _given_up(settling: FixSearch, last: LockAttempt) -> FixSearchResult:
    for issue in settling.issues.entries:
        issue.forget_guesses()
    return FixSearchResult(manifest=_text(settling), tried=settling.tried, last=last)


def _try(settling: FixSearch, text: str, what: str) -> LockAttempt:
    settling.tried += 1
    settling.progress(f"{what} ({settling.tried})")
    return settling.attempt(text)


def _text(settling: FixSearch) -> str:
    try:
        return applied(settling.manifest, settling.questions, settling.issues.ways)
    except ManifestError:
        return settling.manifest


def _advance(settling: FixSearch, failure: LockAttempt) -> bool:
    """Take the next way of one matter that a failure blames, or make a matter of those that it blames first."""
    if _conflict(settling, failure):
        return True
    blamed = settling.issues.blamed(failure.names) or settling.issues.entries
    return any(issue.advance() for issue in blamed)


def _conflict(settling: FixSearch, failure: LockAttempt) -> bool:
    """Put questions on the docket that cannot be met together; tell whether there was anything new to put there."""
    known = {place for issue in settling.issues.entries for place in issue.places}
    places = [
        place
        for place, question in enumerate(settling.questions)
        if question.name in failure.names and place not in known
    ]
    causes = [place for place in places if settling.questions[place].name in failure.causes]
    ways = (
        *one_of(settling.questions, failure.names),
        *loosened(settling.questions, causes),
        *loosened(settling.questions, places),
    )
    wheels = [place for place in places if settling.questions[place].name in settling.wheels]
    guesses = (
        *from_pypi(settling.questions, wheels),
        *on_pythons(settling.pythons()[:_PYTHONS], places[0] if places else 0),
        *without_one(settling.questions, places),
    )
    if not places or not (ways or guesses):
        return False
    fault = Fault(code="CONFLICT", severity="error", message=failure.message)
    names = frozenset(settling.questions[place].name for place in places)
    issue = Issue(places=tuple(places), names=names, ways=(*ways, *guesses), fault=fault, guesses=len(guesses))
    settling.issues.entries.append(issue)
    return True


# Lock manifests in memory, to see whether they can be.

FILE = "envgen.yaml"
SUBDIR = "osx-arm64"
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_REQUIRED = re.compile(r"you require (.*?)(?:, we can conclude|$)", re.DOTALL)
_NAMED = re.compile(r"(?:^|and |, |\s)([A-Za-z0-9][\w.-]*?)(?=[\[<>=!~, ]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAttempt:
    """Describe whether a manifest locks: no `message` means that it does; `names` are those that a failure speaks of.

    `causes` are those of the user's names for whose sake a failure came to be, if it speaks of others than those;
    `notes` are the lock's; `unasked` tells that something could not be reached, so that nothing is known.
    """

    message: str = ""
    hint: str = ""
    names: frozenset[str] = field(default_factory=frozenset)
    causes: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    unasked: bool = False

    @property
    def locks(self) -> bool:
        """Return whether it locks."""
        return not self.message


def attempt(services: Services, text: str) -> LockAttempt:
    """Lock a manifest for Apple silicon and forget the lock; nothing is written."""
    try:
        manifest = load_manifest(text, FILE)
        platform = next(platform for platform in manifest.platforms() if platform.subdir == SUBDIR)
    except EnvgenError as error:
        return LockAttempt(message=error.message, hint=error.hint)
    try:
        solved = solve_platform(services, manifest, platform, Preferences())
    except (PypiUnreachableError, RepodataError) as error:
        return LockAttempt(message=error.message, hint=error.hint, unasked=True)
    except EnvgenError as error:
        causes = frozenset(_causes(manifest, error))
        names = frozenset(_blamed(manifest, error)) | causes
        return LockAttempt(message=error.message, hint=error.hint, names=names, causes=causes)
    return LockAttempt(notes=solved.lock.notes)


def _blamed(manifest: Manifest, error: EnvgenError) -> Iterator[str]:
    """Yield the names that a failure is about: those that PyPI's resolver ends on, else those on its lines.

    Where it has neither, every word of its message counts.
    """
    places = list(_places(manifest))
    lines = {line.line for line in error.lines if line.file == FILE}
    own = {name for name, _ in places}
    required = own.intersection(_required(error))
    found = required or {name for name, line in places if line in lines}
    if isinstance(error, PypiUnsatisfiableError):
        found = found | (set(error.names) - own)
    yield from found or (str(canonicalize_name(word.rstrip(".-"))) for word in _WORD.findall(error.message))


def _causes(manifest: Manifest, error: EnvgenError) -> Iterator[str]:
    """Yield the names on the lines that keep from conda what PyPI does not have."""
    because = {line.line for line in error.because} if isinstance(error, PypiUnsatisfiableError) else set()
    yield from (name for name, line in _places(manifest) if line in because)


def _required(error: EnvgenError) -> Iterator[str]:
    """Yield what a resolver says is required by the user: "because you require A>=1 and B==2, we can conclude"."""
    if isinstance(error, PypiUnsatisfiableError):
        for part in _REQUIRED.findall(error.problem):
            yield from (str(canonicalize_name(name)) for name in _NAMED.findall(part))


def _places(manifest: Manifest) -> Iterable[tuple[str, int]]:
    requirements = [*(item.requirement for item in manifest.requirements()), *manifest.pypi_requirements()]
    specs = [(root.spec.name, root.origin) for root in manifest.conda_specs()]
    for name, origin in [*((item.name, item.origin) for item in requirements), *specs]:
        if origin.line:
            yield name, origin.line.line


# Hold what is to be settled: a refusal with its ways out, of which one is taken at a time.

_TOLD = 2


@dataclass(slots=True, kw_only=True)
class Issue:
    """One refusal; `names` are those whose mention in a failure blames it, `places` the questions it is about.

    `subject` is the name of what cannot be had, "" where the questions only cannot be asked at once. `at` is the way
    that is taken now; the last `guesses` of the ways are worth a word only if they lock.
    """

    places: tuple[int, ...]
    names: frozenset[str]
    ways: tuple[JointFix, ...]
    blocked: str = ""
    fault: Fault | None = None
    at: int = 0
    guesses: int = 0

    @property
    def way(self) -> JointFix | None:
        """Return the way that is taken now, or None where there is none."""
        return self.ways[self.at] if self.ways else None

    @property
    def fix(self) -> Fix:
        """Put the way that is taken into words, with the next ones."""
        texts = [way.text for way in self.ways[self.at : self.at + _TOLD]]
        return Fix(text="; or ".join(texts)) if texts else Fix(text="no way out is known")

    def fix_at(self, place: int) -> Fix:
        """Return the fix as it concerns one question."""
        way = self.way
        edit = way.edits.get(place, ManifestEdit(keeps=True)) if way else None
        return replace(self.fix, edit=edit)

    def forget_guesses(self) -> None:
        """Keep only the ways that may be right although the whole does not lock with them."""
        if self.guesses:
            self.ways = self.ways[: -self.guesses]
            self.at = min(self.at, max(len(self.ways) - 1, 0))
            self.guesses = 0

    def advance(self) -> bool:
        """Take the next way; tell whether there is one."""
        if self.at + 1 >= len(self.ways):
            return False
        self.at += 1
        return True


@dataclass(slots=True, kw_only=True)
class Issues:
    """The matters of one case, in the order of the questions."""

    entries: list[Issue] = field(default_factory=list)

    def add_subject(self, place: int, names: Iterable[str], fixes: Sequence[Fix], blocked: str) -> None:
        """Take what cannot be had, with the fixes that its own files and records allow."""
        ways = tuple(JointFix(text=fix.text, edits={place: fix.edit}) for fix in fixes if fix.edit)
        self.entries.append(Issue(places=(place,), names=frozenset(names), ways=ways, blocked=blocked))

    def add_clash(self, clash: Conflict, questions: Sequence[Question], ways: Sequence[JointFix]) -> None:
        """Take questions that clash; where one of them cannot be had anyway, its own ways come first."""
        names = frozenset(questions[place].name for place in clash.places)
        own = next((issue for issue in self.entries if set(issue.places) & set(clash.places)), None)
        if own is not None:
            own.ways = (*own.ways, *ways)
            own.names |= names
            own.fault = clash.fault
            return
        self.entries.append(Issue(places=clash.places, names=names, ways=tuple(ways), fault=clash.fault))

    @property
    def ways(self) -> list[JointFix]:
        """List the ways that are taken now."""
        return [issue.way for issue in self.entries if issue.way]

    def blamed(self, names: Iterable[str]) -> list[Issue]:
        """List the matters that a failure speaks of."""
        mentioned = frozenset(names)
        return [issue for issue in self.entries if issue.names & mentioned]

    def of(self, place: int, blocked: str) -> Issue | None:
        """Find the matter that a verdict is about: what cannot be had itself, else what its question clashes over."""
        own = (issue for issue in self.entries if issue.blocked == blocked)
        shared = (issue for issue in self.entries if not issue.blocked and place in issue.places)
        return next(own, None) or next(shared, None)

    def fix_for(self, place: int, blocked: str) -> Fix | None:
        """Return the fix of a question itself, with what the ways of other matters change of its line."""
        own = self.of(place, blocked)
        others = [
            issue.way
            for issue in self.entries
            if issue is not own and place not in issue.places and issue.way and place in issue.way.edits
        ]
        first = own.fix_at(place) if own else None
        if not others:
            return first
        texts = [*([first.text] if first else []), *(way.text for way in others)]
        edits = [*([first.edit] if first and first.edit else []), *(way.edits[place] for way in others)]
        return Fix(text="; and ".join(dict.fromkeys(texts)), edit=combined(edits))


# Put ways out into the text of a manifest.

_ACCELERATORS: Mapping[str, Accelerator] = {"metal": "metal", "cpu": "cpu"}


def applied(text: str, questions: Sequence[Question], ways: Iterable[JointFix]) -> str:
    """Edit a manifest's text as the ways say, keeping its comments.

    Of several pythons the first counts, of several macOS floors the newest. Raises ManifestError for a text that cannot
    be edited so.
    """
    edits = [(questions[place], edit) for place, found in sorted(_by_place(ways).items()) for edit in found]
    for question, edit in edits:
        for name in (*(() if edit.keeps else (question.name,)), *edit.drops):
            text = _removed(text, name, None if name in edit.drops else question.group or None)
    for question, edit in edits:
        text = _added(text, question, edit)
    return _settings(text, [edit for _, edit in edits])


def _by_place(ways: Iterable[JointFix]) -> dict[int, list[ManifestEdit]]:
    """Group the edits by question; one that replaces its line goes before those that keep it."""
    found: dict[int, list[ManifestEdit]] = {}
    for way in ways:
        for place, edit in way.edits.items():
            found.setdefault(place, []).append(edit)
    return {place: sorted(edits, key=lambda edit: edit.keeps) for place, edits in found.items()}


def _added(text: str, question: Question, edit: ManifestEdit) -> str:
    text = add_requirements(text, edit.dependencies, question.group or None).text
    text = add_requirements(text, edit.conda, kind="conda").text
    text = add_requirements(text, edit.pypi, kind="pypi").text
    return add_requirements(text, edit.overrides, kind="overrides").text


def _removed(text: str, name: str, group: str | None) -> str:
    """Take a name out; it may be gone already, with another question of that name."""
    try:
        return remove_requirements(text, [name], group).text
    except ManifestError:
        return text


def _settings(text: str, edits: Sequence[ManifestEdit]) -> str:
    python = next((edit.python for edit in edits if edit.python), "")
    macos = max((edit.macos for edit in edits if edit.macos), key=to_numbers, default="")
    accelerator = next((edit.accelerator for edit in edits if edit.accelerator), "")
    text = set_python(text, python) if python else text
    text = set_macos(text, macos) if macos else text
    return set_accelerator(text, _ACCELERATORS[accelerator]) if accelerator else text
