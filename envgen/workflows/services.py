"""Hold what the use cases need of the outside, built once from the call and the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from envgen.mapping.name_mapper import OnlineMap
from envgen.system.settings import HostSettings
from envgen.workflows.deferred import DeferredPypi

Progress = Callable[[str], None]


def silent(message: str) -> None:
    """Show no progress."""


class OnlineNames(OnlineMap, Protocol):
    """Give what a map on the network knows, with notes on how it was reached."""

    @property
    def notes(self) -> Sequence[str]:
        """List what the user must know of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Hold the options that every command shares.

    `channels` replace the manifest's; `mirrors` map a channel's name or URL to the place its index is read from.
    """

    offline: bool = False
    starter: bool = False
    solver: str | None = None
    channels: tuple[str, ...] = ()
    mirrors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Hold the options, the host's settings, the project's root and the way to PyPI.

    `pypi` is None where PyPI may not be asked at all. `online_names` is the map on the network, where it was asked for.
    """

    options: Options
    settings: HostSettings
    root: Path
    pypi: DeferredPypi | None
    progress: Progress = silent
    online_names: OnlineNames | None = None

    def using(self, solver: str) -> Services:
        """Give the same services with a solver chosen."""
        return replace(self, options=replace(self.options, solver=solver))
