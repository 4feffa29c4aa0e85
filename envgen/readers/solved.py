"""Tell a list that a person wrote from what a solver chose."""

from __future__ import annotations

import re
from collections.abc import Iterable

from envgen.readers.foreign import Asked, AskedRequirement, AskedSpec

FEWEST = 30
SHARE = 0.9
_EXACT = re.compile(r"===?[^,*]+")


def is_solved(items: Iterable[Asked]) -> bool:
    """Tell whether nearly every line of a long list names one version: an export, a freeze, a compiled file."""
    packages = [item for item in items if isinstance(item, AskedRequirement | AskedSpec)]
    exact = sum(1 for item in packages if is_exact(item))
    return len(packages) >= FEWEST and exact >= SHARE * len(packages)


def is_exact(item: AskedRequirement | AskedSpec) -> bool:
    """Tell whether a line admits one version alone."""
    if isinstance(item, AskedSpec):
        return bool(re.fullmatch(r"={0,2}\d[^,|*<>!~]*", item.version))
    return bool(_EXACT.fullmatch(item.requirement.specifier))
