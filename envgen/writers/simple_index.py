"""Write the pages of a simple index (PEP 503) beside a folder of wheels."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from envgen.lock.model import LockedWheel

_PAGE = (
    '<!DOCTYPE html>\n<html><head><meta name="pypi:repository-version" content="1.0"><title>{title}</title></head>\n'
)


def simple_pages(wheels: Iterable[LockedWheel], *, up: str) -> dict[str, str]:
    """Give the pages by their paths: `index.html`, and `NAME/index.html` for each project.

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
