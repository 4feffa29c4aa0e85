"""The map of conda-forge's packages that prefix.dev publishes, which is never required."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from envgen.errors import PypiError, PypiUnreachableError
from envgen.pypi.http import AnswerCache, Session, Timeouts, reason
from envgen.pypi.indexes import Indexes
from envgen.system.settings import Ceiling

NAME_MAP_URL = "https://conda-mapping.prefix.dev/compressed-v0/conda-forge/compressed_mapping.json"
MAX_AGE = 24 * 3600
_LIMIT: int = Ceiling.NAME_MAP
_FOLDER = "name-map"


@dataclass(kw_only=True)
class OnlineNameMap:
    """What the online map knows, fetched at the first question and kept in the cache.

    A copy younger than `max_age` seconds is not asked about again, and an older one serves where the network does not.
    `timeout` is in seconds. What the user must know is in `notes`.
    """

    cache_dir: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    offline: bool = False
    url: str = NAME_MAP_URL
    max_age: int = MAX_AGE
    timeout: int = 6
    notes: list[str] = field(default_factory=list)

    def holders(self, project: str) -> tuple[str, ...]:
        """Return the conda packages that hold a distribution, best first; () where the map does not know or is off."""
        return self._holders.get(project, ())

    @cached_property
    def _holders(self) -> Mapping[str, tuple[str, ...]]:
        limits = Timeouts(connect=self.timeout, read=self.timeout, retries=0)
        cache = AnswerCache(Session(Indexes(), self.environment, timeouts=limits), self.cache_dir / _FOLDER, clean)
        failure = ""
        if not self.offline:
            try:
                return clean(cache.get(self.url, max_age=self.max_age, limit=_LIMIT))
            except (OSError, ValueError, PypiError) as error:
                failure = _words(error)
        older: Mapping[str, tuple[str, ...]] = {}
        try:
            if kept := cache.kept(self.url):
                older = clean(kept)
        except (OSError, ValueError) as error:
            if not failure:
                self.notes.append(f"the online name map is left out: its copy cannot be read ({_words(error)})")
        if failure:
            serves = "an older copy serves" if older else "names are mapped without it"
            self.notes.append(f"the online name map cannot be had ({failure}); {serves}")
        return older


def clean(text: bytes) -> dict[str, tuple[str, ...]]:
    """Turn the map around: from distributions to the conda packages that are made for them, sorted.

    The map lists every dist-info ever seen inside a package, copies that a package carries of others included. So a
    package speaks for a distribution only if it is the one that it holds, or if their names agree.

    Raises:
        ValueError: the text is not such a map.
    """
    document: object = json.loads(text.decode())
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


def _words(error: Exception) -> str:
    if isinstance(error, PypiUnreachableError) and isinstance(error.__cause__, Exception):
        return reason(error.__cause__)
    if isinstance(error, PypiError) and not isinstance(error, PypiUnreachableError):
        return f"it is larger than {_LIMIT:,} bytes"
    return str(error).split("\n", 1)[0].lower()
