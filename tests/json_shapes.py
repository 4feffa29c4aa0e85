"""The JSON shapes that are promised to stay; fields may be added, so none forbids others."""

from __future__ import annotations

from typing import Any

import jsonschema

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}


def record(**fields: Schema) -> Schema:
    """Demand an object with at least these fields."""
    return {"type": "object", "properties": fields, "required": sorted(fields)}


def listing(items: Schema) -> Schema:
    """Demand an array of such items."""
    return {"type": "array", "items": items}


def digest(length: int) -> Schema:
    """Demand lower-case hex of this length."""
    return {"type": "string", "pattern": f"^[0-9a-f]{{{length}}}$"}


URL: Schema = {"type": "string", "pattern": "^https?://"}
CONDA = record(name=TEXT, version=TEXT, build=TEXT, url=URL, md5=digest(32), sha256=digest(64))
PYPI = record(name=TEXT, version=TEXT, url=URL, sha256=digest(64), why=TEXT)
DECISION = record(requirement=TEXT, name=TEXT, source={"enum": ["conda", "pypi", "unknown"]}, why=TEXT)
FINDING = record(
    code={"type": "string", "pattern": "^[A-Z][A-Z0-9-]*$"},
    severity={"enum": ["error", "warning", "info"]},
    message=TEXT,
    hint=TEXT,
    packages=TEXTS,
)
MOVED: Schema = {**record(name=TEXT, **{"from": MAYBE_TEXT, "to": MAYBE_TEXT}, why=TEXT)}
PLATFORM = record(
    macos=TEXT,
    python={"type": "string", "pattern": r"^3\.\d+$"},
    solver={"enum": ["libmamba", "rattler"]},
    repodata=TEXT,
    conda=listing(CONDA),
    pypi=listing(PYPI),
    decisions=listing(DECISION),
    findings=listing(FINDING),
    notes=TEXTS,
    moved=listing(MOVED),
)
ENVIRONMENTS = record(
    environments=listing(
        record(
            name=TEXT,
            files=TEXTS,
            platforms={"type": "object", "additionalProperties": PLATFORM, "minProperties": 1},
        )
    )
)
REJECTED = record(conda=TEXT, why=TEXT)
RESULTS = record(
    results=listing(
        record(
            requirement=TEXT,
            pypi=TEXT,
            source={"enum": ["conda", "pypi", "unknown"]},
            conda=MAYBE_TEXT,
            spec=MAYBE_TEXT,
            provenance=TEXT,
            why=TEXT,
            rejected=listing(REJECTED),
        )
    )
)
CHECK = record(
    environments=listing(record(name=TEXT, ok={"type": "boolean"}, reasons=listing(record(code=TEXT, message=TEXT))))
)
FAILURE = record(
    error=record(
        code=TEXT,
        message=TEXT,
        hint=TEXT,
        lines=listing(record(file=TEXT, line={"type": "integer", "minimum": 0}, text=TEXT)),
    )
)


def assert_shape(value: object, shape: Schema) -> None:
    """Check a value against a shape."""
    jsonschema.validate(value, shape)
