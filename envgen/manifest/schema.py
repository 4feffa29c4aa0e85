"""Describe manifests as a JSON schema, for editors and other tools."""

from __future__ import annotations

from envgen.manifest.document import RESERVED, ManifestDocument
from envgen.models.channel import CONDA_FORGE
from envgen.models.platform import DEFAULT_MACOS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFAULTS: dict[str, object] = {
    "platforms": [{"platform": "osx-arm64", "macos": DEFAULT_MACOS}],
    "accelerator": "cpu",
    "channels": [CONDA_FORGE.name],
}


def manifest_schema() -> dict[str, object]:
    """Give the JSON schema (draft 2020-12) of envgen.yaml; reserved keys are described, and refused."""
    schema = ManifestDocument.model_json_schema()
    properties = {key: _property(key, value) for key, value in schema["properties"].items()}
    definitions = {name: _untitled(value) for name, value in schema["$defs"].items()}
    return {
        "$schema": DIALECT,
        "title": "envgen.yaml",
        "description": "What a project needs, from which envgen makes a locked environment.",
        "type": "object",
        "properties": properties | {key: _reserved(use) for key, use in RESERVED.items()},
        "required": ["name"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _property(key: str, written: dict[str, object]) -> dict[str, object]:
    """Leave out titles that repeat the key, and give defaults as a user would write them."""
    cleaned = {name: value for name, value in written.items() if name not in ("title", "default")}
    default = _DEFAULTS.get(key, written.get("default"))
    return cleaned if default is None else cleaned | {"default": default}


def _untitled(definition: dict[str, object]) -> dict[str, object]:
    properties = definition.get("properties")
    inner = {key: _property(key, value) for key, value in properties.items()} if isinstance(properties, dict) else {}
    return {key: value for key, value in definition.items() if key != "title"} | {"properties": inner}


def _reserved(use: str) -> dict[str, object]:
    return {"description": f"Reserved for {use}; not yet supported.", "not": {}}
