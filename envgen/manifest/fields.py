"""The values of a manifest, one by one: each function takes what was written and returns a value, or refuses it.

Numbers arrive as PlainNumber, with the text that was written. Relations between values are in `validation`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Literal

from packaging.utils import canonicalize_name

from envgen.manifest.problems import RefusalError, did_you_mean, quoted
from envgen.manifest.yaml_document import BrokenNode, PlainNumber
from envgen.models.channel import Channel
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, DEFAULT_PYTHON, SUBDIRS, Platform
from envgen.models.requirement import Origin, Requirement
from envgen.models.secrets import advice, has_secret, has_variable
from envgen.models.wheel import PackageIndex

MAIN_GROUP = "main"
OLDEST_PYTHON = (3, 8)
NAME_LENGTH = 64
_TEXT_LENGTH = 1000
_BRACKETS = 20
_UNPLACED = Origin(path="")
_SAMPLE = Platform(subdir=APPLE_SILICON, python=DEFAULT_PYTHON, macos=DEFAULT_MACOS).markers()
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PROJECT = re.compile(r"[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")
_CONDA_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
_CHANNEL_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*", re.ASCII)
_CHANNEL_URL = re.compile(r"(https?://[^/@\s?#\\]+|file://)(/[^\s?#\\]*)?")
_INDEX_URL = re.compile(r"https?://[^/@\s?#\\]+(/[^\s?#@\\]*)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII)
_MINOR = re.compile(r"3\.[0-9]{1,2}")
_FLOOR = re.compile(r"[0-9]{2}(\.[0-9]{1,2})?")

Kind = Literal["dependencies", "conda", "pypi", "overrides"]


def kind_of(value: object) -> str:
    """Return the kind of a value in words."""
    kinds = {str: "text", bool: "true or false", list: "a list", dict: "a mapping", PlainNumber: "a number"}
    return kinds.get(type(value), "nothing" if value is None else "something else")


def text_of(value: object, *, numbers: bool = False) -> str:
    """Return what was written as text, with `numbers` a number, too; refuse anything else."""
    if numbers and isinstance(value, PlainNumber):
        return value.text
    if isinstance(value, str):
        return value
    if isinstance(value, BrokenNode):
        raise RefusalError("")  # its problem is among the tree's
    hint = "put it in quotes" if isinstance(value, PlainNumber | bool) else ""
    raise RefusalError(f"text is wanted, not {kind_of(value)}", hint=hint)


def environment_name(value: object) -> str:
    """Read an environment's name, which is the name of its folder: nothing that could leave `environments/`."""
    name = text_of(value, numbers=True)
    if not _NAME.fullmatch(name) or ".." in name or name.endswith("."):
        hint = "use letters, digits, `-`, `_` and `.`, with a letter or digit first"
        raise RefusalError(f"not a name for an environment: {quoted(name)}", hint=hint)
    if len(name) > NAME_LENGTH:
        raise RefusalError(f"longer than {NAME_LENGTH} characters: {quoted(name)}")
    if name in ("base", "root"):
        raise RefusalError(f"conda keeps the name {quoted(name)} for its own environment")
    return name


def python_minor(value: object) -> str:
    """Read a python minor version such as "3.12"."""
    text = text_of(value, numbers=True)
    hint = 'write a minor version, such as python: "3.12"'
    if micro := re.fullmatch(r"(3\.[0-9]{1,2})\.[0-9*]+", text):
        raise RefusalError(f"a minor version is wanted, not {quoted(text)}", hint=f'write python: "{micro[1]}"')
    if not _MINOR.fullmatch(text):
        raise RefusalError(f"not a python minor version: {quoted(text)}", hint=hint)
    if int(text[2:]) < OLDEST_PYTHON[1]:
        meant = f'; if {text}0 was meant, write python: "{text}0"' if text == "3.1" else ""
        raise RefusalError(f"python {text} is older than any that runs on Apple silicon (3.8){meant}", hint=hint)
    return text


