"""Test what is found wrong with machines, each of them made of values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.commands.doctor import Reach, judge_host, judge_reach
from envgen.knowledge.advice import host_rules
from envgen.system.machine import CondaRoot, FoundTool, HostFacts

ARM, INTEL, BOTH = ("arm64",), ("x86_64",), ("arm64", "x86_64")
CONDA = FoundTool(name="conda", path="/forge/bin/conda", architectures=ARM)
GOOD = HostFacts(
    system="Darwin",
    apple_silicon=True,
    macos="14.5",
    python="/forge/bin/python",
    python_architectures=ARM,
    tools=(CONDA,),
    xcode="/Library/Developer/CommandLineTools",
)


def tool(name: str, architectures: tuple[str, ...], folder: str = "/usr/local/bin") -> FoundTool:
    return FoundTool(name=name, path=f"{folder}/{name}", architectures=architectures)


FOUND: dict[str, tuple[HostFacts, str, str]] = {
    "an older macOS than the floor": (GOOD, "15.0", "MACOS-FLOOR"),
    "an old macOS": (replace(GOOD, macos="11.6"), "", "MACOS-OLD"),
    "an Intel Mac": (replace(GOOD, apple_silicon=False, python_architectures=INTEL), "", "INTEL-MAC"),
    "Rosetta": (replace(GOOD, translated=True, python_architectures=INTEL), "", "ROSETTA"),
    "an Intel python": (replace(GOOD, python_architectures=INTEL), "", "INTEL-PYTHON"),
    "an Intel python on PATH": (replace(GOOD, tools=(CONDA, tool("python3", INTEL))), "", "INTEL-PYTHON"),
    "an Intel conda": (replace(GOOD, tools=(tool("conda", INTEL),)), "", "INTEL-CONDA"),
    "an Intel micromamba": (replace(GOOD, tools=(tool("micromamba", INTEL),)), "", "INTEL-CONDA"),
    "an Intel uv": (replace(GOOD, tools=(CONDA, tool("uv", INTEL))), "", "INTEL-TOOL"),
    "an Intel root": (
        replace(GOOD, conda_roots=(CondaRoot(path="/old", architectures=INTEL),)),
        "",
        "INTEL-CONDA",
    ),
    "a variable": (replace(GOOD, variables={"CONDA_SUBDIR": "osx-64"}), "", "CONDA-SUBDIR"),
    "a setting": (replace(GOOD, subdir_files=(("/me/.condarc", "osx-64"),)), "", "CONDA-SUBDIR"),
    "a root's setting": (
        replace(GOOD, conda_roots=(CondaRoot(path="/forge", subdir="osx-64"),)),
        "",
        "CONDA-SUBDIR",
    ),
    "two roots": (
        replace(GOOD, conda_roots=(CondaRoot(path="/a"), CondaRoot(path="/b"))),
        "",
        "TWO-CONDA-ROOTS",
    ),
    "PYTHONPATH": (replace(GOOD, variables={"PYTHONPATH": "/lib"}), "", "PYTHONPATH"),
    "PYTHONHOME": (replace(GOOD, variables={"PYTHONHOME": "/lib"}), "", "PYTHONHOME"),
    "the user's site": (replace(GOOD, user_site=("numpy",)), "", "USER-SITE"),
    "a loader's variable": (replace(GOOD, variables={"DYLD_LIBRARY_PATH": "/x"}), "", "DYLD"),
    "a setting of pip's": (replace(GOOD, variables={"PIP_USER": "1"}), "", "PIP-SETTINGS"),
    "another pip": (
        replace(GOOD, tools=(CONDA, tool("pip", ARM, "/a"), tool("python3", ARM, "/b"))),
        "",
        "PIP-ELSEWHERE",
    ),
    "no Xcode": (replace(GOOD, xcode=""), "", "NO-XCODE"),
    "no conda": (replace(GOOD, tools=()), "", "NO-CONDA"),
    "no Mac": (HostFacts(system="Linux", tools=(CONDA,)), "13.0", "NOT-A-MAC"),
}


def codes(facts: HostFacts, floor: str = "") -> list[str]:
    return [finding.code for finding in judge_host(facts, floor, "ml")]


@pytest.mark.parametrize(("facts", "floor", "code"), FOUND.values(), ids=FOUND)
def test_what_is_wrong_is_found_and_nothing_else(facts: HostFacts, floor: str, code: str) -> None:
    (finding,) = judge_host(facts, floor, "ml")
    assert finding.code == code
    assert finding.what
    assert finding.why
    assert finding.fix


@pytest.mark.parametrize("floor", ["", "13.0", "14.5"])
def test_a_good_machine_is_left_alone(floor: str) -> None:
    assert codes(GOOD, floor) == []


FINE = {
    "universal tools": replace(GOOD, tools=(tool("conda", BOTH), tool("uv", BOTH))),
    "tools that cannot be told": replace(GOOD, tools=(tool("conda", ()),)),
    "the native subdir": replace(GOOD, variables={"CONDA_SUBDIR": "osx-arm64"}, subdir_files=(("/x", "osx-arm64"),)),
    "a shut user site": replace(GOOD, user_site=("numpy",), variables={"PYTHONNOUSERSITE": "1"}),
    "pip beside its python": replace(GOOD, tools=(CONDA, tool("pip", ARM), tool("python", ARM))),
    "a root without conda on PATH": replace(GOOD, tools=(), conda_roots=(CondaRoot(path="/forge"),)),
    "subdirs elsewhere": HostFacts(system="Linux", tools=(CONDA,), variables={"CONDA_SUBDIR": "osx-arm64"}),
}


@pytest.mark.parametrize("facts", FINE.values(), ids=FINE)
def test_what_is_no_fault(facts: HostFacts) -> None:
    assert [code for code in codes(facts) if code != "NOT-A-MAC"] == []


def test_an_intel_root_and_its_tool_are_told_once() -> None:
    facts = replace(
        GOOD,
        tools=(tool("conda", INTEL, "/old/bin"),),
        conda_roots=(CondaRoot(path="/old", architectures=INTEL),),
    )
    assert codes(facts) == ["INTEL-CONDA"]


def test_a_translated_process_is_told_once_and_its_tools_too() -> None:
    facts = replace(
        GOOD, apple_silicon=False, translated=True, python_architectures=INTEL, tools=(tool("conda", INTEL),)
    )
    assert codes(facts) == ["ROSETTA", "INTEL-CONDA"]


def test_errors_come_first() -> None:
    facts = replace(GOOD, xcode="", variables={"PYTHONPATH": "/x", "CONDA_SUBDIR": "osx-64"})
    assert codes(facts) == ["CONDA-SUBDIR", "PYTHONPATH", "NO-XCODE"]


def test_the_environment_is_named() -> None:
    (finding,) = judge_host(GOOD, "15.0", "ml")
    assert finding.what == "ml is made for macOS 15.0 and newer, and this Mac has 14.5"


def test_a_long_list_of_leaks_is_cut() -> None:
    (finding,) = judge_host(replace(GOOD, user_site=tuple("abcdefgh")))
    assert finding.what.endswith("8 packages: a, b, c, d, e, f …")


def test_what_cannot_be_reached_is_told() -> None:
    found = judge_reach(
        (Reach(code="CHANNEL", name="conda-forge", message="it is away"), Reach(code="INDEX", name="i"))
    )
    assert [(finding.code, finding.what) for finding in found] == [("CHANNEL", "conda-forge: it is away")]


def test_every_rule_is_used() -> None:
    used = {code for _, _, code in FOUND.values()} | {"CACHE", "CHANNEL", "INDEX"}
    assert used == {rule.code for rule in host_rules()}
