"""Whatever a package, a wheel or a prefix's own records say, nothing outside the prefix is touched."""

from __future__ import annotations

import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envgen.errors import InstallError
from envgen.install.containment import PackageFiles, PrefixPaths, plain_path, shared_paths
from tests.fakes.install_world import HOST, Kept, World, six
from tests.fakes.tiny_conda import (
    PLACEHOLDER,
    SITE,
    Content,
    Link,
    TinyConda,
    build_conda,
    edited,
    module_files,
    tar_zst,
)
from tests.fakes.tiny_wheels import TinyWheel, build_wheel

PRECIOUS = "precious"


@pytest.fixture
def precious(world: World) -> Path:
    """Return a folder of the user's own, beside all that is envgen's."""
    return with_precious(world)


def with_precious(world: World) -> Path:
    folder = world.folder / PRECIOUS
    (folder / "sub").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name in ("thesis.tex", "sub/module.py", "conda-meta.json"):
        (folder / name).write_text(f"mine: {name}\n")
    return folder


def outside(world: World) -> dict[str, Any]:
    """Return all that is in the world but envgen's own folders, with what it is."""
    own = {"cache", "data", "uv"}
    found: dict[str, Any] = {}
    for path in sorted(world.folder.rglob("*")):
        top = path.relative_to(world.folder).parts[0]
        if top not in own and not path.is_relative_to(world.folder / "home" / ".conda"):
            state = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (state.st_mode, state.st_nlink if path.is_file() else 0, content)
    return found


def up(world: World, target: Path, start: str = "") -> str:
    """Return the way from a folder of the prefix to a path outside of it."""
    return os.path.relpath(target, world.prefix / start)


def paths_json(*rows: dict[str, object]) -> dict[str, Content | None]:
    return {"info/paths.json": json.dumps({"paths": list(rows), "paths_version": 1}).encode()}


def row(path: str, kind: str = "hardlink", **more: object) -> dict[str, object]:
    return {"_path": path, "path_type": kind, **more}


Build = Callable[[World, Path], TinyConda]


def listing(path: Callable[[World, Path], str], kind: str = "hardlink", **more: object) -> Build:
    """Return a package that lists one path, and has a harmless file."""
    return lambda world, precious: build_conda(
        "evil",
        files={"share/evil": b"evil"},
        subdir=HOST,
        info=paths_json(row("share/evil"), row(path(world, precious), kind, **more)),
    )


def holding(files: Callable[[World, Path], dict[str, Content]], *, noarch: str = "") -> Build:
    """Return a package that has these files, and lists them."""
    return lambda world, precious: build_conda(
        "evil", files=files(world, precious), subdir="noarch" if noarch else HOST, noarch=noarch
    )


def saying(**index: object) -> Build:
    """Return a package whose own index.json says something else than its record."""

    def build(world: World, precious: Path) -> TinyConda:
        usual = {"name": "evil", "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": HOST}
        return build_conda(
            "evil",
            files={"share/evil": b""},
            subdir=HOST,
            info={"info/index.json": json.dumps({**usual, **index}).encode()},
        )

    return build


def linking(**noarch: object) -> Build:
    """Return a package of pure Python whose link.json says this."""
    return lambda world, precious: build_conda(
        "evil",
        files=module_files("evil", "1.0"),
        subdir="noarch",
        noarch="python",
        info={"info/link.json": json.dumps({"noarch": noarch, "package_metadata_version": 1}).encode()},
    )


def entry_point(command: Callable[[World, Path], str]) -> Build:
    return lambda world, precious: linking(type="python", entry_points=[f"{command(world, precious)} = evil:main"])(
        world, precious
    )


def rows(*listed: dict[str, object]) -> Build:
    """Return a package of one file, of 4 bytes, that has these rows for it."""
    return lambda world, precious: build_conda(
        "evil", files={"share/evil": b"evil"}, subdir=HOST, info=paths_json(*listed)
    )


def zipped(edit: Callable[[bytes], bytes]) -> Build:
    """Return a package of one file whose archive was edited."""
    return lambda world, precious: edited(build_conda("evil", files={"share/evil": b"evil"}, subdir=HOST), edit)


def twice(content: bytes) -> bytes:
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("pkg-evil-1.0-0.tar.zst", tar_zst({"share/more": Link("/etc")}))
    return buffer.getvalue()


