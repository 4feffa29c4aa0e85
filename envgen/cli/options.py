"""Define the options that every command shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from envgen.cli import values

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print more: all packages, all ways, the solver's own words.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Use caches and local files only.")]
Channels = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        "-c",
        metavar="CHANNEL",
        callback=values.channels,
        help="Use this channel instead of the manifest's, or of conda-forge (repeatable).",
    ),
]
Mirrors = Annotated[
    list[str] | None,
    typer.Option(
        "--mirror",
        metavar="CHANNEL=PLACE",
        callback=values.mirrors,
        help="Read a channel's index from a folder or URL; the lock keeps the channel's own URLs. Also ENVGEN_MIRRORS.",
    ),
]
Solver = Annotated[
    str | None,
    typer.Option(
        "--solver",
        metavar="NAME",
        callback=values.solver,
        help="libmamba or rattler. Default: the lock's own; of a new lock libmamba if it is installed.",
    ),
]
Starter = Annotated[
    bool, typer.Option("--starter", help="Ask no channel, but the dated piece of conda-forge that envgen ships.")
]
OnlineNames = Annotated[
    bool,
    typer.Option("--online-names", help="Ask the map of names on the network about names that nothing else answers."),
]
Environment = Annotated[str, typer.Argument(metavar="NAME", help="The environment, by its folder's name.")]
Environments = Annotated[
    list[str] | None, typer.Argument(metavar="NAME", help="Environments; all of the project where none is named.")
]
Python = Annotated[
    str | None,
    typer.Option("--python", metavar="MINOR", callback=values.python, help="Python minor version, such as 3.12."),
]
Macos = Annotated[
    str | None,
    typer.Option(
        "--macos",
        metavar="VERSION",
        callback=values.macos,
        help="Lowest macOS that must work; 13.0 where none is said.",
    ),
]
Accelerator = Annotated[
    str,
    typer.Option(
        "--accelerator", metavar="NAME", callback=values.accelerator, help="metal (TensorFlow on the GPU) or cpu."
    ),
]
Platform = Annotated[
    str,
    typer.Option("--platform", metavar="PLATFORM", callback=values.platform, help="One platform of several."),
]
Prefix = Annotated[
    Path | None, typer.Option("--prefix", "-p", metavar="DIR", help="The environment's folder, instead of a named one.")
]
