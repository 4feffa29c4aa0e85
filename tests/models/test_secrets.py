"""Test that a secret is for one host alone, and in no text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import UsageError
from envgen.models.secrets import (
    Secret,
    Secrets,
    advice,
    has_secret,
    lockable,
    mask,
    plain_address,
    same_origin,
    with_path_token,
    without_secrets,
)

ENVIRON = {"ENVGEN_TOKENS": "packages.example.org=w0rd 127.0.0.1:8000=me:p%20w%3A [::1]:8001=six"}
TOLD = {
    "https": ("https://packages.example.org/conda", "w0rd"),
    "the port of https": ("https://packages.example.org:443/conda", "w0rd"),
    "no path": ("https://packages.example.org", "w0rd"),
    "upper case": ("HTTPS://Packages.Example.ORG/conda", "w0rd"),
    "another port": ("https://packages.example.org:8443/conda", ""),
    "http": ("http://packages.example.org/conda", ""),
    "http by the port of https": ("http://packages.example.org:443/conda", ""),
    "a host that begins like it": ("https://packages.example.org.evil.example/conda", ""),
    "a host that ends like it": ("https://evil-packages.example.org/conda", ""),
    "a part of it": ("https://example.org/conda", ""),
    "a dot at the end": ("https://packages.example.org./conda", ""),
    "as a user": ("https://packages.example.org@evil.example/conda", ""),
    "as a user and a port": ("https://packages.example.org:443@evil.example/conda", ""),
    "behind a user": ("https://evil.example@packages.example.org/conda", ""),
    "behind a backslash": ("https://evil.example\\@packages.example.org/conda", ""),
    "before a backslash": ("https://packages.example.org\\.evil.example/conda", ""),
    "behind a fragment": ("https://evil.example#@packages.example.org/conda", ""),
    "before a fragment": ("https://packages.example.org#@evil.example/conda", "w0rd"),
    "with a percent sign": ("https://packages%2Eexample.org/conda", ""),
    "with a tab": ("https://packages.example.org\t.evil.example/conda", ""),
    "with a line's end": ("https://packages.example.org/conda\n", ""),
    "in full-width signs": ("https://packages\uff0eexample\uff0eorg/conda", ""),
    "another scheme": ("ftp://packages.example.org/conda", ""),
    "no URL": ("packages.example.org", ""),
    "http to the loopback": ("http://127.0.0.1:8000/conda", "p w:"),
    "https to the loopback": ("https://127.0.0.1:8000/conda", "p w:"),
    "another port of the loopback": ("http://127.0.0.1:8001/conda", ""),
    "another name of the loopback": ("http://localhost:8000/conda", ""),
    "IPv6": ("http://[::1]:8001/conda", "six"),
    "an address in short": ("http://127.1:8000/conda", ""),
}


@pytest.mark.parametrize(("url", "word"), TOLD.values(), ids=TOLD)
def test_one_host_is_told(url: str, word: str) -> None:
    assert Secrets.configured(ENVIRON).of(url).password == word


VALUES = {
    "a token": ("h.example=w0rd", Secret(password="w0rd"), "Bearer w0rd", ("__token__", "w0rd")),
    "a user": ("h.example=me:w", Secret(user="me", password="w"), "Basic bWU6dw==", ("me", "w")),
    "signs": ("h.example=me:%23%3F%2F%40%25%20", Secret(user="me", password="#?/@% "), "Basic bWU6Iz8vQCUg", None),
    "decoded once": ("h.example=%2525", Secret(password="%25"), "Bearer %25", ("__token__", "%25")),
    "signs as they are": ("h.example=a=b/@#?", Secret(password="a=b/@#?"), "Bearer a=b/@#?", None),
    "a path's": ("h.example=/t/a%2Fb", Secret(path_token="a/b"), "", None),
    "two for a channel": (
        "h.example=/t/a h.example=me:w",
        Secret(user="me", password="w", path_token="a"),
        "Basic bWU6dw==",
        ("me", "w"),
    ),
    "a host in capitals": ("H.Example=w0rd", Secret(password="w0rd"), "Bearer w0rd", None),
}


@pytest.mark.parametrize(("text", "secret", "header", "login"), VALUES.values(), ids=VALUES)
def test_values(text: str, secret: Secret, header: str, login: tuple[str, str] | None) -> None:
    found = Secrets.configured({"ENVGEN_TOKENS": f"  {text}\n"}).of("https://h.example/x")
    assert found == secret
    assert found.header == header
    assert login is None or found.login == login
    assert "w" not in repr(found).replace("envgen", "")


WRONG = {
    "no value": "h.example",
    "an empty value": "h.example=",
    "no host": "=s3cret",
    "a URL": "https://h.example=s3cret",
    "a path": "h.example/conda=s3cret",
    "a user": "me@h.example=s3cret",
    "no token": "h.example=/t/",
    "no user": "h.example=:s3cret",
    "a line's end in a value": "h.example=s3cret%0AX-Evil:1",
    "a dot at the end": "h.example.=s3cret",
    "a wildcard": "*.example=s3cret",
    "twice": "h.example=a h.example:443=s3cret",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError, match="ENVGEN_TOKENS") as caught:
        Secrets.configured({"ENVGEN_TOKENS": text})
    assert "s3cret" not in f"{caught.value!r} {caught.value} {caught.value.hint}"


ADVICE = {
    "https://${USER}:${TOKEN}@packages.example.org/conda": (
        "write https://packages.example.org/conda, and set ENVGEN_TOKENS='packages.example.org=USER:TOKEN'"
    ),
    "https://packages.example.org/t/${TOKEN}/conda": (
        "write https://packages.example.org/conda, and set ENVGEN_TOKENS='packages.example.org=/t/TOKEN'"
    ),
    "https://${IDX}@packages.example.org:8443/simple": (
        "write https://packages.example.org:8443/simple, and set ENVGEN_TOKENS='packages.example.org:8443=IDX'"
    ),
    "https://${A}:${B}@h.example/t/${C}/x": (
        "write https://h.example/x, and set ENVGEN_TOKENS='h.example=A:B h.example=/t/C'"
    ),
    "https://me:s3cret@h.example/x": "write https://h.example/x, and set ENVGEN_TOKENS='h.example=USER:TOKEN'",
    "https://h.example/t/s3cret/x": "write https://h.example/x, and set ENVGEN_TOKENS='h.example=/t/TOKEN'",
    "http://${A}@h.example/x": "write https://h.example/x, and set ENVGEN_TOKENS='h.example=A'",
    "http://${A}@127.0.0.1/x": "write http://127.0.0.1/x, and set ENVGEN_TOKENS='127.0.0.1:80=A'",
    "https://h.example/${TEAM}/x": (
        "write the address out: no variable is filled in; a secret is bound to its host with ENVGEN_TOKENS"
    ),
}


@pytest.mark.parametrize(("address", "said"), ADVICE.items())
def test_the_line_to_set(address: str, said: str) -> None:
    assert has_secret(address)
    assert advice(address) == said


@pytest.mark.parametrize(("address", "said"), [item for item in ADVICE.items() if "ENVGEN_TOKENS='" in item[1]])
def test_the_advice_is_what_is_read(address: str, said: str) -> None:
    written, line = said.removeprefix("write ").split(", and set ENVGEN_TOKENS=")
    assert not has_secret(written)
    assert Secrets.configured({"ENVGEN_TOKENS": line.strip("'")}).of(written)


def test_a_token_goes_before_the_path() -> None:
    assert with_path_token("https://h.example:1/a/b", "x/#?@%") == "https://h.example:1/t/x%2F%23%3F%40%25/a/b"
    assert with_path_token("https://h.example/a", "") == "https://h.example/a"


def test_origins() -> None:
    assert same_origin("https://H.example/a", "https://h.example:443/b")
    for other in ("http://h.example/a", "https://h.example:444/a", "https://i.example/a", "https://x@h.example/", "h"):
        assert not same_origin("https://h.example/a", other)


def test_a_query_is_no_part_of_a_lock_nor_of_a_message() -> None:
    url = "https://h.example/a-1.0.whl?X-Amz-Signature=s3cret&token=s3cret#sha256=abc"
    assert lockable(url) == "https://h.example/a-1.0.whl"
    assert mask(f"see {url}, or `{url}`?") == (
        "see https://h.example/a-1.0.whl?***, or `https://h.example/a-1.0.whl?***`?"
    )


def test_masks() -> None:
    text = "see https://a:b@x.example/ and http://c@y.example/t/s3cret/z, or https://z.example/@scope"
    assert mask(text) == "see https://***@x.example/ and http://***@y.example/t/***/z, or https://z.example/@scope"


@pytest.mark.parametrize("address", ["https://u:s3cret@h/x", "https://h/t/s3cret/x", "https://${X}/x", "https://h/$X"])
def test_an_address_of_a_lock_has_none(address: str) -> None:
    with pytest.raises(ValueError, match="an address with a secret or a variable in it") as caught:
        plain_address(address)
    assert "s3cret" not in str(caught.value)


@given(st.text(alphabet="abc:/@t%.-", max_size=40))
def test_without_secrets_is_idempotent_on_urls(text: str) -> None:
    once = without_secrets(f"https://{text}")
    assert without_secrets(once) == once


@pytest.mark.parametrize("sign", ["://", "/t/", "?", "@", "://?", "a@", "://a/t/"])
def test_a_text_full_of_signs_takes_no_time(sign: str) -> None:
    text = f"https://{sign * 100_000}"
    started = time.process_time()
    mask(text)
    has_secret(text)
    assert time.process_time() - started < 5
