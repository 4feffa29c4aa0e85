"""Tell whether indexes still list the wheels of a lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envgen.models.wheel import Wheel
from envgen.pypi.index import SimpleIndex
from envgen.pypi.indexes import Indexes
from envgen.pypi.project import Project, ProjectFile
from envgen.pypi.session import Session, Timeouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Say how a locked wheel is listed today.

    `fault` tells what makes it impossible to install as it was locked, "" where nothing does; `yanked` is the reason of
    a yank, "" where there is none.
    """

    wheel: Wheel
    fault: str = ""
    yanked: str = ""


def listings(wheels: Sequence[Wheel], environment: Mapping[str, str], *, offline: bool = False) -> tuple[Listing, ...]:
    """Look every wheel up, in the order given; PypiUnreachableError where an index does not answer."""
    indexes = Indexes.configured(environment)
    session = Session(indexes, environment, timeouts=Timeouts.configured(environment), offline=offline)
    projects = SimpleIndex(session, indexes).projects(wheel.name for wheel in wheels)
    return tuple(_listings(wheels, projects))


def _listings(wheels: Sequence[Wheel], projects: Mapping[str, Project | None]) -> Iterator[Listing]:
    for wheel in wheels:
        project = projects[wheel.name]
        file = _file(wheel, project) if project else None
        if project is None:
            yield Listing(wheel=wheel, fault=f"{wheel.name} is on no index any more")
        elif file is None:
            yield Listing(wheel=wheel, fault=f"{wheel.filename} is not listed by {project.index} any more")
        elif file.sha256 and file.sha256 != wheel.sha256:
            yield Listing(wheel=wheel, fault=f"{wheel.filename} is listed with another sha256")
        else:
            reason = f": {file.yanked_reason}" if file.yanked_reason else ""
            yield Listing(wheel=wheel, yanked=f"{wheel.filename} was yanked{reason}" if file.yanked else "")


def _file(wheel: Wheel, project: Project) -> ProjectFile | None:
    return next((file for file in project.files if file.filename == wheel.filename), None)
