"""Test what uv is told of wheels whose requirements hang on the kernel."""

from __future__ import annotations

import tomllib

import pytest

from envgen.errors import PypiUnsatisfiableError
from envgen.models.wheel import Resolution, WheelMetadata
from envgen.pypi.indexes import Indexes
from envgen.pypi.kernel_markers import answered, dependency_metadata
from envgen.pypi.resolver import UvResolver
from envgen.pypi.uv import Uv
from tests.fakes.index_server import IndexServer
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK, MakeResolver, request

ARM = "'ARM' in platform_version"


def versions(resolution: Resolution) -> dict[str, str]:
    return {wheel.name: wheel.version for wheel in resolution.wheels}


def told(*requires: str, extras: tuple[str, ...] = ()) -> list[str]:
    metadata = WheelMetadata(name="app", version="1.0", requires_dist=requires, provides_extra=extras)
    return [line for known in answered(request("app"), [metadata]).known for line in known.requires_dist]


def test_a_wheel_without_such_markers_is_left_to_uv() -> None:
    asked = request("app")
    assert (
        answered(asked, [WheelMetadata(name="app", version="1.0", requires_dist=("leaf ; os_name == 'nt'",))]) == asked
    )


def test_markers_are_answered() -> None:
    assert told(f"arm>=1 ; {ARM}", f"intel ; not_a_marker == {ARM}", "none ; 'X86_64' in platform_version") == [
        "arm>=1"
    ]


@pytest.mark.parametrize(
    ("line", "lines"),
    [
        (f"leaf[fast] >=1,<2 ; {ARM}", ["leaf[fast]<2,>=1"]),
        ("leaf ; platform_release >= '22.0' and platform_release < '23'", ["leaf"]),
        ("leaf ; platform_release >= '23.0'", []),
        (f"leaf ; {ARM} and sys_platform == 'linux'", []),
        (f"leaf ; {ARM} and extra == 'y'", ["leaf; extra == 'y'"]),
        (f"leaf ; {ARM} and (extra == 'x' or extra == 'y')", ["leaf; extra == 'x'", "leaf; extra == 'y'"]),
        (f"leaf ; {ARM} or extra == 'y'", ["leaf"]),
        (f"leaf @ https://files.example/leaf-1.0-py3-none-any.whl ; {ARM} and extra == 'x'",
         ["leaf @ https://files.example/leaf-1.0-py3-none-any.whl ; extra == 'x'"]),
    ],
)  # fmt: skip
def test_each_form(line: str, lines: list[str]) -> None:
    rest = ['other; os_name == "nt"', "plain>=1"]
    assert told(line, "other ; os_name == 'nt'", "plain>=1", "not a requirement", extras=("x", "y")) == lines + rest


def test_what_is_written_is_toml() -> None:
    metadata = WheelMetadata(
        name="app", version="1.0", requires_dist=('leaf; extra == "x\\y"', "bé"), provides_extra=("x",)
    )
    assert (
        tomllib.loads(dependency_metadata([metadata, metadata]))["dependency-metadata"]
        == [
            {"name": "app", "version": "1.0", "requires-dist": ['leaf; extra == "x\\y"', "bé"], "provides-extra": ["x"]}
        ]
        * 2
    )


def test_uv_itself_knows_no_kernel(index: IndexServer, environment: dict[str, str]) -> None:
    """Where this fails, uv has learnt what the module is for."""
    index.add(build_wheel("app", "1.0", requires=(f"arm ; {ARM}", "old ; platform_release >= '9.0'")))
    index.add(build_wheel("arm", "1.0"))
    index.add(build_wheel("old", "1.0"))
    answer = Uv(environment, Indexes.configured(environment), timeouts=QUICK).compile(request("app"))
    assert [package["name"] for package in tomllib.loads(answer.lock)["packages"]] == ["app"]


class TestResolved:
    """With uv and a loopback index."""

    @pytest.fixture(autouse=True)
    def _filled(self, index: IndexServer) -> None:
        requires = (f"arm<2 ; {ARM}", "cocoa==1.0 ; platform_release >= '22.0'", "next ; platform_release >= '23.0'")
        more = ("fast ; platform_release >= '20.4' and extra == 'x'", "plain")
        index.add(build_wheel("app", "1.0", requires=(*requires, *more), extras=("x",)))
        for name, version in (("arm", "1.0"), ("arm", "2.0"), ("next", "1.0"), ("fast", "1.0"), ("plain", "1.0")):
            index.add(build_wheel(name, version))
        index.add(
            build_wheel("cocoa", "1.0", requires=("core ; platform_release >= '9.0' and platform_release < '23'",))
        )
        index.add(build_wheel("core", "1.0"))

    def test_what_applies_is_in_the_answer(self, resolver: UvResolver) -> None:
        found = versions(resolver.resolve(request("app")))
        assert found == dict.fromkeys(("app", "arm", "cocoa", "core", "plain"), "1.0")
        assert resolver.calls == 3  # app alone, then with what it needs, then with what that needs

    def test_an_extra(self, resolver: UvResolver) -> None:
        assert "fast" in versions(resolver.resolve(request("app[x]")))

    def test_a_newer_floor(self, resolver: UvResolver) -> None:
        found = versions(resolver.resolve(request("app", macos="14.0")))
        assert found == dict.fromkeys(("app", "arm", "cocoa", "next", "plain"), "1.0")

    def test_off_line(self, resolver: UvResolver, make_resolver: MakeResolver) -> None:
        found = resolver.resolve(request("app"))
        assert versions(make_resolver(offline=True).resolve(request("app"))) == versions(found)

    def test_an_older_version_serves_where_the_newest_cannot(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("app", "2.0", requires=(f"arm>=3 ; {ARM}",)))
        assert versions(resolver.resolve(request("app")))["app"] == "1.0"

    def test_what_does_not_apply_is_in_no_ones_way(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("app", "2.0", requires=("arm<2 ; 'ARM' not in platform_version", "arm")))
        assert versions(resolver.resolve(request("app"))) == {"app": "2.0", "arm": "2.0"}

    def test_what_cannot_be_had_is_refused(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("lone", "1.0", requires=(f"nowhere ; {ARM}",)))
        with pytest.raises(PypiUnsatisfiableError) as caught:
            resolver.resolve(request("lone"))
        assert "nowhere" in caught.value.names

    def test_an_index_of_bound_packages(self, index: IndexServer, make_resolver: MakeResolver) -> None:
        resolver = make_resolver(ENVGEN_BOUND_INDEXES=f"app={index.url}")
        assert len(versions(resolver.resolve(request("app")))) == 5
