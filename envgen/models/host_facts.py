"""A machine as it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ARM, INTEL = "arm64", "x86_64"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTool:
    """A program on PATH.

    `architectures` are those of the program, or of the interpreter that its first line names; () where they could not
    be read.
    """

    name: str
    path: str
    architectures: tuple[str, ...] = ()

    @property
    def is_intel(self) -> bool:
        return self.architectures == (INTEL,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaRoot:
    """A conda installation; `architectures` are its python's, `subdir` is what its own settings force on it, or ""."""

    path: str
    architectures: tuple[str, ...] = ()
    subdir: str = ""

    @property
    def is_intel(self) -> bool:
        return self.architectures == (INTEL,)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What was seen of a machine.

    `system` is as `platform.system()` names it; `apple_silicon` speaks of the hardware and `translated` of this
    process; `macos` is a version or ""; `python` is the interpreter that runs this, `python_architectures` what it was
    built for. `variables` are those of the environment that matter; `user_site` lists distributions in the user's own
    site-packages; `subdir_files` are settings files that force a subdir, with it. `xcode` is the folder of the command
    line tools, or "".
    """

    system: str
    apple_silicon: bool = False
    translated: bool = False
    macos: str = ""
    python: str = ""
    python_architectures: tuple[str, ...] = ()
    tools: tuple[FoundTool, ...] = ()
    conda_roots: tuple[CondaRoot, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    user_site: tuple[str, ...] = ()
    subdir_files: tuple[tuple[str, str], ...] = ()
    xcode: str = ""

    @property
    def is_mac(self) -> bool:
        return self.system == "Darwin"
