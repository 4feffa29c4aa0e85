"""Find what no generated file may hold, or what one format cannot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envgen.errors import WriteError
from envgen.lock.model import Lock, LockedWheel
from envgen.models.record import Record

_USER_INFO = re.compile(r"://([^/@]*)@")
_TOKEN = re.compile(r"/t/([^/]+)/")
_PLACEHOLDERS = re.compile(r"(?:\$\{\w+\}:?)+")


def refuse(file: str, problems: Iterable[str], hint: str) -> None:
    """Raise WriteError with every problem at once, if there is one."""
    found = sorted(set(problems))
    if found:
        raise WriteError(f"{file} cannot be written: {'; '.join(found)}", hint=hint)


def credentials(lock: Lock) -> Iterator[str]:
    """Say which channels and packages have a URL with a user, a password or a token that is no `${VAR}`."""
    for channel in lock.channels:
        if has_credentials(channel.url):
            yield "a channel's URL holds a user, a password or a token"
    if any(has_credentials(index) for index in lock.indexes):
        yield "a package index's URL holds a user or a password"
    for platform in lock.platforms:
        named = [(record.name, record.url) for record in platform.conda]
        named += [(wheel.name, wheel.wheel.url) for wheel in platform.pypi]
        for name, url in named:
            if has_credentials(url):
                yield f"the URL of {name} holds a user, a password or a token"


def has_credentials(url: str) -> bool:
    """Tell whether a URL holds a secret in the open."""
    secrets = [*_USER_INFO.findall(url), *_TOKEN.findall(url)]
    return any(not _PLACEHOLDERS.fullmatch(secret) for secret in secrets)


def no_md5(records: Iterable[Record]) -> Iterator[str]:
    """Say which records have no md5, the one hash that conda-lock and explicit files demand."""
    return (f"{record} has no md5" for record in records if not record.md5)


def no_sha256(wheels: Iterable[LockedWheel]) -> Iterator[str]:
    """Say which wheels have no sha256, without which pip refuses a locked set."""
    return (f"{wheel.name}=={wheel.version} has no sha256" for wheel in wheels if not wheel.wheel.sha256)


def no_url(wheels: Iterable[LockedWheel]) -> Iterator[str]:
    """Say which wheels have no URL: a lock that was read from explicit files has none."""
    return (f"{wheel.name}=={wheel.version} has no URL" for wheel in wheels if not wheel.wheel.url)
