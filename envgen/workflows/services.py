"""Hold what the use cases need of the outside, built once from the call and the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from envgen.gateways.host import HostSettings
from envgen.gateways.namemap import OnlineNameMap
from envgen.workflows.deferred import DeferredPypi

Progress = Callable[[str], None]


def silent(message: str) -> None:
    """Show no progress."""


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

    `pypi` is None where PyPI may not be asked at all. `online_names` is
    the map on the network, where it was asked for.
    """

    options: Options
    settings: HostSettings
    root: Path
    pypi: DeferredPypi | None
    progress: Progress = silent
    online_names: OnlineNameMap | None = None

    def using(self, solver: str) -> Services:
        """Give the same services with a solver chosen."""
        return replace(self, options=replace(self.options, solver=solver))
