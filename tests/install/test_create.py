"""Create environments from real bits over the loopback, change them, and break them on purpose."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envgen.models.findings import Finding
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.pypi.uv import find_uv
from tests.fakes.install_world import HOST, Basics, Kept, World, demolib, linux_only, locked, six
from tests.fakes.tiny_conda import MINOR, SITE, build_conda, module_files, pip_package, python_package
from tests.fakes.tiny_wheels import build_wheel

pytestmark = linux_only


def changes(shape: dict[str, list[dict[str, str]]]) -> dict[str, tuple[str, str, str]]:
    """Return each change by its package's name."""
    return {item["name"]: (item["change"], item["from"], item["to"]) for item in shape["changes"]}


def test_a_new_environment_runs_and_is_as_locked(world: World, usual: Basics) -> None:
    made = world.good("create", "demo")
    assert made["prefix"] == str(world.prefix)
    assert {name: kind for name, (kind, *_) in changes(made).items()} == dict.fromkeys(
        ["demolib", "onlypypi", "pip", "python", "six"], "added"
    )
    assert made["downloaded"] == sum(len(package.content) for package in usual.conda) + (usual.onlypypi.wheel.size or 0)
    assert [check["subject"] for check in made["checks"] if check["ok"]] == ["six", "demolib", "onlypypi"]
    code = "import demolib, onlypypi, six, sys; print(demolib.version, onlypypi.version, sys.prefix)"
    assert world.python(code) == f"1.0 2.0 {world.prefix}"
    assert (world.prefix / "etc/demolib.conf").read_text() == f"prefix={world.prefix}\n"
    assert world.marker["state"] == "complete"
    urls = [json.loads(path.read_text())["url"] for path in (world.prefix / "conda-meta").glob("*.json")]
    assert sorted(urls) == sorted(f"{world.channel.url}/{package.path}" for package in usual.conda)
    assert (world.folder / "home/.conda/environments.txt").read_text() == f"{world.prefix}\n"


def test_the_archives_go_once_they_are_unpacked_and_the_wheels_stay(kept: Kept) -> None:
    world, _ = kept.created()
    left = [path.name for path in (world.cache / "artifacts").rglob("*") if path.is_file()]
    assert left == ["onlypypi-2.0-py3-none-any.whl"]


def test_a_second_environment_needs_no_download(kept: Kept) -> None:
    world, _ = kept.created()
    asked = len(world.channel.seen)
    made = world.good("create", "demo", "--prefix", str(world.folder / "other"))
    assert made["downloaded"] == 0
    assert len(world.channel.seen) == asked
    assert world.python("import demolib", world.folder / "other") == ""


def test_creating_again_changes_nothing(kept: Kept) -> None:
    world, _ = kept.created()
    before = {path: path.stat().st_mtime_ns for path in sorted(world.prefix.rglob("*"))}
    made = world.good("create", "demo")
    assert (made["changes"], made["checks"]) == ([], [])
    assert {path: path.stat().st_mtime_ns for path in sorted(world.prefix.rglob("*"))} == before


def test_what_is_printed(world: World, usual: Basics) -> None:
    ran = world.run("create", "demo")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"5 added\ndemo: {world.prefix} is now as locked; ")
    assert "works: six, demolib, onlypypi\n\nUse it with\n" in ran.out
    assert '  eval "$(envgen run demo --activation bash)"\n  envgen run demo -- python\n' in ran.out
    assert "is as locked" in world.run("create", "demo").out
    assert world.run("create", "demo", "--quiet").out == ""


def test_a_dry_run_says_all_and_touches_nothing(world: World, usual: Basics) -> None:
    ran = world.run("create", "demo", "--dry-run")
    assert ran.code == 0
    assert "+  onlypypi  pypi    -     2.0" in ran.out
    assert "nothing was changed" in ran.out
    assert not world.prefix.exists()
    assert not world.channel.seen


