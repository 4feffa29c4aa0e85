"""A requirement with the place it was written at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from envgen.errors import SourceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Describe where a requirement comes from.

    `path` is the manifest's dotted path (`dependencies[3]`), or the name of the distribution or fact that asks for it;
    `line` is set where a user wrote it.
    """

    path: str
    line: SourceLine | None = None

    def __str__(self) -> str:
        """Render the line if there is one, else the path."""
        return str(self.line) if self.line else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One PEP 508 requirement of PyPI's world.

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
    def parse(cls, text: str, origin: Origin) -> Requirement:
        """Read a requirement; raise ValueError with the reason when it is none."""
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
        """Return whether the marker holds in a target's marker environment, with one extra asked for."""
        if not self.marker:
            return True
        marker = Pep508(f"{self.name}; {self.marker}").marker
        return marker is None or marker.evaluate({**markers, "extra": extra})

    def __str__(self) -> str:
        """Render as `name[extra]specifier`, without the marker."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        url = f" @ {self.url}" if self.url else ""
        return f"{self.name}{extras}{self.specifier}{url}"


def lines_at(*places: Iterable[Requirement] | Origin | None) -> list[SourceLine]:
    """List the user's lines that requirements and origins were written on, each once."""
    lines: list[SourceLine | None] = []
    for place in places:
        if isinstance(place, Origin):
            lines.append(place.line)
        elif place is not None:
            lines += [item.origin.line for item in place]
    return list(dict.fromkeys(line for line in lines if line))


def quoted(requirements: Iterable[Requirement]) -> str:
    """Render requirements for a sentence: "`a` and `b`"."""
    return " and ".join(dict.fromkeys(f"`{item}`" for item in requirements))


def lines_of(requirements: Iterable[Requirement]) -> list[SourceLine]:
    """List the user's lines that requirements were written on, each once, in the order of the file."""
    return in_order(requirement.origin.line for requirement in requirements)


def in_order(lines: Iterable[SourceLine | None]) -> list[SourceLine]:
    """List lines that there are, each once, in the order of the file."""
    found = {line for line in lines if line}
    return sorted(found, key=lambda line: (line.file, line.line, line.text))
