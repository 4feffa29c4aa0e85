"""Build small real `.conda` packages, a python among them, and channels of them.

`build_conda("demo", "1.0", files={"bin/demo": b"..."})` gives a `TinyConda` whose bytes depend on the arguments alone.
`python_package()` is a python whose `bin/python` leads to the interpreter that runs the tests.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import zstandard

from envgen.models.record import Record

PLACEHOLDER = "/opt/placeholder_for_a_prefix_that_is_long_enough_to_be_replaced_by_any_prefix_of_a_test"
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHON = ".".join(str(part) for part in sys.version_info[:3])
SITE = f"lib/python{MINOR}/site-packages"
STAMP = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class Link:
    """Stand for a symbolic link in a package."""

    target: str


Content = bytes | Link


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyConda:
    """A package in memory, with its entry in an index."""

    entry: Mapping[str, object]
    content: bytes
    filename: str
    subdir: str

    @property
    def path(self) -> str:
        """Return the path below a channel."""
        return f"{self.subdir}/{self.filename}"

    def record(self, channel: str) -> Record:
        """Return the record that a lock of this channel would hold."""
        entry = self.entry
        return Record(
            name=str(entry["name"]),
            version=str(entry["version"]),
            build=str(entry["build"]),
            build_number=0,
            subdir=self.subdir,
            channel=channel,
            url=f"{channel}/{self.path}",
            md5=str(entry["md5"]),
            sha256=str(entry["sha256"]),
            size=len(self.content),
            timestamp=STAMP,
            depends=tuple(str(depend) for depend in entry["depends"]),  # type: ignore[attr-defined]
            noarch=str(entry.get("noarch", "")),
        )


def build_conda(
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, Content] | None = None,
    depends: Iterable[str] = (),
    subdir: str = "linux-64",
    build: str = "0",
    noarch: str = "",
    info: Mapping[str, Content | None] | None = None,
    more: Mapping[str, bytes] | None = None,
) -> TinyConda:
    """Build a package; text files that hold PLACEHOLDER get the prefix in its place, as conda-build marks them.

    A `noarch="python"` package has its modules below `site-packages/`. `info` are files of metadata in place of the
    usual ones, None for one that is left out; `more` are further members of the archive.
    """
    files = files or {}
    index: dict[str, object] = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "depends": list(depends),
        "subdir": subdir,
        "timestamp": STAMP,
        "license": "MIT",
    }
    if noarch:
        index["noarch"] = noarch
    usual: dict[str, Content | None] = {
        "info/index.json": json.dumps(index).encode(),
        "info/paths.json": json.dumps({"paths": [_path(*item) for item in files.items()], "paths_version": 1}).encode(),
        "info/files": "".join(f"{path}\n" for path in files).encode(),
    }
    if noarch == "python":
        usual["info/link.json"] = json.dumps({"noarch": {"type": "python"}, "package_metadata_version": 1}).encode()
    metadata = {path: content for path, content in {**usual, **(info or {})}.items() if content is not None}
    stem = f"{name}-{version}-{build}"
    members = {
        "metadata.json": b'{"conda_pkg_format_version": 2}',
        f"info-{stem}.tar.zst": tar_zst(metadata),
        f"pkg-{stem}.tar.zst": tar_zst(files),
        **(more or {}),
    }
    content = _zip(members)
    entry = {
        **index,
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    return TinyConda(entry=entry, content=content, filename=f"{stem}.conda", subdir=subdir)


def module_files(name: str, version: str, *, body: str = "", requires: Iterable[str] = ()) -> dict[str, Content]:
    """Return the files of a `noarch="python"` package that holds one module and its metadata."""
    escaped = name.replace("-", "_")
    info = f"site-packages/{escaped}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    return {
        f"site-packages/{escaped}.py": f"version = {version!r}\n{body}".encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\n".encode(),
        f"{info}/INSTALLER": b"conda\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"{escaped}.py,,\n{escaped}-{version}.dist-info/METADATA,,\n".encode(),
    }


def python_package(subdir: str = "linux-64", version: str = PYTHON) -> TinyConda:
    """Build a python: a `pyvenv.cfg` makes the interpreter that runs the tests take the prefix for its own.

    It is started by a script, under the script's own path: a link to it would lead out of the prefix.
    """
    real = Path(sys.base_prefix) / "bin" / f"python{MINOR}"
    minor = ".".join(version.split(".")[:2])
    files: dict[str, Content] = {
        "bin/python": Link(f"python{minor}"),
        "bin/python3": Link(f"python{minor}"),
        f"bin/python{minor}": f'#!/bin/bash\nexec -a "$0" {real.resolve()} "$@"\n'.encode(),
        f"lib/python{minor}/site-packages/README.txt": b"packages go here\n",
        "pyvenv.cfg": f"home = {real.resolve().parent}\ninclude-system-site-packages = false\n".encode(),
    }
    return build_conda("python", version, files=files, subdir=subdir, build="0_cpython")


def pip_package() -> TinyConda:
    """Build a pip that does nothing: envgen's locks hold one, and envgen does not run it."""
    return build_conda(
        "pip", "26.0", files=module_files("pip", "26.0"), subdir="noarch", noarch="python", depends=["python >=3.9"]
    )


@dataclass
class TinyChannel:
    """Packages, and lay them out as a channel."""

    packages: list[TinyConda] = field(default_factory=list)

    def files(self, *subdirs: str) -> dict[str, bytes]:
        """Return the channel's files: the packages, and an index for noarch and each subdir."""
        found = {package.path: package.content for package in self.packages}
        for subdir in {"noarch", *subdirs, *(package.subdir for package in self.packages)}:
            entries = {item.filename: dict(item.entry) for item in self.packages if item.subdir == subdir}
            index = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": entries, "repodata_version": 1}
            found[f"{subdir}/repodata.json"] = json.dumps(index).encode()
        return found


def edited(package: TinyConda, edit: Callable[[bytes], bytes]) -> TinyConda:
    """Return a package whose archive was edited, with an entry that has the hashes of that."""
    content = edit(package.content)
    hashes = {"md5": hashlib.md5(content).hexdigest(), "sha256": hashlib.sha256(content).hexdigest()}
    return replace(package, content=content, entry={**package.entry, **hashes, "size": len(content)})


def _path(path: str, content: Content) -> dict[str, object]:
    if isinstance(content, Link):
        return {"_path": path, "path_type": "softlink", "sha256": hashlib.sha256(b"").hexdigest(), "size_in_bytes": 0}
    entry: dict[str, object] = {
        "_path": path,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if PLACEHOLDER.encode() in content:
        entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "binary" if b"\0" in content else "text"}
    return entry


def tar_zst(files: Mapping[str, Content]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.mtime = 315_532_800
            if isinstance(content, Link):
                member.type, member.linkname = tarfile.SYMTYPE, content.target
                archive.addfile(member)
                continue
            member.mode = 0o755 if path.startswith("bin/") else 0o644
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return zstandard.ZstdCompressor(level=1).compress(buffer.getvalue())


def _zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()
