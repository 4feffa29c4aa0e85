"""A requirement with the place it was written at."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from packaging.markers import Marker, UndefinedComparison
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from envgen.errors import SourceLine, sorted_lines
from envgen.models.platform import KERNEL_MARKERS

LONGEST = 4000  # characters: a version of more digits is none that Python turns into a number
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a requirement comes from.

    `path` is the manifest's dotted path (`dependencies[3]`), or the name of the distribution or fact that asks for it;
    `line` is set where a user wrote it, `wheel` is the distribution of PyPI's whose metadata has it, or "".
    """

    path: str
    line: SourceLine | None = None
    wheel: str = ""

    def __str__(self) -> str:
        """Render the line if there is one, else the path."""
        return str(self.line) if self.line else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A PEP 508 requirement of PyPI's world.

    `name` is canonical (PEP 503); `extras` are canonical and sorted; `specifier` is as `packaging` renders it.
    """

    text: str
    name: str
    extras: tuple[str, ...]
    specifier: str
    marker: str
    url: str
    origin: Origin

    @classmethod
    def readable(cls, texts: Iterable[str], origin: Origin) -> Iterator[Requirement]:
        """Yield the requirements among texts; published metadata may have some that are malformed."""
        for text in texts:
            with contextlib.suppress(ValueError):
                yield cls.parse(text, origin)

    @classmethod
    def parse(cls, text: str, origin: Origin) -> Requirement:
        """Read a requirement; raise ValueError with the reason when it is none."""
        if len(text) > LONGEST:
            raise ValueError(f"not a requirement: `{text[:40]}…` (it is too long)")
        try:
            parsed = Pep508(text)
        except InvalidRequirement as error:
            reason = str(error).split("\n", 1)[0]
            raise ValueError(f"not a requirement: `{text}` ({reason})") from error
        return cls(
            text=text.strip(),
            name=canonicalize_name(parsed.name),
            extras=tuple(sorted(canonicalize_name(extra) for extra in parsed.extras)),
            specifier=str(parsed.specifier),
            marker=str(parsed.marker) if parsed.marker else "",
            url=parsed.url or "",
            origin=origin,
        )

    def applies(self, markers: Mapping[str, str], extra: str = "") -> bool:
        """Return whether the marker holds in a target's marker environment, with one extra asked for.

        As for uv, one that compares what cannot be compared, such as `python_version ~= "x"`, does not.
        """
        try:
            return self.evaluate(markers, extra)
        except UndefinedComparison:
            return False

    def evaluate(self, markers: Mapping[str, str], extra: str = "") -> bool:
        """Return what `applies` does; raise ValueError for a marker that compares what cannot be compared."""
        return not self.marker or Marker(self.marker).evaluate({**markers, "extra": extra})

    @property
    def names_kernel(self) -> bool:
        """Return whether the marker hangs on the kernel, which each macOS has another of."""
        return any(marker in self.marker for marker in KERNEL_MARKERS)

    @staticmethod
    def name_of(text: str) -> str:
        """Return the canonical name that a requirement's text starts with, or "" where it starts with none.

        For texts that a user is still writing, or that only the name is wanted of.
        """
        found = _NAME.match(text)
        return canonicalize_name(found[1]) if found else ""

    def __str__(self) -> str:
        """Render as `name[extra]specifier`, without the marker."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        url = f" @ {self.url}" if self.url else ""
        return f"{self.name}{extras}{self.specifier}{url}"


def origin_lines(*places: Iterable[Requirement] | Origin | None) -> list[SourceLine]:
    """Return the user's lines that requirements and origins were written on, each once, in the order given."""
    lines: list[SourceLine] = []
    for place in places:
        origins = [place] if isinstance(place, Origin) else [item.origin for item in place or ()]
        lines += [origin.line for origin in origins if origin.line]
    return list(dict.fromkeys(lines))


def requirement_lines(requirements: Iterable[Requirement]) -> list[SourceLine]:
    """Return the user's lines that requirements were written on, each once, in the order of the file."""
    return sorted_lines(requirement.origin.line for requirement in requirements)


def quoted_list(requirements: Iterable[Requirement]) -> str:
    """Render requirements for a sentence: "`a` and `b`"."""
    return " and ".join(dict.fromkeys(f"`{item}`" for item in requirements))
