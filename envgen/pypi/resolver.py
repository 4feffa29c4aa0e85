"""The resolver of a lock's PyPI half: uv, with what the indexes say of files added."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envgen.errors import PypiError, PypiUnreachableError, PypiUnsatisfiableError
from envgen.models.platform import Platform
from envgen.models.release import Release, is_behind
from envgen.models.requirement import Origin, Requirement
from envgen.models.secrets import mask
from envgen.models.wheel import ProjectReleases, Resolution, ResolveRequest, Wheel, WheelMetadata
from envgen.pypi.http import Session, Timeouts
from envgen.pypi.indexes import Indexes
from envgen.pypi.kernel_markers import answered
from envgen.pypi.metadata import MetadataReader, release_wheel
from envgen.pypi.release_verdicts import FileVerdict, by_version, classify, describe, releases_of, remedy, shut_out
from envgen.pypi.simple_api import Project, SimpleIndex, before
from envgen.pypi.uv import Uv, read_pylock
from envgen.pypi.uv_messages import notes

Attempt = Callable[[ResolveRequest], object]
_MAX_BLAMED = 6


class UvResolver:
    """Resolve with uv, and read indexes and wheels; a `PypiResolver`.

    Equal requests are resolved once in the life of the object, so make one and share it.
    """

    def __init__(
        self,
        *,
        cache: Path,
        environment: Mapping[str, str],
        offline: bool = False,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Prepare; `cache` is a folder of ours for metadata, `environment` says which indexes count (see Indexes)."""
        offline = offline or environment.get("UV_OFFLINE", "").lower() in ("1", "true")
        limits = timeouts or Timeouts.configured(environment)
        indexes = Indexes.configured(environment)
        session = Session(indexes, environment, timeouts=limits, offline=offline)
        self._index = SimpleIndex(session, indexes)
        self._bound = indexes.bound
        self._reader = MetadataReader(session, cache)
        self._uv = Uv(environment, indexes, timeouts=limits, offline=offline)
        self._offline = offline
        self._done: dict[ResolveRequest, Resolution | PypiUnsatisfiableError] = {}
        self._could_be_had: set[tuple[Platform, tuple[str, ...], str]] = set()

    @property
    def calls(self) -> int:
        return self._uv.calls

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know of this run; no part of a resolution, as it may differ the next time."""
        return (*self._uv.notes, *self._reader.notes)

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Return the wheels that meet the request, sorted by name, without the stubs.

        PypiUnsatisfiableError: no wheels do; `names` has the distributions that take part. PypiUnreachableError: an
        index does not answer. PypiError: the request is malformed, or uv cannot be run.
        """
        if request not in self._done:
            before = self._uv.calls
            try:
                self._done[request] = replace(self._resolve(request), runs=self._uv.calls - before)
            except PypiUnsatisfiableError as error:  # as final as a resolution; a network's failure is not
                self._done[request] = error
        answer = self._done[request]
        if isinstance(answer, PypiUnsatisfiableError):
            raise answer
        return answer

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        """Read the core metadata of this very wheel; PypiUnreachableError or PypiError where it cannot be."""
        return self._reader.read(wheel)

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the core metadata of many wheels side by side, in the order asked."""
        return self._reader.read_many(wheels)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the core metadata of a release, from the wheel that fits a target if one does.

        None where no index has a wheel of it. PypiUnreachableError, PypiError: it cannot be read.
        """
        project = self._index.project(name)
        wheel = release_wheel(project, version, platform) if project else None
        return self._reader.read(wheel) if wheel else None

    def projects(self, names: Iterable[str]) -> dict[str, Project | None]:
        """Look projects up side by side, by canonical name; None where no index has one."""
        return self._index.projects(names)

    def releases(
        self, wanted: Mapping[str, str], platform: Platform, until: datetime | None
    ) -> Mapping[str, ProjectReleases]:
        """Return the releases of projects within specifiers, by name; none off-line."""
        projects = {} if self._offline else self._index.projects(wanted)
        return {
            name: releases_of(before(project.files, until), platform, wanted[name])
            for name, project in projects.items()
            if project
        }

    def verdict(self, name: str, platform: Platform, specifier: str = "") -> FileVerdict:
        """Judge a project's files on a target; PypiUnreachableError where the index does not answer."""
        project = self._index.project(name)
        return classify(project.files if project else None, platform, specifier)

    def _resolve(self, request: ResolveRequest) -> Resolution:
        wanted = roots(request)
        if not self._offline:
            self._index.prefetch(wanted)
        wheels, warnings, exclusions = self._compile(request, wanted)
        if self._offline:
            return Resolution(wheels=wheels, notes=warnings)
        # A wheel that was kept is older on purpose, and was explained when it was chosen.
        hashes = {wheel.sha256 for wheel in wheels}
        kept = {wheel.name for wheel in request.preferred if wheel.sha256 in hashes}
        chosen = {name: bounds for name, bounds in wanted.items() if name not in kept}
        wheelless: set[str] = set()

        def attempt(other: ResolveRequest) -> None:
            """Collect the names that take part in a failure for want of wheels.

            A release that could be had with the same requirements, whatever conda provided, is not tried again.
            """
            question = (other.platform, other.requirements, other.constraints[-1])
            if question in self._could_be_had:
                return
            try:
                self._uv.compile(Exclusions(bound=exclusions.bound).apply(other))
            except PypiUnsatisfiableError as error:
                if error.failure.kind == "wheels":
                    wheelless.update(error.names)
                raise
            self._could_be_had.add(question)

        stepped_back = tuple(backtracking_notes(request, chosen, wheels, self._index, attempt))
        return Resolution(wheels=wheels, notes=(*warnings, *stepped_back), wheelless=tuple(sorted(wheelless)))

    def _compile(
        self, request: ResolveRequest, wanted: Mapping[str, str]
    ) -> tuple[tuple[Wheel, ...], tuple[str, ...], Exclusions]:
        """Resolve until nothing in the answer must be excluded; each further run excludes more, so there is an end."""
        stubs = frozenset(stub.name for stub in request.stubs)
        bound = self._bound.keys() - stubs
        exclusions = Exclusions(bound=tuple(sorted(bound & wanted.keys())))
        while True:
            try:
                answer = self._uv.compile(exclusions.apply(request), exclusions.prereleases)
            except PypiUnsatisfiableError as error:
                if more := bound.intersection(error.names) - {*exclusions.bound}:
                    exclusions = exclusions.binding(more)
                    continue
                raise self._explained(error, request, wanted, exclusions) from error
            wheels = read_pylock(answer.lock, request.platform, stubs, (wheel.sha256 for wheel in request.preferred))
            if more := bound.intersection(wheel.name for wheel in wheels) - {*exclusions.bound}:
                exclusions = exclusions.binding(more)
                continue
            # Off-line, what conda will provide in the end may be missing from the cache.
            read = self._reader.read_known if self._offline else self._reader.read_many
            metadata = read(wheels)
            if (told := answered(request, metadata)) != request:
                request = told
                continue
            extended = exclusions.extended(request, wheels, metadata, self._index)
            if extended == exclusions:
                wheels = _needed(wheels, metadata, {*exclusions.bound} - wanted.keys())
                self._refuse_strangers(wheels)
                return wheels, notes(answer.stderr, stubs), exclusions
            exclusions = extended

    def _refuse_strangers(self, wheels: Iterable[Wheel]) -> None:
        """Raise PypiError for a wheel of a bound project that is not of its index."""
        for wheel in wheels if not self._offline else ():
            if index := self._bound.get(wheel.name):
                project = self._index.project(wheel.name)
                if wheel.sha256 not in {file.sha256 for file in (project.files if project else ())}:
                    raise PypiError(
                        f"`{wheel.name}` is bound to {index}, which does not list {wheel.filename}",
                        hint="bind it to the index that has it, or to none",
                    )

    def _explained(
        self, error: PypiUnsatisfiableError, request: ResolveRequest, wanted: Mapping[str, str], exclusions: Exclusions
    ) -> PypiUnsatisfiableError:
        """Add what the files of the projects in question say: uv names the symptom only."""
        verdicts = self._blamed(error, request, wanted, exclusions)
        described = "; ".join(describe(name, verdict, request.platform) for name, verdict in verdicts.items())
        hints = [remedy(verdict, request.platform) for verdict in verdicts.values()]
        hints += [
            f"the pre-release `{name}` {version} would fit: ask for it by name (`{name}=={version}`)"
            for name, version in sorted(exclusions.prereleases.items())
        ]
        return PypiUnsatisfiableError(
            f"{error.message}: {described}" if described else error.message,
            error.failure,
            hint="; ".join(dict.fromkeys(filter(None, hints))),
        )

    def _blamed(
        self, error: PypiUnsatisfiableError, request: ResolveRequest, wanted: Mapping[str, str], exclusions: Exclusions
    ) -> dict[str, FileVerdict]:
        stubs = {stub.name for stub in request.stubs}
        named = (
            [name for name in error.names if name not in stubs] if error.failure.kind in ("wheels", "versions") else []
        )
        names = () if self._offline else dict.fromkeys((*exclusions.names, *named[:_MAX_BLAMED]))
        verdicts = {}
        for name, project in self._index.projects(names).items():
            files = before(project.files, request.exclude_newer) if project else None
            verdict = classify(files, request.platform, wanted.get(name, ""))
            if verdict.code != "OK":
                verdicts[name] = verdict
        return verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusions:
    """What the next run of uv may not choose: pre-releases that nobody named, and wheels that shut the python out.

    `prereleases` maps projects of which only finals may be chosen to the pre-release that uv chose; `versions` maps
    projects to versions that shut the target's python out. `bound` are projects that other indexes must not serve: uv
    binds to an index only what it is asked for by name.
    """

    prereleases: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bound: tuple[str, ...] = ()

    def binding(self, names: Iterable[str]) -> Exclusions:
        """Return these, with further projects that are bound to their index."""
        return replace(self, bound=tuple(sorted({*self.bound, *names})))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self.prereleases, *self.versions}))

    def apply(self, request: ResolveRequest) -> ResolveRequest:
        """Add the excluded versions to a request's constraints, and ask for what is bound by its name."""
        bounds = (
            f"{name}{','.join(f'!={version}' for version in versions)}"
            for name, versions in sorted(self.versions.items())
        )
        return replace(
            request, constraints=(*request.constraints, *bounds), requirements=(*request.requirements, *self.bound)
        )

    def extended(
        self, request: ResolveRequest, wheels: Sequence[Wheel], chosen: Sequence[WheelMetadata], index: SimpleIndex
    ) -> Exclusions:
        """Add what must be excluded of an answer; equal to the old value where the answer is fine."""
        early = {
            wheel.name: wheel.version
            for wheel in wheels
            if Version(wheel.version).is_prerelease
            and not names_prerelease(wheel.name, request, chosen)
            and _has_finals(wheel.name, request, index)
        }
        shut = {
            metadata.name: (*self.versions.get(metadata.name, ()), *_shut_versions(metadata, request, index))
            for metadata in chosen
            if shut_out(metadata.requires_python, request.platform)
        }
        return replace(self, prereleases={**self.prereleases, **early}, versions={**self.versions, **shut})


