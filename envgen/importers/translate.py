"""Turn what the lines of a file ask for into lines of a manifest, with an account of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement as Pep508

from envgen.importers.draft import Draft, LineReport, Outcome, one_line
from envgen.importers.items import (
    Asked,
    Heading,
    Ignored,
    ImportedGroup,
    ImportedLink,
    ImportedMatchSpec,
    ImportedProject,
    ImportedRequirement,
    Unsupported,
)
from envgen.importers.loosen_pins import SUBDIR, Needed, Pin, Pins, loosened_pin
from envgen.importers.requirements_txt import may_hold
from envgen.knowledge.names import is_tool
from envgen.knowledge.replacements import replacement_of, unwanted_package
from envgen.knowledge.tensorflow import NAMES
from envgen.manifest import fields
from envgen.manifest.problems import RefusalError
from envgen.mapping.conda_to_pypi import CondaToPypi, PypiName, to_specifier
from envgen.models.channel import CONDA_FORGE

_LOCAL = re.compile(r"(===?\s*[\w.!]+)\+[\w.]+")
_BUILD_OF_OTHERS = re.compile(r"cuda|mkl|linux|win", re.IGNORECASE)

LONGEST_REASON = 400
LONGEST_SUBJECT = 80
ProjectFinder = Callable[[str, str], str]
"""Give the path of a project, relative to the root, or "" where there is none (its path, the file that names it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the lines are judged by.

    `exact` tells that the file lists single versions that a tool chose, and `pins` how much of them is kept; `groups`
    are those that something is asked for in; `files` tells that a line's number alone does not say where it is.
    """

    conda_to_pypi: CondaToPypi
    needed: Needed
    find_project: ProjectFinder
    exact: bool = False
    pins: Pins = "exact"
    groups: frozenset[str] = frozenset()
    files: bool = False


class LineTranslator:
    """Translate the lines that ask for packages, one by one."""

    def __init__(self, draft: Draft, context: Context) -> None:
        """Take the draft to write to."""
        self._draft = draft
        self._context = context
        self._sees = context.conda_to_pypi
        self._includes = Includes(context.groups)

    def account(self, item: Asked) -> LineReport:
        """Put a line into the draft and say what became of it."""
        match item:
            case ImportedRequirement():
                return self._requirement(item)
            case ImportedMatchSpec():
                return self._spec(item)
            case ImportedProject() | ImportedLink() | ImportedGroup():
                return self._other(item)
            case Unsupported():
                return self.undecided(item, item.why, item.hint)
            case Ignored():
                return replace(told(item, "dropped", why=f"{item.what}: {item.why}"), subject=item.what)
        return told(item, "heading", why=item.what if isinstance(item, Heading) else "")

    def _other(self, item: ImportedProject | ImportedLink | ImportedGroup) -> LineReport:
        match item:
            case ImportedProject():
                return self._project(item)
            case ImportedLink():
                return self._link(item)
            case ImportedGroup():
                return self._group(item)

    def undecided(self, item: Asked, why: str, hint: str = "") -> LineReport:
        """Leave a line out until the user decides."""
        reason = f"{why}; {hint}" if hint else why
        self._draft.undecided.append(f"{self._where(item)}: {_subject(item)}: {one_line(reason, 200)}")
        return told(item, "decision", why=reason)

    def _requirement(self, item: ImportedRequirement) -> LineReport:
        requirement = item.requirement
        if why := unwanted_package(requirement.name, "pypi"):
            return told(item, "dropped", why=why)
        here = not requirement.marker or may_hold(requirement.marker)
        row = replacement_of(requirement.name, SUBDIR) if here and requirement.name not in NAMES else None
        if row and not row.replacement:
            return told(item, "dropped", why=row.why)
        if who := self._context.needed.who(item):
            return told(item, "brought", why=f"{who} brings it, in a version that fits")
        text = _LOCAL.sub(r"\1", requirement.text)
        notes = [*item.notes, *(["`+…` names a build of one index"] if text != requirement.text else [])]
        if self._context.exact:
            pin = loosened_pin(requirement.specifier, self._pins(requirement.name))
            text = str(replace(requirement, specifier=pin.specifier)) if pin.why else text
            notes += [pin.why] if pin.why else []
        loosened = text != requirement.text or any("is read as" in note for note in item.notes)
        notes += [] if here else [f"its marker is for another platform: nothing is asked for on {SUBDIR}"]
        if row:
            notes.append(f"envgen reads it as {row.replacement}: {row.why}")
        outcome: Outcome = "replaced" if row else "loosened" if loosened else "mapped"
        if item.bound:
            text = _without_extras(text)
        place = self._put(item, text, item.group, "; ".join(notes) if loosened else "", bound=item.bound)
        return place if isinstance(place, LineReport) else told(item, outcome, place, "; ".join(notes))

    def _put(self, item: Asked, text: str, group: str, comment: str, *, bound: bool = False) -> str | LineReport:
        """Add a requirement if a manifest may hold it; else leave it to the user."""
        try:
            (fields.bound if bound else fields.requirement)(text)
        except RefusalError as error:
            return self.undecided(item, error.message, error.hint)
        section = "constraints" if bound else "dependencies"
        return self._draft.put(section, text, self._comment(item, comment), "" if bound else group)

    def _spec(self, item: ImportedMatchSpec) -> LineReport:
        row = replacement_of(item.name, SUBDIR)
        if row and not row.replacement:
            return told(item, "dropped", why=row.why)
        if why := unwanted_package(item.name, "conda"):
            return told(item, "dropped", why=why)
        if who := self._context.needed.who(item):
            return told(item, "brought", why=f"{who} brings it, in a version that fits")
        pypi_name = self._sees.of(item.name)
        return self._python_spec(item, pypi_name) if pypi_name.requirement else self._native(item)

    def _python_spec(self, item: ImportedMatchSpec, pypi_name: PypiName) -> LineReport:
        """Ask for the distribution that a conda package holds."""
        absent = self._sees.sees and not pypi_name.known
        lacks = f"conda-forge has no {item.name} for {SUBDIR}" if absent else ""
        if lacks and not pypi_name.certain and (elsewhere := self._elsewhere(item)):
            return self._verbatim(replace(item, channel=""), f"{lacks}; it may be in {elsewhere}")
        specifier = to_specifier(_version(item, exact=self._context.exact))
        if specifier is None:
            return self._verbatim(item, f"PEP 440 cannot say `{item.version}`")
        pin, lost = self._pin(item, specifier), _lost(item)
        held = pypi_name.why if pypi_name.requirement != item.name or not pypi_name.certain else ""
        told_why = [lacks, held, pin.why]
        outcome: Outcome = "pypi" if absent else "loosened" if pin.why or lost else "mapped"
        worth_a_comment = [*told_why, "" if self._context.exact else lost] if outcome != "mapped" else []
        comment = "; ".join(filter(None, worth_a_comment))
        place = self._put(item, f"{pypi_name.requirement}{pin.specifier}", item.group, comment)
        why = "; ".join(filter(None, [*told_why, lost]))
        return place if isinstance(place, LineReport) else told(item, outcome, place, why)

    def _elsewhere(self, item: ImportedMatchSpec) -> str:
        """Name the further channels of the manifest that may have a package, or give ""."""
        if item.channel.startswith("conda-forge"):
            return ""
        kept = [channel.text for channel in self._draft.channels if channel.text != CONDA_FORGE.name]
        return item.channel if item.channel in kept else ", ".join(kept)

    def _pin(self, item: ImportedMatchSpec, specifier: str) -> Pin:
        """Loosen the version that a solver chose for another platform where this one lacks it."""
        if not self._context.exact:
            return Pin(specifier=specifier)
        have = self._sees.versions(item.name) if self._sees.has(item.name) else None
        return loosened_pin(specifier, self._pins(item.name), have)

    def _pins(self, name: str) -> Pins:
        """Return how much of a version is kept: TensorFlow's at least the series, which the rest is built against."""
        return "series" if name in NAMES and self._context.pins != "exact" else self._context.pins

    def _native(self, item: ImportedMatchSpec) -> LineReport:
        if not self._context.exact:
            return self._verbatim(item, "it holds no Python distribution")
        if not is_tool(item.name):
            return told(item, "dropped", why="a library: whatever needs it brings it")
        if self._sees.sees and not self._sees.has(item.name):
            return told(item, "dropped", why=f"conda-forge has no {item.name} for {SUBDIR}")
        return self._verbatim(replace(item, version="", build=""), "its version is left to the solver", "loosened")

    def _verbatim(self, item: ImportedMatchSpec, why: str, outcome: Outcome = "conda") -> LineReport:
        """Keep a match spec, but for what ties it to another platform or channel."""
        lost = _lost(item) if not _general(item.build) else ""
        version = _conda_version(item.version)
        build = f" {item.build}" if item.build and _general(item.build) else ""
        text = f"{item.name} {version or '*'}{build}" if build else f"{item.name} {version}".strip()
        try:
            fields.match_spec(text)
        except RefusalError as error:
            return self.undecided(item, error.message, error.hint)
        reason = "; ".join(part for part in (why, lost, _grouped(item.group)) if part)
        place = self._draft.put("conda", text, self._comment(item, lost))
        return told(item, "loosened" if lost else outcome, place, reason)

    def _project(self, item: ImportedProject) -> LineReport:
        path = self._context.find_project(item.path, item.span.line.file)
        if not path:
            return self.undecided(
                item, f"there is no project at `{item.path}`", "list it under `local` once it is there"
            )
        place = self._draft.project(path, item.extras, editable=item.editable)
        return told(item, "mapped", place, "a project of your own: its dependencies are locked, itself installed last")

    def _link(self, item: ImportedLink) -> LineReport:
        if item.name and item.url.startswith("file:"):
            note = "the file was on somebody's machine, and does not tell its version"
            place = self._put(item, item.name, item.group, note)
            return place if isinstance(place, LineReport) else told(item, "loosened", place, note)
        wanted = f"{item.name}=={item.version.partition('+')[0]}" if item.version else item.name
        release = f"ask for a release such as `{wanted}`" if wanted else "ask for a release by its name"
        foreign = foreign_wheel(item.url)
        why = f"the wheel is for {foreign}" if foreign else "what a URL serves cannot be proved or locked"
        return self.undecided(item, why, release if foreign else f"{release}, or list a clone as `local`")

    def _group(self, item: ImportedGroup) -> LineReport:
        if why := self._includes.refuse(item.group, item.included):
            return told(item, "dropped", why=why)
        return told(item, "mapped", self._draft.include(item.group, item.included), "the group is taken in whole")

    def _comment(self, item: Asked, text: str) -> str:
        return f"{self._where(item)}: {text}" if text else ""

    def _where(self, item: Asked) -> str:
        line = item.span.line
        return f"{line.file}:{line.line}" if self._context.files else f"line {line.line}"


def told(item: Asked, outcome: Outcome, becomes: str = "", why: str = "") -> LineReport:
    """Account for the lines of an item."""
    return LineReport(
        line=item.span.line, last=item.span.last, outcome=outcome, becomes=becomes, why=one_line(why, LONGEST_REASON)
    )


def _subject(item: Asked) -> str:
    """Show what a line is about: a URL by its end, which tells one from another."""
    if isinstance(item, ImportedLink):
        url = one_line(item.url, LONGEST_REASON)
        return url if len(url) <= LONGEST_SUBJECT else f"…{url[1 - LONGEST_SUBJECT :]}"
    return one_line(item.span.line.text.strip().removeprefix("- "), LONGEST_SUBJECT)


def _version(item: ImportedMatchSpec, *, exact: bool) -> str:
    """Return the version spec; in a list of single versions `=1.2` is not a series but what was installed."""
    return f"=={item.version.lstrip('=')}" if exact and item.version[:1] == "=" else item.version


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


def _general(build: str) -> bool:
    return "*" in build and not _BUILD_OF_OTHERS.search(build)


def _grouped(group: str) -> str:
    return f"a group holds no match specs, so it is always wanted, not with `{group}` alone" if group else ""


def _without_extras(text: str) -> str:
    parsed = Pep508(text)
    marker = f" ; {parsed.marker}" if parsed.marker else ""
    return f"{parsed.name}{parsed.specifier}{marker}"


# Judge the smaller parts of a file: groups that take each other in, wheels of other platforms.

_TAGS = re.compile(r"-([^-/]+)\.whl$")
_OURS = re.compile(r"any|macosx_\d+_\d+_(arm64|universal2)")


class Includes:
    """Follow which group takes which in; a manifest's groups may not form a circle."""

    def __init__(self, groups: Iterable[str]) -> None:
        """Take the groups that something is asked for in."""
        self._groups = frozenset(groups)
        self._included: dict[str, set[str]] = {}

    def refuse(self, group: str, included: str) -> str:
        """Return why a group cannot take another in; "" where it can, which is then kept."""
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


def groups_of(items: Iterable[Asked]) -> frozenset[str]:
    """Return the groups that something is asked for in."""
    return frozenset(filter(None, (getattr(item, "group", "") for item in items)))


def foreign_wheel(url: str) -> str:
    """Return the platforms that a wheel is for, by its name, where none of them is Apple silicon; else ""."""
    try:
        found = _TAGS.search(unquote(urlsplit(url).path))
    except ValueError:
        return ""
    tags = found[1].split(".") if found else []
    return "" if any(_OURS.fullmatch(tag) for tag in tags) else ", ".join(tags)
