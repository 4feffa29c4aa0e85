"""Say what may not live in one process on osx-arm64."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from envgen.knowledge.beside import move_of
from envgen.knowledge.ranges import covers
from envgen.knowledge.table import rows
from envgen.knowledge.world import World, depends_names
from envgen.models.findings import Severity
from envgen.models.record import Record

TABLE = "clash.toml"
Evidence = Literal["reported", "measured", "inferred"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClashRule:
    """Hold a pair: wheels of `beside`, and a wheel of `distribution` or some conda records.

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
        """Tell whether a record is the conda side of the pair."""
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
    """Hold a wheel with an OpenMP runtime inside, with the records and wheels that bring another."""

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
class Clash:
    """Say that a pair is in a world: the wheels on the one side, the packages on the other."""

    rule: ClashRule
    wheels: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def from_conda(self) -> bool:
        """Tell whether the other side are conda records."""
        return not self.rule.distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """Say what to change so that a clash goes away.

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
        """Give the wheel that is wanted as PEP 508."""
        return f"{self.distribution}{self.specifier}"


@cache
def clash_rules() -> tuple[ClashRule, ...]:
    """Read the pairs."""
    return rows(TABLE, "clash", ClashRule)


@cache
def openmp_rules() -> tuple[OpenMpRule, ...]:
    """Read the wheels that bring an OpenMP runtime."""
    return rows(TABLE, "openmp", OpenMpRule)


def clashes(world: World) -> tuple[Clash, ...]:
    """List the pairs that a world holds, in the table's order; none but on osx-arm64."""
    if not world.is_apple_silicon:
        return ()
    found = (_clash(rule, world) for rule in clash_rules())
    return tuple(clash for clash in found if clash)


def openmp_doubles(world: World) -> tuple[tuple[OpenMpRule, tuple[str, ...]], ...]:
    """List the wheels of a world with an OpenMP runtime inside, with the packages that bring another."""
    if not world.is_apple_silicon:
        return ()
    found = ((rule, _other_runtimes(rule, world)) for rule in openmp_rules())
    return tuple((rule, others) for rule, others in found if others)


def _other_runtimes(rule: OpenMpRule, world: World) -> tuple[str, ...]:
    if not world.find(rule.distribution, source="pypi"):
        return ()
    records = (record.name for record in world.named(*rule.conda) if "llvm-openmp" in depends_names(record))
    return (*records, *(item.package for item in world.find(*rule.wheels, source="pypi")))


def _clash(rule: ClashRule, world: World) -> Clash | None:
    wheels = [item for item in world.find(*rule.beside, source="pypi") if covers(rule.beside_versions, item.version)]
    if not wheels or world.find(*rule.unless, source="pypi"):
        return None
    others = _others(rule, world)
    return Clash(rule=rule, wheels=tuple(map(str, wheels)), others=others) if others else None


def _others(rule: ClashRule, world: World) -> tuple[str, ...]:
    if rule.distribution:
        wheels = world.find(rule.distribution, source="pypi")
        return tuple(item.package for item in wheels if covers(rule.versions, item.version))
    return tuple(record.name for record in world.records if rule.takes(record))


def clash_cures(world: World) -> tuple[Cure, ...]:
    """List what would end the clashes of a world: wheels in place of records, and floors of wheels.

    A cure that another clash asks for as well is given once, under the first clash's code.
    """
    cures: dict[tuple[str, ...], Cure] = {}
    for clash in clashes(world):
        for cure in _cures(clash):
            cures.setdefault((cure.distribution, cure.specifier, *cure.conda), cure)
    return tuple(cures.values())


def _cures(clash: Clash) -> list[Cure]:
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
    """Say why a record may not be installed beside PyPI's TensorFlow, as an error of the proof would; None if it may.

    It speaks of osx-arm64 alone. With `metal` the rules of tensorflow-metal hold too. The release of TensorFlow is not
    asked for: the rows that speak of conda records speak of every release from 2.12 on.
    """
    present = {"tensorflow", "tensorflow-macos"} | ({"tensorflow-metal"} if metal else set())
    for rule in clash_rules():
        if rule.severity == "error" and present.intersection(rule.beside) and rule.takes(record):
            return rule.why
    return None
