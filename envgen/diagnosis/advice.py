"""Judge installation commands that are passed around, and write the right ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from envgen.diagnosis.commands import Command, Option
from envgen.knowledge.advice import CommandRule, command_rules
from envgen.knowledge.ranges import overlaps
from envgen.models.notes import Severity
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement

_SPEC = re.compile(r"(?:[^:\s]+::)?([A-Za-z0-9_][\w.-]*)\s*(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Say what is wrong with a command, under a stable code, and what is right."""

    code: str
    severity: Severity
    message: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advised:
    """Hold a command with what is wrong with it.

    `right` is the command as it should be, "" where none is left; `by_envgen` the one that locks the same packages, ""
    where it installs none of PyPI's names.
    """

    command: Command
    wrongs: tuple[Wrong, ...]
    right: str
    by_envgen: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the command may be followed."""
        return not any(wrong.severity == "error" for wrong in self.wrongs)


def judge_command(command: Command, platform: Platform) -> Advised:
    """Hold a command to the facts; `platform` is the target that the right one is written for."""
    rules: list[CommandRule] = []
    for rule in command_rules():
        told = rule.pins and rule.pins in [known.pins for known in rules]
        if not told and _applies(rule, command):
            rules.append(rule)
    wrongs = tuple(Wrong(code=rule.code, severity=rule.severity, message=rule.why, right=rule.right) for rule in rules)
    right = _corrected(command, rules, platform)
    text = rendered(right) if rules else command.text
    return Advised(command=command, wrongs=wrongs, right=text, by_envgen=_by_envgen(right, platform))


def _by_envgen(command: Command, platform: Platform) -> str:
    """Write the call of envgen's that locks what a command installs; setuptools' bound is among what it knows."""
    if command.tool is None or command.tool.speaks != "pypi":
        return ""
    python = command.python or platform.python
    names = [text for text in command.packages if dict(named(command)).get(_name(text)) is not None]
    added = [f"--add {shlex.quote(text)}" for text in names if _name(text) != "setuptools" and "/" not in text]
    return " ".join(["envgen new my-env", f"--python {python}", *added]) if added else ""


def _applies(rule: CommandRule, command: Command) -> bool:
    tool = command.tool.name if command.tool else ""
    if rule.tools and tool not in rule.tools:
        return False
    if rule.verbs and command.verb not in rule.verbs:
        return False
    return (
        rule.finds(command.text)
        and _has_option(rule, command)
        and not any(option.name in rule.lacks for option in command.options)
        and (not rule.package or _asks(rule, command))
    )


def _has_option(rule: CommandRule, command: Command) -> bool:
    return not rule.option or any(rule.fits_value(value) for value in command.values(rule.option))


def _asks(rule: CommandRule, command: Command) -> bool:
    """Tell whether a command asks for the rule's package, in versions that the rule speaks of."""
    asked = dict(named(command))
    if rule.package not in asked:
        return False
    if rule.versions and not overlaps(asked[rule.package], rule.versions):
        return False
    return not rule.admits or _leaves_open(rule.admits, asked)


def _leaves_open(text: str, asked: dict[str, str]) -> bool:
    """Tell whether what is asked for leaves releases of something open; its old name counts as a bound below 2.17."""
    wanted = Requirement.parse(text, Origin(path="rule"))
    if wanted.name in asked:
        return overlaps(asked[wanted.name], wanted.specifier)
    old = asked.get(f"{wanted.name}-macos")
    return True if old is None else overlaps(old, "<2.17", wanted.specifier)


def named(command: Command) -> Iterator[tuple[str, str]]:
    """Give each package's canonical name with its specifier; what cannot be read as one has none."""
    for text in command.packages:
        match = _SPEC.fullmatch(text)
        if not match:
            continue
        try:
            requirement = Requirement.parse(text, Origin(path="command"))
            yield requirement.name, requirement.specifier
        except ValueError:
            yield str(canonicalize_name(re.split(r"[=<>!~\[ ]", match[1])[0])), ""


def _corrected(command: Command, rules: Sequence[CommandRule], platform: Platform) -> Command:
    asked = dict(named(command))
    for rule in rules:
        command = _without(_revalued(command, rule), rule)
        command = _with(command, rule, platform, asked.get(rule.package, ""))
    return command


def _revalued(command: Command, rule: CommandRule) -> Command:
    def right(option: Option) -> Option:
        if option.name != rule.option or option.value is None or not rule.fits_value(option.value):
            return option
        return replace(option, value=rule.corrected(option.value))

    return replace(command, options=tuple(right(option) for option in command.options))


def _without(command: Command, rule: CommandRule) -> Command:
    drops = set(rule.drops)
    if command.tool is None and any(command.text.startswith(drop) for drop in drops):
        return replace(command, text="", program=(), wrappers=())
    return replace(
        command,
        variables=tuple(pair for pair in command.variables if f"{pair[0]}={pair[1]}" not in drops),
        wrappers=tuple(text for text in command.wrappers if not _dropped(text, drops)),
        options=tuple(
            option
            for option in command.options
            if option.name not in drops and f"{option.name}={option.value}" not in drops
        ),
        packages=tuple(text for text in command.packages if _name(text) not in drops or _pinned(rule, text)),
    )


def _dropped(wrapper: str, drops: set[str]) -> bool:
    return any(wrapper == drop or wrapper.startswith(f"{drop} ") for drop in drops)


def _pinned(rule: CommandRule, text: str) -> bool:
    return _name(text) in {_name(pin) for pin in rule.pins}


def _name(text: str) -> str:
    return str(canonicalize_name(re.split(r"[=<>!~\[ {;]", text.rpartition("::")[2])[0]))


def _with(command: Command, rule: CommandRule, platform: Platform, specifier: str) -> Command:
    """Put what is missing into a command; `specifier` is that of the package that the rule is about."""
    words = {"python": command.python or platform.python, "macos": platform.macos}
    added = [text.format(**words) for text in rule.adds]
    variables = [tuple(text.split("=", 1)) for text in added if not text.startswith("-")]
    options = [
        Option(name=name, value=value or None) for name, _, value in (t.partition("=") for t in added if t[0] == "-")
    ]
    return replace(
        command,
        variables=(*command.variables, *((name, value) for name, value in variables)),
        options=(*command.options, *(option for option in options if option not in command.options)),
        packages=_together(command.packages, [pin.replace("{specifier}", specifier) for pin in rule.pins]),
    )


def _together(packages: Sequence[str], pins: Sequence[str]) -> tuple[str, ...]:
    """Put pins in the place of packages of their names; a pin without a bound leaves a package as it is."""
    found = {_name(text): text for text in packages}
    for pin in pins:
        if _name(pin) not in found or _name(pin) != pin:
            found[_name(pin)] = pin
    return tuple(found.values())


def rendered(command: Command) -> str:
    """Write a command; "" where nothing is left to install."""
    if command.tool and command.verb and not command.packages and not _installs_files(command):
        return ""
    words = [f"{name}={shlex.quote(value)}" for name, value in command.variables]
    words += [*command.wrappers, *map(shlex.quote, command.program), *command.verb.split()]
    if command.tool is None:
        return command.text if command.wrappers or command.program else ""
    for option in command.options:
        words += [option.name] if option.value is None else [f"{option.name}={shlex.quote(option.value)}"]
    return " ".join([*words, *map(shlex.quote, command.packages)])


def _installs_files(command: Command) -> bool:
    return any(option.name in ("--requirement", "--file", "--editable") for option in command.options)
