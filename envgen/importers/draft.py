"""A manifest written from scratch, with comments that say where each line comes from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from envgen.errors import SourceLine
from envgen.manifest.fields import NAME_LENGTH, environment_name
from envgen.manifest.problems import RefusalError, shown
from envgen.manifest.yaml_edit import scalar
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS

Outcome = Literal[
    "mapped", "pypi", "conda", "loosened", "brought", "replaced", "dropped", "setting", "decision", "heading"
]
OUTCOMES: dict[Outcome, str] = {
    "mapped": "asked for under the name of PyPI",
    "pypi": "left to PyPI, because conda-forge has none",
    "conda": "kept as a match spec",
    "loosened": "asked for with fewer bounds",
    "brought": "left to the packages that need them",
    "replaced": "read as another name",
    "dropped": "left out, with the reason",
    "setting": "made a key of the manifest",
    "decision": "left out until you decide",
    "heading": "read on",
}
_LONGEST_COMMENT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReport:
    """What became of one or more lines of a file, up to the line `last`, and why.

    `becomes` is the manifest's key and item, such as `dependencies: torch>=2`, or ""; `subject` is what `why` begins
    with, where it names the line before it gives the reason.
    """

    line: SourceLine
    last: int
    outcome: Outcome
    becomes: str = ""
    why: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class DraftItem:
    """An item of a list with its comment."""

    text: str
    comment: str = ""


@dataclass(slots=True, kw_only=True)
class Draft:
    """What a manifest will say; "" leaves a key out."""

    source: str
    name: str = ""
    python: str = ""
    python_comment: str = ""
    macos: str = ""
    accelerator: str = ""
    channels: list[DraftItem] = field(default_factory=list)
    sections: dict[str, dict[str, DraftItem]] = field(default_factory=dict)
    groups: dict[str, dict[str, DraftItem]] = field(default_factory=dict)
    projects: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)
    undecided: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def put(self, section: str, text: str, comment: str = "", group: str = "") -> str:
        """Add an item, once; return its place, such as `dependencies: numpy`."""
        key = group_key(group)
        items = self.groups.setdefault(key, {}) if group else self.sections.setdefault(section, {})
        items.setdefault(text, DraftItem(text, comment))
        return f"groups.{key}: {text}" if group else f"{section}: {text}"

    def project(self, path: str, extras: Iterable[str] = (), *, editable: bool) -> str:
        """Add a project of the user's own, once, with all the extras that are asked of it; return its place."""
        first, before = self.projects.get(path, (editable, ()))
        wanted = tuple(dict.fromkeys([*before, *extras]))
        self.projects[path] = (first, wanted)
        parts = [f"path: {scalar(path, flow=True)}", f"editable: {'true' if first else 'false'}"]
        parts += [f"extras: [{', '.join(scalar(extra, flow=True) for extra in wanted)}]"] if wanted else []
        self.sections.setdefault("local", {})[path] = DraftItem(f"{{{', '.join(parts)}}}")
        return f"local: {path}"

    def include(self, group: str, included: str) -> str:
        """Let a group take another in; return its place."""
        self.groups.setdefault(group_key(included), {})  # a manifest includes no group that it does not list
        return self.put("", f"{{include-group: {group_key(included)}}}", group=group)

    def text(self) -> str:
        """Render the manifest."""
        python = [f'python: "{self.python}"{_comment(self.python_comment)}'] if self.python else []
        accelerator = [f"accelerator: {self.accelerator}"] if self.accelerator else []
        head = f"# Made from {shown(self.source)} by `envgen import`; edit freely, then run `envgen lock`."
        platform = f'{{platform: {APPLE_SILICON}, macos: "{self.macos or DEFAULT_MACOS}"}}'
        needs = "# What the project needs, by the names of PyPI; conda serves what it can."
        blocks = [
            [head, f"name: {scalar(safe_name(self.name))}", *python, *accelerator],
            ["platforms:", f"  - {platform}"],
            ["channels:", *_listed(self.channels or [DraftItem("conda-forge")], 2)],
            [needs, *(self._section("dependencies") or ["dependencies: []"])],
            *map(self._section, ("conda", "pypi")),
            self._groups(),
            *map(self._section, ("constraints", "local")),
            [f"# {remark}" for remark in self.remarks],
        ]
        if self.undecided:
            blocks.append(["# These lines need a decision of yours:", *(f"#   {text}" for text in self.undecided)])
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    def _section(self, section: str) -> list[str]:
        items = self.sections.get(section, {}).values()
        lines = _verbatim(items, 2) if section == "local" else _listed(items, 2)
        return [f"{section}:", *lines] if items else []

    def _groups(self) -> list[str]:
        lines: list[str] = []
        for name, found in self.groups.items():
            items = [*found.values()]
            include = [item for item in items if item.text.startswith("{include-group:")]
            rest = [item for item in items if item not in include]
            lines += [f"  {name}:" if items else f"  {name}: []", *_verbatim(include, 4), *_listed(rest, 4)]
        return ["groups:", *lines] if lines else []


def _listed(items: Iterable[DraftItem], indent: int) -> list[str]:
    return [f"{' ' * indent}- {scalar(item.text)}{_comment(item.comment)}" for item in items]


def _verbatim(items: Iterable[DraftItem], indent: int) -> list[str]:
    return [f"{' ' * indent}- {item.text}{_comment(item.comment)}" for item in items]


def _comment(text: str) -> str:
    return f"  # {one_line(text)}" if text else ""


def one_line(text: str, longest: int = _LONGEST_COMMENT) -> str:
    """Return a text as a comment may have it: on one line, without secrets, not too long."""
    clean = " ".join(shown(text).split())
    return f"{clean[: longest - 1]}…" if len(clean) > longest else clean


def group_key(group: str) -> str:
    """Return a name that a manifest may have for a group."""
    name = re.sub(r"[^a-z0-9]+", "-", group.lower()).strip("-")
    return name if name not in ("", "main") else f"{name}-group".strip("-")


def safe_name(text: str) -> str:
    """Return a name for an environment that is as near to a text as may be."""
    clean = re.sub(r"[^A-Za-z0-9._-]+|\.{2,}", "-", text)[:NAME_LENGTH].strip("-.")
    try:
        return environment_name(clean)
    except RefusalError:
        return "imported"
