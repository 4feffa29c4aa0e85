"""Test look-ups on package indexes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.platform import Platform
from envgen.models.wheel import ResolveRequest, Wheel
from envgen.pypi.http import Response, Session, Timeouts, reason
from envgen.pypi.indexes import Index, Indexes
from envgen.pypi.simple_api import ProjectFile, SimpleIndex, before, listings, read_page
from envgen.pypi.uv import Uv
from tests.fakes.index_server import IndexServer, Misbehaviour
from tests.fakes.loopback import LoopbackChannel, send, serving
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK


def client(*urls: str, timeouts: Timeouts = QUICK, offline: bool = False) -> SimpleIndex:
    *extra, default = [Index(url=url) for url in urls]
    indexes = Indexes(extra=tuple(extra), default=default)
    return SimpleIndex(Session(indexes, {}, timeouts=timeouts, offline=offline), indexes)


def fill(server: IndexServer) -> None:
    server.add(build_wheel("demo", "1.0", requires_python=">=3.9"), yanked="broken")
    server.add(build_wheel("demo", "2.0"), uploaded="2026-05-01T12:00:00Z")
    server.add_sdist("demo", "2.0")


@pytest.mark.parametrize("html_only", [False, True], ids=["json", "html"])
def test_files_of_a_project(html_only: bool) -> None:
    with IndexServer(html_only=html_only) as server:
        fill(server)
        project = client(server.url).project("Demo")
    assert project is not None
    assert project.name == "demo"
    assert project.index == server.url
    first, second, source = project.files
    assert (first.filename, first.url) == (
        "demo-1.0-py3-none-any.whl",
        f"{server.root}/files/demo-1.0-py3-none-any.whl",
    )
    assert (first.requires_python, first.yanked, first.yanked_reason) == (">=3.9", True, "broken")
    assert (second.requires_python, second.yanked, second.yanked_reason) == ("", False, "")
    assert second.sha256 == build_wheel("demo", "2.0").sha256
    assert source.filename == "demo-2.0.tar.gz"
    if not html_only:
        assert second.size == len(build_wheel("demo", "2.0").content)
        assert second.uploaded == datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_a_name_that_does_not_exist(index: IndexServer) -> None:
    assert client(index.url).project("nothing") is None


def test_each_project_is_asked_for_once(index: IndexServer) -> None:
    fill(index)
    simple = client(index.url)
    simple.prefetch(["demo", "DEMO"])
    assert simple.projects(["demo", "Other_Name"]).keys() == {"demo", "other-name"}
    assert simple.project("demo") is simple.project("Demo")
    assert index.count("/simple/demo/") == 1


def test_the_first_index_that_has_a_project_wins(index: IndexServer) -> None:
    with IndexServer() as other:
        index.add(build_wheel("both", "1.0"))
        other.add(build_wheel("both", "2.0"))
        other.add(build_wheel("late", "1.0"))
        simple = client(index.url, other.url)
        both, late = simple.project("both"), simple.project("late")
    assert both is not None
    assert late is not None
    assert [file.filename for file in both.files] == ["both-1.0-py3-none-any.whl"]
    assert late.index == other.url


@pytest.mark.parametrize(
    ("how", "words"),
    [
        pytest.param("hang", "timed out", id="hang"),
        pytest.param("hang-body", "timed out", id="hang in the body"),
        pytest.param("truncated", "the connection broke", id="truncated"),
        pytest.param("reset", "the connection broke", id="reset"),
        pytest.param("broken", "HTTP 500", id="500"),
        pytest.param("unknown", "refuses access", id="401"),
        pytest.param("forbidden", "refuses access", id="403"),
        pytest.param("unknown-to-proxy", "refuses access", id="407"),
        pytest.param("login-page", "no project page", id="login page"),
        pytest.param("garbage", "no project page", id="garbage"),
    ],
)
def test_an_index_that_fails(how: Misbehaviour, words: str, index: IndexServer) -> None:
    fill(index)
    index.misbehave("/simple/", how)
    with pytest.raises(PypiUnreachableError, match=words) as caught:
        client(index.url).project("demo")
    assert f"{index.root}/simple/demo/" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("http://127.0.0.1:1/simple/", "connection refused", id="refused"),
        pytest.param("http://nothing.invalid/simple/", "its name is unknown", id="unknown name"),
        pytest.param("ftp://127.0.0.1/simple/", "neither http nor https", id="scheme"),
        pytest.param("127.0.0.1/simple/", "neither http nor https", id="no scheme"),
        pytest.param("http://[bad/simple/", "no valid URL", id="no URL"),
        pytest.param("http:///simple/", "no valid URL", id="no host"),
    ],
)
def test_an_index_that_cannot_be_reached(url: str, words: str) -> None:
    with pytest.raises(PypiUnreachableError, match=words):
        client(url).project("demo")


def test_a_slow_answer_is_an_answer(index: IndexServer) -> None:
    fill(index)
    index.misbehave("/simple/demo/", "slow")
    assert client(index.url).project("demo") is not None


def test_a_retry_helps(index: IndexServer) -> None:
    index.misbehave("/simple/", "broken")
    with pytest.raises(PypiUnreachableError):
        client(index.url, timeouts=Timeouts(connect=1, read=1, retries=1)).project("demo")
    assert index.count("/simple/demo/") == 2


def test_an_answer_that_drips_is_given_up(index: IndexServer) -> None:
    fill(index)
    with pytest.raises(PypiUnreachableError, match="too slow"):
        client(index.url, timeouts=Timeouts(connect=1, read=1, total=-1.0)).project("demo")


def test_an_answer_without_end_is_given_up(index: IndexServer) -> None:
    index.add(build_wheel("demo", "1.0"))
    with pytest.raises(PypiError, match=r"too large: .*/simple/demo/ \(more than 10 bytes\)"):
        Session(Indexes(), {}, timeouts=QUICK).get(f"{index.url}demo/", limit=10)


def test_the_default_is_the_one_that_the_library_knows(index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(index)
    monkeypatch.setattr("pypi_simple.PYPI_SIMPLE_ENDPOINT", index.url)
    project = SimpleIndex(Session(Indexes(), {}, timeouts=QUICK), Indexes()).project("demo")
    assert project is not None
    assert project.index == index.url


def test_pypi_simple_is_not_imported_for_a_configured_index_of_json(
    index: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.add(build_wheel("demo", "1.0"))
    monkeypatch.setitem(sys.modules, "pypi_simple", None)
    assert client(index.url).project("demo") is not None


def test_offline_asks_nothing(index: IndexServer) -> None:
    with pytest.raises(PypiUnreachableError, match="off-line"):
        client(index.url, offline=True).project("demo")
    assert not index.log


@pytest.mark.parametrize(
    ("body", "foreign"),
    [
        pytest.param("<h1>Links for demo</h1>", False, id="no files"),
        pytest.param('<meta name="pypi:repository-version" content="1.0">', False, id="no files, versioned"),
        pytest.param("<h1>It works!</h1>", True, id="another page"),
        pytest.param('<a href="/about">about</a> demo', True, id="links to no files"),
        pytest.param('demo <form action="/login">', True, id="form"),
        pytest.param('<a href="demo-1.0.tar.gz">demo…</a>', False, id="shortened text"),
        pytest.param('<meta name="pypi:repository-version" content="9.0">', True, id="newer protocol"),
    ],
)
def test_html_pages(body: str, foreign: bool, raw_page: Callable[[str, bytes], str]) -> None:
    url = raw_page("text/html", f"<html><body>{body}</body></html>".encode())
    if foreign:
        with pytest.raises(PypiError):
            client(url).project("demo")
    else:
        project = client(url).project("demo")
        assert project is not None
        assert [file.filename for file in project.files] in ([], ["demo-1.0.tar.gz"])


JSON = "application/vnd.pypi.simple.v1+json"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("application/json", b"{}", id="other type"),
        pytest.param(JSON, b"[]", id="a list"),
        pytest.param(JSON, b"{}", id="nothing"),
        pytest.param(JSON, b'{"meta": {"api-version": "1.0"}, "files": [{}]}', id="no file names"),
        pytest.param(JSON, b'{"meta": {"api-version": "1.0"}, "files": 1}', id="files of a wrong type"),
        pytest.param(
            JSON,
            b'{"meta": {"api-version": "1.0"}, "files": [{"filename": 1, "url": "", "hashes": {}}]}',
            id="a name of a wrong type",
        ),
        pytest.param(JSON, b"\xff\xfe", id="binary"),
        pytest.param("text/html", b"demo " + b"<a " * 40_000, id="tags without an end"),
        pytest.param("text/html", b"demo " + b"<!-- > " * 200_000, id="comments without an end"),
        pytest.param("text/html", b"demo " + b"<![CDATA[>" * 100_000, id="sections without an end"),
        pytest.param("text/html; charset=utf-7", b"demo " + b"<a " * 40_000, id="an encoding that hides tags"),
        pytest.param(JSON, b'{"meta": ' + b"[" * 100_000, id="deep"),
        pytest.param(
            JSON,
            b'{"meta": {"api-version": "1.0"}, "files": [], "more": [' + b"[]," * 2_000_000 + b"[]]}",
            id="far too many values",
        ),
        pytest.param("text/html", b"demo " + b"<br>" * 200_001, id="far too many tags"),
    ],
)
def test_other_pages(kind: str, body: bytes, raw_page: Callable[[str, bytes], str]) -> None:
    with pytest.raises(PypiUnreachableError, match="no project page"):
        client(raw_page(kind, body)).project("demo")


@pytest.mark.parametrize(
    "target", [b"http://[x/", b"http://127.0.0.1/\xff", "http://a\u2100b/".encode(), b"http://h:99999/"]
)
def test_a_redirect_to_what_is_no_url(target: bytes) -> None:
    with serving(LoopbackChannel()) as server:
        server.faults["/demo/"] = lambda handler: send(handler, 302, b"", {"Location": target.decode("latin-1")})
        with pytest.raises(PypiUnreachableError, match="does not answer"):
            client(server.url).project("demo")


def test_what_is_listed_as_a_hash_is_one(raw_page: Callable[[str, bytes], str]) -> None:
    """It is part of a file's name in the cache."""
    row = b'{"filename": "demo-1.0.tar.gz", "url": "x", "hashes": {"sha256": "../../../x"}}'
    project = client(raw_page(JSON, b'{"meta": {"api-version": "1.0"}, "files": [' + row + b"]}")).project("demo")
    assert project is not None
    assert [file.sha256 for file in project.files] == [""]


