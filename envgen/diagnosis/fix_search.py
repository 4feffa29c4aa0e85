"""Search for fixes with which a manifest locks, by trying them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from envgen.diagnosis.conflicts import Conflict, from_pypi, loosened, on_pythons, without_one
from envgen.diagnosis.dependencies import one_of_group
from envgen.diagnosis.results import Fault, Fix, JointFix, ManifestEdit, Question, combined
from envgen.errors import EnvgenError, ManifestError, PypiUnreachableError, PypiUnsatisfiableError, RepodataError
from envgen.locking.held_back import is_grave
from envgen.locking.lock_platform import Preferences, solve_platform
from envgen.manifest.edit import add_requirements, remove_requirements, set_accelerator, set_macos, set_python
from envgen.manifest.fields import Kind
from envgen.manifest.model import Manifest, load_manifest
from envgen.manifest.schema import Accelerator
from envgen.project.services import Services

MOST_TRIES = 8  # each takes a solve and a run of uv
TIMEOUT = 60.0  # seconds after which no further try is begun
_PYTHONS = 2
_SHOWN_FIXES = 2
_FILE = "envgen.yaml"
_ACCELERATORS: Mapping[str, Accelerator] = {"metal": "metal", "cpu": "cpu"}
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(slots=True, kw_only=True)
class Issue:
    """One refusal with its fixes, of which one is taken at a time.

    `places` are the questions that it is about; `names` are those whose mention in a failure blames it; `blocked` is
    the name of what cannot be had, "" where the questions only cannot be asked at once. `at` is the fix that is taken
    now; the last `guesses` of the fixes are worth a word only if they lock.
    """

    places: tuple[int, ...]
    names: frozenset[str]
    fixes: tuple[JointFix, ...]
    blocked: str = ""
    fault: Fault | None = None
    at: int = 0
    guesses: int = 0

    @property
    def taken(self) -> JointFix | None:
        """Return the fix that is taken now, None where there is none."""
        return self.fixes[self.at] if self.fixes else None

    @property
    def text(self) -> str:
        """Return the fix that is taken in words, with the next ones."""
        texts = [fix.text for fix in self.fixes[self.at : self.at + _SHOWN_FIXES]]
        return "; or ".join(texts) or "no way out is known"

    def fix_at(self, place: int) -> Fix:
        """Return the fix as it concerns one question."""
        edit = self.taken.edits.get(place, ManifestEdit(keeps=True)) if self.taken else None
        return Fix(text=self.text, edit=edit)

    def forget_guesses(self) -> None:
        """Keep only the fixes that may be right although the whole does not lock with them."""
        if self.guesses:
            self.fixes = self.fixes[: -self.guesses]
            self.at = min(self.at, max(len(self.fixes) - 1, 0))
            self.guesses = 0

    def advance(self) -> bool:
        """Take the next fix; return whether there is one."""
        if self.at + 1 >= len(self.fixes):
            return False
        self.at += 1
        return True


@dataclass(slots=True, kw_only=True)
class Issues:
    """The issues of one request, in the order of the questions."""

    entries: list[Issue] = field(default_factory=list)

    def add_blocked(self, place: int, names: Iterable[str], fixes: Sequence[Fix], blocked: str) -> None:
        """Add what cannot be had, with the fixes that its own files and records allow."""
        joint = tuple(JointFix(text=fix.text, edits={place: fix.edit}) for fix in fixes if fix.edit)
        self.entries.append(Issue(places=(place,), names=frozenset(names), fixes=joint, blocked=blocked))

    def add_conflict(self, conflict: Conflict, questions: Sequence[Question], fixes: Sequence[JointFix]) -> None:
        """Add questions that conflict; where one of them cannot be had anyway, its own fixes come first."""
        names = frozenset(questions[place].name for place in conflict.places)
        own = next((issue for issue in self.entries if set(issue.places) & set(conflict.places)), None)
        if own is not None:
            own.fixes = (*own.fixes, *fixes)
            own.names |= names
            own.fault = conflict.fault
            return
        self.entries.append(Issue(places=conflict.places, names=names, fixes=tuple(fixes), fault=conflict.fault))

    @property
    def taken(self) -> list[JointFix]:
        """Return the fixes that are taken now."""
        return [issue.taken for issue in self.entries if issue.taken]

    def blamed(self, names: Iterable[str]) -> list[Issue]:
        """Return the issues that a failure speaks of."""
        mentioned = frozenset(names)
        return [issue for issue in self.entries if issue.names & mentioned]

    def of(self, place: int, blocked: str) -> Issue | None:
        """Return the issue of what cannot be had itself, else of what its question conflicts over."""
        own = (issue for issue in self.entries if issue.blocked == blocked)
        shared = (issue for issue in self.entries if not issue.blocked and place in issue.places)
        return next(own, None) or next(shared, None)

    def fix_for(self, place: int, blocked: str) -> Fix | None:
        """Return the fix of a question itself, with what the fixes of other issues change of its line."""
        own = self.of(place, blocked)
        others = [
            issue.taken
            for issue in self.entries
            if issue is not own and place not in issue.places and issue.taken and place in issue.taken.edits
        ]
        first = own.fix_at(place) if own else None
        if not others:
            return first
        texts = [*([first.text] if first else []), *(fix.text for fix in others)]
        edits = [*([first.edit] if first and first.edit else []), *(fix.edits[place] for fix in others)]
        return Fix(text="; and ".join(dict.fromkeys(texts)), edit=combined(edits))


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAttempt:
    """Whether a manifest locks: it does where there is no `message`; `names` are those that a failure speaks of.

    `causes` are the user's names for whose sake a failure about others came to be; `notes` are the lock's, and
    `held_back` the names that it has years behind what there is; `unreachable` says that something could not be
    reached, so that nothing is known.
    """

    message: str = ""
    hint: str = ""
    names: frozenset[str] = field(default_factory=frozenset)
    causes: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    held_back: frozenset[str] = field(default_factory=frozenset)
    unreachable: bool = False

    @property
    def locks(self) -> bool:
        return not self.message


def attempt_lock(services: Services, text: str) -> LockAttempt:
    """Lock a manifest for Apple silicon in memory and forget the lock; nothing is written."""
    try:
        manifest = load_manifest(text, _FILE)
        platform = next(platform for platform in manifest.platforms() if platform.is_apple_silicon)
    except EnvgenError as error:
        return LockAttempt(message=error.message, hint=error.hint)
    try:
        solved = solve_platform(services, manifest, platform, Preferences(improve=False))
        if any(map(is_grave, solved.lock.findings)):  # a better plan may have it newer
            solved = solve_platform(services, manifest, platform, Preferences())
    except (PypiUnreachableError, RepodataError) as error:
        return LockAttempt(message=error.message, hint=error.hint, unreachable=True)
    except EnvgenError as error:
        causes = frozenset(_causes(manifest, error))
        names = frozenset(_blamed(manifest, error)) | causes
        return LockAttempt(message=error.message, hint=error.hint, names=names, causes=causes)
    held_back = frozenset(name for each in solved.lock.findings if is_grave(each) for name in each.packages)
    return LockAttempt(notes=solved.lock.notes, held_back=held_back)


def _blamed(manifest: Manifest, error: EnvgenError) -> Iterator[str]:
    """Yield the names that a failure is about: those that PyPI's resolver ends on, else those on its lines.

    Where it has neither, every word of its message counts.
    """
    named = list(_named_lines(manifest))
    lines = {line.line for line in error.lines if line.file == _FILE}
    own = {name for name, _ in named}
    required = own.intersection(error.failure.required if isinstance(error, PypiUnsatisfiableError) else ())
    found = required or {name for name, line in named if line in lines}
    if isinstance(error, PypiUnsatisfiableError):
        found = found | (set(error.names) - own)
    yield from found or (str(canonicalize_name(word.rstrip(".-"))) for word in _WORD.findall(error.message))


def _causes(manifest: Manifest, error: EnvgenError) -> Iterator[str]:
    """Yield the names on the lines that keep from conda what PyPI does not have."""
    because = {line.line for line in error.because} if isinstance(error, PypiUnsatisfiableError) else set()
    yield from (name for name, line in _named_lines(manifest) if line in because)


def _named_lines(manifest: Manifest) -> Iterable[tuple[str, int]]:
    """Yield the names of a manifest with the numbers of their lines."""
    requirements = [*(item.requirement for item in manifest.requirements()), *manifest.pypi_requirements()]
    specs = [(root.spec.name, root.origin) for root in manifest.conda_specs()]
    for name, origin in [*((item.name, item.origin) for item in requirements), *specs]:
        if origin.line:
            yield name, origin.line.line


@dataclass(frozen=True, slots=True, kw_only=True)
class FixSearchResult:
    """What a search found: the manifest with the fixes that are taken, and whether it locks.

    `tried` counts the attempts; `last` is the failure of the last one, None where it locked or nothing was tried;
    `backtracked` are the notes of a lock that needed no change at all.
    """

    manifest: str
    locks: bool = False
    tried: int = 0
    last: LockAttempt | None = None
    backtracked: tuple[str, ...] | None = None


@dataclass(slots=True, kw_only=True)
class FixSearch:
    """A search from the manifest as it is requested, with its questions and the issues known so far.

    `pythons` returns those for which each question can be had, `wheels` are names that PyPI may serve as well as conda;
    `attempt` locks a text in memory; `clock` returns seconds.
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

    def run(self, *, untouched: bool) -> FixSearchResult:
        """Try the fixes that are taken, and the next ones of whatever a failure blames, until the manifest locks.

        `untouched` says to try the manifest as it is first, for a resolver may find older releases that need less: not
        where these are years behind what is blocked.
        """
        deadline = self.clock() + TIMEOUT
        if untouched:
            attempt = self._try(self.manifest, "trying it as it is")
            blocked = {self.questions[place].name for issue in self.issues.entries for place in issue.places}
            if attempt.locks and not blocked & attempt.held_back:
                return FixSearchResult(manifest=self.manifest, locks=True, tried=1, backtracked=attempt.notes)
            if not self.issues.entries and (attempt.unreachable or not self._add_conflict(attempt)):
                return FixSearchResult(manifest=self.manifest, tried=1, last=attempt)
        while True:
            text = self._fixed()
            last = self._try(text, "trying the fixes")
            if last.locks:
                return FixSearchResult(manifest=text, locks=True, tried=self.tried)
            if last.unreachable or not self._advance(last):
                break
            if self.tried >= MOST_TRIES or self.clock() > deadline:
                break
        for issue in self.issues.entries:
            issue.forget_guesses()
        return FixSearchResult(manifest=self._fixed(), tried=self.tried, last=last)

    def _try(self, text: str, what: str) -> LockAttempt:
        self.tried += 1
        self.progress(f"{what} ({self.tried})")
        return self.attempt(text)

    def _fixed(self) -> str:
        try:
            return applied(self.manifest, self.questions, self.issues.taken)
        except ManifestError:
            return self.manifest

    def _advance(self, failure: LockAttempt) -> bool:
        """Take the next fix of one issue that a failure blames, once what it blames first is an issue of its own."""
        if self._add_conflict(failure):
            return True
        blamed = self.issues.blamed(failure.names) or self.issues.entries
        return any(issue.advance() for issue in blamed)

    def _add_conflict(self, failure: LockAttempt) -> bool:
        """Make an issue of the questions that a failure blames and no issue is about; return whether there are any."""
        questions = self.questions
        known = {place for issue in self.issues.entries for place in issue.places}
        places = [place for place, each in enumerate(questions) if each.name in failure.names and place not in known]
        causes = [place for place in places if questions[place].name in failure.causes]
        wheels = [place for place in places if questions[place].name in self.wheels]
        fixes = (
            *one_of_group(questions, failure.names),
            *loosened(questions, causes),
            *loosened(questions, places),
        )
        guesses = (
            *from_pypi(questions, wheels),
            *on_pythons(self.pythons()[:_PYTHONS], places[0] if places else 0),
            *without_one(questions, places),
        )
        if not places or not (fixes or guesses):
            return False
        fault = Fault(code="CONFLICT", severity="error", message=failure.message)
        names = frozenset(questions[place].name for place in places)
        self.issues.entries.append(
            Issue(places=tuple(places), names=names, fixes=(*fixes, *guesses), fault=fault, guesses=len(guesses))
        )
        return True


