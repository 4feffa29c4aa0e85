"""Refuse values that an option does not take, the same in every command and before anything is read."""

from __future__ import annotations

from collections.abc import Iterable

from envgen.errors import UsageError


def _one_of(what: str, value: str, known: Iterable[str]) -> str:
    names = list(known)
    if value not in names:
        from envgen.manifest.problems import did_you_mean

        raise UsageError(f"unknown {what} `{value}`{did_you_mean(value, names)}", hint=f"one of {', '.join(names)}")
    return value


def solver(value: str | None) -> str | None:
    """Read --solver."""
    from envgen.locking.lock_platform import SOLVERS

    return None if value is None else _one_of("solver", value, SOLVERS)


def accelerator(value: str) -> str:
    """Read --accelerator; "" leaves it open."""
    from envgen.commands.new import ACCELERATORS

    return _one_of("accelerator", value, ACCELERATORS) if value else ""


def python(value: str | None) -> str | None:
    """Read --python."""
    from envgen.manifest.fields import python_minor
    from envgen.manifest.problems import RefusalError

    try:
        return None if value is None else python_minor(value)
    except RefusalError as error:
        raise UsageError(error.message, hint="write a minor version, as in `--python 3.12`") from error


def macos(value: str | None) -> str | None:
    """Read --macos."""
    from envgen.manifest.fields import macos_floor
    from envgen.manifest.problems import RefusalError

    try:
        return None if value is None else macos_floor(value)
    except RefusalError as error:
        raise UsageError(error.message, hint="write a version, as in `--macos 13.0`") from error


def channels(values: list[str] | None) -> list[str] | None:
    """Read --channel."""
    from envgen.models.channel import Channel

    for value in values or ():
        try:
            Channel.parse(value)
        except ValueError as error:
            hint = "write a name such as conda-forge, a URL, or the full path of a folder"
            raise UsageError(str(error), hint=hint) from error
    return values


def mirrors(values: list[str] | None) -> list[str] | None:
    """Read --mirror."""
    from envgen.system.settings import collect_mirrors

    collect_mirrors(values or ())
    return values


def environment(value: str) -> str:
    """Read an environment's name; "" leaves it open."""
    from envgen.manifest.fields import environment_name
    from envgen.manifest.problems import RefusalError

    try:
        return environment_name(value) if value else ""
    except RefusalError as error:
        raise UsageError(error.message, hint=error.hint) from error


def pins(value: str) -> str:
    """Read --pins."""
    from envgen.importers.loosen_pins import PINS

    return _one_of("level of pins", value, PINS)


def export_format(value: str) -> str:
    """Read --format."""
    from envgen.formats.registry import FORMATS

    return _one_of("format", value, FORMATS)


def platform(value: str) -> str:
    """Read --platform; "" leaves it open."""
    from envgen.models.platform import SUBDIRS

    return _one_of("platform", value, SUBDIRS) if value else ""


def tool(value: str) -> str:
    """Read --with; "" is none."""
    from envgen.install.handover import TOOLS

    return _one_of("tool", value, TOOLS) if value else ""


def shell(value: str) -> str:
    """Read --activation; "" is none."""
    from envgen.install.activation import SHELLS

    return _one_of("shell", value, SHELLS) if value else ""
