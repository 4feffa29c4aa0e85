"""Build small real wheels for tests.

`build_wheel("demo", "1.0", requires=("six>=1",), tag="cp312-cp312-macosx_12_0_arm64")` gives a `TinyWheel`: a zip with
METADATA, WHEEL, RECORD and one module, whose bytes depend on the arguments alone.
"""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyWheel:
    """A wheel in memory, with the core metadata that it contains."""

    name: str
    version: str
    filename: str
    content: bytes
    metadata: bytes
    requires_python: str = ""

    @property
    def sha256(self) -> str:
        """Return the digest of the whole file, lower-case hex."""
        return hashlib.sha256(self.content).hexdigest()


def build_wheel(
    name: str,
    version: str,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    extras: Sequence[str] = (),
    requires_python: str = "",
    padding: int = 0,
    metadata: bytes | None = None,
    more: Mapping[str, bytes] | None = None,
    links: Mapping[str, str] | None = None,
) -> TinyWheel:
    """Build a wheel.

    `tag` may hold a build tag before it (`1-py3-none-any`); `padding` adds that many incompressible bytes, so that a
    ranged read differs from a whole one; `metadata` replaces METADATA, for old and broken files;
    `more` are further members, and in place of the usual ones; `links` are members that are symbolic links.
    """
    escaped = name.replace("-", "_")
    text = metadata if metadata is not None else _metadata(name, version, requires, extras, requires_python)
    plain_tag = "-".join(tag.split("-")[-3:])
    info = f"{escaped}-{version}.dist-info"
    members = {
        f"{escaped}.py": f"version = {version!r}\n".encode(),
        **({f"{escaped}.bin": _noise(padding)} if padding else {}),
        f"{info}/METADATA": text,
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {plain_tag}\n".encode(),
    }
    members |= {path: content for path, content in (more or {}).items() if path != f"{info}/RECORD"}
    rows = "".join(f"{path},,\n" for path in [*members, *(links or {}), f"{info}/RECORD"]).encode()
    members[f"{info}/RECORD"] = (more or {}).get(f"{info}/RECORD", rows)
    return TinyWheel(
        name=name,
        version=version,
        filename=f"{escaped}-{version}-{tag}.whl",
        content=_zip(members, links or {}),
        metadata=text,
        requires_python=requires_python,
    )


def _metadata(name: str, version: str, requires: Sequence[str], extras: Sequence[str], requires_python: str) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    if requires_python:
        lines.append(f"Requires-Python: {requires_python}")
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return ("\n".join(lines) + "\n\nA description.\n").encode()


def _zip(members: dict[str, bytes], links: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # stored: what deflate gives depends on the machine's zlib
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), content)
        for path, target in links.items():
            member = zipfile.ZipInfo(path, _EPOCH)
            member.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(member, target)
    return buffer.getvalue()


def _noise(size: int) -> bytes:
    blocks = (hashlib.sha256(str(number).encode()).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]
