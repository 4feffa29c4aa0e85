"""Read what a request asks of each project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet

from envgen.errors import PypiError
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import ResolveRequest, WheelMetadata
from envgen.pypi.indexes import mask


def roots(request: ResolveRequest) -> dict[str, str]:
    """Map the projects that the request itself asks an index for to the specifiers that it puts on them.

    Constraints count; an override takes the place of everything else; stubs and direct URLs are not asked of an index.
    PypiError: a text is no requirement, or its URL is no wheel's.
    """
    overridden = _bounds(_parse(request, request.overrides))
    bounds = _bounds(_parse(request, (*request.requirements, *request.constraints)))
    stubs = {stub.name for stub in request.stubs}
    wanted = _parse(request, request.requirements)
    for requirement in wanted:
        if requirement.url and not urlsplit(requirement.url).path.endswith(".whl"):
            raise PypiError(
                f"`{requirement.name}` is asked from {mask(requirement.url)}, which is no wheel",
                hint="only wheels can be locked: nothing is built while locking",
            )
    return {
        requirement.name: str(overridden.get(requirement.name, bounds[requirement.name]))
        for requirement in wanted
        if requirement.name not in stubs and not requirement.url
    }


def names_prerelease(name: str, request: ResolveRequest, chosen: Iterable[WheelMetadata]) -> bool:
    """Tell whether the request, or a wheel that was chosen, asks for a pre-release of a project by its version."""
    texts = [*request.requirements, *request.constraints, *request.overrides]
    texts += [text for metadata in chosen for text in metadata.requires_dist]
    return any(
        requirement.name == name and (requirement.url or SpecifierSet(requirement.specifier).prereleases)
        for requirement in _readable(texts)
    )


def _bounds(requirements: Iterable[Requirement]) -> dict[str, SpecifierSet]:
    bounds: dict[str, SpecifierSet] = {}
    for requirement in requirements:
        bounds[requirement.name] = bounds.get(requirement.name, SpecifierSet()) & SpecifierSet(requirement.specifier)
    return bounds


def _parse(request: ResolveRequest, texts: Iterable[str]) -> list[Requirement]:
    """Read texts, leaving out those whose markers exclude the target; PypiError for one that is no requirement."""
    try:
        requirements = [Requirement.parse(text, Origin(path="request")) for text in texts]
    except ValueError as error:
        raise PypiError(str(error)) from error
    markers = request.platform.markers()
    return [requirement for requirement in requirements if requirement.applies(markers)]


def _readable(texts: Iterable[str]) -> Iterator[Requirement]:
    for text in texts:
        try:
            yield Requirement.parse(text, Origin(path="metadata"))
        except ValueError:
            continue
