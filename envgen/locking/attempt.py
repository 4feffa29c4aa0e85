"""One attempt of the search for a lock: a plan that was made and proved, and what facts say before one is made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from packaging.version import Version

from envgen.knowledge.incompatibilities import must_be_pypi
from envgen.knowledge.installed import InstalledPackage, InstalledPackages
from envgen.lock.model import PlatformLock
from envgen.mapping.channel_packages import depends_names
from envgen.models.findings import Finding
from envgen.models.record import Record
from envgen.models.release import Release
from envgen.planner.plan import Aim, PlanInputs
from envgen.proof.facts import neighbour_findings

DistributionsOf = Callable[[Record], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A plan's inputs, the lock that came of them, and the release of each named requirement in it.

    The lock's findings are those of the proof, errors among them.
    """

    inputs: PlanInputs
    lock: PlatformLock
    releases: Mapping[str, Release]

    @property
    def faults(self) -> list[Finding]:
        """Return what would not work."""
        return [finding for finding in self.lock.findings if finding.severity == "error"]

    @property
    def warnings(self) -> list[Finding]:
        """Return what may not work."""
        return [finding for finding in self.lock.findings if finding.severity == "warning"]

    @property
    def settled(self) -> PlanInputs:
        """Return the inputs with what came from PyPI in the end asked from there at once."""
        whys = {wheel.name: wheel.why for wheel in self.lock.pypi}
        moved = {name: Aim(from_pypi=whys[name]) for name, release in self.releases.items() if release.source == "pypi"}
        return self.inputs.aiming({name: aim for name, aim in moved.items() if name not in self.inputs.aims})

    def new_warnings(self, best: Attempt) -> list[Finding]:
        """Return the warnings that another attempt has not, or of fewer packages."""
        return _not_known(self.warnings, best.warnings)

    def gains(self, best: Attempt) -> int:
        """Return how many more requirements are newer than in another attempt than are older."""
        gains = 0
        for name in self.releases.keys() & best.releases.keys():
            now, then = Version(self.releases[name].version), Version(best.releases[name].version)
            gains += (now > then) - (now < then)
        return gains


def _not_known(findings: Collection[Finding], known: Collection[Finding]) -> list[Finding]:
    pairs = [(each.code, set(each.packages)) for each in known]
    return [
        each
        for each in findings
        if not any(each.code == code and packages.issuperset(each.packages) for code, packages in pairs)
    ]


def carried_along(
    lock: PlatformLock, moved: Collection[str], roots: Mapping[str, str], distributions_of: DistributionsOf
) -> frozenset[str]:
    """Return the distributions that leave conda when some do: with what needs them, and what must be of one half.

    `roots` maps the user's requirements that conda serves to the packages that they are there.
    """
    records = {record.name: record for record in lock.conda}
    provided = {name: frozenset(distributions_of(record)) for name, record in records.items()}
    needs = _needs(records)
    found = frozenset(moved)
    while True:
        gone = {name for name, distributions in provided.items() if distributions & found}
        brought = {root for root, conda in roots.items() if conda in records and _reached(needs, [conda]) & gone}
        more = found | brought | must_be_pypi(found).keys()
        if more == found:
            return found
        found = more


def foreseen(
    best: Attempt, wheels: Mapping[str, str], kept: Collection[str], distributions_of: DistributionsOf
) -> list[Finding]:
    """Return the warnings that a plan with further distributions from PyPI would have, from facts alone.

    `wheels` maps the distributions to their versions, `kept` are the packages that the requirements which stay on
    conda are there. What only those that move needed is gone.
    """
    records = {record.name: record for record in best.lock.conda}
    left = _reached(_needs(records), [*kept, "python", "pip"])
    stay = InstalledPackages.of(
        best.lock.platform,
        records=[record for name, record in records.items() if name in left],
        wheels=[locked.wheel for locked in best.lock.pypi if locked.name not in wheels],
        distributions_of=distributions_of,
    )
    more = (
        InstalledPackage(distribution=name, version=version, source="pypi", package=name)
        for name, version in wheels.items()
    )
    packages = replace(stay, installed=tuple(sorted({*stay.installed, *more})))
    warnings = [each for each in neighbour_findings(packages) if each.severity == "warning"]
    return _not_known(warnings, best.warnings)


def _needs(records: Mapping[str, Record]) -> dict[str, frozenset[str]]:
    return {name: depends_names(record) & records.keys() for name, record in records.items()}


def _reached(needs: Mapping[str, Collection[str]], start: Iterable[str]) -> frozenset[str]:
    """Return the records that some names lead to, themselves among them."""
    seen: set[str] = set()
    queue = list(start)
    while queue:
        name = queue.pop()
        if name in needs and name not in seen:
            seen.add(name)
            queue.extend(needs[name])
    return frozenset(seen)
