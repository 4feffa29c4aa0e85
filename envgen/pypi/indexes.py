"""The package indexes that count, as they do for uv."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from envgen.errors import PypiError
from envgen.models.secrets import Secrets, advice, has_variable, mask, origin_key, same_origin, without_user
from envgen.models.wheel import PackageIndex
from envgen.system.files import IrregularFileError, read_bytes

BOUND = "ENVGEN_BOUND_INDEXES"  # of a manifest's, on their way to both clients
_BOUND_NAME = "envgen_bound"
_STORE = "credentials.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index: `url` is the base of its simple API and may hold a password, so never print it."""

    url: str
    name: str = ""

    @property
    def login(self) -> tuple[str, str] | None:
        """Return the user and password in the URL, or None."""
        try:
            user, separator, _ = urlsplit(self.url).netloc.rpartition("@")
        except ValueError:  # requests has the words for it
            return None
        name, _, password = user.partition(":")
        return (unquote(name), unquote(password)) if separator else None

    def __str__(self) -> str:
        """Render the URL with its secrets masked."""
        return mask(self.url)

    def __repr__(self) -> str:
        """Render the URL with its secrets masked."""
        return f"Index({self})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The indexes that count: the `extra` ones in order, then `default`, or uv's own default where it is None.

    `bound` maps canonical names to the one index that serves them, and nothing else. Of the others the first that has a
    project serves it: UV_INDEX_STRATEGY could have a stranger's project of that name win.
    """

    extra: tuple[Index, ...] = ()
    default: Index | None = None
    bound: Mapping[str, Index] = field(default_factory=dict)

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
        bindings = map(PackageIndex.parse, environment.get(BOUND, "").split())
        bound = {name: index for binding in bindings for index in [Index(url=binding.url)] for name in binding.packages}
        return cls(
            bound={name: _with_password(index, environment) for name, index in bound.items()},
            extra=tuple(_with_password(index, environment) for index in dict.fromkeys(extra)),
            default=_with_password(defaults[0], environment) if defaults else None,
        )

    def __iter__(self) -> Iterator[Index]:
        """Yield the configured indexes, the first to be looked into first."""
        yield from dict.fromkeys(self.bound.values())
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
        for number, index in enumerate(dict.fromkeys(self.bound.values())):
            if index.login:
                name = f"UV_INDEX_{_BOUND_NAME.upper()}_{number}"
                values |= {f"{name}_USERNAME": index.login[0], f"{name}_PASSWORD": index.login[1]}
        return values

    def sources(self) -> str:
        """Return the tables of a pyproject.toml that bind names for uv, whose secrets are in `variables`."""
        indexes = list(dict.fromkeys(self.bound.values()))
        names = {index: f"{_BOUND_NAME}_{number}" for number, index in enumerate(indexes)}
        lines = ["[tool.uv.sources]"]
        lines += [f'"{name}" = {{ index = "{names[index]}" }}' for name, index in sorted(self.bound.items())]
        for index in indexes:
            lines += ["[[tool.uv.index]]", f'name = "{names[index]}"', f"url = {json.dumps(without_user(index.url))}"]
            lines += ["explicit = true"]
        return "".join(f"{line}\n" for line in lines)


def environment_with(indexes: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a manifest's indexes come before the host's own.

    Raises PypiError for an address that names a variable: none is filled in.
    """
    wanted = list(indexes)
    for index in wanted:
        if has_variable(index):
            message = f"the package index {mask(index)} names an environment variable, and none is filled in"
            raise PypiError(message, hint=advice(index))
    plain = [index for index in wanted if not PackageIndex.parse(index).packages]
    bound = [index for index in wanted if PackageIndex.parse(index).packages]
    extra = " ".join([*plain, environment.get("UV_INDEX", "")]).strip()
    return {**environment, "UV_INDEX": extra, BOUND: " ".join(bound)}


def _listed(text: str) -> Iterator[Index]:
    for part in text.split():
        name, separator, url = part.partition("=")
        if separator and re.fullmatch(r"[\w.-]+", name):
            yield Index(url=url, name=name)
        else:
            yield Index(url=part)


def _with_password(index: Index, environment: Mapping[str, str]) -> Index:
    """Add what the user says of an index apart from its URL.

    `UV_INDEX_<NAME>_USERNAME` and `…_PASSWORD`, uv's way; else what ENVGEN_TOKENS has for its host; else what
    `uv auth login` has stored.
    """
    key = re.sub(r"[^A-Z0-9]", "_", index.name.upper())
    user = environment.get(f"UV_INDEX_{key}_USERNAME", "")
    password = environment.get(f"UV_INDEX_{key}_PASSWORD", "")
    url = without_user(index.url)
    if index.name and (user or password):
        return _logged_in(index, user, password)
    if url != index.url:
        return index
    login = Secrets.configured(environment).of(url).login or _stored(url, environment)
    return _logged_in(index, *login) if login else index


def _logged_in(index: Index, user: str, password: str) -> Index:
    parts = urlsplit(without_user(index.url))
    location = f"{quote(user, safe='')}:{quote(password, safe='')}@{parts.netloc}"
    return Index(url=urlunsplit(parts._replace(netloc=location)), name=index.name)


def _stored(url: str, environment: Mapping[str, str]) -> tuple[str, str] | None:
    found = stored_logins(url, environment)
    return found[max(found, key=len)] if found else None


def stored_logins(url: str, environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the users and passwords that `uv auth login` has stored for a URL, by the path that they are for."""
    home = environment.get("HOME", "")
    data = environment.get("XDG_DATA_HOME") or (home and f"{home}/.local/share")
    folder = environment.get("UV_CREDENTIALS_DIR") or (data and f"{data}/uv/credentials")
    try:
        table = tomllib.loads(Path(folder, _STORE).read_text(encoding="utf-8")) if folder else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    found = {}
    for row in _rows(table.get("credential")):
        service, user, password = (row.get(key) for key in ("service", "username", "password"))
        if isinstance(service, str) and isinstance(user, str) and isinstance(password, str):
            path = urlsplit(service).path.rstrip("/")
            if origin_key(url) and same_origin(service, url) and f"{urlsplit(url).path}/".startswith(f"{path}/"):
                found[path] = (user, password)
    return found


def _tables(environment: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
    for path in _config_files(environment):
        try:
            yield tomllib.loads(read_bytes(path).decode())
        except IrregularFileError as error:
            raise PypiError(f"{path} is not a regular file") from error
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
