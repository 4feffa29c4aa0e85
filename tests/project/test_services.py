"""PyPI's resolver is made when it is asked for the first time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from envgen.models.platform import Platform
from envgen.models.wheel import ProjectReleases, Resolution, ResolveRequest, Wheel, WheelMetadata
from envgen.project.services import LazyPypiResolver

MAC = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
WHEEL = Wheel(name="a", version="1", filename="a-1-py3-none-any.whl", url="https://x.example/a", sha256="0" * 64)
METADATA = WheelMetadata(name="a", version="1", requires_dist=(), requires_python="", provides_extra=())


class FakeResolver:
    """Answer every question."""

    notes = ("noted",)

    def resolve(self, request: ResolveRequest) -> Resolution:
        return Resolution(wheels=(WHEEL,), notes=())

    def releases(
        self, wanted: Mapping[str, str], platform: Platform, until: datetime | None
    ) -> Mapping[str, ProjectReleases]:
        return {name: ProjectReleases(fitting=("1",)) for name in wanted}

    def metadata(self, wheel: Wheel) -> WheelMetadata:
        return METADATA

    def metadata_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        return tuple(map(self.metadata, wheels))

    def release_metadata(self, name: str, version: str, platform: Platform) -> WheelMetadata | None:
        return METADATA if name == "a" else None


def test_it_is_made_once_and_asked_for_all() -> None:
    made: list[FakeResolver] = []

    def make() -> FakeResolver:
        made.append(FakeResolver())
        return made[-1]

    resolver = LazyPypiResolver(make)
    assert (resolver.notes, made) == ((), [])
    assert resolver.resolve(ResolveRequest(platform=MAC, requirements=("a",))).wheels == (WHEEL,)
    assert resolver.releases({"a": ""}, MAC, None)["a"].fitting == ("1",)
    assert resolver.metadata(WHEEL) == METADATA
    assert resolver.metadata_many([WHEEL, WHEEL]) == (METADATA, METADATA)
    assert resolver.release_metadata("a", "1", MAC) == METADATA
    assert resolver.release_metadata("b", "1", MAC) is None
    assert resolver.notes == ("noted",)
    assert len(made) == 1
