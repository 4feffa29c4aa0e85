"""The translation of what a file's lines ask for into lines of a manifest, with a report on each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import assert_never
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement

from envgen.importers.draft import Draft, LineReport, Outcome, one_line
from envgen.importers.items import (
    Heading,
    Ignored,
    ImportedChannel,
    ImportedGroup,
    ImportedItem,
    ImportedLink,
    ImportedMatchSpec,
    ImportedProject,
    ImportedPython,
    ImportedRequirement,
    Unsupported,
)
from envgen.importers.loosen_pins import Pin, Pins, loosened_pin
from envgen.importers.requirements_txt import may_apply
from envgen.knowledge.names import is_tool
from envgen.knowledge.replacements import replacement_of, unwanted_package
from envgen.knowledge.tensorflow import NAMES
from envgen.manifest import fields
from envgen.manifest.problems import RefusalError
from envgen.mapping.conda_to_pypi import CondaToPypi, PypiName, to_specifier
from envgen.models.channel import CONDA_FORGE
from envgen.models.platform import APPLE_SILICON

_LOCAL = re.compile(r"(===?\s*[\w.!]+)\+[\w.]+")
# A pattern of builds is kept (`*_cpython`), unless it is one that no Mac has.
_BUILD_OF_OTHERS = re.compile(r"cuda|mkl|linux|win", re.IGNORECASE)
_WHEEL_TAGS = re.compile(r"-([^-/]+)\.whl$")
_OUR_TAG = re.compile(r"any|macosx_\d+_\d+_(arm64|universal2)")
_LONGEST_REASON = 400
_LONGEST_SUBJECT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the lines are judged by.

    `needed` names the package that each item of a solved list is there for, by the item's `id`. `find_project` returns
    a project's path relative to the root, given its path and the file that names it, or "". `exact` is set where the
    file lists single versions that a tool chose, and `pins` says how much of them is kept; `groups` are those that
    something is asked for in; `files` is set where a line's number alone does not say where it is.
    """

    conda_to_pypi: CondaToPypi
    needed: Mapping[int, str]
    find_project: Callable[[str, str], str]
    exact: bool = False
    pins: Pins = "exact"
    groups: frozenset[str] = frozenset()
    files: bool = False


