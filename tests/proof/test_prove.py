from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.lock.model import LockedWheel, PlatformLock
from envgen.mapping.channel_packages import distributions_of
from envgen.models.findings import Finding
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.proof.prove import new_findings, proof_faults, prove
from tests.fakes.locks import LINUX, make_platform, make_record, make_wheel, small_platform

WARNINGS = {"DOUBLE-CONTENT", "HASH-WEAK", "REQUIRES-UNREADABLE", "SPEC-UNREADABLE", "URL-ELSEWHERE"}
MONTEREY = Platform(subdir="osx-arm64", python="3.12", macos="12.0")


def provided(record: Record) -> tuple[str, ...]:
    """Return that Python records hold the distribution of their own name, and pytorch that of torch."""
    if record.name == "pytorch":
        return ("torch",)
    is_python = any(depend.startswith("python") for depend in record.depends) or record.name == "pip"
    return (record.name.replace("_", "-"),) if is_python else ()


def faults(*packages: Record | LockedWheel, platform: Platform | None = None, python: str = "3.12.4") -> list[Finding]:
    base = [make_record("python", python, "h1_0_cpython"), make_record("pip", "24.3")]
    records = [*base, *(each for each in packages if isinstance(each, Record))]
    wheels = [each for each in packages if isinstance(each, LockedWheel)]
    lock = make_platform(records, wheels) if platform is None else make_platform(records, wheels, platform)
    found = list(prove(lock, distributions_of=provided))
    assert all(finding.severity == ("warning" if finding.code in WARNINGS else "error") for finding in found)
    assert all(finding.packages and all(finding.packages) for finding in found)
    return found


def codes(*packages: Record | LockedWheel, platform: Platform | None = None, python: str = "3.12.4") -> list[str]:
    return [finding.code for finding in faults(*packages, platform=platform, python=python)]


def with_python(record: Record) -> Record:
    return replace(record, depends=("python", *record.depends))


NUMPY = with_python(make_record("numpy", "2.1.3", "py312h94ee1e1_4"))


def test_a_sound_lock_has_no_fault() -> None:
    assert prove(small_platform(), distributions_of=distributions_of) == ()


def test_what_the_day_of_locking_did_not_know_is_new() -> None:
    weak = replace(make_record("numpy", "2.1.3"), sha256="")
    lock = make_platform([make_record("python", "3.12.4"), weak])
    (finding,) = prove(lock, distributions_of=distributions_of)
    assert new_findings(lock) == (f"osx-arm64: HASH-WEAK: {weak} has no sha256",)
    assert new_findings(replace(lock, findings=(finding,))) == ()
    assert proof_faults(lock) == ()


def test_errors_are_faults_and_not_news() -> None:
    lock = make_platform([make_record("python", "3.11.9")])
    message = "osx-arm64: python=3.11.9=h1234567_0 is locked for python 3.12"
    assert [(fault.code, fault.message) for fault in proof_faults(lock)] == [("PYTHON", message)]
    assert new_findings(lock) == ()


@pytest.mark.parametrize(
    ("depend", "code"),
    [
        pytest.param("numpy", "", id="any"),
        pytest.param("numpy >=2,<3", "", id="version met"),
        pytest.param("numpy 2.1.* py312*", "", id="build met"),
        pytest.param("__osx >=13.0", "", id="macOS met"),
        pytest.param("__unix", "", id="virtual package"),
        pytest.param("__archspec 1 m1", "", id="archspec"),
        pytest.param("numpy >=2.2", "DEPENDS-UNMET", id="version not met"),
        pytest.param("numpy * py311*", "DEPENDS-UNMET", id="build not met"),
        pytest.param("scipy", "DEPENDS-MISSING", id="missing"),
        pytest.param("__osx >=14.0", "SYSTEM", id="newer macOS"),
        pytest.param("__glibc >=2.17", "SYSTEM", id="other system"),
        pytest.param("__cuda", "SYSTEM", id="no such device"),
        pytest.param("numpy >>2", "SPEC-UNREADABLE", id="unreadable"),
    ],
)
def test_depends_are_met_by_records_and_virtual_packages(depend: str, code: str) -> None:
    assert codes(NUMPY, make_record("app", depends=[depend])) == ([code] if code else [])


