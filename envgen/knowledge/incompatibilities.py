"""Describe what may not live in one process on osx-arm64."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from envgen.knowledge.installed import InstalledPackages, depends_names
from envgen.knowledge.tables import rows
from envgen.knowledge.tensorflow import native_satellites
from envgen.knowledge.version_ranges import covers
from envgen.models.findings import Severity
from envgen.models.record import Record

TABLE = "clash.toml"
Evidence = Literal["reported", "measured", "inferred"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClashRule:
    """A pair: wheels of `beside`, and a wheel of `distribution` or some conda records.

    The row is void where a wheel of `unless` is installed. `versions` are those of the other side. `conda` names the
    records (() = any name); `loads` is a name that they depend on ("" = whatever they depend on). `fixed` are the
    releases of `distribution` without the fault.
    """

    number: str
    code: str
    severity: Severity
    beside: tuple[str, ...]
    beside_versions: str
    evidence: Evidence
    why: str
    cure: str
    source: str
    verified: date
    unless: tuple[str, ...] = ()
    distribution: str = ""
    versions: str = ""
    fixed: str = ""
    conda: tuple[str, ...] = ()
    loads: str = ""

    def takes(self, record: Record) -> bool:
        """Return whether a record is the conda side of the pair."""
        if self.distribution:
            return False
        if self.conda and record.name not in self.conda:
            return False
        if self.loads and self.loads not in depends_names(record):
            return False
        return covers(self.versions, record.version)

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        other = f"{self.distribution}{self.versions}" if self.distribution else self._conda_side()
        return f"{self.number}: PyPI's {'/'.join(self.beside)}{self.beside_versions} beside {other}: {self.why}"

    def _conda_side(self) -> str:
        names = ", ".join(self.conda) or "any record"
        return f"conda's {names}{self.versions}" + (f" that depends on {self.loads}" if self.loads else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMpRule:
    """A wheel with an OpenMP runtime inside, with the records and wheels that bring another."""

    number: str
    code: str
    severity: Severity
    distribution: str
    conda: tuple[str, ...]
    evidence: Evidence
    why: str
    cure: str
    source: str
    verified: date
    wheels: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        others = ", ".join([*(f"conda's {name}" for name in self.conda), *(f"PyPI's {name}" for name in self.wheels)])
        return f"{self.number}: PyPI's {self.distribution} beside one of {others}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClash:
    """Describe that a pair is in a world: the wheels on the one side, the packages on the other."""

    rule: ClashRule
    wheels: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def from_conda(self) -> bool:
        """Return whether the other side are conda records."""
        return not self.rule.distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """Describe what to change so that a clash goes away.

    `distribution` is to be taken from PyPI at `specifier` in place of the records `conda` (() where it comes from PyPI
    already). It is "" where no wheel takes their place: whatever drags the records in must go.
    """

    code: str
    severity: Severity
    distribution: str
    specifier: str
    conda: tuple[str, ...]
    why: str

    @property
    def text(self) -> str:
        """Return the wheel that is wanted as PEP 508."""
        return f"{self.distribution}{self.specifier}"


@cache
def clash_rules() -> tuple[ClashRule, ...]:
    """Read the pairs."""
    return rows(TABLE, "clash", ClashRule)


@cache
def openmp_rules() -> tuple[OpenMpRule, ...]:
    """Read the wheels that bring an OpenMP runtime."""
    return rows(TABLE, "openmp", OpenMpRule)


def clashes(world: InstalledPackages) -> tuple[KnownClash, ...]:
    """List the pairs that a world holds, in the table's order; none but on osx-arm64."""
    if not world.is_apple_silicon:
        return ()
    found = (_clash(rule, world) for rule in clash_rules())
    return tuple(clash for clash in found if clash)


def openmp_doubles(world: InstalledPackages) -> tuple[tuple[OpenMpRule, tuple[str, ...]], ...]:
    """List the wheels of a world with an OpenMP runtime inside, with the packages that bring another."""
    if not world.is_apple_silicon:
        return ()
    found = ((rule, _other_runtimes(rule, world)) for rule in openmp_rules())
    return tuple((rule, others) for rule, others in found if others)


