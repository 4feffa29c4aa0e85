"""Test why a lock is no longer what its manifest asks for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.errors import SourceLine
from envgen.formats.registry import render
from envgen.lock.custom_metadata import digest_matches, with_earlier_hints
from envgen.lock.model import Lock, PlatformLock
from envgen.lock.staleness import stale_reasons, unsatisfied
from envgen.manifest.model import Manifest, digest, load_manifest
from envgen.models.channel import Channel
from envgen.models.findings import Decision
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.record import Record
from envgen.models.requirement import Origin, Requirement
from tests.fakes.locks import make_platform, make_record, make_wheel

TEXT = """\
name: demo
python: "3.12"
dependencies: [numpy>=2]
"""


def manifest(text: str = TEXT) -> Manifest:
    return load_manifest(text, "envgen.yaml")


def locked(text: str = TEXT) -> Lock:
    decision = Decision(requirement="numpy>=2", name="numpy", source="conda", why="the channel has it")
    numpy = make_record("numpy", "2.1.3", depends=["python >=3.12"])
    platform = replace(make_platform([numpy, make_record("python", "3.12.4")]), decisions=(decision,))
    asked = manifest(text)
    return Lock(
        name="demo",
        created_by="envgen 1.2.3",
        channels=asked.channels,
        manifest_digest=digest(asked),
        platforms=(platform,),
        exclude_newer=asked.exclude_newer_text,
    )


def found(text: str, lock: Lock) -> list[str]:
    return [reason.code for reason in stale_reasons(manifest(text), lock, {})]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TEXT, id="untouched"),
        pytest.param(f"# a comment\n{TEXT}", id="comment"),
        pytest.param(TEXT.replace("numpy>=2", "numpy>=2.1"), id="satisfied anyway"),
        pytest.param(f"{TEXT}exclude-newer: 2026-08-01\n", id="everything is older than that"),
        pytest.param(f"{TEXT}exclude-newer: 2023-11-14T22:13:20Z\n", id="published at that very moment"),
    ],
)
def test_a_lock_that_is_still_true(text: str) -> None:
    assert found(text, locked()) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(TEXT.replace("demo", "other"), "NAME", id="name"),
        pytest.param(TEXT.replace("3.12", "3.11"), "PYTHON", id="python"),
        pytest.param(f"{TEXT}platforms: [{{platform: osx-arm64, macos: '14.0'}}]\n", "MACOS", id="macOS"),
        pytest.param(f"{TEXT}platforms: [osx-arm64, linux-64]\n", "PLATFORM", id="one more platform"),
        pytest.param(f"{TEXT}accelerator: metal\n", "ACCELERATOR", id="accelerator"),
        pytest.param(f"{TEXT}channels: [conda-forge, bioconda]\n", "CHANNELS", id="channels"),
        pytest.param(f"{TEXT}indexes: ['https://h.example/simple']\n", "INDEXES", id="indexes"),
        pytest.param(TEXT.replace("numpy>=2", "numpy>=3"), "REQUIREMENT", id="requirement"),
        pytest.param(f"{TEXT}exclude-newer: 2020-01-01\n", "EXCLUDE-NEWER", id="older than everything"),
    ],
)
def test_an_edit_that_makes_the_lock_stale(text: str, code: str) -> None:
    assert found(text, locked()) == [code]


def test_a_platform_that_was_dropped_makes_the_lock_stale() -> None:
    lock = locked()
    linux = make_platform(platform=Platform(subdir="linux-64", python="3.12"))
    assert found(TEXT, replace(lock, platforms=(*lock.platforms, linux))) == ["PLATFORM"]


def test_a_lock_without_platforms_is_stale() -> None:
    assert found(TEXT.replace('python: "3.12"\n', ""), replace(locked(), platforms=())) == ["PLATFORM"]


def test_without_a_written_python_the_locked_one_counts() -> None:
    text = TEXT.replace('python: "3.12"\n', "")
    assert found(text, replace(locked(), manifest_digest=digest(manifest(text)))) == []


def test_packages_are_not_compared_with_a_manifest_that_is_the_same() -> None:
    lock = replace(locked(), platforms=(make_platform([make_record("python", "3.12.4")]),))
    assert found(TEXT, lock) == []
    assert found(f"{TEXT}overrides: [six]\n", lock) == ["REQUIREMENT"]


def test_the_order_of_channels_is_meaning() -> None:
    text = f"{TEXT}channels: [a, b]\n"
    lock = replace(locked(text), channels=(Channel.parse("b"), Channel.parse("a")))
    assert found(text, lock) == ["CHANNELS"]


def test_what_has_no_date_is_said_when_a_date_is_asked_for() -> None:
    lock = locked()
    platform = lock.platforms[0]
    undated = tuple(replace(record, timestamp=None) for record in platform.conda)
    lock = replace(lock, platforms=(replace(platform, conda=undated, pypi=(make_wheel("six"),)),))
    (reason,) = stale_reasons(manifest(f"{TEXT}exclude-newer: 2026-08-01\n"), lock, {})
    assert reason.code == "EXCLUDE-NEWER"
    assert reason.message.endswith("no date of numpy, python, six")


def test_an_unchanged_exclude_newer_asks_for_no_dates() -> None:
    text = f"{TEXT}exclude-newer: 2020-01-01\n"
    assert found(text, locked(text)) == []
    assert found(text.replace("numpy>=2", "numpy"), locked(text)) == []


def test_a_lock_stays_true_without_its_exclude_newer() -> None:
    assert found(TEXT, locked(f"{TEXT}exclude-newer: 2026-08-01\n")) == []


def test_other_projects_of_the_users_own() -> None:
    lock = replace(locked(), projects=("-e .",))
    (reason,) = stale_reasons(manifest(f"{TEXT}local: [{{path: libs/ours}}]\n"), lock, {})
    assert (reason.code, reason.message) == (
        "LOCAL",
        "locked with the projects -e ., and the manifest says ./libs/ours",
    )
    assert found(f"{TEXT}local: [{{path: ., editable: true}}]\n", lock) == []


class TestFiles:
    def texts(self, outputs: str = "[environment.yml, conda-lock.yml]") -> dict[str, str]:
        return render(locked(), load_manifest(f"{TEXT}outputs: {outputs}\n", "envgen.yaml").outputs)

    def reasons(self, texts: dict[str, str]) -> list[tuple[str, str]]:
        return [(each.code, each.message) for each in stale_reasons(manifest(), locked(), texts, self.texts())]

    def test_untouched_files_are_true(self) -> None:
        assert self.reasons(self.texts()) == []

    def test_line_ends_of_another_system_are_true(self) -> None:
        assert self.reasons({name: text.replace("\n", "\r\n") for name, text in self.texts().items()}) == []

    def test_hints_that_name_no_groups_are_those_of_an_earlier_envgen(self) -> None:
        """Such a lock stays as it is, byte for byte, as long as nothing else of it was edited."""
        (platform,) = locked().platforms
        groups = {PackageKey("conda", "numpy"): ("dev", "docs")}
        lock = replace(locked(), platforms=(replace(platform, groups=groups),))
        now = render(lock, manifest().outputs)
        text = now["conda-lock.yml"]
        assert "#         or: conda-lock install --name demo --extras docs conda-lock.yml\n" in text
        assert " --file conda-lock.yml --category main --category dev --category docs\n" in text
        earlier = with_earlier_hints(text)
        assert "#         or: conda-lock install --name demo conda-lock.yml\n" in earlier
        assert " --file conda-lock.yml\n" in earlier
        assert digest_matches(earlier)
        for committed, codes in (
            (earlier, []),
            (earlier.replace("\n", "\r\n"), []),
            (earlier.replace("2.1.3", "2.1.2"), ["FILE-DIFFERS"]),
            (text.replace(" --category dev", ""), ["FILE-DIFFERS"]),
        ):
            reasons = stale_reasons(manifest(), lock, {**now, "conda-lock.yml": committed}, now)
            assert [reason.code for reason in reasons] == codes

    def test_a_missing_file(self) -> None:
        texts = self.texts()
        del texts["environment.yml"]
        assert self.reasons(texts) == [("FILE-MISSING", "environment.yml is missing")]

    def test_an_edited_file_is_named_with_its_line(self) -> None:
        texts = self.texts()
        texts["environment.yml"] = texts["environment.yml"].replace("numpy=2.1.3", "numpy=2.1.2")
        line = texts["environment.yml"].split("\n").index("  - numpy=2.1.2=h1234567_0") + 1
        message = f"environment.yml is not what the lock says, from line {line} on"
        assert self.reasons(texts) == [("FILE-DIFFERS", message)]

    def test_a_cut_file(self) -> None:
        texts = self.texts()
        texts["environment.yml"] = texts["environment.yml"][:-20]
        assert [code for code, _ in self.reasons(texts)] == ["FILE-DIFFERS"]

    def test_a_generated_file_of_other_outputs_is_left_over_and_the_users_own_is_not(self) -> None:
        more = self.texts("[explicit]")
        texts = {**self.texts(), **more, "requirements.osx-arm64.txt": "mine\n"}
        assert self.reasons(texts) == [("FILE-LEFT", "explicit.osx-arm64.txt is left from other outputs or platforms")]

    def test_files_are_compared_only_with_what_is_given(self) -> None:
        assert stale_reasons(manifest(), locked(), {}) == ()


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


def locked_platform() -> PlatformLock:
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
    found = unsatisfied(load_manifest(manifest, "envgen.yaml"), lock or locked_platform(), provided)
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


def test_a_requirement_of_the_users_own_project_is_named_with_its_line() -> None:
    line = SourceLine(file="pyproject.toml", line=5, text="")
    own = [Requirement.parse("scipy", Origin(path="", line=line)), Requirement.parse("flask", Origin(path=""))]
    found = unsatisfied(load_manifest(MANIFEST, "envgen.yaml").needing(own), locked_platform(), provided)
    assert [reason.message for reason in found] == [
        "`scipy` of pyproject.toml, line 5, is not what was locked",
        "`flask` is not what was locked",
    ]


def test_a_decided_package_that_is_gone_is_not_satisfied() -> None:
    lock = locked_platform()
    without = replace(lock, conda=tuple(record for record in lock.conda if record.name != "fastapi"))
    assert codes(MANIFEST, without) == [("REQUIREMENT", "`fastapi[standard]` is not what was locked")]


def test_a_version_that_is_no_pep_440_is_not_satisfied_by_guess() -> None:
    found = unsatisfied(
        load_manifest(MANIFEST.replace("pandas>=2,", "pandas>=2, jpeg,"), "envgen.yaml"),
        locked_platform(),
        lambda record: ("jpeg",) if record.name == "jpeg" else provided(record),
    )
    assert [reason.code for reason in found] == ["REQUIREMENT"]


def test_an_extra_that_was_locked_as_it_stands_is_there() -> None:
    lock, text = locked_platform(), MANIFEST.replace("[internal]", "['internal[x]']")
    assert codes(text, lock) == [("REQUIREMENT", "`internal[x]` of `pypi` is not what was locked")]
    own = decided("internal[x]", "internal", "pypi")
    assert codes(text, replace(lock, decisions=(*lock.decisions, own))) == []


def test_metal_is_asked_for_by_the_accelerator() -> None:
    lock = locked_platform()
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
