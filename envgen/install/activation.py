"""The activation of a prefix: for a command, for a shell, for Jupyter; the home of rattler's shell scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import rattler
from rattler.shell import ActivationVariables, Shell, activate

from envgen.errors import InstallError, UsageError, WriteError
from envgen.install.location import Surroundings, named_location
from envgen.install.prefix import is_environment, read_marker
from envgen.project.project import environment_folder, open_environment
from envgen.project.services import Services
from envgen.system.files import FolderWriter, reason_of
from envgen.system.machine import Machine

_SHELLS = {"bash": Shell.bash, "zsh": Shell.zsh, "fish": Shell.fish, "xonsh": Shell.xonsh}
SHELLS = tuple(_SHELLS)
_DROPPED = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")  # they would lead its Python to other modules


def activation_script(prefix: Path, shell: str, environ: Mapping[str, str]) -> str:
    """Return the text that activates a prefix when this shell evaluates it; raise UsageError for another shell."""
    if shell not in _SHELLS:
        raise UsageError(f"no activation for the shell `{shell}`", hint=f"one of {', '.join(_SHELLS)}")
    current = environ.get("CONDA_PREFIX")
    variables = ActivationVariables(Path(current) if current else None, environ.get("PATH", "").split(os.pathsep))
    return activate(prefix, variables, _SHELLS[shell], rattler.Subdir.current()).script


def activated_command(prefix: Path, command: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Return the words that run a command in an activated prefix; its activation scripts run in a shell first."""
    script = activation_script(prefix, "bash", environ)
    shell = next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), "/bin/sh")
    return [shell, "-c", f'{script}\nexec "$@"', "envgen", *command]


def bare_environment(prefix: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for the prefix's own Python, run without activation."""
    kept = {key: value for key, value in environ.items() if key not in _DROPPED}
    path = os.pathsep.join(filter(None, (str(prefix / "bin"), environ.get("PATH", ""))))
    return {**kept, "PATH": path, "CONDA_PREFIX": str(prefix), "PYTHONNOUSERSITE": "1"}


def advice(prefix: Path, name: str, active: str, environ: Mapping[str, str], *, given: bool) -> list[str]:
    """Return how to use an environment: the way for the user's shell first."""
    shell = Path(environ.get("SHELL", "bash")).name
    where = f" --prefix {prefix}" if given else ""
    lines = [f"conda activate {active}"] if active else []
    if shell == "fish":
        lines.append(f"envgen run {name}{where} --activation fish | source")
    else:
        known = shell if shell in _SHELLS else "bash"
        lines.append(f'eval "$(envgen run {name}{where} --activation {known})"')
    lines.append(f"envgen run {name}{where} -- python")
    return lines


def write_kernel(prefix: Path, name: str, home: Path, environ: Mapping[str, str], *, is_mac: bool) -> Path:
    """Write a Jupyter kernel for a prefix into the user's folder of kernels; return its path.

    Raises:
        InstallError: the prefix has no ipykernel. WriteError: the disk refuses.
    """
    if not any(prefix.glob("lib/python3*/site-packages/ipykernel/__init__.py")):
        raise InstallError(
            f"{name} has no ipykernel, which a Jupyter kernel needs",
            hint=f"envgen add {name} ipykernel, then create it again",
            code="kernel",
        )
    folder = _jupyter(home, environ, is_mac=is_mac) / "kernels" / f"envgen-{name}"
    kernel = {
        "argv": [str(prefix / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"{name} (envgen)",
        "language": "python",
        "metadata": {"debugger": True},
        "env": {"CONDA_PREFIX": str(prefix), "PATH": f"{prefix / 'bin'}{os.pathsep}${{PATH}}"},
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"cannot write {folder}: {reason_of(error)}") from error
    FolderWriter(folder).write({"kernel.json": json.dumps(kernel, indent=1) + "\n"})
    return folder / "kernel.json"


def _jupyter(home: Path, environ: Mapping[str, str], *, is_mac: bool) -> Path:
    if given := environ.get("JUPYTER_DATA_DIR"):
        return Path(given)
    if is_mac:
        return home / "Library" / "Jupyter"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "jupyter"


def command_in(
    services: Services, name: str, prefix: Path | None, machine: Machine, command: Sequence[str]
) -> list[str]:
    """Return the words that run a command in an environment, activated; raise InstallError if it is not whole."""
    return activated_command(whole_prefix(services, name, prefix, machine), command, services.settings.environ)


def script_for(services: Services, name: str, prefix: Path | None, machine: Machine, shell: str) -> str:
    """Return the script that activates an environment in a shell; raise InstallError if it is not whole."""
    return activation_script(whole_prefix(services, name, prefix, machine), shell, services.settings.environ)


def whole_prefix(services: Services, name: str, prefix: Path | None, machine: Machine) -> Path:
    """Return the prefix of an environment that was created.

    Raises:
        InstallError: it was not, or is half made. UsageError: the name is none.
    """
    environment_folder(services.root, name)
    if prefix:
        place = services.settings.folder / prefix.expanduser()
    else:
        place = named_location(name, Surroundings.of(services, machine.subdir)).prefix
    marker = read_marker(place)
    where = f" --prefix {prefix}" if prefix else ""
    if marker is None and not is_environment(place):
        if not prefix:
            open_environment(services.root, name)  # raises for one that does not exist
        raise InstallError(
            f"{name} was not created yet: there is nothing in {place}",
            hint=f"envgen create {name}{where}",
            code="prefix",
        )
    if marker is not None and marker.state != "complete":
        raise InstallError(f"{place} is half made", hint=f"complete it: envgen create {name}{where}", code="prefix")
    return place
