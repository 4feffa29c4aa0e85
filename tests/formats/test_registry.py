from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given

from envgen.errors import WriteError
from envgen.formats.registry import OUTPUTS, omissions, render
from envgen.lock.custom_metadata import digest_matches
from envgen.lock.model import Lock
from tests.conftest import Golden
from tests.fakes.locks import locks, make_lock, make_platform, make_record, make_wheel, small_platform
from tests.formats.golden_locks import LOCKS

BOTH = ["environment.yml", "conda-lock.yml"]


@pytest.mark.parametrize("case", sorted(LOCKS))
def test_the_files_are_as_they_were_agreed(case: str, golden: Golden) -> None:
    golden(f"writers-{case}", render(LOCKS[case](), OUTPUTS))


@given(locks())
def test_the_order_of_what_is_given_does_not_change_the_bytes(lock: Lock) -> None:
    shuffled = [
        replace(each, conda=each.conda[::-1], pypi=each.pypi[::-1], decisions=each.decisions[::-1])
        for each in lock.platforms[::-1]
    ]
    outputs = ["conda-lock.yml", "explicit"]
    assert render(replace(lock, platforms=tuple(shuffled)), outputs) == render(lock, outputs[::-1])


def test_each_output_has_its_files() -> None:
    lock = make_lock()
    assert list(render(lock, BOTH)) == ["conda-lock.yml", "environment.yml"]
    assert list(render(lock, ["explicit"])) == ["explicit.osx-arm64.txt", "requirements.osx-arm64.txt"]
    assert list(render(LOCKS["conda-only"](), ["explicit"])) == ["explicit.osx-arm64.txt"]
    two = render(LOCKS["two-platforms"](), BOTH)
    assert list(two) == ["conda-lock.yml", "environment.linux-64.yml", "environment.osx-arm64.yml"]


def test_locks_are_sealed_and_all_files_end_in_one_line_break() -> None:
    files = render(make_lock(), OUTPUTS)
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in files.values())
    assert [name for name, text in files.items() if digest_matches(text)] == sorted(set(files) - {"environment.yml"})


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_file_says_what_made_it_and_for_what(output: str) -> None:
    lock = replace(make_lock(), exclude_newer="2026-08-01")
    for text in render(lock, [output, "conda-lock.yml"]).values():
        head = "".join(line for line in text.splitlines() if line.startswith("#"))
        assert "envgen 1.2.3" in head
        assert "do not edit" in head
        assert "macOS 13.0" in head
        assert "from conda-forge" in head
        assert "2026-08-01" in head
        assert "starter" not in head


def test_the_starter_index_is_a_warning_in_every_file() -> None:
    platform = replace(small_platform(), repodata="starter index of 2026-08-01")
    for text in render(make_lock(platform), OUTPUTS).values():
        assert "# Made from the starter index of 2026-08-01, not from the channel of today" in text


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        pytest.param(["pixi.lock", "conda-lock.yml"], "unknown output `pixi.lock`", id="unknown"),
        pytest.param(["environment.yml"], "can be read back", id="no lock among them"),
        pytest.param([], "no outputs", id="none"),
    ],
)
def test_outputs_are_known_and_one_can_be_read_back(outputs: list[str], reason: str) -> None:
    with pytest.raises(WriteError, match=reason) as caught:
        render(make_lock(), outputs)
    assert caught.value.hint


A = make_record("a")
W = make_wheel("w")
PIP = make_record("pip")
UNHASHED = make_lock(make_platform([PIP], [replace(W, wheel=replace(W.wheel, sha256=""))]))


