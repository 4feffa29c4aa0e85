"""Run commands in environments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from envgen.errors import InstallError
from envgen.install.activation import activated_command, activation_script
from envgen.install.location import Surroundings, named_location
from envgen.install.marker import read_marker
from envgen.install.prefix import is_environment
from envgen.project.project import environment_folder, open_environment
from envgen.project.services import Services, home_of
from envgen.system.machine import Machine


def command_in(
    services: Services, name: str, prefix: Path | None, machine: Machine, command: Sequence[str]
) -> list[str]:
    """Give the words that run a command in an environment, activated; raise InstallError if it is not whole."""
    place = whole_prefix(services, name, prefix, machine)
    return activated_command(place, command, services.settings.environ)


def script_for(services: Services, name: str, prefix: Path | None, machine: Machine, shell: str) -> str:
    """Give the script that activates an environment in a shell; raise InstallError if it is not whole."""
    return activation_script(whole_prefix(services, name, prefix, machine), shell, services.settings.environ)


def whole_prefix(services: Services, name: str, prefix: Path | None, machine: Machine) -> Path:
    """Find an environment that was created.

    Raises:
        InstallError: it was not, or is half made. UsageError: the name is none.
    """
    environment_folder(services.root, name)
    place = services.settings.folder / prefix.expanduser() if prefix else _named(services, name, machine)
    marker = read_marker(place)
    where = f" --prefix {prefix}" if prefix else ""
    if marker is None and not is_environment(place):
        if not prefix:
            open_environment(services.root, name)  # one that does not exist is told so
        raise InstallError(
            f"{name} was not created yet: there is nothing in {place}",
            hint=f"envgen create {name}{where}",
            code="prefix",
        )
    if marker is not None and marker.state != "complete":
        raise InstallError(f"{place} is half made", hint=f"complete it: envgen create {name}{where}", code="prefix")
    return place


def _named(services: Services, name: str, machine: Machine) -> Path:
    settings = services.settings
    around = Surroundings(
        environ=settings.environ, home=home_of(services), data=settings.data_dir, subdir=machine.subdir
    )
    return named_location(name, around).prefix
