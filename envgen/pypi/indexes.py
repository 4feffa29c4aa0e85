"""The package indexes that count, as they do for uv."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from envgen.errors import PypiError

_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_MASK = "***@"


def mask(text: str) -> str:
    """Hide the user name and password of every URL in a text."""
    return _USER_INFO.sub(_MASK, text)


def without_user(url: str) -> str:
    """Return a URL without its user name and password, as a lock may hold it."""
    return _USER_INFO.sub("", url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index: `url` is the base of its simple API and may hold a password, so never print it."""

    url: str
    name: str = ""

    def __str__(self) -> str:
        """Render the URL with its secrets masked."""
        return mask(self.url)

    def __repr__(self) -> str:
        """Render the URL with its secrets masked."""
        return f"Index({self})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The indexes that count: the `extra` ones in order, then `default`, or uv's own default where it is None.

    `merge` is uv's `unsafe-…` index strategies: a project is looked up in every index, not in the first that has it.
    """

    extra: tuple[Index, ...] = ()
    default: Index | None = None
    merge: bool = False

    @classmethod
    def configured(cls, environment: Mapping[str, str]) -> Indexes:
        """Read uv's own variables, then its user-level and system-level `uv.toml`, as `uv pip` does.

        Only the indexes are taken from the files; whatever else they hold would change a lock from one machine to the
        next. A project's `uv.toml` and `[tool.uv]` do not count: the manifest is what says what a project needs.
        """
        extra = [*_listed(environment.get("UV_INDEX", "")), *_listed(environment.get("UV_EXTRA_INDEX_URL", ""))]
        default = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL") or ""
        defaults = list(_listed(default))
        for table in _tables(environment):
            extra += [index for index, is_default in _configured(table) if not is_default]
            defaults += [index for index, is_default in _configured(table) if is_default]
        return cls(
            extra=tuple(_with_password(index, environment) for index in dict.fromkeys(extra)),
            default=_with_password(defaults[0], environment) if defaults else None,
            merge=environment.get("UV_INDEX_STRATEGY", "").startswith("unsafe"),
        )

    def __iter__(self) -> Iterator[Index]:
        """Yield the configured indexes, the first to be looked into first."""
        yield from self.extra
        if self.default:
            yield self.default

    def variables(self) -> dict[str, str]:
        """Return the variables that make uv use exactly these indexes; the same for both clients."""
        values = {}
        if self.default:
            values["UV_DEFAULT_INDEX"] = self.default.url
        if self.extra:
            values["UV_INDEX"] = " ".join(index.url for index in self.extra)
        return values


def environment_with(indexes: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a manifest's indexes come before the host's own, their variables filled in.

    Values that a URL cannot hold are quoted; a `%` stays, so that a value that is quoted already is taken as it is.
    Raises PypiError for a variable that is not set.
    """
    filled = [_filled(index, environment) for index in indexes]
    return {**environment, "UV_INDEX": " ".join([*filled, environment.get("UV_INDEX", "")]).strip()}


def _filled(index: str, environment: Mapping[str, str]) -> str:
    lacking = [name for name in _VARIABLE.findall(index) if name not in environment]
    if lacking:
        raise PypiError(
            f"the package index {index} needs the environment variable {lacking[0]}", hint=f"set {lacking[0]}"
        )
    return _VARIABLE.sub(lambda match: quote(environment[match[1]], safe="%"), index)


def _listed(text: str) -> Iterator[Index]:
    for part in text.split():
        name, separator, url = part.partition("=")
        if separator and re.fullmatch(r"[\w.-]+", name):
            yield Index(url=url, name=name)
        else:
            yield Index(url=part)


def _with_password(index: Index, environment: Mapping[str, str]) -> Index:
    """Apply `UV_INDEX_<NAME>_USERNAME` and `…_PASSWORD`, uv's way to keep secrets out of URLs."""
    key = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
    user = environment.get(f"UV_INDEX_{key}_USERNAME", "")
    password = environment.get(f"UV_INDEX_{key}_PASSWORD", "")
    if not index.name or not (user or password):
        return index
    parts = urlsplit(without_user(index.url))
    location = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"
    return Index(url=urlunsplit(parts._replace(netloc=location)), name=index.name)


def _tables(environment: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
    for path in _config_files(environment):
        try:
            yield tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue  # uv itself passes over a file that it may not read


def _config_files(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("UV_NO_CONFIG", "").lower() in ("1", "true"):
        return
    if explicit := environment.get("UV_CONFIG_FILE"):
        yield Path(explicit)
        return
    home = environment.get("HOME", "")
    if folder := environment.get("XDG_CONFIG_HOME") or (home and f"{home}/.config"):
        yield Path(folder, "uv", "uv.toml")
    for folder in environment.get("XDG_CONFIG_DIRS", "").split(":"):
        if folder:
            yield Path(folder, "uv", "uv.toml")


def _configured(table: Mapping[str, object]) -> Iterator[tuple[Index, bool]]:
    """Read `[[index]]`, `index-url` and `extra-index-url`, at the top and under `[pip]`; the flag marks the default."""
    pip = table.get("pip")
    for part in (table, pip if isinstance(pip, Mapping) else {}):
        for row in _rows(part.get("index")):
            url, name = row.get("url"), row.get("name")
            if isinstance(url, str) and not row.get("explicit") and row.get("format") != "flat":
                yield Index(url=url, name=name if isinstance(name, str) else ""), row.get("default") is True
        yield from ((Index(url=url), True) for url in _texts(part.get("index-url")))
        yield from ((Index(url=url), False) for url in _texts(part.get("extra-index-url")))


def _rows(value: object) -> Iterable[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> Iterable[str]:
    listed = value if isinstance(value, list) else [value]
    return [text for text in listed if isinstance(text, str)]
