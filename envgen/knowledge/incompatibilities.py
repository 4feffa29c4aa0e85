"""What may not live in one process on Apple silicon, or own the same files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from envgen.knowledge.installed import InstalledPackages
from envgen.knowledge.tables import lazy_table
from envgen.knowledge.tensorflow import native_satellites
from envgen.knowledge.version_ranges import covers
from envgen.models.findings import Severity
from envgen.models.record import Record

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

    def matches(self, record: Record) -> bool:
        """Return whether a record is the conda side of the pair."""
        if self.distribution:
            return False
        if self.conda and record.name not in self.conda:
            return False
        if self.loads and not _depends_on(record, self.loads):
            return False
        return covers(self.versions, record.version)

    @property
    def rule(self) -> str:
        other = f"{self.distribution}{self.versions}"
        if not self.distribution:
            names = ", ".join(self.conda) or "any record"
            other = f"conda's {names}{self.versions}" + (f" that depends on {self.loads}" if self.loads else "")
        return f"{self.number}: PyPI's {'/'.join(self.beside)}{self.beside_versions} beside {other}: {self.why}"


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
        others = ", ".join([*(f"conda's {name}" for name in self.conda), *(f"PyPI's {name}" for name in self.wheels)])
        return f"{self.number}: PyPI's {self.distribution} beside one of {others}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownClash:
    """A pair that is installed: the wheels on the one side, the packages on the other."""

    rule: ClashRule
    wheels: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def from_conda(self) -> bool:
        """Return whether the other side are conda records."""
        return not self.rule.distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """What to change so that a clash goes away.

    `distribution` is to be taken from PyPI at `specifier` in place of the records `conda` (() where it comes from PyPI
    already). It is "" where no wheel takes their place: whatever needs the records must go.
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


clash_rules = lazy_table("clash.toml", "clash", ClashRule)
openmp_rules = lazy_table("clash.toml", "openmp", OpenMpRule)


def clashes(packages: InstalledPackages) -> tuple[KnownClash, ...]:
    """Return the pairs that are installed, in the table's order; none but on Apple silicon."""
    if not packages.platform.is_apple_silicon:
        return ()
    found = (_clash(rule, packages) for rule in clash_rules())
    return tuple(clash for clash in found if clash)


def _clash(rule: ClashRule, packages: InstalledPackages) -> KnownClash | None:
    wheels = [item for item in packages.find(*rule.beside, source="pypi") if covers(rule.beside_versions, item.version)]
    if not wheels or packages.find(*rule.unless, source="pypi"):
        return None
    if rule.distribution:
        installed = packages.find(rule.distribution, source="pypi")
        others = tuple(item.package for item in installed if covers(rule.versions, item.version))
    else:
        others = tuple(record.name for record in packages.records if rule.matches(record))
    return KnownClash(rule=rule, wheels=tuple(map(str, wheels)), others=others) if others else None


def openmp_doubles(packages: InstalledPackages) -> tuple[tuple[OpenMpRule, tuple[str, ...]], ...]:
    """Return the wheels with an OpenMP runtime inside, with the packages that bring another."""
    if not packages.platform.is_apple_silicon:
        return ()
    found = ((rule, _other_runtimes(rule, packages)) for rule in openmp_rules())
    return tuple((rule, others) for rule, others in found if others)


def _other_runtimes(rule: OpenMpRule, packages: InstalledPackages) -> tuple[str, ...]:
    if not packages.find(rule.distribution, source="pypi"):
        return ()
    records = (record.name for record in packages.named(*rule.conda) if _depends_on(record, "llvm-openmp"))
    return (*records, *(item.package for item in packages.find(*rule.wheels, source="pypi")))


def _depends_on(record: Record, name: str) -> bool:
    from envgen.models.match_spec import MatchSpec  # imports rattler, which a look at the facts has no need of

    return any(MatchSpec.name_of(text) == name for text in record.depends)


def clash_cures(packages: InstalledPackages) -> tuple[Cure, ...]:
    """Return what would end the clashes: wheels in place of records, and floors of wheels.

    A cure that another clash asks for as well is given once, under the first clash's code.
    """
    cures: dict[tuple[str, ...], Cure] = {}
    for clash in clashes(packages):
        rule = clash.rule
        for (distribution, specifier), records in _replacements(clash).items():
            cure = Cure(
                code=rule.code,
                severity=rule.severity,
                distribution=distribution,
                specifier=specifier,
                conda=tuple(records),
                why=rule.why,
            )
            cures.setdefault((distribution, specifier, *records), cure)
    return tuple(cures.values())