def _needed(wheels: Sequence[Wheel], metadata: Iterable[WheelMetadata], named: Collection[str]) -> tuple[Wheel, ...]:
    """Leave out what was asked for by name only to be bound, and which no other wheel needs after all."""
    kept = tuple(wheels)
    needs = {each.name: {need.name for need in _readable(each.requires_dist)} for each in metadata}
    while True:
        asked = {
            name: {need for other in kept if other.name != name for need in needs.get(other.name, ())} for name in named
        }
        left = tuple(wheel for wheel in kept if wheel.name not in named or wheel.name in asked[wheel.name])
        if left == kept:
            return kept
        kept = left


def _has_finals(name: str, request: ResolveRequest, index: SimpleIndex) -> bool:
    project = index.project(name)
    files = before(project.files, request.exclude_newer) if project else ()
    return any(not version.is_prerelease for version in by_version(files))


def _shut_versions(metadata: WheelMetadata, request: ResolveRequest, index: SimpleIndex) -> tuple[str, ...]:
    """Return the chosen version and every other one whose files all shut the python out, so that one more run does."""
    project = index.project(metadata.name)
    versions = {
        str(version)
        for version, files in by_version(project.files if project else ()).items()
        if all(shut_out(file.requires_python, request.platform) for file in files)
    }
    return tuple(sorted({metadata.version, *versions}, key=Version))


