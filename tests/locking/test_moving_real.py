"""Updates of a lock of 2023 over the real channel to moving what must move, with a chain for each move."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.fakes.tiny_project import manifest
from tests.real_project import SOLVERS, RealProject, needs_channel, real_project

pytestmark = [pytest.mark.shared, needs_channel]

ASKED = ("pandas", "scikit-learn", "matplotlib")
EARLY = {  # what the channel of 2023-10-01 serves
    "matplotlib": ("", "<3.8"),
    "numpy": ("", "<1.25"),
    "pandas": ("", "<2.1"),
    "scikit-learn": ("", "<1.3"),
    "scipy": ("", "<1.11", ">=1.11"),
}
LATE = {  # what that of 2025-06-01 serves, too
    "cryptography": ("", ">=42"),
    "matplotlib": ("", ">=3.8"),
    "numpy": ("", ">=1.26", ">=2"),
    "pandas": ("", ">=2.1"),
    "pillow": ("", ">=11"),
    "protobuf": ("", ">=5"),
    "pyarrow": ("", ">=14"),
    "pytest": ("", ">=8"),
    "requests": ("", ">=2.32"),
    "scikit-learn": ("", ">=1.3"),
    "scipy": ("", ">=1.12"),
}
NAMES = (*EARLY, "aiohttp", "beautifulsoup4", "click", "cryptography", "cython", "flask", "grpcio", "h5py", "httpx")
NAMES = (*NAMES, "jinja2", "joblib", "lightgbm", "lxml", "networkx", "nltk", "pillow", "plotly", "polars", "protobuf")
NAMES = (*NAMES, "psutil", "pyarrow", "pytest", "pyyaml", "requests", "rich", "sympy", "tabulate", "tqdm", "xarray")
ENDS = ("asked for: ", "asked to be updated", "nothing asks for it any more")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProject]:
    with real_project(tmp_path_factory.mktemp("moving")) as project:
        yield project


def write(real: RealProject, name: str, asked: tuple[str, ...], cutoff: str) -> None:
    real.write(name, manifest(name, *asked, python="3.10", more=f"exclude-newer: {cutoff}\n"))


def lock(real: RealProject, name: str, *words: str) -> dict[str, Any]:
    ran = real.run("lock", name, "--json", *words)
    assert ran.code == 0, ran.out
    environment: dict[str, Any] = ran.json["environments"][0]
    return environment


def moved(environment: dict[str, Any]) -> dict[str, Any]:
    return {move["name"]: move for move in environment["platforms"]["osx-arm64"]["moved"]}


def chain(moves: dict[str, Any], name: str) -> list[str]:
    """Follow the reasons of a move from package to package."""
    reasons: list[str] = []
    while name in moves:
        assert moves[name]["why"] not in reasons, f"{name} is its own reason"
        reasons.append(moves[name]["why"])
        name = moves[name]["because"]
    return reasons


@pytest.fixture(scope="module")
def first(real: RealProject) -> Callable[[str], dict[str, bytes]]:
    """Return what gives the files of a lock of 2023-10-01 into which what came until 2025-06-01 was let."""

    @cache
    def files(solver: str) -> dict[str, bytes]:
        name = f"old-{solver}"
        write(real, name, ASKED, "2023-10-01")
        real.run("lock", name, "--solver", solver, "--upgrade")
        write(real, name, ASKED, "2025-06-01")
        assert moved(lock(real, name)) == {}
        return {path.name: path.read_bytes() for path in real.environment(name).iterdir()}

    return files


@pytest.fixture(params=SOLVERS)
def old(real: RealProject, first: Callable[[str], dict[str, bytes]], request: pytest.FixtureRequest) -> str:
    """Put that lock where it was made."""
    name = f"old-{request.param}"
    for file, content in first(request.param).items():
        (real.environment(name) / file).write_bytes(content)
    return name


def test_an_update_moves_a_package_and_what_it_forces(real: RealProject, old: str) -> None:
    moves = moved(lock(real, old, "--update", "pandas"))
    assert {name: (move["from"], move["to"], move["why"]) for name, move in moves.items()} == {
        "pandas": ("2.0.3", "2.2.3", "asked to be updated"),
        "libcxx": ("16.0.6", "20.1.6", "pandas 2.2.3 needs `libcxx >=18`"),
    }
    assert moves["libcxx"]["because"] == "pandas"
    assert not lock(real, old)["changed"]


def test_what_is_added_is_new_and_takes_along_what_nobody_named(real: RealProject, old: str) -> None:
    """networkx of 2024 does not go with the scipy of the lock, and that of 2023 would be a year behind."""
    write(real, old, (*ASKED, "networkx"), "2025-06-01")
    moves = moved(lock(real, old))
    assert moves["networkx"]["to"].startswith("3.4")
    assert "networkx 3.4" in moves["scipy"]["why"]
    assert not moves.keys() & {*ASKED}


@pytest.mark.parametrize("added", ["flask", "rich", "sqlalchemy", "httpx"])
def test_an_unrelated_package_moves_no_other(real: RealProject, old: str, added: str) -> None:
    write(real, old, (*ASKED, added), "2025-06-01")
    moves = moved(lock(real, old))
    assert added in moves
    assert {move["from"] for move in moves.values()} == {""}


def test_what_is_removed_leaves_nothing(real: RealProject, old: str) -> None:
    write(real, old, ("pandas",), "2025-06-01")
    environment = lock(real, old)
    moves = moved(environment)
    assert {move["to"] for move in moves.values()} == {""}
    write(real, f"{old}-fresh", ("pandas",), "2023-10-01")
    fresh = lock(real, f"{old}-fresh", "--solver", old.removeprefix("old-"))
    names = [{each["name"] for each in one["platforms"]["osx-arm64"]["conda"]} for one in (environment, fresh)]
    assert names[0] == names[1]


def edits(seed: int) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Draw pairs of what is asked for, before and after some lines went, came and changed."""
    draw = random.Random(seed)

    def bounded(names: list[str], bounds: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(sorted(f"{name}{draw.choice(bounds.get(name, ('',)))}" for name in names))

    while True:
        first = draw.sample(NAMES, 6)
        kept = [package for package in first if draw.random() < 0.7]
        added = [package for package in draw.sample(NAMES, 3) if package not in kept]
        yield bounded(first, EARLY), bounded([*kept, *added], LATE)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(20))
def test_nothing_moves_without_a_chain_that_explains_it(real: RealProject, solver: str, seed: int) -> None:
    name = f"pair-{solver}-{seed}"
    for first, second in edits(seed):
        write(real, name, first, "2023-10-01")
        if real.run("lock", name, "--solver", solver, "--upgrade").code:
            continue  # these bounds cannot be met together
        write(real, name, second, "2025-06-01")
        ran = real.run("lock", name, "--json")
        if not ran.code:
            break
    else:
        raise AssertionError("pairs are drawn without end")
    moves = moved(ran.json["environments"][0])
    assert moves
    for each in moves:
        reasons = chain(moves, each)
        assert reasons[-1].startswith(ENDS), reasons
