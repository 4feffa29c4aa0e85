"""A manifest as values that know the lines they were written on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from envgen.errors import Problem
from envgen.manifest.fields import MAIN_GROUP
from envgen.manifest.problems import dotted, manifest_error, quoted
from envgen.manifest.schema import Accelerator, Include, LocalProject, ManifestDocument, Output
from envgen.manifest.validation import METAL_PLUGIN, included, validated, written_group
from envgen.manifest.yaml_document import YamlTree
from envgen.models.channel import Channel
from envgen.models.platform import APPLE_SILICON, DEFAULT_MACOS, Platform
from envgen.models.requirement import Origin, Requirement
from envgen.models.solve import RootSpec

_SAMPLE_PYTHON = "3.12"  # for the digest of a manifest without a python; with another, older digests would not match


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedRequirement:
    """A requirement with the groups that ask for it: `main` alone where `main` asks for the package, too."""

    requirement: Requirement
    groups: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a user asks for.

    `accelerator` is None where none is written; `exclude_newer` is an aware UTC instant; `mapping` takes canonical PyPI
    names to conda names, None meaning never from conda; `notes` say what was assumed. `own` are the requirements of the
    user's own projects, once they have been read (see `needing`): each says in which file it stands.
    """

    document: ManifestDocument
    tree: YamlTree = field(repr=False)
    notes: tuple[str, ...]
    own: tuple[Requirement, ...] = ()

    @property
    def file(self) -> str:
        return self.tree.file

    @property
    def name(self) -> str:
        return self.document.name

    @property
    def python(self) -> str | None:
        """Return the python minor version, or None where `envgen new` has yet to choose it."""
        return self.document.python

    @property
    def accelerator(self) -> Accelerator | None:
        return self.document.accelerator

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the channels, highest priority first."""
        return self.document.channels

    @property
    def indexes(self) -> tuple[str, ...]:
        """Return the package indexes that come before the host's own, as a lock has them."""
        return tuple(map(str, self.document.indexes))

    @property
    def local(self) -> tuple[LocalProject, ...]:
        return self.document.local

    @property
    def mapping(self) -> Mapping[str, str | None]:
        """Return which conda package serves for a project; None, which a bound index means, too: never conda's."""
        bound = (name for index in self.document.indexes for name in index.packages)
        return {**self.document.mapping, **dict.fromkeys(bound)}

    @property
    def exclude_newer(self) -> datetime | None:
        return self.document.exclude_newer

    @property
    def exclude_newer_text(self) -> str:
        """Return the last instant as text: an ISO date at the end of a day, else with its time; "" for none."""
        instant = self.exclude_newer
        if instant is None:
            return ""
        if instant.time() == time.max:
            return instant.date().isoformat()
        return instant.replace(tzinfo=None).isoformat() + "Z"

    @property
    def outputs(self) -> tuple[Output, ...]:
        return self.document.outputs

    def origin(self, *path: str | int) -> Origin:
        """Return where a part of the manifest stands."""
        known = bool(self.tree.known(path[:1]))
        return Origin(path=dotted(path), line=self.tree.line(path) if known else None)

    def requirements(self) -> tuple[GroupedRequirement, ...]:
        """Return the requirements of `dependencies`, of the user's own projects and of the groups, in this order.

        An include adds no entry: it adds its group to the entries of the group that it includes (PEP 735).
        """
        document, main = self.document, frozenset({MAIN_GROUP})
        wanted = (*self._all_placed(document.dependencies, "dependencies"), *self.own)
        found = [GroupedRequirement(requirement=requirement, groups=main) for requirement in wanted]
        main_names = {requirement.name for requirement in (*wanted, *document.pypi)}
        includes = {
            group: [item.group for item in items if isinstance(item, Include)]
            for group, items in document.groups.items()
        }
        for name, items in document.groups.items():
            askers = frozenset(group for group in includes if name in included(includes, group))
            written = written_group(self.tree, name)
            for index, item in enumerate(items):
                if isinstance(item, Requirement):
                    requirement = replace(item, origin=self.origin("groups", written, index))
                    groups = main if item.name in main_names else askers
                    found.append(GroupedRequirement(requirement=requirement, groups=groups))
        return tuple(found)

    def needing(self, own: Iterable[Requirement], notes: Iterable[str] = ()) -> Manifest:
        """Return the manifest with what the user's own projects need, and notes on the reading of it."""
        return replace(self, own=tuple(own), notes=(*self.notes, *notes))

    @property
    def projects(self) -> tuple[str, ...]:
        """Return the user's own projects as pip takes them from the project's root: `-e .`, `./libs/ours`."""
        return tuple(project.words for project in self.local)

    def conda_specs(self) -> tuple[RootSpec, ...]:
        """Return the match specs that are taken from conda verbatim."""
        return tuple(
            RootSpec(spec=spec, origin=self.origin("conda", index)) for index, spec in enumerate(self.document.conda)
        )

    def pypi_requirements(self) -> tuple[Requirement, ...]:
        """Return the requirements that always come from PyPI."""
        return self._all_placed(self.document.pypi, "pypi")

    def constraint_requirements(self) -> tuple[Requirement, ...]:
        """Return the bounds on packages that may be present."""
        return self._all_placed(self.document.constraints, "constraints")

    def override_requirements(self) -> tuple[Requirement, ...]:
        """Return the requirements that replace what metadata says."""
        return self._all_placed(self.document.overrides, "overrides")

    def platforms(self, python: str | None = None) -> tuple[Platform, ...]:
        """Return the targets, in the order of the file, for the manifest's python or for this one.

        Raises ManifestError where neither names a python.
        """
        minor = python or self.python
        if minor is None:
            problem = Problem(path="python", message="no python is written", hint='add a line such as python: "3.12"')
            raise manifest_error(self.file, [problem])
        return tuple(
            Platform(subdir=entry.platform, python=minor, macos=entry.floor()) for entry in self.document.platforms
        )

    def accelerator_for(self, platform: Platform) -> Accelerator:
        """Return a target's accelerator: what is written, else metal where tensorflow-metal is asked for there."""
        if self.accelerator or not platform.is_apple_silicon:
            return self.accelerator or "cpu"
        wanted = (*(entry.requirement for entry in self.requirements()), *self.pypi_requirements())
        markers = platform.markers()
        return "metal" if any(one.name == METAL_PLUGIN and one.applies(markers) for one in wanted) else "cpu"

    def group_names(self) -> tuple[str, ...]:
        """Return the names of the groups besides `main`, sorted."""
        return tuple(sorted(self.document.groups))

    def check_folder(self, folder: str) -> None:
        """Refuse a manifest that stands in a folder of another name: raise ManifestError."""
        if self.name != folder:
            message = f"{quoted(self.name)} is not the name of its folder, {quoted(folder)}"
            hint = f"write name: {folder}, or rename the folder"
            raise manifest_error(self.file, [self.tree.problem(("name",), message, hint)])

    def _all_placed(self, requirements: Iterable[Requirement], key: str) -> tuple[Requirement, ...]:
        return tuple(replace(item, origin=self.origin(key, index)) for index, item in enumerate(requirements))


def load_manifest(text: str, file: str) -> Manifest:
    """Read a manifest; raise ManifestError with every problem of it, each with its path and line.

    `file` is the name to show in errors and origins.
    """
    # here, since ruamel.yaml takes a while to load, and many commands know of manifests without reading one
    from envgen.manifest.yaml_parser import parse_tree

    tree = parse_tree(text, file)
    document = validated(tree)
    return Manifest(document=document, tree=tree, notes=(*tree.notes, *_assumed(document)))


def _assumed(document: ManifestDocument) -> Iterable[str]:
    if "platforms" not in document.model_fields_set:
        yield f"no platforms are written: {APPLE_SILICON} with macOS {DEFAULT_MACOS} is assumed"
        return
    for entry in document.platforms:
        if entry.floor() and not entry.macos:
            yield f"no macOS floor is written for {entry.platform}: {DEFAULT_MACOS} is assumed"


def digest(manifest: Manifest) -> str:
    """Return `sha256:<hex>` of what is asked for.

    Comments, spelling and order are left out, but for the order of the channels and indexes, which is meaning. Defaults
    are filled in: writing one out changes nothing.
    """
    text = json.dumps(_content(manifest), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _content(manifest: Manifest) -> dict[str, object]:
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
