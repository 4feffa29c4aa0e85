"""Hold a requirement with the place it was written at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Pep508
from packaging.utils import canonicalize_name

from envgen.errors import SourceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Say where a requirement comes from.

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
    """Hold one PEP 508 requirement of PyPI's world.

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
        """Tell whether the marker holds in a target's marker environment, with one extra asked for."""
        if not self.marker:
            return True
        marker = Pep508(f"{self.name}; {self.marker}").marker
        return marker is None or marker.evaluate({**markers, "extra": extra})

    def __str__(self) -> str:
        """Render as `name[extra]specifier`, without the marker."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        url = f" @ {self.url}" if self.url else ""
        return f"{self.name}{extras}{self.specifier}{url}"