@pytest.mark.parametrize(
    ("lock", "outputs", "reason"),
    [
        pytest.param(make_lock(make_platform([replace(A, md5="")])), ["conda-lock.yml"], "a=1.0=h1234567_0 has no md5"),
        pytest.param(make_lock(make_platform([replace(A, md5="")])), ["explicit"], "has no md5"),
        pytest.param(
            make_lock(make_platform([PIP], [replace(W, wheel=replace(W.wheel, sha256=""))])),
            BOTH,
            "w==1.0 has no sha256",
        ),
        pytest.param(UNHASHED, ["explicit"], "w==1.0 has no sha256"),
        pytest.param(
            make_lock(make_platform([PIP], [replace(W, wheel=replace(W.wheel, url=""))])), ["conda-lock.yml"], "no URL"
        ),
        pytest.param(make_lock(make_platform([A], [W])), BOTH, "osx-arm64 has PyPI packages and no pip"),
        pytest.param(
            make_lock(make_platform([make_record("x", depends=["y 1 a", "y 1 b"])])), BOTH, "needed with two builds"
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_a_format_cannot_hold_is_refused(lock: Lock, outputs: list[str], reason: str) -> None:
    with pytest.raises(WriteError, match=reason):
        render(lock, outputs)


def test_every_problem_is_named_at_once() -> None:
    lock = make_lock(make_platform([replace(A, md5=""), replace(make_record("b"), md5=""), PIP]))
    with pytest.raises(WriteError, match=r"a=1.0=h1234567_0 has no md5; b=1.0=h1234567_0 has no md5"):
        render(lock, ["conda-lock.yml"])


Broken = Callable[[str], Lock]


def with_record_url(url: str) -> Lock:
    return make_lock(make_platform([replace(A, url=url)]))


def with_wheel_url(url: str) -> Lock:
    return make_lock(make_platform([PIP], [replace(W, wheel=replace(W.wheel, url=url))]))


def with_channel_url(url: str) -> Lock:
    lock = make_lock(make_platform([A]))
    return replace(lock, channels=(replace(lock.channels[0], url=url),))


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("build", [with_record_url, with_wheel_url, with_channel_url])
@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://user:pw@repo.example/c/osx-arm64/a-1.0-h1234567_0.conda", True),
        ("https://token@repo.example/c/osx-arm64/a-1.0-h1234567_0.conda", True),
        ("https://repo.example/t/SECRET/c/osx-arm64/a-1.0-h1234567_0.conda", True),
        ("https://${USER}:${PASSWORD}@repo.example/c/osx-arm64/a-1.0-h1234567_0.conda", True),
        ("https://repo.example/t/${TOKEN}/c/osx-arm64/a-1.0-h1234567_0.conda", True),
        ("https://repo.example/${TOKEN}/c/osx-arm64/a-1.0-h1234567_0.conda", True),
        ("https://repo.example/@scope/c/osx-arm64/a-1.0-h1234567_0.conda", False),
    ],
)
def test_no_secret_is_ever_written(output: str, build: Broken, url: str, secret: bool) -> None:
    outputs = [output, "explicit"]
    if not secret:
        assert render(build(url), outputs)
        return
    with pytest.raises(WriteError, match="holds a user, a password or a token") as caught:
        render(build(url), outputs)
    assert "SECRET" not in str(caught.value)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("build", [with_record_url, with_wheel_url])
@pytest.mark.parametrize("end", ["?signature=SECRET", "#SECRET"])
def test_what_an_index_adds_to_a_files_url_is_never_written(build: Broken, end: str) -> None:
    lock = build(f"https://repo.example/c/osx-arm64/a-1.0-h1234567_0.conda{end}")
    with pytest.raises(WriteError, match="holds a user, a password or a token") as caught:
        render(lock, ["conda-lock.yml"])
    assert "SECRET" not in str(caught.value)


def test_what_is_left_out_is_said() -> None:
    assert omissions(make_lock(), ["conda-lock.yml"]) == ()
    assert omissions(make_lock(), ["explicit", *BOTH]) == (
        "environment.yml has no groups: dev is installed by it, too",
        "explicit has no groups: dev is installed by it, too",
        "explicit holds no URLs of PyPI's wheels: they are found by name, version and hash",
    )
    assert omissions(LOCKS["conda-only"](), OUTPUTS) == ()


def test_no_registry_is_named_where_there_are_wheels() -> None:
    for name, text in render(make_lock(), ["environment.yml", "explicit"]).items():
        assert "files.example" not in text, name