def applied(text: str, questions: Sequence[Question], fixes: Iterable[JointFix]) -> str:
    """Return a manifest's text edited as fixes say, with its comments.

    Of several pythons the first counts, of several macOS floors the newest. Raises ManifestError for a text that cannot
    be edited so.
    """
    by_place: dict[int, list[ManifestEdit]] = {}
    for fix in fixes:
        for place, edit in fix.edits.items():
            by_place.setdefault(place, []).append(edit)
    # An edit that replaces its question's line goes before those that keep it.
    edits = [
        (questions[place], edit)
        for place, found in sorted(by_place.items())
        for edit in sorted(found, key=lambda edit: edit.keeps)
    ]
    # All lines go before any comes, since one may take the place of another that goes; those of one list at once.
    going: dict[str, dict[str, None]] = {}
    coming: dict[tuple[Kind, str], list[str]] = {}
    for question, edit in edits:
        if not edit.keeps:
            going.setdefault(question.group, {})[question.name] = None
        lists: list[tuple[Kind, str, tuple[str, ...]]] = [
            ("dependencies", question.group, edit.dependencies),
            ("conda", "", edit.conda),
            ("pypi", "", edit.pypi),
            ("overrides", "", edit.overrides),
        ]
        for kind, group, added in lists:
            coming.setdefault((kind, group), []).extend(added)
    for group, names in going.items():
        # A question may have no line: what an import leaves out is asked about, too.
        text = remove_requirements(text, [*names], group or None, missing_ok=True).text
    for (kind, group), texts in coming.items():
        text = add_requirements(text, texts, group or None, kind).text
    whole = combined([edit for _, edit in edits])
    text = set_python(text, whole.python) if whole.python else text
    text = set_macos(text, whole.macos) if whole.macos else text
    return set_accelerator(text, _ACCELERATORS[whole.accelerator]) if whole.accelerator else text
