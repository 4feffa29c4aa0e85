"""Test which fixes a blocked requirement has, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.diagnosis.blocked import BlockedRequirement
from envgen.diagnosis.fixes import fixes_of
from envgen.diagnosis.results import ManifestEdit
from envgen.planner.overrides import removal
from tests.diagnosis.values import blocked, listed, python_record

LINUX = "; sys_platform == 'linux'"


def edits(asked: BlockedRequirement) -> list[ManifestEdit | None]:
    return [fix.edit for fix in fixes_of(asked)]


def texts(asked: BlockedRequirement) -> str:
    return " | ".join(fix.text for fix in fixes_of(asked))


class TestVersions:
    def test_the_next_newer_one_that_can_be_had(self) -> None:
        files = ("intel 1.0", "arm 1.2", "arm 2.0")
        assert edits(blocked("demo==1.0", listed("demo", *files)))[0] == ManifestEdit(dependencies=("demo>=1.2",))

    def test_of_conda_too(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "intel 1.0"), python_record("demo", "1.1", "3.12"))
        assert edits(asked)[0] == ManifestEdit(dependencies=("demo>=1.1",))

    def test_but_not_where_conda_may_not_serve(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "intel 1.0"), python_record("demo", "1.1", "3.12"))
        only = replace(asked, question=replace(asked.question, pypi_only=True))
        assert ManifestEdit(dependencies=("demo>=1.1",)) not in edits(only)

    def test_the_newest_of_the_older_ones(self) -> None:
        files = ("arm 0.8", "arm 0.9", "intel 1.0")
        assert edits(blocked("demo==1.0", listed("demo", *files)))[0] == ManifestEdit(dependencies=("demo<=0.9",))

    def test_extras_and_marker_stay(self) -> None:
        asked = blocked("demo[fast]==1.0; python_version > '3.8'", listed("demo", "intel 1.0", "arm 1.2"))
        assert edits(asked)[0] == ManifestEdit(dependencies=('demo[fast]>=1.2; python_version > "3.8"',))

    def test_pre_releases_are_no_fix_out(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "intel 1.0", "arm 2.0rc1"))
        assert not any(edit and "2.0" in "".join(edit.dependencies) for edit in edits(asked))

    def test_the_users_pypi_list_stays_one(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "intel 1.0", "arm 1.2"))
        only = replace(asked, question=replace(asked.question, pypi_only=True))
        assert edits(only)[0] == ManifestEdit(pypi=("demo>=1.2",))

    def test_what_others_ask_for_otherwise_is_overridden(self) -> None:
        asked = replace(blocked("demo==1.0", listed("demo", "intel 1.0", "arm 1.2")), other_specifiers=("==1.0",))
        assert edits(asked)[0] == ManifestEdit(dependencies=("demo>=1.2",), overrides=("demo>=1.2",))


class TestTargets:
    def test_the_common_python(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "arm 1.0 cp311", "arm 2.0"), common_python="3.11")
        assert edits(asked)[:2] == [ManifestEdit(python="3.11", keeps=True), ManifestEdit(dependencies=("demo>=2.0",))]

    def test_what_cannot_be_had_on_it_either_is_judged_as_if_it_were_taken(self) -> None:
        files = ("arm 1.0 cp310", "arm 1.5 cp311", "arm 2.0 cp312")
        asked = blocked("demo==1.0", listed("demo", *files), common_python="3.11")
        assert edits(asked)[0] == ManifestEdit(dependencies=("demo>=1.5",))

    def test_the_lowest_macos_that_helps(self) -> None:
        files = ("arm 1.0 cp312 14.0", "arm 2.0 cp312 15.0")
        asked = blocked("demo", listed("demo", *files), python_record("demo", "3.0", "3.12", macos="13.5"))
        assert edits(asked)[0] == ManifestEdit(macos="13.5", keeps=True)

    def test_a_floor_without_minor_is_written_out(self) -> None:
        asked = blocked("demo", None, python_record("demo", "3.0", "3.12", macos="15"))
        assert edits(asked)[0] == ManifestEdit(macos="15.0", keeps=True)


class TestNames:
    def test_what_the_facts_put_in_its_place(self) -> None:
        asked = blocked("tensorflow-cpu==2.19.*", listed("tensorflow-cpu", "linux 2.19.0"))
        there = blocked("tensorflow==2.19.*", listed("tensorflow", "arm 2.19.1"))
        found = fixes_of(replace(asked, replacement=there))[0]
        assert found.edit == ManifestEdit(dependencies=("tensorflow==2.19.*",))
        assert "never had an arm64 macOS wheel" in found.text

    def test_with_what_that_needs_in_turn(self) -> None:
        asked = blocked("tensorflow-macos==2.15.1", listed("tensorflow-macos", "arm 2.15.1 cp311"))
        there = blocked("tensorflow==2.15.1", listed("tensorflow", "arm 2.15.1 cp311"))
        assert edits(replace(asked, replacement=there))[0] == ManifestEdit(
            dependencies=("tensorflow==2.15.1",), python="3.11"
        )

    def test_or_in_another_version(self) -> None:
        asked = blocked("tensorflow-cpu==2.12", listed("tensorflow-cpu", "linux 2.12"))
        there = blocked("tensorflow==2.12", listed("tensorflow", "intel 2.12", "arm 2.16"))
        assert edits(replace(asked, replacement=there))[0] == ManifestEdit(dependencies=("tensorflow>=2.16",))

    def test_a_name_that_nothing_replaces(self) -> None:
        assert edits(blocked("tensorflow-deps", None))[0] == ManifestEdit()

    def test_names_that_may_have_been_meant(self) -> None:
        asked = blocked("scikit-lern", None, suggestions=(".scikit", "scikit-learn"))
        assert edits(asked) == [ManifestEdit(dependencies=("scikit-learn",)), ManifestEdit()]

    def test_what_a_fact_names_instead(self) -> None:
        assert edits(blocked("pyaudio", listed("pyaudio", "sdist 0.2.14")))[0] == ManifestEdit(
            dependencies=("sounddevice",)
        )

    def test_the_old_name_of_a_release(self) -> None:
        asked = blocked("tensorflow==2.9", listed("tensorflow", "intel 2.9.0", "arm 2.16.1"))
        there = blocked("tensorflow-macos==2.9", listed("tensorflow-macos", "arm 2.9.0 cp310", "arm 2.16.1"))
        found = fixes_of(replace(asked, replacement=there))
        assert found[0].edit == ManifestEdit(dependencies=("tensorflow-macos==2.9",), python="3.10")
        assert "was released as tensorflow-macos" in found[0].text
        assert found[1].edit == ManifestEdit(dependencies=("tensorflow>=2.16.1",))

    def test_nothing_is_built_of_what_something_else_replaces(self) -> None:
        asked = blocked("tensorflow-gpu", listed("tensorflow-gpu", "sdist 2.12.0"))
        there = blocked("tensorflow", listed("tensorflow", "arm 2.21"))
        assert "--no-binary" not in texts(replace(asked, replacement=there))

    def test_what_goes_on_with_a_root(self) -> None:
        asked = blocked("theano-pymc", listed("theano-pymc", "sdist 1.1.2"), asked="pymc3")
        assert edits(asked)[0] == ManifestEdit(dependencies=("pymc",))


class TestNoUse:
    def test_cuda_is_neither_built_nor_moved(self) -> None:
        asked = blocked("cupy", listed("cupy", "sdist 14.0", "arm 9.0 cp311"), common_python="3.11")
        (found,) = fixes_of(asked)
        assert found.edit == ManifestEdit(dependencies=("cupy; sys_platform != 'darwin'",))
        assert "CUDA does not exist on a Mac" in found.text

    def test_nor_asked_for_by_others(self) -> None:
        asked = blocked("nvidia-nccl-cu12", listed("nvidia-nccl-cu12", "linux 2.0"), asked="root")
        assert edits(asked) == [ManifestEdit(keeps=True, overrides=(removal("nvidia-nccl-cu12"),))]


class TestRoundabout:
    def test_a_newer_one_on_another_python(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "intel 1.0", "arm 1.2 cp311", "arm 1.3 cp310"))
        assert ManifestEdit(dependencies=("demo>=1.2",), python="3.11") in edits(asked)

    def test_a_newer_root_before_an_override(self) -> None:
        asked = blocked("leaf==1.0", listed("leaf", "arm 1.2"), asked="root==2.0")
        assert edits(asked)[:2] == [
            ManifestEdit(dependencies=("root>=2.0",)),
            ManifestEdit(keeps=True, overrides=("leaf>=1.2",)),
        ]

    def test_releases_that_hold_nothing_are_no_fix_out(self) -> None:
        asked = blocked("mxnet", listed("mxnet", "pure 1.6.0", "intel 1.9.1"))
        assert edits(asked) == [ManifestEdit(dependencies=("mxnet; sys_platform == 'linux'",))]


class TestSources:
    NAMES = frozenset({"compilers", "cmake", "portaudio"})

    def test_a_toolchain_and_the_fix_to_build(self) -> None:
        asked = blocked("dlib", listed("dlib", "sdist 20.0"), channel_names=self.NAMES)
        found = fixes_of(asked)[0]
        assert found.edit == ManifestEdit(conda=("compilers", "cmake"))
        for part in (
            '"dlib==20.0"',
            "xcode-select --install",
            "--no-binary dlib",
            "conda-forge has `dlib`, but not as it was read here",
        ):
            assert part in found.text

    def test_only_what_the_channel_has(self) -> None:
        assert edits(blocked("dlib", listed("dlib", "sdist 20.0")))[0] == ManifestEdit()

    def test_what_others_need_as_well_is_overridden(self) -> None:
        asked = blocked("plain", listed("plain", "sdist 1.0"), channel_names=self.NAMES, other_specifiers=("",))
        assert edits(asked)[0] == ManifestEdit(conda=("compilers",), overrides=(removal("plain"),))

    def test_a_newer_wheel_goes_before_and_an_older_one_behind(self) -> None:
        newer = blocked("demo==1.0", listed("demo", "sdist 1.0", "arm 1.1"), channel_names=self.NAMES)
        assert edits(newer)[0] == ManifestEdit(dependencies=("demo>=1.1",))
        older = blocked("demo==1.0", listed("demo", "arm 0.1", "sdist 1.0"), channel_names=self.NAMES)
        assert edits(older)[:2] == [ManifestEdit(conda=("compilers",)), ManifestEdit(dependencies=("demo<=0.1",))]

    def test_source_beside_intel_wheels_counts(self) -> None:
        asked = blocked("demo==1.0", listed("demo", "sdist 1.0", "intel 1.0"), channel_names=self.NAMES)
        assert ManifestEdit(conda=("compilers",)) in edits(asked)
        without = blocked("demo==1.0", listed("demo", "intel 1.0"), channel_names=self.NAMES)
        assert ManifestEdit(conda=("compilers",)) not in edits(without)


class TestBelow:
    """What others need is changed by overrides, and their own line stays."""

    def test_a_version(self) -> None:
        asked = blocked("leaf==1.0", listed("leaf", "intel 1.0", "arm 1.2"), asked="root>=2")
        assert edits(asked)[0] == ManifestEdit(keeps=True, overrides=("leaf>=1.2",))

    def test_a_name(self) -> None:
        asked = blocked("tflite-runtime", listed("tflite-runtime", "linux 2.14"), asked="root")
        there = blocked("ai-edge-litert", listed("ai-edge-litert", "arm 2.0"), asked="root")
        assert edits(replace(asked, replacement=there))[0] == ManifestEdit(
            keeps=True, dependencies=("ai-edge-litert",), overrides=(removal("tflite-runtime"),)
        )

    def test_a_python_goes_before_another_name(self) -> None:
        asked = blocked(
            "tensorflow-macos<2.15.1",
            listed("tensorflow-macos", "arm 2.15.0 cp311"),
            asked="root",
            common_python="3.11",
        )
        there = blocked("tensorflow<2.15.1", listed("tensorflow", "arm 2.15.0 cp311"), asked="root")
        assert edits(replace(asked, replacement=there))[0] == ManifestEdit(python="3.11", keeps=True)

    def test_a_source(self) -> None:
        asked = blocked("leaf", listed("leaf", "sdist 2.3"), asked="root", channel_names=frozenset({"compilers"}))
        assert edits(asked)[0] == ManifestEdit(keeps=True, conda=("compilers",), overrides=(removal("leaf"),))

    def test_a_source_that_needs_no_compiler(self) -> None:
        asked = blocked("promise", listed("promise", "sdist 2.3"), asked="root", channel_names=frozenset({"compilers"}))
        assert edits(asked)[0] == ManifestEdit(keeps=True, overrides=(removal("promise"),))
        assert "needs no compiler" in texts(asked)
        assert "xcode" not in texts(asked)

    def test_the_last_way(self) -> None:
        asked = blocked("leaf", listed("leaf", "linux 1.0"), asked="root")
        assert edits(asked)[-1] == ManifestEdit(keeps=True, overrides=(removal("leaf"),))


@pytest.mark.parametrize(
    ("name", "files", "last"),
    [("demo", ("linux 1.0",), ManifestEdit(dependencies=(f"demo{LINUX}",))), ("gone", (), ManifestEdit())],
    ids=["leave it to Linux", "leave it out"],
)
def test_the_last_fix_of_a_line(name: str, files: tuple[str, ...], last: ManifestEdit) -> None:
    assert edits(blocked(name, listed(name, *files) if files else None))[-1] == last


def test_no_fix_is_told_twice() -> None:
    asked = blocked("tensorflow-deps", None)
    assert len(edits(asked)) == len({repr(edit) for edit in edits(asked)})


def test_yanked_releases_give_fix_to_the_next() -> None:
    project = listed("demo", "sdist 1.0", "arm 1.1", yanked=["sdist 1.0"])
    assert edits(blocked("demo==1.0", project))[0] == ManifestEdit(dependencies=("demo>=1.1",))
