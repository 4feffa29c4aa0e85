"""The core metadata of wheels, read without downloading them whole; the home of remotezip."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urlsplit

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.platform import Platform
from envgen.models.secrets import lockable, mask
from envgen.models.wheel import Wheel, WheelMetadata, wheel_rank
from envgen.pypi.http import Session
from envgen.pypi.release_verdicts import by_version
from envgen.pypi.simple_api import Project
from envgen.system.files import open_regular
from envgen.system.settings import Ceiling

if TYPE_CHECKING:
    import requests


_WORKERS = 8
_LIMIT: int = Ceiling.METADATA
_TAIL = 64 << 10
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError)
_REPAIRS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"((?:>=|<=|>|<)\s*[\w.]*?)\.\*"), r"\1"),  # >=1.9.* means >=1.9
    (re.compile(r"(\d)\s*(?=(?:>=|<=|!=|==|~=|>|<))"), r"\1,"),  # >=1.0<2 lacks a comma
    (re.compile(r"(===?|!=|~=|>=|<=|>|<)\s*['\"]([\w.*+!-]+)['\"](?=[^;]*(?:;|$))"), r"\1\2"),  # >='1.0'
)


class MetadataReader:
    """Read and keep metadata; a wheel's bytes never change, so what was read once under its sha256 stays true.

    `notes` says which wheels had to be downloaded whole.
    """

    def __init__(self, session: Session, cache: Path) -> None:
        """Prepare; `cache` is a folder of our own, made when needed."""
        self._session = session
        self._cache = cache
        self._known: dict[tuple[str, str], WheelMetadata] = {}
        self._whole: set[str] = set()
        self._lock = threading.Lock()

    @property
    def notes(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(
                f"`{name}` was downloaded whole to read its metadata: its host serves no parts of files"
                for name in sorted(self._whole)
            )

    def read(self, wheel: Wheel) -> WheelMetadata:
        """Return one wheel's metadata.

        PypiUnreachableError: its host does not answer or lacks the file. PypiError: the file is no such wheel.
        """
        key = (wheel.sha256, wheel.url)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._from_cache(wheel) or self._fetched(wheel)
        return known

    def read_many(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Return the metadata of many wheels, read side by side, in the order asked; stop at the first failure."""
        with ThreadPoolExecutor(_WORKERS, thread_name_prefix="metadata") as pool:
            futures = [pool.submit(self.read, wheel) for wheel in wheels]
            try:
                return tuple(future.result() for future in futures)
            except (PypiError, OSError, KeyboardInterrupt):
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def read_known(self, wheels: Sequence[Wheel]) -> tuple[WheelMetadata, ...]:
        """Return the metadata of those wheels that the cache holds."""
        found = (self._known.get((wheel.sha256, wheel.url)) or self._from_cache(wheel) for wheel in wheels)
        return tuple(metadata for metadata in found if metadata)

    def _from_cache(self, wheel: Wheel) -> WheelMetadata | None:
        try:
            content = self._entry(wheel).read_bytes()
        except OSError:
            return None
        return parse_metadata(content, wheel)

    def _entry(self, wheel: Wheel) -> Path:
        # by its address, too: any index may list a wheel with the hash of another's, and other metadata beside it
        key = hashlib.sha256(f"{wheel.sha256} {lockable(wheel.url)}".encode()).hexdigest()
        return self._cache / "metadata" / key[:2] / f"{key}.METADATA"

    def _fetched(self, wheel: Wheel) -> WheelMetadata:
        try:
            is_local = urlsplit(wheel.url).scheme in ("", "file")
            content = self._read_local(wheel) if is_local else self._read_remote(wheel)
        except ValueError as error:  # of an address that is none
            raise _damaged(wheel) from error
        parsed = parse_metadata(content, wheel)
        if parsed is None:
            raise _damaged(wheel)
        if wheel.sha256:
            with suppress(OSError):  # a cache that cannot be written costs time, nothing else
                _write(self._entry(wheel), content)
        return parsed

    def _read_local(self, wheel: Wheel) -> bytes:
        parts = urlsplit(wheel.url)
        path = Path(unquote(parts.path) if parts.scheme else wheel.url)
        try:
            with open_regular(path) as file:
                if wheel.sha256 and _sha256(file) != wheel.sha256:
                    raise PypiError(f"the file changed: {wheel.filename} (its sha256 is not the expected one)")
                return _from_zip(file, wheel)
        except OSError as error:
            raise PypiUnreachableError(f"cannot read {wheel.filename} ({error.strerror})") from error

    def _read_remote(self, wheel: Wheel) -> bytes:
        parts = urlsplit(urldefrag(wheel.url).url)
        beside = parts._replace(path=f"{parts.path}.metadata").geturl()  # PEP 658
        served = self._session.get(beside, limit=_LIMIT)
        if served.status == 200 and parse_metadata(served.content, wheel):
            return served.content
        # Some hosts refuse a range counted from the end, so the second try asks for the size first.
        return (
            self._read_part(wheel, from_end=True) or self._read_part(wheel, from_end=False) or self._read_whole(wheel)
        )

    def _read_part(self, wheel: Wheel, *, from_end: bool) -> bytes | None:
        """Return one member, read by ranges with the zip's directory, or None where the host serves no such ranges."""
        from remotezip import RemoteIOError, RemoteZip, RemoteZipError

        url, session = urldefrag(wheel.url).url, self._session
        options = {
            "session": session.http,
            "initial_buffer_size": _TAIL,
            "support_suffix_range": from_end,
            "timeout": session.limits,
            "auth": session.password_for(url),
            "headers": {"Accept-Encoding": "identity"},
            "hooks": {"response": _close_unless_partial},
        }

        def read() -> bytes:
            with RemoteZip(url, **options) as archive:
                return _member(archive, wheel)

        try:
            with session.guard(url):
                return session.within_window(url, read)
        except RemoteIOError as error:
            if _status_of(error) in (404, 410):
                raise _missing(wheel) from error
            return None
        except RemoteZipError:
            return None
        except _DAMAGE as error:
            raise _damaged(wheel) from error

    def _read_whole(self, wheel: Wheel) -> bytes:
        with tempfile.SpooledTemporaryFile(_LIMIT) as file:
            status = self._session.download(urldefrag(wheel.url).url, file)
            if status != 200:
                raise _missing(wheel)
            file.seek(0)
            if wheel.sha256 and _sha256(file) != wheel.sha256:
                raise _damaged(wheel)
            with self._lock:
                self._whole.add(wheel.filename)
            return _from_zip(file, wheel)


