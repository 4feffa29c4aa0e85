"""Build small scenarios to plan: a channel, PyPI and a manifest, in a few words each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from envgen.errors import EnvgenError, SourceLine, UnsatisfiableError
from envgen.knowledge.names import name_table
from envgen.lock.model import PlatformLock
from envgen.locking.lock_platform import LeastChangeCondaResolver
from envgen.mapping.name_mapper import NameMapper
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.findings import Finding
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import RootSpec, Solution, SolveRequest
from envgen.planner.overrides import amendments, conda_overrides
from envgen.planner.plan import Plan, PlanInputs, Resolvers, UserMatchSpec, UserRequirement
from envgen.planner.rounds import plan
from envgen.proof.facts import fact_findings
from envgen.proof.prove import prove
from envgen.repodata.patches import AmendedRepodata
from envgen.solvers.rattler import RattlerSolver
from tests.fakes.fake_pypi import FakePypi, wheels

PYTHONS = """
@python 3.11.9
@python 3.12.7
@python 3.13.1
pip 25.0 : setuptools
setuptools 75.0
setuptools 80.9
"""


def records(text: str, subdir: str = "osx-arm64") -> list[Record]:
    """Read records, one a line: `name version [: depend | …] [! constrain | …]`.

    They depend on python, but for names with an `@` before them.
    """
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        head, _, constrains = line.partition("!")
        package, _, depends = head.partition(":")
        own = [] if package.startswith("@") else ["python"]
        plain = _record(package.strip("@ "), [*own, *_parts(depends)], _parts(constrains))
        found.append(replace(plain, subdir=subdir, url=plain.url.replace("osx-arm64", subdir)))
    return found


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def _record(package: str, depends: Sequence[str], constrains: Sequence[str]) -> Record:
    name, version = package.split()
    build = f"h{len(depends)}_0"
    return Record(
        name=name,
        version=version,
        build=build,
        build_number=0,
        subdir="osx-arm64",
        channel=CONDA_FORGE.url,
        url=f"{CONDA_FORGE.url}/osx-arm64/{name}-{version}-{build}.conda",
        md5=hashlib.md5(package.encode()).hexdigest(),
        sha256=hashlib.sha256(package.encode()).hexdigest(),
        depends=tuple(depends),
        constrains=tuple(constrains),
    )


@dataclass(kw_only=True)
class FakeRepodata:
    """Provide records of a list; a `Repodata`. `read` counts the closures."""

    all: Sequence[Record]
    complete: bool = True
    origin: str = "conda-forge"
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    notes: tuple[str, ...] = ()
    read: list[frozenset[str]] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        """Return every name."""
        return frozenset(record.name for record in self.all)

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        """Select by name."""
        return {name: tuple(record for record in self.all if record.name == name) for name in names}

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        """Follow depends."""
        wanted = set(names)
        self.read.append(frozenset(wanted))
        queue = list(wanted)
        while queue:
            name = queue.pop()
            below = {MatchSpec.parse(text).name for r in self.all if r.name == name for text in r.depends}
            queue.extend(below - wanted)
            wanted |= below
        found = tuple(record for record in self.all if record.name in wanted)
        return (ChannelRecords(channel=CONDA_FORGE, records=found),)


@dataclass(kw_only=True)
class CountedSide:
    """Solve with rattler and count; a `CondaResolver`."""

    inner: LeastChangeCondaResolver
    solves: list[tuple[frozenset[str], frozenset[str]]] = field(default_factory=list)

    def solve(self, request: SolveRequest) -> Solution:
        """Solve."""
        self.solves.append((_texts(request.specs), _texts(request.constraints)))
        return self.inner.solve(request)

    def explain(self, request: SolveRequest, error: UnsatisfiableError, *, brief: bool = False) -> UnsatisfiableError:
        """Explain."""
        return self.inner.explain(request, error, brief=brief)


def _texts(specs: Iterable[RootSpec]) -> frozenset[str]:
    return frozenset(str(spec.spec) for spec in specs)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What a plan is made from."""

    inputs: PlanInputs
    resolvers: Resolvers
    repodata: FakeRepodata
    conda: CountedSide
    pypi: FakePypi

    def plan(self) -> Plan:
        """Plan, solving nothing twice, and hold the plan to the proof."""
        made = plan(self.inputs, self.resolvers)
        assert len(set(self.conda.solves)) == len(self.conda.solves), "a solve was repeated"
        assert not self.faults(made)
        return made

    def faults(self, made: Plan) -> list[Finding]:
        """Prove a plan."""
        lock = PlatformLock(
            platform=self.inputs.platform,
            solver=made.solver,
            repodata="",
            accelerator=made.accelerator,
            conda=made.conda,
            pypi=made.pypi,
        )
        of = self.resolvers.mapper.distributions_of
        found = (*prove(lock, distributions_of=of), *fact_findings(lock, of))
        return [finding for finding in found if finding.severity == "error"]

    def refused(self, kind: type[EnvgenError]) -> EnvgenError:
        """Plan, and give the refusal."""
        with pytest.raises(kind) as caught:
            plan(self.inputs, self.resolvers)
        return caught.value


