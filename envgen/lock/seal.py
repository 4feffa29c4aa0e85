"""Seal a generated file with a digest of its own text, so that an edit shows."""

from __future__ import annotations

import hashlib
import re

_OPEN = "file_digest: sha256:-"
_SEALED = re.compile(r"file_digest: sha256:([0-9a-f]{64}|-)(?=\r?\n)")


def placeholder() -> str:
    """Give the line, `file_digest: …`, that a writer puts where the digest shall stand."""
    return _OPEN


def sealed(text: str) -> str:
    """Put the digest of the text into its one placeholder."""
    return text.replace(_OPEN, f"file_digest: sha256:{_digest(text)}", 1)


def is_whole(text: str) -> bool:
    """Tell whether a file still is as it was sealed; line ends may have been changed by git.

    A file without a digest is not whole.
    """
    match = _SEALED.search(text)
    if match is None:
        return False
    unsealed = f"{text[: match.start()]}{_OPEN}{text[match.end() :]}"
    return match[1] == _digest(unsealed.replace("\r\n", "\n"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
