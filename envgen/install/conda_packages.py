"""The conda packages of a prefix: unpacked, read and linked; the home of rattler's installer.

rattler checks no hash of an archive that it reads from the disk, and links whatever a package lists. So archives are
verified before (see `fetch`) and unpacked into a cache by envgen itself, what came out is read (see `containment`), and
rattler links from that cache alone, which it is told to check file by file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import rattler
from rattler.config import Config
from rattler.exceptions import InstallerError
from rattler.install import InstallerReporter
from rattler.package_cache import PackageCache, ValidationMode
from rattler.package_streaming import extract

from envgen.errors import EnvgenError, InstallError
from envgen.install.containment import META, PackageFiles, plain_path, unsafe
from envgen.install.wheels import record_paths
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.system.files import read_text, reason_of, remove_tree, try_lock, walk
from envgen.system.lifetime import run, scratch_folder

_LOCAL = "file://"
_ABSENT = "absent"  # a folder of the cache that is never there: rattler wants an archive's path and shall not open one
_POINT = re.compile(r"[^=]*=\s*[\w.]+\s*:\s*[\w.]+\s*")
_FULL = re.compile(r"No space left|os error (?:28|122)\b")  # of a disk, or of what a user may have of it
_FETCH = re.compile(r"failed to fetch (\S+)")
_UNPACKERS = 4
Row = Mapping[str, object]  # of a package's info/paths.json
_DEEPEST, _SHOWN = 100, 60  # folders in folders, signs of such a path


class StaleCacheError(InstallError):
    """A damaged cache of unpacked packages: the archives are needed after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLinker:
    """What is linked into which prefix, from a cache that has all of it unpacked.

    `relinked` are the names of packages that are there, but not whole; `copied` has their files copied from the cache,
    since some would be written into.
    """

    prefix: Path
    subdir: str
    records: tuple[Record, ...]
    relinked: frozenset[str]
    cache: Path
    report: Callable[[str], None]
    copied: bool = False


def unpacked(records: Sequence[Record], cache: Path) -> frozenset[str]:
    """Return the names of the records that the cache has unpacked, by their hash."""
    return run(_unpacked(records, cache)) if cache.is_dir() else frozenset()


async def _unpacked(records: Sequence[Record], cache: Path) -> frozenset[str]:
    index = await PackageCache(cache).index()
    return frozenset(
        record.name for record in records if record.sha256 and index.contains_record(to_native(record, cache))
    )


def unpack(records: Sequence[Record], archives: Mapping[PackageKey, Path], cache: Path, *, again: bool = False) -> None:
    """Unpack the records that have an archive here into the cache; what it has of them is kept, but for `again`.

    Raises:
        InstallError: an archive is no conda package, or the disk refuses.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(_UNPACKERS, thread_name_prefix="unpack") as pool:
            coming = [record for record in records if record.key in archives]
            list(pool.map(lambda record: _unpack(record, archives[record.key], cache, again=again), coming))
    except OSError as error:
        raise _disk_error(cache, reason_of(error)) from error


def _unpack(record: Record, archive: Path, cache: Path, *, again: bool) -> None:
    folder = _folder(record, cache)
    with scratch_folder(cache) as scratch:
        staged = scratch / folder.name
        try:
            extract(archive, staged)
        except Exception as error:  # rattler's own, or an OSError without a number
            reason = str(error).strip().splitlines()[-1]
            if _FULL.search(reason):
                raise _disk_error(cache, reason) from error
            raise _no_package(record, reason) from error
        if not (staged / "info" / "index.json").is_file():  # nobody would take it for a package again
            raise _no_package(record, "it has no info/index.json")
        if changed := next(_changed(record, staged), ""):
            raise _no_package(record, f"{changed} is not what its info/paths.json says")
        with _alone(cache):
            _keep(record, staged, folder, again=again)


def _changed(record: Record, folder: Path) -> Iterator[str]:
    """Yield the files of a package that have another size or hash than it says itself: rattler would link none of it.

    Whatever else is wrong with its list is found when it is read.
    """
    tree = _tree(folder)
    for row in _rows(record, folder, tree):
        path, size, digest = (row.get(key) for key in ("_path", "size_in_bytes", "sha256"))
        if not isinstance(path, str) or path.endswith("/") or tree.get(path, "") is not None:
            continue
        with (folder / path).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            if size not in (None, stream.tell()) or (digest is not None and digest != found):
                yield path


@contextlib.contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Change the cache while no other run of envgen does."""
    descriptor = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try_lock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _keep(record: Record, staged: Path, folder: Path, *, again: bool) -> None:
    """Put an unpacked package in its place in the cache, with the hash of its archive beside it as rattler keeps it."""
    hash_file = folder.with_name(f"{folder.name}.lock")
    content = (1).to_bytes(8, "big") + bytes.fromhex(record.sha256)  # a revision, then the hash
    if folder.exists():
        held = hash_file.read_bytes()[8:] if hash_file.exists() else b""
        if not again and record.sha256 and held == content[8:]:  # another run was quicker, and may link from it
            return
        remove_tree(folder)
    # the hash comes between: a kill leaves no copy, never one under another's hash
    hash_file.unlink(missing_ok=True)
    if record.sha256:
        hash_file.write_bytes(content)
    staged.rename(folder)


