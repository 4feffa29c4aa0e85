"""Reach servers whose certificates a company's own authority signed, through each of the three network stacks."""

from __future__ import annotations

import os
import platform
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import trustme
from requests.adapters import HTTPAdapter

from envgen.errors import ChannelUnreachableError, PypiUnreachableError
from envgen.pypi.http import Session
from envgen.pypi.indexes import Indexes
from envgen.pypi.simple_api import SimpleIndex
from envgen.pypi.uv import Uv
from tests.fakes.channels import opened
from tests.fakes.index_server import IndexServer
from tests.fakes.loopback import LoopbackChannel, flat, package, repodata, serving
from tests.fakes.tiny_wheels import build_wheel
from tests.pypi.conftest import QUICK, request

TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
system = pytest.mark.skipif(os.uname().sysname == "Darwin", reason="there the system trusts what its keychain has")


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Make two authorities, `own.pem` and `other.pem`, and give the server side of a certificate of the first."""
    own = trustme.CA()
    own.cert_pem.write_to_path(tmp_path / "own.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes an authority the only one that the system trusts."""

    def only(authority: str) -> None:
        for name in TRUST:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{authority}.pem"))

    return only


Trust = Callable[[str], None]


def fetch(index: IndexServer, environment: dict[str, str]) -> bool:
    indexes = Indexes.configured({"UV_DEFAULT_INDEX": index.url})
    return bool(SimpleIndex(Session(indexes, environment, timeouts=QUICK), indexes).project("demo"))


@system
def test_requests_trusts_what_the_system_trusts(tls: ssl.SSLContext, trust: Trust) -> None:
    with IndexServer(tls=tls) as index:
        index.add(build_wheel("demo", "1.0"))
        trust("own")
        assert fetch(index, {})
        trust("other")
        with pytest.raises(PypiUnreachableError, match="its certificate is not trusted"):
            fetch(index, {})


def test_requests_trusts_the_file_that_the_user_names(tls: ssl.SSLContext, tmp_path: Path, trust: Trust) -> None:
    with IndexServer(tls=tls) as index:
        index.add(build_wheel("demo", "1.0"))
        trust("other")
        assert fetch(index, {"SSL_CERT_FILE": str(tmp_path / "own.pem")})
        with pytest.raises(PypiUnreachableError, match="its certificate is not trusted"):
            fetch(index, {"SSL_CERT_FILE": str(tmp_path / "other.pem")})


def test_the_context_is_made_once_however_many_requests_go_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    make = ssl.create_default_context

    def counted() -> ssl.SSLContext:
        made.append(1)
        return make()

    monkeypatch.setattr(ssl, "create_default_context", counted)
    adapter = Session(Indexes(), {}).http.get_adapter("https://example.org/")
    assert isinstance(adapter, HTTPAdapter)
    for _ in range(3):
        adapter.proxy_manager_for("http://127.0.0.1:9")
    assert len(made) == 1


@pytest.mark.parametrize(("system", "asked"), [("Darwin", 1), ("Linux", 0)])
def test_a_macs_keychain_is_asked(monkeypatch: pytest.MonkeyPatch, system: str, asked: int) -> None:
    """Its library is stood in for, since it is not everywhere."""
    made: list[int] = []

    def context(protocol: int) -> ssl.SSLContext:
        made.append(protocol)
        return ssl.SSLContext(protocol)

    module = ModuleType("truststore")
    monkeypatch.setattr(module, "SSLContext", context, raising=False)
    monkeypatch.setitem(sys.modules, "truststore", module)
    monkeypatch.setattr(platform, "system", lambda: system)
    assert isinstance(Session(Indexes(), {}).http.get_adapter("https://example.org/"), HTTPAdapter)
    assert made == [ssl.PROTOCOL_TLS_CLIENT] * asked


@pytest.mark.usefixtures("tls")
def test_certificates_are_read_for_a_connection_only_where_the_user_names_them(tmp_path: Path) -> None:
    adapter = Session(Indexes(), {}).http.get_adapter("https://example.org/")
    assert isinstance(adapter, HTTPAdapter)
    connection = adapter.poolmanager.connection_from_url("https://example.org/")
    for verify, read in ((True, None), (str(tmp_path / "own.pem"), str(tmp_path / "own.pem"))):
        adapter.cert_verify(connection, "https://example.org/", verify, None)
        assert vars(connection)["ca_certs"] == read


@system
def test_uv_trusts_what_the_system_trusts(tls: ssl.SSLContext, tmp_path: Path, trust: Trust) -> None:
    def compile_demo(authority: str) -> str:
        trust(authority)
        environment = {**os.environ, "UV_CACHE_DIR": str(tmp_path / authority), "UV_DEFAULT_INDEX": index.url}
        return Uv(environment, Indexes.configured(environment), timeouts=QUICK).compile(request("demo")).lock

    with IndexServer(tls=tls) as index:
        index.add(build_wheel("demo", "1.0"))
        assert "demo-1.0" in compile_demo("own")
        with pytest.raises(PypiUnreachableError, match="certificate"):
            compile_demo("other")


@system
def test_rattler_trusts_what_the_system_trusts(tls: ssl.SSLContext, tmp_path: Path, trust: Trust) -> None:
    files = {**flat("noarch", repodata("noarch", package("demo"))), **flat("osx-arm64", repodata("osx-arm64"))}
    with serving(LoopbackChannel(files=files, tls=tls)) as channel:
        trust("own")
        assert opened(channel.url, cache=tmp_path / "own").names() == {"demo"}
        trust("other")
        with pytest.raises(ChannelUnreachableError, match="certificate"):
            opened(channel.url, cache=tmp_path / "other")
