"""Test which requests get which secrets, and the file that keeps them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import SHUT_RDWR

import pytest
from rattler.networking import Client
from rattler.package_streaming import download_to_writer

from envgen.errors import RepodataError
from envgen.models.channel import Channel
from envgen.models.secrets import Secret, Secrets
from envgen.repodata.credentials import (
    Route,
    channel_secrets,
    credentials_file,
    drop_login,
    redirected,
    secret_middleware,
    store_login,
)
from envgen.repodata.gateway import open_channels
from envgen.repodata.locations import Access
from tests.fakes.channels import MAC
from tests.fakes.loopback import LoopbackChannel, flat, package, repodata, send, serving, sharded


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def servers() -> Iterator[tuple[LoopbackChannel, LoopbackChannel]]:
    """Serve two hosts, which one machine's two ports are."""
    with ExitStack() as stack:
        files = {**flat("noarch", repodata("noarch", package("a"))), "a.bin": b"a", "x/a.bin": b"a"}
        one, other = (stack.enter_context(serving(LoopbackChannel(dict(files)))) for _ in range(2))
        yield one, other


def bound(server: LoopbackChannel, value: str) -> dict[str, str]:
    return {"ENVGEN_TOKENS": f"127.0.0.1:{server.port}={value}"}


class Sink:
    def write(self, data: bytes) -> int:
        return len(data)


def ask(url: str, *routes: Route) -> None:
    client = Client([*secret_middleware(routes)], user_agent="test")
    asyncio.run(download_to_writer(client, url, Sink()))


ROUTES = {
    "nothing": ("https://h.example/c", "", Route(url="https://h.example/c", sent="https://h.example/c")),
    "a token": (
        "https://h.example/c",
        "h.example=w0rd",
        Route(url="https://h.example/c", sent="https://h.example/c", header="Bearer w0rd"),
    ),
    "a token for the path, with signs": (
        "https://h.example/c",
        "h.example=/t/%23%3F%2F%40%25",
        Route(url="https://h.example/c", sent="https://h.example/t/%23%3F%2F%40%25/c"),
    ),
    "both": (
        "https://h.example/c",
        "h.example=/t/T h.example=ada:pw",
        Route(url="https://h.example/c", sent="https://h.example/t/T/c", header="Basic YWRhOnB3"),
    ),
    "of another host": (
        "https://h.example/c",
        "i.example=w0rd",
        Route(url="https://h.example/c", sent="https://h.example/c"),
    ),
    "what the address itself has": (
        "https://ada:p%77@h.example/a/t/T/c",
        "h.example=w0rd",
        Route(url="https://h.example/a/c", sent="https://h.example/a/t/T/c", header="Basic YWRhOnB3"),
    ),
}


@pytest.mark.parametrize(("address", "tokens", "route"), ROUTES.values(), ids=ROUTES)
def test_routes(address: str, tokens: str, route: Route) -> None:
    found = Route.to(address, Secrets.configured({"ENVGEN_TOKENS": tokens}))
    assert found == route
    assert repr(found) == f"Route(url='{route.url}')"
    assert bool(secret_middleware([found])) == found.is_secret


def test_a_header_goes_to_its_own_place_alone(servers: tuple[LoopbackChannel, LoopbackChannel]) -> None:
    """Another port of the host, and another path of it, get none."""
    one, other = servers
    route = Route(url=one.url, sent=one.url, header="Bearer w0rd")
    stranger = Route(url=other.url, sent=other.url)
    for url in (f"{one.url}/a.bin", f"{other.url}/a.bin", f"{one.url}/a.bin".replace("/channel/", "/other/channel/")):
        ask(url, route, stranger)
    assert [seen.headers.get("authorization") for seen in (*one.seen, *other.seen)] == ["Bearer w0rd", None, None]
    assert [seen.path for seen in one.seen] == ["/channel/a.bin", "/other/channel/a.bin"]


