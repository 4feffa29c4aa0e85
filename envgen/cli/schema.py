"""Print the manifest's JSON schema."""

from __future__ import annotations

import json

from envgen.cli.console import Console
from envgen.cli.options import Json, Quiet


def schema(as_json: Json = False, quiet: Quiet = False) -> None:
    """Print the JSON schema of envgen.yaml, for editors and checks."""
    from envgen.manifest.schema import manifest_schema

    shape = manifest_schema()
    Console(as_json=as_json, quiet=quiet).data(shape, json.dumps(shape, indent=2, ensure_ascii=False))
