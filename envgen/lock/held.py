"""Hold what a format has no field for as JSON: one short line a package."""

from __future__ import annotations

import json

from envgen.lock.model import MAIN_GROUP, LockedWheel
from envgen.lock.specs import fold_depends, fold_requires, odd_requires, unfold_depends, unfold_requires
from envgen.lock.urls import artifact, wheel_filename
from envgen.models.record import Record
from envgen.models.wheel import Wheel

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
_DERIVED = ("build", "build_number", "channel", "subdir")
_OPTIONAL = ("constrains", "license", "noarch", "python_site_packages_path", "size", "timestamp", "track_features")


def record_line(record: Record) -> str:
    """Give the JSON of what neither conda-lock.yml's fields nor the URL say of a record; "" where that is nothing."""
    data = _record_rest(record)
    return _encode(data) if data else ""


def whole_record_line(record: Record, groups: tuple[str, ...]) -> str:
    """Give the JSON of all that a URL and an md5 do not say of a record."""
    parts = artifact(record.url)
    data = _record_rest(record)
    data |= {key: getattr(record, key) for key in ("name", "version") if getattr(record, key) != getattr(parts, key)}
    data |= {"depends": unfold_depends(fold_depends(record.depends)), "sha256": record.sha256}
    return _encode(data | _groups(groups))


def wheel_line(wheel: LockedWheel) -> str:
    """Give the JSON of what conda-lock.yml's fields do not say of a wheel, its reason apart; "" if that is nothing."""
    data = _wheel_rest(wheel)
    if wheel.wheel.filename != wheel_filename(wheel.wheel.url):
        data["filename"] = wheel.wheel.filename
    if odd := odd_requires(fold_requires(wheel.requires)):
        data["requires"] = unfold_requires(odd)
    return _encode(data) if data else ""


def whole_wheel_line(wheel: LockedWheel, groups: tuple[str, ...]) -> str:
    """Give the JSON of all that a name, a version and a sha256 do not say of a wheel; its URL is left out."""
    data = _wheel_rest(wheel)
    data |= {"filename": wheel.wheel.filename, "requires": unfold_requires(fold_requires(wheel.requires))}
    if wheel.why:
        data["why"] = wheel.why
    return _encode(data | _groups(groups))


class Held:
    """Read the values of such a line back, refusing with ValueError what no writer writes."""

    def __init__(self, line: str) -> None:
        """Read a line; "" holds nothing."""
        try:
            data: object = json.loads(line) if line else {}
        except json.JSONDecodeError as error:
            raise ValueError(f"broken JSON ({error})") from error
        if not isinstance(data, dict):
            raise ValueError(f"not a JSON object: `{line}`")
        self._data: dict[str, object] = data

    def text(self, key: str, default: str = "") -> str:
        """Take a text, or the default where there is none."""
        value = self._data.pop(key, default)
        if not isinstance(value, str):
            raise ValueError(f"`{key}` is not a text")
        return value

    def number(self, key: str) -> int | None:
        """Take a whole number, or None."""
        value = self._data.pop(key, None)
        if value is not None and type(value) is not int:
            raise ValueError(f"`{key}` is not a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts; () where there is none."""
        value = self._data.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(f"`{key}` is not a list of texts")
        return tuple(value)

    def end(self) -> None:
        """Refuse what has not been taken."""
        if self._data:
            raise ValueError(f"unknown `{'`, `'.join(sorted(self._data))}`")


def restored_record(held: Held, *, url: str, md5: str, name: str = "", version: str = "") -> Record:
    """Build the record that a URL, an md5 and a whole line say."""
    parts = artifact(url)
    number = held.number("build_number")
    return Record(
        name=name or held.text("name", parts.name),
        version=version or held.text("version", parts.version),
        build=held.text("build", parts.build),
        build_number=parts.build_number if number is None else number,
        subdir=held.text("subdir", parts.subdir),
        channel=held.text("channel", parts.channel),
        url=url,
        md5=md5,
        sha256=held.text("sha256"),
        size=held.number("size"),
        timestamp=held.number("timestamp"),
        depends=held.texts("depends"),
        constrains=held.texts("constrains"),
        track_features=held.texts("track_features"),
        license=held.text("license"),
        noarch=held.text("noarch"),
        python_site_packages_path=held.text("python_site_packages_path"),
    )


def restored_wheel(held: Held, *, name: str, version: str, sha256: str, url: str = "") -> LockedWheel:
    """Build the wheel that a name, a version, a hash and a whole line say."""
    wheel = Wheel(
        name=name,
        version=version,
        filename=held.text("filename", wheel_filename(url)),
        url=url,
        sha256=sha256,
        size=held.number("size"),
    )
    requires = held.texts("requires")
    return LockedWheel(
        wheel=wheel, requires=requires, requires_python=held.text("requires_python"), why=held.text("why")
    )


def _record_rest(record: Record) -> dict[str, object]:
    parts = artifact(record.url)
    data = {key: getattr(record, key) for key in _DERIVED if getattr(record, key) != getattr(parts, key)}
    for key in _OPTIONAL:
        value = getattr(record, key)
        if value is not None and value not in ("", ()):
            data[key] = value
    return data


def _wheel_rest(wheel: LockedWheel) -> dict[str, object]:
    data: dict[str, object] = {}
    if wheel.wheel.size is not None:
        data["size"] = wheel.wheel.size
    if wheel.requires_python:
        data["requires_python"] = wheel.requires_python
    return data


def _groups(groups: tuple[str, ...]) -> dict[str, object]:
    return {} if groups == (MAIN_GROUP,) else {"groups": groups}