THESIS = "thesis.tex"
CONDA: dict[str, Build] = {
    "a listed path that goes up": listing(lambda world, precious: up(world, precious / THESIS)),
    "and back down": listing(lambda world, precious: f"share/../{up(world, precious / THESIS)}"),
    "an absolute path": listing(lambda world, precious: str(precious / THESIS)),
    "an absolute folder": listing(lambda world, precious: str(precious / "empty"), "directory"),
    "a folder that goes up": listing(lambda world, precious: up(world, precious / "new"), "directory"),
    "a link that goes up": listing(lambda world, precious: up(world, precious / THESIS), "softlink"),
    "a text with a prefix in it": listing(
        lambda world, precious: up(world, precious / THESIS), prefix_placeholder=PLACEHOLDER, file_mode="text"
    ),
    "a kind that nobody knows": listing(lambda world, precious: "share/evil", "device"),
    "a file listed as a link": listing(lambda world, precious: "share/evil", "softlink"),
    "an empty path": listing(lambda world, precious: ""),
    "a path with an empty part": listing(lambda world, precious: "share//evil"),
    "what it does not have": listing(lambda world, precious: "share/other"),
    "old lists with a path that goes up": lambda world, precious: build_conda(
        "evil",
        files={"share/evil": b""},
        subdir=HOST,
        info={"info/paths.json": None, "info/files": f"share/evil\n{up(world, precious / THESIS)}\n".encode()},
    ),
    "old lists with an empty line": lambda world, precious: build_conda(
        "evil",
        files={"share/evil": b""},
        subdir=HOST,
        info={"info/paths.json": None, "info/files": b"share/evil\n\n"},
    ),
    "no list": lambda world, precious: build_conda(
        "evil", files={"share/evil": b""}, subdir=HOST, info={"info/paths.json": None, "info/files": None}
    ),
    "a member that goes up": holding(lambda world, precious: {f"../../{PRECIOUS}/{THESIS}": b"evil"}),
    "an absolute member": holding(lambda world, precious: {str(precious / THESIS): b"evil"}),
    "an absolute link": holding(lambda world, precious: {"share/evil": Link(str(precious / THESIS))}),
    "a link to a folder outside": holding(lambda world, precious: {f"{SITE}/evil": Link(str(precious))}),
    "a link that climbs out": holding(lambda world, precious: {"share/evil": Link(up(world, precious, "share"))}),
    "a link through a link": holding(
        lambda world, precious: {"a/b": Link("."), "share/evil": Link(f"../a/b/b/../{up(world, precious)}")}
    ),
    "a link to itself": holding(lambda world, precious: {"share/evil": Link("evil/evil")}),
    "a file below a link": holding(lambda world, precious: {"evil": Link(str(precious)), "evil/thesis.tex": b"evil"}),
    "a link of another case": holding(
        lambda world, precious: {"Evil": Link(str(precious)), "evil/thesis.tex": b"evil"}
    ),
    "a link among the metadata": lambda world, precious: build_conda(
        "evil", files={"share/evil": b""}, subdir=HOST, info={"info/about.json": Link(str(precious / THESIS))}
    ),
    "a link for an index": lambda world, precious: build_conda(
        "evil", files={"share/evil": b""}, subdir=HOST, info={"info/index.json": Link(str(precious / THESIS))}
    ),
    "a link that is not listed": lambda world, precious: build_conda(
        "evil",
        files={"share/evil": b"", "share/more": Link(str(precious))},
        subdir=HOST,
        info=paths_json(row("share/evil")),
    ),
    "a record of another package": holding(lambda world, precious: {"conda-meta/six-1.17-0.json": b"{}"}),
    "conda's own folder": holding(lambda world, precious: {"condabin/conda": b""}),
    "the mark of the prefix": holding(lambda world, precious: {"conda-meta/envgen": b"{}"}),
    "a link for the records": holding(lambda world, precious: {"conda-meta": Link("share")}),
    "records through a link": holding(
        lambda world, precious: {"meta": Link("conda-meta"), "share/m": Link("../conda-meta")}
    ),
    "another name": saying(name="six"),
    "another version": saying(version=f"../../../{PRECIOUS}"),
    "another build": saying(build="1"),
    "an index that is none": lambda world, precious: build_conda(
        "evil", files={"share/evil": b""}, subdir=HOST, info={"info/index.json": b"[" * 100_000}
    ),
    "a script that goes up": entry_point(lambda world, precious: up(world, precious / THESIS, "bin")),
    "an absolute script": entry_point(lambda world, precious: str(precious / THESIS)),
    "a script without a command": linking(type="python", entry_points=["evil"]),
    "a script that is a number": linking(type="python", entry_points=[1]),
    "scripts that are a number": linking(type="python", entry_points=1),
    "scripts of no language": linking(type="generic"),
    "the trash": holding(lambda world, precious: {".trash": Link("share")}),
    "a folder for the history": holding(lambda world, precious: {"conda-meta/history/a": b""}),
    "a folder for a record": holding(lambda world, precious: {"conda-meta/six-1.17-0.json/a": b""}),
    "a folder for the tag": holding(lambda world, precious: {"CACHEDIR.TAG/a": b""}),
    "modules that go up": holding(
        lambda world, precious: {f"site-packages/{up(world, precious / THESIS, SITE)}": b"evil"}, noarch="python"
    ),
    "a second payload": lambda world, precious: build_conda(
        "evil",
        files={"share/evil": b""},
        subdir=HOST,
        more={"pkg-more.tar.zst": tar_zst({"share/more": Link(str(precious))})},
    ),
    "another hash within": rows(row("share/evil", sha256="0" * 64)),
    "another size within": rows(row("share/evil", size_in_bytes=5)),
    "a size that is none": rows(row("share/evil", size_in_bytes=-1)),
    "a row of a kind of its own": rows(row("share/evil", no_link="yes")),
    "a folder that it has": lambda world, precious: build_conda(
        "evil", files={"share/evil": b""}, subdir=HOST, info=paths_json(row("share", "directory"))
    ),
    "lists of no version": lambda world, precious: build_conda(
        "evil", files={"share/evil": b""}, subdir=HOST, info={"info/paths.json": b'{"paths": []}'}
    ),
    "a number that is none": saying(build_number=math.nan),
    "a number that is a text": saying(build_number="0"),
    "needs that are a number": saying(depends=1),
    "a time that is a text": saying(timestamp="now"),
    "an encrypted archive": zipped(
        lambda content: content.replace(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1").replace(
            b"PK\3\4\x14\0\0", b"PK\3\4\x14\0\1"
        )
    ),
    "an archive that breaks off": zipped(lambda content: content[: len(content) // 2]),
    "an archive with a comment": zipped(lambda content: content[:-2] + b"\x05\0" + b"hello"),
    "other names in the central list": zipped(
        lambda content: (
            content[: content.index(b"PK\1\2")] + content[content.index(b"PK\1\2") :].replace(b"pkg-evil", b"pkg-good")
        )
    ),
    "a member that comes twice": zipped(twice),
    "a second list": lambda world, precious: build_conda(
        "evil",
        files={"share/evil": b"", **paths_json(row(up(world, precious / THESIS)))},  # type: ignore[dict-item]
        subdir=HOST,
    ),
}
# nothing is written through them
HARMLESS = {
    "records through a link",
    "a link to itself",
    "conda's own folder",
    "an archive with a comment",
    "other names in the central list",
}
# the whole environment is made after these, and after all others one of a single file: the cache that a stopped run
# leaves is good for the next
FOLLOWED = HARMLESS | {"a listed path that goes up", "a link to a folder outside", "an archive that breaks off"}


def create_another(world: World) -> None:
    """See that the next run succeeds."""
    plain = build_conda("plain", files={"share/plain": b"plain"}, subdir=HOST)
    world.serve(plain)
    world.lock([plain])
    world.good("create", "demo")
    assert (world.prefix / "share/plain").read_bytes() == b"plain"


@pytest.mark.parametrize("case", CONDA)
def test_a_hostile_conda_package(kept: Kept, case: str) -> None:
    world, usual = kept.fetched()
    precious = with_precious(world)
    evil = CONDA[case](world, precious)
    world.serve(evil)
    world.lock([*usual.conda, evil], [usual.onlypypi])
    before = outside(world)
    ran = world.run("create", "demo", "--json")
    assert outside(world) == before
    assert "Traceback" not in ran.err
    if case in HARMLESS:
        assert ran.code == 0, ran
    else:
        assert ran.code == 1, ran
        assert ran.json["error"]["code"] in ("unsafe", "package"), ran
        assert "it was not touched" in ran.json["error"]["message"]
        assert not world.prefix.exists()
    if case in FOLLOWED:
        world.lock(usual.conda, [usual.onlypypi])
        world.good("create", "demo")
        assert world.python("import demolib, onlypypi") == ""
    else:
        create_another(world)
    assert outside(world).keys() == before.keys()


def test_a_prefix_that_is_too_long_for_a_package(kept: Kept) -> None:
    world, usual = kept.fetched()
    old = build_conda(
        "old",
        files={"lib/old": b"\0/opt/short\0"},
        subdir=HOST,
        info=paths_json(row("lib/old", prefix_placeholder="/opt/short", file_mode="binary")),
    )
    world.serve(old)
    world.lock([*usual.conda, old])
    error = world.failed("create", "demo")
    assert "old 1.0 has room for a path of 10 bytes" in error["message"]
    assert "it was not touched" in error["message"]
    assert error["hint"] == "choose a shorter --prefix"


def test_folders_that_are_deeper_than_python_can_go(kept: Kept) -> None:
    """Also what is left of them goes: a run that ends leaves no folder that nobody can remove."""
    world, usual = kept.fetched()
    for name, depth in (("evil", 1100), ("worse", 3000)):
        evil = build_conda(name, files={"a/" * depth + "b": b""}, subdir=HOST)
        world.serve(evil)
        world.lock([*usual.conda, evil])
        assert world.failed("create", "demo")["code"] == "package"
        assert not world.prefix.exists()
        assert not list((world.cache / "packages").glob(".envgen-*"))
    world.good("cache", "clean")
    assert not list((world.cache / "packages").glob("evil-*"))


@pytest.mark.parametrize("case", ["a listed path that goes up", "an absolute link", "a link to a folder outside"])
def test_and_for_another_platform(kept: Kept, case: str) -> None:
    world, _ = kept.fetched()
    precious = with_precious(world)
    from envgen.models.platform import Platform
    from tests.fakes.tiny_conda import MINOR

    prefix = world.folder / "data" / "p"
    built = CONDA[case](world, precious)
    evil = TinyConda(
        entry={**built.entry, "subdir": "osx-arm64"}, content=built.content, filename=built.filename, subdir="osx-arm64"
    )
    world.serve(evil)
    world.lock([evil], platform=Platform(subdir="osx-arm64", python=MINOR, macos="14.0"))
    before = outside(world)
    error = world.failed("create", "demo", "--platform", "osx-arm64", "--prefix", str(prefix))["code"]
    assert error == "unsafe"
    assert outside(world) == before


def test_a_link_out_of_the_prefix_is_made_if_it_is_allowed(kept: Kept) -> None:
    world, usual = kept.fetched()
    precious = with_precious(world)
    evil = build_conda("driver", files={f"{SITE}/evil": Link(str(precious))}, subdir=HOST)
    world.serve(evil)
    world.lock([*usual.conda, evil])
    hint = world.failed("create", "demo")["hint"]
    assert hint == "if you trust it, allow its links: --allow-outside-links driver"
    world.good("create", "demo", *hint.rpartition(": ")[2].split())
    assert (world.site / "evil").readlink() == precious
    through = world.add_wheel(build_wheel("through", "1.0", more={"evil/thesis.tex": b"evil"}))
    world.lock([*usual.conda, evil], [through])
    before = outside(world)
    assert world.failed("create", "demo", "--allow-outside-links", "through", code=2)["code"] == "usage"
    for words in ((), ("--allow-outside-links", "driver")):
        error = world.failed("create", "demo", *words)
        assert error["code"] == "unsafe"
        assert str(world.site / "evil") in error["message"]
        assert outside(world) == before
    world.lock(usual.conda, [usual.onlypypi])
    before = outside(world)
    world.good("create", "demo")
    assert outside(world) == before
    assert not (world.site / "evil").is_symlink()


def wheel(**named: Any) -> Callable[[World, Path], TinyWheel]:
    def build(world: World, precious: Path) -> TinyWheel:
        made = {key: value(world, precious) if callable(value) else value for key, value in named.items()}
        return build_wheel("evil", "1.0", **made)

    return build


def member(path: Callable[[World, Path], str]) -> Callable[[World, Path], TinyWheel]:
    return wheel(more=lambda world, precious: {path(world, precious): b"evil"})


def bent(old: bytes, new: bytes) -> Callable[[World, Path], TinyWheel]:
    """Return a wheel some of whose bytes were exchanged, as no builder writes them."""

    def build(world: World, precious: Path) -> TinyWheel:
        made = build_wheel("evil", "1.0")
        assert old in made.content
        return replace(made, content=made.content.replace(old, new))

    return build


def renamed(member: str, name: str) -> Callable[[World, Path], TinyWheel]:
    """Return a wheel with a member that has this name for those who read names in Unicode, and another for Python."""

    def build(world: World, precious: Path) -> TinyWheel:
        made = build_wheel("evil", "1.0", more={member: b"evil"})
        other = "x" * len(name)
        field = struct.pack("<BI", 1, zlib.crc32(other.encode())) + name.encode()
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(made.content)) as old, zipfile.ZipFile(buffer, "w") as new:
            for each in old.infolist():
                info = zipfile.ZipInfo(name if each.filename == member else each.filename)
                if each.filename == member:
                    info.extra = struct.pack("<HH", 0x7075, len(field)) + field
                new.writestr(info, old.read(each))
        head, sign, listed = buffer.getvalue().partition(b"PK\1\2")
        return replace(made, content=head + sign + listed.replace(name.encode(), other.encode(), 1))

    return build


INFO = "evil-1.0.dist-info"
WHEELS: dict[str, Callable[[World, Path], TinyWheel]] = {
    "a member that goes up": member(lambda world, precious: up(world, precious / THESIS, SITE)),
    "an absolute member": member(lambda world, precious: str(precious / THESIS)),
    "up in the middle": member(lambda world, precious: f"evil/../{up(world, precious / THESIS, SITE)}"),
    "data that goes up": member(lambda world, precious: f"evil-1.0.data/data/{up(world, precious / THESIS)}"),
    "absolute data": member(lambda world, precious: f"evil-1.0.data/data/{precious / THESIS}"),
    "a script that goes up": member(
        lambda world, precious: f"evil-1.0.data/scripts/{up(world, precious / THESIS, 'bin')}"
    ),
    "a header that goes up": member(lambda world, precious: f"evil-1.0.data/headers/../../../../../{PRECIOUS}/x.h"),
    "modules that go up": member(lambda world, precious: f"evil-1.0.data/purelib/{up(world, precious / THESIS, SITE)}"),
    "records of conda": member(lambda world, precious: "evil-1.0.data/data/conda-meta/six-1.17-0.json"),
    "the mark of the prefix": member(lambda world, precious: "evil-1.0.data/data/conda-meta/envgen"),
    "an empty part": member(lambda world, precious: "evil//x.py"),
    "a RECORD that goes up": wheel(
        more=lambda world, precious: {f"{INFO}/RECORD": f"{up(world, precious / THESIS, SITE)},,\n".encode()}
    ),
    "an absolute RECORD": wheel(more=lambda world, precious: {f"{INFO}/RECORD": f"{precious / THESIS},,\n".encode()}),
    "a console script that goes up": wheel(
        more=lambda world, precious: {
            f"{INFO}/entry_points.txt": f"[console_scripts]\n{up(world, precious / THESIS, 'bin')} = evil:x\n".encode()
        }
    ),
    "an absolute window script": wheel(
        more=lambda world, precious: {
            f"{INFO}/entry_points.txt": f"[gui_scripts]\n{precious / THESIS}=evil:x\n".encode()
        }
    ),
    "a script called dots": wheel(more={f"{INFO}/entry_points.txt": b"[console_scripts]\n.. = evil:x\n"}),
    "a link outside": wheel(links=lambda world, precious: {"evil_link": str(precious)}),
    "a member below a link": wheel(
        links=lambda world, precious: {"evil_link": str(precious)}, more={"evil_link/thesis.tex": b"evil"}
    ),
    "an encrypted member": bent(b"PK\1\2\x14\3\x14\0\0", b"PK\1\2\x14\3\x14\0\1"),
    "a member of a method that nobody knows": bent(b"PK\1\2\x14\3\x14\0\0\0\0", b"PK\1\2\x14\3\x14\0\0\0\x63"),
    "a central list that starts elsewhere": bent(b"PK\1\2", b"PK\7\7"),
    "a member with a NUL": bent(b"evil.py", b"evi\0.py"),
    "a RECORD that goes up behind a folder": wheel(
        more=lambda world, precious: {f"{INFO}/RECORD": f"evil/../{up(world, precious / THESIS, SITE)},,\n".encode()}
    ),
    "a name that Python does not read": renamed("evil_more.py", "evil-1.0.data/data/conda-meta/six-1.17-0.json"),
    "a RECORD of another wheel's": member(lambda world, precious: f"../../../{PRECIOUS}.dist-info/RECORD"),
    "a script of a module's folder": wheel(
        more={f"{INFO}/entry_points.txt": b"[console_scripts]\nbin/../../evil = evil:x\n"}
    ),
    **{
        f"a script that goes up, {where}": wheel(
            more=lambda world, precious, text=text: {
                f"{INFO}/entry_points.txt": f"{text}{up(world, precious / THESIS, 'bin')} = evil:x\n".encode()
            }
        )
        for where, text in {
            "behind a section with a comment": "[console_scripts] # of ours\n",
            "behind a section and more": "[gui_scripts] = a\n",
            "behind a value of two lines": "[console_scripts]\na = evil:x\n [other]\n",
            "behind a value with a form feed": "[console_scripts]\na = evil:x\x0c[other]\n",
        }.items()
    },
    "no zip": lambda world, precious: TinyWheel(
        name="evil", version="1.0", filename="evil-1.0-py3-none-any.whl", content=b"PK no", metadata=b""
    ),
}
FOLLOWED_WHEELS = {"a member that goes up", "no zip"}


@pytest.mark.parametrize("case", WHEELS)
def test_a_hostile_wheel(kept: Kept, case: str) -> None:
    world, usual = kept.fetched()
    precious = with_precious(world)
    evil = world.add_wheel(WHEELS[case](world, precious))
    world.lock(usual.conda, [usual.onlypypi, evil])
    before = outside(world)
    ran = world.run("create", "demo", "--json")
    assert outside(world) == before
    assert ran.code == 1, ran
    assert ran.json["error"]["code"] in ("unsafe", "package"), ran
    assert not world.prefix.exists()
    if case in FOLLOWED_WHEELS:
        world.lock(usual.conda, [usual.onlypypi])
        world.good("create", "demo")
        assert world.python("import demolib, onlypypi") == ""
    else:
        create_another(world)


def forged(world: World, **more: object) -> str:
    data = json.loads((world.prefix / "conda-meta/six-1.17-0.json").read_text())
    return json.dumps({**data, "name": "evil", "version": "1", "build": "0", **more})


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def link(path: Path, target: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


def move(path: Path, target: Path) -> None:
    """Put a folder of the prefix elsewhere, with a link in its place."""
    path.rename(target)
    path.symlink_to(target)


Spoil = Callable[[World, Path], object]
META = "conda-meta"
PREFIXES: dict[str, Spoil] = {
    "files that go up": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, files=[up(world, precious / THESIS)])
    ),
    "paths that go up": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json",
        forged(world, files=[], paths_data={"paths_version": 1, "paths": [row(up(world, precious / THESIS))]}),
    ),
    "paths in a list for an object": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json",
        forged(world, files=[], paths_data=[1, [row(up(world, precious / THESIS))]]),
    ),
    "a path in a list for an object": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json",
        forged(world, files=[], paths_data={"paths_version": 1, "paths": [[up(world, precious / THESIS), "hardlink"]]}),
    ),
    "absolute paths": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json",
        forged(world, files=[], paths_data={"paths_version": 1, "paths": [row(str(precious / THESIS))]}),
    ),
    "paths through a link": lambda world, precious: (
        link(world.prefix / "share/evil", precious),
        put(
            world.prefix / META / "evil-1-0.json",
            forged(world, files=[], paths_data={"paths_version": 1, "paths": [row(f"share/evil/{THESIS}")]}),
        ),
    ),
    "a name that goes up": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, build=f"0/../../{up(world, precious / 'conda-meta')}")
    ),
    "menu entries": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json",
        forged(world, installed_system_menus=[{"Linux": {"paths": [str(precious / THESIS)]}}]),
    ),
    "the records elsewhere": lambda world, precious: move(world.prefix / META, precious / "meta"),
    "a link among the records": lambda world, precious: link(
        world.prefix / META / "demolib-2.0-0.json", precious / THESIS
    ),
    "the trash elsewhere": lambda world, precious: link(world.prefix / ".trash", precious),
    "a tag elsewhere": lambda world, precious: (
        (world.prefix / "CACHEDIR.TAG").rename(world.prefix / "TAG"),
        link(world.prefix / "CACHEDIR.TAG", precious / "new"),
    ),
    "modules elsewhere": lambda world, precious: move(world.site, precious / "site"),
    "a folder elsewhere": lambda world, precious: move(world.prefix / "share", precious / "share"),
    "metadata elsewhere": lambda world, precious: move(
        world.site / "onlypypi-2.0.dist-info", precious / "onlypypi-2.0.dist-info"
    ),
    "a RECORD that goes up": lambda world, precious: put(
        world.site / "onlypypi-2.0.dist-info/RECORD", f"{up(world, precious / THESIS, SITE)},,\n"
    ),
    "a RECORD through a link": lambda world, precious: (
        link(world.site / "evil", precious),
        put(world.site / "onlypypi-2.0.dist-info/RECORD", f"evil/{THESIS},,\n"),
    ),
    "compiled files elsewhere": lambda world, precious: (
        put(precious / "onlypypi.cpython-311.pyc", "mine"),
        (world.site / "__pycache__").rename(world.site / "compiled"),
        link(world.site / "__pycache__", precious),
    ),
    "a name in capitals": lambda world, precious: put(world.prefix / META / "evil-1-0.json", forged(world, name="SIX")),
    "a record of brackets": lambda world, precious: put(world.prefix / META / "evil-1-0.json", "[" * 100_000),
    "a mark of brackets": lambda world, precious: put(world.prefix / META / "envgen", "[" * 100_000),
    "leftovers of brackets": lambda world, precious: (
        put(world.prefix / META / "envgen-paths", "[" * 100_000),
        put(world.prefix / META / "envgen", json.dumps({**world.marker, "state": "incomplete"})),
    ),
    "leftovers of numbers": lambda world, precious: (
        put(world.prefix / META / "envgen-paths", "[1]"),
        put(world.prefix / META / "envgen", json.dumps({**world.marker, "state": "incomplete"})),
    ),
    "a RECORD of one long row": lambda world, precious: put(
        world.site / "onlypypi-2.0.dist-info/RECORD", "a" * 200_000
    ),
    "leftovers that go up": lambda world, precious: (
        put(world.prefix / META / "envgen-paths", json.dumps([up(world, precious / THESIS)])),
        put(world.prefix / META / "envgen", json.dumps({**world.marker, "state": "incomplete"})),
    ),
    "leftovers through a link": lambda world, precious: (
        link(world.prefix / "evil", precious),
        put(world.prefix / META / "envgen-paths", json.dumps([f"evil/{THESIS}"])),
        put(world.prefix / META / "envgen", json.dumps({**world.marker, "state": "incomplete"})),
    ),
    "a folder for a record": lambda world, precious: (world.prefix / META / "evil-1-0.json").mkdir(),
    "a pipe for a record": lambda world, precious: os.mkfifo(world.prefix / META / "evil-1-0.json"),
    "a record of a kind of its own": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, depends=1)
    ),
    "a number that is none": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, build_number=math.nan)
    ),
    "a name with a blank": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, name="e l")
    ),
    "a build with an escape": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, build="\x1b[31m")
    ),
    "a name that no disk can have": lambda world, precious: put(
        world.prefix / META / "evil-1-0.json", forged(world, name="e" * 300)
    ),
    "two records with files that go up": lambda world, precious: [
        put(
            world.prefix / META / f"evil-{version}-0.json",
            forged(world, version=version, files=[up(world, precious / THESIS)]),
        )
        for version in "12"
    ],
    "another's paths": lambda world, precious: put(world.prefix / META / "evil-1-0.json", forged(world, files=[])),
    "a file that would be written through a link": lambda world, precious: link(
        world.prefix / "etc/demolib2.conf", precious / THESIS
    ),
}


