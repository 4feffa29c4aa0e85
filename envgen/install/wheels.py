"""The Python distributions of a prefix: installed by uv, read and removed by their own metadata."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import stat
import struct
import subprocess
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from envgen.errors import InstallError
from envgen.install.containment import PackageFiles, PrefixPaths, plain_path, unsafe
from envgen.lock.model import LockedWheel
from envgen.models.package_key import PackageKey
from envgen.models.platform import Platform
from envgen.models.secrets import mask
from envgen.pypi.indexes import Indexes
from envgen.pypi.uv import run_uv, uv_environment
from envgen.system.files import open_regular, read_bytes
from envgen.system.lifetime import ChildLimits, scratch_folder
from envgen.system.settings import Ceiling

_TIMEOUT = 1800.0  # seconds: a project of the user's own may have to be compiled
_COMPLAINT = re.compile(r"^The package `([^`]+)`.*$", re.MULTILINE)
_UP = re.compile(r"^(?:\.\./)+")
# Sections of entry_points.txt: what could start one of scripts does, as anything may stand behind it, and one ends
# where no reader takes the line for more of the value before.
_SCRIPTS = ("[console_scripts]", "[gui_scripts]")
_SECTION = re.compile(r"\[.+\]")
_EXTRA, _UNICODE_PATH = struct.Struct("<HH"), 0x7075  # of a zip's member: a kind and a size, then as many bytes
# what uv writes into a distribution's metadata of its own accord
_WRITTEN = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")
csv.field_size_limit(Ceiling.TEXT)  # uv has none: a row behind a long one would be hidden
_NOISE = ("Using Python", "Resolved ", "Prepared ", "warning: Failed to hardlink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What uv finds wrong with one installed distribution; `name` is canonical."""

    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTarget:
    """Where wheels go: into the prefix's own Python or, on a machine that cannot run it, into its folder of modules.

    `site` is the folder for modules, relative to the prefix; `runnable` tells whether the prefix's Python runs here.
    """

    prefix: Path
    platform: Platform
    site: str
    runnable: bool = True

    @property
    def python(self) -> Path:
        return self.prefix / "bin" / "python"

    @property
    def scripts(self) -> str:
        """Return the folder for scripts, relative to the prefix."""
        return "bin" if self.runnable else f"{self.site}/bin"

    def place(self, path: str, name: str) -> str:
        """Return where a member of a wheel goes, relative to the prefix."""
        folder, _, rest = path.partition("/")
        if not folder.endswith(".data") or not rest:
            return f"{self.site}/{path}"
        kind, _, inner = rest.partition("/")
        headers = f"include/python{self.platform.python}" if self.runnable else f"{self.site}/include"
        roots = {
            "scripts": self.scripts,
            "data": "" if self.runnable else self.site,
            "headers": f"{headers}/{name}",
        }
        root = roots.get(kind, self.site)
        return f"{root}/{inner}" if root else inner

    def arguments(self) -> list[str]:
        """Return uv's options for the target."""
        if self.runnable:
            return ["--python", str(self.python)]
        target = ["--target", str(self.prefix / self.site), "--python-platform", self.platform.triple]
        return [*target, "--python-version", self.platform.python]

    def variables(self) -> dict[str, str]:
        """Return uv's variables for the target: where a Mac's floor is read from."""
        return {"MACOSX_DEPLOYMENT_TARGET": self.platform.macos} if self.platform.is_mac else {}


