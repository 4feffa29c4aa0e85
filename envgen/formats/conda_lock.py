"""conda-lock.yml in conda-lock's format 1, which is also the lock that envgen reads back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from envgen.errors import LockfileError, SourceLine
from envgen.formats.fast_yaml import load
from envgen.formats.generated import RESTORE, header, no_md5, read_head, refuse, refuse_edits, scalar
from envgen.lock.custom_metadata import (
    DIGEST_PLACEHOLDER,
    CustomFields,
    Fields,
    facts_of,
    lock_facts,
    platform_facts,
    read_platform_facts,
    record_line,
    restored_record,
    restored_wheel,
    wheel_line,
    with_digest,
)
from envgen.lock.groups import lock_groups
from envgen.lock.merge import refuse_merge_markers
from envgen.lock.model import MAIN_GROUP, Lock, LockedWheel, PlatformLock
from envgen.lock.package_fields import (
    checked_channel,
    checked_record,
    checked_wheel,
    fold_depends,
    fold_requires,
    plain_requires,
    unfold_depends,
    unfold_requires,
)
from envgen.models.package_key import PackageKey, PackageSource
from envgen.models.record import Record

FILE = "conda-lock.yml"
MANIFEST = "envgen.yaml"


def write(lock: Lock) -> dict[str, str]:
    """Write one file for all platforms of a lock in its normal form, one package a block, by manager, name, platform.

    conda-lock 4 parses and renders it; micromamba wants non-empty sources and content_hash, conda's plugin created_by.
    Raises WriteError for what the format has no place for.
    """
    unlocated = [f"{wheel.name} has no URL" for each in lock.platforms for wheel in each.pypi if not wheel.wheel.url]
    refuse(FILE, lock, "update the packages named: `envgen lock --update NAME`", no_md5(lock), unlocated)
    groups = sorted(frozenset().union(*map(lock_groups, lock.platforms)))
    about = [
        f"Install it: envgen create {lock.name}",
        f"        or: conda-lock install --name {lock.name}{extras_options(groups)} {FILE}",
        f"        or: micromamba create --name {lock.name} --file {FILE}{category_options(groups)}",
    ]
    lines = [
        *header(lock, lock.platforms, about=about),
        "version: 1",
        "metadata:",
        *_metadata(lock),
        "package:" if any(each.conda or each.pypi for each in lock.platforms) else "package: []",
        *_packages(lock.platforms),
    ]
    return {FILE: with_digest("\n".join(lines) + "\n")}


def category_options(groups: Collection[str]) -> str:
    """Return the options by which micromamba and mamba 2 install these groups, too: else they take `main` alone."""
    return "".join(f" --category {group}" for group in (MAIN_GROUP, *groups)) if groups else ""


def extras_options(groups: Collection[str]) -> str:
    """Return the options by which conda-lock installs these groups, too: by itself it takes `main` and `dev`."""
    return "".join(f" --extras {group}" for group in groups if group != "dev")


def _metadata(lock: Lock) -> Iterator[str]:
    digest = scalar(lock.manifest_digest.removeprefix("sha256:"))
    yield "  content_hash:"
    yield from (f"    {each.platform.subdir}: {digest}" for each in lock.platforms)
    yield "  channels:" if lock.channels else "  channels: []"
    for channel in lock.channels:
        yield f"  - url: {scalar(channel.name)}"
        yield "    used_env_vars: []"
    yield "  platforms:"
    yield from (f"  - {each.platform.subdir}" for each in lock.platforms)
    yield "  sources:"
    yield f"  - {MANIFEST}"
    yield "  custom_metadata:"
    yield from (f"    {key}: {scalar(value)}" for key, value in lock_facts(lock).items())
    yield f"    {DIGEST_PLACEHOLDER}"
    for each in lock.platforms:
        yield from (f"    {scalar(key)}: {scalar(value)}" for key, value in _facts(each))


def _facts(lock: PlatformLock) -> Iterator[tuple[str, str]]:
    """Yield the platform's facts, then what conda-lock has no field for: one key a package."""
    subdir = lock.platform.subdir
    yield from platform_facts(lock).items()
    yield from ((f"{subdir}.why.{wheel.name}", wheel.why) for wheel in lock.pypi if wheel.why)
    yield from ((f"{subdir}.conda.{record.name}", line) for record in lock.conda if (line := record_line(record)))
    yield from ((f"{subdir}.pypi.{wheel.name}", line) for wheel in lock.pypi if (line := wheel_line(wheel)))


