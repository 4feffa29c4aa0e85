"""List the templates."""

from __future__ import annotations

from envgen.cli.console import Console, table
from envgen.cli.options import Json, Quiet


def templates(as_json: Json = False, quiet: Quiet = False) -> None:
    """List the starter manifests that `envgen new --template` knows."""
    from envgen.manifest.templates import template_description, template_names

    rows = [(name, template_description(name)) for name in template_names()]
    shape = {"templates": [{"name": name, "description": description} for name, description in rows]}
    Console(as_json=as_json, quiet=quiet).data(shape, table(("TEMPLATE", "DESCRIPTION"), rows))