def read_unpacked(record: Record, cache: Path, site: str) -> PackageFiles:
    """Return what an unpacked package puts into a prefix, whose folder for modules is `site`.

    All that is in the folder counts for links, since rattler clones whole folders on a Mac; of files, those that the
    package lists, which must be there as it says.

    Raises:
        InstallError: it is another package than the record's, or lists what it does not have.
    """
    folder, shown = _folder(record, cache), f"{record.name} {record.version}"
    tree = _tree(folder)
    if deep := next((path for path in tree if path.count("/") > _DEEPEST), ""):
        raise _no_package(record, f"it has folders in folders: {deep[:_SHOWN]}…")
    index = _read_json(record, folder, tree, "info/index.json")
    if any(index.get(field) != getattr(record, field) for field in ("name", "version", "build")):
        found = "-".join(str(index.get(field)) for field in ("name", "version", "build"))
        raise unsafe(f"{record.filename} is not {record}: by its own index.json it is {found!r}")
    for path, target in tree.items():
        if path.startswith("info/") and target is not None:
            raise unsafe(f"{shown} has a link among its metadata: {path} -> {target}")
    is_python = index.get("noarch") == "python"
    listed = dict(_listed(record, folder, tree))
    _let_rattler_read(record, folder)
    places = {path: _place(path, site if is_python else "") for path in listed}
    if len({*places.values()}) < len(places):
        raise unsafe(f"{shown} has two files for one path")
    scripts = _scripts(record, folder, tree) if is_python else []
    written = (places[path] for path, row in listed.items() if row.get("prefix_placeholder") is not None)
    links = {_place(path, site if is_python else ""): target for path, target in tree.items() if target is not None}
    files = tuple(plain_path(path, shown) for path in dict.fromkeys((*places.values(), *scripts, *links)))
    return PackageFiles(
        name=record.name,
        shown=shown,
        files=files,
        links=links,
        written=frozenset((*scripts, *written)),
        claimed=tuple(each for path in places if path.endswith("/RECORD") for each in _claimed(folder, path, places)),
        room=min(map(_room, listed.values()), default=sys.maxsize),
    )


def _let_rattler_read(record: Record, folder: Path) -> None:
    """Have rattler read what it goes by, since it would refuse it after the first change.

    Raises:
        InstallError: it is stricter than we are.
    """
    for name, read in (
        ("index.json", rattler.IndexJson.from_package_directory),
        ("paths.json", rattler.PathsJson.from_package_directory_with_deprecated_fallback),
    ):
        try:
            read(folder)
        except Exception as error:  # rattler's own have no common kind
            raise _no_package(record, f"its info/{name} cannot be read: {error}") from error


def _claimed(folder: Path, path: str, places: Mapping[str, str]) -> Iterator[str]:
    """Yield what a distribution's RECORD lists: whoever replaces that distribution removes it."""
    with contextlib.suppress(OSError):
        yield from record_paths(folder / path, Path("/", places[path]).parent.parent, Path("/"))


def _folder(record: Record, cache: Path) -> Path:
    """Return the folder of a package in the cache, as rattler names it."""
    name = f"{record.name}-{record.version}-{record.build}"
    if "/" in plain_path(name, f"the lock's {record.name}"):
        raise unsafe(f"the lock's {record.name} has a name that no package may have: {name!r}")
    return cache / name