@pytest.mark.parametrize("adopted", [False, True], ids=["its own", "adopted"])
@pytest.mark.parametrize("case", PREFIXES)
def test_a_hostile_prefix(kept: Kept, case: str, adopted: bool) -> None:
    """Update and empty a prefix whose records and links were made to lead elsewhere."""
    world, usual = kept.created()
    precious = with_precious(world)
    PREFIXES[case](world, precious)
    if adopted:
        (world.prefix / META / "envgen").unlink()
    newer = build_conda(
        "demolib",
        "2.0",
        files={f"{SITE}/demolib.py": b"", "etc/demolib2.conf": f"prefix={PLACEHOLDER}\n".encode(), "share/x": b""},
        subdir=HOST,
    )
    world.serve(newer)
    for conda, wheels in (([*usual.conda[:3], newer], ()), (usual.conda[:2], ())):
        world.lock(conda, wheels)
        before = outside(world)
        ran = world.run("create", "demo", *(["--adopt"] if adopted else []), "--json")
        assert outside(world) == before, ran
        assert "Traceback" not in ran.err
        assert ran.code == 0 or ran.json["error"]["code"] in ("unsafe", "disk", "prefix"), ran


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "gone"])
@pytest.mark.parametrize("adopted", [False, True], ids=["its own", "adopted"])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"version": "0.1"},
        {"version": "9.9"},
        {"version": "0.1", "files": ["share/old"], "paths_data": {"paths_version": 1, "paths": []}},
    ],
    ids=["the same", "an older one", "a newer one", "one with files of its own"],
)
def test_two_records_of_one_package(kept: Kept, more: dict[str, object], adopted: bool, locked: bool) -> None:
    """Nobody knows which of them is true: both go with all of their files, and what is locked is linked again."""
    world, usual = kept.created()
    put(world.prefix / "share/old", "old")
    put(world.prefix / "share/mine", "mine")
    data = {**json.loads((world.prefix / META / "demolib-1.0-0.json").read_text()), **more}
    put(world.prefix / META / f"demolib-{data['version']}-1.json", json.dumps(data))
    if adopted:
        (world.prefix / META / "envgen").unlink()
    if not locked:
        world.lock(usual.conda[:3], [usual.onlypypi])
    option = ["--adopt"] if adopted else []
    listed = world.good("create", "demo", *option, "--dry-run")
    assert [each["change"] for each in listed["changes"] if each["name"] == "demolib"] == [
        "repaired" if locked else "removed"
    ]
    world.good("create", "demo", *option)
    assert len([*(world.prefix / META).glob("demolib-*.json")]) == locked
    assert (world.site / "demolib.py").exists() == locked
    assert (world.prefix / "share/old").exists() == ("files" not in more)
    assert (world.prefix / "share/mine").exists()
    assert world.good("create", "demo", "--dry-run")["changes"] == []


