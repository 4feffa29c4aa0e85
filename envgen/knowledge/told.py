"""Tell the tables of names and extras fact by fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from envgen.knowledge.extras import ExtraList
from envgen.knowledge.names import Form, NameList
from envgen.knowledge.table import rows, table_keys

NAMES, CONTENTS, EXTRAS = "names.toml", "contents.toml", "extras.toml"
_SHOWN = 6
_MEANINGS = {
    "stand_in": "conda packages that serve for {names}",
    "never": "no conda package is {names}",
    "whole": "conda's package of the same name is right for {names}",
    "bound": "conda packages that must meet a bound to be {names}",
    "packaged": "versions that hold something else: {names}",
    "pair": "what conda's packages hold: {names}",
    "nothing": "conda packages that hold no distribution: {names}",
    "own": "conda packages that hold a distribution of their own name: {names}",
    "umbrella": "one conda package brings the extra: {names}",
    "partly": "one conda package brings most of the extra: {names}",
    "package": "conda packages that an extra adds: {names}",
    "variant": "builds that an extra chooses: {names}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRow:
    """Hold one block of a table of names, in words."""

    rule: str
    source: str
    verified: date


def told_names() -> tuple[ToldRow, ...]:
    """Tell the tables of names, a row for each of their blocks."""
    return tuple(_forms()) + tuple(row for file in (CONTENTS, NAMES) for row in _lists(file))


def told_extras() -> tuple[ToldRow, ...]:
    """Tell the table of extras, a row for each of its blocks."""
    return tuple(
        _told(key, block.names.strip().splitlines(), block.why, block.source, block.verified)
        for key in table_keys(EXTRAS)
        for block in rows(EXTRAS, key, ExtraList)
    )


def _forms() -> Iterator[ToldRow]:
    for form in rows(CONTENTS, "form", Form):
        names = form.distributions.split()
        yield ToldRow(rule=f"{form.rule}: {_listed(names)}", source=form.source, verified=form.verified)


def _lists(file: str) -> Iterator[ToldRow]:
    for key in table_keys(file):
        for block in rows(file, key, NameList) if key != "form" else ():
            text = block.names.strip()
            entries = text.splitlines() if ":" in text else text.split()
            yield _told(key, [*entries, *block.tools.split()], block.why, block.source, block.verified)


def _told(key: str, entries: list[str], why: str, source: str, verified: date) -> ToldRow:
    names = [entry.partition(":")[0].strip() for entry in entries]
    told = _MEANINGS.get(key, "{names}").format(names=_listed(names))
    return ToldRow(rule=f"{told}: {why}", source=source, verified=verified)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