@pytest.mark.parametrize(
    ("constrain", "code"),
    [
        pytest.param("scipy >=99", "", id="absent"),
        pytest.param("numpy >=2", "", id="heeded"),
        pytest.param("numpy <2", "CONSTRAINS", id="version"),
        pytest.param("numpy * py311*", "CONSTRAINS", id="build"),
        pytest.param("__osx >=13.0", "", id="macOS heeded"),
        pytest.param("__osx >=14.0", "SYSTEM", id="newer macOS"),
        pytest.param("__glibc >=2.17", "", id="virtual package that is absent"),
        pytest.param("numpy >>2", "SPEC-UNREADABLE", id="unreadable"),
        pytest.param("six >=1.16", "", id="PyPI heeded"),
        pytest.param("six <1.16", "CONSTRAINS-PYPI", id="PyPI version"),
        pytest.param("pytorch <2", "CONSTRAINS-PYPI", id="PyPI under conda's name"),
        pytest.param("app-twin ==999", "", id="nobody of that name"),
    ],
)
def test_constrains_hold_for_both_halves(constrain: str, code: str) -> None:
    app = make_record("app", constrains=[constrain])
    found = codes(NUMPY, app, make_wheel("six", "1.17.0"), make_wheel("torch", "2.5.0"))
    assert found == ([code] if code else [])


def test_what_is_locked_in_the_place_of_what_is_needed_is_said() -> None:
    needs, goes = make_record("a", depends=["numpy >=3"]), make_record("b", constrains=["numpy >=4"])
    assert [(finding.code, finding.message) for finding in faults(NUMPY, needs, goes)] == [
        ("CONSTRAINS", f"{goes} goes only with `numpy >=4`, and {NUMPY} is locked"),
        ("DEPENDS-UNMET", f"{needs} needs `numpy >=3`, and {NUMPY} is locked"),
    ]


@pytest.mark.parametrize("kind", ["depends", "constrains"])
def test_an_unreadable_spec_is_told_with_where_it_stands(kind: str) -> None:
    record = with_python(make_record("a", "1.0", "0"))
    specs = ("numpy >>2",)
    record = replace(record, depends=specs) if kind == "depends" else replace(record, constrains=specs)
    assert [finding.message for finding in faults(record)] == [f"`numpy >>2` in the {kind} of {record} cannot be read"]


def test_a_twins_constrains_are_not_about_pypi() -> None:
    twin = make_record("argon2_cffi", constrains=["argon2-cffi ==999"])
    assert codes(twin, make_wheel("argon2-cffi", "23.1.0")) == []


def test_the_same_macos_floor_judges_records_and_wheels() -> None:
    record = make_record("app", depends=["__osx >=13.0"])
    wheel = make_wheel("native", tag="cp312-cp312-macosx_13_0_arm64")
    assert codes(record, wheel) == []
    assert codes(record, wheel, platform=MONTEREY) == ["SYSTEM", "WHEEL-TAGS"]
    hints = {finding.hint for finding in faults(record, wheel, platform=MONTEREY)}
    assert all("macos" in hint for hint in hints)


@pytest.mark.parametrize(
    ("package", "code"),
    [
        pytest.param(replace(NUMPY, subdir="linux-64"), ["SUBDIR", "URL"], id="other platform"),
        pytest.param(make_record("a", subdir="osx-64"), ["SUBDIR"], id="other platform throughout"),
        pytest.param(make_record("a", subdir="noarch"), [], id="noarch"),
        pytest.param(replace(make_record("a"), subdir=""), ["SUBDIR", "URL"], id="no platform"),
        pytest.param(replace(NUMPY, version="2.1.4"), ["URL"], id="edited version"),
        pytest.param(replace(NUMPY, build="py312h94ee1e1_5"), ["URL"], id="edited build"),
        pytest.param(replace(NUMPY, url=NUMPY.url.replace("numpy", "numpi")), ["URL"], id="edited url"),
        pytest.param(replace(NUMPY, channel="https://other.example"), ["URL-ELSEWHERE"], id="other channel"),
        pytest.param(replace(NUMPY, sha256=""), ["HASH-WEAK"], id="md5 alone"),
        pytest.param(replace(NUMPY, md5=""), [], id="sha256 alone"),
        pytest.param(replace(NUMPY, md5="", sha256=""), ["HASH-MISSING"], id="no hash"),
        pytest.param(replace(NUMPY, md5="0" * 31), ["HASH-MALFORMED"], id="short md5"),
        pytest.param(replace(NUMPY, sha256="G" * 64), ["HASH-MALFORMED"], id="odd sha256"),
    ],
)
def test_a_record_is_the_file_that_it_says(package: Record, code: list[str]) -> None:
    assert codes(package) == code