def _tree(folder: Path) -> dict[str, str | None]:
    """Return all that is in a folder, with the target of each link and None for the rest; folders end with a slash."""
    found: dict[str, str | None] = {}
    with contextlib.suppress(FileNotFoundError):
        for entry in walk(folder):
            path = entry.path[len(str(folder)) + 1 :]
            target = str(Path(entry.path).readlink()) if entry.is_symlink() else None
            found[f"{path}/" if entry.is_dir(follow_symlinks=False) else path] = target
    return found


def _listed(record: Record, folder: Path, tree: Mapping[str, str | None]) -> Iterator[tuple[str, Row]]:
    """Yield the paths that a package lists, in info/paths.json with their rows or, if it is old, in info/files.

    An old list does not say where rattler writes the text for the prefix, so that all may be.
    """
    shown = f"{record.name} {record.version}"
    if "info/paths.json" not in tree:
        if "info/files" not in tree:
            raise _no_package(record, "it has no list of its files")
        lines = read_text(folder / "info" / "files", error=InstallError).split("\n")
        for line in lines if lines[-1] else lines[:-1]:  # rattler takes an empty line for a path
            yield _there(plain_path(line, shown), tree, record), {"prefix_placeholder": ""}
        return
    seen: set[str] = set()
    for row in _rows(record, folder, tree):
        path, kind = row.get("_path"), row.get("path_type")
        if not isinstance(path, str) or kind not in ("hardlink", "softlink", "directory"):
            raise _no_package(record, "its paths.json is damaged")
        plain_path(path, shown)
        if path in seen:
            raise unsafe(f"{shown} lists {path} twice")
        seen.add(path)
        if kind == "directory":
            raise _no_package(record, f"it lists the folder {path}, which nothing can link")
        if (kind == "softlink") == (tree.get(path) is not None):
            yield _there(path, tree, record), row
        else:
            raise unsafe(f"{shown} lists {path} as a {kind}, which it is not")


def _rows(record: Record, folder: Path, tree: Mapping[str, str | None]) -> Iterator[Row]:
    """Yield the rows of a package's info/paths.json, if it has one; one that is no object has no keys."""
    rows = _read_json(record, folder, tree, "info/paths.json").get("paths") if "info/paths.json" in tree else []
    yield from (row if isinstance(row, dict) else {} for row in (rows if isinstance(rows, list) else ()))


def _room(row: Row) -> int:
    """Return how many bytes a file has for the path of the prefix."""
    held = row.get("prefix_placeholder")
    return len(held.encode()) if isinstance(held, str) and row.get("file_mode") == "binary" else sys.maxsize


def _there(path: str, tree: Mapping[str, str | None], record: Record) -> str:
    if path not in tree:
        raise _no_package(record, f"it does not have {path}, which it lists")
    return path


def _place(path: str, site: str) -> str:
    """Return where a path of a package goes; `site` is given for one of pure Python (CEP 20's `noarch: python`)."""
    if site and path.startswith("site-packages/"):
        return f"{site}/{path.removeprefix('site-packages/')}"
    if site and path.startswith("python-scripts/"):
        return f"bin/{path.removeprefix('python-scripts/')}"
    return path


def _scripts(record: Record, folder: Path, tree: Mapping[str, str | None]) -> list[str]:
    """Return the scripts that are made for the entry points of a package of pure Python."""
    if "info/link.json" not in tree:
        return []
    noarch = _read_json(record, folder, tree, "info/link.json").get("noarch")
    points = noarch.get("entry_points", []) if isinstance(noarch, dict) and noarch.get("type") == "python" else None
    if not isinstance(points, list) or not all(isinstance(point, str) and _POINT.fullmatch(point) for point in points):
        raise _no_package(record, "its link.json is damaged")  # rattler would end the process
    names = [point.partition("=")[0].strip() for point in points]
    for name in names:
        if "/" in name:
            raise unsafe(f"{record.name} {record.version} has a script with a path for a name: {name!r}")
    return [f"bin/{name}" for name in names]


def _read_json(record: Record, folder: Path, tree: Mapping[str, str | None], path: str) -> dict[str, object]:
    if path not in tree or tree[path] is not None:
        raise _no_package(record, f"it has no {path}")
    try:
        data = json.loads(read_text(folder / path, error=InstallError))
    except (ValueError, RecursionError, EnvgenError) as error:
        raise _no_package(record, f"its {path} cannot be read") from error
    if not isinstance(data, dict):
        raise _no_package(record, f"its {path} is damaged")
    return data


def _no_package(record: Record, reason: str) -> InstallError:
    message = f"{record.filename} is no conda package: {reason}"
    return InstallError(message, hint="tell its maintainers", code="package")