def test_a_newer_protocol(raw_page: Callable[[str, bytes], str]) -> None:
    with pytest.raises(PypiError, match=r"newer protocol: .* \(version 2.0\)"):
        client(raw_page(JSON, b'{"meta": {"api-version": "2.0"}, "files": []}')).project("demo")


def test_a_sparse_page(raw_page: Callable[[str, bytes], str]) -> None:
    body = b"""{"meta": {"api-version": "1.0"}, "files": [
        {"filename": "a-1.tar.gz", "url": "https://u:p@h.example/a-1.tar.gz", "hashes": {}, "requires-python": null,
         "upload-time": "2026-05-01T12:00:00", "size": "big", "yanked": ""}]}"""
    project = client(raw_page(JSON, body)).project("a")
    assert project is not None
    assert project.files == (
        ProjectFile(
            filename="a-1.tar.gz",
            url="https://h.example/a-1.tar.gz",
            uploaded=datetime(2026, 5, 1, 12, tzinfo=UTC),
            yanked=True,
        ),
    )


def test_an_empty_page_of_the_html_type_is_a_page(raw_page: Callable[[str, bytes], str]) -> None:
    project = client(raw_page("application/vnd.pypi.simple.v1+html; charset=utf-8", b"<html></html>")).project("demo")
    assert project is not None
    assert project.files == ()


