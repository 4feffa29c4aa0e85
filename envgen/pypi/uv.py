"""Runs of uv: for a target, with the indexes that count and nothing else of the shell's; the home of its binary."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from envgen.errors import PypiError, PypiUnreachableError
from envgen.models.platform import Platform
from envgen.models.secrets import TOKENS, mask, without_user
from envgen.models.wheel import ResolveRequest, Wheel, wheel_parts, wheel_rank
from envgen.pypi.http import Timeouts
from envgen.pypi.indexes import BOUND, Indexes, stored_logins
from envgen.pypi.kernel_markers import dependency_metadata
from envgen.pypi.stub_wheels import write_stubs
from envgen.pypi.uv_messages import failure
from envgen.system.lifetime import ChildLimits, EndedError, run_child, scratch_folder
from envgen.system.settings import Ceiling

_RESOLVING = re.compile(
    r"UV_(?:CONSTRAINT|OVERRIDE|EXCLUDE|EXCLUDE_NEWER|RESOLUTION|PRERELEASE|FIND_LINKS|NO_INDEX|NO_BINARY|NO_BUILD"
    r"|FORK_STRATEGY|TORCH_BACKEND|NO_SOURCES)"
)
_PROJECT = "envgen-request"
_REQUIRED = re.compile(rf"{_PROJECT}(?:==0)?\s+depends\s+on")
_AUTH_SECONDS = 30.0
_UNWATCHED = 180.0  # seconds for a run of which nothing is to be seen
_STUBS, _CONSTRAINTS, _OVERRIDES, _PREFERRED = "stubs", "constraints.txt", "overrides.txt", "pylock.toml"
_CONFIG = "uv.toml"
# Of uv's own variables only those pass that say how to reach indexes; the rest would make a result depend on a shell.
_PASSED = re.compile(
    r"UV_(?:CACHE_DIR|NO_CACHE|CREDENTIALS_DIR|INSECURE_HOST|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS"
    r"|HTTP_\w+|CONCURRENT_\w+|LOCK_TIMEOUT|LINK_MODE)"
)
_REMOVED = frozenset(
    {
        TOKENS,
        BOUND,
        "RUST_LOG",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "PYTHONPATH",
        "PYTHONHOME",
    }
)


# Where Linux distributions keep the certificates that the system trusts.
_SYSTEM_CERTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UvAnswer:
    """What uv printed: `lock` is a pylock.toml, `stderr` may hold warnings."""

    lock: str
    stderr: str


class Uv:
    """Call uv, with the same indexes and limits each time; `calls` counts the runs."""

    def __init__(
        self,
        environment: Mapping[str, str],
        indexes: Indexes,
        *,
        timeouts: Timeouts | None = None,
        offline: bool = False,
    ) -> None:
        self._environment = environment
        self._indexes = indexes
        self._timeouts = timeouts or Timeouts()
        self._offline = offline
        self.calls = 0

    @property
    def notes(self) -> tuple[str, ...]:
        ignored = sorted(key for key, value in self._environment.items() if value and _RESOLVING.fullmatch(key))
        return tuple(f"{name} is set, and does not count: the manifest says what is locked" for name in ignored)

    def compile(self, request: ResolveRequest, finals_only: Iterable[str] = ()) -> UvAnswer:
        """Resolve for the request's target; pre-releases of the projects in `finals_only` are refused.

        PypiUnsatisfiableError, PypiUnreachableError or, for a malformed request, PypiError.
        """
        self.calls += 1
        with scratch_folder() as folder:
            file, text = _write_requirements(request, self._indexes, folder)
            arguments = [*_arguments(request, finals_only), *_write_inputs(request, folder)]
            if self._offline:
                arguments.append("--offline")
            process = run_uv(
                ["pip", "compile", file, *arguments],
                self._variables(request),
                folder=folder,
                limits=self._limits(),
                text=text,
            )
        if process.returncode:
            raise failure(_REQUIRED.sub("you require", process.stderr.replace(str(folder), "")), request)
        return UvAnswer(lock=process.stdout, stderr=process.stderr)

    def _limits(self) -> ChildLimits:
        """Return how long uv may take: as long as its cache grows, which it fills with every answer that it gets."""
        limits = self._timeouts
        cache = _cache(self._environment)
        if cache is None or self._offline:
            return ChildLimits(seconds=min(limits.uv, _UNWATCHED), output=Ceiling.OUTPUT, memory=Ceiling.UV_MEMORY)
        return ChildLimits(
            seconds=limits.uv,
            output=Ceiling.OUTPUT,
            memory=Ceiling.UV_MEMORY,
            headway=lambda: _size(cache),
            least=int(limits.rate * limits.window),
            window=limits.window,
        )

    def _variables(self, request: ResolveRequest) -> dict[str, str]:
        limits = {
            "UV_HTTP_TIMEOUT": f"{self._timeouts.read}",
            "UV_HTTP_CONNECT_TIMEOUT": f"{self._timeouts.connect}",
            "UV_HTTP_RETRIES": f"{self._timeouts.retries}",
        }
        macos = {"MACOSX_DEPLOYMENT_TARGET": request.platform.macos} if request.platform.is_mac else {}
        # In this order: a limit that the user sets counts, a macOS that the shell targets does not.
        return {**limits, **uv_environment(self._environment, self._indexes), **macos}


def _arguments(request: ResolveRequest, finals_only: Iterable[str]) -> list[str]:
    arguments = [
        *("--python-platform", request.platform.triple),
        *("--python-version", request.platform.python),
        *("--python", sys.executable),
        *("--only-binary", ":all:"),
        *("--prerelease", "if-necessary"),
        *("--format", "pylock.toml"),
        "--no-python-downloads",
        *(("--config-file", _CONFIG) if request.known else ("--no-config",)),
        "--no-header",
        "--no-progress",
    ]
    for name in sorted(finals_only):
        arguments += ["--prerelease-package", f"{name}=disallow"]
    if request.exclude_newer:
        arguments += ["--exclude-newer", request.exclude_newer.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")]
    return arguments


def _write_requirements(request: ResolveRequest, indexes: Indexes, folder: Path) -> tuple[str, str]:
    """Return the name of uv's file of requirements, and what it reads from its input where that is `-`.

    Only a pyproject.toml can bind names to indexes, and does so for what it requires itself.
    """
    if not indexes.bound:
        return "-", "".join(f"{line}\n" for line in request.requirements)
    needs = json.dumps(list(request.requirements))
    project = f'[project]\nname = "{_PROJECT}"\nversion = "0"\ndependencies = {needs}\n'
    (folder / "pyproject.toml").write_text(project + indexes.sources(), encoding="utf-8")
    return "pyproject.toml", ""


def _write_inputs(request: ResolveRequest, folder: Path) -> list[str]:
    """Write what uv reads from files, and return the options that name them; relative names keep the folder unseen."""
    arguments: list[str] = []
    constraints = list(request.constraints)
    if request.stubs:
        (folder / _STUBS).mkdir()
        constraints += write_stubs(request.stubs, folder / _STUBS)
        arguments += ["--find-links", _STUBS]
    for option, name, lines in (
        ("--constraints", _CONSTRAINTS, constraints),
        ("--overrides", _OVERRIDES, request.overrides),
    ):
        if lines:
            (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            arguments += [option, name]
    if request.preferred:  # uv prefers the versions of the file that it is about to replace
        (folder / _PREFERRED).write_text(_pylock(request.preferred), encoding="utf-8")
        arguments += ["--output-file", _PREFERRED]
    if request.known:
        (folder / _CONFIG).write_text(dependency_metadata(request.known), encoding="utf-8")
    return arguments


def _pylock(wheels: Iterable[Wheel]) -> str:
    """Write as much of a pylock.toml (PEP 751) as says which versions were chosen."""
    tables = (f'[[packages]]\nname = "{wheel.name}"\nversion = "{wheel.version}"\n' for wheel in wheels)
    return "".join(['lock-version = "1.0"\ncreated-by = "envgen"\n', *tables])


def run_uv(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path,
    limits: ChildLimits,
    text: str = "",
    umask: int = -1,
) -> subprocess.CompletedProcess[str]:
    """Run uv to its end in a folder, with `text` as its input; `umask` is for files it makes.

    Raises:
        PypiUnreachableError: it did not end in time. PypiError: it cannot be run.
    """
    command = [find_uv(), *arguments]
    try:
        done = run_child(command, limits, environment=environment, folder=folder, text=text, umask=umask)
        stdout, stderr = (printed.decode("utf-8", "replace") for printed in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(command, done.returncode, stdout, stderr)
    except EndedError as error:
        if error.reason == "large":
            raise PypiError(f"uv printed more than {limits.output:,} bytes") from error
        if error.reason == "heavy":
            raise PypiError(
                f"an answer of {_hosts(environment)} is too large: uv needs more than {limits.memory:,} bytes for it",
                hint="does UV_DEFAULT_INDEX or UV_INDEX name a simple index?",
            ) from error
        hint = "try again, or from a better network"
        if error.reason == "slow":
            rate = limits.least / limits.window
            raise PypiUnreachableError(
                f"uv gets too little from {_hosts(environment)}: "
                f"less than {rate:,.0f} bytes a second for {limits.window:g} s",
                hint=hint,
            ) from error
        raise PypiUnreachableError(f"uv did not finish within {limits.seconds:g} s", hint=hint) from error
    except OSError as error:
        raise PypiError(f"uv cannot be run ({error.strerror})", hint="pip install --force-reinstall uv") from error


def store_index_login(host: str, login: tuple[str, str], environment: Mapping[str, str]) -> None:
    """Have uv store the user and password of a host's indexes, which it keeps for the host's URL alone.

    uv reads them from its input, so that no list of processes shows them. Raises PypiError.
    """
    drop_index_login(host, environment)  # uv cannot choose between two users
    user, password = login
    for url in _services(host):
        _auth(["login", url, "--username", user, "--password", "-"], environment, text=f"{password}\n")


def drop_index_login(host: str, environment: Mapping[str, str]) -> bool:
    """Have uv forget the users of a host; return whether it knew of one. Raises PypiError."""
    known = [(url, user) for url in _services(host) for user, _ in stored_logins(url, environment).values()]
    for url, user in known:
        _auth(["logout", url, "--username", user], environment)
    return bool(known)


def _services(host: str) -> list[str]:
    """Return the URLs by which uv may tell a host a secret."""
    local = host.lower().partition(":")[0] in ("localhost", "127.0.0.1")
    return [f"{scheme}://{host}" for scheme in (("https", "http") if local else ("https",))]


def _auth(arguments: Sequence[str], environment: Mapping[str, str], *, text: str = "") -> None:
    with scratch_folder() as folder:
        variables = uv_environment(environment, Indexes())
        words = ["auth", *arguments, "--no-config", "--no-progress"]
        done = run_uv(
            words,
            variables,
            folder=folder,
            limits=ChildLimits(seconds=_AUTH_SECONDS, output=Ceiling.OUTPUT),
            text=text,
            umask=0o077,
        )
    if done.returncode:
        raise PypiError(f"uv refuses it: {mask(done.stderr.strip())}")


def _hosts(environment: Mapping[str, str]) -> str:
    """Name the hosts of the indexes that a run of uv has asked."""
    listed = f"{environment.get('UV_INDEX', '')} {environment.get('UV_DEFAULT_INDEX', '')}".split()
    hosts = (urlsplit(without_user(each.rpartition("=")[2])).hostname for each in listed)
    return ", ".join(dict.fromkeys(host for host in hosts if host)) or "the package index"


def _cache(environment: Mapping[str, str]) -> Path | None:
    """Return the folder that uv keeps answers in; None where it keeps none, or nobody knows where."""
    if environment.get("UV_NO_CACHE", "").lower() not in ("", "0", "false"):
        return None
    if named := environment.get("UV_CACHE_DIR"):
        return Path(named)
    if (home := environment.get("XDG_CACHE_HOME", "")).startswith("/"):
        return Path(home) / "uv"
    return Path(environment["HOME"]) / ".cache" / "uv" if environment.get("HOME") else None


def _size(cache: Path) -> int:
    """Return the size of the answers that uv keeps, without what it has unpacked of wheels."""
    total = 0
    for folder in (*cache.glob("simple-v*"), *cache.glob("wheels-v*"), *cache.glob("flat-index-v*")):
        for place, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):  # files come and go
                    total += os.lstat(f"{place}/{name}").st_size
    return total


def find_uv() -> str:
    """Return the path of uv's binary; raise PypiError where it is not installed beside envgen."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise PypiError("uv is not installed beside envgen", hint="pip install uv") from error


