"""Judge installation commands that are passed around, and write the right ones."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from envgen.diagnosis.command_lines import Command, Option, Wrong, base_name, judge_names, named
from envgen.knowledge.advice import CommandRule, command_rules
from envgen.knowledge.version_ranges import overlaps
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement

_FOUND = "{found}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCommand:
    """A command with what is wrong with it.

    `right` is the command as it should be, "" where none is left; `by_envgen` the one that locks the same packages, ""
    where it installs none of PyPI's names. `judged` is False for what is no installation command that is known here.
    """

    command: Command
    wrongs: tuple[Wrong, ...]
    right: str
    by_envgen: str = ""
    judged: bool = True

    @property
    def ok(self) -> bool:
        """Return whether the command may be followed."""
        return not any(wrong.severity == "error" for wrong in self.wrongs)


def judge_command(command: Command, platform: Platform, beside: Sequence[Command] = ()) -> JudgedCommand:
    """A command to the facts; `platform` is the target that the right one is written for.

    `beside` are other commands for the same environment, whose packages count where something is left open.
    """
    others = {name: text for each in beside if each.speaks == command.speaks for name, text in named(each)}
    rules: list[CommandRule] = []
    for rule in command_rules():
        told = rule.pins and rule.pins in [known.pins for known in rules]
        if not told and _applies(rule, command, others):
            rules.append(rule)
    told_names = {name for rule in rules for name in (rule.package, *rule.drops)}
    renamed = judge_names(command, platform, told_names)
    wrongs = (
        *(Wrong(code=rule.code, severity=rule.severity, message=rule.why, right=rule.right) for rule in rules),
        *renamed.wrongs,
    )
    right = _corrected(renamed.command, rules, platform)
    return JudgedCommand(
        command=command,
        wrongs=wrongs,
        right=rendered(right) if right != command else command.text,
        by_envgen=_by_envgen(right, platform),
        judged=bool(wrongs) or (command.tool is not None and bool(command.verb or not command.tool.verbs)),
    )


def _by_envgen(command: Command, platform: Platform) -> str:
    """Write the call of envgen's that locks what a command installs; setuptools' bound is among what it knows."""
    if command.speaks != "pypi":
        return ""
    python = command.python or platform.python
    names = [text for text in command.packages if dict(named(command)).get(base_name(text)) is not None]
    added = [f"--add {shlex.quote(text)}" for text in names if base_name(text) != "setuptools" and not _is_file(text)]
    return " ".join(["envgen new my-env", f"--python {python}", *added]) if added else ""


def _is_file(text: str) -> bool:
    return "/" in text or text.endswith(".whl")


def _applies(rule: CommandRule, command: Command, others: Mapping[str, str]) -> bool:
    tool = command.tool.name if command.tool else ""
    if rule.tools and tool not in rule.tools:
        return False
    if (rule.verbs and command.verb not in rule.verbs) or (rule.speaks and command.speaks != rule.speaks):
        return False
    return (
        rule.finds(command.plain)
        and _has_option(rule, command)
        and not any(option.name in rule.lacks for option in command.options)
        and (not rule.package or _asks(rule, command, others))
    )


def _has_option(rule: CommandRule, command: Command) -> bool:
    return not rule.option or any(rule.fits_value(value) for value in command.values(rule.option))


def _asks(rule: CommandRule, command: Command, others: Mapping[str, str]) -> bool:
    """Return whether a command asks for the rule's package, in versions that the rule speaks of."""
    asked = dict(named(command))
    if rule.package not in asked:
        return False
    if rule.versions and not overlaps(asked[rule.package], rule.versions):
        return False
    return not rule.admits or _leaves_open(rule.admits, {**others, **asked})


def _leaves_open(text: str, asked: Mapping[str, str]) -> bool:
    """Return whether what is asked for leaves releases of something open; its old name counts as a bound below 2.17."""
    wanted = Requirement.parse(text, Origin(path="rule"))
    if wanted.name in asked:
        return overlaps(asked[wanted.name], wanted.specifier)
    old = asked.get(f"{wanted.name}-macos")
    return True if old is None else overlaps(old, "<2.17", wanted.specifier)


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
    if command.tool is None:
        command = _foreign(command, rule)
    return replace(
        command,
        variables=tuple(pair for pair in command.variables if drops.isdisjoint((pair[0], f"{pair[0]}={pair[1]}"))),
        wrappers=tuple(text for text in command.wrappers if not _dropped(text, drops)),
        options=tuple(
            option
            for option in command.options
            if drops.isdisjoint((option.name, f"{option.name}={option.value}")) and not _found(rule, option.value or "")
        ),
        packages=tuple(text for text in command.packages if not _goes(rule, text)),
    )


def _found(rule: CommandRule, text: str) -> bool:
    return _FOUND in rule.drops and rule.finds(text)


def _goes(rule: CommandRule, package: str) -> bool:
    """Return whether a package is dropped, and nothing of its name pinned in its place."""
    if _found(rule, package):
        return True
    return not {package, base_name(package)}.isdisjoint(rule.drops) and not _pinned(rule, package)


def _foreign(command: Command, rule: CommandRule) -> Command:
    """Correct a command whose program is no tool: drop it, take back what it exports, or rewrite its text."""
    if any(command.plain.startswith(drop) for drop in rule.drops):
        return replace(command, text="", program=(), wrappers=(), variables=(), rest=())
    if command.program == ("export",) and command.rest and set(command.rest) <= set(rule.drops):
        names = tuple(text.partition("=")[0] for text in command.rest)
        return replace(command, text=shlex.join(("unset", *names)), program=("unset",), rest=names)
    text = rule.rewritten(command.text)
    if text == command.text:
        return command
    program, *rest = shlex.split(text)
    return replace(command, text=text, program=(program,), rest=tuple(rest))


def _dropped(wrapper: str, drops: set[str]) -> bool:
    return any(wrapper == drop or wrapper.startswith(f"{drop} ") for drop in drops)


def _pinned(rule: CommandRule, text: str) -> bool:
    return base_name(text) in {base_name(pin) for pin in rule.pins}


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
    found = {base_name(text): text for text in packages}
    for pin in pins:
        if base_name(pin) not in found or base_name(pin) != pin:
            found[base_name(pin)] = pin
    return tuple(found.values())


def rendered(command: Command) -> str:
    """Write a command; "" where nothing is left to install."""
    if command.tool and command.verb and not command.packages and not _installs_files(command):
        return ""
    words = [f"{name}={shlex.quote(value)}" for name, value in command.variables]
    words += [*command.wrappers, *map(shlex.quote, command.program), *command.verb.split()]
    if command.tool is None:
        return " ".join([*words, *map(shlex.quote, command.rest)]) if command.program else ""
    for option in command.options:
        words += [option.name] if option.value is None else [f"{option.name}={shlex.quote(option.value)}"]
    return " ".join([*words, *map(shlex.quote, command.packages)])


def _installs_files(command: Command) -> bool:
    return any(option.name in ("--requirement", "--file", "--editable") for option in command.options)
