"""Put the pythons that an environment may be made with in the order in which they are worth a try."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from envgen.errors import MappingError, PypiError
from envgen.manifest.model import Manifest
from envgen.mapping.channel_packages import fits_python
from envgen.mapping.name_mapper import NameMapper
from envgen.mapping.version_specs import to_match_specs
from envgen.models.platform import Platform
from envgen.models.requirement import Requirement
from envgen.planner.renames import rewrite_names
from envgen.project.services import Services
from envgen.pypi.simple_api import Project
from envgen.pypi.wheel_verdicts import classify


@dataclass(frozen=True, slots=True)
class Chance:
    """Hold a python minor with the requirements that neither conda nor a wheel meets on it."""

    minor: str
    missing: tuple[str, ...]


def chances(services: Services, manifest: Manifest, mapper: NameMapper, minors: Sequence[str]) -> tuple[Chance, ...]:
    """Order python minors by how many requirements cannot be had on them by themselves, and leave their order else.

    A requirement can be had where the channel has a fitting record, or PyPI a fitting wheel as far as it answers. No
    requirement's own needs are looked at.
    """
    wanted = [item.requirement for item in manifest.requirements()] + list(manifest.pypi_requirements())
    subdir = manifest.platforms(minors[0])[0].subdir if minors else ""
    asked = [item.after for item in rewrite_names(wanted, subdir) if item.after]
    mapper.map_names([item.name for item in asked])
    platforms = {minor: manifest.platforms(minor)[0] for minor in minors}
    lacking = {minor: _lacking(asked, mapper, platform) for minor, platform in platforms.items()}
    projects = _projects(services, {item.name for items in lacking.values() for item in items})
    found = [
        Chance(minor, tuple(str(item) for item in items if not _has_wheel(item, platforms[minor], projects)))
        for minor, items in lacking.items()
    ]
    return tuple(sorted(found, key=lambda chance: len(chance.missing)))


def _lacking(asked: Iterable[Requirement], mapper: NameMapper, platform: Platform) -> list[Requirement]:
    markers = platform.markers()
    return [item for item in asked if item.applies(markers) and not _has_record(item, mapper, platform.python)]


def _has_record(requirement: Requirement, mapper: NameMapper, python: str) -> bool:
    answer = mapper.map_names([requirement.name])[requirement.name]
    try:
        specs = [
            to_match_specs(name, requirement.specifier).spec
            for name in (answer.conda, *answer.alternatives)
            if name and answer.source == "conda"
        ]
    except MappingError:
        return False
    return any(
        spec.matches_version(record.version) and fits_python(record, python)
        for spec in specs
        for record in mapper.shelf.records(spec.name)
    )


def _projects(services: Services, names: Iterable[str]) -> Mapping[str, Project | PypiError | None]:
    if services.options.offline or not names:
        return {}
    from envgen.pypi.lookups import PypiLookups

    settings = services.settings
    return PypiLookups(cache=settings.cache_dir, environment=settings.environ).projects(names)


def _has_wheel(
    requirement: Requirement, platform: Platform, projects: Mapping[str, Project | PypiError | None]
) -> bool:
    project = projects.get(requirement.name)
    if project is None or isinstance(project, PypiError):
        return False
    return classify(project.files, platform, requirement.specifier).code == "OK"