def test_the_deeper_place_counts(servers: tuple[LoopbackChannel, LoopbackChannel]) -> None:
    one, _ = servers
    deep = Route(url=f"{one.url}/x", sent=f"{one.url}/x", header="Bearer deep")
    ask(f"{one.url}/x/a.bin", Route(url=one.url, sent=one.url, header="Bearer w0rd"), deep)
    assert [seen.headers.get("authorization") for seen in one.seen] == ["Bearer deep"]


def test_a_header_does_not_follow_a_redirect(servers: tuple[LoopbackChannel, LoopbackChannel]) -> None:
    one, other = servers
    one.faults["a.bin"] = lambda handler: send(handler, 302, b"", {"Location": f"{other.url}/a.bin"})
    ask(f"{one.url}/a.bin", Route(url=one.url, sent=one.url, header="Bearer w0rd"))
    assert one.seen[0].headers["authorization"] == "Bearer w0rd"
    assert "authorization" not in other.seen[0].headers


def test_a_token_in_a_path_keeps_a_redirect_from_being_followed(
    servers: tuple[LoopbackChannel, LoopbackChannel], tmp_path: Path
) -> None:
    """rattler's client would name the address with the token to the other host, as where it comes from."""
    one, other = servers
    for name in ("repodata.json", ".zst"):
        one.faults[name] = lambda handler: send(
            handler, 302, b"", {"Location": f"{other.url}/{handler.path.rpartition('channel/')[2]}"}
        )
    access = Access(cache=tmp_path, environ=bound(one, "/t/T0KEN"))
    with pytest.raises(RepodataError, match="redirects to another host") as caught:
        open_channels((Channel.parse(one.url),), MAC, access)
    assert "T0KEN" not in f"{caught.value} {caught.value.hint}"
    assert one.seen
    assert other.seen == []


REDIRECTS = {
    "none": ("", ""),
    "to itself": ("{one}/x/a.bin", ""),
    "by a path": ("/channel/x/a.bin", ""),
    "to another port": ("{other}/a.bin", "{other}/a.bin"),
    "to a host that looks like it": ("http://127.0.0.1.evil.example/a", "http://127.0.0.1.evil.example/a"),
    "without a place": (None, ""),
    "in a circle": ("{one}/a.bin", ""),
}