def _replacements(clash: KnownClash) -> Mapping[tuple[str, str], Sequence[str]]:
    """Map each wheel that ends a clash, as its name and specifier, to the records whose place it takes."""
    rule = clash.rule
    if not clash.from_conda:
        return {(rule.distribution, rule.fixed): ()} if rule.fixed else {}
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in clash.others:
        wheel = replacement_wheel(name)
        found[(wheel.distribution, wheel.specifier) if wheel else ("", "")].append(name)
    return found


def forbidden_beside_pypi_tensorflow(record: Record, *, metal: bool) -> str | None:
    """Return why a record may not be beside PyPI's TensorFlow, as an error of the proof would; None if it may.

    It speaks of Apple silicon alone. With `metal` the rules of tensorflow-metal count too. The release of TensorFlow is
    no argument: the rows that speak of conda records speak of every release from 2.12 on.
    """
    present = {"tensorflow", "tensorflow-macos"} | ({"tensorflow-metal"} if metal else set())
    for rule in clash_rules():
        if rule.severity == "error" and present.intersection(rule.beside) and rule.matches(record):
            return rule.why
    return None


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
        return f"{self.distribution}{self.specifier} from PyPI takes the place of {', '.join(self.conda)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRule:
    """Distributions that load the libraries of another, and so come from the half that it comes from."""

    names: tuple[str, ...]
    of: str
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"{', '.join(self.names)} and {self.of} come from the same half: {self.why}"


pypi_only_rules = lazy_table("beside.toml", "stay", PypiOnlyRule)
pair_rules = lazy_table("beside.toml", "pair", PairRule)
replacement_wheels = lazy_table("beside.toml", "move", ReplacementWheel)


def replacement_wheel(conda_name: str) -> ReplacementWheel | None:
    """Return the wheel that takes a record's place, or None."""
    return next((row for row in replacement_wheels() if conda_name in row.conda), None)


def pypi_only(*, metal: bool) -> Mapping[str, str]:
    """Map the distributions that conda may not provide beside PyPI's TensorFlow to the reason."""
    return {name: row.why for row in pypi_only_rules() if metal or not row.metal_only for name in row.names}


def must_be_pypi(from_pypi: Iterable[str]) -> Mapping[str, str]:
    """Map further distributions that must come from PyPI on Apple silicon, given those that do, to the reason.

    A distribution that loads TensorFlow's own libraries brings PyPI's TensorFlow; that brings the rest.
    """
    present = frozenset(from_pypi)
    pairs = {
        row.of: f"{name} is from PyPI, and {row.why}" for row in pair_rules() for name in row.names if name in present
    }
    native = sorted(present & native_satellites())
    if not native and not present & {"tensorflow", "tensorflow-macos"}:
        return {name: why for name, why in pairs.items() if name not in present}
    needed = {**pairs, **pypi_only(metal="tensorflow-metal" in present)}
    if native:
        needed["tensorflow"] = f"{native[0]} is compiled against PyPI's TensorFlow"
    return {name: why for name, why in needed.items() if name not in present}


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

    def owners(self, packages: InstalledPackages) -> tuple[str, ...]:
        """Return what brings the module; more than one is a fault."""
        wheels = packages.find(*self.distributions, source="pypi")
        records = packages.named(*self.conda)
        return (*(f"conda's {record.name}" for record in records), *(item.package for item in wheels))

    @property
    def rule(self) -> str:
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
        return f"{self.distribution} does for {', '.join(self.holds)}: {self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnnamedContent:
    """Distributions whose modules are in a conda record without their metadata."""

    conda: str
    distributions: tuple[str, ...]
    why: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"conda's {self.conda} stands in for {', '.join(self.distributions)}: {self.why}"


exclusive_groups = lazy_table("exclusive.toml", "group", ExclusiveGroup)
group_members = lazy_table("exclusive.toml", "member", GroupMember)
unnamed_contents = lazy_table("exclusive.toml", "unnamed", UnnamedContent)


def one_for(distributions: Collection[str]) -> str | None:
    """Return the one member of a group that does for all of these, preferring one of them.

    None where no member does, or where they are not of one group.
    """
    names = frozenset(distributions)
    if len(names) == 1:
        return next(iter(names))
    complete = [row.distribution for row in group_members() if names <= {row.distribution, *row.holds}]
    return next((name for name in complete if name in names), next(iter(complete), None))
