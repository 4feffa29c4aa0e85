"""Test which indexes count."""

from __future__ import annotations

from pathlib import Path

import pytest

from envgen.pypi.indexes import Index, Indexes, mask, without_user

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
        pytest.param("not toml", [], id="damaged"),
    ],
)
def test_user_file(text: str, urls: list[str], tmp_path: Path) -> None:
    (tmp_path / ".config" / "uv").mkdir(parents=True)
    (tmp_path / ".config" / "uv" / "uv.toml").write_text(text)
    assert [index.url for index in Indexes.configured({"HOME": str(tmp_path)})] == urls
    assert not list(Indexes.configured({"HOME": str(tmp_path), "UV_NO_CONFIG": "1"}))


def test_files_of_the_system_come_after_the_user(tmp_path: Path) -> None:
    for folder, url in (("mine", ONE), ("system", TWO)):
        (tmp_path / folder / "uv").mkdir(parents=True)
        (tmp_path / folder / "uv" / "uv.toml").write_text(f'index-url = "{url}"')
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "mine"), "XDG_CONFIG_DIRS": f"{tmp_path / 'system'}:"}
    assert [index.url for index in Indexes.configured(environment)] == [ONE]
    (tmp_path / "mine" / "uv" / "uv.toml").unlink()
    assert [index.url for index in Indexes.configured(environment)] == [TWO]


@pytest.mark.parametrize(("strategy", "merge"), [("first-index", False), ("unsafe-best-match", True), ("", False)])
def test_strategy(strategy: str, merge: bool) -> None:
    assert Indexes.configured({"UV_INDEX_STRATEGY": strategy}).merge is merge


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
