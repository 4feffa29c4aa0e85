"""Name a channel by its base URL."""

from __future__ import annotations

from dataclasses import dataclass

CONDA_ALIAS = "https://conda.anaconda.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Hold a channel as the manifest writes it, with the base URL it stands for (CEP 26).

    `url` has no trailing slash and no user info; `<url>/<subdir>/repodata.json` is an index.
    """

    name: str
    url: str

    @classmethod
    def parse(cls, text: str) -> Channel:
        """Read a channel's name (`conda-forge`) or URL; raise ValueError for anything else."""
        text = text.strip().rstrip("/")
        if not text or any(character.isspace() for character in text):
            raise ValueError(f"not a channel: `{text}`")
        if "://" in text:
            return cls(name=text, url=text)
        return cls(name=text, url=f"{CONDA_ALIAS}/{text}")

    def __str__(self) -> str:
        """Render as the manifest writes it."""
        return self.name


CONDA_FORGE = Channel.parse("conda-forge")