SIX = make_wheel("six", "1.17.0", "py2.py3-none-any")


@pytest.mark.parametrize(
    ("wheel", "code"),
    [
        pytest.param(SIX, [], id="pure"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, sha256="")), ["HASH-MISSING"], id="no hash"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, sha256="1")), ["HASH-MALFORMED"], id="odd hash"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, url="")), [], id="no url"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, url=NUMPY.url)), ["URL"], id="url of another file"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, version="1.16")), ["WHEEL-NAME"], id="edited version"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, version="?")), ["WHEEL-NAME"], id="odd version"),
        pytest.param(replace(SIX, wheel=replace(SIX.wheel, name="seven")), ["WHEEL-NAME"], id="edited name"),
        pytest.param(make_wheel("a", tag="sdist"), ["WHEEL-NAME"], id="no wheel name"),
        pytest.param(make_wheel("a", tag="cp311-cp311-macosx_12_0_arm64"), ["WHEEL-TAGS"], id="other python"),
        pytest.param(make_wheel("a", tag="cp312-cp312-macosx_12_0_x86_64"), ["WHEEL-TAGS"], id="other machine"),
        pytest.param(make_wheel("a", tag="cp312-cp312-macosx_14_0_arm64"), ["WHEEL-TAGS"], id="newer macOS"),
        pytest.param(make_wheel("a", requires_python=">=3.9"), [], id="python met"),
        pytest.param(make_wheel("a", requires_python=">=3.12.4,<3.13"), [], id="python met to the micro"),
        pytest.param(make_wheel("a", requires_python="<3.12"), ["REQUIRES-PYTHON"], id="python not met"),
        pytest.param(make_wheel("a", requires_python=">=3.6.*"), ["REQUIRES-UNREADABLE"], id="python unreadable"),
    ],
)
def test_a_wheel_is_the_file_that_it_says_and_fits(wheel: LockedWheel, code: list[str]) -> None:
    assert codes(wheel) == code


@pytest.mark.parametrize(
    ("requires", "code"),
    [
        pytest.param("six>=1.15", "", id="met by a wheel"),
        pytest.param("Six", "", id="canonical name"),
        pytest.param("numpy<3,>=1.26", "", id="met by a record"),
        pytest.param("torch>=2.0rc1", "", id="met under conda's other name"),
        pytest.param("numpy>=2.0rc1", "", id="pre-release bound"),
        pytest.param("six<1.17", "REQUIRES-UNMET", id="wheel too new"),
        pytest.param("numpy<2.1", "REQUIRES-UNMET", id="record too new"),
        pytest.param("zlib", "REQUIRES-MISSING", id="conda's library is no distribution"),
        pytest.param("absent", "REQUIRES-MISSING", id="nothing"),
        pytest.param("six @ https://h.example/six.whl", "REQUIRES-UNREADABLE", id="url"),
        pytest.param("odd>=1", "REQUIRES-UNREADABLE", id="conda's version is no PEP 440"),
        pytest.param("six >=", "REQUIRES-UNREADABLE", id="unreadable"),
    ],
)
def test_what_a_wheel_requires_is_met_by_either_half(requires: str, code: str) -> None:
    records = [NUMPY, make_record("zlib"), make_record("pytorch", "2.5.1"), with_python(make_record("odd", "9e_1"))]
    found = codes(*records, SIX, make_wheel("app", requires=[requires]))
    assert found == ([code] if code else [])