class LineTranslator:
    """Puts the lines of a file into a draft, one by one."""

    def __init__(self, draft: Draft, context: Context) -> None:
        self._draft = draft
        self._context = context
        self._conda_to_pypi = context.conda_to_pypi
        self._includes = Includes(context.groups)

    def translate(self, item: ImportedItem) -> LineReport:
        """Put a line into the draft; return what became of it."""
        match item:
            case ImportedRequirement():
                report = self._requirement(item)
            case ImportedMatchSpec():
                report = self._spec(item)
            case ImportedProject():
                report = self._project(item)
            case ImportedLink():
                report = self._link(item)
            case ImportedGroup():
                report = self._group(item)
            case Unsupported():
                report = self.undecided(item, item.why, item.hint)
            case Ignored():
                report = replace(line_report(item, "dropped", why=f"{item.what}: {item.why}"), subject=item.what)
            case Heading():
                report = line_report(item, "heading", why=item.what)
            case ImportedPython() | ImportedChannel():  # the caller reports on those, which it judges together
                report = line_report(item, "heading")
            case _:
                assert_never(item)
        return report

    def undecided(self, item: ImportedItem, why: str, hint: str) -> LineReport:
        """Leave a line out until the user decides."""
        reason = f"{why}; {hint}" if hint else why
        self._draft.undecided.append(f"{self._where(item)}: {_subject(item)}: {one_line(reason, 200)}")
        return line_report(item, "decision", why=reason)

    def _requirement(self, item: ImportedRequirement) -> LineReport:
        requirement = item.requirement
        if why := unwanted_package(requirement.name, "pypi"):
            return line_report(item, "dropped", why=why)
        here = may_apply(requirement.marker)
        row = replacement_of(requirement.name, APPLE_SILICON) if here and requirement.name not in NAMES else None
        if row and not row.replacement:
            return line_report(item, "dropped", why=row.why)
        if who := self._context.needed.get(id(item)):
            return line_report(item, "brought", why=f"{who} brings it, in a version that fits")
        text = _LOCAL.sub(r"\1", requirement.text)
        notes = [*item.notes, *(["`+…` names a build of one index"] if text != requirement.text else [])]
        if self._context.exact:
            pin = loosened_pin(requirement.specifier, self._pins(requirement.name))
            text = str(replace(requirement, specifier=pin.specifier)) if pin.why else text
            notes += [pin.why] if pin.why else []
        loosened = text != requirement.text or any("is read as" in note for note in item.notes)
        notes += [] if here else [f"its marker is for another platform: nothing is asked for on {APPLE_SILICON}"]
        if row:
            notes.append(f"envgen reads it as {row.replacement}: {row.why}")
        outcome: Outcome = "replaced" if row else "loosened" if loosened else "mapped"
        if item.bound:
            text = _without_extras(text)
        return self._put(item, text, outcome, "; ".join(notes) if loosened else "", "; ".join(notes))

    def _put(
        self,
        item: ImportedRequirement | ImportedMatchSpec | ImportedLink,
        text: str,
        outcome: Outcome,
        comment: str,
        why: str,
    ) -> LineReport:
        """Add a requirement if a manifest may have it; else leave it to the user."""
        bound = isinstance(item, ImportedRequirement) and item.bound
        try:
            (fields.bound if bound else fields.requirement)(text)
        except RefusalError as error:
            return self.undecided(item, error.message, error.hint)
        section, group = ("constraints", "") if bound else ("dependencies", item.group)
        return line_report(item, outcome, self._draft.put(section, text, self._comment(item, comment), group), why)

    def _spec(self, item: ImportedMatchSpec) -> LineReport:
        row = replacement_of(item.name, APPLE_SILICON)
        if row and not row.replacement:
            return line_report(item, "dropped", why=row.why)
        if why := unwanted_package(item.name, "conda"):
            return line_report(item, "dropped", why=why)
        if who := self._context.needed.get(id(item)):
            return line_report(item, "brought", why=f"{who} brings it, in a version that fits")
        pypi_name = self._conda_to_pypi.of(item.name)
        return self._python_spec(item, pypi_name) if pypi_name.requirement else self._native(item)

    def _python_spec(self, item: ImportedMatchSpec, pypi_name: PypiName) -> LineReport:
        """Ask for the distribution that is in a conda package."""
        absent = self._conda_to_pypi.complete and not pypi_name.known
        lacks = f"conda-forge has no {item.name} for {APPLE_SILICON}" if absent else ""
        if lacks and not pypi_name.certain and (elsewhere := self._elsewhere(item)):
            return self._verbatim(replace(item, channel=""), f"{lacks}; it may be in {elsewhere}")
        version = item.version
        if self._context.exact and version[:1] == "=":  # here `=1.2` is no series but what was installed
            version = f"=={version.lstrip('=')}"
        specifier = to_specifier(version)
        if specifier is None:
            return self._verbatim(item, f"PEP 440 cannot say `{item.version}`")
        pin, lost = Pin(specifier=specifier), _lost(item)
        if self._context.exact:  # what a solver chose for another platform may be lacking on this one
            have = self._conda_to_pypi.versions(item.name) if self._conda_to_pypi.has(item.name) else None
            pin = loosened_pin(specifier, self._pins(item.name), have)
        renamed = pypi_name.why if pypi_name.requirement != item.name or not pypi_name.certain else ""
        reasons = [lacks, renamed, pin.why]
        outcome: Outcome = "pypi" if absent else "loosened" if pin.why or lost else "mapped"
        worth_a_comment = [*reasons, "" if self._context.exact else lost] if outcome != "mapped" else []
        comment = "; ".join(filter(None, worth_a_comment))
        why = "; ".join(filter(None, [*reasons, lost]))
        return self._put(item, f"{pypi_name.requirement}{pin.specifier}", outcome, comment, why)

    def _elsewhere(self, item: ImportedMatchSpec) -> str:
        """Name the further channels of the manifest that may have a package, or give ""."""
        if item.channel.startswith("conda-forge"):
            return ""
        kept = [channel.text for channel in self._draft.channels if channel.text != CONDA_FORGE.name]
        return item.channel if item.channel in kept else ", ".join(kept)

    def _pins(self, name: str) -> Pins:
        """Return how much of a version is kept: TensorFlow's at least the series, which the rest is built against."""
        return "series" if name in NAMES and self._context.pins != "exact" else self._context.pins

    def _native(self, item: ImportedMatchSpec) -> LineReport:
        if not self._context.exact:
            return self._verbatim(item, "it holds no Python distribution")
        if not is_tool(item.name):
            return line_report(item, "dropped", why="a library: whatever needs it brings it")
        if self._conda_to_pypi.complete and not self._conda_to_pypi.has(item.name):
            return line_report(item, "dropped", why=f"conda-forge has no {item.name} for {APPLE_SILICON}")
        return self._verbatim(replace(item, version="", build=""), "its version is left to the solver", "loosened")

    def _verbatim(self, item: ImportedMatchSpec, why: str, outcome: Outcome = "conda") -> LineReport:
        """Keep a match spec, but for what ties it to another platform or channel."""
        general = "*" in item.build and not _BUILD_OF_OTHERS.search(item.build)
        lost = "" if general else _lost(item)
        version = _conda_version(item.version)
        build = f" {item.build}" if general else ""
        text = f"{item.name} {version or '*'}{build}" if build else f"{item.name} {version}".strip()
        try:
            fields.match_spec(text)
        except RefusalError as error:
            return self.undecided(item, error.message, error.hint)
        apart = f"a group holds no match specs, so it is always wanted, not with `{item.group}` alone"
        reason = "; ".join(filter(None, (why, lost, apart if item.group else "")))
        place = self._draft.put("conda", text, self._comment(item, lost))
        return line_report(item, "loosened" if lost else outcome, place, reason)

    def _project(self, item: ImportedProject) -> LineReport:
        path = self._context.find_project(item.path, item.span.line.file)
        if not path:
            why = f"there is no project at `{item.path}`"
            return self.undecided(item, why, "list it under `local` once it is there")
        place = self._draft.project(path, item.extras, editable=item.editable)
        why = "a project of your own: its dependencies are locked, itself installed last"
        return line_report(item, "mapped", place, why)

    def _link(self, item: ImportedLink) -> LineReport:
        if item.name and item.url.startswith("file:"):
            note = "the file was on somebody's machine, and does not tell its version"
            return self._put(item, item.name, "loosened", note, note)
        release = f"{item.name}=={item.version.partition('+')[0]}" if item.version else item.name
        hint = f"ask for a release such as `{release}`" if release else "ask for a release by its name"
        foreign = foreign_wheel(item.url)
        why = f"the wheel is for {foreign}" if foreign else "what a URL serves cannot be proved or locked"
        return self.undecided(item, why, hint if foreign else f"{hint}, or list a clone as `local`")

    def _group(self, item: ImportedGroup) -> LineReport:
        if why := self._includes.refuse(item.group, item.included):
            return line_report(item, "dropped", why=why)
        place = self._draft.include(item.group, item.included)
        return line_report(item, "mapped", place, "the group is taken in whole")

    def _comment(self, item: ImportedItem, text: str) -> str:
        return f"{self._where(item)}: {text}" if text else ""

    def _where(self, item: ImportedItem) -> str:
        line = item.span.line
        return f"{line.file}:{line.line}" if self._context.files else f"line {line.line}"


