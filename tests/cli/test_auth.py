"""Test that a login is stored for one host, and used for it."""

from __future__ import annotations

import io
import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.fakes.index_server import IndexServer
from tests.fakes.loopback import LoopbackChannel, guarded, sharded
from tests.fakes.projects import CHANNEL, Answer, Project
from tests.fakes.tiny_wheels import build_wheel

WORD = "w0rd/of@mine"


@pytest.fixture
def index() -> Iterator[IndexServer]:
    """Serve nothing: the projects here are made by hand."""
    with IndexServer() as server:
        yield server


@pytest.fixture
def stored(living: Project) -> Project:
    for name in ("RATTLER_AUTH_FILE", "UV_CREDENTIALS_DIR", "XDG_DATA_HOME", "ENVGEN_TOKENS"):
        living.monkeypatch.delenv(name, raising=False)
    return living


def auth(project: Project, *words: str, text: str = f"{WORD}\n") -> Answer:
    project.monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return project.run("auth", *words)


def rattler_file(project: Project) -> Path:
    return project.root / "home" / ".rattler" / "credentials.json"


def uv_file(project: Project) -> Path:
    return project.root / "home" / ".local" / "share" / "uv" / "credentials" / "credentials.toml"


@pytest.fixture
def channel(stored: Project) -> Iterator[LoopbackChannel]:
    """Serve a channel to the user `user` alone."""
    subdirs = {subdir: stored.repodata(CHANNEL, subdir) for subdir in ("osx-arm64", "noarch")}
    files = {name: body for subdir, data in subdirs.items() for name, body in sharded(subdir, data).items()}
    expected = f"Basic {b64encode(f'user:{WORD}'.encode()).decode()}"

    def admits(handler: BaseHTTPRequestHandler) -> bool:
        return handler.headers.get("Authorization") == expected

    with guarded(files, admits) as server:
        yield server


def test_a_login_serves_both_halves_until_it_is_forgotten(stored: Project, channel: LoopbackChannel) -> None:
    stored.monkeypatch.delenv("ENVGEN_MIRRORS")
    with IndexServer(password=WORD) as private:
        private.add(build_wheel("ours", "1.0"))
        index = private.url.rstrip("/")
        stored.manifest("ours", "six", more=f"channels:\n  - {channel.url}\nindexes:\n  - {index}\n")
        hosts = [f"127.0.0.1:{channel.port}", private.root.partition("//")[2]]
        assert stored.run("lock").code == 1
        answers = [auth(stored, "login", host, "--username", "user") for host in hosts]
        assert [answer.code for answer in answers] == [0, 0], answers
        locked = stored.run("lock")
        assert locked.code == 0, locked.err
        checked = stored.run("check", "--deep")
        assert checked.code == 0, checked.out
        lock = (stored.folder() / "conda-lock.yml").read_text()
        assert not any(WORD in text for text in (lock, locked.out + locked.err, *(each.out for each in answers)))
        answers = [auth(stored, "logout", host) for host in hosts]
        assert [answer.out for answer in answers] == [f"{host} is forgotten\n" for host in hosts]
        assert WORD not in rattler_file(stored).read_text() + uv_file(stored).read_text()
        assert stored.run("lock", "--upgrade").code == 1


def test_files_are_the_users_alone(stored: Project) -> None:
    assert auth(stored, "login", "h.example", "-u", "me", "--password-stdin").code == 0
    assert json.loads(rattler_file(stored).read_text()) == {
        "h.example:443": {"BasicHTTP": {"username": "me", "password": WORD}}
    }
    for path in (rattler_file(stored), uv_file(stored)):
        assert path.stat().st_mode & 0o077 == 0
    again = auth(stored, "login", "h.example", "--json", text="token-alone\n")
    assert again.json["host"] == "h.example"
    assert "token-alone" not in again.out
    assert json.loads(rattler_file(stored).read_text()) == {"h.example:443": {"BearerToken": "token-alone"}}
    assert 'username = "__token__"' in uv_file(stored).read_text()
    assert 'username = "me"' not in uv_file(stored).read_text()
    assert auth(stored, "logout", "h.example").out == "h.example is forgotten\n"
    assert auth(stored, "logout", "h.example").out == "h.example was not known\n"


def test_a_token_for_the_path_is_no_indexs(stored: Project) -> None:
    assert auth(stored, "login", "h.example:8443", "--conda-token").code == 0
    assert json.loads(rattler_file(stored).read_text()) == {"h.example:8443": {"CondaToken": WORD}}
    assert not uv_file(stored).exists()


def test_a_prompt_shows_nothing(stored: Project) -> None:
    asked: list[str] = []

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return WORD

    stored.monkeypatch.setattr(sys, "stdin", Terminal())
    stored.monkeypatch.setattr("getpass.getpass", getpass)
    answer = stored.run("auth", "login", "h.example")
    assert answer.code == 0
    assert asked == ["password or token for h.example: "]
    assert WORD not in answer.out + answer.err


WRONG = {
    "an unknown action": (["show", "h.example"], "unknown action `show`"),
    "a URL": (["login", "https://me:s3cret@h.example/x"], "not a host"),
    "two kinds": (["login", "h.example", "-u", "me", "--token"], "do not go together"),
    "no secret": (["login", "h.example"], "there is no secret to store"),
    "no host": (["login"], "Missing argument 'HOST'"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_call(stored: Project, words: list[str], said: str) -> None:
    answer = auth(stored, *words, text="")
    assert answer.code == 2
    assert said in answer.err
    assert "s3cret" not in answer.err
    assert not rattler_file(stored).exists()


def test_where_nothing_can_be_stored_both_other_ways_are_named(stored: Project) -> None:
    (stored.root / "home" / ".rattler").write_text("a file in the way")
    (stored.root / "home" / ".local").write_text("a file in the way")
    answer = auth(stored, "login", "h.example")
    assert answer.code == 1
    assert "the secret cannot be stored for channels" in answer.err
    assert "nor for package indexes" in answer.err
    for way in ("ENVGEN_TOKENS='h.example=TOKEN'", "RATTLER_AUTH_FILE", "uv auth login"):
        assert way in answer.err
    assert WORD not in answer.out + answer.err


def test_what_could_be_stored_is_said(stored: Project) -> None:
    (stored.root / "home" / ".local").write_text("a file in the way")
    answer = auth(stored, "login", "h.example")
    assert answer.code == 1
    assert f"it is stored for channels, in {rattler_file(stored)}" in answer.err


def test_what_cannot_be_forgotten_is_an_error(stored: Project) -> None:
    rattler_file(stored).parent.mkdir()
    rattler_file(stored).write_text("[]")
    answer = auth(stored, "logout", "h.example")
    assert (answer.code, "the secret cannot be forgotten" in answer.err) == (1, True)