def backtracking_notes(
    request: ResolveRequest, roots: Mapping[str, str], wheels: Sequence[Wheel], index: SimpleIndex, attempt: Attempt
) -> Iterator[str]:
    """Yield for each root what kept it back: its own files, or the other requirements. Resolvers step back in silence.

    Where others keep it far below what would fit, `attempt` is made to resolve with the newer version, so that the
    resolver gives its reason; at most once, since that may take as long as the resolution itself.
    """
    chosen_versions = {wheel.name: Version(wheel.version) for wheel in wheels}
    attempted = False
    for name in sorted(roots.keys() & chosen_versions.keys()):
        try:
            project = index.project(name)
        except PypiUnreachableError as error:
            yield f"whether `{name}` was held back is not known: {error.message}"
            continue
        files = before(project.files, request.exclude_newer) if project else None
        verdict = classify(files, request.platform, roots[name])
        if verdict.code != "OK":
            continue
        chosen, best = chosen_versions[name], Version(verdict.version)
        if chosen >= best:
            if verdict.held_back:
                yield describe(name, verdict, request.platform)
            continue
        reason = ""
        if not attempted and _is_far(chosen, best, releases_of(files or (), request.platform, roots[name])):
            attempted = True
            reason = _reason(request, name, str(best), attempt)
        yield f"`{name}` {chosen} was chosen, not {best}: {reason or 'other requirements rule it out'}"


