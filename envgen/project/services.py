"""The services of a run: what the use cases need of the outside, built once from the call and the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol

from envgen.mapping.name_mapper import OnlineMap
from envgen.models.platform import Platform
from envgen.models.wheel import ProjectReleases, PypiResolver, Resolution, ResolveRequest, Wheel, WheelMetadata
from envgen.pypi.indexes import environment_with
from envgen.system.settings import HostSettings, home_folder


def silent(message: str) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that every command shares.

    `channels` replace the manifest's; `mirrors` map a channel's name or URL to the place its index is read from.
    `allow_older` are canonical names of requirements that a lock may take years back, and `effort` is the number of
    further plans that are tried for a better one.
    """

    offline: bool = False
    starter: bool = False
    solver: str | None = None
    channels: tuple[str, ...] = ()
    mirrors: Mapping[str, str] = field(default_factory=dict)
    allow_older: frozenset[str] = frozenset()
    effort: int = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The options, the host's settings, the project's root and the way to PyPI.

    `pypi` is None where PyPI may not be asked at all; `online_names` is the map on the network, if the call wants it.
    """

    options: Options
    settings: HostSettings
    root: Path
    pypi: LazyPypiResolver | None
    progress: Callable[[str], None] = silent
    online_names: NotedOnlineMap | None = None

    @property
    def home(self) -> Path:
        return home_folder(self.settings.environ)

    def with_effort(self, effort: int) -> Services:
        """Return the same services that try as many plans beyond the first."""
        return replace(self, options=replace(self.options, effort=effort))

    def using(self, solver: str) -> Services:
        """Return the same services with another solver."""
        return replace(self, options=replace(self.options, solver=solver))


def with_indexes(services: Services, indexes: Iterable[str]) -> Services:
    """Return services that ask these indexes before the host's own.

    Raises PypiError for an address that names a variable: none is filled in.
    """
    wanted = tuple(indexes)
    if not wanted:
        return services
    settings = replace(services.settings, environ=environment_with(wanted, services.settings.environ))

    def make_resolver() -> NotedPypiResolver:
        from envgen.pypi.resolver import UvResolver

        return UvResolver(cache=settings.cache_dir, environment=settings.environ, offline=services.options.offline)

    return replace(services, settings=settings, pypi=services.pypi and LazyPypiResolver(make_resolver))


class NotedOnlineMap(OnlineMap, Protocol):
    """A map of names on the network, with notes for the user on how it was reached."""

    @property
    def notes(self) -> Sequence[str]: ...


class NotedPypiResolver(PypiResolver, Protocol):
    """A resolver with notes for the user on the run, which are no part of a resolution."""

    @property
    def notes(self) -> tuple[str, ...]: ...


class LazyPypiResolver:
    """A resolver that is made at the first question: its imports take time, and most environments need none."""

    def __init__(self, make: Callable[[], NotedPypiResolver]) -> None:
        self._make = make

    @cached_property
    def _resolver(self) -> NotedPypiResolver:
        return self._make()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the resolver's notes; none where PyPI was not asked."""
        return self._resolver.notes if "_resolver" in self.__dict__ else ()

    def resolve(self, request: ResolveRequest) -> Resolution:
        return self._resolver.resolve(request)

    def releases(
        self, wanted: Mapping[str, str], platform: Platform, until: datetime | None
    ) -> Mapping[str, ProjectReleases]:
        return self._resolver.releases(wanted, platform, until)

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        return self._resolver.metadata(wheel)

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        return self._resolver.metadata_many(wheels)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        return self._resolver.release_metadata(name, version, platform)
