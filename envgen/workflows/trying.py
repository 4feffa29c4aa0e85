"""Lock manifests in memory, to see whether they can be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name

from envgen.errors import EnvgenError, PypiUnreachableError, PypiUnsatisfiableError, RepodataError
from envgen.locking.lock_platform import Keeping, solve_platform
from envgen.manifest.model import Manifest, load_manifest
from envgen.project.services import Services

FILE = "envgen.yaml"
SUBDIR = "osx-arm64"
_WORD = re.compile(r"[A-Za-z0-9][\w.-]*")
_REQUIRED = re.compile(r"you require (.*?)(?:, we can conclude|$)", re.DOTALL)
_NAMED = re.compile(r"(?:^|and |, |\s)([A-Za-z0-9][\w.-]*?)(?=[\[<>=!~, ]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Say whether a manifest locks: no `message` means that it does; `names` are those that a failure speaks of.

    `causes` are those of the user's names for whose sake a failure came to be, if it speaks of others than those;
    `notes` are the lock's; `unasked` tells that something could not be reached, so that nothing is known.
    """

    message: str = ""
    hint: str = ""
    names: frozenset[str] = field(default_factory=frozenset)
    causes: frozenset[str] = field(default_factory=frozenset)
    notes: tuple[str, ...] = ()
    unasked: bool = False

    @property
    def locks(self) -> bool:
        """Tell whether it locks."""
        return not self.message


def attempt(services: Services, text: str) -> Attempt:
    """Lock a manifest for Apple silicon and forget the lock; nothing is written."""
    try:
        manifest = load_manifest(text, FILE)
        platform = next(platform for platform in manifest.platforms() if platform.subdir == SUBDIR)
    except EnvgenError as error:
        return Attempt(message=error.message, hint=error.hint)
    try:
        solved = solve_platform(services, manifest, platform, Keeping())
    except (PypiUnreachableError, RepodataError) as error:
        return Attempt(message=error.message, hint=error.hint, unasked=True)
    except EnvgenError as error:
        causes = frozenset(_causes(manifest, error))
        names = frozenset(_blamed(manifest, error)) | causes
        return Attempt(message=error.message, hint=error.hint, names=names, causes=causes)
    return Attempt(notes=solved.lock.notes)


def _blamed(manifest: Manifest, error: EnvgenError) -> Iterator[str]:
    """Give the names that a failure is about: those that PyPI's resolver ends on, else those on its lines.

    Where it has neither, every word of its message counts.
    """
    places = list(_places(manifest))
    lines = {line.line for line in error.lines if line.file == FILE}
    own = {name for name, _ in places}
    required = own.intersection(_required(error))
    found = required or {name for name, line in places if line in lines}
    if isinstance(error, PypiUnsatisfiableError):
        found = found | (set(error.names) - own)
    yield from found or (str(canonicalize_name(word.rstrip(".-"))) for word in _WORD.findall(error.message))


def _causes(manifest: Manifest, error: EnvgenError) -> Iterator[str]:
    """Give the names on the lines that keep from conda what PyPI does not have."""
    because = {line.line for line in error.because} if isinstance(error, PypiUnsatisfiableError) else set()
    yield from (name for name, line in _places(manifest) if line in because)


def _required(error: EnvgenError) -> Iterator[str]:
    """Give what a resolver says is required by the user: "because you require A>=1 and B==2, we can conclude"."""
    if isinstance(error, PypiUnsatisfiableError):
        for part in _REQUIRED.findall(error.problem):
            yield from (str(canonicalize_name(name)) for name in _NAMED.findall(part))


def _places(manifest: Manifest) -> Iterable[tuple[str, int]]:
    requirements = [*(item.requirement for item in manifest.requirements()), *manifest.pypi_requirements()]
    specs = [(root.spec.name, root.origin) for root in manifest.conda_specs()]
    for name, origin in [*((item.name, item.origin) for item in requirements), *specs]:
        if origin.line:
            yield name, origin.line.line
