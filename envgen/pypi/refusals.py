"""Find what uv chose and should not have: pre-releases that nobody asked for, and wheels that shut the python out.

uv takes a pre-release as soon as no final fits, and does not look at the upper bound of Requires-Python, at which pip
then stops. Refusing every pre-release would be no cure: projects that have nothing else would fall to ancient siblings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from packaging.version import Version

from envgen.models.wheel import ResolveRequest, Wheel, WheelMetadata
from envgen.pypi.asked import names_prerelease
from envgen.pypi.classify import by_version
from envgen.pypi.file_class import shut_out
from envgen.pypi.index import SimpleIndex
from envgen.pypi.project import before


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """Hold what the next run of uv may not choose.

    `prereleases` maps projects of which only finals may be chosen to the pre-release that was refused; `versions` maps
    projects to versions that shut the target's python out.
    """

    prereleases: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Name the projects of which something was refused, sorted."""
        return tuple(sorted({*self.prereleases, *self.versions}))

    def apply(self, request: ResolveRequest) -> ResolveRequest:
        """Add the refused versions to a request's constraints."""
        bounds = (
            f"{name}{','.join(f'!={version}' for version in versions)}"
            for name, versions in sorted(self.versions.items())
        )
        return replace(request, constraints=(*request.constraints, *bounds))

    def extended(
        self, request: ResolveRequest, wheels: Sequence[Wheel], chosen: Sequence[WheelMetadata], index: SimpleIndex
    ) -> Refusals:
        """Add what must be refused of an answer; equal to the old value where the answer is fine."""
        early = {
            wheel.name: wheel.version
            for wheel in wheels
            if Version(wheel.version).is_prerelease
            and not names_prerelease(wheel.name, request, chosen)
            and _has_finals(wheel.name, request, index)
        }
        shut = {
            metadata.name: (*self.versions.get(metadata.name, ()), *_shut_versions(metadata, request, index))
            for metadata in chosen
            if shut_out(metadata.requires_python, request.platform)
        }
        return Refusals(prereleases={**self.prereleases, **early}, versions={**self.versions, **shut})


def _has_finals(name: str, request: ResolveRequest, index: SimpleIndex) -> bool:
    project = index.project(name)
    files = before(project.files, request.exclude_newer) if project else ()
    return any(not version.is_prerelease for version in by_version(files))


def _shut_versions(metadata: WheelMetadata, request: ResolveRequest, index: SimpleIndex) -> tuple[str, ...]:
    """Give the chosen version and every other one whose files all shut the python out, so that one more run does."""
    project = index.project(metadata.name)
    versions = {
        str(version)
        for version, files in by_version(project.files if project else ()).items()
        if all(shut_out(file.requires_python, request.platform) for file in files)
    }
    return tuple(sorted({metadata.version, *versions}, key=Version))
