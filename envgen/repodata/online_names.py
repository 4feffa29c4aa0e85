"""Ask the map of conda-forge's packages that prefix.dev publishes, which is never required."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from packaging.utils import canonicalize_name

import envgen
from envgen.errors import EnvgenError
from envgen.system.files import exclusive, read_text

NAME_MAP_URL = "https://conda-mapping.prefix.dev/compressed-v0/conda-forge/compressed_mapping.json"
MAX_AGE = 24 * 3600.0
_LIMIT = 16 * 1024 * 1024
_FOLDER = "name-map"
_FILE, _TAG = "conda-forge.json", "conda-forge.etag"


@dataclass(kw_only=True)
class OnlineNameMap:
    """Provide what the online map knows, fetched at the first question and kept in the cache.

    `now` is in seconds since 1970, as file times are; a copy younger than `max_age` seconds is not asked about again,
    and an older one serves where the network does not. `timeout` is in seconds. What the user must know is in `notes`.
    """

    cache_dir: Path
    now: float
    offline: bool = False
    url: str = NAME_MAP_URL
    max_age: float = MAX_AGE
    timeout: float = 6.0
    notes: list[str] = field(default_factory=list)
    _holders: Mapping[str, tuple[str, ...]] | None = None

    def holders(self, project: str) -> tuple[str, ...]:
        """Return the conda packages that hold a distribution, best first; () where the map does not know or is off."""
        if self._holders is None:
            self._holders = self._load()
        return self._holders.get(project, ())

    def _load(self) -> Mapping[str, tuple[str, ...]]:
        kept = self.cache_dir / _FOLDER / _FILE
        if not self.offline and not self._is_fresh(kept):
            self._refresh(kept)
        if not kept.is_file():
            return {}
        try:
            return clean(read_text(kept, limit=_LIMIT))
        except (EnvgenError, ValueError) as error:
            self.notes.append(f"the online name map is left out: its copy cannot be read ({error})")
            return {}

    def _is_fresh(self, kept: Path) -> bool:
        try:
            return 0 <= self.now - kept.stat().st_mtime < self.max_age
        except OSError:
            return False

    def _refresh(self, kept: Path) -> None:
        """Fetch the map, or find that the copy is still good; note what went wrong."""
        tag = kept.with_name(_TAG)
        known = tag.read_text(encoding="utf-8") if kept.is_file() and tag.is_file() else ""
        try:
            body, new_tag = self._fetch(known)
            if body is None:
                os.utime(kept, (self.now, self.now))
                return
            clean(body)
            self._keep(kept, body, new_tag)
        except (OSError, ValueError, EnvgenError) as error:
            serves = "an older copy serves" if kept.is_file() else "names are mapped without it"
            self.notes.append(f"the online name map cannot be had ({_reason(error)}); {serves}")

    def _keep(self, kept: Path, body: str, tag: str) -> None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(kept.parent, timeout=self.timeout) as folder:
            folder.write({_FILE: body, _TAG: tag})
        os.utime(kept, (self.now, self.now))

    def _fetch(self, tag: str) -> tuple[str | None, str]:
        """Return the map's text with its tag, or None for the text where the copy with `tag` is still good."""
        headers = {"User-Agent": f"envgen/{envgen.__version__}", **({"If-None-Match": tag} if tag else {})}
        request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 - the scheme is http(s) by construction
        try:
            with contextlib.closing(urllib.request.urlopen(request, timeout=self.timeout)) as answer:  # noqa: S310
                body = answer.read(_LIMIT + 1)
                new_tag = answer.headers.get("ETag", "")
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == HTTPStatus.NOT_MODIFIED:
                return None, tag
            raise
        if len(body) > _LIMIT:
            raise ValueError(f"it is larger than {_LIMIT:,} bytes")
        return body.decode("utf-8"), new_tag


def clean(text: str) -> dict[str, tuple[str, ...]]:
    """Turn the map around: from distributions to the conda packages that are made for them, sorted.

    The map lists every dist-info ever seen inside a package, copies that a package carries of others included. So a
    package speaks for a distribution only if it is the one that it holds, or if their names agree.

    Raises:
        ValueError: the text is not such a map.
    """
    document: object = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("it is not a map of names")
    found: dict[str, set[str]] = defaultdict(set)
    for conda, held in document.items():
        listed = held if isinstance(held, list) else ()
        names = {canonicalize_name(name) for name in listed if isinstance(name, str)}
        for name in names:
            if len(names) == 1 or _squeezed(name) == _squeezed(conda):
                found[name].add(conda)
    return {name: tuple(sorted(condas, key=lambda conda: (conda != name, conda))) for name, condas in found.items()}


def _squeezed(name: str) -> str:
    return canonicalize_name(name).replace("-", "")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason).split("\n", 1)[0].lower()
    return str(error).split("\n", 1)[0].lower()
