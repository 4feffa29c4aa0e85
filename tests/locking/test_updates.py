"""Test which locked packages the names of a call mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import LockfileError, UsageError
from envgen.locking.updates import Updates, locked_keys, refuse_unknown
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from tests.fakes.locks import conda_key, make_lock, make_platform, make_record, make_wheel, pypi_key

DECISIONS = (
    Decision(requirement="torch>=2", name="pytorch", source="conda", why="x"),
    Decision(requirement="not a requirement", name="pytorch", source="conda", why="x"),
)
LOCK = replace(
    make_platform(
        [
            make_record("pytorch", "2.0", depends=["python"]),
            make_record("typing_extensions", "4.0", depends=["python"], subdir="noarch"),
            make_record("libblas", "3.9"),
        ],
        [make_wheel("tensorflow-metal", "1.2.0")],
    ),
    decisions=DECISIONS,
)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("pytorch", (conda_key("pytorch"),)),
        ("torch", (conda_key("pytorch"),)),
        ("Torch", (conda_key("pytorch"),)),
        ("typing_extensions", (conda_key("typing_extensions"),)),
        ("typing-extensions", (conda_key("typing_extensions"),)),
        ("libblas", (conda_key("libblas"),)),
        ("tensorflow_metal", (pypi_key("tensorflow-metal"),)),
        ("absent", ()),
    ],
)
def test_conda_and_pypi_names(name: str, keys: tuple[PackageKey, ...]) -> None:
    assert locked_keys(LOCK, name) == keys
    assert Updates(packages=frozenset({name})).keys(LOCK) == frozenset(keys)


def test_known_names_pass() -> None:
    refuse_unknown([make_lock(LOCK)], Updates(packages=frozenset({"torch", "Libblas", "tensorflow_metal"})))
    refuse_unknown([], Updates(packages=frozenset({"anything"})))


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(LockfileError) as caught:
        refuse_unknown([make_lock(LOCK)], Updates(packages=frozenset({"pytorhc", "zzz", "torch"})))
    assert caught.value.message == "not locked, so they cannot be updated: `pytorhc`, `zzz`"
    assert caught.value.hint.startswith("did you mean `pytorch`? ")


def test_whether_anything_is_meant() -> None:
    assert not Updates()
    assert Updates(everything=True)
    assert Updates(packages=frozenset({"a"}))


def test_what_is_no_name_is_refused_before_any_lock_is_looked_at() -> None:
    with pytest.raises(UsageError, match="not names of packages: `a b`, `six>=1`"):
        refuse_unknown([], Updates(packages=frozenset({"six>=1", "a b", "six"})))
    with pytest.raises(UsageError, match="not the name of a package: `six>=1`"):
        refuse_unknown([], Updates(packages=frozenset({"six>=1"})))