def _close_unless_partial(response: requests.Response, **_: object) -> None:
    """Let go of an answer that remotezip will refuse: it forgets to, and the whole file may be on its way."""
    if response.status_code != 206:
        response.close()


def _status_of(error: OSError | Exception) -> int:
    """Return the HTTP status behind remotezip's error, which keeps only its text, or 0."""
    response = getattr(error.__context__, "response", None)
    return int(getattr(response, "status_code", 0))


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed wants more than it uses
    file.seek(0)
    return digest


def _from_zip(file: IO[bytes], wheel: Wheel) -> bytes:
    try:
        with zipfile.ZipFile(file) as archive:
            return _member(archive, wheel)
    except _DAMAGE as error:
        raise _damaged(wheel) from error


def _member(archive: zipfile.ZipFile, wheel: Wheel) -> bytes:
    """Read `NAME-VERSION.dist-info/METADATA`; KeyError where the archive holds none of this name."""
    for entry in archive.infolist():
        folder, _, file = entry.filename.partition("/")  # what is vendored has such folders further down
        name = folder.removesuffix(".dist-info").partition("-")[0]
        if file == "METADATA" and folder.endswith(".dist-info") and canonicalize_name(name) == wheel.name:
            if entry.file_size > _LIMIT:
                raise zipfile.BadZipFile("METADATA is too large")
            return archive.read(entry)
    raise KeyError(wheel.name)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except (OSError, KeyboardInterrupt):
        Path(name).unlink(missing_ok=True)
        raise


def _missing(wheel: Wheel) -> PypiUnreachableError:
    return PypiUnreachableError(
        f"the package index lists {wheel.filename} but does not serve it: {mask(wheel.url)}",
        hint="try again later, or from another index",
    )


def _damaged(wheel: Wheel) -> PypiError:
    return PypiError(
        f"not a wheel of {wheel.name} {wheel.version}: {mask(wheel.url)}",
        hint="the index serves a damaged file; try another version or index",
    )


def parse_metadata(content: bytes, wheel: Wheel) -> WheelMetadata | None:
    """Return what METADATA says, or None where the bytes are no metadata of this wheel's distribution.

    Requirements that PEP 508 refuses are repaired where uv repairs them too, else kept as written.
    """
    raw, _ = parse_email(content)
    name = raw.get("name", "")
    if canonicalize_name(name) != wheel.name:
        return None
    return WheelMetadata(
        name=wheel.name,
        version=raw.get("version", wheel.version),
        requires_dist=tuple(repair(" ".join(text.split())) for text in raw.get("requires_dist") or ()),
        requires_python=raw.get("requires_python", ""),
        provides_extra=tuple(raw.get("provides_extra") or ()),
    )


def repair(text: str) -> str:
    """Return a requirement that PEP 508 accepts, if known slips are all that is wrong with the text."""
    requirement, separator, marker = text.partition(";")
    for pattern, replacement in ((re.compile("$^"), ""), *_REPAIRS):  # the first, which matches nothing, tries it as is
        requirement = pattern.sub(replacement, requirement)
        candidate = f"{requirement}{separator}{marker}"
        try:
            Pep508(candidate)
        except InvalidRequirement:
            continue
        return candidate
    return text


def release_wheel(project: Project, version: str, platform: Platform) -> Wheel | None:
    """Return the wheel of a release that a target's pip would choose, else another of its wheels.

    The wheels of one release nearly always say the same, with markers for what differs. None where the release is not
    on the index, or has no wheel.
    """
    try:
        files = by_version(project.files).get(Version(version), [])
    except InvalidVersion:
        return None
    wheels = [file for file in files if file.filename.endswith(".whl")]
    if not wheels:
        return None
    ranks = {file.filename: wheel_rank(file.filename, platform) for file in wheels}
    best = min(wheels, key=lambda file: (ranks[file.filename] is None, ranks[file.filename] or 0, file.filename))
    return Wheel(
        name=project.name,
        version=version,
        filename=best.filename,
        url=best.url,
        sha256=best.sha256,
        size=best.size,
    )