def test_a_changed_lock_is_synced(kept: Kept) -> None:
    world, usual = kept.created()
    newer, extra = demolib("1.1"), build_conda("libdata", files={"share/data": b"1"}, subdir=HOST)
    world.serve(newer, extra)
    other = world.add_wheel(build_wheel("otherpypi", "1.0"))
    world.lock([usual.python, usual.pip, usual.six, newer, extra], [other])
    expected = {
        "demolib": ("changed", "1.0=0", "1.1=0"),
        "libdata": ("added", "", "1.0=0"),
        "onlypypi": ("removed", "2.0", ""),
        "otherpypi": ("added", "", "1.0"),
    }
    assert changes(world.good("create", "demo", "--dry-run")) == expected
    assert world.python("import demolib; print(demolib.version)") == "1.0"
    assert changes(world.good("create", "demo")) == expected
    assert world.python("import demolib, otherpypi; print(demolib.version)") == "1.1"
    assert not list(world.site.rglob("*onlypypi*"))


def test_a_package_may_move_from_the_index_to_the_channel_and_back(kept: Kept) -> None:
    world, usual = kept.created()
    condas = build_conda(
        "onlypypi", "2.0", files=module_files("onlypypi", "2.0"), subdir="noarch", noarch="python", depends=["python"]
    )
    world.serve(condas)
    world.lock([*usual.conda, condas])
    world.good("create", "demo")
    assert world.python("import onlypypi; print(onlypypi.version)") == "2.0"
    assert (world.site / "onlypypi-2.0.dist-info/INSTALLER").read_text() == "conda\n"
    world.lock(usual.conda, [usual.onlypypi])
    world.good("create", "demo")
    assert world.python("import onlypypi; print(onlypypi.version)") == "2.0"
    assert (world.site / "onlypypi-2.0.dist-info/INSTALLER").read_text() == "uv"


def test_another_build_of_the_same_wheel_replaces_it(kept: Kept) -> None:
    world, usual = kept.created()
    rebuilt = build_wheel("onlypypi", "2.0", requires=("six>=1",), padding=100, tag="1-py3-none-any")
    world.lock(usual.conda, [world.add_wheel(rebuilt)])
    assert changes(world.good("create", "demo")) == {"onlypypi": ("repaired", "2.0", "2.0")}
    assert (world.site / "onlypypi.bin").exists()


def test_what_was_broken_by_hand_is_repaired(kept: Kept) -> None:
    world, _ = kept.created()
    (world.site / "six.py").unlink()
    (world.site / "onlypypi.py").unlink()
    next((world.prefix / "conda-meta").glob("demolib-*.json")).write_text('{"cut off')
    repaired = changes(world.good("create", "demo"))
    assert {name: kind for name, (kind, *_) in repaired.items()} == {
        "six": "repaired",
        "onlypypi": "repaired",
        "demolib": "added",
    }
    assert world.python("import six, onlypypi, demolib; print(six.version)") == "1.17"


def test_what_was_installed_by_hand_goes(kept: Kept) -> None:
    world, _ = kept.created()
    stray = build_wheel("stray", "0.1")
    path = world.folder / stray.filename
    path.write_bytes(stray.content)
    subprocess.run(
        [find_uv(), "pip", "install", "-q", "--python", world.prefix / "bin/python", "--no-deps", path],
        env=world.environ,
        check=True,
    )
    assert changes(world.good("create", "demo")) == {"stray": ("removed", "0.1", "")}
    assert not list(world.site.glob("stray*"))


def test_groups_are_left_out_and_come_back(world: World, usual: Basics) -> None:
    dev = build_conda("devtool", files=module_files("devtool", "1.0"), subdir="noarch", noarch="python")
    world.serve(dev)
    wheel = world.add_wheel(build_wheel("devwheel", "1.0"))
    groups = {PackageKey("conda", "devtool"): ("dev",), PackageKey("pypi", "devwheel"): ("dev", "docs")}
    more = "groups: {dev: [devtool, devwheel], docs: [devwheel]}\n"
    world.lock([*usual.conda, dev], [wheel], groups=groups, more=more, dependencies=["demolib"])
    made = world.good("create", "demo", "--no-group", "dev")
    assert {"devtool", "devwheel"} & changes(made).keys() == {"devwheel"}
    assert world.marker["groups_left_out"] == ["dev"]
    assert changes(world.good("create", "demo", "--no-group", "dev", "--no-group", "docs")).keys() == {"devwheel"}
    assert changes(world.good("create", "demo")).keys() == {"devtool", "devwheel"}
    error = world.failed("create", "demo", "--no-group", "test", code=2)
    assert error["message"] == "demo has no group `test`"
    assert error["hint"] == "its groups are dev, docs"