def subdir(value: object) -> str:
    """Read a platform's name."""
    name = text_of(value)
    if name not in SUBDIRS:
        known = f"(known: {', '.join(SUBDIRS)}){did_you_mean(name, SUBDIRS)}"
        raise RefusalError(f"unknown platform {quoted(name)} {known}")
    return name


def macos_floor(value: object) -> str:
    """Read a macOS version; a bare major means its first minor: `14` is "14.0"."""
    text = text_of(value, numbers=True)
    found = _FLOOR.fullmatch(text)
    if found is None:
        raise RefusalError(f"not a macOS version: {quoted(text)}", hint='write it as macos: "13.0"')
    return text if found[1] else f"{text}.0"


def channel(value: object) -> Channel:
    """Read a channel's name or URL (CEP 26)."""
    text = text_of(value)
    if text == "nodefaults":
        raise RefusalError("`nodefaults` is no channel", hint="leave it out: envgen never adds the defaults")
    if text == "defaults":
        hint = "write https://repo.anaconda.com/pkgs/main, and mind its terms"
        raise RefusalError("`defaults` stands for several channels", hint=hint)
    _refuse_secrets(text)
    if not (_CHANNEL_URL if "://" in text else _CHANNEL_NAME).fullmatch(text) or "/.." in text:
        hint = "write a name such as conda-forge, or a URL that starts with https:// or file://"
        raise RefusalError(f"not a channel: {quoted(text)}", hint=hint)
    return Channel.parse(text)


def package_index(value: object) -> str:
    """Read the URL of a package index, without a slash at its end."""
    text = text_of(value).strip()
    _refuse_secrets(text)
    if not _INDEX_URL.fullmatch(text) or "/.." in text:
        hint = "write the URL of its simple API, such as https://packages.example.org/simple"
        raise RefusalError(f"not a package index: {quoted(text)}", hint=hint)
    return text.rstrip("/")


def index_item(value: object) -> PackageIndex:
    """Read an item of `indexes`: a URL, or a mapping that binds packages to it."""
    if not isinstance(value, dict):
        return PackageIndex(url=package_index(value))
    packages = value.get("packages")
    if set(value) != {"url", "packages"} or not isinstance(packages, list) or not packages:
        hint = "write {url: https://packages.example.org/simple, packages: [name, …]}"
        raise RefusalError("an index that packages are bound to has `url` and `packages`", hint=hint)
    names = tuple(sorted({project_name(name) for name in packages}))
    return PackageIndex(url=package_index(value["url"]), packages=names)


def _refuse_secrets(text: str) -> None:
    """Refuse what holds a secret, or a variable: a stranger's manifest could have any of the user's sent anywhere."""
    if has_variable(text):
        raise RefusalError("no environment variable is filled into an address", hint=advice(text))
    if has_secret(text):
        raise RefusalError("a password or token does not belong in a file that is committed", hint=advice(text))


def requirement(value: object) -> Requirement:
    """Read a PEP 508 requirement; its origin is not known yet."""
    text = _sized(text_of(value))
    if text.count("(") > _BRACKETS:
        raise RefusalError(f"too many brackets: {quoted(text)}")
    try:
        parsed = Requirement.parse(text, _UNPLACED)
    except ValueError as error:
        raise RefusalError(str(error), hint=_requirement_hint(text)) from error
    try:
        parsed.evaluate(_SAMPLE)
    except ValueError as error:
        raise RefusalError(f"a marker that cannot be told: {quoted(parsed.marker)} ({error})") from error
    if parsed.url:
        hint = "name a release (`name>=1`); a project of your own goes under `local`"
        raise RefusalError(f"a URL cannot be proved or locked: {quoted(text)}", hint=hint)
    if parsed.name == "python":
        raise RefusalError("python is no package of PyPI", hint='set it with the key python: "3.12"')
    return parsed


def _requirement_hint(text: str) -> str:
    if re.match(r"-|\.|/|~", text.strip()):
        return "options and paths of pip do not belong here; a project of your own goes under `local`"
    if re.search(r"(?<![=<>!~])=(?!=)|::", text):
        return "PEP 508 writes `name==1.2`; a conda match spec goes under `conda`"
    return "write it as in PEP 508, such as `pandas>=2`"


