"""Say what stands against another version of a package."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from envgen.errors import PlanError, PypiUnsatisfiableError, UnsatisfiableError, UsageError
from envgen.lock.graph import Graph, Root, manifest_roots
from envgen.lock.model import PlatformLock
from envgen.locking.lock import solve_lock
from envgen.locking.updates import Updates
from envgen.manifest.edit import add_requirements
from envgen.manifest.model import Manifest, load_manifest
from envgen.mapping.requirements import can_meet
from envgen.mapping.version_specs import to_pep440
from envgen.models.findings import Move
from envgen.models.match_spec import MatchSpec
from envgen.project.own_projects import with_projects
from envgen.project.project import MANIFEST, unwritten
from envgen.project.services import Services
from envgen.workflows.asking import Way, held, locked_environment, packages_called, ways


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Say who stands against a version, in which words, and which lines of the manifest lead there.

    `package` is "" where a line of the manifest itself does; `ways` are empty where no line leads there.
    """

    package: str
    need: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Hold what one platform's lock has of a package, and what stands against the version asked about.

    `locked` are `name version`; `met` tells that one of them is what was asked about.
    """

    locked: tuple[str, ...]
    met: bool
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Hold what a solve says: what would move by platform, or why it cannot be."""

    moved: dict[str, tuple[Move, ...]]
    failure: str = ""
    hint: str = ""


def why_not(services: Services, name: str, text: str) -> dict[str, Refusal]:
    """Say by platform what the lock of an environment has against a requirement, by the bounds that it holds.

    Raises:
        UsageError: the text is no requirement with bounds. LockfileError: there is no lock.
    """
    asked = _requirement(text)
    environment, lock = locked_environment(services, name)
    manifest = with_projects(services.root, environment.manifest)
    return {each.platform.subdir: _refusal(manifest, each, asked) for each in lock.platforms}


def try_out(services: Services, name: str, text: str) -> Trial:
    """Solve an environment with one more requirement, keeping to its lock; nothing is written."""
    environment, lock = locked_environment(services, name)
    edited = add_requirements(environment.text, [str(_requirement(text))])
    file = f"{environment.shown}/{MANIFEST}"
    try:
        with unwritten(file, environment.text):
            manifest = with_projects(services.root, load_manifest(edited.text, file))
            solved = solve_lock(services, manifest, lock, Updates())
    except (PlanError, PypiUnsatisfiableError, UnsatisfiableError) as error:
        return Trial(moved={}, failure="\n".join([error.message, *map(str, error.lines)]), hint=error.hint)
    return Trial(moved=dict(solved.moved))


def _requirement(text: str) -> Pep508:
    try:
        asked = Pep508(text)
    except InvalidRequirement:
        try:
            spec = MatchSpec.parse(text)
            asked = Pep508(f"{spec.name}{spec.version}")
        except (ValueError, InvalidRequirement) as error:
            raise UsageError(
                f"not a requirement: `{text}`", hint="write it as in PEP 508, such as `numpy>=2`"
            ) from error
    if not asked.specifier:
        raise UsageError(f"`{text}` has no bounds", hint=f"say which version, such as `{asked.name}>=2`")
    return asked


def _refusal(manifest: Manifest, lock: PlatformLock, asked: Pep508) -> Refusal:
    keys = packages_called(lock, asked.name)
    versions = {f"conda:{record.name}": record.version for record in lock.conda}
    versions |= {f"pypi:{wheel.name}": wheel.version for wheel in lock.pypi}
    locked = [to_pep440(versions[key]) for key in keys]
    return Refusal(
        locked=tuple(f"{key.partition(':')[2]} {versions[key]}" for key in keys),
        met=any(version and asked.specifier.contains(version, prereleases=True) for version in locked),
        obstacles=tuple(_Obstacles(manifest, lock, asked, keys).all()),
    )


class _Obstacles:
    """Look for bounds that no version meets together with the one asked about."""

    def __init__(self, manifest: Manifest, lock: PlatformLock, asked: Pep508, keys: list[str]) -> None:
        self._manifest = manifest
        self._lock = lock
        self._name = canonicalize_name(asked.name)
        self._wanted = asked.specifier
        self._conda = {key.removeprefix("conda:") for key in keys if key.startswith("conda:")} or {asked.name}
        self._graph = Graph.of(lock, held)
        self._roots: tuple[Root, ...] = manifest_roots(manifest, lock, held)

    def all(self) -> Iterator[Obstacle]:
        yield from self._lines()
        for record in self._lock.conda:
            for text in dict.fromkeys([*record.depends, *record.constrains]):
                spec = MatchSpec.parse(text)
                if spec.name in self._conda and not can_meet(self._wanted, spec):
                    yield self._of(f"conda:{record.name}", f"{record.name} {record.version}", text)
        for wheel in self._lock.pypi:
            for text in wheel.requires:
                need = Pep508(text)
                if canonicalize_name(need.name) == self._name and not can_meet(self._wanted, need.specifier):
                    yield self._of(f"pypi:{wheel.name}", f"{wheel.name} {wheel.version}", text)

    def _of(self, key: str, package: str, need: str) -> Obstacle:
        return Obstacle(package=package, need=need, ways=ways(self._graph, self._roots, key))

    def _lines(self) -> Iterator[Obstacle]:
        markers = self._lock.platform.markers()
        manifest = self._manifest
        for requirement in (
            *(entry.requirement for entry in manifest.requirements()),
            *manifest.pypi_requirements(),
            *manifest.constraint_requirements(),
            *manifest.override_requirements(),
        ):
            bounds = SpecifierSet(requirement.specifier)
            if requirement.name == self._name and requirement.applies(markers) and not can_meet(self._wanted, bounds):
                yield Obstacle(package="", need=str(requirement.origin), ways=())
        for root in manifest.conda_specs():
            if root.spec.name in self._conda and not can_meet(self._wanted, root.spec):
                yield Obstacle(package="", need=str(root.origin), ways=())
