"""Renames of requirements to what serves on the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from envgen.knowledge.replacements import needless_extra, replacement_of
from envgen.models.requirement import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A requirement of the user's with what is asked for in its place (None = nothing), and why."""

    before: Requirement
    after: Requirement | None
    why: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Return what became of the requirement, or nothing where it stays as it was."""
        if self.after is None:
            return f"`{self.before}` is left out: {'; '.join(self.why)}"
        if str(self.after) == str(self.before):
            return ""
        return f"`{self.before}` is read as `{self.after}`: {'; '.join(self.why)}"


def rewrite_names(requirements: Sequence[Requirement], subdir: str) -> tuple[Rewrite, ...]:
    """Replace names and extras that do not serve on a subdir; a requirement with a URL stays as it is."""
    return tuple(
        Rewrite(before=item, after=item) if item.url else _without_extras(_renamed(item, subdir), subdir)
        for item in requirements
    )


def rename(requirement: Requirement, name: str, *, keep_specifier: bool = True) -> Requirement:
    """Return the same requirement under another name, on the same line of the user's."""
    specifier = requirement.specifier if keep_specifier else ""
    return _rewritten(replace(requirement, name=name, specifier=specifier))


def _renamed(requirement: Requirement, subdir: str) -> Rewrite:
    row = replacement_of(requirement.name, subdir, requirement.specifier)
    if row is None:
        return Rewrite(before=requirement, after=requirement)
    if not row.replacement:
        return Rewrite(before=requirement, after=None, why=(row.why,))
    after = rename(requirement, row.replacement, keep_specifier=row.keep_specifier)
    return Rewrite(before=requirement, after=after, why=(row.why,))


def _without_extras(rewrite: Rewrite, subdir: str) -> Rewrite:
    if rewrite.after is None:
        return rewrite
    found = {extra: needless_extra(rewrite.after.name, extra, subdir) for extra in rewrite.after.extras}
    needless = {extra: row.why for extra, row in found.items() if row}
    if not needless:
        return rewrite
    extras = tuple(extra for extra in rewrite.after.extras if extra not in needless)
    why = (*rewrite.why, *dict.fromkeys(needless.values()))
    return Rewrite(before=rewrite.before, after=_rewritten(replace(rewrite.after, extras=extras)), why=why)


def _rewritten(requirement: Requirement) -> Requirement:
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    return replace(requirement, text=f"{requirement}{marker}")
