"""Test that a package which is bound to an index comes from it alone, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from envgen.cli.options import services_for
from envgen.install.fetch import Sources, fetch_files
from envgen.project.project import locked_environment
from envgen.project.services import with_indexes
from tests.fakes.index_server import IndexServer
from tests.fakes.projects import Project
from tests.fakes.tiny_wheels import build_wheel

PASSWORD = "1ndex/w0rd@"


@pytest.fixture
def private() -> Iterator[IndexServer]:
    """Serve the project's own packages, and a stranger's six, to those who have the password."""
    with IndexServer(password=PASSWORD) as server:
        server.add(build_wheel("ours", "1.0", requires=["inner", "theirs"]))
        server.add(build_wheel("inner", "1.0"))
        server.add(build_wheel("theirs", "66.0"))
        yield server


@pytest.fixture
def demo(living: Project, private: IndexServer) -> Project:
    """Return a project whose names are all on the public index, too, in higher versions."""
    for name in ("ours", "inner"):
        living.index.add(build_wheel(name, "9.0"))
    living.index.add(build_wheel("theirs", "1.0"))
    living.index.add(build_wheel("wrapper", "1.0", requires=["ours"]))
    living.monkeypatch.setenv("ENVGEN_TOKENS", f"{private.root.partition('//')[2]}=user:1ndex%2Fw0rd%40")
    return living


def bind(private: IndexServer, *names: str, more: str = "") -> str:
    return f"indexes:\n  - {{url: {private.url.rstrip('/')}, packages: [{', '.join(names)}]}}\n{more}"


def sources(project: Project) -> dict[str, str]:
    """Return the root of each wheel's address."""
    _, lock = locked_environment(project.root / "project", "demo")
    return {wheel.name: wheel.wheel.url.partition("/files/")[0] for wheel in lock.platforms[0].pypi}


ASKED = {
    "by name": (["ours"], {"ours", "inner", "theirs"}),
    "by another package": (["wrapper"], {"ours", "inner", "theirs", "wrapper"}),
}


