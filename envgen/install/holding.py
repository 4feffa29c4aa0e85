"""Hold files and folders that several runs share."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

_BEAT = 0.05  # seconds


def hold(descriptor: int, kind: int) -> bool:
    """Lock an open file or folder (`flock`); False where another run holds it, and `kind` says not to wait.

    Some network file systems have no locks: there nothing is held, and True is given. Raises OSError.
    """
    try:
        fcntl.flock(descriptor, kind)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
            raise
    return True


@contextlib.asynccontextmanager
async def claimed(part: Path) -> AsyncIterator[IO[bytes]]:
    """Open a file for this run alone; another that holds it is waited for. Raises OSError."""
    while True:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o666)
        with os.fdopen(descriptor, "r+b") as stream:
            while not hold(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB):  # noqa: ASYNC110 - no event of ours tells it
                await asyncio.sleep(_BEAT)
            if _is_current(stream, part):
                yield stream
                return


def _is_current(stream: IO[bytes], part: Path) -> bool:
    """Tell whether the file still has its name: another run may have finished it meanwhile."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), part.stat())
    except FileNotFoundError:
        return False
