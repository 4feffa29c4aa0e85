"""Name the conda packages that hold a distribution."""

from __future__ import annotations

from envgen.knowledge.names import name_table
from envgen.mapping.name_mapper import NameMapper


def holders(mapper: NameMapper, distribution: str) -> tuple[str, ...]:
    """List the packages of the channels that provide a distribution, whole or in part; the one to ask for comes first.

    A bound on the distribution is a bound on each of them: records depend on `pyarrow` and on `pyarrow-core`.
    """
    answer = mapper.map_names([distribution])[distribution]
    if answer.source != "conda" or answer.conda is None:
        return ()
    others = (*answer.alternatives, *mapper.shelf.twins(distribution), *name_table().holders.get(distribution, ()))
    found = [name for name in dict.fromkeys(others) if name != answer.conda and _provides(mapper, name, distribution)]
    return (answer.conda, *found)


def _provides(mapper: NameMapper, name: str, distribution: str) -> bool:
    record = mapper.shelf.newest(name)
    return record is not None and mapper.provides(record, distribution)