@pytest.mark.parametrize(("wanted", "names"), ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("public", [True, False], ids=["a name that is public, too", "a name of ours alone"])
def test_bound_names_come_from_their_index_alone(
    demo: Project, private: IndexServer, wanted: list[str], names: set[str], public: bool
) -> None:
    if not public:
        demo.index.forget("ours")
        demo.index.forget("inner")
    demo.monkeypatch.setenv("UV_INDEX_STRATEGY", "unsafe-best-match")
    demo.manifest(*wanted, more=bind(private, "Ours", "inner"))
    locked = demo.lock()
    assert {name: locked.versions[name] for name in names & {"ours", "inner", "theirs"}} == {
        "ours": "1.0",
        "inner": "1.0",
        "theirs": "1.0",
    }
    roots = sources(demo)
    assert roots == {name: private.root if name in ("ours", "inner") else demo.index.root for name in names}
    assert private.count("/simple/theirs") == private.count("/simple/wrapper") == private.count("/simple/six") == 0


def test_a_clone_uses_the_same_binding(demo: Project, private: IndexServer) -> None:
    demo.manifest("wrapper", more=bind(private, "ours", "inner"))
    demo.lock()
    text = (demo.folder() / "conda-lock.yml").read_text()
    assert f"    indexes: inner,ours={private.url.rstrip('/')}\n" in text
    assert f"--extra-index-url {private.url.rstrip('/')}'" in (demo.folder() / "environment.yml").read_text()
    before = demo.index.count("/simple/ours")
    checked = demo.run("check", "--deep")
    assert checked.code == 0, checked.out
    services = services_for(progress=lambda text: None)
    environment, lock = locked_environment(services.root, "demo")
    asked = Sources(with_indexes(services, environment.manifest.indexes), environment.manifest.channels)
    fetched = fetch_files(asked.wheels(lock.platforms[0].pypi), asked.fetch_options(demo.root / "store"))
    assert len(fetched.paths) == 4
    assert demo.index.count("/simple/ours") == before
    assert demo.run("lock").code == 0
    private.forget("ours")
    (reason,) = demo.json("check", "--deep", code=1)["environments"][0]["reasons"]
    assert reason["message"] == "ours is on no index any more"


def test_conda_does_not_serve_them(demo: Project, private: IndexServer) -> None:
    """`requests` is on the channel."""
    private.add(build_wheel("requests", "0.1"))
    demo.manifest("requests", more=bind(private, "requests"))
    assert demo.lock().versions["requests"] == "0.1"
    assert sources(demo) == {"requests": private.root}


def test_what_nothing_needs_after_all_is_left_out(demo: Project, private: IndexServer) -> None:
    demo.index.add(build_wheel("wide", "2.0", requires=["inner>=2"]))
    demo.index.add(build_wheel("wide", "1.0"))
    demo.manifest("wide", more=bind(private, "inner"))
    assert demo.lock().versions["wide"] == "1.0"
    assert sources(demo) == {"wide": demo.index.root}


@pytest.mark.parametrize("wanted", ["ours", "wrapper"])
def test_what_its_index_lacks_is_nowhere(demo: Project, private: IndexServer, wanted: str) -> None:
    private.forget("ours")
    demo.manifest(wanted, more=bind(private, "ours"))
    answer = demo.run("lock")
    assert answer.code == 1
    assert "ours" in answer.err
    assert "envgen-request" not in answer.err
    assert PASSWORD not in answer.err
    assert not (demo.folder() / "conda-lock.yml").exists()


def test_plain_indexes_stay_in_order_beside_it(demo: Project, private: IndexServer) -> None:
    with IndexServer() as other:
        other.add(build_wheel("theirs", "2.0"))
        more = f"  - {other.url.rstrip('/')}\n"
        demo.manifest("ours", more=bind(private, "ours", "inner") + more)
        demo.lock()
        assert sources(demo) == {"ours": private.root, "inner": private.root, "theirs": other.root}


REFUSED = {
    "no packages": ("[{url: 'https://h.example/s'}]", "an index that packages are bound to has `url` and `packages`"),
    "an empty list": ("[{url: 'https://h.example/s', packages: []}]", "has `url` and `packages`"),
    "another key": ("[{url: 'https://h.example/s', packages: [a], name: b}]", "has `url` and `packages`"),
    "a requirement": ("[{url: 'https://h.example/s', packages: [a>1]}]", "not a name of PyPI's: `a>1`"),
    "a secret": ("[{url: 'https://${X}@h.example/s', packages: [a]}]", "no environment variable is filled into"),
    "twice": (
        "[{url: 'https://h.example/s', packages: [a]}, {url: 'https://i.example/s', packages: [A]}]",
        "`A` is bound twice",
    ),
    "an index twice": ("['https://h.example/s', {url: 'https://h.example/s', packages: [a]}]", "stands here twice"),
    "a name of conda's": ("[{url: 'https://h.example/s', packages: [m]}]", "`m` is mapped to conda, too"),
    "an override": ("[{url: 'https://h.example/s', packages: [o]}]", "`o` cannot be bound to an index and have an"),
}


@pytest.mark.parametrize(("indexes", "said"), REFUSED.values(), ids=REFUSED)
def test_bindings_that_make_no_sense(living: Project, indexes: str, said: str) -> None:
    living.manifest("six", more=f"indexes: {indexes}\nmapping: {{M: m}}\noverrides: ['O>=1']\n")
    answer = living.run("lock")
    assert answer.code == 1
    assert said in answer.err


def test_a_binding_is_part_of_what_is_locked(demo: Project, private: IndexServer, tmp_path: Path) -> None:
    demo.manifest("ours", more=bind(private, "ours", "inner"))
    demo.lock()
    demo.manifest("ours", more=bind(private, "ours"))
    codes = {reason["code"] for reason in demo.json("check", code=1)["environments"][0]["reasons"]}
    assert "INDEXES" in codes
    demo.manifest("ours", more=bind(private, "inner", "OURS"))
    assert demo.run("check").code == 0
