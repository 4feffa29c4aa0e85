"""Write tiny repodata and requests as tables of text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from envgen.models.channel import Channel
from envgen.models.match_spec import MatchSpec
from envgen.models.record import ChannelRecords, Record, VirtualPackage
from envgen.models.requirement import Origin
from envgen.models.solve import ChannelPriority, RootSpec, Solution, SolveRequest

ALPHA = Channel.parse("alpha")
BETA = Channel.parse("beta")
MAC_13 = (
    VirtualPackage(name="__archspec", version="1", build="m1"),
    VirtualPackage(name="__osx", version="13.0"),
    VirtualPackage(name="__unix", version="0"),
)


def record(text: str, *, channel: Channel = ALPHA, depends: Sequence[str] = (), **fields: object) -> Record:
    """Build a record from `name version [build [build_number]]`; `ext` and every field of Record may be given."""
    name, version, build, number = [*text.split(), "h0_0", "0"][:4] if len(text.split()) != 3 else [*text.split(), "0"]
    subdir = str(fields.pop("subdir", "osx-arm64"))
    extension = fields.pop("ext", "conda")
    plain = Record(
        name=name,
        version=version,
        build=build,
        build_number=int(number),
        subdir=subdir,
        channel=channel.url,
        url=f"{channel.url}/{subdir}/{name}-{version}-{build}.{extension}",
        depends=tuple(depends),
    )
    return replace(plain, **fields)  # type: ignore[arg-type]  # the fields are checked by Record itself


def table(text: str, channel: Channel = ALPHA) -> ChannelRecords:
    """Build a channel's records, one a line: `name version [build [number]] [: depend, …] [! constrain, …]`."""
    records = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        head, _, constrains = line.partition("!")
        package, _, depends = head.partition(":")
        records.append(
            record(package, channel=channel, depends=_split(depends), constrains=tuple(_split(constrains))),
        )
    return ChannelRecords(channel=channel, records=tuple(records))


def _split(text: str) -> list[str]:
    return [part.strip().replace("&", ",") for part in text.split(",") if part.strip()]


def root(text: str, path: str = "") -> RootSpec:
    """Build a root spec that a manifest's line might ask for."""
    return RootSpec(spec=MatchSpec.parse(text), origin=Origin(path=path or text))


def request(
    channels: Sequence[ChannelRecords] | ChannelRecords,
    *specs: str,
    constraints: Sequence[str] = (),
    priority: ChannelPriority = "strict",
    virtual: Sequence[VirtualPackage] = MAC_13,
) -> SolveRequest:
    """Build a request for macOS 13."""
    return SolveRequest(
        channels=(channels,) if isinstance(channels, ChannelRecords) else tuple(channels),
        specs=tuple(root(spec) for spec in specs),
        constraints=tuple(root(spec) for spec in constraints),
        virtual_packages=tuple(virtual),
        channel_priority=priority,
    )


def pins(solution: Solution) -> list[str]:
    """Render a solution as `name=version=build` texts."""
    return [str(found) for found in solution.records]


def versions(solution: Solution) -> dict[str, str]:
    """Return a solution's versions by name."""
    return {found.name: found.version for found in solution.records}


def random_request(seed: int) -> SolveRequest:
    """Build a random layered channel; records depend on lower layers only, with bounds and constrains."""
    draw = random.Random(seed)
    names = [f"p{number}" for number in range(8)]
    records = []
    for layer, name in enumerate(names):
        for version in draw.sample(["1.0", "1.1", "2.0", "2.1", "3.0"], draw.randint(1, 4)):
            lower = names[:layer]
            depends = [
                f"{other} {draw.choice(['', '>=1.1', '>=2', '<3', '1.*', '!=2.0'])}".strip()
                for other in draw.sample(lower, min(len(lower), draw.randint(0, 3)))
            ]
            others = [other for other in names if other != name]
            constrains = [f"{draw.choice(others)} {draw.choice(['<3', '>=1.1'])}"] if draw.random() < 0.2 else []
            records.append(record(f"{name} {version}", depends=depends, constrains=tuple(constrains)))
    specs = [f"{name} {draw.choice(['', '>=1.1', '<3'])}".strip() for name in draw.sample(names, draw.randint(1, 4))]
    return request(ChannelRecords(channel=ALPHA, records=tuple(records)), *specs)


def assert_valid(asked: SolveRequest, records: Sequence[Record]) -> None:
    """Check an answer against the request, by matching every spec that takes part."""
    present: dict[str, Record | VirtualPackage] = {package.name: package for package in asked.virtual_packages}
    present.update({found.name: found for found in records})
    assert len(present) == len(asked.virtual_packages) + len(records)
    for root in asked.specs:
        assert root.spec.matches(present[root.spec.name]), root
    for root in asked.constraints:
        assert root.spec.name not in present or root.spec.matches(present[root.spec.name]), root
    for found in records:
        for spec in map(MatchSpec.parse, found.depends):
            assert spec.matches(present[spec.name]), f"{found} depends {spec}"
        for spec in map(MatchSpec.parse, found.constrains):
            assert spec.name not in present or spec.matches(present[spec.name]), f"{found} constrains {spec}"
