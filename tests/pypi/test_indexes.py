"""Test which indexes count."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from envgen.errors import PypiError
from envgen.models.secrets import mask, without_user
from envgen.models.wheel import PackageIndex
from envgen.pypi.indexes import Index, Indexes, environment_with

ONE, TWO, THREE = "https://one.example/simple", "https://two.example/simple", "https://three.example/simple"


@pytest.mark.parametrize(
    ("environment", "urls"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"UV_DEFAULT_INDEX": ONE}, [ONE], id="default"),
        pytest.param({"UV_INDEX_URL": ONE}, [ONE], id="old default"),
        pytest.param({"UV_DEFAULT_INDEX": ONE, "UV_INDEX_URL": TWO}, [ONE], id="new name wins"),
        pytest.param({"UV_INDEX": f"{ONE} {TWO}"}, [ONE, TWO], id="extra in order"),
        pytest.param(
            {"UV_INDEX": ONE, "UV_EXTRA_INDEX_URL": TWO, "UV_DEFAULT_INDEX": THREE}, [ONE, TWO, THREE], id="all"
        ),
        pytest.param({"UV_INDEX": f"{ONE} {ONE}"}, [ONE], id="doubles once"),
        pytest.param({"UV_INDEX": f"corp={ONE}"}, [ONE], id="named"),
        pytest.param({"UV_INDEX": "corp"}, ["corp"], id="a word is no name"),
        pytest.param({"UV_INDEX": f"{ONE}?a=b"}, [f"{ONE}?a=b"], id="a query is no name"),
    ],
)
def test_variables(environment: dict[str, str], urls: list[str]) -> None:
    assert [index.url for index in Indexes.configured(environment)] == urls


def test_the_default_may_be_named() -> None:
    assert Indexes.configured({"UV_DEFAULT_INDEX": f"corp={ONE}"}).default == Index(url=ONE, name="corp")


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        pytest.param(
            {"UV_INDEX_CORP_USERNAME": "me", "UV_INDEX_CORP_PASSWORD": "a/b"},
            "https://me:a%2Fb@one.example/simple",
            id="both",
        ),
        pytest.param({"UV_INDEX_CORP_PASSWORD": "x"}, "https://:x@one.example/simple", id="password"),
        pytest.param({"UV_INDEX_OTHER_PASSWORD": "x"}, ONE, id="of another"),
    ],
)
def test_passwords_by_name(variables: dict[str, str], url: str) -> None:
    assert Indexes.configured({"UV_INDEX": f"corp={ONE}", **variables}).extra[0].url == url


def test_a_name_may_hold_a_dash() -> None:
    environment = {"UV_INDEX": f"my-corp={ONE}", "UV_INDEX_MY_CORP_USERNAME": "me"}
    assert Indexes.configured(environment).extra[0].url == "https://me:@one.example/simple"


def test_both_clients_see_the_same(tmp_path: Path) -> None:
    config = tmp_path / "uv.toml"
    config.write_text(f'extra-index-url = ["{TWO}"]\n')
    indexes = Indexes.configured({"UV_CONFIG_FILE": str(config), "UV_DEFAULT_INDEX": ONE})
    assert indexes.variables() == {"UV_DEFAULT_INDEX": ONE, "UV_INDEX": TWO}
    assert Indexes().variables() == {}


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        pytest.param(f'[[index]]\nurl = "{ONE}"\n', [ONE], id="index"),
        pytest.param(
            f'[[index]]\nname = "a"\nurl = "{ONE}"\ndefault = true\n[[index]]\nurl = "{TWO}"',
            [TWO, ONE],
            id="default last",
        ),
        pytest.param(f'[[index]]\nurl = "{ONE}"\nexplicit = true\n', [], id="explicit"),
        pytest.param(f'[[index]]\nurl = "{ONE}"\nformat = "flat"\n', [], id="flat"),
        pytest.param(f'index-url = "{ONE}"\nextra-index-url = ["{TWO}"]\n', [TWO, ONE], id="old names"),
        pytest.param(f'[pip]\nindex-url = "{ONE}"\n', [ONE], id="pip's own"),
        pytest.param('prerelease = "allow"\n', [], id="others do not count"),
        pytest.param("index = 1\n", [], id="wrong type"),
        pytest.param("[[index]]\nurl = 1\n", [], id="wrong type of a URL"),
        pytest.param(f'[[index]]\nname = 1\nurl = "{ONE}"\n', [ONE], id="wrong type of a name"),
        pytest.param(f'[[index]]\nurl = "{ONE}"\ndefault = 1\n[[index]]\nurl = "{TWO}"', [ONE, TWO], id="no default"),
        pytest.param("not toml", [], id="damaged"),
    ],
)
def test_user_file(text: str, urls: list[str], tmp_path: Path) -> None:
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text(text)
    assert [index.url for index in Indexes.configured({"HOME": str(tmp_path)})] == urls
    for word in ("1", "true", "TRUE"):
        assert not list(Indexes.configured({"HOME": str(tmp_path), "UV_NO_CONFIG": word}))


def test_files_of_the_system_come_after_the_user(tmp_path: Path) -> None:
    for folder, url in (("mine", ONE), ("system", TWO)):
        (tmp_path / folder / "uv").mkdir(parents=True)
        (tmp_path / folder / "uv" / "uv.toml").write_text(f'index-url = "{url}"')
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "mine"), "XDG_CONFIG_DIRS": f"{tmp_path / 'system'}:"}
    assert [index.url for index in Indexes.configured(environment)] == [ONE]
    (tmp_path / "mine" / "uv" / "uv.toml").unlink()
    assert [index.url for index in Indexes.configured(environment)] == [TWO]


BOUND = {
    "a token": ({"ENVGEN_TOKENS": "one.example=w0rd"}, "https://__token__:w0rd@one.example/simple"),
    "a user": ({"ENVGEN_TOKENS": "one.example=me:a%2Fb%3A"}, "https://me:a%2Fb%3A@one.example/simple"),
    "the port": ({"ENVGEN_TOKENS": "one.example:443=w0rd"}, "https://__token__:w0rd@one.example/simple"),
    "another port": ({"ENVGEN_TOKENS": "one.example:8443=w0rd"}, ONE),
    "another host": ({"ENVGEN_TOKENS": "two.example=w0rd"}, ONE),
    "a token for a path": ({"ENVGEN_TOKENS": "one.example=/t/w0rd"}, ONE),
    "what is in the URL wins": (
        {"ENVGEN_TOKENS": "one.example=w0rd", "UV_INDEX": "https://me:own@one.example/simple"},
        "https://me:own@one.example/simple",
    ),
    "what is said by name wins": (
        {"ENVGEN_TOKENS": "one.example=w0rd", "UV_INDEX": f"corp={ONE}", "UV_INDEX_CORP_PASSWORD": "own"},
        "https://:own@one.example/simple",
    ),
}


@pytest.mark.parametrize(("variables", "url"), BOUND.values(), ids=BOUND)
def test_secrets_of_hosts(variables: dict[str, str], url: str) -> None:
    assert Indexes.configured({"UV_INDEX": ONE, **variables}).extra[0].url == url


STORED = """
[[credential]]
service = "https://one.example/"
username = "me"
scheme = "basic"
password = "whole"
[[credential]]
service = "https://one.example/deep"
username = "me"
password = "deep"
[[credential]]
service = "https://two.example/"
scheme = "bearer"
token = "x"
"""
FROM_STORE = {
    "of the host": (ONE, "https://me:whole@one.example/simple"),
    "of a path": ("https://one.example/deep/simple", "https://me:deep@one.example/deep/simple"),
    "of a path that only looks like it": ("https://one.example/deeper", "https://me:whole@one.example/deeper"),
    "over http": ("http://one.example/simple", "http://one.example/simple"),
    "by another port": ("https://one.example:8443/simple", "https://one.example:8443/simple"),
    "a bearer's": (TWO, TWO),
}


@pytest.mark.parametrize(("index", "url"), FROM_STORE.values(), ids=FROM_STORE)
@pytest.mark.parametrize("variable", ["HOME", "XDG_DATA_HOME", "UV_CREDENTIALS_DIR"])
def test_what_uv_has_stored(index: str, url: str, variable: str, tmp_path: Path) -> None:
    below = {"HOME": ".local/share/uv/credentials", "XDG_DATA_HOME": "uv/credentials", "UV_CREDENTIALS_DIR": ""}
    folder = tmp_path / below[variable]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credentials.toml").write_text(STORED)
    assert Indexes.configured({"UV_INDEX": index, variable: str(tmp_path)}).extra[0].url == url


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "credential = 1",
        "[[credential]]\nservice = 1",
        "[[credential]]\nservice = 1\nusername = 'me'\npassword = 'x'",
        "[[credential]]\nservice = 'https://one.example/'\nusername = 1\npassword = 'x'",
        "[[credential]]\nservice = 'https://one.example/'\nusername = 'me'\npassword = 1",
    ],
)
def test_a_store_that_is_damaged_does_not_count(text: str, tmp_path: Path) -> None:
    (tmp_path / "credentials.toml").write_text(text)
    assert Indexes.configured({"UV_INDEX": ONE, "UV_CREDENTIALS_DIR": str(tmp_path)}).extra[0].url == ONE


@pytest.mark.parametrize("index", ["https://${AWS_SECRET_ACCESS_KEY}@evil.example/simple", "https://$X.example/simple"])
def test_no_variable_is_filled_in(index: str) -> None:
    with pytest.raises(PypiError, match="names an environment variable") as caught:
        environment_with([index], {"AWS_SECRET_ACCESS_KEY": "s3cret", "X": "s3cret"})
    assert "ENVGEN_TOKENS" in caught.value.hint
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


def test_secrets_are_masked() -> None:
    index = Index(url="https://me:secret@one.example/simple")
    assert str(index) == "https://***@one.example/simple"
    assert "secret" not in repr(index)
    assert "secret" not in repr(Indexes(default=index))
    assert (
        mask("see https://a:b@x.example/ and http://c@y.example")
        == "see https://***@x.example/ and http://***@y.example"
    )
    assert mask("https://x.example/@scope") == "https://x.example/@scope"
    assert without_user(index.url) == ONE


def test_names_may_be_bound() -> None:
    """The secrets of a bound index are in uv's variables, not in the file that uv reads."""
    tokens = {"UV_DEFAULT_INDEX": THREE, "ENVGEN_TOKENS": "one.example=w0rd"}
    indexes = Indexes.configured(environment_with([f"a-b,c={ONE}", TWO], tokens))
    assert [str(index) for index in indexes] == ["https://***@one.example/simple", TWO, THREE]
    assert set(indexes.bound) == {"a-b", "c"}
    assert indexes.variables() == {
        "UV_DEFAULT_INDEX": THREE,
        "UV_INDEX": TWO,
        "UV_INDEX_ENVGEN_BOUND_0_USERNAME": "__token__",
        "UV_INDEX_ENVGEN_BOUND_0_PASSWORD": "w0rd",
    }
    read = tomllib.loads(indexes.sources())["tool"]["uv"]
    assert read["sources"] == {"a-b": {"index": "envgen_bound_0"}, "c": {"index": "envgen_bound_0"}}
    assert read["index"] == [{"name": "envgen_bound_0", "url": ONE, "explicit": True}]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        (ONE, PackageIndex(url=ONE)),
        (f"a,b={ONE}", PackageIndex(url=ONE, packages=("a", "b"))),
        (f"{ONE}/x=y", PackageIndex(url=f"{ONE}/x=y")),
    ],
)
def test_the_text_of_a_lock(text: str, index: PackageIndex) -> None:
    assert PackageIndex.parse(text) == index
    assert str(index) == text