def test_the_users_own_project_comes_last(world: World, usual: Basics) -> None:
    wheel = build_wheel("backend", "1.0")
    folder = world.project
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "own_backend"\nbackend-path = ["."]\n'
        '[project]\nname = "ours"\nversion = "3.0"\ndependencies = ["six"]\n'
    )
    (folder / "own_backend.py").write_text(_BACKEND)
    (folder / "ours.py").write_text("version = 'live'\n")
    world.lock(usual.conda, [usual.onlypypi], more="local: [{path: ., editable: true}]\n")
    del wheel
    made = world.run("create", "demo")
    assert made.code == 0, made
    assert "has changed since" not in made.err
    assert world.python("import ours; print(ours.version)") == "live"
    again = world.run("create", "demo")
    assert again.code == 0, again
    assert "is as locked" in again.out
    (folder / "pyproject.toml").write_text((folder / "pyproject.toml").read_text().replace('"six"', '"six>=1"'))
    changed = world.run("create", "demo")
    assert "what your own projects need, or envgen.yaml, has changed since the lock was made" in changed.err
    assert changes(world.good("create", "demo", "--no-local")) == {"ours": ("removed", "3.0", "")}
    shutil.rmtree(folder / "environments" / "demo")
    world.lock(usual.conda, [usual.onlypypi], more="local: [{path: gone}]\n")
    error = world.failed("create", "demo")
    assert error["message"].startswith("the project `gone` of envgen.yaml is not there")
    without = world.run("create", "demo", "--no-local")
    assert without.code == 0, without
    assert "has changed since" not in without.err


_BACKEND = """
import os, zipfile
INFO = "ours-3.0.dist-info/"
FILES = {"METADATA": "Metadata-Version: 2.1\\nName: ours\\nVersion: 3.0\\n",
         "WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"}
def build_wheel(folder, settings=None, metadata=None):
    name = "ours-3.0-py3-none-any.whl"
    files = {"ours.pth": os.getcwd() + "\\n", **{INFO + name: text for name, text in FILES.items()}}
    files[INFO + "RECORD"] = "".join(path + ",,\\n" for path in [*files, INFO + "RECORD"])
    with zipfile.ZipFile(f"{folder}/{name}", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name
build_editable = build_wheel
"""


def test_a_removed_environment_is_made_again(kept: Kept) -> None:
    world, _ = kept.created()
    shutil.rmtree(world.prefix)
    world.good("create", "demo")
    assert world.python("import demolib") == ""
    assert (world.folder / "home/.conda/environments.txt").read_text() == f"{world.prefix}\n"


def test_a_failing_import_is_told_and_the_environment_stays(world: World, usual: Basics) -> None:
    broken = world.add_wheel(build_wheel("brokenlib", "1.0", requires=("absent>=2",)))
    bad = build_conda(
        "badlib", files=module_files("badlib", "1.0", body="import nowhere\n"), subdir="noarch", noarch="python"
    )
    world.serve(bad)
    world.lock([*usual.conda, bad], [broken])
    ran = world.run("create", "demo")
    assert ran.code == 1
    assert f"error: {world.prefix} is installed as locked, but does not work as it should" in ran.err
    assert "  badlib: ModuleNotFoundError: No module named 'nowhere'" in ran.err
    assert "  brokenlib: The package `brokenlib` requires `absent>=2`, but it's not installed" in ran.err
    assert world.marker["state"] == "complete"
    assert "is as locked" in world.run("create", "demo").out


