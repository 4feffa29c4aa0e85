"""Prove that what shares a process can."""

from __future__ import annotations

from collections.abc import Iterator

from envgen.knowledge.incompatibilities import clashes, exclusive_groups, one_for, openmp_doubles
from envgen.knowledge.installed import World
from envgen.knowledge.wheels import lacking_libraries
from envgen.models.findings import Finding


def neighbour_findings(world: World) -> Iterator[Finding]:
    """Report pairs that crash each other, files with two owners, and libraries that nobody brings."""
    yield from _same_files(world)
    if world.has_wheels:  # the rest is about wheels: without one, its tables need not be read
        yield from _clashes(world)
        yield from _openmp(world)
        yield from _libraries(world)


def _clashes(world: World) -> Iterator[Finding]:
    for clash in clashes(world):
        others = ", ".join(clash.others)
        side = f"conda's {others}" if clash.from_conda else f"{others} (PyPI)"
        yield Finding(
            code=clash.rule.code,
            severity=clash.rule.severity,
            message=f"{side} beside {', '.join(clash.wheels)}: {clash.rule.why}",
            hint=clash.rule.cure,
            packages=tuple(sorted({*clash.others, *clash.rule.beside} & _packages(world))),
        )


def _packages(world: World) -> set[str]:
    return {item.package for item in world.installed} | {record.name for record in world.records}


def _openmp(world: World) -> Iterator[Finding]:
    for rule, others in openmp_doubles(world):
        yield Finding(
            code=rule.code,
            severity=rule.severity,
            message=f"{rule.distribution} (PyPI) beside {', '.join(others)}: {rule.why}",
            hint=rule.cure,
            packages=tuple(sorted({rule.distribution, *others})),
        )


def _same_files(world: World) -> Iterator[Finding]:
    for group in exclusive_groups():
        owners = group.owners(world)
        if len(owners) < 2:
            continue
        wheels = [item.distribution for item in world.find(*group.distributions, source="pypi")]
        keep = one_for(wheels) if len(wheels) > 1 else None
        yield Finding(
            code="SAME-FILES",
            severity="error",
            message=f"{', '.join(owners)} install the same module `{group.owns}`: {group.why}",
            hint=f"keep one of them: {keep} does for the others" if keep else "keep one of them",
            packages=tuple(sorted({owner.removeprefix("conda's ") for owner in owners})),
        )


def _libraries(world: World) -> Iterator[Finding]:
    for row, wheel in lacking_libraries(world):
        yield Finding(
            code="HIDDEN-LIBRARY",
            severity="warning",
            message=f"{wheel} may not load: {row.why}",
            hint=f"take conda's {row.conda_package} in its place, or add `{row.conda}` to the manifest's `conda`",
            packages=(wheel.package,),
        )
