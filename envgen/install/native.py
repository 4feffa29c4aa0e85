"""Turn envgen's records into rattler's, for its installer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import rattler

from envgen.models.record import Record


def to_native(record: Record, archive: Path) -> rattler.RepoDataRecord:
    """Build rattler's form of a record whose archive lies on the disk."""
    package = rattler.PackageRecord(
        name=record.name,
        version=record.version,
        build=rattler.BuildString.new_unchecked(record.build),
        build_number=record.build_number,
        subdir=record.subdir,
        noarch="python" if record.noarch == "python" else "generic" if record.noarch else None,
        depends=list(record.depends),
        constrains=list(record.constrains),
        sha256=bytes.fromhex(record.sha256) if record.sha256 else None,
        md5=bytes.fromhex(record.md5) if record.md5 else None,
        size=record.size,
        license=record.license or None,
        python_site_packages_path=record.python_site_packages_path or None,
    )
    if record.track_features:
        package.track_features = list(record.track_features)
    if record.timestamp is not None:
        # rattler multiplies by 1000 and cuts off; half a millisecond more makes that exact
        package.timestamp = datetime.fromtimestamp((record.timestamp + 0.5) / 1000, UTC)
    return rattler.RepoDataRecord(package, record.filename, archive.as_uri(), record.channel + "/")