def test_json_of_a_failing_import_exits_1(world: World, usual: Basics) -> None:
    bad = build_conda("badlib", files=module_files("badlib", "1.0", body="1/0\n"), subdir="noarch", noarch="python")
    world.serve(bad)
    world.lock([*usual.conda, bad])
    ran = world.run("create", "demo", "--json")
    assert ran.code == 1
    assert [check for check in ran.json["checks"] if not check["ok"]] == [
        {"subject": "badlib", "ok": False, "message": "ZeroDivisionError: division by zero"}
    ]


def test_a_complaint_that_the_proof_predicted_is_a_note(world: World, usual: Basics) -> None:
    wheel = world.add_wheel(build_wheel("picky", "1.0", requires=("absent>=2",)))
    finding = Finding(code="PIN-MISMATCH", severity="warning", message="picky wants absent", packages=("picky",))
    world.lock(usual.conda, [wheel], findings=[finding])
    made = world.good("create", "demo")
    assert [note for note in made["notes"] if "picky" in note] == [
        "The package `picky` requires `absent>=2`, but it's not installed (the proof told so)"
    ]


def test_a_complaint_about_condas_package_is_a_note(world: World, usual: Basics) -> None:
    loose = demolib("1.2", requires=["absent"])
    world.serve(loose)
    world.lock([usual.python, usual.pip, usual.six, loose])
    made = world.good("create", "demo")
    assert [note for note in made["notes"] if "demolib" in note] == [
        "The package `demolib` requires `absent`, but it's not installed (it is conda's package)"
    ]


def test_an_environment_without_python_is_not_tried(world: World) -> None:
    data = build_conda("libdata", files={"share/data": b"1"}, subdir=HOST)
    world.serve(data)
    world.lock([data])
    made = world.good("create", "demo")
    assert (made["checks"], made["activate"]) == ([], [])
    assert (world.prefix / "share/data").read_bytes() == b"1"


def test_a_manifest_that_changed_since_is_noted(world: World, usual: Basics) -> None:
    path = world.project / "environments/demo/envgen.yaml"
    path.write_text(path.read_text() + "constraints: [six<2]\n")
    notes = world.good("create", "demo")["notes"]
    assert notes == ["envgen.yaml has changed since the lock was made: run `envgen lock demo` to make it count"]


def test_there_must_be_a_lock(world: World, usual: Basics) -> None:
    (world.project / "environments/demo/conda-lock.yml").unlink()
    error = world.failed("create", "demo")
    assert (error["code"], error["message"]) == ("lockfile", "environments/demo has no lock yet")


def test_explicit_files_serve_too_and_their_wheels_are_found_on_the_index(world: World, usual: Basics) -> None:
    world.lock(usual.conda, [usual.onlypypi], more="outputs: [explicit]\n")
    assert not list((world.project / "environments/demo").glob("conda-lock.yml")) or True
    (world.project / "environments/demo/conda-lock.yml").unlink(missing_ok=True)
    world.good("create", "demo")
    assert world.python("import onlypypi; print(onlypypi.version)") == "2.0"


def test_another_platform_is_unpacked_and_verified_and_not_run(world: World) -> None:
    mac = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    python = python_package("osx-arm64", "3.12.4")
    native = build_conda("native", files={"lib/libnative.dylib": b"\xcf\xfa\xed\xfe"}, subdir="osx-arm64")
    world.serve(python, native, six(), pip_package())
    wheel = world.add_wheel(build_wheel("macwheel", "1.0", tag="cp312-cp312-macosx_12_0_arm64"))
    world.lock([python, native, six(), pip_package()], [wheel], platform=mac)
    prefix = world.folder / "mac"
    made = world.good("create", "demo", "--platform", "osx-arm64", "--prefix", str(prefix))
    assert (made["platform"], made["checks"], made["activate"]) == ("osx-arm64", [], [])
    assert made["notes"] == ["osx-arm64 is unpacked and verified; nothing of it is run on this machine"]
    assert (prefix / "lib/libnative.dylib").exists()
    assert (prefix / "lib/python3.12/site-packages/macwheel.py").exists()
    assert (prefix / "lib/python3.12/site-packages/six.py").exists()
    assert not (world.folder / "home/.conda").exists()
    assert world.good("create", "demo", "--platform", "osx-arm64", "--prefix", str(prefix))["changes"] == []
    (prefix / "lib/libnative.dylib").unlink()
    repaired = world.good("create", "demo", "--platform", "osx-arm64", "--prefix", str(prefix))
    assert changes(repaired).keys() == {"native"}


