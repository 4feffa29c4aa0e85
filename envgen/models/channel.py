"""A conda channel by its base URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from envgen.models.secrets import without_secrets

CONDA_ALIAS = "https://conda.anaconda.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as the manifest writes it, with the base URL it stands for (CEP 26).

    `url` has no trailing slash, no user info and no token; `<url>/<subdir>/repodata.json` is an index. `address` is the
    URL as it was written on the command line where that holds such a secret, else "": only the gateway that reads the
    index may look at it.
    """

    name: str
    url: str
    address: str = field(default="", repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Channel:
        """Read a channel's name (`conda-forge`), URL or absolute path; raise ValueError for anything else."""
        text = text.strip().rstrip("/")
        clean = without_secrets(text)
        if not text or any(character.isspace() for character in text):
            raise ValueError(f"not a channel: `{clean}`")
        if "://" in text:
            return cls(name=clean, url=clean, address=text if text != clean else "")
        if text.startswith("/"):
            return cls(name=text, url=f"file://{quote(text)}")
        if text.startswith((".", "~")):
            raise ValueError(f"not a channel: `{text}` (write the path in full)")
        return cls(name=text, url=f"{CONDA_ALIAS}/{text}")

    def __str__(self) -> str:
        """Render as the manifest writes it."""
        return self.name


CONDA_FORGE = Channel.parse("conda-forge")
