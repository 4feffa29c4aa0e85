"""Find which locked packages a manifest asks for, and on which lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from envgen.lock.graph import DistributionsOf, providers_of
from envgen.lock.model import PlatformLock
from envgen.manifest.model import Manifest
from envgen.mapping.specs import to_pep440
from envgen.models.requirement import Origin, Requirement

_METAL = "tensorflow-metal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Say that a manifest asks for a locked package, by its key, in which words and where."""

    key: str
    need: str
    origin: Origin


class Matcher:
    """Match requirements with the packages of one platform's lock."""

    def __init__(self, lock: PlatformLock, distributions_of: DistributionsOf) -> None:
        """Index a lock; `distributions_of` gives the canonical names of what a record provides."""
        self._lock = lock
        self.providers = providers_of(lock, distributions_of)
        self.versions = {f"conda:{record.name}": record.version for record in lock.conda}
        self.versions |= {f"pypi:{wheel.name}": wheel.version for wheel in lock.pypi}

    def keys(self, requirement: Requirement) -> list[str]:
        """Give the packages that were locked for a requirement, or meet it; none where it is not met."""
        return self.decided(requirement) or self.met_by(requirement)

    def decided(self, requirement: Requirement) -> list[str]:
        """Give the packages that the lock took for this very requirement, if all are still in it."""
        texts = (requirement.text, str(requirement))
        keys = [f"{each.source}:{each.name}" for each in self._lock.decisions if each.requirement in texts]
        return keys if all(key in self.versions for key in keys) else []

    def met_by(self, requirement: Requirement) -> list[str]:
        """Give the packages that meet a requirement; what extras bring is not known, so one with extras is not met."""
        if requirement.extras:
            return []
        keys = self.providers.get(requirement.name, [])
        return keys if all(self.admits(requirement, key) for key in keys) else []

    def admits(self, requirement: Requirement, key: str) -> bool:
        """Tell whether a requirement's bounds admit the version that is locked."""
        version = to_pep440(self.versions[key])
        return version is not None and SpecifierSet(requirement.specifier).contains(version, prereleases=True)


def manifest_roots(manifest: Manifest, lock: PlatformLock, distributions_of: DistributionsOf) -> tuple[Root, ...]:
    """List the packages of a lock that a manifest asks for itself, in the order of the file."""
    matcher = Matcher(lock, distributions_of)
    return tuple(dict.fromkeys(_roots(manifest, lock, matcher)))


def _roots(manifest: Manifest, lock: PlatformLock, matcher: Matcher) -> Iterator[Root]:
    markers = lock.platform.markers()
    asked = (*(entry.requirement for entry in manifest.requirements()), *manifest.pypi_requirements())
    for requirement in asked:
        if requirement.applies(markers):
            # a fact may have put other bounds in the place of the manifest's
            keys = matcher.keys(requirement) or matcher.providers.get(requirement.name, [])
            yield from (Root(key=key, need=requirement.text, origin=requirement.origin) for key in keys)
    for root in manifest.conda_specs():
        if (key := f"conda:{root.spec.name}") in matcher.versions:
            yield Root(key=key, need=root.spec.text, origin=root.origin)
    if "conda:python" in matcher.versions:
        need = f"python {lock.platform.python}.*"
        yield Root(key="conda:python", need=need, origin=manifest.origin("python"))
    if lock.pypi and "conda:pip" in matcher.versions:
        yield Root(key="conda:pip", need="pip", origin=Origin(path="packages from PyPI need it"))
    if lock.accelerator == "metal" and (key := f"pypi:{_METAL}") in matcher.versions:
        yield Root(key=key, need=_METAL, origin=manifest.origin("accelerator"))
