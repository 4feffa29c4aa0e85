"""Describe one artifact of a channel."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Hold one artifact's entry in a channel's repodata (CEP 36).

    `channel` is the channel's base URL without trailing slash; `md5` and `sha256` are lower-case hex or "";
    `timestamp` is in milliseconds since 1970 UTC, or None where the index has none; `noarch` is "", "python" or
    "generic"; `size` is in bytes.
    """

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    channel: str
    url: str
    md5: str = ""
    sha256: str = ""
    size: int | None = None
    timestamp: int | None = None
    depends: tuple[str, ...] = ()
    constrains: tuple[str, ...] = ()
    track_features: tuple[str, ...] = ()
    license: str = ""
    noarch: str = ""
    python_site_packages_path: str = ""

    @property
    def filename(self) -> str:
        """Give the artifact's file name, the last part of its URL."""
        return self.url.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        """Render as `name=version=build`, the exact pin that environment.yml uses."""
        return f"{self.name}={self.version}={self.build}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPackage:
    """Describe a property of the system that records may depend on (CEP 30)."""

    name: str
    version: str
    build: str = "0"

    def __str__(self) -> str:
        """Render as `name=version=build`."""
        return f"{self.name}={self.version}={self.build}"