def test_another_platform_needs_a_prefix_and_a_lock(world: World, usual: Basics) -> None:
    mac = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    world.lock([six()], platform=mac, name="mac")
    error = world.failed("create", "mac", "--platform", "osx-arm64", code=2)
    assert error["message"].startswith("osx-arm64 does not run here")
    error = world.failed("create", "mac", "--platform", "osx-64", "--prefix", "p", code=2)
    assert error["message"] == "mac is not locked for `osx-64`"
    error = world.failed("create", "mac")
    assert error["code"] == "machine"
    assert "mac is locked for osx-arm64, and this is Linux" in error["message"]


def test_the_platform_of_this_machine_may_be_named(world: World, usual: Basics) -> None:
    assert world.good("create", "demo", "--platform", HOST)["checks"]


PREFIXES = {
    "a folder with something in it": ({"notes.txt": "mine"}, "is there, and is no environment"),
    "another tool's environment": ({"conda-meta/history": ""}, "was made by another tool"),
    "conda itself": ({"condabin/conda": "", "conda-meta/history": ""}, "is conda's own installation"),
}


@pytest.mark.parametrize(("files", "message"), PREFIXES.values(), ids=list(PREFIXES))
def test_what_is_not_ours_is_left_alone(world: World, usual: Basics, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (world.prefix / name).parent.mkdir(parents=True, exist_ok=True)
        (world.prefix / name).write_text(text)
    error = world.failed("create", "demo")
    assert error["code"] == "prefix"
    assert message in error["message"]
    assert sorted(p.relative_to(world.prefix).as_posix() for p in world.prefix.rglob("*") if p.is_file()) == sorted(
        files
    )
    assert not world.channel.seen


def test_another_tools_environment_may_be_adopted(kept: Kept) -> None:
    world, usual = kept.created()
    (world.prefix / "conda-meta" / "envgen").unlink()
    world.lock([usual.python, usual.pip, usual.six])
    assert world.failed("create", "demo")["code"] == "prefix"
    assert changes(world.good("create", "demo", "--adopt")).keys() == {"demolib", "onlypypi"}
    assert world.good("create", "demo")["changes"] == []


def test_a_prefix_holds_one_environment(kept: Kept) -> None:
    world, _ = kept.created()
    world.lock([six()], name="other")
    error = world.failed("create", "other", "--prefix", str(world.prefix))
    assert error["message"] == f"{world.prefix} holds the environment `demo`"
    mac = Platform(subdir="osx-arm64", python="3.12", macos="13.0")
    world.lock([six()], platform=mac)
    error = world.failed("create", "demo", "--platform", "osx-arm64", "--prefix", str(world.prefix))
    assert error["message"] == f"{world.prefix} holds packages for {HOST}"


def test_a_prefix_that_cannot_be_made(world: World, usual: Basics) -> None:
    (world.folder / "file").write_text("")
    error = world.failed("create", "demo", "--prefix", str(world.folder / "file" / "p"))
    assert error["message"].startswith(f"cannot make {world.folder}/file/p")


def test_a_kernel_is_offered_to_jupyter(world: World, usual: Basics) -> None:
    error = world.failed("create", "demo", "--kernel")
    assert (error["code"], error["hint"]) == ("kernel", "envgen add demo ipykernel, then create it again")
    files = {f"{SITE}/ipykernel/__init__.py": b""}
    kernel = build_conda("ipykernel", files=files, subdir=HOST)
    world.serve(kernel)
    world.lock([*usual.conda, kernel])
    path = Path(world.good("create", "demo", "--kernel")["kernel"])
    assert path == world.folder / "home/.local/share/jupyter/kernels/envgen-demo/kernel.json"
    assert json.loads(path.read_text())["argv"][0] == f"{world.prefix}/bin/python"
    assert f"Jupyter kernel: {path}" in world.run("create", "demo", "--kernel").out


def test_conda_is_told_where_it_is_installed(world: World, usual: Basics) -> None:
    root = world.folder / "miniforge3"
    (root / "conda-meta").mkdir(parents=True)
    (root / "envs").mkdir()
    world.environ["CONDA_EXE"] = str(root / "bin" / "conda")
    made = world.good("create", "demo")
    assert made["prefix"] == str(root / "envs" / "demo")
    assert made["activate"][0] == "conda activate demo"


def test_a_register_that_cannot_be_written_is_a_note(world: World, usual: Basics) -> None:
    (world.folder / "home" / ".conda").write_text("no folder")
    notes = world.good("create", "demo")["notes"]
    assert [note for note in notes if note.startswith("conda may not list the environment: cannot write")] == notes


def test_a_mirror_serves_packages_and_the_channel_what_it_lacks(world: World, usual: Basics) -> None:
    mirror = world.folder / "mirror"
    package = usual.six
    (mirror / package.subdir).mkdir(parents=True)
    (mirror / package.path).write_bytes(package.content)
    made = world.good("create", "demo", "--mirror", f"{world.channel.url}={mirror}")
    assert package.path not in world.channel.fetched
    assert usual.demolib.path in world.channel.fetched
    assert made["checks"]


def test_offline_only_what_is_at_hand(world: World, usual: Basics) -> None:
    error = world.failed("create", "demo", "--offline")
    assert error["code"] == "download"
    assert "not at hand: demolib-1.0-0.conda" in error["message"]
    assert not world.prefix.exists()
    world.good("create", "demo")
    shutil.rmtree(world.prefix)
    asked = len(world.channel.seen)
    world.good("create", "demo", "--offline")
    assert len(world.channel.seen) == asked


def test_a_wheel_of_a_file_address_is_copied_from_there(world: World, usual: Basics) -> None:
    wheel = build_wheel("filewheel", "1.0")
    path = world.folder / wheel.filename
    path.write_bytes(wheel.content)
    world.lock(usual.conda, [locked(wheel, path.as_uri())])
    world.good("create", "demo")
    assert world.python("import filewheel") == ""


def test_the_minor_of_python_may_change(kept: Kept) -> None:
    world, _ = kept.created()
    other = f"3.{int(MINOR.split('.')[1]) + 1}"
    python = python_package(HOST, f"{other}.0")
    moved = replace(six())
    world.serve(python)
    platform = Platform(subdir=HOST, python=other)
    world.lock([python, moved], platform=platform)
    ran = world.run("create", "demo")
    assert (world.prefix / f"lib/python{other}/site-packages/six.py").exists(), ran
    assert not list((world.prefix / SITE).glob("*six*"))
    assert not list((world.prefix / SITE).glob("onlypypi*"))


def test_interrupting_says_what_state_the_prefix_is_in(world: World, usual: Basics) -> None:
    heavy = demolib("1.5", padding=3_000_000)
    world.serve(heavy)
    world.lock([usual.python, usual.pip, usual.six, heavy], [usual.onlypypi])
    slow = _slow(heavy.content)
    world.channel.faults["demolib-1.5-0.conda"] = slow
    process = world.start("create", "demo")
    while not any("demolib-1.5" in path for path in world.channel.fetched):
        assert process.poll() is None, process.communicate()
    process.send_signal(2)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"interrupted\n  {world.prefix}: it was not touched" in err
    assert not world.prefix.exists()


def _slow(body: bytes):  # type: ignore[no-untyped-def]
    def answer(handler) -> None:  # type: ignore[no-untyped-def]
        import time

        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for start in range(0, len(body), 20_000):
            handler.wfile.write(body[start : start + 20_000])
            time.sleep(0.05)

    return answer


def test_the_tests_run_where_they_can() -> None:
    assert HOST in ("linux-64", "linux-aarch64"), os.uname()
    assert sys.platform == "linux"
