"""Find where a locked wheel can be downloaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.wheel import Wheel
from envgen.pypi.http import Session
from envgen.pypi.indexes import Indexes, mask
from envgen.pypi.simple_api import SimpleIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelLocation:
    """Hold an address of a wheel: `url` may hold a password, so it is never printed; `shown` may be."""

    url: str = field(repr=False)
    shown: str


class WheelLocations:
    """Find addresses of wheels: the lock's own, and what the indexes of this machine say.

    Where indexes are configured, they come first: behind a company's wall the lock's own address may not be in reach.
    """

    def __init__(self, session: Session, indexes: Indexes) -> None:
        """Prepare; nothing is asked before it is needed."""
        self._session = session
        self._indexes = indexes
        self._index = SimpleIndex(session, indexes)

    def of(self, wheel: Wheel) -> tuple[WheelLocation, ...]:
        """List the addresses of a wheel, the first to try first.

        Raises:
            PypiError: neither the lock nor an index has one.
        """
        own = (wheel.url,) if wheel.url else ()
        configured = any(True for _ in self._indexes)
        if own and not configured:
            return self._located(own)
        try:
            found = self._listed(wheel)
        except PypiUnreachableError:
            if not own:
                raise
            found = ()
        urls = tuple(dict.fromkeys((*found, *own)))
        if not urls:
            raise PypiError(
                f"no index has {wheel.filename} with the locked hash", hint="lock again: `envgen lock --upgrade`"
            )
        return self._located(urls)

    def _listed(self, wheel: Wheel) -> tuple[str, ...]:
        project = self._index.project(wheel.name)
        files = project.files if project else ()
        return tuple(file.url for file in files if file.sha256 == wheel.sha256 and file.url)

    def _located(self, urls: tuple[str, ...]) -> tuple[WheelLocation, ...]:
        return tuple(WheelLocation(url=self._with_password(url), shown=mask(url)) for url in urls)

    def _with_password(self, url: str) -> str:
        password = self._session.password_for(url)
        if password is None:
            return url
        parts = urlsplit(url)
        user = ":".join(quote(part, safe="") for part in password)
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))