def test_passwords_reach_the_index_and_no_message() -> None:
    with IndexServer(password="s3cret") as server:
        fill(server)
        right = server.url.replace("http://", "http://user:s3cret@")
        project = client(right).project("demo")
        assert project is not None
        assert "s3cret" not in repr(project)
        with pytest.raises(PypiUnreachableError, match="401") as caught:
            client(server.url.replace("http://", "http://user:wr0ng@")).project("demo")
    assert "wr0ng" not in str(caught.value)


def test_what_an_index_says_of_wheels_today(index: IndexServer) -> None:
    tinies = [build_wheel(name, "1.0") for name in ("fine", "other", "withdrawn", "why", "renamed", "absent")]
    wheels = [
        Wheel(name=tiny.name, version="1.0", filename=tiny.filename, url="https://h/x.whl", sha256=tiny.sha256)
        for tiny in tinies
    ]
    index.add(tinies[0])
    index.add(tinies[1])
    index.add(tinies[2], yanked="")
    index.add(tinies[3], yanked="it breaks")
    index.add(build_wheel("renamed", "2.0"))
    wheels[1] = replace(wheels[1], sha256="0" * 64)
    found = listings(wheels, {"UV_DEFAULT_INDEX": index.url})
    assert [listing.wheel for listing in found] == wheels
    assert [(listing.fault, listing.yanked) for listing in found] == [
        ("", ""),
        ("other-1.0-py3-none-any.whl is listed with another sha256", ""),
        ("", "withdrawn-1.0-py3-none-any.whl was yanked"),
        ("", "why-1.0-py3-none-any.whl was yanked: it breaks"),
        (f"renamed-1.0-py3-none-any.whl is not listed by {index.url} any more", ""),
        ("absent is on no index any more", ""),
    ]


