"""A PyPI resolver that changes as little as it must of what was locked.

The kept wheels are uv's preferences: each stays at its version where nothing stands against it, and none is a reason
for another to fall, as a pin would be. What nothing needs any more is gone, and an updated distribution goes to the
version that a fresh resolution gives it, where that is newer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from packaging.version import Version

from envgen.models.platform import Platform
from envgen.models.wheel import ProjectReleases, PypiResolver, Resolution, ResolveRequest, Wheel, WheelMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastChangePypiResolver:
    """A `PypiResolver` that keeps the wheels of an earlier lock where another one lets it.

    `update` names distributions that are meant to move.
    """

    inner: PypiResolver
    kept: tuple[Wheel, ...]
    update: AbstractSet[str] = frozenset()

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Return the wheels that meet the request and differ from the kept ones as little as they must.

        PypiUnsatisfiableError: none do, whatever is let go.
        """
        stubs = {stub.name for stub in request.stubs}
        known = [wheel for wheel in self.kept if wheel.name not in stubs]
        kept = tuple(wheel for wheel in known if wheel.name not in self.update)
        bound = _pinned(request, self._targets(request, [wheel for wheel in known if wheel.name in self.update]))
        return self.inner.resolve(replace(bound, preferred=kept))

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        return self.inner.metadata(wheel)

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        return self.inner.metadata_many(wheels)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        return self.inner.release_metadata(name, version, platform)

    def releases(
        self, wanted: Mapping[str, str], platform: Platform, until: datetime | None
    ) -> Mapping[str, ProjectReleases]:
        return self.inner.releases(wanted, platform, until)

    def _targets(self, request: ResolveRequest, moving: Collection[Wheel]) -> list[Wheel]:
        """Return the wheels that updated ones go to: a fresh resolution's, where it has newer ones."""
        if not moving:
            return []
        fresh = {wheel.name: wheel for wheel in self.inner.resolve(request).wheels}
        found = [(old, fresh[old.name]) for old in moving if old.name in fresh]
        return [new for old, new in found if Version(new.version) > Version(old.version)]


def _pinned(request: ResolveRequest, wheels: Iterable[Wheel]) -> ResolveRequest:
    pins = {f"{wheel.name}=={wheel.version}" for wheel in wheels}
    return replace(request, constraints=tuple(sorted({*request.constraints, *pins})))