def _disk_error(folder: Path, reason: str) -> InstallError:
    hint = "free some space on the disk, or set ENVGEN_CACHE_DIR to a folder that you can write"
    return InstallError(f"cannot unpack into {folder}: {reason}", hint=hint, code="disk")


def link(linker: CondaLinker) -> None:
    """Install, replace and remove records until the prefix holds exactly these.

    Raises:
        StaleCacheError: the cache's copy of a package is damaged. InstallError: the disk refuses. The prefix may be
        half changed then.
    """
    try:
        run(_install(linker))
    except InstallerError as error:
        raise _explained(str(error), linker) from error
    _restore_addresses(linker)


async def _install(linker: CondaLinker) -> None:
    native = [to_native(record, linker.cache) for record in linker.records]
    await rattler.install(
        native,
        linker.prefix,
        platform=rattler.Subdir(linker.subdir),
        reinstall_packages=set(linker.relinked),
        execute_link_scripts=False,  # the user is told of them: see `smoke_test`
        show_progress=False,
        reporter=_Reporter(linker.report, len(native)),  # type: ignore[abstract]  # its empty methods are defaults
        package_cache=PackageCache.new_layered([linker.cache], False, ValidationMode.full()),
        config=Config.from_toml("allow-hard-links = false") if linker.copied else None,
    )


class _Reporter(InstallerReporter):
    """The count of packages that are linked."""

    def __init__(self, report: Callable[[str], None], total: int) -> None:
        self._report = report
        self._total = total
        self._done = 0

    def on_transaction_start(self, total_operations: int) -> None:
        self._total = total_operations
        self._show()

    def on_transaction_operation_complete(self, operation: int) -> None:  # noqa: ARG002 - rattler's name
        self._done += 1
        self._show()

    def _show(self) -> None:
        self._report(f"linking: {self._done} of {self._total} packages")


def _explained(text: str, linker: CondaLinker) -> InstallError:
    reason = text.strip().splitlines()[-1].removeprefix("Caused by: ")
    if match := _FETCH.search(text):  # it has found the copy in the cache damaged, and looked for the archive
        return StaleCacheError(f"the cache's copy of {match[1]} is damaged", code="cache")
    if _FULL.search(text):
        return InstallError(
            f"the disk is full: {linker.prefix} or {linker.cache} cannot hold the packages",
            hint="free some space on the disk",
            code="disk",
        )
    return InstallError(f"{linker.prefix} cannot be changed: {reason}", code="link")


def _restore_addresses(linker: CondaLinker) -> None:
    """Write the channels' addresses into `conda-meta`, where rattler has put the path of the archive."""
    urls = {record.name: record.url for record in linker.records}
    for file in sorted((linker.prefix / META).glob("*.json")):
        text = file.read_text(encoding="utf-8")
        data = json.loads(text)
        if str(data.get("url", "")).startswith(_LOCAL) and data.get("name") in urls:
            staged = file.with_suffix(".new")  # replaced in one instant: a half-written record would be damaged
            staged.unlink(missing_ok=True)
            staged.write_text(text.replace(json.dumps(data["url"]), json.dumps(urls[data["name"]])), encoding="utf-8")
            staged.chmod(0o644)
            staged.replace(file)


def to_native(record: Record, cache: Path) -> rattler.RepoDataRecord:
    """Return rattler's form of a record that is in a cache of unpacked packages."""
    package = rattler.PackageRecord(
        name=record.name,
        version=record.version,
        build=rattler.BuildString.new_unchecked(record.build),
        build_number=record.build_number,
        subdir=record.subdir,
        noarch="python" if record.noarch == "python" else "generic" if record.noarch else None,
        depends=list(record.depends),
        constrains=list(record.constrains),
        sha256=bytes.fromhex(record.sha256) if record.sha256 else None,
        md5=bytes.fromhex(record.md5) if record.md5 else None,
        size=record.size,
        license=record.license or None,
        python_site_packages_path=record.python_site_packages_path or None,
    )
    if record.track_features:
        package.track_features = list(record.track_features)
    if record.timestamp is not None:
        # rattler multiplies by 1000 and cuts off; half a millisecond more makes that exact
        package.timestamp = datetime.fromtimestamp((record.timestamp + 0.5) / 1000, UTC)
    archive = cache / _ABSENT / record.filename
    return rattler.RepoDataRecord(package, record.filename, archive.as_uri(), record.channel + "/")
