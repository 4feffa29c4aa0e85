"""The layout of a vendored folder, and listings that are damaged or lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envgen.errors import InstallError
from envgen.install.artifacts import Digest
from envgen.install.vendored import (
    VendoredFile,
    archive_path,
    channel_folder,
    listing_text,
    read_listing,
    verify_folder,
)
from tests.fakes.locks import make_record

CHANNELS = {
    "https://conda.anaconda.org/conda-forge": "conda-forge",
    "https://conda.anaconda.org/conda-forge/label/rc": "conda-forge/label/rc",
    "https://repo.example:8443/t/team/../x": "repo.example_8443/t/team/_/x",
    "file:///srv/channel": "srv/channel",
    "https://repo.example/.hidden/%2e%2e": "repo.example/hidden/_2e_2e",
}


@pytest.mark.parametrize(("url", "folder"), CHANNELS.items())
def test_folders_of_channels(url: str, folder: str) -> None:
    assert channel_folder(url) == folder


def test_the_path_of_an_archive() -> None:
    record = make_record("a")
    assert archive_path(record) == f"channels/conda-forge/osx-arm64/{record.filename}"


def row(path: str, size: int = 1) -> VendoredFile:
    return VendoredFile(path=path, digest=Digest(algorithm="md5", hex="0" * 32), size=size)


def test_a_listing_is_read_back(tmp_path: Path) -> None:
    files = (row("a"), VendoredFile(path="b", digest=Digest(algorithm="sha256", hex="1" * 64), size=2))
    (tmp_path / "envgen-vendor.json").write_text(listing_text(reversed(files)))
    assert read_listing(tmp_path) == files


DAMAGED = {
    "no JSON": "{",
    "no files": '{"format": 1}',
    "a file without a hash": json.dumps({"format": 1, "files": [{"path": "a", "size": 1}]}),
    "a size in words": json.dumps({"format": 1, "files": [{"path": "a", "size": "1", "md5": "0"}]}),
    "a list": "[]",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_listing(tmp_path: Path, text: str) -> None:
    (tmp_path / "envgen-vendor.json").write_text(text)
    with pytest.raises(InstallError, match="is damaged"):
        read_listing(tmp_path)


def test_a_listing_of_another_format(tmp_path: Path) -> None:
    (tmp_path / "envgen-vendor.json").write_text('{"format": 9, "files": []}')
    with pytest.raises(InstallError, match="has format 9, not 1"):
        read_listing(tmp_path)


def test_a_listing_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "envgen-vendor.json").write_text(listing_text([row("../secret")]))
    assert verify_folder(folder) == ["../secret leads out of the folder"]


def test_what_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "envgen-vendor.json").write_text(listing_text([row("a")]))

    def refuse(*arguments: object) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Digest, "matches", refuse)
    assert verify_folder(tmp_path) == ["a cannot be read ([Errno 5] Input/output error)"]
