"""Test what becomes of the lines of other people's files, over a tiny channel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envgen.cli.options import services_for
from envgen.commands.import_file import (
    Imported,
    ImportOptions,
    blame_file,
    choose_python,
    chosen_pins,
    import_file,
    save,
    source_lines,
)
from envgen.diagnosis.request import request_of_file
from envgen.errors import EnvgenError, ForeignFileError, ManifestError, SourceLine, UsageError, WriteError
from envgen.importers.items import ImportedPython, Span
from envgen.project.project import PlatformOptions
from tests.fakes.tiny_project import Project


def made(project: Project, text: str, name: str = "environment.yml", wishes: ImportOptions | None = None) -> Imported:
    """Write a file into the project and import it."""
    (project.folder / name).write_text(text, encoding="utf-8")
    return import_file(services_for(progress=lambda _: None), Path(name), wishes or ImportOptions())


def conda(line: str) -> str:
    return f"dependencies:\n- {line}\n"


LINES = [
    ("numpy", "mapped", "dependencies: numpy", ""),
    ("numpy =1.26", "mapped", "dependencies: numpy==1.26.*", ""),
    ("conda-forge::numpy >=1.26", "mapped", "dependencies: numpy>=1.26", ""),
    ("numpy=1.26.4=py312_0", "loosened", "dependencies: numpy==1.26.4", "the build `py312_0` is left out"),
    ("numpy 1.26 *", "mapped", "dependencies: numpy==1.26", ""),
    ("faiss-gpu", "conda", "conda: faiss-gpu", "it holds no Python distribution"),
    ("other::numpy", "loosened", "dependencies: numpy", "the channel `other` is left out"),
    ("pytorch >=2", "pypi", "dependencies: torch>=2", "conda-forge has no pytorch for osx-arm64"),
    ("absent", "pypi", "dependencies: absent", "PyPI's project of the same name is taken for it"),
    ("libfoo =1.0", "conda", "conda: libfoo 1.0.*", "it holds no Python distribution"),
    ("libfoo", "conda", "conda: libfoo", "it holds no Python distribution"),
    ("libfoo * *accelerate", "conda", "conda: libfoo * *accelerate", "it holds no Python distribution"),
    ("libfoo 1.0 h1_0", "loosened", "conda: libfoo 1.0", "the build `h1_0` is left out"),
    ("libfoo 1.0 *mkl*", "loosened", "conda: libfoo 1.0", "the build `*mkl*` is left out"),
    ("numpy 1.26|2.1", "conda", "conda: numpy 1.26|2.1", "PEP 440 cannot say `1.26|2.1`"),
    ("python=3.12", "setting", "python: 3.12", "a minor version is what a manifest names"),
    ("python>=3.9", "setting", "", "python is left open"),
    ("python=2.7", "decision", "", "none of the pythons for Apple silicon (3.8 to 3.14) meets `=2.7`"),
    ("tensorflow-deps", "dropped", "", "Apple's channel"),
    ("cudatoolkit=11", "dropped", "", "CUDA does not exist on a Mac"),
    ("opencv=4.6.0", "pypi", "dependencies: opencv-python==4.6.0.*", "conda's `opencv` brings it"),
    ("a b c d", "decision", "", "not a match spec"),
    ("__osx >=11", "decision", "", "a virtual package is a property of the platform"),
    ("lib" + "x" * 70, "decision", "", "not a conda package's name"),
]


@pytest.mark.parametrize(("line", "outcome", "becomes", "why"), LINES, ids=[line[0] for line in LINES])
def test_a_line_of_conda(project: Project, line: str, outcome: str, becomes: str, why: str) -> None:
    account = made(project, f"dependencies:\n- pip\n- {line}\n").accounts[-1]
    assert (account.outcome, account.becomes) == (outcome, becomes)
    assert why in account.why


PIP = [
    ("numpy>=1", "mapped", "dependencies: numpy>=1", ""),
    ("six==1.0 --hash=sha256:ab", "mapped", "dependencies: six==1.0", "its hash left out"),
    ("torch==2.1.0+cu118", "loosened", "dependencies: torch==2.1.0", "names a build of one index"),
    ("six>=1.*", "loosened", "dependencies: six>=1", "is read as"),
    ("tensorflow-macos==2.12", "mapped", "dependencies: tensorflow-macos==2.12", ""),
    ("tensorflow-cpu>=2.15", "replaced", "dependencies: tensorflow-cpu>=2.15", "envgen reads it as tensorflow"),
    ("tensorflow-deps", "dropped", "", "Apple's channel"),
    ("nvidia-cudnn-cu12", "dropped", "", "CUDA does not exist on a Mac"),
    ("pywin32; sys_platform == 'win32'", "dropped", "", "Windows"),
    ("-e .", "decision", "", "there is no project at `.`"),
    ("git+https://h/a/b.git", "decision", "", "cannot be proved or locked; ask for a release by its name"),
    ("https://h/x-1.0-py3-none-any.whl", "decision", "", "ask for a release such as `x==1.0`"),
    ("six @ https://h/x.zip", "decision", "", "ask for a release such as `six`"),
    (
        "https://h/x-1+cu1-py3-none-linux_x86_64.whl",
        "decision",
        "",
        "for linux_x86_64; ask for a release such as `x==1`",
    ),
    (
        "https://h/x-1-py3-none-win32.whl; sys_platform == 'win32'",
        "dropped",
        "",
        "x: its marker `sys_platform == 'win32'`",
    ),
    ("https://h/y.git ; sys_platform == 'linux'", "dropped", "", "a URL: its marker `sys_platform == 'linux'` is for"),
    ("six @ https://h/x.zip ; sys_platform == 'linux'", "dropped", "", "six: its marker"),
    (
        "tflite-runtime; sys_platform == 'linux'",
        "mapped",
        "dependencies: tflite-runtime; sys_platform == 'linux'",
        "its marker is for another platform: nothing is asked for on osx-arm64",
    ),
    ("six @ file:///croot/six/work", "loosened", "dependencies: six", "does not tell its version"),
    ("--index-url https://h/simple", "dropped", "", "pip's option `--index-url`"),
    ("python>=3.11,<3.12", "setting", "python: 3.11", ""),
    ("-r absent.txt", "decision", "", "cannot read absent.txt"),
]


@pytest.mark.parametrize(("line", "outcome", "becomes", "why"), PIP, ids=[line[0] for line in PIP])
def test_a_line_of_pip(project: Project, line: str, outcome: str, becomes: str, why: str) -> None:
    account = made(project, f"pip\n{line}", "requirements.txt").accounts[-1]
    assert (account.outcome, account.becomes) == (outcome, becomes)
    assert why in account.why


def test_what_is_undecided_stands_at_the_end(project: Project) -> None:
    imported = made(project, "six\n-e .\ngit+https://u:secret@h/x.git", "requirements.txt")
    assert imported.text.endswith(
        "# These lines need a decision of yours:\n"
        "#   line 2: -e .: there is no project at `.`; list it under `local` once it is there\n"
        "#   line 3: git+https://***@h/x.git: what a URL serves cannot be proved or locked; ask for a release by its "
        "name, or list a clone as `local`\n"
    )


def test_bounds_become_constraints(project: Project) -> None:
    (project.folder / "c.txt").write_text("numpy[x]<3 ; python_version > '3'\nsix<2")
    imported = made(project, "-c c.txt\nnumpy", "requirements.txt")
    assert [str(item) for item in imported.manifest.constraint_requirements()] == ["numpy<3", "six<2"]
    assert [account.line.file for account in imported.accounts] == [
        "requirements.txt",
        "c.txt",
        "c.txt",
        "requirements.txt",
    ]


def test_comments_name_the_file_where_there_are_several(project: Project) -> None:
    (project.folder / "b.txt").write_text("torch==2.0+cpu")
    text = made(project, "-r b.txt", "requirements.txt").text
    assert "- torch==2.0  # b.txt:1: `+…` names a build of one index\n" in text


def test_a_project_of_the_users_own(project: Project) -> None:
    (project.folder / "lib").mkdir()
    (project.folder / "lib" / "pyproject.toml").write_text("[project]\nname='lib'")
    imported = made(project, "-e ./lib[dev]\n./lib", "requirements.txt")
    assert [account.becomes for account in imported.accounts] == ["local: lib", "local: lib"]
    assert [account.outcome for account in imported.accounts] == ["mapped", "mapped"]
    assert [(one.path, one.editable, one.extras) for one in imported.manifest.local] == [("lib", True, ("dev",))]


def test_a_project_of_a_strange_name(project: Project) -> None:
    (project.folder / "my, lib}").mkdir()
    (project.folder / "my, lib}" / "setup.py").write_text("")
    (local,) = made(project, "dependencies: [{pip: ['-e \"./my, lib}\"']}]").manifest.local
    assert local.path == "my, lib}"


def test_channels(project: Project) -> None:
    text = "channels: [apple, conda-forge/label/x, nodefaults, defaults, bioconda]\ndependencies: [numpy]"
    imported = made(project, text)
    assert [channel.name for channel in imported.manifest.channels] == ["conda-forge"]
    told = {account.why for account in imported.accounts}
    assert "envgen never adds the defaults" in told
    assert "the label is left out: conda-forge's main one is read" in told
    assert "conda-forge has all that the file asks of conda, so bioconda is not needed" in told


def test_a_channel_that_something_may_need_is_kept_in_its_place(project: Project) -> None:
    imported = made(
        project, "channels: [bioconda/, conda-forge, 'a b']\ndependencies: [numpy, absent, more, third, x4]"
    )
    assert [channel.name for channel in imported.manifest.channels] == ["bioconda", "conda-forge"]
    outcomes = {account.becomes: account.why for account in imported.accounts}
    assert outcomes["channels: bioconda"] == "conda-forge has no absent, more, third …, which may be there"
    assert imported.counts()["decision"] == 1


@pytest.mark.parametrize(
    ("channels", "kept"), [("[conda-forge]", ["conda-forge", "bioconda"]), ("[bioconda]", ["bioconda", "conda-forge"])]
)
def test_what_another_channel_has_is_asked_of_conda(project: Project, channels: str, kept: list[str]) -> None:
    text = (
        f"channels: {channels}\ndependencies: ['bioconda::hmmer ==3.3', 'bioconda::numpy', 'pytorch::absent', 'a b::x']"
    )
    imported = made(project, text)
    assert [channel.name for channel in imported.manifest.channels] == kept
    told = {account.becomes: account.why for account in imported.accounts}
    assert told["conda: hmmer ==3.3"] == "conda-forge has no hmmer for osx-arm64; it may be in bioconda"
    assert told["dependencies: numpy"] == "the channel `bioconda` is left out"


def test_whose_word_it_is_that_conda_forge_has_none(project: Project) -> None:
    assert made(project, "dependencies: [absent]").notes == ("channel `conda-forge` was read from a mirror",)
    assert made(project, "dependencies: [numpy]").notes == ()


@pytest.mark.parametrize("line", ["conda-forge::absent", "cudatoolkit", "tensorflow-deps"])
def test_some_packages_need_no_other_channel(project: Project, line: str) -> None:
    imported = made(project, f"channels: [bioconda]\ndependencies: ['{line}']")
    assert [channel.name for channel in imported.manifest.channels] == ["conda-forge"]


def test_without_a_channel_the_tables_judge(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={project.folder / 'absent'}")
    imported = made(project, "channels: [bioconda]\ndependencies: [numpy, libxml2, pytorch]")
    assert [account.becomes for account in imported.accounts][-3:] == [
        "dependencies: numpy",
        "conda: libxml2",
        "dependencies: torch",
    ]
    assert any("were judged by the tables" in note for note in imported.notes)
    assert imported.manifest.channels[0].name == "bioconda"
    assert imported.accounts[1].why == "it could not be told whether anything needs it"


def test_an_index_in_part_is_said_to_be_one(project: Project) -> None:
    services = services_for(starter=True, progress=lambda _: None)
    (project.folder / "e.yml").write_text("dependencies: [numpy, absent]")
    imported = import_file(services, Path("e.yml"), ImportOptions())
    assert imported.notes[0].startswith("conda's names were judged by the starter index of ")


PROJECT = """\
[project]
name = "ours"
requires-python = ">=3.12,<3.13"
dependencies = ["numpy"]
[project.optional-dependencies]
a = ["six", "ours[b]"]
b = ["ours[a]", "ours[none]"]
main = ["tqdm"]
[dependency-groups]
test = ["pytest", {include-group = "a"}]
"""


def test_groups(project: Project) -> None:
    imported = made(project, PROJECT, "pyproject.toml")
    groups = {name: [str(item) for item in items] for name, items in imported.manifest.document.groups.items()}
    assert sorted(groups) == ["a", "b", "main-group", "test"]
    assert groups["a"] == ["{include-group: b}", "six"] or "b" in groups["a"][0]
    assert groups["main-group"] == ["tqdm"]
    assert "# to install the project itself, too: local: [{path: ., editable: true}]\n" in imported.text
    assert imported.manifest.name == "ours"
    whys = [account.why for account in imported.accounts if account.outcome == "dropped"]
    assert "`a` includes `b` already, and groups may not form a circle" in whys
    assert "there is nothing in `none`" in whys


def test_a_group_of_which_nothing_is_left_is_there(project: Project) -> None:
    text = "[dependency-groups]\na = ['pywin32']\nb = [{include-group='a'}]\n"
    assert sorted(made(project, text, "pyproject.toml").manifest.document.groups) == ["a", "b"]


def test_match_specs_of_a_feature_are_always_wanted(project: Project) -> None:
    text = "[workspace]\nname='w'\n[system-requirements]\nmacos = '14.0'\n"
    text += "[feature.x.dependencies]\nlibfoo = '*'\nnumpy = '*'"
    imported = made(project, text, "pixi.toml")
    assert [str(root.spec) for root in imported.manifest.conda_specs()] == ["libfoo"]
    assert "groups.x: numpy" in {account.becomes for account in imported.accounts}
    assert imported.manifest.platforms("3.12")[0].macos == "14.0"
    settings = {account.becomes for account in imported.accounts if account.outcome == "setting"}
    assert settings == {"name: w", "platforms: macos 14.0"}


SECRETS = """\
channels: ['https://h.org/t/SECRET/c', 'https://me:SECRET@h.org/c']
dependencies:
- https://me:SECRET@h.org/x.conda
- "numpy https://me:SECRET@h.org/x"
- https://me:SECRET@h.org/c::numpy
- pip:
  - --index-url https://me:SECRET@h/s
  - foo @ git+https://me:SECRET@h/x.git
  - bar baz https://me:SECRET@h
  - -r https://me:SECRET@h/r.txt