def _packages(platforms: Iterable[PlatformLock]) -> Iterator[str]:
    conda = [(record.name, lock.platform.subdir, record, lock) for lock in platforms for record in lock.conda]
    for _, subdir, record, lock in sorted(conda, key=lambda each: each[:2]):
        for group in _categories(lock, record.key):
            yield from _conda_block(record, subdir, group)
    pypi = [(wheel.name, lock.platform.subdir, wheel, lock) for lock in platforms for wheel in lock.pypi]
    for _, subdir, wheel, lock in sorted(pypi, key=lambda each: each[:2]):
        for group in _categories(lock, wheel.key):
            yield from _pypi_block(wheel, subdir, group)


def _categories(lock: PlatformLock, key: PackageKey) -> list[str]:
    groups = lock.groups_of(key)
    return [MAIN_GROUP] if MAIN_GROUP in groups else sorted(groups)


def _conda_block(record: Record, subdir: str, category: str) -> Iterator[str]:
    yield f"- name: {scalar(record.name)}"
    yield f"  version: {scalar(record.version)}"
    yield "  manager: conda"
    yield f"  platform: {subdir}"
    yield from _dependencies(fold_depends(record.depends))
    yield f"  url: {scalar(record.url)}"
    yield "  hash:"
    yield f"    md5: {scalar(record.md5)}"
    if record.sha256:
        yield f"    sha256: {scalar(record.sha256)}"
    yield from _category(category)


def _pypi_block(locked: LockedWheel, subdir: str, category: str) -> Iterator[str]:
    yield f"- name: {scalar(locked.name)}"
    yield f"  version: {scalar(locked.version)}"
    yield "  manager: pip"
    yield f"  platform: {subdir}"
    yield from _dependencies(plain_requires(fold_requires(locked.requires)))
    yield f"  url: {scalar(locked.wheel.url)}"
    yield "  hash:"
    yield f"    sha256: {scalar(locked.wheel.sha256)}"
    yield from _category(category)


def _dependencies(folded: dict[str, str]) -> Iterator[str]:
    yield "  dependencies:" if folded else "  dependencies: {}"
    yield from (f"    {scalar(name)}: {scalar(rest)}" for name, rest in folded.items())


def _category(category: str) -> Iterator[str]:
    yield f"  category: {scalar(category)}"
    yield f"  optional: {'false' if category == MAIN_GROUP else 'true'}"


def read_conda_lock(text: str, file: str, *, sealed: bool = True) -> Lock:
    """Read a conda-lock.yml of envgen's; raise LockfileError for one that is damaged, or that another tool made.

    With `sealed` any edit since the writing is an error; without, what can still be read is returned, so that it can
    be mended. The lock comes back whole, in its normal form.
    """
    refuse_merge_markers(text, file)
    document = load(text, file)
    try:
        lock = _lock(Fields.of(document, file), file, sealed=sealed)
    except ValueError as error:
        lines = _heads(text, file, error.name) if isinstance(error, BlockError) else []
        raise LockfileError(f"{file} is damaged: {error}", lines=lines, hint=RESTORE) from error
    if sealed:
        refuse_edits(text, file)
    return lock


def _lock(document: Fields, file: str, *, sealed: bool) -> Lock:
    metadata = document.fields("metadata")
    facts = metadata.texts("custom_metadata") if metadata.has("custom_metadata") else {}
    head = read_head(facts, file, sealed=sealed)
    document.value("version", 1)
    blocks = Blocks(document.items("package"))
    subdirs = metadata.names("platforms")
    if strangers := blocks.platforms() - set(subdirs):
        raise ValueError(f"packages for `{min(strangers)}`, which is none of its platforms")
    channels = [checked_channel(Fields.of(item, "a channel").text("url")) for item in metadata.items("channels")]
    platforms = [_platform(subdir, facts_of(subdir, facts), blocks) for subdir in sorted(subdirs)]
    return replace(head, channels=tuple(channels), platforms=tuple(platforms))


def _platform(subdir: str, facts: Mapping[str, str], blocks: Blocks) -> PlatformLock:
    try:
        lock = read_platform_facts(subdir, facts)
    except ValueError as error:
        raise ValueError(f"custom_metadata of {subdir}: {error}") from error
    records = [block.record(facts.get(f"conda.{block.name}", "")) for block in blocks.of(subdir, "conda")]
    wheels = [
        block.wheel(facts.get(f"pypi.{block.name}", ""), facts.get(f"why.{block.name}", ""))
        for block in blocks.of(subdir, "pypi")
    ]
    return replace(lock, conda=tuple(records), pypi=tuple(wheels), groups=blocks.groups(subdir))


