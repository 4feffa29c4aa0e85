"""List what envgen knows: names, facts, templates, the manifest's schema."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated

import typer

from envgen.cli import options
from envgen.cli.console import Console, table
from envgen.cli.options import Json, Quiet


def knowledge(
    topic: Annotated[
        str, typer.Argument(metavar="TEXT", help="Show only facts whose topic or rule holds this text.")
    ] = "",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """List the facts that envgen decides by: the rule, what it was read from, and the day it was verified."""
    from envgen.errors import EnvgenError
    from envgen.knowledge.catalog import all_facts

    wanted = topic.casefold()
    facts = [fact for fact in all_facts() if wanted in fact.topic.casefold()] if wanted else list(all_facts())
    facts = facts or [fact for fact in all_facts() if wanted in fact.rule.casefold()]
    if not facts:
        topics = ", ".join(dict.fromkeys(fact.topic for fact in all_facts()))
        raise EnvgenError(f"nothing is known about `{topic}`", hint=f"the topics are {topics}", code="unknown-topic")
    shape = {
        "facts": [
            {"topic": fact.topic, "rule": fact.rule, "source": fact.source, "verified": fact.verified.isoformat()}
            for fact in facts
        ]
    }
    lines: list[str] = []
    last = ""
    for fact in facts:
        if fact.topic != last:
            lines += ["", fact.topic.upper()] if last else [fact.topic.upper()]
            last = fact.topic
        lines += textwrap.wrap(f"- {fact.rule}", 110, subsequent_indent="  ", break_long_words=False)
        lines.append(f"  [{fact.source}; verified {fact.verified}]")
    Console(as_json=as_json, quiet=quiet).data(shape, "\n".join(lines))


def templates(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the starter manifests that `envgen new --template` knows."""
    from envgen.manifest.templates import template_description, template_names

    rows = [(name, template_description(name)) for name in template_names()]
    shape = {"templates": [{"name": name, "description": description} for name, description in rows]}
    Console(as_json=as_json, quiet=quiet).data(shape, table(("TEMPLATE", "DESCRIPTION"), rows))


def schema(as_json: Json = False, quiet: Quiet = False) -> None:
    """Print the JSON schema of envgen.yaml, for editors and checks."""
    from envgen.manifest.schema import manifest_schema

    shape = manifest_schema()
    Console(as_json=as_json, quiet=quiet).data(shape, json.dumps(shape, indent=2, ensure_ascii=False))


def map_names(
    requirements: Annotated[
        list[str] | None,
        typer.Argument(metavar="REQ", help="Requirements, files with one a line, or - for standard input."),
    ] = None,
    python: options.Python = None,
    macos: options.Macos = None,
    channel: options.Channels = None,
    mirror: options.Mirrors = None,
    starter: options.Starter = False,
    offline: options.Offline = False,
    online_names: options.OnlineNames = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show which conda package serves for a PyPI requirement, how that is known, and what was rejected."""
    from envgen.commands.map_names import map_texts, mapped_row, mapped_shape
    from envgen.project.project import PlatformOptions

    console = Console(as_json=as_json, quiet=quiet)
    with console.progress("mapping") as progress:
        services = options.services_for(
            offline=offline,
            starter=starter,
            online_names=online_names,
            channels=channel,
            mirrors=mirror,
            progress=progress,
        )
        results = map_texts(
            services, tuple(requirements or ()), PlatformOptions(python=python or "", macos=macos or "")
        )
    rows = [mapped_row(item) for item in results]
    console.data(
        {"results": [mapped_shape(item) for item in results]},
        table(("REQUIREMENT", "SOURCE", "CONDA", "WHY"), rows),
    )
