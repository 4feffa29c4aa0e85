"""The keys of a manifest, as Pydantic models of what a user writes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    WithJsonSchema,
    model_validator,
)

from envgen.manifest import fields
from envgen.manifest.problems import RefusalError
from envgen.models.channel import CONDA_FORGE, Channel
from envgen.models.match_spec import MatchSpec
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, SUBDIRS, Platform
from envgen.models.requirement import Requirement
from envgen.models.wheel import PackageIndex

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFAULTS: dict[str, object] = {
    "platforms": [{"platform": APPLE_SILICON, "macos": DEFAULT_MACOS}],
    "accelerator": "cpu",
    "channels": [CONDA_FORGE.name],
}
Accelerator = Literal["metal", "cpu"]
Output = Literal["environment.yml", "conda-lock.yml", "explicit"]
OUTPUTS: tuple[Output, ...] = ("environment.yml", "conda-lock.yml", "explicit")
RESERVED = {
    "targets": "requirements of one platform alone",
    "variables": "environment variables to set",
    "channel-priority": "how channels are weighed against each other",
    "allow-source-builds": "packages that may be built from source",
    "requires-envgen": "the versions of envgen that may read the manifest",
}

_Json = dict[str, object]
_TEXT: _Json = {"type": "string"}
_PEP508: _Json = {"type": "string", "description": "A PEP 508 requirement, such as `pandas>=2`."}
_SPEC: _Json = {"type": "string", "description": "A match spec, such as `hdf5 >=1.14`."}
_SUBDIR: _Json = {"type": "string", "enum": list(SUBDIRS)}
_MACOS: _Json = {"anyOf": [{"type": "string", "pattern": r"^\d{2}(\.\d{1,2})?$"}, {"type": "number"}]}
_PYTHON: _Json = {"anyOf": [{"type": "string", "pattern": r"^3\.\d{1,2}$"}, {"type": "number"}]}
_NAME: _Json = {"type": "string", "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$", "maxLength": fields.NAME_LENGTH}
_PLATFORM: _Json = {
    "anyOf": [
        _SUBDIR,
        {
            "type": "object",
            "properties": {"platform": _SUBDIR, "macos": {**_MACOS, "description": "The lowest macOS that must work."}},
            "required": ["platform"],
            "additionalProperties": False,
        },
    ]
}
_INDEX: _Json = {
    "anyOf": [
        _TEXT,
        {
            "type": "object",
            "properties": {
                "url": _TEXT,
                "packages": {
                    "type": "array",
                    "items": _TEXT,
                    "minItems": 1,
                    "description": "Names of PyPI that come from this index alone; it serves nothing else.",
                },
            },
            "required": ["url", "packages"],
            "additionalProperties": False,
        },
    ]
}
_GROUP_ITEM: _Json = {
    "anyOf": [
        _PEP508,
        {
            "type": "object",
            "properties": {"include-group": {"type": "string", "description": "Another group, taken in whole."}},
            "required": ["include-group"],
            "additionalProperties": False,
        },
    ]
}

EnvironmentName = Annotated[str, PlainValidator(fields.environment_name), WithJsonSchema(_NAME)]
PythonMinor = Annotated[str, PlainValidator(fields.python_minor), WithJsonSchema(_PYTHON)]
MacosFloor = Annotated[str, PlainValidator(fields.macos_floor)]
Subdir = Annotated[str, PlainValidator(fields.subdir)]
ChannelItem = Annotated[Channel, PlainValidator(fields.channel), WithJsonSchema(_TEXT)]
IndexItem = Annotated[PackageIndex, PlainValidator(fields.index_item), WithJsonSchema(_INDEX)]
RequirementItem = Annotated[Requirement, PlainValidator(fields.requirement), WithJsonSchema(_PEP508)]
BoundItem = Annotated[Requirement, PlainValidator(fields.bound), WithJsonSchema(_PEP508)]
SpecItem = Annotated[MatchSpec, PlainValidator(fields.match_spec), WithJsonSchema(_SPEC)]
GroupName = Annotated[str, PlainValidator(fields.group_name), WithJsonSchema(_TEXT)]
ProjectName = Annotated[str, PlainValidator(fields.project_name), WithJsonSchema(_TEXT)]
CondaName = Annotated[str, PlainValidator(fields.conda_name), WithJsonSchema(_TEXT)]
ExtraName = Annotated[str, PlainValidator(fields.extra_name), WithJsonSchema(_TEXT)]
LocalPath = Annotated[str, PlainValidator(fields.local_path), WithJsonSchema(_TEXT)]
Cutoff = Annotated[datetime, PlainValidator(fields.cutoff), WithJsonSchema(_TEXT)]


class _Strict(BaseModel):
    """A model that refuses keys it does not know, and never changes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlatformEntry(_Strict):
    """A platform with its macOS floor, None where none is written."""

    platform: Subdir
    macos: MacosFloor | None = None

    def floor(self) -> str:
        """Return the macOS floor: what is written, or the default on a Mac; "" elsewhere."""
        if self.macos is None and self.platform.startswith("osx-"):
            return DEFAULT_MACOS
        return self.macos or ""

    @model_validator(mode="after")
    def _is_a_platform(self) -> PlatformEntry:
        try:
            Platform(subdir=self.platform, python="3.12", macos=self.floor())
        except ValueError as error:
            hint = 'write macos: "13.0", or the lowest that must work' if self.platform.startswith("osx-") else ""
            raise RefusalError(str(error), hint=hint or "leave `macos` out", at=("macos",)) from error
        return self


