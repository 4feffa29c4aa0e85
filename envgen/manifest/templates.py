"""The starter manifests that are shipped with envgen."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from envgen.errors import UsageError
from envgen.manifest.problems import did_you_mean, quoted

_SUFFIX = ".yaml"
_BLANK = """\
# Edit freely, then run `envgen lock`: envgen keeps comments and order.
name: blank

platforms:
  - {platform: osx-arm64, macos: "13.0"}

channels: [conda-forge]

# What the project needs, by the names of PyPI.
dependencies: []
"""


def template_names() -> tuple[str, ...]:
    """Return the names of the templates, sorted."""
    files = (file.name for file in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def template_text(name: str) -> str:
    """Return a template's text, whose `name` is the template's own; raise UsageError when there is none."""
    known = template_names()
    if name not in known:
        message = f"there is no template {quoted(name)}{did_you_mean(name, known)}"
        raise UsageError(message, hint=f"the templates are {', '.join(known)}")
    return (_folder() / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def template_description(name: str) -> str:
    """Return a template's first line, without its comment sign."""
    return template_text(name).partition("\n")[0].removeprefix("#").strip()


def blank_text() -> str:
    """Return the manifest that asks for nothing yet: no python, no dependencies; its `name` is a placeholder."""
    return _BLANK


def _folder() -> Traversable:
    """Return where the templates are: inside an installed package, else beside it in a checkout."""
    package = resources.files("envgen")
    shipped = package / "templates"
    return shipped if shipped.is_dir() else Path(str(package)).parent / "templates"