def _other_runtimes(rule: OpenMpRule, world: InstalledPackages) -> tuple[str, ...]:
    if not world.find(rule.distribution, source="pypi"):
        return ()
    records = (record.name for record in world.named(*rule.conda) if "llvm-openmp" in depends_names(record))
    return (*records, *(item.package for item in world.find(*rule.wheels, source="pypi")))


def _clash(rule: ClashRule, world: InstalledPackages) -> KnownClash | None:
    wheels = [item for item in world.find(*rule.beside, source="pypi") if covers(rule.beside_versions, item.version)]
    if not wheels or world.find(*rule.unless, source="pypi"):
        return None
    others = _others(rule, world)
    return KnownClash(rule=rule, wheels=tuple(map(str, wheels)), others=others) if others else None


def _others(rule: ClashRule, world: InstalledPackages) -> tuple[str, ...]:
    if rule.distribution:
        wheels = world.find(rule.distribution, source="pypi")
        return tuple(item.package for item in wheels if covers(rule.versions, item.version))
    return tuple(record.name for record in world.records if rule.takes(record))


def clash_cures(world: InstalledPackages) -> tuple[Cure, ...]:
    """List what would end the clashes of a world: wheels in place of records, and floors of wheels.

    A cure that another clash asks for as well is given once, under the first clash's code.
    """
    cures: dict[tuple[str, ...], Cure] = {}
    for clash in clashes(world):
        for cure in _cures(clash):
            cures.setdefault((cure.distribution, cure.specifier, *cure.conda), cure)
    return tuple(cures.values())


def _cures(clash: KnownClash) -> list[Cure]:
    rule = clash.rule
    if not clash.from_conda:
        if not rule.fixed:
            return []
        return [_cure(rule, rule.distribution, rule.fixed, ())]
    groups: dict[tuple[str, str], list[str]] = {}
    for name in clash.others:
        move = move_of(name)
        groups.setdefault((move.distribution, move.specifier) if move else ("", ""), []).append(name)
    return [_cure(rule, distribution, specifier, tuple(names)) for (distribution, specifier), names in groups.items()]


def _cure(rule: ClashRule, distribution: str, specifier: str, conda: tuple[str, ...]) -> Cure:
    return Cure(
        code=rule.code,
        severity=rule.severity,
        distribution=distribution,
        specifier=specifier,
        conda=conda,
        why=rule.why,
    )


def forbidden_beside_pypi_tensorflow(record: Record, *, metal: bool) -> str | None:
    """Return why a record may not stand beside PyPI's TensorFlow, as an error of the proof would; None if it may.

    It speaks of osx-arm64 alone. With `metal` the rules of tensorflow-metal hold too. The release of TensorFlow is not
    asked for: the rows that speak of conda records speak of every release from 2.12 on.
    """
    present = {"tensorflow", "tensorflow-macos"} | ({"tensorflow-metal"} if metal else set())
    for rule in clash_rules():
        if rule.severity == "error" and present.intersection(rule.beside) and rule.takes(record):
            return rule.why
    return None


# Say what comes from PyPI whenever TensorFlow does.

BESIDE_TABLE = "beside.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class PypiOnlyRule:
    """Distributions that are never taken from conda beside PyPI's TensorFlow."""

    names: tuple[str, ...]
    why: str
    source: str
    verified: date
    metal_only: bool = False

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        beside = "tensorflow-metal" if self.metal_only else "PyPI's TensorFlow"
        return f"beside {beside} these come from PyPI: {', '.join(self.names)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacementWheel:
    """The wheel that takes the place of conda records which load shared C++ libraries."""

    conda: tuple[str, ...]
    distribution: str
    why: str
    source: str
    verified: date
    specifier: str = ""

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{self.distribution}{self.specifier} from PyPI takes the place of {', '.join(self.conda)}: {self.why}"


