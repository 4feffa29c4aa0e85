"""Apply the fixes that `envgen diagnose --json` prints, as somebody would who has nothing but that output."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML

LISTS = ("dependencies", "conda", "pypi", "overrides", "constraints")


def base(name: str, requirements: Iterable[str], *, python: str = "3.12", macos: str = "13.0") -> dict[str, Any]:
    """Write the manifest that asks for some requirements."""
    return {
        "name": name,
        "python": python,
        "platforms": [{"platform": "osx-arm64", "macos": macos}],
        "channels": ["conda-forge"],
        "dependencies": list(requirements),
    }


def fixed(manifest: dict[str, Any], verdicts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put the fix of each verdict that is not ok in the place of the line that leads to it, each once."""
    made = {key: list(value) if isinstance(value, list) else value for key, value in manifest.items()}
    done: set[str] = set()
    for verdict in verdicts:
        fix = verdict["fix"]
        if verdict["ok"] or fix is None or not fix["manifest"] or fix["manifest"] in done:
            continue
        done.add(fix["manifest"])
        _put(made, verdict["chain"][0], YAML(typ="safe").load(fix["manifest"]) or {})
    return made


def _put(manifest: dict[str, Any], root: str, fragment: dict[str, Any]) -> None:
    for key in LISTS[:3]:
        manifest[key] = [text for text in manifest.get(key, []) if _name(text) != _canonical(root)]
    for key, value in fragment.items():
        if key in LISTS:
            kept = [text for text in manifest.get(key, []) if text not in value]
            manifest[key] = [*kept, *value]
        else:
            manifest[key] = value


def _name(text: str) -> str:
    return _canonical(re.split(r"[\s\[=<>!~;@]", text.strip())[0])


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def dumped(manifest: dict[str, Any]) -> str:
    """Render a manifest; python and macOS stay text."""
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(manifest, stream)
    return stream.getvalue()
