"""Print what an environment's packages need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, size_text
from envgen.models.findings import counted

if TYPE_CHECKING:
    from envgen.commands.why import PackageTree, TreePackage
    from envgen.models.package_key import PackageKey

_AGAIN = " (*)"


def tree(
    name: options.Environment,
    package: Annotated[str, typer.Argument(metavar="PKG", help="Start at this package, not at the manifest.")] = "",
    depth: Annotated[
        int,
        typer.Option(
            "--depth", "-d", min=0, metavar="N", show_default=False, help="Go so deep; 0 lists the roots alone."
        ),
    ] = 99,
    platform: options.Platform = "",
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Print the packages of a lock as a tree, each with its size, and its size with all that it needs."""
    from envgen.commands.why import trees

    console = Console(as_json=as_json, quiet=quiet)
    found = trees(options.services_for(), name, package, platform)
    console.data(
        {"platforms": {subdir: _shape(each) for subdir, each in found.items()}},
        [line for subdir, each in found.items() for line in _text(subdir, each, depth)],
    )


def _text(subdir: str, tree: PackageTree, depth: int) -> list[str]:
    unknown = f", {tree.unknown} of unknown size" if tree.unknown else ""
    lines = [f"{subdir}: {counted(len(tree.packages), 'package')}, {size_text(tree.size)}{unknown}"]
    seen: set[PackageKey] = set()
    for root in tree.roots:
        line = root.origin.line
        place = f"{line.file}:{line.line}" if line else root.origin.path
        lines.append(f"{_line(tree.packages[root.key])}{_mark(tree, root.key, depth, seen)}  ({place})")
        lines += _below(tree, root.key, depth, "", seen)
    return [*lines, "(*) is laid out above"] if any(_AGAIN in line for line in lines) else lines


def _mark(tree: PackageTree, key: PackageKey, depth: int, seen: set[PackageKey]) -> str:
    return _AGAIN if depth and key in seen and tree.packages[key].needs else ""


def _below(tree: PackageTree, key: PackageKey, depth: int, indent: str, seen: set[PackageKey]) -> Iterator[str]:
    """Yield the lines of what a package needs, each package's needs once."""
    if not depth or key in seen:
        return
    seen.add(key)
    needs = tree.packages[key].needs
    for number, link in enumerate(needs, 1):
        branch, space = ("└─ ", "   ") if number == len(needs) else ("├─ ", "│  ")
        yield f"{indent}{branch}{_line(tree.packages[link.key])}{_mark(tree, link.key, depth - 1, seen)}"
        yield from _below(tree, link.key, depth - 1, indent + space, seen)


def _line(package: TreePackage) -> str:
    source = " from pypi" if package.source == "pypi" else ""
    total = f", {size_text(package.total)} with its needs" if package.needs else ""
    return f"{package.name} {package.version}{source}, {size_text(package.size)}{total}"


def _shape(tree: PackageTree) -> dict[str, object]:
    return {
        "size": tree.size,
        "unknown": tree.unknown,
        "roots": [{"package": str(root.key), "need": root.need} for root in tree.roots],
        "packages": {str(key): _package(package) for key, package in tree.packages.items()},
    }


def _package(package: TreePackage) -> dict[str, object]:
    return {
        "name": package.name,
        "version": package.version,
        "source": package.source,
        "size": package.size,
        "total": package.total,
        "needs": [{"package": str(link.key), "need": link.need} for link in package.needs],
    }
