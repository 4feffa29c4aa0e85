"""Make the values that judgements are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envgen.diagnosis.availability import CondaLookup, PypiLookup, on_pypi
from envgen.diagnosis.blocked import BlockedRequirement
from envgen.diagnosis.dependencies import DependencyGraph, NeededRequirement, Node
from envgen.diagnosis.results import CondaAvailability, Question
from envgen.models.channel import CONDA_FORGE
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record
from envgen.models.requirement import Origin, Requirement
from envgen.models.wheel import WheelMetadata
from envgen.pypi.simple_api import Project, ProjectFile
from envgen.solvers.rattler import RattlerSolver
from tests.fakes.memory_channel import FakeRepodata, mapper
from tests.fakes.tables import record

MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
ABSENT = CondaAvailability(available=False, message="conda-forge has no package that is this project")


def mac(python: str = "3.12", macos: str = "13.0") -> Platform:
    """Return an Apple-silicon target."""
    return Platform(subdir="osx-arm64", python=python, macos=macos)


def wanted(text: str) -> Requirement:
    """Read a requirement."""
    return Requirement.parse(text, Origin(path=text))


def question(text: str, *, pypi_only: bool = False, group: str = "") -> Question:
    """Ask for a requirement."""
    return Question(requested=wanted(text), pypi_only=pypi_only, group=group)


def spec_question(text: str) -> Question:
    """Ask for a match spec."""
    return Question(requested=MatchSpec.parse(text))


def listed(name: str, *files: str, requires_python: str = "", yanked: Sequence[str] = ()) -> Project:
    """List a project's files, as `pure 1.0`, `arm 1.0 [cp312 [macOS]]`, `intel 1.0`, `linux 1.0` or `sdist 1.0`."""
    made = tuple(
        ProjectFile(
            filename=_filename(name.replace("-", "_"), text), requires_python=requires_python, yanked=text in yanked
        )
        for text in files
    )
    return Project(name=name, files=made, index="test")


def _filename(name: str, text: str) -> str:
    kind, version, *rest = text.split()
    python = rest[0] if rest else "cp312"
    macos = rest[1].replace(".", "_") if len(rest) > 1 else "12_0"
    forms = {
        "pure": f"{name}-{version}-py3-none-any.whl",
        "arm": f"{name}-{version}-{python}-{python}-macosx_{macos}_arm64.whl",
        "intel": f"{name}-{version}-{python}-{python}-macosx_10_9_x86_64.whl",
        "linux": f"{name}-{version}-{python}-{python}-manylinux_2_17_x86_64.whl",
        "sdist": f"{name}-{version}.tar.gz",
    }
    return forms[kind]


def looked_up(text: str, project: Project | None, platform: Platform = MAC) -> PypiLookup:
    """Judge a requirement by a project's files."""
    return on_pypi(wanted(text), project, platform)


def python_record(name: str, version: str, *pythons: str, macos: str = "", build: str = "0") -> Record:
    """Make a record of a Python package for one minor, or for any where none is given."""
    depends = [f"python {pythons[0]}.*"] if pythons else ["python"]
    if macos:
        depends.append(f"__osx >={macos}")
    return record(f"{name} {version} {build}", depends=depends)


def blocked(
    text: str,
    project: Project | None,
    *records: Record,
    asked: str = "",
    platform: Platform = MAC,
    **more: object,
) -> BlockedRequirement:
    """Make a requirement that cannot be had; `asked` is what leads to it, if that is something else."""
    requirement = wanted(text)
    own = Question(requested=requirement) if not asked else question(asked)
    plain = BlockedRequirement(
        question=own,
        requirement=requirement,
        platform=platform,
        pypi=on_pypi(requirement, project, platform),
        conda=ABSENT,
        specs=(MatchSpec.parse(f"{requirement.name} {requirement.specifier}".strip()),) if records else (),
        records=records,
    )
    return replace(plain, **more)  # type: ignore[arg-type]  # the fields are checked by BlockedRequirement itself


def node(
    text: str,
    project: Project | None,
    *,
    root: Question | None = None,
    via: Sequence[str] = (),
    conda: CondaAvailability = ABSENT,
    requires: Sequence[str] = (),
    forced: str = "",
) -> Node:
    """Make a node of a graph; `via` are the names that lead to it, from the root on."""
    requirement = wanted(text)
    own = root or Question(requested=requirement)
    made = Node(
        need=NeededRequirement(requirement=requirement, chain=(*via, requirement.name), question=own),
        pypi=on_pypi(requirement, project, MAC),
        conda=conda,
        forced=forced,
    )
    made.metadata = WheelMetadata(
        name=requirement.name, version=made.pypi.availability.version, requires_dist=tuple(requires)
    )
    return made


def graph(*nodes: Node) -> DependencyGraph:
    """Make a graph of nodes, with what they need of each other."""
    made = DependencyGraph(markers=MAC.markers())
    for each in nodes:
        made.add(each)
        list(made.needs_of(each))
    return made


PYTHON = record("python 3.12.4", channel=CONDA_FORGE)


class SmallRepodata(FakeRepodata):
    """Provide all that was listed as a closure."""

    def closure(self, names: object) -> tuple[ChannelRecords, ...]:
        del names
        return (ChannelRecords(channel=CONDA_FORGE, records=tuple(self.listed)),)


def conda_lookup(*records: Record, platform: Platform = MAC) -> CondaLookup:
    return CondaLookup(
        repodata=SmallRepodata(listed=(PYTHON, *records)),
        mapper=mapper(PYTHON, *records),
        platform=platform,
        solver=RattlerSolver(),
    )