def uv_environment(environment: Mapping[str, str], indexes: Indexes) -> dict[str, str]:
    """Return the variables of a call as uv may see them, with the indexes that count.

    uv trusts the system's certificates, among which a company's own authority is, unless a variable says otherwise.
    """
    kept = {
        key: value
        for key, value in environment.items()
        if key not in _REMOVED and (not key.startswith("UV_") or _PASSED.fullmatch(key))
    }
    said = {"UV_SYSTEM_CERTS", "UV_NATIVE_TLS"} & kept.keys()
    # In a container without certificates uv would refuse to start, where its own bundle does.
    some = platform.system() == "Darwin" or any(Path(file).is_file() for file in _SYSTEM_CERTS)
    trust = {"UV_SYSTEM_CERTS": "1"} if some and not said else {}
    return {**kept, **trust, **indexes.variables(), "NO_COLOR": "1"}


# Read uv's pylock.toml (PEP 751) and pick each package's wheel as the target's pip would.


@dataclass(frozen=True, slots=True)
class _Entry:
    filename: str
    url: str
    sha256: str
    size: int | None


def read_pylock(
    text: str, platform: Platform, stubs: Iterable[str], preferred: Iterable[str] = ()
) -> tuple[Wheel, ...]:
    """Return one wheel for each package that is not a stub, sorted by name.

    uv lists every wheel that fits; one whose sha256 is preferred wins, then the best tag, then the highest build tag
    (PEP 427). PypiError: a package has no wheel, none that fits, or none with a sha256.
    """
    left_out, hashes = frozenset(stubs), frozenset(preferred)
    try:
        packages = _rows(tomllib.loads(text).get("packages"))
    except ValueError as error:  # uv writes the dates that an index gives, also those of no calendar
        hint = "the index lists a file with something odd, such as a date of no calendar"
        raise PypiError(f"uv's answer cannot be read: {error}", hint=hint) from error
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
        version=version or str(wheel_parts(best.filename)[1]),
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
    build = wheel_parts(entry.filename)[2]
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
