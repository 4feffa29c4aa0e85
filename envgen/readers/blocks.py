"""Read the package blocks of a conda-lock.yml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from envgen.lock.custom_metadata import Fields, Held, restored_record, restored_wheel
from envgen.lock.model import MAIN_GROUP, LockedWheel
from envgen.lock.package_fields import fold_requires, unfold_depends, unfold_requires
from envgen.models.record import Record

_KINDS = {"conda": "conda", "pip": "pypi"}


class BlockError(ValueError):
    """Say which package's block is wrong."""

    def __init__(self, message: str, name: str) -> None:
        """Keep the name, by which the block is found."""
        super().__init__(message)
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Hold the fields of one block, its category apart; `kind` is "conda" or "pypi"."""

    kind: str
    name: str
    version: str
    platform: str
    dependencies: Mapping[str, str]
    url: str
    md5: str
    sha256: str

    @property
    def key(self) -> str:
        """Give the package's key, such as `conda:numpy`."""
        return f"{self.kind}:{self.name}"

    def record(self, line: str) -> Record:
        """Build the record of a conda block and its line of custom_metadata."""
        with _block_of(self.name):
            held = Held(line)
            record = restored_record(held, url=self.url, md5=self.md5, name=self.name, version=self.version)
            held.end()
            return replace(record, sha256=self.sha256, depends=unfold_depends(self.dependencies))

    def wheel(self, line: str, why: str) -> LockedWheel:
        """Build the wheel of a PyPI block, its line of custom_metadata and its reason."""
        with _block_of(self.name):
            held = Held(line)
            wheel = restored_wheel(held, name=self.name, version=self.version, sha256=self.sha256, url=self.url)
            held.end()
            folded = {**self.dependencies, **fold_requires(wheel.requires)}
            return replace(wheel, requires=unfold_requires(folded), why=why)


@contextmanager
def _block_of(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise BlockError(f"package `{name}`: {error}", name) from error


class Blocks:
    """Gather the blocks of a file: a package of two groups has a block for each."""

    def __init__(self, items: Iterable[object]) -> None:
        """Read every block; raise BlockError for a broken, doubled or contradictory one."""
        self._blocks: dict[tuple[str, str], Block] = {}
        self._groups: dict[tuple[str, str], list[str]] = {}
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
        """Give the platforms that the blocks name."""
        return {platform for platform, _ in self._blocks}

    def of(self, platform: str, kind: str) -> list[Block]:
        """List one platform's blocks of a kind, sorted by name."""
        found = [block for (place, _), block in self._blocks.items() if place == platform and block.kind == kind]
        return sorted(found, key=lambda block: block.name)

    def groups(self, platform: str) -> dict[str, tuple[str, ...]]:
        """Give the groups of one platform's packages that are not in main, by key."""
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