@cache
def stays() -> tuple[PypiOnlyRule, ...]:
    """Read what stays on PyPI beside its TensorFlow."""
    return rows(BESIDE_TABLE, "stay", PypiOnlyRule)


@cache
def moves() -> tuple[ReplacementWheel, ...]:
    """Read which wheels take the place of which records."""
    return rows(BESIDE_TABLE, "move", ReplacementWheel)


def never_lifted(*, metal: bool) -> Mapping[str, str]:
    """Map the distributions that conda may not provide beside PyPI's TensorFlow to the reason."""
    return {name: row.why for row in stays() if metal or not row.metal_only for name in row.names}


def must_be_pypi(from_pypi: Iterable[str]) -> Mapping[str, str]:
    """Map further distributions that must come from PyPI on osx-arm64, given those that do, to the reason.

    A distribution that loads TensorFlow's own libraries brings PyPI's TensorFlow; that brings the rest.
    """
    present = frozenset(from_pypi)
    native = sorted(present & native_satellites())
    if not native and not present & {"tensorflow", "tensorflow-macos"}:
        return {}
    needed = dict(never_lifted(metal="tensorflow-metal" in present))
    if native:
        needed["tensorflow"] = f"{native[0]} is compiled against PyPI's TensorFlow"
    return {name: why for name, why in needed.items() if name not in present}


def move_of(conda_name: str) -> ReplacementWheel | None:
    """Find the wheel that takes a record's place, or None."""
    return next((row for row in moves() if conda_name in row.conda), None)


# Say which distributions own the same files.

EXCLUSIVE_TABLE = "exclusive.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusiveGroup:
    """Distributions of PyPI, and conda records, that install the module `owns`: one of them may be there."""

    name: str
    distributions: tuple[str, ...]
    conda: tuple[str, ...]
    owns: str
    why: str
    source: str
    verified: date

    def owners(self, world: InstalledPackages) -> tuple[str, ...]:
        """List what brings the module in a world; more than one is a fault."""
        wheels = world.find(*self.distributions, source="pypi")
        return (*(f"conda's {record.name}" for record in world.named(*self.conda)), *(item.package for item in wheels))

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"one of {', '.join(self.distributions)} and conda's {', '.join(self.conda)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """The members of a group whose modules another member has too."""

    group: str
    distribution: str
    holds: tuple[str, ...]
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"{self.distribution} does for {', '.join(self.holds)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed:
    """Distributions whose modules a conda record holds without their metadata."""

    conda: str
    distributions: tuple[str, ...]
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        """Put the fact into words."""
        return f"conda's {self.conda} stands in for {', '.join(self.distributions)}: {self.why}"


@cache
def unnamed_contents() -> tuple[Unnamed, ...]:
    """Read which records stand in for distributions that they do not name."""
    return rows(EXCLUSIVE_TABLE, "unnamed", Unnamed)


@cache
def exclusive_groups() -> tuple[ExclusiveGroup, ...]:
    """Read the groups."""
    return rows(EXCLUSIVE_TABLE, "group", ExclusiveGroup)


@cache
def group_members() -> tuple[GroupMember, ...]:
    """Read which members do for others."""
    return rows(EXCLUSIVE_TABLE, "member", GroupMember)


def group_of(distribution: str) -> ExclusiveGroup | None:
    """Find the group of a distribution, or None."""
    return next((group for group in exclusive_groups() if distribution in group.distributions), None)


def stand_ins(conda_name: str) -> tuple[str, ...]:
    """List the distributions whose place a conda record takes, though it may not be called so: all of its group."""
    return tuple(name for group in exclusive_groups() if conda_name in group.conda for name in group.distributions)


def one_for(distributions: Collection[str]) -> str | None:
    """Choose the one member of a group that does for all of those asked for, preferring one that is asked for.

    None where no member does, or where they are not of one group.
    """
    asked = frozenset(distributions)
    if len(asked) == 1:
        return next(iter(asked))
    complete = [row.distribution for row in group_members() if asked <= {row.distribution, *row.holds}]
    return next((name for name in complete if name in asked), next(iter(complete), None))