def _heads(text: str, file: str, name: str) -> list[SourceLine]:
    """Return the lines that a package's blocks begin with."""
    heads = (f"- name: {name}", f"- name: '{name}'")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return [SourceLine(file=file, line=number, text=line) for number, line in enumerate(lines, 1) if line in heads]


_KINDS: Mapping[str, PackageSource] = {"conda": "conda", "pip": "pypi"}


class BlockError(ValueError):
    """A package's block that is wrong, by the package's name."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The fields of one block, its category apart; `kind` is "conda" or "pypi"."""

    kind: PackageSource
    name: str
    version: str
    platform: str
    dependencies: Mapping[str, str]
    url: str
    md5: str
    sha256: str

    @property
    def key(self) -> PackageKey:
        return PackageKey(self.kind, self.name)

    def record(self, line: str) -> Record:
        """Build the record of a conda block and its line of custom_metadata."""
        with _block_of(self.name):
            custom = CustomFields(line)
            record = restored_record(custom, url=self.url, md5=self.md5, name=self.name, version=self.version)
            custom.end()
            return checked_record(replace(record, sha256=self.sha256, depends=unfold_depends(self.dependencies)))

    def wheel(self, line: str, why: str) -> LockedWheel:
        """Build the wheel of a PyPI block, its line of custom_metadata and its reason."""
        with _block_of(self.name):
            custom = CustomFields(line)
            wheel = restored_wheel(custom, name=self.name, version=self.version, sha256=self.sha256, url=self.url)
            custom.end()
            folded = {**self.dependencies, **fold_requires(wheel.requires)}
            return checked_wheel(replace(wheel, requires=unfold_requires(folded), why=why))


@contextmanager
def _block_of(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise BlockError(f"package `{name}`: {error}", name) from error


class Blocks:
    """The blocks of a file: a package of two groups has a block for each."""

    def __init__(self, items: Iterable[object]) -> None:
        """Read every block; raise BlockError for a broken, doubled or contradictory one."""
        self._blocks: dict[tuple[str, PackageKey], Block] = {}
        self._groups: dict[tuple[str, PackageKey], list[str]] = {}
        for number, item in enumerate(items, 1):
            fields = Fields.of(item, f"package {number}")
            name = fields.text("name")
            fields.where = f"package `{name}`"
            try:
                self._add(*_block(name, fields))
            except ValueError as error:
                raise BlockError(str(error), name) from error

    def _add(self, block: Block, category: str) -> None:
        place = (block.platform, block.key)
        groups = self._groups.setdefault(place, [])
        if category in groups:
            raise ValueError(f"package `{block.name}` is there twice")
        if self._blocks.setdefault(place, block) != block:
            raise ValueError(f"package `{block.name}` has two blocks that differ")
        groups.append(category)

    def platforms(self) -> set[str]:
        """Return the platforms that the blocks name."""
        return {platform for platform, _ in self._blocks}

    def of(self, platform: str, kind: str) -> list[Block]:
        """List one platform's blocks of a kind, sorted by name."""
        found = [block for (place, _), block in self._blocks.items() if place == platform and block.kind == kind]
        return sorted(found, key=lambda block: block.name)

    def groups(self, platform: str) -> dict[PackageKey, tuple[str, ...]]:
        """Return the groups of one platform's packages that are not in main, by key."""
        groups = {key: tuple(sorted(names)) for (place, key), names in self._groups.items() if place == platform}
        return {key: names for key, names in sorted(groups.items()) if MAIN_GROUP not in names}


def _block(name: str, fields: Fields) -> tuple[Block, str]:
    manager = fields.text("manager")
    if manager not in _KINDS:
        raise ValueError(f"{fields.where} has an unknown manager `{manager}`")
    hashes = fields.fields("hash")
    block = Block(
        kind=_KINDS[manager],
        name=name,
        version=fields.text("version"),
        platform=fields.text("platform"),
        dependencies=fields.texts("dependencies"),
        url=fields.text("url"),
        md5=hashes.optional_text("md5"),
        sha256=hashes.optional_text("sha256"),
    )
    category = fields.text("category")
    fields.value("optional", category != MAIN_GROUP)
    fields.end()
    return block, category