"""


def test_secrets_reach_nothing(project: Project) -> None:
    imported = made(project, SECRETS)
    assert "SECRET" not in imported.text
    assert "SECRET" not in str(imported.accounts)
    assert "SECRET" not in str(imported.notes)


def test_an_address_with_a_secret_becomes_a_clean_one_with_the_line_to_set(project: Project) -> None:
    channels = "channels: ['https://h.org/t/${SIGN}/c', 'https://${ME}:${WORD}@i.org/d', 'https://${TEAM}.org/e']\n"
    imported = made(project, f"{channels}dependencies:\n- odd-one\n- pip:\n  - -i https://${{IDX}}@j.org/simple\n")
    whys = [account.why for account in imported.accounts]
    for line in (
        "write https://h.org/c, and set ENVGEN_TOKENS='h.org=/t/SIGN'",
        "write https://i.org/d, and set ENVGEN_TOKENS='i.org=ME:WORD'",
        "to ask this one, under `indexes` write https://j.org/simple, and set ENVGEN_TOKENS='j.org=IDX'",
    ):
        assert any(line in why for why in whys), whys
    assert {channel.url for channel in imported.manifest.channels} >= {"https://h.org/c", "https://i.org/d"}
    assert "${" not in "".join(line for line in imported.text.splitlines() if not line.startswith("#"))


def test_one_python_for_all_features(project: Project) -> None:
    text = "[feature.a.dependencies]\npython = '3.12.*'\n[feature.b.dependencies]\npython = '3.11.*'"
    imported = made(project, text, "pixi.toml")
    assert imported.manifest.python == "3.12"
    assert imported.accounts[-1].why == "an environment has one python, for all of its groups"
    assert made(project, f"{text}\n[dependencies]\npython = '3.10.*'", "pixi.toml").manifest.python == "3.10"


def export(*lines: str) -> str:
    """Write an export: these lines among thirty others."""
    many = [f"libthing{at}=1.{at}=h{at}_0" for at in range(30)]
    return "name: e\ndependencies:\n" + "".join(f"- {line}\n" for line in (*many, *lines))


def test_an_export_keeps_what_nothing_needs(project: Project) -> None:
    text = export(
        "python=3.12.1=h_0", "pandas=2.2.2=py_0", "numpy=1.26.4=py_0", "six=1.16.0", "nodejs=20=h_0", "git=2=h_0"
    )
    imported = made(project, text + "- pip:\n  - tqdm==1.0\n  - absent==1.0\n")
    kept = {account.becomes: account.why for account in imported.accounts if account.becomes}
    assert set(kept) == {
        "name: e",
        "python: 3.12",
        "dependencies: pandas==2.2.*",
        "dependencies: numpy==1.26.4",
        "dependencies: six==1.16.0",
        "dependencies: tqdm==1.0",
        "dependencies: absent==1.0",
    }
    assert kept["dependencies: pandas==2.2.*"].startswith("conda-forge has no 2.2.2 for osx-arm64")
    dropped = {account.why for account in imported.accounts if account.outcome == "dropped"}
    assert dropped == {
        "a library: whatever needs it brings it",
        "conda-forge has no nodejs for osx-arm64",
        "conda-forge has no git for osx-arm64",
    }
    assert imported.notes == (
        "environment.yml lists what a solver chose: the versions are kept where osx-arm64 has them",
    )


def test_a_lock_tells_by_itself_what_others_need(project: Project) -> None:
    packages = [("tqdm", "six"), ("six", ""), ("numpy", ""), ("tensorflow-deps", "numpy")]
    text = "metadata:\n  a: b\npackage:\n" + "".join(
        f"- name: {name}\n  version: '1.0'\n  manager: conda\n  platform: osx-arm64\n"
        + (f"  dependencies:\n    {need}: ''\n" if need else "  dependencies: {}\n")
        for name, need in packages
    )
    imported = made(project, text, "conda-lock.yml")
    assert [(account.outcome, account.becomes) for account in imported.accounts][-4:] == [
        ("loosened", "dependencies: tqdm"),
        ("brought", ""),
        ("loosened", "dependencies: numpy==1.*"),
        ("dropped", ""),
    ]
    assert imported.accounts[-3].why == "tqdm brings it, in a version that fits"
    assert "1 package that others of it need is left to envgen's own solve; of the others" in imported.notes[-1]


def test_programs_in_an_export_are_kept_without_their_versions(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVGEN_MIRRORS", f"conda-forge={project.folder / 'absent'}")
    imported = made(project, export("nodejs=20=h_0"))
    assert [(account.outcome, account.becomes) for account in imported.accounts][-1] == ("loosened", "conda: nodejs")


def test_less_of_an_exports_versions_may_be_kept(project: Project) -> None:
    text = export("pandas=2.2.3=py_0") + "- pip:\n  - tqdm==1.0.1\n  - tensorflow==2.15.1\n"
    imported = made(project, text, wishes=ImportOptions(pins="free"))
    kept = [account.becomes for account in imported.accounts if account.becomes.startswith("dep")]
    assert kept == ["dependencies: pandas", "dependencies: tqdm", "dependencies: tensorflow==2.15.*"]
    assert imported.notes[-1].endswith("the names alone are kept, because the versions cannot be met together")


def test_why_less_of_a_freeze_is_kept(project: Project) -> None:
    text = "".join(f"thing{at}==1.{at}\n" for at in range(30)) + "six==1.16.0\n"
    account = made(project, text, "requirements.txt", ImportOptions(pins="series")).accounts[-1]
    assert (account.outcome, account.becomes) == ("loosened", "dependencies: six==1.16.*")
    assert account.why == "the versions of the list cannot be met together, so ==1.16.* will do"


def test_wishes_go_before_the_file(project: Project) -> None:
    wishes = ImportOptions(name="mine", python="3.11", macos="14.0", accelerator="metal")
    imported = made(project, "name: theirs\ndependencies: [python=2.7, numpy]", wishes=wishes)
    manifest = imported.manifest
    assert (manifest.name, manifest.python, manifest.accelerator) == ("mine", "3.11", "metal")
    assert manifest.platforms()[0].macos == "14.0"
    assert [account.becomes for account in imported.accounts if account.outcome == "setting"] == [
        "name: mine",
        "python: 3.11",
    ]


@pytest.mark.parametrize(
    ("wishes", "error"),
    [
        (ImportOptions(python="x"), UsageError),
        (ImportOptions(macos="x"), UsageError),
        (ImportOptions(python="3.7"), UsageError),
        (ImportOptions(name="../x"), ManifestError),
    ],
)
def test_wishes_that_make_no_sense(project: Project, wishes: ImportOptions, error: type[Exception]) -> None:
    with pytest.raises(error):
        made(project, "numpy", "requirements.txt", wishes)


def test_levels_of_pins() -> None:
    assert chosen_pins("series") == "series"
    with pytest.raises(UsageError, match="unknown level of pins `x`"):
        chosen_pins("x")


def test_the_environment_is_named_after_the_file(project: Project) -> None:
    assert made(project, "numpy", "ml.txt").manifest.name == "ml"
    assert made(project, "numpy", "requirements-dev.txt").manifest.name == "imported"


def test_a_manifest_is_written_to_a_new_file(project: Project) -> None:
    save(project.folder / "m.yaml", "name: x\n")
    assert (project.folder / "m.yaml").read_text() == "name: x\n"
    with pytest.raises(WriteError, match="exists already"):
        save(project.folder / "m.yaml", "name: y\n")


LINES_OF_PIP = """\
numpy
numpy>=1
-e .
-r x
six==1+cu
git+https://h/x
a b
# c

