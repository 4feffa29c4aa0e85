"""Lock against a channel and an index on the loopback, create, run, change, create again: nothing is made by hand."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.install_world import HOST, World, demolib, linux_only, six
from tests.fakes.tiny_conda import MINOR, pip_package, python_package
from tests.fakes.tiny_wheels import build_wheel
from tests.json_shapes import MAYBE_TEXT, TEXT, TEXTS, assert_shape, listing, record

pytestmark = linux_only
CHANGE = record(
    name=TEXT,
    source={"enum": ["conda", "pypi"]},
    change={"enum": ["added", "changed", "repaired", "removed"]},
    **{"from": TEXT, "to": TEXT},
)
CREATED = record(
    name=TEXT,
    prefix=TEXT,
    platform=TEXT,
    dry_run={"type": "boolean"},
    downloaded={"type": "integer"},
    changes=listing(CHANGE),
    checks=listing(record(subject=TEXT, ok={"type": "boolean"}, message=TEXT)),
    activate=TEXTS,
    kernel=MAYBE_TEXT,
    notes=TEXTS,
)


def write(world: World, *dependencies: str) -> Path:
    folder = world.project / "environments" / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    listed = "".join(f"  - {name}\n" for name in dependencies)
    head = f'name: demo\npython: "{MINOR}"\nplatforms: [{HOST}]\nchannels: ["{world.channel.url}"]\n'
    (folder / "envgen.yaml").write_text(f"{head}dependencies:\n{listed}")
    return folder


def test_from_a_manifest_to_running_code_and_on(world: World) -> None:
    world.serve(python_package(HOST), pip_package(), six(), demolib())
    for wheel in (build_wheel("onlypypi", "2.0", requires=("six>=1",)), build_wheel("six", "1.17")):
        world.index.add(wheel)
    write(world, "demolib", "onlypypi>=1")
    world.good("lock", "demo")
    made = world.good("create", "demo")
    assert_shape(made, CREATED)
    assert all(check["ok"] for check in made["checks"])
    assert world.python("import demolib, onlypypi; print(demolib.version, onlypypi.version)") == "1.0 2.0"
    process = world.start("run", "demo", "--", "demo-tool")
    assert process.communicate(timeout=60)[0] == f"{world.prefix}\n"

    world.serve(demolib("1.1"))
    write(world, "demolib>=1.1")
    world.good("lock", "demo")
    changed = world.good("create", "demo")
    assert_shape(changed, CREATED)
    assert {(each["name"], each["change"]) for each in changed["changes"]} >= {
        ("demolib", "changed"),
        ("onlypypi", "removed"),
    }
    assert world.python("import demolib; print(demolib.version)") == "1.1"
    assert world.good("check", "demo")["environments"][0]["ok"]
