"""Write a lock in another tool's format."""

from __future__ import annotations

from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console


def export(
    name: options.Environment,
    format: Annotated[  # noqa: A002 - the option's name
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            callback=options.export_format,
            help="explicit, requirements, pylock, conda-only, pixi or environment.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="PATH", help="A file, or a folder, ending in /. Default: standard output."
        ),
    ] = "",
    platform: options.Platform = "",
    no_group: Annotated[
        list[str] | None, typer.Option("--no-group", metavar="NAME", help="Leave a group out (repeatable).")
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a lock for conda, pip, uv, pixi and others; what a format cannot hold is said."""
    from envgen.commands.export import ExportOptions, export_environment, write_export
    from envgen.errors import UsageError

    console = Console(as_json=as_json, quiet=quiet)
    services = options.services_for()
    export_options = ExportOptions(format=format, platform=platform, no_groups=tuple(no_group or ()))
    exported = export_environment(services, name, export_options)
    if not output and len(exported.files) > 1 and not as_json:
        hint = "give a folder with --output, or one platform with --platform"
        raise UsageError(f"{len(exported.files)} files are written: {', '.join(exported.files)}", hint=hint)
    written = write_export(services, exported.files, output) if output else ()
    files = [{"name": file, "text": text} for file, text in exported.files.items()]
    text = written if output else "".join(exported.files.values())
    console.data({"format": format, "files": files, "written": list(written), "notes": list(exported.notes)}, text)
    for note in exported.notes:
        console.note(note)
