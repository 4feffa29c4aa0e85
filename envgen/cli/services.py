"""Build what the use cases need from a call's options."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from envgen.project.services import OnlineNames, Options, Services
from envgen.system.settings import HostSettings


def services_for(
    *,
    offline: bool = False,
    starter: bool = False,
    online_names: bool = False,
    solver: str | None = None,
    channels: list[str] | None = None,
    mirrors: list[str] | None = None,
    progress: Callable[[str], None],
) -> Services:
    """Read the host and gather the services of one run; raise UsageError for options that make no sense."""
    from envgen.project.services import DeferredPypi, NotedPypi
    from envgen.system.settings import collect_mirrors, read_host

    settings = read_host(os.environ, Path.cwd())
    options = Options(
        offline=offline,
        starter=starter,
        solver=solver,
        channels=tuple(channels or ()),
        mirrors={**settings.mirrors, **collect_mirrors(mirrors or ())},
    )

    def pypi() -> NotedPypi:
        from envgen.pypi.resolver import UvPypiSide

        return UvPypiSide(cache=settings.cache_dir, environment=settings.environ, offline=offline)

    return Services(
        options=options,
        settings=settings,
        root=settings.root,
        pypi=DeferredPypi(pypi),
        progress=progress,
        online_names=_online_names(settings, offline=offline) if online_names else None,
    )


def _online_names(settings: HostSettings, *, offline: bool) -> OnlineNames:
    from envgen.repodata.online_names import OnlineNameMap

    return OnlineNameMap(cache_dir=settings.cache_dir, now=time.time(), offline=offline)