def test_a_pre_release_that_was_locked_counts_as_what_it_is() -> None:
    release = with_python(make_record("scipy", "1.16.0rc1"))
    assert codes(release, make_wheel("a", requires=["scipy>=1.15"])) == []
    assert codes(release, make_wheel("a", requires=["scipy>=1.16"])) == ["REQUIRES-UNMET"]


def test_a_distribution_has_one_source() -> None:
    assert codes(make_record("pytorch", "2.5.1"), make_wheel("torch", "2.5.1")) == ["DOUBLE-DISTRIBUTION"]
    alias = replace(make_record("torch"), depends=("python",))
    assert codes(make_record("pytorch"), alias) == ["DOUBLE-CONTENT"]


def test_who_else_has_a_distribution_is_said() -> None:
    torch, cpu, wheel = make_record("pytorch", "2.5.1"), with_python(make_record("torch")), make_wheel("torch", "2.6.0")
    (double,) = faults(torch, cpu, wheel)
    assert double.message == f"torch is provided by torch 2.6.0 from PyPI and by {torch}, {cpu}"
    assert double.hint == "lock again: `envgen lock --update torch`"
    assert double.packages == ("pytorch", "torch")
    (content,) = faults(torch, cpu)
    assert content.message == f"torch is provided by {torch} and by {cpu}"
    assert content.packages == ("pytorch", "torch")


def test_a_package_is_locked_once() -> None:
    assert "DOUBLE-RECORD" in codes(NUMPY, replace(NUMPY, build="py312h94ee1e1_5"))
    assert "DOUBLE-WHEEL" in codes(SIX, SIX)


def test_conda_names_that_differ_in_separators_alone_are_two_packages() -> None:
    alias = make_record("typing-extensions", "4.12.2", depends=["typing_extensions ==4.12.2"], subdir="noarch")
    real = make_record("typing_extensions", "4.12.2", depends=["python >=3.8"], subdir="noarch")
    lock = make_platform([make_record("python", "3.12.4"), alias, real])
    assert prove(lock, distributions_of=distributions_of) == ()


def test_a_cycle_is_no_fault() -> None:
    assert codes(make_record("a", depends=["b"]), make_record("b", depends=["a"])) == []


def test_the_python_is_of_the_targets_minor() -> None:
    assert codes(python="3.11.9") == ["PYTHON"]
    assert codes(python="3.12.0rc2") == []


def test_wheels_need_a_pip() -> None:
    lock = make_platform([make_record("python", "3.12.4")], [SIX])
    assert [finding.code for finding in prove(lock, distributions_of=provided)] == ["PIP-MISSING"]


def test_without_a_python_record_the_target_counts() -> None:
    wheels = [make_wheel("a", requires_python=">=3.12"), make_wheel("b", requires_python=">=3.13")]
    lock = make_platform([make_record("pip")], wheels)
    assert [finding.packages for finding in prove(lock, distributions_of=provided)] == [("b",)]


def test_linux_is_judged_as_linux() -> None:
    python = make_record("python", "3.12.4", subdir="linux-64", depends=["__glibc >=2.17"])
    pip = make_record("pip", subdir="noarch")
    native = make_wheel("native", tag="cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64")
    assert prove(make_platform([python, pip], [native], LINUX), distributions_of=provided) == ()


def test_findings_are_sorted_errors_first_each_once() -> None:
    lock: PlatformLock = make_platform(
        [make_record("a", depends=["x", "y"]), replace(make_record("b"), sha256=""), make_record("a", depends=["x"])],
        [SIX, SIX, make_wheel("c", requires=["z"])],
    )
    findings = prove(lock, distributions_of=provided)
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities)
    assert len(set(findings)) == len(findings)
    assert {finding.code for finding in findings} >= {"DEPENDS-MISSING", "HASH-WEAK", "REQUIRES-MISSING", "PIP-MISSING"}
    for finding in findings:
        assert finding.severity == ("warning" if finding.code == "HASH-WEAK" else "error")
        assert finding.hint
        assert finding.packages
        assert not finding.message.endswith(".")