@pytest.mark.parametrize(("location", "found"), REDIRECTS.values(), ids=REDIRECTS)
def test_where_a_request_is_sent_on_to(
    servers: tuple[LoopbackChannel, LoopbackChannel], location: str | None, found: str
) -> None:
    one, other = servers
    urls = {"one": one.url, "other": other.url}
    if location != "":
        headers = {"Location": location.format(**urls)} if location else {}
        one.faults["channel/a.bin"] = lambda handler: send(handler, 302, b"", headers)
    assert redirected(f"{one.url}/a.bin", "Bearer w0rd") == found.format(**urls)
    assert other.seen == []


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 2\r\n\r\n", b"garbage\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, b""]
)
def test_an_answer_that_is_none_is_left_to_rattler(head: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        handler.connection.shutdown(SHUT_RDWR)

    with serving(LoopbackChannel()) as server:
        server.faults["a.bin"] = answer
        assert redirected(f"{server.url}/a.bin") == ""


def test_a_head_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("envgen.repodata.credentials._SECONDS", 0.5)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        with suppress(OSError):
            for _ in range(30):
                handler.wfile.write(b"X")
                time.sleep(0.1)

    with serving(LoopbackChannel()) as server:
        server.faults["a.bin"] = drip
        with pytest.raises(RepodataError, match="nobody says within 1 seconds where it leads"):
            redirected(f"{server.url}/a.bin")


def test_what_cannot_be_reached_is_left_to_rattler() -> None:
    assert redirected("http://127.0.0.1:9/a.bin") == ""


@pytest.mark.parametrize("layout", [flat, sharded], ids=["flat", "sharded"])
@pytest.mark.parametrize(
    ("value", "header", "path"),
    [
        ("w0rd", "Bearer w0rd", "/channel/"),
        ("ada:p%40w%3A", "Basic YWRhOnBAdzo=", "/channel/"),
        ("/t/%23%3F%2F%40%25", None, "/t/%23%3F%2F%40%25/channel/"),
    ],
    ids=["token", "user", "path"],
)
def test_a_channel_is_read_with_it(layout: object, value: str, header: str | None, path: str, tmp_path: Path) -> None:
    assert callable(layout)
    subdirs = {subdir: repodata(subdir, package("a")) for subdir in ("noarch", "osx-arm64")}
    files = {name: body for subdir, data in subdirs.items() for name, body in layout(subdir, data).items()}
    with serving(LoopbackChannel(files)) as server:
        index = open_channels((Channel.parse(server.url),), MAC, Access(cache=tmp_path, environ=bound(server, value)))
        (entry,) = index.closure(["a"])
        assert {seen.headers.get("authorization") for seen in server.seen} == {header}
        assert all(seen.path.startswith(path) for seen in server.seen)
    assert {record.url.rpartition("/a-")[0] for record in entry.records} == {
        f"{server.url}/noarch",
        f"{server.url}/osx-arm64",
    }
    word = path.split("/")[2] if "/t/" in path else value
    assert not any(word.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


# The file.

OTHERS = {"*.prefix.example": {"BearerToken": "theirs"}, "s3://bucket": {"S3Credentials": {"access_key_id": "x"}}}
KINDS = {
    "a token": (Secret(password="w0rd"), {"BearerToken": "w0rd"}),
    "a user": (Secret(user="ada", password="w0rd"), {"BasicHTTP": {"username": "ada", "password": "w0rd"}}),
    "a path's": (Secret(path_token="w0rd"), {"CondaToken": "w0rd"}),
}


@pytest.mark.parametrize(("secret", "written"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("variable", ["HOME", "RATTLER_AUTH_FILE"])
def test_a_login_is_kept_beside_others(secret: Secret, written: object, variable: str, tmp_path: Path) -> None:
    environ = {variable: str(tmp_path if variable == "HOME" else tmp_path / "own.json")}
    path = credentials_file(environ)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(OTHERS))
    path.chmod(0o644)
    assert store_login("Packages.example.org", secret, environ) == path.resolve()
    assert json.loads(path.read_text()) == {**OTHERS, "packages.example.org:443": written}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [other.name for other in path.parent.iterdir()] == [path.name]
    assert channel_secrets(environ).of("https://packages.example.org/conda") == secret
    assert not channel_secrets(environ).of("http://packages.example.org/conda")
    assert not channel_secrets(environ).of("https://packages.example.org:8443/conda")
    assert drop_login("packages.example.org", environ)
    assert json.loads(path.read_text()) == OTHERS
    assert not drop_login("packages.example.org", environ)


def test_what_the_environment_says_wins(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "ENVGEN_TOKENS": "h.example=now"}
    store_login("h.example", Secret(password="before"), environ)
    assert channel_secrets(environ).of("https://h.example/c").password == "now"


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store_login("h.example", Secret(password="w0rd"), {"RATTLER_AUTH_FILE": str(tmp_path / "link")})
    assert (tmp_path / "link").is_symlink()
    assert "w0rd" in (tmp_path / "real").read_text()


@pytest.mark.parametrize("text", ["not json", "[]", '{"h.example:443": 1}', '{"h.example:443": {"OAuth": {}}}'])
def test_a_file_that_is_none_says_nothing(text: str, tmp_path: Path) -> None:
    environ = {"RATTLER_AUTH_FILE": str(tmp_path / "own.json")}
    (tmp_path / "own.json").write_text(text)
    assert not channel_secrets(environ).of("https://h.example/c")


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "own.json").write_text("[]")
    with pytest.raises(ValueError, match="not a file of rattler's credentials"):
        store_login("h.example", Secret(password="w0rd"), {"RATTLER_AUTH_FILE": str(tmp_path / "own.json")})
    assert (tmp_path / "own.json").read_text() == "[]"


def test_without_a_home_there_is_no_file() -> None:
    assert not channel_secrets({}).of("https://h.example/c")
    with pytest.raises(ValueError, match="HOME is not set"):
        store_login("h.example", Secret(password="w0rd"), {})
