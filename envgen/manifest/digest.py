"""Fingerprint what a manifest asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from envgen.manifest.model import Manifest
from envgen.models.requirement import Requirement

_SAMPLE_PYTHON = "3.12"


def digest(manifest: Manifest) -> str:
    """Give `sha256:<hex>` of what is asked for.

    Comments, spelling and order are left out, but for the order of the channels and indexes, which is meaning. Defaults
    are filled in: writing one out changes nothing.
    """
    text = json.dumps(_asked(manifest), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _asked(manifest: Manifest) -> dict[str, object]:
    platforms = sorted(manifest.platforms(manifest.python or _SAMPLE_PYTHON), key=lambda platform: platform.subdir)
    return {
        "name": manifest.name,
        "python": manifest.python,
        "platforms": [[platform.subdir, platform.macos, manifest.accelerator_for(platform)] for platform in platforms],
        "channels": [channel.url for channel in manifest.channels],
        "requirements": sorted({(_text(one.requirement), *sorted(one.groups)) for one in manifest.requirements()}),
        "conda": sorted({spec.spec.text for spec in manifest.conda_specs()}),
        "pypi": _texts(manifest.pypi_requirements()),
        "groups": manifest.group_names(),
        "local": sorted([one.path, one.editable, *sorted(one.extras)] for one in manifest.local),
        "mapping": manifest.mapping,
        "constraints": _texts(manifest.constraint_requirements()),
        "overrides": _texts(manifest.override_requirements()),
        "exclude-newer": manifest.exclude_newer_text,
        "outputs": sorted(manifest.outputs),
        **({"indexes": manifest.indexes} if manifest.indexes else {}),  # a later key: older digests stay
    }


def _texts(requirements: Iterable[Requirement]) -> list[str]:
    return sorted({_text(requirement) for requirement in requirements})


def _text(requirement: Requirement) -> str:
    return f"{requirement}; {requirement.marker}"
