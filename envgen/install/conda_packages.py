"""The conda packages of a prefix; the home of rattler's installer.

rattler checks no hash of an archive that it reads from the disk, and by default none of what its cache holds. So
archives are verified before (see `fetch`), and its cache is told to check every file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import rattler
from rattler.exceptions import InstallerError
from rattler.install import InstallerReporter
from rattler.package_cache import PackageCache, ValidationMode

from envgen.errors import InstallError
from envgen.install.prefix import META
from envgen.models.package_key import PackageKey
from envgen.models.record import Record
from envgen.system.event_loop import run

_LOCAL = "file://"
_FETCH = re.compile(r"failed to fetch (\S+)")


class StaleCacheError(InstallError):
    """A damaged cache of unpacked packages: the archives are needed after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLinker:
    """What is linked into which prefix: every record with its archive's path.

    `relinked` are the names of packages that are there, but not whole; `cache` has unpacked packages, for all prefixes.
    """

    prefix: Path
    subdir: str
    records: tuple[Record, ...]
    archives: Mapping[PackageKey, Path]
    relinked: frozenset[str]
    cache: Path
    report: Callable[[str], None]

    def archive(self, record: Record) -> Path:
        """Return the path of a record's archive."""
        # rattler wants a path even where its cache has the package and no archive is needed
        return self.archives.get(record.key, self.cache / "absent" / record.filename)


def unpacked(records: Sequence[Record], cache: Path) -> frozenset[str]:
    """Return the names of the records that the cache has unpacked, by their hash."""
    return run(_unpacked(records, cache)) if cache.is_dir() else frozenset()


async def _unpacked(records: Sequence[Record], cache: Path) -> frozenset[str]:
    index = await PackageCache(cache).index()
    return frozenset(
        record.name
        for record in records
        if record.sha256 and index.contains_record(to_native(record, cache / record.filename))
    )


def link(linker: CondaLinker) -> None:
    """Install, replace and remove records until the prefix holds exactly these.

    Raises:
        StaleCacheError: an archive is needed that was not given. InstallError: the disk refuses, or a package is no
        package. The prefix may be half changed then.
    """
    try:
        run(_install(linker))
    except InstallerError as error:
        raise _explained(str(error), linker) from error
    _restore_addresses(linker)


async def _install(linker: CondaLinker) -> None:
    native = [to_native(record, linker.archive(record)) for record in linker.records]
    await rattler.install(
        native,
        linker.prefix,
        platform=rattler.Subdir(linker.subdir),
        reinstall_packages=set(linker.relinked),
        execute_link_scripts=False,  # the user is told of them: see `smoke_test`
        show_progress=False,
        reporter=_Reporter(linker.report, len(native)),  # type: ignore[abstract]  # its empty methods are defaults
        package_cache=PackageCache.new_layered([linker.cache], False, ValidationMode.full()),
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
    match = _FETCH.search(text)
    reason = text.strip().splitlines()[-1].removeprefix("Caused by: ")
    # an archive that was not given, as the cache had it unpacked: rattler has found that copy damaged
    if match and not any(path.name == match[1] for path in linker.archives.values()):
        return StaleCacheError(f"the cache's copy of {match[1]} is damaged", code="cache")
    if "No space left" in text or "os error 28" in text or "os error 122" in text:
        return InstallError(
            f"the disk is full: {linker.prefix} or {linker.cache} cannot hold the packages",
            hint="free some space on the disk",
            code="disk",
        )
    if match:
        return InstallError(f"{match[1]} is no conda package: {reason}", hint="tell its maintainers", code="package")
    return InstallError(f"{linker.prefix} cannot be changed: {reason}", code="link")


def _restore_addresses(linker: CondaLinker) -> None:
    """Write the channels' addresses into `conda-meta`, where rattler has put the path of the archive."""
    urls = {record.name: record.url for record in linker.records}
    for file in sorted((linker.prefix / META).glob("*.json")):
        text = file.read_text(encoding="utf-8")
        data = json.loads(text)
        if str(data.get("url", "")).startswith(_LOCAL) and data.get("name") in urls:
            staged = file.with_suffix(".new")  # replaced in one instant: a half-written record would be damaged
            staged.write_text(text.replace(json.dumps(data["url"]), json.dumps(urls[data["name"]])), encoding="utf-8")
            staged.chmod(0o644)
            staged.replace(file)


def to_native(record: Record, archive: Path) -> rattler.RepoDataRecord:
    """Return rattler's form of a record whose archive lies on the disk."""
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
    return rattler.RepoDataRecord(package, record.filename, archive.as_uri(), record.channel + "/")