def test_certificates_of_uv_count_for_both() -> None:
    assert Session(Indexes(), {"SSL_CERT_FILE": "bundle.pem"}).http.verify == "bundle.pem"
    assert Session(Indexes(), {"SSL_CERT_FILE": "a.pem", "REQUESTS_CA_BUNDLE": "b.pem"}).http.verify is True


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError("[Errno -2] Name or service not known"), "its name is unknown"),
        (OSError("[Errno 8] nodename nor servname provided"), "its name is unknown"),
        (OSError("[Errno -3] Temporary failure in name resolution"), "its name is unknown"),
        (OSError("[Errno 111] Connection refused"), "connection refused"),
        (OSError("Read timed out."), "timed out"),
        (OSError("Failed to parse: x"), "no valid URL"),
        (OSError("Remote end closed"), "the connection broke"),
        (requests.exceptions.SSLError("x"), "its certificate is not trusted"),
        (requests.exceptions.ProxyError("x"), "the proxy fails"),
        (requests.exceptions.ReadTimeout("x"), "timed out"),
        (requests.exceptions.MissingSchema("x"), "neither http nor https"),
        (requests.exceptions.InvalidSchema("x"), "neither http nor https"),
        (requests.exceptions.InvalidURL("x"), "no valid URL"),
    ],
)
def test_why_a_transfer_failed(error: Exception, words: str) -> None:
    assert reason(error) == words


def test_a_busy_server_is_asked_again_when_we_want() -> None:
    """Its `Retry-After` may ask for an hour."""
    adapter = Session(Indexes(), {}, timeouts=Timeouts(retries=4)).http.get_adapter("https://h.example")
    retries = adapter.max_retries  # type: ignore[attr-defined]  # requests' own adapters have it
    assert (retries.total, retries.raise_on_status, retries.respect_retry_after_header) == (4, False, False)
    assert [status for status in (404, 429, 500, 502, 503, 504) if retries.is_retry("GET", status)] == [
        500,
        502,
        503,
        504,
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, Timeouts(), id="ours"),
        pytest.param(
            {"UV_HTTP_TIMEOUT": "90", "UV_HTTP_RETRIES": "4"}, Timeouts(read=90, window=90, retries=4), id="uv's"
        ),
        pytest.param({"UV_HTTP_TIMEOUT": "x", "UV_HTTP_RETRIES": "-1"}, Timeouts(), id="malformed"),
    ],
)
def test_timeouts(environment: dict[str, str], expected: Timeouts) -> None:
    assert Timeouts.configured(environment) == expected


