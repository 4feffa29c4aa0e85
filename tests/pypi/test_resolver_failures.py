"""Test how the resolver fails, over real uv and a loopback index."""

from __future__ import annotations

import pytest

from envgen.errors import PypiUnreachableError, PypiUnsatisfiableError
from envgen.pypi.http import Timeouts
from envgen.pypi.resolver import UvResolver
from tests.fakes.index_server import IndexServer, Misbehaviour
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import MakeResolver, request

ARM14 = "cp312-cp312-macosx_14_0_arm64"


def fill_torch(index: IndexServer) -> None:
    index.add(build_wheel("torch", "2.11.0", tag="cp312-cp312-macosx_12_0_arm64", requires=("sympy",)))
    index.add(build_wheel("sympy", "1.14.0"))


class TestUnsatisfiable:
    @pytest.mark.parametrize(
        ("asked", "words", "hint"),
        [
            pytest.param("dlib==19.7.0", "`dlib` 19.7.0 has no wheel for osx-arm64,", "conda-forge", id="source only"),
            pytest.param("text==2.15.*", "`text` 2.15.0 has wheels for Intel Macs only", "arm64", id="Intel only"),
            pytest.param("metal", "`metal` 1.2.0 has wheels for python 3.11, not for 3.12", "python", id="python"),
            pytest.param("new", "`new` 1.0 needs macOS 14.0, and the floor is 13.0", "floor to 14.0", id="macOS"),
            pytest.param("linux", "`linux` 1.0 has no wheel for macOS", "macOS wheel", id="no Mac"),
            pytest.param("nosuch", "`nosuch` is not on the package index", "check the spelling", id="no such name"),
            pytest.param("metal>=9", "no version of `metal` on the package index", "that exists", id="no such version"),
            pytest.param("datasets", "`promise` 2.3 has no wheel", "conda-forge", id="what it drags in"),
            pytest.param("gone>=2", "`gone` 2.0 was withdrawn by its authors", "another version", id="yanked"),
        ],
    )
    def test_files_tell_why(self, asked: str, words: str, hint: str, index: IndexServer, resolver: UvResolver) -> None:
        index.add_sdist("dlib", "19.7.0")
        index.add(build_wheel("text", "2.15.0", tag="cp312-cp312-macosx_10_9_x86_64"))
        index.add(build_wheel("metal", "1.2.0", tag="cp311-cp311-macosx_12_0_arm64"))
        index.add(build_wheel("new", "1.0", tag=ARM14))
        index.add(build_wheel("linux", "1.0", tag="cp312-cp312-manylinux_2_17_x86_64"))
        index.add(build_wheel("datasets", "4.0", requires=("promise",)))
        index.add_sdist("promise", "2.3")
        index.add(build_wheel("gone", "2.0"), yanked=True)
        with pytest.raises(PypiUnsatisfiableError) as caught:
            resolver.resolve(request(asked))
        assert words in caught.value.message
        assert hint in caught.value.hint
        assert caught.value.names

    def test_a_plain_conflict_needs_no_look(self, index: IndexServer, resolver: UvResolver) -> None:
        index.add(build_wheel("app", "1.0", requires=("numpy<2",)))
        index.add(build_wheel("numpy", "2.0"))
        index.add(build_wheel("numpy", "1.0"))
        with pytest.raises(PypiUnsatisfiableError) as caught:
            resolver.resolve(request("app", "numpy>=2"))
        assert (
            caught.value.message == "no set of wheels meets the requirements for osx-arm64, macOS 13.0 and python 3.12"
        )
        assert set(caught.value.names) == {"app", "numpy"}


class TestUnreachable:
    @pytest.mark.parametrize(
        ("how", "words"),
        [
            pytest.param("hang", "does not answer", id="hang"),
            pytest.param("login-page", "no project page", id="HTML"),
            pytest.param("garbage", "no project page", id="garbage"),
            pytest.param("broken", "does not answer", id="500"),
            pytest.param("forbidden", "refuses access", id="403"),
            pytest.param("reset", "does not answer", id="reset"),
        ],
    )
    def test_an_index_that_fails(self, how: Misbehaviour, words: str, index: IndexServer, resolver: UvResolver) -> None:
        fill_torch(index)
        index.misbehave("/simple/", how)
        with pytest.raises(PypiUnreachableError, match=words) as caught:
            resolver.resolve(request("torch"))
        assert caught.value.hint

    def test_a_file_that_is_missing(self, index: IndexServer, resolver: UvResolver) -> None:
        fill_torch(index)
        index.misbehave("/files/sympy", "missing")
        with pytest.raises(PypiUnreachableError, match=r"lists sympy-1.14.0-py3-none-any.whl but does not serve it"):
            resolver.resolve(request("torch"))

    def test_nobody_listens(self, make_resolver: MakeResolver) -> None:
        resolver = make_resolver(UV_DEFAULT_INDEX="http://user:s3cret@127.0.0.1:1/simple/")
        with pytest.raises(PypiUnreachableError, match="does not answer") as caught:
            resolver.resolve(request("torch"))
        assert "s3cret" not in str(caught.value)

    def test_a_hang_is_asked_a_few_times_at_most(self, index: IndexServer, make_resolver: MakeResolver) -> None:
        index.misbehave("/simple/", "hang")
        resolver = make_resolver(timeouts=Timeouts(read=1))
        with pytest.raises(PypiUnreachableError):
            resolver.resolve(request("torch"))
        assert index.count("/simple/torch/") <= 2 * (Timeouts().retries + 1)  # by uv, and by us to say why

    def test_a_wrong_password(self, make_resolver: MakeResolver) -> None:
        with IndexServer(password="s3cret") as server:
            server.add(build_wheel("demo", "1.0"))
            right = make_resolver(UV_DEFAULT_INDEX=server.url.replace("http://", "http://user:s3cret@"))
            resolution = right.resolve(request("demo"))
            assert "s3cret" not in repr(resolution)
            assert right.metadata(resolution.wheels[0]).name == "demo"
            wrong = make_resolver(UV_DEFAULT_INDEX=server.url.replace("http://", "http://user:wr0ng@"))
            with pytest.raises(PypiUnreachableError, match="refuses access") as caught:
                wrong.resolve(request("demo>=1"))
        assert "wr0ng" not in str(caught.value)


class TestOffline:
    def test_from_the_caches(self, index: IndexServer, make_resolver: MakeResolver) -> None:
        fill_torch(index)
        online = make_resolver().resolve(request("torch"))
        asked = len(index.log)
        resolver = make_resolver(offline=True)
        resolution = resolver.resolve(request("torch"))
        assert resolution.wheels == online.wheels
        assert [metadata.name for metadata in resolver.metadata_many(resolution.wheels)] == ["sympy", "torch"]
        assert len(index.log) == asked

    def test_with_nothing_cached(self, index: IndexServer, make_resolver: MakeResolver) -> None:
        fill_torch(index)
        for resolver in (make_resolver(offline=True), make_resolver(UV_OFFLINE="1")):
            with pytest.raises(PypiUnreachableError, match="off-line, and not everything is in uv's cache: `torch`"):
                resolver.resolve(request("torch"))
        assert not index.log

    def test_with_no_solution_in_the_cache(self, index: IndexServer, make_resolver: MakeResolver) -> None:
        index.add(build_wheel("demo", "1.0"))
        make_resolver().resolve(request("demo"))
        with pytest.raises(PypiUnsatisfiableError):
            make_resolver(offline=True).resolve(request("demo", "demo<1"))