@dataclass(kw_only=True)
class Manifest:
    """The lines of a manifest, each with its number."""

    texts: list[str] = field(default_factory=list)

    def origin(self, key: str, text: str) -> Origin:
        """Write a line."""
        self.texts.append(text)
        place = SourceLine(file="envgen.yaml", line=len(self.texts), text=f"  - {text}")
        return Origin(path=f"{key}[{len(self.texts)}]", line=place)

    def requirements(self, key: str, texts: Iterable[str]) -> tuple[Requirement, ...]:
        """Write lines of requirements."""
        return tuple(Requirement.parse(text, self.origin(key, text)) for text in texts)


def scenario(
    channel: str = "",
    pypi: str = "",
    *,
    dependencies: Sequence[str] = (),
    only: Sequence[str] = (),
    groups: Mapping[str, Sequence[str]] | None = None,
    conda: Sequence[str] = (),
    constraints: Sequence[str] = (),
    overrides: Sequence[str] = (),
    mapping: Mapping[str, str | None] | None = None,
    accelerator: str | None = None,
    python: str = "3.12",
    subdir: str = "osx-arm64",
    offline: bool = False,
    complete: bool = True,
    broken: Iterable[str] = (),
) -> Scenario:
    """Build a scenario; `only` is the manifest's `pypi`, `broken` names projects of PyPI without a wheel that fits."""
    manifest = Manifest()
    platform = Platform(subdir=subdir, python=python, macos="13.0" if subdir.startswith("osx") else "")
    wanted = [
        UserRequirement(requirement=item, groups=frozenset({"main"}))
        for item in manifest.requirements("dependencies", dependencies)
    ]
    for group, texts in (groups or {}).items():
        found = manifest.requirements(group, texts)
        wanted += [UserRequirement(requirement=item, groups=frozenset({group})) for item in found]
    wanted += [
        UserRequirement(requirement=item, groups=frozenset({"main"}), pypi_only=True)
        for item in manifest.requirements("pypi", only)
    ]
    specs = [RootSpec(spec=MatchSpec.parse(text), origin=manifest.origin("conda", text)) for text in conda]
    repodata = FakeRepodata(all=records(PYTHONS + channel, subdir), complete=complete)
    mapper = NameMapper(repodata=repodata, table=name_table(), overrides=mapping or {}, python=python)
    replaced = manifest.requirements("overrides", overrides)
    side = CountedSide(inner=LeastChangeCondaResolver(solver=RattlerSolver()))
    fake = FakePypi(table=wheels(pypi), broken=frozenset(broken))
    amended = AmendedRepodata(repodata, amendments(), rewrite=conda_overrides(replaced, mapper, platform))
    inputs = PlanInputs(
        platform=platform,
        python_origin=manifest.origin("python", f'python: "{python}"'),
        accelerator_origin=manifest.origin("accelerator", f"accelerator: {accelerator}"),
        accelerator=accelerator,
        wanted=tuple(wanted),
        specs=tuple(UserMatchSpec(root=spec, groups=frozenset({"main"})) for spec in specs),
        constraints=manifest.requirements("constraints", constraints),
        overrides=replaced,
        never_conda=frozenset(name for name, target in (mapping or {}).items() if target is None),
    )
    resolvers = Resolvers(repodata=amended, mapper=mapper, conda=side, pypi=None if offline else fake)
    return Scenario(inputs=inputs, resolvers=resolvers, repodata=repodata, conda=side, pypi=fake)


def conda_versions(made: Plan) -> dict[str, str]:
    """Return conda's versions by name, without python and pip."""
    hidden = ("python", "pip", "setuptools")
    return {record.name: record.version for record in made.conda if record.name not in hidden}


def pypi_versions(made: Plan) -> dict[str, str]:
    """Return the wheels' versions by name."""
    return {locked.name: locked.version for locked in made.pypi}


def whys(made: Plan) -> dict[str, str]:
    """Return the reason of each decision, by `requirement -> source:name`."""
    return {f"{one.requirement} -> {one.source}:{one.name}": one.why for one in made.decisions}


def texts(error: EnvgenError) -> list[str]:
    """Return the user's lines of a failure."""
    return [line.text.removeprefix("  - ") for line in error.lines]
