"""Read uv's pylock.toml (PEP 751) and pick each package's wheel as the target's pip would."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name, parse_wheel_filename

from envgen.errors import PypiError
from envgen.models.platform import Platform
from envgen.models.wheel import Wheel, wheel_rank
from envgen.pypi.indexes import without_user


@dataclass(frozen=True, slots=True)
class _Entry:
    filename: str
    url: str
    sha256: str
    size: int | None


def read_pylock(
    text: str, platform: Platform, stubs: Iterable[str], preferred: Iterable[str] = ()
) -> tuple[Wheel, ...]:
    """Give one wheel for each package that is not a stub, sorted by name.

    uv lists every wheel that fits; one whose sha256 is preferred wins, then the best tag, then the highest build tag
    (PEP 427). PypiError: a package has no wheel, none that fits, or none with a sha256.
    """
    left_out, hashes = frozenset(stubs), frozenset(preferred)
    packages = _rows(tomllib.loads(text).get("packages"))
    wheels = [_pick(package, platform, hashes) for package in packages if _name(package) not in left_out]
    return tuple(sorted(wheels, key=lambda wheel: wheel.name))


def _pick(package: Mapping[str, object], platform: Platform, preferred: frozenset[str]) -> Wheel:
    name, version = _name(package), _text(package.get("version"))
    entries = [_entry(row) for row in (*_rows(package.get("wheels")), *_rows([package.get("archive")]))]
    ranked = [(key, entry) for entry in entries if (key := _key(entry, platform))]
    if not ranked:
        listed = ", ".join(entry.filename for entry in entries) or "no wheel at all"
        raise PypiError(
            f"`{name}` {version} has no wheel for {platform.subdir}: {listed}".replace("  ", " "),
            hint="only wheels can be locked: nothing is built while locking",
        )
    best = min(ranked, key=lambda pair: (pair[1].sha256 not in preferred, pair[0]))[1]
    if not best.sha256:
        raise PypiError(f"the package index gives no sha256 of {best.filename}", hint="use an index that does")
    return Wheel(
        name=name,
        version=version or str(parse_wheel_filename(best.filename)[1]),
        filename=best.filename,
        url=best.url,
        sha256=best.sha256,
        size=best.size,
    )


def _key(entry: _Entry, platform: Platform) -> tuple[int, int, str, str] | None:
    """Order wheels: the better tag first, then the higher build, then by name, so that nothing is left to chance."""
    rank = wheel_rank(entry.filename, platform)
    if rank is None:
        return None
    build = parse_wheel_filename(entry.filename)[2]
    return (rank, -(build[0] if build else -1), build[1] if build else "", entry.filename)


def _entry(row: Mapping[str, object]) -> _Entry:
    path = _text(row.get("path"))
    url = _text(row.get("url")) or (Path(path).absolute().as_uri() if path else "")
    hashes = row.get("hashes")
    size = row.get("size")
    return _Entry(
        filename=_text(row.get("name")) or unquote(urlsplit(url).path.rpartition("/")[2]),
        url=without_user(url),
        sha256=_text(hashes.get("sha256")).lower() if isinstance(hashes, Mapping) else "",
        size=size if isinstance(size, int) else None,
    )


def _name(package: Mapping[str, object]) -> str:
    return str(canonicalize_name(_text(package.get("name"))))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _rows(value: object) -> Sequence[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
