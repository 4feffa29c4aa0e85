"""Write, read and prove locks of real records, and hold the proof against the independent reader."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from envgen.formats.conda_lock import read_conda_lock
from envgen.formats.explicit import read_explicit
from envgen.formats.registry import OUTPUTS, render
from envgen.lock.custom_metadata import normal_form
from envgen.lock.model import Lock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.proof.prove import prove
from envgen.solvers.rattler import RattlerSolver
from tests.calls import calls
from tests.fakes.locks import make_lock, make_platform
from tests.fakes.tables import request
from tests.independent import Sources, faults
from tests.solvers import realchannel

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not realchannel.ROOT.exists(), reason="no ../shared/channel beside the checkout"),
]

REQUESTS = {
    "tensorflow": (
        "3.11",
        ("tensorflow", "numpy <2.2", "setuptools <82", "scikit-learn", "pandas", "matplotlib", "jupyterlab", "pip"),
    ),
    "pytorch": ("3.11", ("pytorch", "transformers", "datasets")),
    "boosting": ("3.12", ("xgboost", "lightgbm", "polars", "dask")),
}


@cache
def solved(case: str) -> Lock:
    python, specs = REQUESTS[case]
    wanted = (f"python {python}.*", *specs)
    records = RattlerSolver().solve(request(realchannel.closure(spec.split()[0] for spec in wanted), *wanted)).records
    return make_lock(make_platform(records, platform=Platform(subdir="osx-arm64", python=python, macos="13.0")))


def errors(lock: Lock) -> list[str]:
    found = prove(lock.platforms[0], distributions_of=distributions_of)
    return [finding.message for finding in found if finding.severity == "error"]


def independent_faults(lock: Lock, tmp_path: Path) -> list[str]:
    folder = tmp_path / lock.name
    folder.mkdir(exist_ok=True)
    for name, text in render(lock, ["environment.yml", "conda-lock.yml"]).items():
        (folder / name).write_text(text, encoding="utf-8")
    return faults(folder, Sources(channel=realchannel.ROOT))


@pytest.mark.parametrize("case", sorted(REQUESTS))
def test_a_real_lock_is_whole_for_both_and_comes_back(case: str, tmp_path: Path) -> None:
    lock = solved(case)
    assert errors(lock) == []
    assert independent_faults(lock, tmp_path) == []
    files = render(lock, OUTPUTS)
    assert files == render(lock, OUTPUTS)
    assert read_conda_lock(files["conda-lock.yml"], "conda-lock.yml") == normal_form(lock)
    assert read_explicit(files) == normal_form(lock)


@pytest.mark.parametrize("case", sorted(REQUESTS))
def test_what_is_proved_of_a_lock_is_proved_of_what_is_read_back(case: str) -> None:
    lock = broken(solved(case), random.Random(case), 5)
    back = read_conda_lock(render(lock, ["conda-lock.yml"])["conda-lock.yml"], "conda-lock.yml")
    assert len(errors(back)) == len(errors(lock)) > 0


def broken(lock: Lock, draw: random.Random, count: int = 1) -> Lock:
    """Put other records of the same names in the place of some."""
    (platform,) = lock.platforms
    records = {record.name: record for record in platform.conda}
    for name in draw.sample(sorted(records), count):
        records[name] = draw.choice([other for other in realchannel.by_name()[name] if other.md5 and other.sha256])
    return replace(lock, platforms=(replace(platform, conda=tuple(records.values())),))


@pytest.mark.parametrize("seed", range(20))
def test_the_proof_and_the_independent_reader_judge_alike(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    lock = broken(solved(draw.choice(sorted(REQUESTS))), draw)
    assert bool(errors(lock)) is bool(independent_faults(lock, tmp_path))


def test_a_large_lock_is_written_read_and_proved_in_few_calls() -> None:
    lock = solved("tensorflow")
    assert len(lock.platforms[0].conda) > 200
    text = render(lock, ["conda-lock.yml"])["conda-lock.yml"]
    assert calls(lambda: render(lock, ["conda-lock.yml"])) < 100_000
    assert calls(lambda: read_conda_lock(text, "conda-lock.yml")) < 250_000
    assert calls(lambda: errors(lock)) < 150_000


def test_real_records_of_every_name_can_be_held() -> None:
    """Write every hundredth record of the channel, which holds odd depends of six years."""
    names = sorted(realchannel.by_name())[::7]
    records: dict[str, Record] = {}
    for name in names:
        found = [record for record in realchannel.by_name()[name] if record.md5]
        records |= {record.name: record for record in found[:1]}
    lock = make_lock(make_platform(records.values()))
    files = render(lock, OUTPUTS)
    assert read_conda_lock(files["conda-lock.yml"], "conda-lock.yml") == normal_form(lock)
    assert read_explicit(files) == normal_form(lock)