class LocalProject(_Strict):
    """A project of the user's own: its dependencies are locked, itself is installed last and never locked."""

    path: LocalPath = Field(description="The project's folder, relative to the folder that holds `environments/`.")
    editable: StrictBool = Field(default=False, description="Whether changes in the folder take effect at once.")
    extras: tuple[ExtraName, ...] = Field(default=(), description="Extras of the project whose needs are locked, too.")

    @property
    def words(self) -> str:
        """Return the words that pip takes for it, from the project's root: `-e .`, `./libs/ours`."""
        path = self.path if self.path == "." else f"./{self.path}"
        return f"{'-e ' if self.editable else ''}{shlex.quote(path)}"


@dataclass(frozen=True, slots=True)
class Include:
    """The requirements of another group (PEP 735)."""

    group: str


def _written_out(value: object) -> object:
    return {"platform": value} if isinstance(value, str) else value


def _group_item(value: object) -> Requirement | Include:
    if isinstance(value, dict):
        if set(value) != {"include-group"}:
            raise RefusalError("only `include-group: NAME` may stand for a requirement")
        return Include(fields.group_name(value["include-group"]))
    return fields.requirement(value)


def _none_is_empty(value: object) -> object:
    return [] if value is None else value


PlatformItem = Annotated[PlatformEntry, BeforeValidator(_written_out), WithJsonSchema(_PLATFORM)]
GroupItem = Annotated[Requirement | Include, PlainValidator(_group_item), WithJsonSchema(_GROUP_ITEM)]
GroupItems = Annotated[tuple[GroupItem, ...], BeforeValidator(_none_is_empty)]


class ManifestDocument(_Strict):
    """What a manifest says, value by value, with the defaults filled in."""

    name: EnvironmentName = Field(description="The environment's name, which is its folder's name.")
    python: PythonMinor | None = Field(
        default=None,
        description='The python minor version, such as "3.12". `envgen new` writes the one it chose; `lock` keeps it.',
    )
    platforms: tuple[PlatformItem, ...] = Field(
        default=(PlatformEntry(platform=APPLE_SILICON),),
        min_length=1,
        description="What to lock for. `macos` is the lowest macOS that must work: 13.0 where none is written.",
    )
    accelerator: Accelerator | None = Field(
        default=None,
        description="`metal` for TensorFlow on the GPU (osx-arm64 alone), or `cpu`, which is the default.",
    )
    channels: tuple[ChannelItem, ...] = Field(
        default=(CONDA_FORGE,), min_length=1, description="Conda channels, highest priority first."
    )
    indexes: tuple[IndexItem, ...] = Field(
        default=(),
        description="Package indexes that are asked before PyPI, as URLs of their simple API; the first that has a "
        "project is taken. What `packages` names comes from that index alone, and nothing else does. "
        "No secret belongs here: bind it to the host with ENVGEN_TOKENS or `envgen auth login`.",
    )
    dependencies: tuple[RequirementItem, ...] = Field(
        default=(), description="What the project needs, by the names of PyPI; conda serves what it can."
    )
    conda: tuple[SpecItem, ...] = Field(default=(), description="Match specs that are taken from conda as they stand.")
    pypi: tuple[RequirementItem, ...] = Field(default=(), description="Requirements that always come from PyPI.")
    groups: dict[GroupName, GroupItems] = Field(
        default={}, description="Further requirements by group (PEP 735), solved together with the rest."
    )
    local: tuple[LocalProject, ...] = Field(
        default=(), description="Projects of your own: their dependencies are locked, they are installed last."
    )
    mapping: dict[ProjectName, CondaName | None] = Field(
        default={}, description="PyPI names to conda names; null means never from conda."
    )
    constraints: tuple[BoundItem, ...] = Field(default=(), description="Bounds on packages, should they be present.")
    overrides: tuple[RequirementItem, ...] = Field(
        default=(), description="Requirements that replace what the metadata of packages says."
    )
    exclude_newer: Cutoff | None = Field(
        default=None,
        alias="exclude-newer",
        description="Leave out what was published later: a date (its end, UTC), or an instant with its zone.",
    )
    outputs: tuple[Output, ...] = Field(
        default=("environment.yml", "conda-lock.yml"), min_length=1, description="The files that `lock` writes."
    )


def manifest_schema() -> dict[str, object]:
    """Return the JSON schema (draft 2020-12) of envgen.yaml; reserved keys are described, and refused."""
    schema = ManifestDocument.model_json_schema()
    properties = {key: _property(key, value) for key, value in schema["properties"].items()}
    reserved = {
        key: {"description": f"Reserved for {use}; not yet supported.", "not": {}} for key, use in RESERVED.items()
    }
    definitions = {name: _untitled(value) for name, value in schema["$defs"].items()}
    return {
        "$schema": DIALECT,
        "title": "envgen.yaml",
        "description": "What a project needs, from which envgen makes a locked environment.",
        "type": "object",
        "properties": properties | reserved,
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
