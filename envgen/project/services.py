"""What the use cases need of the outside, built once from the call and the host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from envgen.mapping.name_mapper import OnlineMap
from envgen.models.platform import Platform
from envgen.models.wheel import PypiResolver, Resolution, ResolveRequest, Wheel, WheelMetadata
from envgen.pypi.indexes import environment_with
from envgen.system.settings import HostSettings

Progress = Callable[[str], None]


def silent(message: str) -> None:
    """Show no progress."""


class OnlineNames(OnlineMap, Protocol):
    """Provide what a map on the network knows, with notes on how it was reached."""

    @property
    def notes(self) -> Sequence[str]:
        """List what the user must know of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that every command shares.

    `channels` replace the manifest's; `mirrors` map a channel's name or URL to the place its index is read from.
    """

    offline: bool = False
    starter: bool = False
    solver: str | None = None
    channels: tuple[str, ...] = ()
    mirrors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The options, the host's settings, the project's root and the way to PyPI.

    `pypi` is None where PyPI may not be asked at all. `online_names` is the map on the network, where it was asked for.
    """

    options: Options
    settings: HostSettings
    root: Path
    pypi: LazyPypiResolver | None
    progress: Progress = silent
    online_names: OnlineNames | None = None

    def using(self, solver: str) -> Services:
        """Return the same services with a solver chosen."""
        return replace(self, options=replace(self.options, solver=solver))


def home_of(services: Services) -> Path:
    """Return the user's home folder."""
    home = services.settings.environ.get("HOME")
    return Path(home) if home else Path.home()


# Put off the PyPI side until it is asked.


class NotedPypiResolver(PypiResolver, Protocol):
    """Resolve and describe distributions, with notes on the run that are no part of a resolution."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know of this run."""
        ...


class LazyPypiResolver:
    """Make the PyPI side at the first question: most environments come from conda alone, and its imports take time."""

    def __init__(self, make: Callable[[], NotedPypiResolver]) -> None:
        """Take the function that makes it."""
        self._make = make

    @cached_property
    def _side(self) -> NotedPypiResolver:
        return self._make()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the user should know of this run; nothing where PyPI was not asked."""
        return self._side.notes if "_side" in self.__dict__ else ()

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Return the wheels that meet the request."""
        return self._side.resolve(request)

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        """Read the core metadata of this very wheel."""
        return self._side.metadata(wheel)

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the core metadata of many wheels side by side."""
        return self._side.metadata_many(wheels)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the core metadata of a release."""
        return self._side.release_metadata(name, version, platform)


# Let a manifest's own package indexes count.


def with_indexes(services: Services, indexes: Iterable[str]) -> Services:
    """Return services that ask these indexes before the host's own; what is secret in them comes from the environment.

    Raises:
        PypiError: a variable that an index needs is not set.
    """
    wanted = tuple(indexes)
    if not wanted:
        return services
    settings = replace(services.settings, environ=environment_with(wanted, services.settings.environ))

    def side() -> NotedPypiResolver:
        from envgen.pypi.resolver import UvResolver

        return UvResolver(cache=settings.cache_dir, environment=settings.environ, offline=services.options.offline)

    return replace(services, settings=settings, pypi=services.pypi and LazyPypiResolver(side))
