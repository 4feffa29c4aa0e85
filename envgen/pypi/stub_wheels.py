"""Wheels that stand for what conda provides, so that uv resolves around it.

uv gets `X-V+conda-py3-none-any.whl` without requirements and the constraint `X==V+conda`: conda's version counts, and
PyPI's metadata of it, which is often stricter than conda's, does not.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.version import InvalidVersion, Version

from envgen.errors import PypiError
from envgen.models.wheel import Stub

_LOCAL = "conda"
_MARK = re.compile(r"(==[^\s,;`]+?)[+.]conda\b")


def write_stubs(stubs: Iterable[Stub], folder: Path) -> tuple[str, ...]:
    """Write a wheel for each stub into a folder, and return the constraints that select them, sorted."""
    return tuple(sorted(f"{stub.name}=={_write(stub, folder)}" for stub in stubs))


def unmark(text: str) -> str:
    """Return `numpy==2.1 (conda's)` where a text of uv's speaks of the stub `numpy==2.1+conda`."""
    return _MARK.sub(r"\1 (conda's)", text)


def _write(stub: Stub, folder: Path) -> str:
    version = _stub_version(stub)
    stem = f"{re.sub(r'[-_.]+', '_', stub.name).lower()}-{version}"
    files = {
        "METADATA": f"Metadata-Version: 2.1\nName: {stub.name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: envgen\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{stem}.dist-info/{name}", text)
    return version


def _stub_version(stub: Stub) -> str:
    try:
        version = Version(stub.version)
    except InvalidVersion as error:
        raise PypiError(f"conda's version of `{stub.name}` is none for PyPI: `{stub.version}`") from error
    return f"{version}{'.' if version.local else '+'}{_LOCAL}"
