"""Test that `check` catches each way to damage a lock or a manifest by hand, and passes what is sound."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from envgen.commands import check
from envgen.lock.custom_metadata import DIGEST_PLACEHOLDER, with_digest
from tests.fakes.projects import CHANNEL, Project, oldest
from tests.fakes.tiny_wheels import build_wheel

MANIFEST, LOCK, YML = "envgen.yaml", "conda-lock.yml", "environment.yml"
MANY = "-" + ".".join("abcdefghij" * 10)
_MADE: dict[str, dict[str, str]] = {}
Damage = Callable[[Path], None]


@pytest.fixture
def sound(living: Project) -> Project:
    """Return a locked environment with both halves and a group; it is solved once."""
    living.index.add(build_wheel("leaf", "1.0"))
    living.index.add(build_wheel("mid", "1.0", requires=["leaf>=1", "six"]))
    folder = living.manifest("mid", "pandas", more="groups:\n  dev:\n    - flask\n").parent
    if not _MADE:
        living.serve(oldest(CHANNEL))
        living.lock()
        living.serve(CHANNEL)
        _MADE["old"] = {path.name: path.read_text() for path in folder.iterdir()}
        living.lock("--update", "six")
        _MADE["new"] = {path.name: path.read_text() for path in folder.iterdir()}
    for name, text in _MADE["new"].items():
        (folder / name).write_text(text)
    return living


def edited(name: str, pattern: str, replacement: str, *, seal: bool = False) -> Damage:
    """Replace the one place that a pattern finds."""

    def damage(folder: Path) -> None:
        path = folder / name
        text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL)
        assert count == 1, pattern
        path.write_text(with_digest(re.sub(r"file_digest: \S+", DIGEST_PLACEHOLDER, text)) if seal else text)

    return damage


def written(name: str, content: str | bytes) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return damage


def gone(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def changed(name: str, change: Callable[[str], str]) -> Damage:
    def damage(folder: Path) -> None:
        path = folder / name
        text = change(path.read_text())
        assert text != path.read_text()
        path.write_text(text)

    return damage


def from_before(name: str) -> Damage:
    def damage(folder: Path) -> None:
        (folder / name).write_text(_MADE["old"][name])

    return damage


def blocks(text: str) -> list[str]:
    return re.split(r"(?m)^(?=- name: )", text)


def reordered(text: str) -> str:
    head, first, *others = blocks(text)
    return "".join([head, *others, first])


def doubled(text: str) -> str:
    head, first, *others = blocks(text)
    return "".join([head, first, first, *others])


def outputs_explicit(folder: Path) -> None:
    changed(MANIFEST, lambda text: text + "outputs: [conda-lock.yml, explicit]\n")(folder)


DAMAGES = {
    "a version of conda's": (edited(LOCK, r"(name: pandas\n  version: )'2.0.3'", r"\1'2.0.2'"), "DAMAGED", "edited"),
    "an md5": (edited(LOCK, r"md5: '?[0-9a-f]{4}", "md5: 'aaaa"), "DAMAGED", LOCK),
    "a sha256": (edited(LOCK, r"(sha256: '?)[0-9a-f]{4}", r"\1aaaa"), "DAMAGED", "edited or cut"),
    "a build": (edited(LOCK, r"six-1.17.0-0", "six-1.17.0-1"), "DAMAGED", "edited"),
    "a url": (edited(LOCK, r"https://conda.anaconda.org", "https://evil.example"), "DAMAGED", "edited"),
    "a version of PyPI's": (edited(LOCK, r"(name: leaf\n  version: )'1.0'", r"\1'1.1'"), "DAMAGED", "edited"),
    "a fact": (edited(LOCK, r"solver: rattler|solver: libmamba", "solver: magic"), "DAMAGED", "edited"),
    "a package dropped": (edited(LOCK, r"- name: six\n.*?(?=- name)", ""), "DAMAGED", "edited"),
    "a package doubled": (changed(LOCK, doubled), "DAMAGED", "is there twice"),
    "packages reordered": (changed(LOCK, reordered), "DAMAGED", "edited"),
    "merge markers": (
        edited(LOCK, r"(  version: '1.17.0'\n)", r"<<<<<<< ours\n\1=======\n  version: '1.16.0'\n>>>>>>> theirs\n"),
        "DAMAGED",
        "holds merge markers\nenvironments/demo/conda-lock.yml:",
    ),
    "a lock cut in the middle": (changed(LOCK, lambda text: text[: len(text) // 2]), "DAMAGED", LOCK),
    "a lock cut at its last line": (changed(LOCK, lambda text: text[: text.rindex("  optional")]), "DAMAGED", LOCK),
    "an empty lock": (written(LOCK, ""), "DAMAGED", LOCK),
    "no lock": (gone(LOCK), "NO-LOCK", "has no lock yet"),
    "a binary file": (written(LOCK, b"\x00\x01version: 1"), "DAMAGED", "binary"),
    "another encoding": (written(LOCK, "# é\nversion: 1".encode("latin-1")), "DAMAGED", "not UTF-8"),
    "no YAML": (written(LOCK, "version: [1\n"), "DAMAGED", "not YAML"),
    "YAML of a thousand levels": (
        written(LOCK, "".join(f"{' ' * level}a:\n" for level in range(2000)) + f"{' ' * 2000}a: b\n"),
        "DAMAGED",
        "not YAML",
    ),
    "an odd tag": (written(LOCK, "version: !!bool x\n"), "DAMAGED", "not YAML"),
    "another tool's lock": (written(LOCK, "version: 1\nmetadata: {}\npackage: []\n"), "DAMAGED", "not made by envgen"),
    "a newer format": (edited(LOCK, "envgen_format: '1'", "envgen_format: '9'"), "DAMAGED", "format 9"),
    "a doubled key": (edited(LOCK, r"(    created_by: [^\n]*\n)", r"\1\1"), "DAMAGED", LOCK),
    "the lock before": (from_before(LOCK), "FILE-DIFFERS", f"{YML} is not what the lock says"),
    "sealed anew, a package dropped": (
        edited(LOCK, r"- name: numpy\n.*?(?=- name)", "", seal=True),
        "DEPENDS-MISSING",
        "numpy",
    ),
    "sealed anew, another version": (
        edited(LOCK, r"(name: libblas\n  version: )'3.9.0'", r"\1'3.8.0'", seal=True),
        "DEPENDS-UNMET",
        "libblas",
    ),
    "sealed anew, another wheel": (
        edited(LOCK, r"(name: leaf\n  version: )'1.0'", r"\1'0.9'", seal=True),
        "WHEEL-NAME",
        "leaf",
    ),
    "sealed anew, another hash of a wheel": (
        edited(LOCK, r"(leaf-1.0-py3-none-any.whl\n  hash:\n    sha256: )'?\w{64}'?", rf"\1'{'b' * 64}'", seal=True),
        "FILE-DIFFERS",
        YML,
    ),
    **{
        f"sealed anew, {what}": (edited(LOCK, pattern, text, seal=True), "DAMAGED", f"{LOCK}:")
        for what, pattern, text in (
            ("a name that leads out", r"- name: six\n", "- name: ../six\n"),
            ("a version that leads out", r"(name: six\n  version: )'1.17.0'", r"\1'../1'"),
            ("an md5 that is none", r"md5: '?[0-9a-f]{32}'?", "md5: 'zz'"),
            ("a sha256 that is short", r"sha256: '?[0-9a-f]{64}'?", "sha256: 'ab'"),
            ("a sha256 in capitals", r"sha256: '?[0-9a-f]{64}'?", f"sha256: '{'A' * 64}'"),
            ("another scheme", r"url: https://conda.anaconda.org", "url: ftp://conda.anaconda.org"),
            ("a user in an address", r"url: https://conda.anaconda.org", "url: https://user@conda.anaconda.org"),
            ("an address with a blank", r"url: https://conda.anaconda.org/", "url: https://conda.anaconda.org/ "),
            ("an address without a host", r"url: https://conda.anaconda.org/", "url: https:///"),
            ("an address of no package", r"six-1.17.0-0.conda", "six-1.17.0-0.sh"),
            ("an address of a hidden file", r"/six-1.17.0-0.conda", "/.six-1.17.0-0.conda"),
            ("a wheel of another name", r"leaf-1.0-py3-none-any.whl", "six-1.0-py3-none-any.whl"),
            ("a wheel that is none", r"leaf-1.0-py3-none-any.whl", "leaf-1.0.tar.gz"),
            ("a wheel with capitals", r"- name: leaf\n", "- name: Leaf\n"),
            ("a wheel's version that is none", r"(name: leaf\n  version: )'1.0'", r"\1'1 0'"),
            ("a host that is none", r"url: https://conda.anaconda.org", "url: https://[x"),
            ("a port that is none", r"url: https://conda.anaconda.org", "url: https://conda.anaconda.org:99999"),
            ("a version that conda cannot read", r"(name: six\n  version: )'1.17.0'", r"\1'1..2'"),
            ("a version of many digits", r"(name: six\n  version: )'1.17.0'", rf"\1'{'9' * 5000}'"),
            ("a need without a name", r"(name: numpy\n.*?dependencies:\n)    libblas: ", r"\1    '': "),
            ("a need of another channel's", r"(name: numpy\n.*?dependencies:\n)    libblas: ", r"\1    x::y: "),
            ("a requirement that is none", r"(name: mid\n.*?dependencies:\n    leaf: )\S+", r"\1'[['"),
            ("a bound of many digits", r"(name: mid\n.*?dependencies:\n    leaf: )\S+", rf"\1'<{'9' * 5000}'"),
            ("a wheel of a million tags", r"leaf-1.0-py3-none-any", f"leaf-1.0{MANY * 3}"),
            ("a deep line", r"(conda.six: )[^\n]+", rf"\1'{'[' * 100_000}'"),
            ("a date that no calendar has", r"(conda.six: [^\n]*)}", rf'\1, "timestamp": {1 << 52}}}'),
            ("a build number that is too large", r"(conda.six: [^\n]*)}", rf'\1, "build_number": {1 << 64}}}'),
        )
    },
    "sealed anew, a name with an escape": (
        edited(LOCK, r"- name: six\n", '- name: "six\\\\e[31m"\n', seal=True),
        "DAMAGED",
        "`name` is 'six\\x1b[31m'",
    ),
    "sealed anew, a channel that is none": (
        edited(LOCK, r"(channels:\n *- url: )\S+", r"\1ftp://x/y", seal=True),
        "DAMAGED",
        "`channel` is",
    ),
    "sealed anew, a python that is none": (
        edited(LOCK, r"(osx-arm64.python: )'3.12'", r"\1'3.12; rm'", seal=True),
        "DAMAGED",
        "not a python minor version",
    ),
    "sealed anew, a floor that is none": (
        edited(LOCK, r"(osx-arm64.macos: )'13.0'", r"\1'$(id)'", seal=True),
        "DAMAGED",
        "not a macOS version",
    ),
    "sealed anew, one record from elsewhere": (
        edited(LOCK, r"url: https://conda.anaconda.org(/\S+six-1.17.0)", r"url: https://evil.example\1", seal=True),
        "ADDRESS",
        "files come from https://evil.example/conda-forge, which is none of the lock's channels",
    ),
    "sealed anew, one wheel from elsewhere": (
        edited(LOCK, r"url: http://127[^/]*(/\S+leaf-1.0)", r"url: https://evil.example\1", seal=True),
        "ADDRESS",
        "the wheels of one index are at several hosts: http://127.0.0.1",
    ),
    "environment.yml edited": (edited(YML, r"six=1.17.0=0", "six=1.16.0=0"), "FILE-DIFFERS", "from line "),
    "environment.yml of before": (from_before(YML), "FILE-DIFFERS", YML),
    "no environment.yml": (gone(YML), "FILE-MISSING", YML),
    "environment.yml with an extra line": (changed(YML, lambda text: text + "  - extra\n"), "FILE-DIFFERS", YML),
    "a requirement added": (edited(MANIFEST, "  - mid\n", "  - mid\n  - requests\n"), "REQUIREMENT", "`requests`"),
    "a requirement removed": (edited(MANIFEST, "  - mid\n", ""), "LEFT-BEHIND", "mid"),
    "a stricter requirement": (edited(MANIFEST, "- pandas", "- pandas>=2.1"), "REQUIREMENT", "`pandas>=2.1`"),
    "a bound": (changed(MANIFEST, lambda text: text + "constraints: [numpy>=2]\n"), "CONSTRAINT", "numpy 1.26.4"),
    "a group emptied": (edited(MANIFEST, "groups:.*", ""), "LEFT-BEHIND", "flask"),
    "another group": (edited(MANIFEST, "dev:", "docs:"), "GROUP", "asks for it in docs"),
    "another python": (edited(MANIFEST, "3.12", "3.11"), "PYTHON", "locked for python 3.12"),
    "another macOS": (edited(MANIFEST, '"13.0"', '"14.0"'), "MACOS", "13.0"),
    "another platform": (edited(MANIFEST, "platforms: .", "platforms: [linux-64, "), "PLATFORM", "linux-64"),
    "another channel": (changed(MANIFEST, lambda text: text + "channels: [bioconda]\n"), "CHANNELS", "bioconda"),
    "an accelerator": (changed(MANIFEST, lambda text: text + "accelerator: metal\n"), "ACCELERATOR", "metal"),
    "a mapping": (changed(MANIFEST, lambda text: text + "mapping: {pandas: null}\n"), "MAPPING", "pandas"),
    "a cutoff": (changed(MANIFEST, lambda text: text + "exclude-newer: 2020-01-01\n"), "EXCLUDE-NEWER", "pandas"),
    "another output": (outputs_explicit, "FILE-MISSING", "explicit.osx-arm64.txt"),
    "an output left": (outputs_explicit, "FILE-LEFT", YML),
    "another name": (edited(MANIFEST, "name: demo", "name: other"), "MANIFEST", "is not the name of its folder"),
    "a broken manifest": (written(MANIFEST, "name: [\n"), "MANIFEST", "environments/demo/envgen.yaml:"),
    "an unknown key": (changed(MANIFEST, lambda text: text + "chanels: [x]\n"), "MANIFEST", "chanels"),
    "markers in the manifest": (
        edited(MANIFEST, "  - mid\n", "<<<<<<< a\n  - mid\n=======\n>>>>>>> b\n"),
        "MANIFEST",
        "envgen.yaml:",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_catches(sound: Project, damage: str) -> None:
    change, code, said = DAMAGES[damage]
    change(sound.folder())
    (environment,) = sound.json("check", code=1)["environments"]
    assert not environment["ok"]
    told = [f"{reason['code']} {reason['message']}" for reason in environment["reasons"]]
    assert any(line.startswith(f"{code} ") and said in line for line in told), told
    answer = sound.run("check")
    assert answer.code == 1
    assert answer.out.startswith("demo: the lock is not true\n")
    assert "error: not true: demo\nhint: " in answer.err


SOUND: dict[str, Damage] = {
    "untouched": lambda folder: None,
    "Windows' line ends": changed(LOCK, lambda text: text.replace("\n", "\r\n")),
    "a comment": changed(MANIFEST, lambda text: "# why\n" + text),
    "order": edited(MANIFEST, "  - mid\n  - pandas\n", "  - pandas\n  - mid\n"),
    "a bound that is met": edited(MANIFEST, "- pandas", "- pandas>=2"),
    "a file of the user's": written("notes.txt", "hello"),
}


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("case", SOUND)
def test_passes(sound: Project, case: str) -> None:
    SOUND[case](sound.folder())
    (environment,) = sound.json("check")["environments"]
    assert environment["ok"]
    assert environment["reasons"] == []
    assert environment["notes"] == [
        "not proved without the indexes: that the 10 files are still there with these hashes (--deep asks)"
    ]


def test_goes_on_after_a_faulty_one(sound: Project) -> None:
    sound.manifest("six", name="fresh")
    answer = sound.run("check")
    assert answer.out.splitlines() == [
        "demo: consistent, from the lock's own data: true to its manifest, whole and proved",
        "fresh: the lock is not true",
        "  NO-LOCK: environments/fresh has no lock yet",
    ]
    assert "error: not true: fresh\nhint: run `envgen lock fresh`" in answer.err
    assert sound.run("check", "demo").code == 0
    assert sound.run("check", "nothing").code == 2


class TestDeep:
    @pytest.fixture(autouse=True)
    def no_second_parser(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leave conda-lock out: it takes seconds, and only one test is about it."""
        if "conda_lock" not in request.node.name:
            monkeypatch.setattr(check, "_SCRIPT", "import sys; sys.exit(3)")

    @pytest.mark.slow
    def test_agrees_with_conda_lock_and_the_indexes(self, sound: Project) -> None:
        (environment,) = sound.json("check", "--deep")["environments"]
        assert environment["reasons"] == []
        assert environment["notes"] == ["channel `conda-forge` was read from a mirror"]

    @pytest.mark.parametrize(
        ("before", "after", "code", "said"),
        [
            pytest.param("numpy 1.26.4 py312_0", "numpy 1.26.4 py312_1", "RECORD-GONE", "numpy", id="gone"),
            pytest.param(
                "numpy >=1.26&<2.1\npandas 2.1.4",
                "numpy >=1.27&<2.1\npandas 2.1.4",
                "DEPENDS-UNMET",
                "pandas",
                id="patched",
            ),
        ],
    )
    def test_a_channel_that_has_moved_on(self, sound: Project, before: str, after: str, code: str, said: str) -> None:
        assert before in CHANNEL
        sound.serve(CHANNEL.replace(before, after))
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert any(reason["code"] == code and said in reason["message"] for reason in environment["reasons"])

    def test_another_hash(self, sound: Project) -> None:
        index = sound.channel / "osx-arm64/repodata.json"
        index.write_text(re.sub(r'("sha256": )"\w{4}', r'\1"aaaa', index.read_text()))
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert {reason["code"] for reason in environment["reasons"]} == {"RECORD-HASH"}

    def test_what_the_index_has_elsewhere_is_mended_by_the_hint(self, sound: Project) -> None:
        """`envgen lock` would call a lock current that is true to its manifest."""
        sound.lock("--upgrade")
        forge = edited(
            LOCK, r"(leaf-1.0-py3-none-any.whl\n  hash:\n    sha256: )'?\w{64}'?", rf"\1'{'b' * 64}'", seal=True
        )
        forge(sound.folder())
        answer = sound.run("check", "--deep")
        assert "WHEEL-GONE: leaf-1.0-py3-none-any.whl is listed with another sha256" in answer.out
        hint = answer.err.rpartition("hint: run `")[2].partition("`")[0]
        assert hint == "envgen lock --upgrade demo"
        assert sound.run(*hint.split()[1:]).code == 0
        verdict = "demo: true to its manifest, whole and proved, and as the indexes have it\n"
        assert sound.run("check", "--deep").out == verdict

    def test_one_wheel_at_another_address(self, sound: Project) -> None:
        sound.lock("--upgrade")
        edited(LOCK, r"/files/leaf-1.0", "/other/leaf-1.0", seal=True)(sound.folder())
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert [reason["code"] for reason in environment["reasons"]] == ["WHEEL-ADDRESS"]

    def test_a_wheel_that_was_withdrawn(self, sound: Project) -> None:
        sound.index.forget("leaf")
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert environment["reasons"] == [{"code": "WHEEL-GONE", "message": "leaf is on no index any more"}]
        sound.index.add(build_wheel("leaf", "2.0"))
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert "leaf-1.0-py3-none-any.whl is not listed by" in environment["reasons"][0]["message"]
        sound.index.add(build_wheel("leaf", "1.0", padding=10))
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert "is listed with another sha256" in environment["reasons"][0]["message"]

    def test_a_yank_is_a_note(self, sound: Project) -> None:
        sound.index.forget("leaf")
        sound.index.add(build_wheel("leaf", "1.0"), yanked="it eats files")
        (environment,) = sound.json("check", "--deep")["environments"]
        assert "leaf-1.0-py3-none-any.whl was yanked: it eats files" in environment["notes"]

    def test_an_index_that_does_not_answer(self, sound: Project) -> None:
        answer = sound.run("check", "--deep", "--mirror", "conda-forge=nowhere")
        assert answer.code == 1
        assert answer.out.startswith("demo: the lock is true as far as could be looked at, which is not all\n")
        assert "UNREACHABLE: osx-arm64: " in answer.out
        assert "error: not known to be true: demo\n" in answer.err
        assert "hint: try again with the network" in answer.err

    def test_what_is_false_goes_before_what_is_not_known(self, sound: Project) -> None:
        sound.index.forget("leaf")
        answer = sound.run("check", "--deep", "--mirror", "conda-forge=nowhere")
        assert answer.out.startswith("demo: the lock is not true\n")
        assert "error: not true: demo\n" in answer.err

    def test_off_line_nothing_is_false_for_want_of_a_network(
        self, sound: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("ENVGEN_CACHE_DIR", str(tmp_path / "empty"))
        words = ("check", "--deep", "--offline", "--mirror", "conda-forge=http://127.0.0.1:9/conda-forge")
        (environment,) = sound.json(*words)["environments"]
        assert (environment["ok"], environment["reasons"]) == (True, [])
        notes = [note for note in environment["notes"] if note.startswith("not looked up, off-line: osx-arm64: ")]
        assert len(notes) == 2

    def test_where_it_is_not_installed(self, sound: Project) -> None:
        (environment,) = sound.json("check", "--deep")["environments"]
        assert any("conda-lock was not asked, because it is not installed" in note for note in environment["notes"])

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            pytest.param(
                "raise ValueError('too old')", "conda-lock refuses conda-lock.yml: ValueError: too old", id="no"
            ),
            pytest.param("import sys; sys.exit(1)", "conda-lock refuses conda-lock.yml: it says nothing", id="mute"),
            pytest.param("print('[]')", "conda-lock reads other packages: ", id="other"),
            pytest.param("import time; time.sleep(5)", "conda-lock did not read conda-lock.yml within", id="slow"),
        ],
    )
    def test_a_second_opinion(self, sound: Project, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
        monkeypatch.setattr(check, "_SCRIPT", script)
        monkeypatch.setattr(check, "_TIMEOUT", 1.0)
        (environment,) = sound.json("check", "--deep", code=1)["environments"]
        assert environment["reasons"][0]["code"] == "CONDA-LOCK"
        assert said in environment["reasons"][0]["message"]

    def test_without_conda_lock_yml(self, sound: Project) -> None:
        sound.manifest("six", more="outputs: [explicit]\n")
        sound.lock()
        (environment,) = sound.json("check", "--deep")["environments"]
        assert environment["notes"][0].startswith("conda-lock was not asked: the manifest's outputs have no")


def test_says_that_a_lock_is_of_the_starter_index(living: Project) -> None:
    living.manifest("six")
    living.json("lock", "--starter")
    (environment,) = living.json("check")["environments"]
    assert re.match(
        r"osx-arm64 was locked from the starter index of \S+, not from the channel", environment["notes"][0]
    )
