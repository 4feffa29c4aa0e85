"""Answer for PyPI from a table of wheels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from packaging.requirements import Requirement as Pep508
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from envgen.errors import PypiFailure, PypiUnsatisfiableError
from envgen.models.platform import Platform
from envgen.models.wheel import ProjectReleases, Resolution, ResolveRequest, Stub, Wheel, WheelMetadata

Needs = list[tuple[Pep508, str]]
Requires = Mapping[str, Mapping[str, tuple[str, ...]]]


def wheels(text: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Read wheels, one a line: `name version [: requirement | …]`, the requirements as Requires-Dist has them."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        head, _, requires = line.partition(":")
        name, version = head.split()
        found.setdefault(name, {})[version] = tuple(part.strip() for part in requires.split("|") if part.strip())
    return found


@dataclass(kw_only=True)
class FakePypi:
    """Resolve newest first, stepping back where it must; a `PypiResolver`.

    `asked` are the requests that took a run, `read` the wheels whose metadata was read. `broken` names projects without
    a wheel that fits.
    """

    table: Requires
    broken: frozenset[str] = frozenset()
    damaged: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[ResolveRequest] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    published: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def damage(self, name: str, version: str, line: str) -> None:
        """Put a line into the metadata of a wheel that the resolver overlooks."""
        self.damaged[name, version] = line

    def resolve(self, request: ResolveRequest) -> Resolution:
        """Return the newest wheels that meet the request."""
        if request not in self.asked:
            self.asked.append(request)
        attempt = _Attempt(pypi=self, request=request)
        chosen = attempt.search([(Pep508(text), "you") for text in request.requirements], {})
        if chosen is None:
            raise attempt.failure()
        stubs = {stub.name for stub in request.stubs}
        return Resolution(
            wheels=tuple(wheel(name, version) for name, version in sorted(chosen.items()) if name not in stubs),
            notes=(f"resolved {len(chosen)}",),
            wheelless=tuple(self._wheelless(request, chosen)),
        )

    def _wheelless(self, request: ResolveRequest, chosen: Mapping[str, str]) -> Iterator[str]:
        for need in map(Pep508, request.requirements):
            best = max(need.specifier.filter(self.table[need.name]), key=Version)
            attempt = _Attempt(pypi=self, request=request)
            if chosen[need.name] != best and not attempt.search([(Pep508(f"{need.name}=={best}"), "you")], {}):
                yield from attempt.blamed if attempt.wheelless else ()

    def releases(
        self, wanted: Mapping[str, str], platform: Platform, until: datetime | None
    ) -> Mapping[str, ProjectReleases]:
        """Return the finals of the table, whatever the target, with the dates that `published` has."""
        found = {}
        for name, specifier in wanted.items():
            every = sorted(self.table.get(name, {}), key=Version, reverse=True)
            fitting = tuple(SpecifierSet(specifier).filter(every)) if name not in self.broken else ()
            dates = {version: day for (project, version), day in self.published.items() if project == name}
            found[name] = ProjectReleases(fitting=fitting, published=dates)
        return {name: releases for name, releases in found.items() if name in self.table}

    def metadata(self, given: Wheel) -> WheelMetadata:
        """Read the table."""
        self.read.append(given.name)
        return self._metadata(given.name, given.version)

    def metadata_many(self, many: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Read the table."""
        return tuple(self.metadata(each) for each in many)

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        """Read the table, where it has that release."""
        return self._metadata(name, version) if version in self.table.get(name, {}) else None

    def _metadata(self, name: str, version: str) -> WheelMetadata:
        requires = self.table[name][version]
        extras = {text.split("extra ==")[1].strip(" '\")") for text in requires if "extra ==" in text}
        more = (self.damaged[name, version],) if (name, version) in self.damaged else ()
        return WheelMetadata(
            name=name, version=version, requires_dist=(*requires, *more), provides_extra=tuple(sorted(extras))
        )


def wheel(name: str, version: str) -> Wheel:
    filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    digest = hashlib.sha256(filename.encode()).hexdigest()
    return Wheel(name=name, version=version, filename=filename, url=f"https://files.example/{filename}", sha256=digest)


@dataclass(kw_only=True)
class _Attempt:
    pypi: FakePypi
    request: ResolveRequest
    blamed: dict[str, None] = field(default_factory=dict)
    wheelless: set[str] = field(default_factory=set)

    def search(self, needs: Needs, chosen: dict[str, str]) -> dict[str, str] | None:
        """Choose a version for the first name that has none yet, newest first; None where no choice works out."""
        specifiers = self._specifiers(needs)
        for name, version in chosen.items():
            if not specifiers[name].contains(version, prereleases=True):
                self._blame(name, needs)
                return None
        open_names = [name for name in specifiers if name not in chosen]
        if not open_names:
            return chosen
        name = open_names[0]
        candidates = list(self._candidates(name, specifiers[name]))
        for version in candidates:
            more = [*needs, *self._requires(name, version, needs)]
            found = self.search(more, {**chosen, name: version})
            if found is not None:
                return found
        if not candidates:
            self._blame(name, needs)
        return None

    def failure(self) -> PypiUnsatisfiableError:
        why = f"{min(self.wheelless)} has no usable wheels" if self.wheelless else "versions conflict"
        return PypiUnsatisfiableError(
            "no set of wheels meets the requirements",
            PypiFailure(
                problem=why,
                kind="wheels" if self.wheelless else "conflict",
                names=tuple(self.blamed),
                conclusion=why,
            ),
        )

    def _specifiers(self, needs: Needs) -> dict[str, SpecifierSet]:
        found: dict[str, SpecifierSet] = {}
        for need, _ in needs:
            name = canonicalize_name(need.name)
            found[name] = found.get(name, SpecifierSet()) & need.specifier
        for text in self.request.constraints:
            bound = Pep508(text)
            if bound.name in found:
                found[bound.name] &= bound.specifier
        return found

    def _candidates(self, name: str, specifier: SpecifierSet) -> Iterator[str]:
        stub = self._stub(name)
        if stub:
            yield from [stub.version] if specifier.contains(stub.version, prereleases=True) else []
            return
        if name in self.pypi.broken:
            self.wheelless.add(name)
            return
        preferred = {wheel.version for wheel in self.request.preferred if wheel.name == name}
        found = sorted(specifier.filter(self.pypi.table.get(name, {})), key=Version, reverse=True)
        yield from sorted(found, key=lambda version: version not in preferred)

    def _requires(self, name: str, version: str, needs: Needs) -> Needs:
        if self._stub(name):
            return []
        extras = {extra for need, _ in needs for extra in need.extras if canonicalize_name(need.name) == name}
        markers = self.request.platform.markers()
        overrides = {Pep508(text).name: Pep508(text) for text in self.request.overrides}
        found: Needs = []
        for text in self.pypi.table[name][version]:
            need = Pep508(text)
            applies = need.marker is None or any(need.marker.evaluate({**markers, "extra": e}) for e in ("", *extras))
            instead = overrides.get(need.name, need)
            if applies and (instead is need or not instead.marker or instead.marker.evaluate(markers)):
                found.append((instead, name))
        return found

    def _stub(self, name: str) -> Stub | None:
        return next((stub for stub in self.request.stubs if stub.name == name), None)

    def _blame(self, name: str, needs: Needs) -> None:
        askers = [asker for need, asker in needs if canonicalize_name(need.name) == name]
        for each in (name, *askers):
            if each != "you":
                self.blamed[each] = None
