"""Read what wheels require from the index that a lock names, with none of envgen's code."""

from __future__ import annotations

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from email.parser import BytesParser
from functools import cache
from pathlib import Path

from remotezip import RemoteZip

from tests.independent import Metadata
from tests.independent_lock import targets


def served_metadata(folder: Path) -> Metadata:
    """Return a reader of the metadata of a folder's wheels: the files beside them (PEP 658), else those within them."""
    entries = [entry for target in targets(folder) for entry in target.pypi.values()]
    urls = {entry["hash"]["sha256"]: entry["url"] for entry in entries}
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = dict(zip(urls, pool.map(_fetched, urls.values()), strict=True))
    return lambda name, version, sha256: found[sha256]


@cache
def _fetched(url: str) -> tuple[list[str], str]:
    try:
        with urllib.request.urlopen(f"{url}.metadata", timeout=30) as answer:
            content = answer.read()
    except urllib.error.HTTPError:
        with RemoteZip(url) as wheel:
            content = wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")))
    fields = BytesParser().parsebytes(content, headersonly=True)
    return [str(text) for text in fields.get_all("Requires-Dist", [])], str(fields.get("Requires-Python", ""))
