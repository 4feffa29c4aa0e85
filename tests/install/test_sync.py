"""What goes for a change goes with what Python compiled of it, and nothing else goes."""

from __future__ import annotations

from pathlib import Path

from envgen.install.create import remove_obsolete
from envgen.install.prefix import read_contents
from envgen.install.prefix_diff import Difference, PrefixChanges
from envgen.install.wheels import remove_compiled
from tests.install.test_distributions import SITE, lay
from tests.install.test_prefix import record, wheel

CACHE = f"{SITE}/__pycache__"


def compiled(*names: str) -> dict[str, str]:
    return {f"{CACHE}/{name}.cpython-312{more}.pyc": "" for name in names for more in ("", ".opt-1", ".opt-2")}


def removed(prefix: Path, *distributions: str, conda: str = "", kind: str = "changed") -> set[str]:
    """Remove what goes for a change of a record and of distributions; return the files that are gone."""
    before = {path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if not path.is_dir()}
    contents = read_contents(prefix)
    changes = PrefixChanges(
        differences=(Difference(name=conda, source="conda", kind=kind),) if conda else (),  # type: ignore[arg-type]
        link=frozenset(),
        relinked=frozenset(),
        wheels=(),
        removed=tuple(each for each in contents.distributions if each.name in distributions),
    )
    remove_obsolete(contents, changes)
    return before - {path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if not path.is_dir()}


def test_damaged_records_go_and_files_of_other_tools_stay(tmp_path: Path) -> None:
    foreign = {f"conda-meta/{name}": "{" for name in ("history", "pinned", "envgen", "a.json.bak")}
    lay(tmp_path, {**foreign, **record("a"), "conda-meta/b-1-0.json": "{"})
    assert removed(tmp_path) == {"conda-meta/b-1-0.json"}


def test_what_was_compiled_of_a_changed_record_goes(tmp_path: Path) -> None:
    owned = f"{CACHE}/two.cpython-312.pyc"
    lay(
        tmp_path,
        {
            **record("changing", f"{SITE}/one.py", f"{SITE}/two.py", owned, f"{SITE}/data.txt"),
            **record("staying", f"{SITE}/three.py"),
            **{f"{SITE}/{name}": "" for name in ("one.py", "two.py", "three.py", "data.txt")},
            **compiled("one", "two", "three", "oneself", "data"),
        },
    )
    assert removed(tmp_path, conda="changing") == {*compiled("one", "two")} - {owned}


def test_a_removed_record_leaves_nothing_that_could_be_imported(tmp_path: Path) -> None:
    package = f"{SITE}/package"
    lay(
        tmp_path,
        {
            **record("going", f"{package}/__init__.py"),
            f"{package}/__init__.py": "",
            f"{package}/__pycache__/__init__.cpython-312.pyc": "",
        },
    )
    removed(tmp_path, conda="going", kind="removed")
    assert not (tmp_path / package / "__pycache__").exists()


def test_a_distribution_of_the_same_name_does_not_touch_a_record(tmp_path: Path) -> None:
    """A wheel's change is none of the record of that name."""
    lay(tmp_path, {**record("both", f"{SITE}/own.py"), f"{SITE}/own.py": "", **compiled("own")})
    contents = read_contents(tmp_path)
    changes = PrefixChanges(
        differences=(Difference(name="both", source="pypi", kind="changed"),),
        link=frozenset(),
        relinked=frozenset(),
        wheels=(),
        removed=(),
    )
    remove_obsolete(contents, changes)
    assert len(list((tmp_path / CACHE).iterdir())) == 3


def test_what_a_record_or_another_distribution_owns_stays(tmp_path: Path) -> None:
    ours, shared = [f"{SITE}/{name}.py" for name in ("going", "own")], f"{SITE}/shared.py"
    lay(
        tmp_path,
        {
            **wheel("going", "going.py", "shared.py", "condas.py"),
            **wheel("staying", "shared.py", "__pycache__/shared.cpython-312.pyc"),
            **record("conda", f"{SITE}/condas.py"),
            **dict.fromkeys([*ours, shared, f"{SITE}/condas.py"], ""),
            **compiled("going", "own", "shared"),
        },
    )
    info = f"{SITE}/going-1.dist-info"
    gone = {f"{info}/METADATA", f"{info}/RECORD", f"{SITE}/going.py", *compiled("going")}
    assert removed(tmp_path, "going") == gone


def test_compiled_files_elsewhere_and_of_no_module_stay(tmp_path: Path) -> None:
    files = {f"{SITE}/a.pyc": "", f"{CACHE}/a.txt": "", f"{SITE}/sub/__pycache__/a.cpython-312.pyc": ""}
    lay(tmp_path, {**files, **compiled("a")})
    remove_compiled(tmp_path, [f"{SITE}/a.py", f"{SITE}/sub/a.pyi"], kept=())
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*") if path.is_file()) == sorted(
        files
    )
