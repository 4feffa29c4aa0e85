"""The options that commands share, each with a callback that refuses wrong values before anything is read.

What a callback needs is imported within it: every command loads this module, and most need none of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from envgen.errors import UsageError

if TYPE_CHECKING:
    from envgen.project.services import Services

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print more: all packages, all ways, the solver's own words.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Use caches and local files only.")]


def _one_of(what: str, value: str, known: Iterable[str]) -> str:
    names = list(known)
    if value not in names:
        from envgen.manifest.problems import did_you_mean

        raise UsageError(f"unknown {what} `{value}`{did_you_mean(value, names)}", hint=f"one of {', '.join(names)}")
    return value


def _checked(read: Callable[[str], str], value: str, *, hint: str = "") -> str:
    """Read a value as the manifest reads it, so that both refuse the same."""
    from envgen.manifest.problems import RefusalError

    try:
        return read(value)
    except RefusalError as error:
        raise UsageError(error.message, hint=hint or error.hint) from error


def channels(values: list[str] | None) -> list[str] | None:
    """Read --channel."""
    from envgen.models.channel import Channel

    for value in values or ():
        try:
            Channel.parse(value)
        except ValueError as error:
            hint = "write a name such as conda-forge, a URL, or the full path of a folder"
            raise UsageError(str(error), hint=hint) from error
    return values


Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        "-c",
        metavar="CHANNEL",
        callback=channels,
        help="Use this channel instead of the manifest's, or of conda-forge (repeatable).",
    ),
]


def mirrors(values: list[str] | None) -> list[str] | None:
    """Read --mirror."""
    from envgen.system.settings import collect_mirrors

    collect_mirrors(values or ())
    return values


Mirrors = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror",
        metavar="CHANNEL=PLACE",
        callback=mirrors,
        help="Read a channel's index from a folder or URL; the lock keeps the channel's own URLs. Also ENVGEN_MIRRORS.",
    ),
]


def solver(value: str | None) -> str | None:
    """Read --solver."""
    from envgen.solvers.choose import SOLVERS

    return None if value is None else _one_of("solver", value, SOLVERS)


Solver = Annotated[
    str | None,
    typer.Option(
        "--solver",
        metavar="NAME",
        callback=solver,
        help="libmamba or rattler. Default: the lock's own; of a new lock libmamba if it is installed.",
    ),
]
Starter = Annotated[
    bool, typer.Option("--starter", help="Ask no channel, but the dated piece of conda-forge that envgen ships.")
]
AllowOlder = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-older", metavar="NAME", help="Let a requirement fall a major version or a year (repeatable)."
    ),
]
Effort = Annotated[
    int | None,
    typer.Option("--effort", min=0, metavar="N", help="How many plans to try beyond the first, for newer releases."),
]
OnlineNames = Annotated[
    bool,
    typer.Option("--online-names", help="Ask the map of names on the network about names that nothing else answers."),
]
Environment = Annotated[str, typer.Argument(metavar="NAME", help="The environment, by its folder's name.")]
Environments = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Environments; all of the project where none is named.")
]


def python(value: str | None) -> str | None:
    """Read --python."""
    from envgen.manifest.fields import python_minor

    hint = "write a minor version, as in `--python 3.12`"
    return None if value is None else _checked(python_minor, value, hint=hint)


Python = Annotated[
    str | None,
    typer.Option("--python", metavar="MINOR", callback=python, help="Python minor version, such as 3.12."),
]


def macos(value: str | None) -> str | None:
    """Read --macos."""
    from envgen.manifest.fields import macos_floor

    return None if value is None else _checked(macos_floor, value, hint="write a version, as in `--macos 13.0`")


Macos = Annotated[
    str | None,
    typer.Option(
        "--macos", metavar="VERSION", callback=macos, help="Lowest macOS that must work; 13.0 where none is said."
    ),
]


def accelerator(value: str) -> str:
    """Read --accelerator; "" leaves it open."""
    from envgen.commands.new import ACCELERATORS

    return _one_of("accelerator", value, ACCELERATORS) if value else ""


Accelerator = Annotated[
    str,
    typer.Option("--accelerator", metavar="NAME", callback=accelerator, help="metal (TensorFlow on the GPU) or cpu."),
]


def platform(value: str) -> str:
    """Read --platform; "" leaves it open."""
    from envgen.models.platform import SUBDIRS

    return _one_of("platform", value, SUBDIRS) if value else ""


Platform = Annotated[
    str,
    typer.Option("--platform", metavar="PLATFORM", callback=platform, help="One platform of several."),
]
Prefix = Annotated[
    Path | None, typer.Option("--prefix", "-p", metavar="DIR", help="The environment's folder, instead of a named one.")
]


def environment(value: str) -> str:
    """Read an environment's name; "" leaves it open."""
    from envgen.manifest.fields import environment_name

    return _checked(environment_name, value) if value else ""


def pins(value: str) -> str:
    """Read --pins."""
    from envgen.importers.loosen_pins import PINS

    return _one_of("level of pins", value, PINS)


def export_format(value: str) -> str:
    """Read --format."""
    from envgen.formats.registry import FORMATS

    return _one_of("format", value, FORMATS)


def tool(value: str) -> str:
    """Read --with; "" is none."""
    from envgen.install.handover import TOOLS

    return _one_of("tool", value, TOOLS) if value else ""


def shell(value: str) -> str:
    """Read --activation; "" is none."""
    from envgen.install.activation import SHELLS

    return _one_of("shell", value, SHELLS) if value else ""


def services_for(
    *,
    offline: bool = False,
    starter: bool = False,
    online_names: bool = False,
    solver: str | None = None,
    channels: list[str] | None = None,
    mirrors: list[str] | None = None,
    allow_older: list[str] | None = None,
    effort: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Services:
    """Return the services of one run, for this host; raise UsageError for options that make no sense."""
    from packaging.utils import canonicalize_name

    from envgen.project.services import LazyPypiResolver, NotedPypiResolver, Options, Services
    from envgen.system.settings import collect_mirrors, current_folder, read_host

    settings = read_host(os.environ, current_folder())
    options = Options(
        offline=offline,
        starter=starter,
        solver=solver,
        channels=tuple(channels or ()),
        mirrors={**settings.mirrors, **collect_mirrors(mirrors or ())},
        allow_older=frozenset(canonicalize_name(name) for name in allow_older or ()),
    )
    if effort is not None:
        options = replace(options, effort=effort)

    names = None
    if online_names:
        from envgen.pypi.online_names import OnlineNameMap

        names = OnlineNameMap(cache_dir=settings.cache_dir, environment=settings.environ, offline=offline)

    def pypi() -> NotedPypiResolver:
        from envgen.pypi.resolver import UvResolver

        return UvResolver(cache=settings.cache_dir, environment=settings.environ, offline=offline)

    return Services(
        options=options,
        settings=settings,
        root=settings.root,
        pypi=LazyPypiResolver(pypi),
        progress=progress,
        online_names=names,
    )
