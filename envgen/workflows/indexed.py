"""Let a manifest's own package indexes count."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envgen.pypi.indexes import environment_with
from envgen.workflows.deferred import DeferredPypi, NotedPypi
from envgen.workflows.services import Services


def with_indexes(services: Services, indexes: Iterable[str]) -> Services:
    """Give services that ask these indexes before the host's own; what is secret in them comes from the environment.

    Raises:
        PypiError: a variable that an index needs is not set.
    """
    wanted = tuple(indexes)
    if not wanted:
        return services
    settings = replace(services.settings, environ=environment_with(wanted, services.settings.environ))

    def side() -> NotedPypi:
        from envgen.pypi.resolver import UvPypiSide

        return UvPypiSide(cache=settings.cache_dir, environment=settings.environ, offline=services.options.offline)

    return replace(services, settings=settings, pypi=services.pypi and DeferredPypi(side))