tensorflow-deps
python<3.10
x[y]>=1; python_version<'3'
--pre
./x
libfoo
\\
a @ file:///x
===
é"""
WORDS = st.sampled_from(LINES_OF_PIP.split("\n"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=6), st.booleans())
def test_whatever_is_asked_the_manifest_is_valid_and_every_line_told(
    project: Project, words: list[str], pip: bool
) -> None:
    text = (
        "\n".join(words) if pip else "dependencies:\n" + "".join(f"- '{word.replace(chr(39), '')}'\n" for word in words)
    )
    try:
        imported = made(project, text, "requirements.txt" if pip else "environment.yml")
    except ForeignFileError as refusal:  # nothing of it can be asked for, or most of it is not to be understood
        error = refusal
    else:
        told = {number for account in imported.accounts for number in range(account.line.line, account.last + 1)}
        lines = enumerate(text.split("\n"), 1)
        assert {number for number, line in lines if line.strip() and not line.strip().startswith("#")} <= told
        assert all(account.why or account.becomes or account.outcome == "heading" for account in imported.accounts)
        return
    assert all(line.text in text for line in error.lines)
    assert error.lines or re.search("asks for no packages|nothing but comments|is empty", error.message)


@pytest.mark.parametrize("path", ["../other", "/etc", "~/x", "a\\0b"])
def test_a_project_elsewhere_is_left_to_the_user(project: Project, path: str) -> None:
    (project.folder.parent / "other").mkdir()
    (project.folder.parent / "other" / "setup.py").write_text("")
    (account,) = made(project, f"-e {path}", "requirements.txt").accounts
    assert account.outcome == "decision"


@pytest.mark.parametrize("line", ["six @ file:///x ; bad", "x @ file:///x"])
def test_a_file_of_somebodys_machine(project: Project, line: str) -> None:
    account = made(project, f"pip\n{line}", "requirements.txt").accounts[-1]
    assert account.outcome in ("loosened", "decision")


CONDA_TEXT = "dependencies:\n- python=3.12\n- numpy >=2\n- libfoo\n- pip: [six]\n"


def imported_as(project: Project, text: str = CONDA_TEXT, name: str = "e.yml") -> Imported:
    (project.folder / name).write_text(text)
    return import_file(services_for(progress=lambda _: None), Path(name), ImportOptions())


def test_the_lines_behind_a_manifest(project: Project) -> None:
    imported = imported_as(project)
    lines = imported.text.split("\n")
    found = {lines[number - 1].strip(): line.line for number, line in source_lines(imported).items()}
    assert found == {"- numpy>=2": 3, "- libfoo": 4, "- six": 5}


def test_an_error_speaks_of_the_file(project: Project) -> None:
    written = ['python: "3.12"', "  - numpy>=2", "  - numpy>=2", "- added"]
    lines = [SourceLine(file="envgen.yaml", line=at, text=text) for at, text in enumerate(written, 1)]
    error = EnvgenError("no", lines=lines)
    error = blame_file(error, imported_as(project))
    assert [str(line) for line in error.lines] == [
        "e.yml:2: - python=3.12",
        "e.yml:3: - numpy >=2",
        "envgen.yaml:4: - added",
    ]


def test_an_error_of_a_file_without_python(project: Project) -> None:
    error = EnvgenError("no", lines=[SourceLine(file="envgen.yaml", line=9, text="  - six")])
    error = blame_file(error, imported_as(project, "six\n", "r.txt"))
    assert [str(line) for line in error.lines] == ["r.txt:1: six"]


def test_what_describes_a_project_is_counted(project: Project) -> None:
    text = "[project]\nname = 'x'\nversion = '1'\ndependencies = ['numpy', 'x @ https://h/x.zip']\n[tool.ruff]\na = 1\n"
    (project.folder / "pyproject.toml").write_text(text)
    services = services_for(progress=lambda _: None)
    notes = request_of_file(services, Path("pyproject.toml"), PlatformOptions(), "").notes
    assert notes[-1] == "3 parts of pyproject.toml ask for no package here; `envgen import -v` lists them"
    assert notes[-2].startswith("pyproject.toml:4: dependencies")
    assert len(notes) == 2


SPAN = Span(line=SourceLine(file="f", line=1, text=""), last=1)


def asked(*bounds: str, conda: bool = True) -> list[ImportedPython]:
    return [ImportedPython(span=SPAN, bound=bound, conda=conda) for bound in bounds]


@pytest.mark.parametrize(
    ("bounds", "minor"),
    [
        ([], ""),
        ([""], ""),
        ([">=3.9"], ""),
        (["~=3.7"], ""),
        (["=3.10"], "3.10"),
        (["3.10.*"], "3.10"),
        (["==3.11.13"], "3.11"),
        (["=3.8"], "3.8"),
        (["~=3.11.0"], "3.11"),
        (["<3.10"], "3.9"),
        ([">=3.9,<3.13"], "3.12"),
        (["<=3.12"], "3.12"),
        ([">=3.9", "<3.12"], "3.11"),
        (["3.9|3.10"], ""),
    ],
)
def test_of_condas_bounds(bounds: list[str], minor: str) -> None:
    chosen = choose_python(asked(*bounds))
    assert (chosen.minor, chosen.possible) == (minor, True)
    assert chosen.why


@pytest.mark.parametrize(("bound", "minor"), [(">=3.10", ""), ("~=3.12.0", "3.12"), ("<3.12,>=3.9", "3.11"), ("x", "")])
def test_of_pep440(bound: str, minor: str) -> None:
    assert choose_python(asked(bound, conda=False)).minor == minor


@pytest.mark.parametrize("bounds", [["=3.7"], ["=2.7"], ["=3.9", "=3.10"], [">=4"]])
def test_what_no_mac_has(bounds: list[str]) -> None:
    chosen = choose_python(asked(*bounds))
    assert (chosen.minor, chosen.possible) == ("", False)


def test_a_wish_goes_before() -> None:
    assert choose_python(asked("=3.7"), "3.12").minor == "3.12"