def test_what_two_packages_have_is_not_kept_elsewhere(kept: Kept) -> None:
    world, usual = kept.created()
    precious = with_precious(world)
    both = [build_conda(name, files={"share/both": name.encode()}, subdir=HOST) for name in ("one", "two")]
    world.serve(*both)
    for package in ("one", "two"):
        link(world.prefix / "__clobbers__" / package, precious)
    world.lock([*usual.conda, *both])
    before = outside(world)
    assert world.failed("create", "demo")["code"] == "unsafe"
    assert outside(world) == before


def test_a_wheel_over_a_conda_package(kept: Kept) -> None:
    """When it goes, the conda package has its own file again."""
    world, usual = kept.fetched()
    evil = world.add_wheel(build_wheel("evil", "1.0", more={"six.py": b"evil = True\n"}))
    world.lock(usual.conda, [evil])
    world.good("create", "demo")
    assert world.python("import six; print(six.evil)") == "True"
    world.lock(usual.conda)
    world.good("create", "demo")
    assert world.python("import six; print(six.version)") == "1.17"


@pytest.mark.parametrize("path", ["e" * 300, f"{INFO}/direct_url.json"])
def test_a_wheel_that_nobody_can_install_or_read(kept: Kept, path: str) -> None:
    world, usual = kept.fetched()
    evil = world.add_wheel(build_wheel("evil", "1.0", more={path: b"[" * 100_000}))
    world.lock(usual.conda, [evil])
    ran = world.run("create", "demo", "--json")
    assert "a fault of" not in ran.out
    world.lock(usual.conda)
    world.good("create", "demo")