def line_report(item: ImportedItem, outcome: Outcome, becomes: str = "", why: str = "") -> LineReport:
    """Return what became of the lines of an item."""
    span, why = item.span, one_line(why, _LONGEST_REASON)
    return LineReport(line=span.line, last=span.last, outcome=outcome, becomes=becomes, why=why)


def _subject(item: ImportedItem) -> str:
    """Return what a line is about: of a URL its end, which differs from one to another."""
    if isinstance(item, ImportedLink):
        url = one_line(item.url, _LONGEST_REASON)
        return url if len(url) <= _LONGEST_SUBJECT else f"…{url[1 - _LONGEST_SUBJECT :]}"
    return one_line(item.span.line.text.strip().removeprefix("- "), _LONGEST_SUBJECT)


def _conda_version(version: str) -> str:
    """Write a version spec as every solver reads it."""
    return version if version[:1] != "=" or version[:2] == "==" else f"{version.lstrip('=').removesuffix('.*')}.*"


def _lost(item: ImportedMatchSpec) -> str:
    """Return what of a spec is not carried over."""
    lost = []
    if item.build and item.build != "*":
        lost.append(f"the build `{item.build}` is left out: it is for one platform")
    if item.channel and item.channel != "conda-forge":
        lost.append(f"the channel `{item.channel}` is left out")
    return "; ".join(lost)


def _without_extras(text: str) -> str:
    parsed = Requirement(text)
    marker = f" ; {parsed.marker}" if parsed.marker else ""
    return f"{parsed.name}{parsed.specifier}{marker}"


class Includes:
    """Which group takes which in, of those that something is asked for in; they may not form a circle."""

    def __init__(self, groups: Iterable[str]) -> None:
        self._groups = frozenset(groups)
        self._included: dict[str, set[str]] = {}

    def refuse(self, group: str, included: str) -> str:
        """Return why a group cannot take another in; where it can, take note of it and return ""."""
        if included not in self._groups:
            return f"there is nothing in `{included}`"
        if group == included:
            return f"`{group}` would include itself"
        if group in self._reached(included):
            return f"`{included}` includes `{group}` already, and groups may not form a circle"
        self._included.setdefault(group, set()).add(included)
        return ""

    def _reached(self, start: str) -> set[str]:
        reached: set[str] = set()
        queue = [start]
        for name in queue:
            fresh = self._included.get(name, set()) - reached
            reached |= fresh
            queue += sorted(fresh)
        return reached


def groups_of(items: Iterable[ImportedItem]) -> frozenset[str]:
    """Return the groups that something is asked for in."""
    return frozenset(filter(None, (getattr(item, "group", "") for item in items)))


def foreign_wheel(url: str) -> str:
    """Return the platforms that a wheel is for, by its name, where none of them is Apple silicon; else ""."""
    try:
        found = _WHEEL_TAGS.search(unquote(urlsplit(url).path))
    except ValueError:
        return ""
    tags = found[1].split(".") if found else []
    return "" if any(_OUR_TAG.fullmatch(tag) for tag in tags) else ", ".join(tags)
