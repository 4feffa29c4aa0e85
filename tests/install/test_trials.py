"""What is tried after an environment was made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envgen.cli.options import services_for
from envgen.install.create import create_environment
from envgen.install.smoke_test import SmokeResult, run_smoke_tests
from envgen.install.target import CreateOptions, find_target
from envgen.project.services import Services
from envgen.system.machine import read_machine
from tests.fakes.install_world import HOST, Basics, World, linux_only
from tests.fakes.tiny_conda import SITE, build_conda, module_files

pytestmark = linux_only


def services_of(world: World, patch: pytest.MonkeyPatch, told: list[str]) -> Services:
    """Return the services of this world, which tell a list how far they are."""
    patch.chdir(world.project)
    for name, value in world.environ.items():
        patch.setenv(name, value)
    return services_for(progress=told.append)


def test_every_step_is_told(world: World, usual: Basics, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    create_environment(services_of(world, monkeypatch, told), CreateOptions(name="demo"), read_machine())
    assert told[0].startswith("downloading: 0 of 5 files, 0 bytes of ")
    assert told[-4:] == [
        "linking: 4 of 4 packages",
        "installing the PyPI packages",
        "verifying what was installed",
        "importing six, demolib, onlypypi",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [("return [kind]", ""), ("return []", "TensorFlow lists no GPU")],
    ids=["a GPU", "no GPU"],
)
def test_with_metal_on_a_mac_the_gpu_is_listed(
    world: World, usual: Basics, monkeypatch: pytest.MonkeyPatch, body: str, message: str
) -> None:
    source = f"class config:\n    @staticmethod\n    def list_physical_devices(kind):\n        {body}\n"
    fake = build_conda("tensorflow", files={f"{SITE}/tensorflow.py": source.encode()}, subdir=HOST)
    world.serve(fake)
    world.lock([*usual.conda, fake], accelerator="metal", dependencies=["six"])
    world.good("create", "demo")
    services = services_of(world, monkeypatch, [])
    target = find_target(services, CreateOptions(name="demo"), read_machine())
    assert run_smoke_tests(services, target).results == (SmokeResult(subject="six"),)
    tried = run_smoke_tests(services, replace(target, is_mac=True))
    assert tried.results == (SmokeResult(subject="six"), SmokeResult(subject="tensorflow", message=message))


def test_only_what_applies_here_is_imported(world: World, usual: Basics) -> None:
    world.lock(usual.conda, dependencies=['six; sys_platform == "linux"', 'nothing; sys_platform == "win32"'])
    made = world.good("create", "demo")
    assert [check["subject"] for check in made["checks"]] == ["six"]


def test_conda_knows_it_by_another_name(world: World, usual: Basics) -> None:
    torch = build_conda("pytorch", files=module_files("torch", "2.0"), subdir="noarch", noarch="python")
    world.serve(torch)
    world.lock([*usual.conda, torch], dependencies=["pytorch"])
    made = world.good("create", "demo")
    assert [check["subject"] for check in made["checks"]] == ["torch"]


def test_without_python_there_is_nothing_to_try(world: World) -> None:
    data = build_conda("libdata", files={"share/data": b"1"}, subdir=HOST)
    world.serve(data)
    world.lock([data])
    made = world.good("create", "demo")
    assert (world.prefix / "share/data").exists()
    assert (made["checks"], made["activate"], made["notes"]) == ([], [], [])


def test_what_holds_no_module_is_a_note(world: World, usual: Basics) -> None:
    meta = build_conda("metapackage", subdir=HOST)
    world.serve(meta)
    world.lock([*usual.conda, meta], dependencies=["metapackage", "six"])
    made = world.good("create", "demo")
    assert made["notes"] == ["metapackage holds no module, so nothing of it was imported"]
    assert [check["subject"] for check in made["checks"]] == ["six"]


@pytest.mark.parametrize(("count", "tried"), [(8, 8), (9, 1)])
def test_of_many_modules_the_first_stands_for_all(world: World, usual: Basics, count: int, tried: int) -> None:
    names = [f"many{number}" for number in range(count)]
    many = build_conda("many", files={f"{SITE}/{name}.py": b"" for name in names}, subdir=HOST)
    world.serve(many)
    world.lock([*usual.conda, many], dependencies=["many"])
    made = world.good("create", "demo")
    assert [check["subject"] for check in made["checks"]] == names[:tried]


def test_scripts_that_conda_would_run_are_noted(world: World, usual: Basics) -> None:
    scripted = build_conda("scripted", files={"bin/.scripted-post-link.sh": b"exit 1\n"}, subdir=HOST)
    world.serve(scripted)
    world.lock([*usual.conda, scripted], dependencies=["six"])
    made = world.good("create", "demo")
    assert made["notes"] == ["the post-link script of scripted was not run; conda would have run it"]
