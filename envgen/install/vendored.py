"""A vendored folder, which serves as channel and package index where there is no network.

DIR/channels/conda-forge/osx-arm64/repodata.json, *.conda     a channel: --mirror conda-forge=DIR/channels/conda-forge
DIR/wheels/*.whl                                              pip's --find-links DIR/wheels
DIR/simple/NAME/index.html                                    a simple index (PEP 503), when the folder is served
DIR/environments/NAME/                                        the manifests and locks
DIR/envgen-vendor.json                                        every file with its hash and size
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote, urlsplit

from envgen.errors import EnvgenError, InstallError
from envgen.install.artifacts import Artifact, Digest
from envgen.lock.model import LockedWheel
from envgen.models.channel import CONDA_ALIAS
from envgen.models.record import Record
from envgen.system.files import read_text

LISTING = "envgen-vendor.json"
CHANNELS, WHEELS, SIMPLE = "channels", "wheels", "simple"
FORMAT = 1
_LEFT_OUT, _ALWAYS = frozenset({"channel", "url"}), frozenset({"depends", "build_number"})  # of a record's fields
_PAGE = (
    '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.0"><title>{title}</title></head>\n'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendoredFile:
    """A file of a vendored folder; `path` is relative to it."""

    path: str
    digest: Digest
    size: int

    @classmethod
    def of(cls, path: Path, artifact: Artifact, folder: Path) -> VendoredFile:
        """Describe an artifact that lies at a path below the folder."""
        relative = path.relative_to(folder).as_posix()
        return cls(path=relative, digest=artifact.digest, size=path.stat().st_size)


def channel_folder(url: str) -> str:
    """Return the folder of a channel below `channels/`: its name at the usual host, else its host and path."""
    rest = url.removeprefix(f"{CONDA_ALIAS}/")
    if rest == url:
        parts = urlsplit(url)
        rest = f"{parts.netloc}{parts.path}"
    return "/".join(_plain(part) for part in rest.split("/") if part)


def archive_path(record: Record) -> str:
    """Return the path of a record's archive below the folder."""
    return f"{CHANNELS}/{channel_folder(record.channel)}/{_plain(record.subdir)}/{record.filename}"


def wheel_path(filename: str) -> str:
    """Return the path of a wheel below the folder."""
    return f"{WHEELS}/{filename}"


def listing_text(files: Iterable[VendoredFile]) -> str:
    """Return the text of a folder's listing."""
    rows = [
        {"path": file.path, file.digest.algorithm: file.digest.hex, "size": file.size}
        for file in sorted(files, key=lambda file: file.path)
    ]
    return json.dumps({"format": FORMAT, "files": rows}, indent=1) + "\n"


def read_listing(folder: Path) -> tuple[VendoredFile, ...]:
    """Read the listing of a folder; raise InstallError where there is none, or a damaged one."""
    path = folder / LISTING
    if not path.exists():
        raise InstallError(
            f"{folder} was not made by `envgen vendor --download`: it has no {LISTING}",
            hint="name the folder that `--to` named",
            code="vendored",
        )
    try:
        data = json.loads(read_text(path, error=InstallError))
        if data["format"] != FORMAT:
            raise InstallError(f"{path} has format {data['format']}, not {FORMAT}", hint="use a newer envgen")
        return tuple(_file(row) for row in data["files"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InstallError(f"{path} is damaged", hint="make the folder again", code="vendored") from error


def verify_folder(folder: Path) -> list[str]:
    """Compare every file of a folder with its listing; return what is wrong, one line a file."""
    return [fault for file in read_listing(folder) if (fault := _fault(folder, file))]


def _plain(part: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", part).lstrip(".") or "_"


def _file(row: dict[str, object]) -> VendoredFile:
    algorithm = "sha256" if "sha256" in row else "md5"
    path, digest, size = row["path"], row[algorithm], row["size"]
    if not (isinstance(path, str) and isinstance(digest, str) and isinstance(size, int)):
        raise TypeError("not a file")
    return VendoredFile(path=path, digest=Digest(algorithm=algorithm, hex=digest), size=size)


def _fault(folder: Path, file: VendoredFile) -> str:
    path = folder / file.path
    if not path.resolve().is_relative_to(folder.resolve()):
        return f"{file.path} leads out of the folder"
    try:
        if not path.is_file():
            return f"{file.path} is missing"
        if path.stat().st_size != file.size:
            return f"{file.path} has {path.stat().st_size:,} bytes instead of {file.size:,}"
        return "" if file.digest.matches(path) else f"{file.path} is not what was locked (its hash differs)"
    except (OSError, EnvgenError) as error:
        return f"{file.path} cannot be read ({error})"


def repodata_text(subdir: str, records: Iterable[Record]) -> str:
    """Return the repodata.json of one subdir (CEP 36); the order of the records does not count."""
    entries: dict[str, dict[str, dict[str, object]]] = {"packages": {}, "packages.conda": {}}
    for record in sorted(records, key=lambda record: record.filename):
        kind = "packages.conda" if record.filename.endswith(".conda") else "packages"
        fields = {name: getattr(record, name) for name in Record.__dataclass_fields__ if name not in _LEFT_OUT}
        entries[kind][record.filename] = {
            name: value for name, value in fields.items() if name in _ALWAYS or value not in ("", (), None)
        }
    data = {"info": {"subdir": subdir}, **entries, "removed": [], "repodata_version": 1}
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def simple_pages(wheels: Iterable[LockedWheel], *, up: str) -> dict[str, str]:
    """Return the pages of a simple index (PEP 503) by path: `index.html`, and `NAME/index.html` for each project.

    `up` leads from a project's page to the folder of the wheels, such as `../../wheels`.
    """
    projects: dict[str, dict[str, LockedWheel]] = {}
    for wheel in wheels:
        projects.setdefault(wheel.name, {})[wheel.wheel.filename] = wheel
    pages = {f"{name}/index.html": _project(name, files, up) for name, files in sorted(projects.items())}
    links = "".join(f'<a href="{escape(name)}/">{escape(name)}</a><br>\n' for name in sorted(projects))
    return {"index.html": f"{_PAGE.format(title='Simple index')}<body>\n{links}</body></html>\n", **pages}


def _project(name: str, files: dict[str, LockedWheel], up: str) -> str:
    links = "".join(_link(files[filename], up) for filename in sorted(files))
    return f"{_PAGE.format(title=escape(name))}<body>\n{links}</body></html>\n"


def _link(wheel: LockedWheel, up: str) -> str:
    filename = wheel.wheel.filename
    python = f' data-requires-python="{escape(wheel.requires_python)}"' if wheel.requires_python else ""
    address = f"{up}/{quote(filename)}#sha256={wheel.wheel.sha256}"
    return f'<a href="{escape(address)}"{python}>{escape(filename)}</a><br>\n'
