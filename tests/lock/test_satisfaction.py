from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.model import PlatformLock
from envgen.lock.staleness import unsatisfied
from envgen.manifest.model import load_manifest
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from tests.fakes.locks import make_platform, make_record, make_wheel

_PROVIDED = {
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "pytest": ("pytest",),
    "six": ("six",),
    "torch-core": ("torch",),
}


def provided(record: Record) -> tuple[str, ...]:
    return _PROVIDED.get(record.name, ())


def decided(requirement: str, name: str, source: str = "conda") -> Decision:
    return Decision(
        requirement=requirement, name=name, source="conda" if source == "conda" else "pypi", why="it was decided so"
    )


def locked() -> PlatformLock:
    """Return what `dependencies: [pandas>=2, fastapi[standard]]`, `pypi: [internal]` and a dev group lock to."""
    records = [
        make_record("python", "3.12.4"),
        make_record("pip", "24.3"),
        make_record("numpy", "2.1.3", depends=["python"]),
        make_record("pandas", "2.2.0", depends=["numpy >=1.26", "python"]),
        make_record("fastapi", "0.115.0", depends=["python"]),
        make_record("hdf5", "1.14.3", "nompi_h1_100"),
        make_record("pytest", "8.3.3", depends=["python"]),
        make_record("jpeg", "9e"),
    ]
    wheels = [make_wheel("internal", "2.0", requires=["six"]), make_wheel("six", "1.17.0")]
    decisions = (
        decided("pandas>=2", "pandas"),
        decided("fastapi[standard]", "fastapi"),
        decided("pytest", "pytest"),
        decided("internal", "internal", "pypi"),
        decided("six", "six", "pypi"),
    )
    lock = make_platform(records, wheels, groups={PackageKey("conda", "pytest"): ("dev",)})
    return replace(lock, decisions=decisions)


MANIFEST = """\
name: demo
python: "3.12"
dependencies: [pandas>=2, "fastapi[standard]"]
conda: ["hdf5 >=1.14"]
pypi: [internal]
groups: {dev: [pytest]}
"""


def codes(manifest: str, lock: PlatformLock | None = None) -> list[tuple[str, str]]:
    found = unsatisfied(load_manifest(manifest, "envgen.yaml"), lock or locked(), provided)
    return [(reason.code, reason.message) for reason in found]


def test_what_was_locked_is_satisfied() -> None:
    assert codes(MANIFEST) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("pandas>=2,", "pandas>=2.1,", id="a bound that holds anyway"),
        pytest.param("pandas>=2,", "pandas>=2, numpy,", id="a package that was there anyway"),
        pytest.param("pandas>=2,", "pandas>=2, pywin32; sys_platform == 'win32',", id="a marker that does not apply"),
        pytest.param("[internal]", "[internal>=1.5]", id="a PyPI bound that holds"),
        pytest.param("[internal]", "[internal, other; sys_platform == 'win32']", id="a PyPI marker"),
        pytest.param(
            "groups:", "constraints: [numpy<3, absent<1, pandas<1; sys_platform == 'win32']\ngroups:", id="cap"
        ),
        pytest.param("groups:", "overrides: [numpy>=2]\ngroups:", id="an override that holds"),
        pytest.param("groups:", "mapping: {internal: null, pandas: pandas, gone: x}\ngroups:", id="mapping that holds"),
        pytest.param("hdf5 >=1.14", "hdf5 1.14.*", id="a spec that holds"),
    ],
)
def test_an_edit_that_the_lock_satisfies_anyway(old: str, new: str) -> None:
    assert old in MANIFEST
    assert codes(MANIFEST.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "word"),
    [
        pytest.param("pandas>=2,", "pandas>=3,", "REQUIREMENT", "pandas>=3", id="bound not met"),
        pytest.param("pandas>=2,", "pandas>=2, scipy,", "REQUIREMENT", "scipy", id="package not there"),
        pytest.param("fastapi[standard]", "fastapi[all]", "REQUIREMENT", "fastapi[all]", id="other extra"),
        pytest.param("[internal]", "[internal>=3]", "REQUIREMENT", "internal>=3", id="PyPI bound not met"),
        pytest.param("[internal]", "[internal, numpy]", "REQUIREMENT", "numpy", id="not from PyPI"),
        pytest.param("hdf5 >=1.14", "hdf5 >=1.15", "REQUIREMENT", "hdf5 >=1.15", id="spec not met"),
        pytest.param("hdf5 >=1.14", "netcdf4", "REQUIREMENT", "netcdf4", id="spec not there"),
        pytest.param("pandas>=2,", "", "LEFT-BEHIND", "pandas", id="removed"),
        pytest.param("pypi: [internal]\n", "", "LEFT-BEHIND", "internal, six", id="removed with what it needed"),
        pytest.param("groups:", "constraints: [numpy<2]\ngroups:", "CONSTRAINT", "numpy 2.1.3", id="constraint"),
        pytest.param("groups:", "overrides: [six<1]\ngroups:", "CONSTRAINT", "six 1.17.0", id="override"),
        pytest.param("groups:", "mapping: {pandas: null}\ngroups:", "MAPPING", "conda:pandas", id="never from conda"),
        pytest.param("groups:", "mapping: {internal: ours}\ngroups:", "MAPPING", "pypi:internal", id="from conda"),
        pytest.param("{dev: [pytest]}", "{docs: [pytest]}", "GROUP", "docs", id="other group"),
        pytest.param("{dev: [pytest]}", "{dev: [pytest, pandas]}", "", "", id="group of what main asks for too"),
        pytest.param("{dev: [pytest]}", "{dev: [pytest], a: [{include-group: dev}]}", "GROUP", "a, dev", id="include"),
        pytest.param("pandas>=2,", "pandas>=2, pytest,", "GROUP", "main", id="from a group to main"),
    ],
)
def test_an_edit_that_the_lock_does_not_satisfy(old: str, new: str, code: str, word: str) -> None:
    assert old in MANIFEST
    found = codes(MANIFEST.replace(old, new))
    assert [each for each, _ in found] == ([code] if code else [])
    assert all(word in message for _, message in found)


def test_a_decided_package_that_is_gone_is_not_satisfied() -> None:
    lock = locked()
    without = replace(lock, conda=tuple(record for record in lock.conda if record.name != "fastapi"))
    assert codes(MANIFEST, without) == [("REQUIREMENT", "`fastapi[standard]` is not what was locked")]


def test_a_version_that_is_no_pep_440_is_not_satisfied_by_guess() -> None:
    found = unsatisfied(
        load_manifest(MANIFEST.replace("pandas>=2,", "pandas>=2, jpeg,"), "envgen.yaml"),
        locked(),
        lambda record: ("jpeg",) if record.name == "jpeg" else provided(record),
    )
    assert [reason.code for reason in found] == ["REQUIREMENT"]


def test_metal_is_asked_for_by_the_accelerator() -> None:
    lock = locked()
    metal = replace(
        lock,
        accelerator="metal",
        pypi=(*lock.pypi, make_wheel("tensorflow-metal", "1.2.0")),
        decisions=(*lock.decisions, decided("tensorflow-metal", "tensorflow-metal", "pypi")),
    )
    assert codes(f"{MANIFEST}accelerator: metal\n", metal) == []
    assert codes(MANIFEST, replace(metal, accelerator="cpu")) == [
        ("LEFT-BEHIND", "nothing needs tensorflow-metal any more")
    ]
