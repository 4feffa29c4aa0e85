"""The border of a prefix: what packages put there, and that none of it lies or leads outside.

A package, a wheel and a prefix's own records say which paths are theirs, and whoever installs or removes them believes
it. So every path is read before: as text (`plain_path`), and followed through the symbolic links that are on the disk
or come with the packages (`PrefixPaths`), both as a disk that folds the case of names does and as one that does not.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envgen.errors import InstallError
from envgen.system.files import walk

META = "conda-meta"
_MOST_LINKS = 40  # as the kernel has it
# what rattler, uv and envgen write at the top of a prefix of their own accord
_LOSERS = "__clobbers__"  # what rattler keeps of a path that two packages have
_OWN = (META, f"{META}/history", ".trash", _LOSERS, "CACHEDIR.TAG", ".lock")
_RECORDS = frozenset({"", "history"})
_TOPS = frozenset({".trash", _LOSERS, "cachedir.tag", ".lock"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageFiles:
    """What one package puts into a prefix: paths relative to it, and its symbolic links with their targets.

    `name` is canonical, `shown` how messages name the package. `written` are those of its files whose text is made in
    the prefix: they are written into what is there, where all others take its place. `claimed` are the paths that its
    own metadata call a distribution's, and that go with it when a wheel of that name comes. `room` is how many bytes
    the path of the prefix may have, since binary files hold it.
    """

    name: str
    shown: str
    files: tuple[str, ...]
    links: Mapping[str, str] = field(default_factory=dict)
    written: frozenset[str] = frozenset()
    claimed: tuple[str, ...] = ()
    room: int = sys.maxsize


def plain_path(path: str, owner: str) -> str:
    """Return a path that stays below the folder that it is relative to, by its text alone.

    Raises:
        InstallError: it is absolute, goes up, is empty, or has an empty part or a NUL.
    """
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise unsafe(f"{owner} has a path that no package may have: {path!r}")
    return path


def unsafe(message: str) -> InstallError:
    """Return the error for a package that is not to be trusted."""
    return InstallError(message, hint="nothing of it was installed; tell the maintainers of its channel", code="unsafe")


class PrefixPaths:
    """The paths of a prefix, with the links that are there and those that packages bring.

    `allowed` are the names of packages that may have links out of the prefix; nobody may write through them.
    """

    def __init__(self, prefix: Path, allowed: Iterable[str] = ()) -> None:
        self._prefix = prefix
        self._allowed = frozenset(allowed)
        self._coming: dict[str, str] = {}  # links that packages bring: paths to targets
        self._folded: dict[str, str] = {}  # the same without case
        self._on_disk: dict[str, str | None] = {}
        self._leads: dict[str, str | None] = {}  # a folder's path to where it leads

    def check_packages(self, packages: Iterable[PackageFiles]) -> None:
        """Check that all that these packages put into the prefix stays in it.

        Raises:
            InstallError: a link leads out of the prefix, or a path through one, or into what is envgen's own there; or
                the prefix's path does not fit into a file.
        """
        listed = list(packages)
        for package in listed:
            self._coming.update(package.links)
            self._folded.update({_folded(path): target for path, target in package.links.items()})
        self._leads.clear()
        for package in listed:
            if package.room < (length := len(os.fsencode(self._prefix))):
                raise InstallError(
                    f"{package.shown} has room for a path of {package.room} bytes, and {self._prefix} has {length}",
                    hint="choose a shorter --prefix",
                    code="prefix",
                )
            for path, target in package.links.items():
                if package.name not in self._allowed and not self._is_inside(path, target):
                    raise InstallError(
                        f"{package.shown} has a link out of the prefix: {path} -> {target}",
                        hint=f"if you trust it, allow its links: --allow-outside-links {package.name}",
                        code="unsafe",
                    )
            for path in package.files:
                self._check_file(path, package.shown, is_link=path in package.links)
            self.check_owned(package.shown, package.claimed)

    def split_off(self, packages: Iterable[PackageFiles]) -> bool:
        """Copy the files of the prefix that packages would write into and that have another name elsewhere.

        A file of the cache has one in every prefix, and so may a file of the user's. Return whether that is to happen
        among the packages that come themselves: then none of their files may be linked from the cache. Raises OSError.
        """
        listed = list(packages)
        written = {place for package in listed for path in package.written if (place := self.leads_to(path))}
        for place in written:
            _split_off(self._prefix / place)
        linked = {path for package in listed for path in package.files if path not in package.written}
        both = {_folded(path) for path in written.union(*(package.written for package in listed))}
        return any(_folded(path) in both for path in linked)

    def check_own(self) -> None:
        """Check that what is written at the top of a prefix in any case is where it seems to be; raise InstallError."""
        for path in _OWN:
            if self.leads_to(path) != path:
                raise self._leads_out(path, "what is the prefix's own")
        for entry in sorted((self._prefix / META).glob("*")):
            if entry.is_symlink():
                raise self._leads_out(f"{META}/{entry.name}", "a record")
        if (folder := self._prefix / _LOSERS).is_dir():
            for lost in (each for each in walk(folder) if each.is_symlink()):
                if self.leads_to(path := lost.path.removeprefix(f"{self._prefix}/")) is None:
                    raise self._leads_out(path, "what the prefix keeps of two packages")

    def check_owned(self, owner: str, paths: Iterable[str]) -> None:
        """Check that paths which are to be removed are in the prefix in truth; raise InstallError."""
        for path in paths:
            folder = _parent(plain_path(path, owner))
            if self.leads_to(folder) is None or self._is_compiled_outside(path, folder):
                raise self._leads_out(path, owner)

    def leads_to(self, path: str) -> str | None:
        """Return where a path leads when all links are followed, relative to the prefix; None for outside."""
        if path not in self._leads:
            place = self._follow(path)
            # on a disk that folds case it may lead elsewhere; what leads nowhere there cannot be written through
            self._leads[path] = None if self._follow(path, fold=True) is None else place
        return self._leads[path]

    def _check_file(self, path: str, owner: str, *, is_link: bool) -> None:
        folder = self.leads_to(_parent(path))
        name = path.rpartition("/")[2]
        place: str | None = None
        if folder is not None:
            place = f"{folder}/{name}" if folder else name
            if not is_link and self._has_link(place):  # who writes a file may follow a link that is there already
                place = self.leads_to(place)
        if folder is None or place is None or self._is_compiled_outside(path, folder):
            raise self._leads_out(path, owner)
        top, _, rest = _folded(place).partition("/")
        first = rest.partition("/")[0]
        if top == META and (first.endswith(".json") or first.startswith((".envgen", "envgen")) or first in _RECORDS):
            raise unsafe(f"{owner} has a file among the records of the prefix: {path}")
        if top in _TOPS:
            raise unsafe(f"{owner} has a file where the prefix's own is: {path}")

    def _is_inside(self, path: str, target: str) -> bool:
        """Return whether a link's target is in the prefix; a link that is the target itself is judged by its own."""
        folder, _, name = target.rpartition("/")
        whole = target if name in ("", ".", "..") else folder
        return not target.startswith("/") and self.leads_to(f"{_parent(path)}/{whole}") is not None

    def _is_compiled_outside(self, path: str, folder: str) -> bool:
        """Return whether Python would write outside what it compiles of a module."""
        return path.endswith(".py") and self.leads_to(f"{folder}/__pycache__") is None

    def _has_link(self, path: str) -> bool:
        return self._target(path, fold=True) is not None

    def _follow(self, path: str, *, fold: bool = False) -> str | None:
        """Return where a path leads when all links are followed, relative to the prefix; None for outside.

        A path of too many links leads nowhere, so it counts as inside.
        """
        todo, links = path.split("/")[::-1], 0
        done: list[str] = []
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            done.append(part)
            target = self._target("/".join(done), fold=fold)
            if target is not None and links < _MOST_LINKS:
                links += 1
                inner = target.removeprefix(f"{self._prefix}/")
                if inner.startswith("/"):
                    return None
                done = [] if inner != target else done[:-1]
                todo.extend(inner.split("/")[::-1])
        return "/".join(done)

    def _target(self, path: str, *, fold: bool) -> str | None:
        """Return the target of the link at a path without links in it, None where there is none."""
        coming = self._folded.get(_folded(path)) if fold else None
        if coming is None:
            coming = self._coming.get(path)
        if coming is not None:
            return coming
        if path not in self._on_disk:
            try:
                # a Path would take thrice as long, and there are tens of thousands
                self._on_disk[path] = os.readlink(f"{self._prefix}/{path}")  # noqa: PTH115
            except OSError:  # nothing there, or no link
                self._on_disk[path] = None
        return self._on_disk[path]

    def _leads_out(self, path: str, owner: str) -> InstallError:
        return InstallError(
            f"{owner} would be written or removed through a link: {self._prefix / path}",
            hint="remove that link, or choose another --prefix",
            code="unsafe",
        )


def shared_paths(packages: Iterable[PackageFiles]) -> Iterator[tuple[str, str, str]]:
    """Yield each pair of packages that have the same path, with the first such path, sorted."""
    owners: dict[str, PackageFiles] = {}
    found: dict[tuple[str, str], str] = {}
    for package in packages:
        for path in package.files:
            first = owners.setdefault(path, package)
            if first is not package:
                pair = (min(first.shown, package.shown), max(first.shown, package.shown))
                found[pair] = min(path, found.get(pair, path))
    yield from ((*pair, path) for pair, path in sorted(found.items()))


def _split_off(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found = path.lstat()
        if stat.S_ISFIFO(found.st_mode):  # nobody may ever read what is written into it
            path.unlink()
        elif stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
            staged = path.with_name(f".envgen-{path.name}.new")
            staged.unlink(missing_ok=True)
            shutil.copy2(path, staged)
            staged.replace(path)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
