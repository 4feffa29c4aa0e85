"""Compare what a manifest asks of one platform with what is locked for it."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.lock.graph import DistributionsOf, Graph
from envgen.lock.model import MAIN_GROUP, PlatformLock
from envgen.lock.roots import Matcher
from envgen.manifest.model import GroupedRequirement, Manifest
from envgen.models.findings import Reason
from envgen.models.requirement import Origin, Requirement

_METAL = "tensorflow-metal"
_ALWAYS = ("conda:python", "conda:pip")


def unsatisfied(manifest: Manifest, lock: PlatformLock, distributions_of: DistributionsOf) -> tuple[Reason, ...]:
    """List what a manifest asks for and the lock does not hold, and what the lock holds for nothing.

    A requirement that was locked as it stands is satisfied; any other must be met by a locked distribution, and one
    with extras never is: what these bring is not known here.
    """
    comparison = _Comparison(manifest, lock, distributions_of)
    return tuple(comparison.reasons())


class _Comparison:
    """Gather the packages that are asked for, by key and with their groups, while comparing."""

    def __init__(self, manifest: Manifest, lock: PlatformLock, distributions_of: DistributionsOf) -> None:
        self._manifest = manifest
        self._lock = lock
        self._graph = Graph.of(lock, distributions_of)
        self._matcher = Matcher(lock, distributions_of)
        self._providers = self._matcher.providers
        self._versions = self._matcher.versions
        self._roots: dict[str, set[str]] = {}

    def reasons(self) -> Iterator[Reason]:
        lacking = tuple(self._lacking())
        yield from lacking
        yield from self._bounds()
        yield from self._mapped()
        if not lacking:  # else it is not known which packages are asked for
            yield from self._left_behind()
            yield from self._groups()

    def _lacking(self) -> Iterator[Reason]:
        markers = self._lock.platform.markers()
        for entry in self._manifest.requirements():
            if entry.requirement.applies(markers):
                yield from self._requirement(entry)
        for requirement in self._manifest.pypi_requirements():
            if requirement.applies(markers):
                yield from self._from_pypi(requirement)
        yield from self._specs()

    def _requirement(self, entry: GroupedRequirement) -> Iterator[Reason]:
        keys = self._matcher.keys(entry.requirement)
        if not keys:
            where = _elsewhere(entry.requirement.origin) if entry.requirement in self._manifest.own else ""
            yield Reason(code="REQUIREMENT", message=f"`{entry.requirement.text}`{where} is not what was locked")
        for key in keys:
            self._ask(key, entry.groups)

    def _ask(self, key: str, groups: frozenset[str] = frozenset({MAIN_GROUP})) -> None:
        self._roots.setdefault(key, set()).update(groups)

    def _from_pypi(self, requirement: Requirement) -> Iterator[Reason]:
        key = f"pypi:{requirement.name}"
        if not self._matcher.decided(requirement) and (
            key not in self._versions or not self._matcher.met_by(requirement)
        ):
            yield Reason(code="REQUIREMENT", message=f"`{requirement.text}` of `pypi` is not what was locked")
        self._ask(key)

    def _specs(self) -> Iterator[Reason]:
        records = {record.name: record for record in self._lock.conda}
        for root in self._manifest.conda_specs():
            record = records.get(root.spec.name)
            if record is None or not root.spec.matches(record):
                yield Reason(code="REQUIREMENT", message=f"`{root.spec}` of `conda` is not what was locked")
            self._ask(f"conda:{root.spec.name}")

    def _bounds(self) -> Iterator[Reason]:
        markers = self._lock.platform.markers()
        for bound in (*self._manifest.constraint_requirements(), *self._manifest.override_requirements()):
            for key in self._providers.get(bound.name, []):
                if bound.applies(markers) and not self._matcher.admits(bound, key):
                    message = f"`{bound.text}` does not admit {bound.name} {self._versions[key]}, which is locked"
                    yield Reason(code="CONSTRAINT", message=message)

    def _mapped(self) -> Iterator[Reason]:
        """Say which packages do not come from where the manifest's mapping says."""
        for name, conda in sorted(self._manifest.mapping.items()):
            allowed = {f"conda:{conda}"} if conda else {f"pypi:{name}"}
            for key in self._providers.get(name, []):
                if key not in allowed:
                    yield Reason(code="MAPPING", message=f"{name} is locked as {key}, and `mapping` says another")

    def _left_behind(self) -> Iterator[Reason]:
        """Say which packages something was decided about are needed by nothing that the manifest asks for."""
        if self._lock.accelerator == "metal":
            self._ask(f"pypi:{_METAL}")
        reached = self._graph.reach([*self._roots, *_ALWAYS])
        decided = {f"{each.source}:{each.name}" for each in self._lock.decisions}
        left = sorted(key.partition(":")[2] for key in decided & self._versions.keys() - reached)
        if left:
            yield Reason(code="LEFT-BEHIND", message=f"nothing needs {', '.join(left)} any more")

    def _groups(self) -> Iterator[Reason]:
        main = self._graph.reach(key for key, groups in self._roots.items() if MAIN_GROUP in groups)
        for key, groups in sorted(self._roots.items()):
            wanted = (MAIN_GROUP,) if key in main else tuple(sorted(groups))
            if key in self._versions and self._lock.groups_of(key) != wanted:
                message = f"{key.partition(':')[2]} is locked for {', '.join(self._lock.groups_of(key))}"
                yield Reason(code="GROUP", message=f"{message}, and the manifest asks for it in {', '.join(wanted)}")


def _elsewhere(origin: Origin) -> str:
    """Say in which file of a project's own a requirement stands."""
    return f" of {origin.line.file}, line {origin.line.line}," if origin.line else ""