def _is_far(chosen: Version, best: Version, releases: ProjectReleases) -> bool:
    old, new = (
        Release(version=str(version), source="pypi", published=releases.published.get(str(version)))
        for version in (chosen, best)
    )
    return is_behind(old, new)


def _reason(request: ResolveRequest, name: str, version: str, attempt: Attempt) -> str:
    try:
        attempt(replace(request, constraints=(*request.constraints, f"{name}=={version}")))
    except PypiUnsatisfiableError as error:
        return error.failure.conclusion
    except PypiUnreachableError:
        return ""
    return ""


def roots(request: ResolveRequest) -> dict[str, str]:
    """Map the projects that the request itself asks an index for to the specifiers that it puts on them.

    Constraints count; an override takes the place of everything else; stubs and direct URLs are not asked of an index.
    PypiError: a text is no requirement, or its URL is no wheel's.
    """
    overridden = _bounds(_parse(request, request.overrides))
    bounds = _bounds(_parse(request, (*request.requirements, *request.constraints)))
    stubs = {stub.name for stub in request.stubs}
    wanted = _parse(request, request.requirements)
    for requirement in wanted:
        if requirement.url and not urlsplit(requirement.url).path.endswith(".whl"):
            raise PypiError(
                f"`{requirement.name}` is asked from {mask(requirement.url)}, which is no wheel",
                hint="only wheels can be locked: nothing is built while locking",
            )
    return {
        requirement.name: str(overridden.get(requirement.name, bounds[requirement.name]))
        for requirement in wanted
        if requirement.name not in stubs and not requirement.url
    }


def names_prerelease(name: str, request: ResolveRequest, chosen: Iterable[WheelMetadata]) -> bool:
    """Return whether the request, or a wheel that was chosen, asks for a pre-release of a project by its version."""
    texts = [*request.requirements, *request.constraints, *request.overrides]
    texts += [text for metadata in chosen for text in metadata.requires_dist]
    return any(
        requirement.name == name and (requirement.url or SpecifierSet(requirement.specifier).prereleases)
        for requirement in _readable(texts)
    )


def _bounds(requirements: Iterable[Requirement]) -> dict[str, SpecifierSet]:
    bounds: dict[str, SpecifierSet] = {}
    for requirement in requirements:
        bounds[requirement.name] = bounds.get(requirement.name, SpecifierSet()) & SpecifierSet(requirement.specifier)
    return bounds


def _parse(request: ResolveRequest, texts: Iterable[str]) -> list[Requirement]:
    """Read texts, leaving out those whose markers exclude the target; PypiError for one that is no requirement."""
    try:
        requirements = [Requirement.parse(text, Origin(path="request")) for text in texts]
    except ValueError as error:
        raise PypiError(str(error)) from error
    markers = request.platform.markers()
    return [requirement for requirement in requirements if requirement.applies(markers)]


def _readable(texts: Iterable[str]) -> Iterator[Requirement]:
    for text in texts:
        try:
            yield Requirement.parse(text, Origin(path="metadata"))
        except ValueError:
            continue
