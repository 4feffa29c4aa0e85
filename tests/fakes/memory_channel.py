"""Make small channels, without files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from envgen.knowledge.names import name_table
from envgen.mapping.name_mapper import NameMapper, OnlineMap
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.platform import Platform
from envgen.models.record import ChannelRecords, Record
from envgen.models.requirement import Origin, Requirement

MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
LINUX = Platform(subdir="linux-64", python="3.12")
PYTHON = ("python >=3.12,<3.13.0a0", "python_abi 3.12.* *_cp312")
ANY_PYTHON = ("python >=3.10",)


def library(
    name: str, version: str = "1.0", *, depends: Sequence[str] = (), build: str = "0", number: int = 0
) -> Record:
    """Make a record that has nothing to do with Python unless its depends say so."""
    return Record(
        name=name,
        version=version,
        build=build,
        build_number=number,
        subdir="osx-arm64",
        channel=CONDA_FORGE.url,
        url=f"{CONDA_FORGE.url}/osx-arm64/{name}-{version}-{build}.conda",
        depends=tuple(depends),
    )


def package(name: str, version: str = "1.0", *, depends: Sequence[str] = (), python: Sequence[str] = PYTHON) -> Record:
    """Make a record of a Python package."""
    return library(name, version, depends=(*python, *depends), build="py312_0")


@dataclass(kw_only=True)
class FakeRepodata:
    """Provide records that were listed; `reads` counts what was asked."""

    listed: Sequence[Record]
    complete: bool = True
    origin: str = "conda-forge"
    channels: tuple[Channel, ...] = (CONDA_FORGE,)
    notes: tuple[str, ...] = ()
    extra_names: frozenset[str] = frozenset()
    reads: list[frozenset[str]] = field(default_factory=list)

    def names(self) -> frozenset[str]:
        return frozenset(record.name for record in self.listed) | self.extra_names

    def records(self, names: Iterable[str]) -> dict[str, tuple[Record, ...]]:
        asked = frozenset(names)
        self.reads.append(asked)
        return {name: tuple(record for record in self.listed if record.name == name) for name in asked}

    def closure(self, names: Iterable[str]) -> tuple[ChannelRecords, ...]:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class FakeOnlineMap:
    """Answer from a dict."""

    known: dict[str, tuple[str, ...]]

    def holders(self, project: str) -> tuple[str, ...]:
        return self.known.get(project, ())


def mapper(
    *records: Record,
    overrides: dict[str, str | None] | None = None,
    online: OnlineMap | None = None,
    complete: bool = True,
    origin: str = "conda-forge",
) -> NameMapper:
    """Build a name map over a small channel, with the table of the package itself."""
    repodata = FakeRepodata(listed=records, complete=complete, origin=origin)
    return NameMapper(
        repodata=repodata, table=name_table(), overrides=overrides or {}, python=MAC.python, online=online
    )


def wanted(text: str) -> Requirement:
    """Read a requirement as a test wrote it."""
    return Requirement.parse(text, Origin(path="test"))