class WheelInstaller:
    """The installer of wheels and projects, uv, which asks no index here but for what a project's build needs."""

    def __init__(self, environment: Mapping[str, str], indexes: Indexes, *, offline: bool = False) -> None:
        self._environment = environment
        self._indexes = indexes
        self._offline = offline

    def install(self, wheels: Sequence[LockedWheel], files: Mapping[PackageKey, Path], target: WheelTarget) -> None:
        """Install wheels from verified files by `pypi:NAME`; uv checks their hashes again. Raises InstallError."""
        if not wheels:
            return
        lines = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.wheel.sha256}\n" for wheel in wheels]
        folders = dict.fromkeys(str(files[wheel.key].parent) for wheel in wheels)
        with scratch_folder() as scratch:
            listed = scratch / "requirements.txt"
            listed.write_text("".join(lines), encoding="utf-8")
            arguments = [
                *("pip", "install", "--requirements", str(listed), "--no-deps", "--require-hashes"),
                *("--only-binary", ":all:", "--no-index", "--offline", "--break-system-packages"),
                *(part for folder in folders for part in ("--find-links", folder)),
                *(part for wheel in wheels for part in ("--reinstall-package", wheel.name)),
                *target.arguments(),
            ]
            self._run(arguments, scratch, "the PyPI packages cannot be installed", target.variables())

    def install_project(self, folder: Path, target: WheelTarget, *, editable: bool) -> None:
        """Install a project of the user's own without its dependencies, which are locked.

        Raises:
            InstallError: it cannot be built.
        """
        arguments = ["pip", "install", "--no-deps", "--break-system-packages", *target.arguments()]
        arguments += ["--reinstall", *(["--editable"] if editable else []), str(folder)]
        arguments += ["--offline", "--no-build-isolation"] if self._offline else []
        hint = "off-line, its build backend must be in the environment" if self._offline else ""
        self._run(arguments, folder, f"the project in {folder} cannot be installed", {}, hint)

    def check(self, target: WheelTarget) -> tuple[Complaint, ...]:
        """Return which installed distributions lack what they require, as `pip check` does."""
        done = self._uv(["pip", "check", "--python", str(target.python)], target.prefix, {})
        found = _COMPLAINT.finditer(done.stderr)  # uv writes them to stderr, and its exit code is 1 then
        return tuple(Complaint(name=match[1], message=match[0].rstrip(".")) for match in found)

    def _run(
        self, arguments: Sequence[str], folder: Path, failure: str, variables: Mapping[str, str], hint: str = ""
    ) -> None:
        done = self._uv(arguments, folder, variables)
        if done.returncode:
            lines = [line.strip() for line in mask(done.stderr).splitlines() if not line.startswith(_NOISE)]
            reason = "; ".join([line for line in lines if line][:6]) or "uv says nothing"
            raise InstallError(f"{failure}: {reason}", hint=hint, code="wheels")

    def _uv(
        self, arguments: Sequence[str], folder: Path, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        environment = {**uv_environment(self._environment, self._indexes), **variables}
        words = [*arguments, "--no-config", "--no-progress", "--no-python-downloads"]
        limits = ChildLimits(seconds=_TIMEOUT, output=Ceiling.OUTPUT)
        return run_uv(words, environment, folder=folder, limits=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """An installed distribution: `info` is its metadata's folder or file, `files` are relative to the prefix.

    `name` is canonical; `url` is what it was installed from if not from an index (PEP 610); `complete` tells that it
    has a list of its files.
    """

    name: str
    version: str
    info: str
    files: tuple[str, ...]
    url: str = ""
    complete: bool = True

    @property
    def site(self) -> str:
        """Return the folder of modules that it is in, relative to the prefix."""
        return self.info.rpartition("/")[0]

    def missing(self, prefix: Path) -> list[str]:
        """Return the files that are gone, but for compiled ones, which Python makes again."""
        own = (file for file in self.files if not file.endswith(".pyc") and "__pycache__" not in file)
        return [file for file in own if not os.path.lexists(prefix / file)]


def read_wheel(wheel: LockedWheel, path: Path, target: WheelTarget) -> PackageFiles:
    """Return what a wheel puts into a prefix (the binary distribution format's spread), by its own list of members.

    Raises:
        InstallError: it is no wheel, or a path, a script or a row of its RECORD may not be.
    """
    shown = f"{wheel.name} {wheel.version}"
    files: dict[str, None] = {}
    links: dict[str, str] = {}
    records: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if _has_another_name(member):
                    raise unsafe(f"{shown} has a file of two names: {member.filename!r}")
                if member.is_dir():
                    plain_path(member.filename.rstrip("/"), shown)
                    continue
                place = target.place(plain_path(member.filename, shown), wheel.name)
                # uv puts all of it into the folder of modules first
                files |= {plain_path(place, shown): None, f"{target.site}/{member.filename}": None}
                if stat.S_ISLNK(member.external_attr >> 16):
                    links[place] = archive.read(member).decode("utf-8", "replace")
                folder, _, name = member.filename.partition("/")
                if folder.endswith(".dist-info") and "/" not in name:
                    files |= dict.fromkeys(target.place(f"{folder}/{each}", wheel.name) for each in _WRITTEN)
                    records.add(f"{target.site}/{folder}/RECORD")  # uv copies it
                    if name in ("RECORD", "entry_points.txt"):
                        files |= dict.fromkeys(_own_words(archive, member, shown, target))
    except (OSError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile) as error:
        hint = "tell its maintainers"
        raise InstallError(f"{wheel.wheel.filename} is no wheel: {error}", hint=hint, code="package") from error
    return PackageFiles(name=wheel.name, shown=shown, files=tuple(files), links=links, written=frozenset(records))


def _has_another_name(member: zipfile.ZipInfo) -> bool:
    """Return whether a member has a second name in Unicode, by which uv goes where older Pythons know the first."""
    extra = member.extra
    while len(extra) >= _EXTRA.size:
        kind, size = _EXTRA.unpack_from(extra)
        if kind == _UNICODE_PATH and extra[_EXTRA.size + 5 : _EXTRA.size + size] != member.filename.encode():
            return True  # the name stands behind a version and a checksum
        extra = extra[_EXTRA.size + size :]
    return False


def _own_words(archive: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str, target: WheelTarget) -> Iterator[str]:
    """Yield the scripts that a wheel's entry points make; check the paths of its RECORD, which a removal goes by."""
    if member.file_size > Ceiling.TEXT:
        raise unsafe(f"{shown} has a {member.filename} of {member.file_size:,} bytes")
    content = archive.read(member)
    if member.filename.endswith("/RECORD"):
        for path in _rows(content):
            plain_path(path, f"the RECORD of {shown}")
        return
    makes_scripts = False
    for row in content.decode("utf-8-sig", "replace").split("\n"):
        makes_scripts = makes_scripts and not _SECTION.match(row)
        for line in row.splitlines():
            if line.strip().startswith(_SCRIPTS):
                makes_scripts = True
            elif "=" in line and makes_scripts:
                name = line.partition("=")[0].strip()
                if "/" in plain_path(name, f"a script of {shown}"):
                    raise unsafe(f"{shown} has a script with a path for a name: {name!r}")
                yield f"{target.scripts}/{name}"


def read_distributions(prefix: Path) -> tuple[Distribution, ...]:
    """Read every distribution below `lib/python3*/site-packages`, sorted by name and folder.

    The prefix's Python is not run: it may be broken, or be of another platform.
    """
    infos = (info for site in site_packages(prefix) for kind in ("dist", "egg") for info in site.glob(f"*.{kind}-info"))
    found = [_read(prefix, info) for info in infos]
    return tuple(sorted(found, key=lambda each: (each.name, each.info)))


def site_packages(prefix: Path) -> list[Path]:
    """Return the folders of a prefix's Python modules."""
    folders = (prefix / "lib").glob("python3*/site-packages")
    return sorted(path for path in folders if path.is_dir() and not path.parent.is_symlink())


def remove_distribution(prefix: Path, distribution: Distribution, kept: Collection[str]) -> None:
    """Remove a distribution's files but those that something else owns (`kept`).

    Raises:
        OSError: the disk refuses. InstallError: one of them is outside the prefix in truth.
    """
    paths = PrefixPaths(prefix)
    paths.check_owned(distribution.name, (*distribution.files, f"{distribution.info}/METADATA"))
    info = prefix / distribution.info
    below = info.rglob("*") if info.is_dir() else iter((info,))  # listed or not
    own = (path.relative_to(prefix).as_posix() for path in below if path.is_symlink() or not path.is_dir())
    files = {*distribution.files, *own} - set(kept)
    remove_files(prefix, files)
    remove_compiled(prefix, files, kept)
    for folder in {(prefix / file).parent for file in files}:
        _remove_empty(folder, prefix)


def remove_files(prefix: Path, files: Iterable[str]) -> None:
    """Remove files of a prefix, and the folders that are empty then.

    Raises:
        OSError: the disk refuses. InstallError: one of them is outside the prefix in truth.
    """
    listed = sorted(files)
    PrefixPaths(prefix).check_owned("a package", listed)
    for file in listed:
        path = prefix / file
        # a folder is another's: a file of the user's own may be in it
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            path.unlink(missing_ok=True)
    for folder in {(prefix / file).parent for file in listed}:
        _remove_empty(folder, prefix)


def remove_compiled(prefix: Path, files: Iterable[str], kept: Collection[str]) -> None:
    """Remove what Python has compiled of these modules but what something else owns (`kept`); raise OSError.

    Python trusts it when the source has the same size and time, which two builds of a package may have; and a folder
    that holds nothing else can still be imported.
    """
    paths = PrefixPaths(prefix)
    for file in files:
        if not file.endswith(".py"):
            continue
        path = prefix / file
        cache = path.parent / "__pycache__"
        if paths.leads_to(cache.relative_to(prefix).as_posix()) is None:  # a link out of the prefix: not Python's own
            continue
        for compiled in cache.glob(f"{path.stem}.*.pyc"):
            if compiled.relative_to(prefix).as_posix() not in kept:
                compiled.unlink()
        with contextlib.suppress(OSError):
            cache.rmdir()


def _read(prefix: Path, info: Path) -> Distribution:
    metadata = info / ("METADATA" if info.suffix == ".dist-info" else "PKG-INFO") if info.is_dir() else info
    heads = _heads(metadata)
    stem, _, version = info.name.rpartition(".")[0].partition("-")
    record = info / "RECORD"
    return Distribution(
        name=canonicalize_name(heads.get("name", stem)),
        version=heads.get("version", version),
        info=info.relative_to(prefix).as_posix(),
        files=tuple(_listed(prefix, info.parent, record)),
        url=_direct_url(info),
        complete=record.is_file() or info.suffix == ".egg-info",
    )


def _heads(path: Path) -> dict[str, str]:
    heads: dict[str, str] = {}
    with contextlib.suppress(OSError), open_regular(path) as stream:
        for raw in stream:
            line = raw.decode("utf-8", "replace")
            key, colon, value = line.partition(":")
            if not colon or not line.strip():
                break
            heads.setdefault(key.strip().lower(), value.strip())
    return heads


def record_paths(record: Path, site: Path, prefix: Path) -> Iterator[str]:
    """Yield the paths that a RECORD lists, relative to the prefix; raise OSError.

    What lies outside by its text is left out, as uv leaves it. A path that goes up behind a folder stays as it is, for
    whoever checks it: that folder may be a link, which uv would follow.
    """
    for row in _rows(read_bytes(record)):
        path = os.path.relpath(os.path.normpath(site / row), prefix)
        if not path.startswith(".."):
            yield f"{site.relative_to(prefix)}/{row}" if ".." in _UP.sub("", row).split("/") else path


def _rows(record: bytes) -> Iterator[str]:
    """Yield the paths of a RECORD, whose lines end where uv has them end; it passes over a byte-order mark, too."""
    for row in csv.reader(io.StringIO(record.decode("utf-8-sig", "replace"), newline="")):
        if row and row[0]:
            yield row[0]


def _listed(prefix: Path, site: Path, record: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield from record_paths(record, site, prefix)


def _direct_url(info: Path) -> str:
    try:
        data = json.loads(read_bytes(info / "direct_url.json"))
    except (OSError, ValueError, RecursionError):
        return ""
    url = data.get("url") if isinstance(data, dict) else None
    return url if isinstance(url, str) else ""


def _remove_empty(folder: Path, prefix: Path) -> None:
    """Remove a folder and the parents that are empty then, up to `site-packages`, `bin` and their like."""
    while folder != prefix and folder.is_relative_to(prefix) and folder.name not in ("site-packages", "bin", "lib"):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