def test_files_before_an_instant() -> None:
    day = datetime(2026, 5, 1, tzinfo=UTC)
    old = ProjectFile(filename="a-1.tar.gz", uploaded=datetime(2026, 4, 1, tzinfo=UTC))
    new = ProjectFile(filename="a-2.tar.gz", uploaded=day)
    undated = ProjectFile(filename="a-3.tar.gz")
    assert before([old, new, undated], day) == (old,)
    assert before([old, new, undated], None) == (old, new, undated)


def test_a_password_does_not_follow_a_redirect() -> None:
    """Neither our client nor uv tells it to another port, which may be somebody else's."""
    with serving(LoopbackChannel()) as one, serving(LoopbackChannel()) as other:
        for kind in ("/demo/", ".whl"):
            one.faults[kind] = lambda handler: send(
                handler, 302, b"", {"Location": f"http://127.0.0.1:{other.port}{handler.path}"}
            )
        environment = {
            "PATH": os.environ["PATH"],
            "UV_NO_CACHE": "1",
            "NO_PROXY": "127.0.0.1",
            "UV_DEFAULT_INDEX": one.url,
            "ENVGEN_TOKENS": f"127.0.0.1:{one.port}=w0rd",
            "UV_INDEX_STRATEGY": "unsafe-best-match",
        }
        indexes = Indexes.configured(environment)
        assert SimpleIndex(Session(indexes, environment, timeouts=QUICK), indexes).project("demo") is None
        session = Session(indexes, environment, timeouts=QUICK)
        session.get(f"{one.url}/a.whl")
        ours = len(other.seen)
        with pytest.raises(PypiError):
            Uv(environment, indexes, timeouts=QUICK).compile(
                ResolveRequest(
                    requirements=("demo",), platform=Platform(subdir="osx-arm64", python="3.12", macos="13.0")
                )
            )
    assert ours == 2
    assert len(other.seen) > ours
    assert {seen.headers.get("authorization") for seen in other.seen} == {None}
    assert any("authorization" in seen.headers for seen in one.seen if "uv/" in seen.headers["user-agent"])
    assert all("authorization" in seen.headers for seen in one.seen if "uv/" not in seen.headers["user-agent"])


PLACES = {
    "the index": ("/a.whl", 0, True),
    "another port": ("/a.whl", 1, False),
}


@pytest.mark.parametrize(("path", "number", "told"), PLACES.values(), ids=PLACES)
def test_a_password_is_for_one_port(path: str, number: int, told: bool) -> None:
    """Files may lie on the index's host by another port, or another scheme: those are other hosts."""
    with serving(LoopbackChannel()) as one, serving(LoopbackChannel()) as other:
        indexes = Indexes(extra=(Index(url=f"http://me:w0rd@127.0.0.1:{one.port}/simple"),))
        session = Session(indexes, {}, timeouts=QUICK)
        session.get(f"{(one, other)[number].url}{path}")
        assert session.password_for(f"https://127.0.0.1:{one.port}/a.whl") is None
    assert ["authorization" in seen.headers for seen in (*one.seen, *other.seen)] == [told]


def test_a_host_of_files_has_a_secret_of_its_own() -> None:
    session = Session(Indexes(), {"ENVGEN_TOKENS": "files.example=w0rd"}, timeouts=QUICK)
    assert session.password_for("https://files.example/a.whl") == ("__token__", "w0rd")
    assert session.password_for("http://files.example/a.whl") is None


@pytest.mark.parametrize(
    "url", ["file:///etc/a-1-py3-none-any.whl", "FILE:///x/a-1-py3-none-any.whl", "ftp://x/a-1-py3-none-any.whl"]
)
def test_a_page_of_the_web_names_no_file_of_this_machine(url: str) -> None:
    row = {"filename": "a-1-py3-none-any.whl", "url": url, "hashes": {}}
    good = {**row, "url": "https://x/a-1-py3-none-any.whl"}
    content = json.dumps({"meta": {"api-version": "1.0"}, "name": "a", "files": [row, good]}).encode()
    kind = "application/vnd.pypi.simple.v1+json"
    for page, listed in (("https://x/simple/a/", 1), ("file:///x/simple/a/index.html", 2)):
        answer = Response(status=200, url=page, kind=kind, charset="", content=content)
        assert len(read_page(answer, "a")) == listed
