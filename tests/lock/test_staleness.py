from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.formats.registry import render
from envgen.lock.model import Lock
from envgen.lock.staleness import stale_reasons
from envgen.manifest.model import Manifest, digest, load_manifest
from envgen.models.channel import Channel
from envgen.models.findings import Decision
from envgen.models.platform import Platform
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