def bound(value: object) -> Requirement:
    """Read a constraint: a requirement without extras."""
    parsed = requirement(value)
    if parsed.extras:
        hint = "name the extra in `dependencies`"
        raise RefusalError(f"a constraint has no extras: {quoted(parsed.text)}", hint=hint)
    return parsed


def match_spec(value: object) -> MatchSpec:
    """Read a match spec (CEP 29)."""
    text = _sized(text_of(value))
    if "://" in text:
        raise RefusalError(f"an artifact's URL is no match spec: {quoted(text)}", hint="write `name ==version`")
    try:
        spec = MatchSpec.parse(text)
    except ValueError as error:
        hint = "a PyPI requirement goes under `dependencies`" if re.search(r";|\w\[\w", text) else ""
        raise RefusalError(str(error), hint=hint) from error
    if spec.name.startswith("__"):
        hint = 'set the macOS floor with platforms: [{platform: osx-arm64, macos: "13.0"}]'
        raise RefusalError(f"a virtual package is a property of the platform: {quoted(text)}", hint=hint)
    conda_name(spec.name)
    return spec


def _sized(text: str) -> str:
    if len(text) > _TEXT_LENGTH:
        raise RefusalError(f"longer than {_TEXT_LENGTH} characters: {quoted(text)}")
    return text


def project_name(value: object) -> str:
    """Read the name of a PyPI project and make it canonical (PEP 503)."""
    text = text_of(value)
    if not _PROJECT.fullmatch(text):
        raise RefusalError(f"not a name of PyPI's: {quoted(text)}", hint="give the name alone, without a version")
    return canonicalize_name(text)


def conda_name(value: object) -> str:
    """Read the name of a conda package (CEP 26)."""
    text = text_of(value)
    if not _CONDA_NAME.fullmatch(text) or len(text) > NAME_LENGTH:
        hint = "give the name alone, in small letters, without a version"
        raise RefusalError(f"not a conda package's name: {quoted(text)}", hint=hint)
    return text


def group_name(value: object) -> str:
    """Read a group's name and make it canonical (PEP 735)."""
    name = _canonical(value, "a group")
    if name == MAIN_GROUP:
        raise RefusalError("`main` is what `dependencies` asks for", hint="choose another name for the group")
    return name


def extra_name(value: object) -> str:
    """Read an extra's name and make it canonical (PEP 685)."""
    return _canonical(value, "an extra")


def _canonical(value: object, what: str) -> str:
    text = text_of(value)
    if not _PROJECT.fullmatch(text):
        raise RefusalError(f"not a name for {what}: {quoted(text)}", hint="use letters, digits, `-`, `_` and `.`")
    return canonicalize_name(text)


def local_path(value: object) -> str:
    """Read a path relative to the project's root that cannot leave it."""
    text = text_of(value)
    parts = text.split("/")
    if not text or text.startswith(("/", "~")) or ".." in parts or re.search(r"[\\:\0$]", text) or len(text) > 255:
        hint = "write a path below the project's root, such as `.` or `libs/ours`"
        raise RefusalError(f"not a path within the project: {quoted(text)}", hint=hint)
    return "/".join(part for part in parts if part not in ("", ".")) or "."


def cutoff(value: object) -> datetime:
    """Read a date, which means its last moment in UTC, or an instant with its zone, as an aware UTC instant."""
    text = text_of(value, numbers=True).strip()
    hint = "write a date such as 2026-08-01, or an instant such as 2026-08-01T12:00:00Z"
    instant = _INSTANT.fullmatch(text)
    if not instant and not _DATE.fullmatch(text):
        raise RefusalError(f"not a date: {quoted(text)}", hint=hint)
    if instant and not instant["zone"]:
        raise RefusalError(f"an instant without a zone: {quoted(text)}", hint="end it with Z for UTC")
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if instant else datetime.combine(moment.date(), time.max, tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise RefusalError(f"not a date: {quoted(text)} ({error})", hint=hint) from error
