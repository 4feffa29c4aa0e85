"""Write YAML scalars that YAML 1.1 and 1.2 parsers read as the same text."""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN = re.compile(r"[A-Za-z_][!-~]*(?: [!-~]+)*")
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_ESCAPED = re.compile(r'[\\"\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]')
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]")


@lru_cache(maxsize=4096)
def scalar(text: str) -> str:
    """Write a text plain where every parser reads it back as the same text, else quoted.

    What starts with a digit is quoted always: hashes and versions may look like numbers or dates.
    """
    if _is_plain(text):
        return text
    if _UNPRINTABLE.search(text):
        return f'"{_ESCAPED.sub(_escape, text)}"'
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def _is_plain(text: str) -> bool:
    if _PLAIN.fullmatch(text) is None or text.lower() in _WORDS:
        return False
    return not (": " in text or " #" in text or text.endswith(":"))


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"
