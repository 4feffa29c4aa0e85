"""The activation of a prefix: for a command, for a shell, for Jupyter.

Every path, name and value is quoted for the shell that reads it: nothing of a package or of a path is ever evaluated,
but the scripts that a package has for its activation (CEP 8 of `env_vars.d` and `activate.d` as conda runs them).
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envgen.errors import EnvgenError, InstallError, UsageError, WriteError
from envgen.install.location import Surroundings, named_location
from envgen.install.prefix import is_environment, read_marker
from envgen.models.secrets import TOKENS
from envgen.project.project import environment_folder, open_environment
from envgen.project.services import Services
from envgen.system.files import FolderWriter, read_text, reason_of
from envgen.system.machine import Machine
from envgen.system.settings import expanded

_DROPPED = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", TOKENS)  # what leads to other modules, and secrets
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN = re.compile(r"[\w ./+@%:,=~-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """How a shell is told things; `scripts` are the endings of the scripts that it runs.

    `assign`, `unset`, `source` and `path` (which puts a folder first) are formats; `search` sets the whole PATH;
    `quote` makes a text of anything, `word` one to be sourced.
    """

    scripts: tuple[str, ...]
    assign: str
    unset: str
    source: str
    path: str
    search: Callable[[list[str]], str]
    quote: Callable[[str], str]
    word: Callable[[str], str]


def _fish_quote(text: str) -> str:
    if shlex.quote(text) == text:
        return text
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _xonsh_word(text: str) -> str:
    if not _PLAIN.fullmatch(text):  # xonsh looks for variables in what it is to source, however that is quoted
        raise UsageError(f"xonsh cannot be given a text with such signs: {text!r}", hint="use bash, zsh or fish")
    return repr(text)


_POSIX = Shell(
    scripts=(".sh",),
    assign="export {name}={value}",
    unset="unset {name}",
    source=". {path}",
    path='export PATH={value}"${{PATH:+:$PATH}}"',
    search=lambda folders: f"export PATH={shlex.quote(os.pathsep.join(folders))}",
    quote=shlex.quote,
    word=shlex.quote,
)
_SHELLS: Mapping[str, Shell] = {
    "bash": _POSIX,
    "zsh": _POSIX,
    "fish": Shell(
        scripts=(".fish",),
        assign="set -gx {name} {value}",
        unset="set -e {name}",
        source="source {path}",
        path="set -gx PATH {value} $PATH",
        search=lambda folders: " ".join(["set -gx PATH", *map(_fish_quote, folders)]),
        quote=_fish_quote,
        word=_fish_quote,
    ),
    "xonsh": Shell(
        scripts=(".sh",),
        assign="${name} = {value}",
        unset="${{...}}.pop({name!r}, None)",
        source="source-bash {path}",
        path="$PATH.insert(0, {value})",
        search=lambda folders: f"$PATH = {folders!r}",
        quote=repr,
        word=_xonsh_word,
    ),
}
SHELLS = tuple(_SHELLS)


def activation_script(prefix: Path, shell: str, environ: Mapping[str, str]) -> str:
    """Return the text that activates a prefix when this shell evaluates it.

    Raises:
        UsageError: no such shell. InstallError: a package sets a variable that cannot be set.
    """
    if shell not in _SHELLS:
        raise UsageError(f"no activation for the shell `{shell}`", hint=f"one of {', '.join(_SHELLS)}")
    lines = _lines(prefix, _SHELLS[shell], environ)
    return "\n".join(lines) + "\n"


def _lines(prefix: Path, shell: Shell, environ: Mapping[str, str]) -> Iterator[str]:
    current = environ.get("CONDA_PREFIX", "")
    if current and current != str(prefix):
        yield from (shell.unset.format(name=name) for name in _variables(Path(current)))
        yield from _scripts(Path(current), "deactivate.d", shell)
        listed = environ.get("PATH", "").split(os.pathsep)
        yield shell.search([str(prefix / "bin"), *(each for each in listed if each and each != f"{current}/bin")])
    else:
        yield shell.path.format(value=shell.quote(str(prefix / "bin")))
    values = {"CONDA_SHLVL": "1", "CONDA_PREFIX": str(prefix), **_variables(prefix)}
    yield from (shell.assign.format(name=name, value=shell.quote(value)) for name, value in values.items())
    yield from _scripts(prefix, "activate.d", shell)


def _scripts(prefix: Path, folder: str, shell: Shell) -> Iterator[str]:
    found = sorted((prefix / "etc" / "conda" / folder).glob("*"))
    for path in found:
        if path.suffix in shell.scripts and path.is_file():
            yield shell.source.format(path=shell.word(str(path)))


def _variables(prefix: Path) -> dict[str, str]:
    """Return the variables that packages and the user have set for a prefix, the user's last."""
    found: dict[str, str] = {}
    for path in sorted((prefix / "etc" / "conda" / "env_vars.d").glob("*.json")):
        found |= _texts(path, _read(path))
    state = prefix / "conda-meta" / "state"
    if state.is_file():
        found |= {name.upper(): value for name, value in _texts(state, _read(state).get("env_vars")).items()}
    return found


def _read(path: Path) -> dict[str, object]:
    try:
        data = json.loads(read_text(path, error=InstallError))
    except (EnvgenError, ValueError, RecursionError) as error:
        raise InstallError(f"{path} cannot be read, which sets variables", code="activation") from error
    return data if isinstance(data, dict) else {}


def _texts(path: Path, data: object) -> dict[str, str]:
    values = data.items() if isinstance(data, dict) else ()
    texts = {str(name): value for name, value in values if isinstance(value, str)}
    for name, value in texts.items():
        if not _NAME.fullmatch(name) or "\0" in value:
            raise InstallError(
                f"{path} sets a variable that cannot be set: {name!r}",
                hint="remove that file, or tell the maintainers of its package",
                code="activation",
            )
    return texts


def activated_command(prefix: Path, command: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Return the words that run a command in an activated prefix; its activation scripts run in a shell first."""
    script = activation_script(prefix, "bash", environ)
    shell = next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), "/bin/sh")
    return [shell, "-c", f'{script}exec "$@"', "envgen", *command]


def bare_environment(prefix: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for the prefix's own Python, run without activation."""
    kept = {key: value for key, value in environ.items() if key not in _DROPPED}
    path = os.pathsep.join(filter(None, (str(prefix / "bin"), environ.get("PATH", ""))))
    return {**kept, "PATH": path, "CONDA_PREFIX": str(prefix), "PYTHONNOUSERSITE": "1"}


def advice(prefix: Path, name: str, active: str, environ: Mapping[str, str], *, given: bool) -> list[str]:
    """Return how to use an environment: the way for the user's shell first."""
    shell = Path(environ.get("SHELL", "bash")).name
    quote = _fish_quote if shell == "fish" else shlex.quote
    where = f" --prefix {quote(str(prefix))}" if given else ""
    lines = [f"conda activate {quote(active)}"] if active else []
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
        place = services.settings.folder / expanded(prefix)
    else:
        place = named_location(name, Surroundings.of(services, machine.subdir)).prefix
    marker = read_marker(place)
    where = f" --prefix {shlex.quote(str(prefix))}" if prefix else ""
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