def test_two_packages_with_one_path_are_said(kept: Kept) -> None:
    world, usual = kept.fetched()
    first, second = (build_conda(name, files={"share/both": name.encode()}, subdir=HOST) for name in ("one", "two"))
    world.serve(first, second)
    world.lock([*usual.conda, first, second])
    notes = world.good("create", "demo")["notes"]
    assert any("one 1.0 and two 1.0 (share/both)" in note for note in notes)
    world.lock([*usual.conda, first])
    assert not any("share/both" in note for note in world.good("create", "demo")["notes"])
    world.lock([*usual.conda, first, second])
    assert any("one 1.0 and two 1.0 (share/both)" in note for note in world.good("create", "demo")["notes"])


def test_a_damaged_archive_of_the_right_hash(kept: Kept) -> None:
    """The index says what it wants: a file that is no archive is no package."""
    world, usual = kept.fetched()
    broken = zlib.compress(b"no archive")
    evil = build_conda("evil", subdir=HOST, more={"pkg-x.tar.zst": broken})
    world.serve(evil)
    world.lock([*usual.conda, evil])
    assert world.failed("create", "demo")["code"] == "package"
    assert not world.prefix.exists()


NAMES = st.sampled_from(["a", "b", "A", "..", ".", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PLAIN = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=3).map("/".join)


@pytest.mark.hypothesis
@given(links=st.dictionaries(PLAIN, PATHS, max_size=4), path=PLAIN)
def test_following_is_what_the_disk_does(
    tmp_path_factory: pytest.TempPathFactory, links: dict[str, str], path: str
) -> None:
    """What comes with packages is followed as the same links on a disk are."""
    prefix = tmp_path_factory.mktemp("p") / "one" / "two"
    prefix.mkdir(parents=True)
    made: dict[str, str] = {}
    for place, target in links.items():
        at = prefix / place
        if not os.path.lexists(at) and os.path.realpath(at.parent) == str(at.parent):
            try:
                at.parent.mkdir(parents=True, exist_ok=True)
            except OSError:
                continue
            at.symlink_to(target)
            made[place] = target
    on_disk = PrefixPaths(prefix).leads_to(path)
    real = os.path.realpath(prefix / path)
    if on_disk is not None and any(f"{on_disk}/".startswith(f"{place}/") for place in made):
        return  # links that lead to themselves: nobody can write through them
    if on_disk is not None:
        assert real == str(prefix / on_disk)
    virtual = PrefixPaths(prefix.parent / "nothing" / "there", made)
    try:
        virtual.check_packages(
            [PackageFiles(name=name, shown=name, files=(name,), links={name: target}) for name, target in made.items()]
        )
    except InstallError:
        return
    if virtual.leads_to(path) is not None:  # else on a disk that folds case
        assert virtual.leads_to(path) == on_disk


@pytest.mark.parametrize("path", ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0b"])
def test_paths_that_no_package_may_have(path: str) -> None:
    with pytest.raises(InstallError, match="has a path that no package may have"):
        plain_path(path, "a package")


@pytest.mark.parametrize("path", ["a", "a/b", "...", ".a", "a b", "a\\b", "ä", "a..b"])
def test_paths_that_packages_have(path: str) -> None:
    assert plain_path(path, "a package") == path


def test_shared_paths_are_pairs_with_their_first_path() -> None:
    packages = [
        PackageFiles(name=name, shown=f"{name} 1", files=files)
        for name, files in (("b", ("z", "y")), ("a", ("y", "z")), ("c", ("z",)), ("d", ("q",)))
    ]
    assert list(shared_paths(packages)) == [("a 1", "b 1", "y"), ("b 1", "c 1", "z")]


def test_a_package_of_an_old_kind_is_linked(kept: Kept) -> None:
    world, usual = kept.fetched()
    old = build_conda(
        "old", files={"share/old": b"1"}, subdir=HOST, info={"info/paths.json": None, "info/files": b"share/old\n"}
    )
    world.serve(old)
    world.lock([*usual.conda, old, six("1.18")][:-1])
    world.good("create", "demo")
    assert (world.prefix / "share/old").read_bytes() == b"1"


def texts(prefix: Path) -> dict[Path, bytes]:
    """Return the files that packages have put into a prefix."""
    found = (path for path in prefix.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path: path.read_bytes() for path in found if META not in path.parts}


@pytest.mark.parametrize("there", [False, True], ids=["made", "changed"])
@pytest.mark.parametrize("script", ["base", "python", "own"])
def test_a_script_over_a_file_that_another_prefix_has_too(kept: Kept, script: str, there: bool) -> None:
    """The files of two prefixes are one with the cache's copy, and a script is written into what is there."""
    world, usual = kept.fetched()
    base = build_conda("base", files={"bin/base": b"base"}, subdir=HOST)
    other = world.folder / "other"
    evil = build_conda(
        "evil",
        files={**module_files("evil", "1.0"), "python-scripts/own": b"own"},
        subdir="noarch",
        noarch="python",
        info={
            "info/link.json": json.dumps(
                {"noarch": {"type": "python", "entry_points": [f"{script} = evil:x"]}, "package_metadata_version": 1}
            ).encode()
        },
    )
    world.serve(base, evil)
    world.lock([*usual.conda, base, *([evil] if script == "own" else [])])
    world.good("create", "demo", "--prefix", str(other))
    if there:
        world.good("create", "demo")
    before = texts(other)
    world.lock([*usual.conda, base, evil])
    world.run("create", "demo")
    assert texts(other) == before
    for path in (world.cache / "packages").glob("base-*/bin/base"):
        assert path.read_bytes() == b"base"
    world.lock([*usual.conda, base])
    world.good("create", "demo")
    for path, text in before.items():
        if script != "own":
            assert (world.prefix / path.relative_to(other)).read_bytes() == text.replace(
                str(other).encode(), str(world.prefix).encode()
            )


def test_a_pipe_where_a_script_is_written(kept: Kept) -> None:
    world, usual = kept.created()
    evil = linking(type="python", entry_points=["evil = evil:x"])(world, world.folder)
    world.serve(evil)
    os.mkfifo(world.prefix / "bin/evil")
    world.lock([*usual.conda, evil])
    world.good("create", "demo")
    assert (world.prefix / "bin/evil").is_file()


@pytest.mark.parametrize("place", ["etc/evil.conf", "bin/evil", f"{SITE}/{INFO}/RECORD"])
def test_a_hard_link_to_a_file_of_the_users(kept: Kept, place: str) -> None:
    world, usual = kept.created()
    precious = with_precious(world)
    evil = build_conda(
        "evil",
        files={**module_files("evilly", "1.0"), "etc/evil.conf": PLACEHOLDER.encode()},
        subdir="noarch",
        noarch="python",
        info={
            "info/link.json": json.dumps(
                {"noarch": {"type": "python", "entry_points": ["evil = evilly:x"]}, "package_metadata_version": 1}
            ).encode()
        },
    )
    world.serve(evil)
    (world.prefix / place).parent.mkdir(exist_ok=True)
    (world.prefix / place).hardlink_to(precious / THESIS)
    world.lock([*usual.conda, evil], [world.add_wheel(build_wheel("evil", "1.0"))])
    world.good("create", "demo")
    assert (precious / THESIS).read_text() == f"mine: {THESIS}\n"
    assert (precious / THESIS).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "row",
    ["top/../{}", "a\v,,\ntop\v/../{}", "a" * 200_000 + ",,\ntop/../{}", "up/{}", "\ufeffup/{}"],
    ids=["through a link inside", "of an odd name", "behind a long row", "through a link outside", "behind a mark"],
)
def test_what_a_conda_package_claims_for_a_distribution(kept: Kept, row: str) -> None:
    """A wheel takes the place of the distribution of its name, which then goes by its own RECORD."""
    world, usual = kept.fetched()
    precious = with_precious(world)
    path = os.path.relpath(precious / THESIS, world.prefix.parent)
    old = "site-packages/onlypypi-1.0.dist-info"
    evil = build_conda(
        "evil",
        files={
            "site-packages/top": Link("../../.."),
            "site-packages/top\v": Link("../../.."),
            "site-packages/up": Link(str(world.folder)),
            f"{old}/METADATA": b"Metadata-Version: 2.1\nName: onlypypi\nVersion: 1.0\n",
            f"{old}/RECORD": row.format(path if "top" in row else f"{PRECIOUS}/{THESIS}").encode() + b",,\n",
        },
        subdir="noarch",
        noarch="python",
    )
    world.serve(evil)
    world.lock([*usual.conda, evil], [usual.onlypypi])
    before = outside(world)
    error = world.failed("create", "demo", "--allow-outside-links", "evil")
    assert error["code"] == "unsafe"
    assert "it was not touched" in error["message"]
    assert outside(world) == before
