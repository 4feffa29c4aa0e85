"""Every command to the same exit code for the same mistake: 1 for what cannot be had, 2 for a wrong call."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
import typer

from envgen.cli import main
from envgen.project import channels
from tests.fakes.tiny_project import Project, empty_project, manifest
from tests.json_shapes import FAILURE, assert_shape

CALLS = {
    "new": "new other",
    "lock": "lock demo",
    "check": "check demo",
    "add": "add demo six",
    "remove": "remove demo six",
    "create": "create demo",
    "run": "run demo -- true",
    "import": "import r.txt",
    "map": "map six",
    "why": "why demo six",
    "why-not": "why-not demo six>=2",
    "tree": "tree demo",
    "diff": "diff demo demo",
    "export": "export demo --format explicit",
    "diagnose": "diagnose six --no-try",
    "doctor": "doctor demo",
    "cache": "cache dir",
    "knowledge": "knowledge",
    "templates": "templates",
    "schema": "schema",
    "auth": "auth logout h.example",
    "vendor": "vendor demo --download --to out",
}
VALUES = {
    "--solver": "foo",
    "--accelerator": "foo",
    "--python": "foo",
    "--macos": "foo",
    "--channel": "a b",
    "--mirror": "foo",
    "--format": "foo",
    "--pins": "foo",
    "--platform": "foo",
    "--with": "foo",
    "--activation": "foo",
    "--template": "foo",
    "--depth": "foo",
    "--no-group": "foo",
    "--allow-outside-links": "foo",
    "--older-than": "foo",
    "--effort": "foo",
}
ANYTHING = {
    "--prefix",
    "--name",
    "--output",
    "--group",
    "--command",
    "--from",
    "--to",
    "--verify",
    "--from-vendored",
    "--username",
    "--allow-older",
}
"""Options that take names and paths of the user's own, or words that are judged."""
CODES = {
    "an environment that is not there": (
        2,
        [
            "lock nope", "check nope", "add nope six", "remove nope six", "create nope", "run nope -- true",
            "why nope six", "why-not nope six>=2", "tree nope", "diff nope", "export nope --format pixi",
            "doctor nope", "vendor nope --download --to out",
        ],
    ),
    "a name that leads out": (2, ["lock ../x", "check ../x", "new ../x", "run ../x -- true", "import r.txt --name .."]),
    "a package that is not there": (
        1,
        ["lock demo --update nope", "why demo nope", "tree demo nope", "remove demo nope", "add demo nope"],
    ),
    "a text that is no requirement": (
        2,
        [
            "add demo 'a b'", "add demo 'six >>'", "new x --add 'a b'", "map 'a b'", "diagnose 'a b'",
            "why-not demo 'a b'", "lock demo --update 'a b'",
        ],
    ),
    "a file that is not there": (
        1,
        [
            "import missing.txt", "map missing.txt", "map ./missing", "diagnose missing.txt", "new x --from gone.txt",
            "diff demo missing.yml", "diff missing/x demo", "create demo --from-vendored missing",
            "vendor --verify missing",
        ],
    ),
    "what goes against each other": (
        2,
        [
            "add demo x --conda --pypi", "add demo x --conda --group dev", "new x --from r.txt --template jax",
            "auth login h.example -u me --token",
            "vendor --download", "vendor --starter --verify out", "create demo --with conda --kernel",
        ],
    ),
    "an environment that cannot be had": (1, ["add demo numpy>99", "lock tall", "new x --add numpy>99 --python 3.12"]),
    "a lock that is not there": (1, ["why tall six", "tree tall", "export tall --format pixi", "create tall"]),
    "a lock that is not true": (1, ["check tall", "lock tall --check"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with pytest.MonkeyPatch.context() as patch:
        made = empty_project(tmp_path_factory.mktemp("locked"), patch)
        made.write("demo", manifest("demo", "six"))
        (made.folder / "r.txt").write_text("six\n")
        assert made.run("lock", "demo").code == 0
        made.write("tall", manifest("tall", "tall"))
        return made


@pytest.fixture
def demo(project: Project, locked: Project) -> Project:
    project.start_from(locked)
    return project


def options(name: str) -> Iterator[str]:
    """Yield the long options of a command that take a value."""
    context = typer.main.get_command(main.application([name])).make_context("envgen", [name], resilient_parsing=True)
    command = context.command.get_command(context, name)  # type: ignore[attr-defined]  # it is a group
    for option in command.params:
        named = [text for text in option.opts if text.startswith("--")]
        if named and not getattr(option, "is_flag", False) and named != ["--help"]:
            yield named[0]


WITH_VALUES = [(name, option) for name in main.COMMANDS for option in options(name)]


def test_every_command_is_called() -> None:
    assert CALLS.keys() == main.COMMANDS.keys()


def test_every_option_is_known() -> None:
    assert {option for _, option in WITH_VALUES} == {*VALUES, *ANYTHING, "--update", "--add"}


@pytest.mark.parametrize(("name", "option"), [pair for pair in WITH_VALUES if pair[1] in VALUES])
def test_a_value_that_an_option_does_not_take(
    demo: Project, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    def unread(*_: object, **__: object) -> None:
        raise AssertionError("an index was opened")

    monkeypatch.setattr(channels, "open_channels", unread)
    head, *rest = shlex.split(CALLS[name])
    before = demo.files()
    end = rest.index("--") if "--" in rest else len(rest)
    ran = demo.run(head, *rest[:end], option, VALUES[option], *rest[end:])
    assert ran.code == 2, ran
    assert ran.err.startswith("error: ")
    assert demo.files() == before


@pytest.mark.parametrize("name", main.COMMANDS)
def test_an_unknown_option(demo: Project, name: str) -> None:
    head, *rest = shlex.split(CALLS[name])
    ran = demo.run(head, "--frob", *rest)
    assert ran.code == 2
    assert ran.err.startswith("error: No such option: --frob")
    assert ran.err.endswith(f"\nhint: see `envgen {name} --help`\n")


MISTAKES = [
    pytest.param(code, call, id=f"{mistake}: {call}") for mistake, (code, calls) in CODES.items() for call in calls
]


@pytest.mark.parametrize(("code", "call"), MISTAKES)
def test_the_same_mistake_has_the_same_code(demo: Project, code: int, call: str) -> None:
    words = shlex.split(call)
    ran = demo.run(*words)
    assert ran.code == code, ran
    if words[0] not in ("check", "run") and "--check" not in words:
        told = demo.run(words[0], "--json", *words[1:])
        assert (told.code, told.err) == (code, "")
        assert_shape(told.json, FAILURE)
        assert (told.json["error"]["code"] == "usage") == (code == 2)
