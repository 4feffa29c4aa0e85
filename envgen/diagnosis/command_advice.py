"""Judge installation commands that are passed around, and write the right ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.utils import canonicalize_name

from envgen.diagnosis.blocked import TENSORFLOW, WHY_TENSORFLOW_MACOS
from envgen.diagnosis.command_lines import Command, Option
from envgen.knowledge.advice import CommandRule, command_rules
from envgen.knowledge.replacements import needless_extra, replacement_of, unwanted_channel, unwanted_package
from envgen.knowledge.tensorflow import pypi_name
from envgen.knowledge.version_ranges import overlaps
from envgen.models.findings import Severity
from envgen.models.platform import Platform
from envgen.models.requirement import Origin, Requirement

_SPEC = re.compile(r"(?:[^:\s]+::)?([A-Za-z0-9_][\w.-]*)\s*(.*)")
_LOCAL = re.compile(r"(==\s*[\w.]+)\+[\w.]+")
_CHANNEL = "--channel"
_CONDA_FORGE = Option(name=_CHANNEL, value="conda-forge")
_FOUND = "{found}"  # in a rule's `drops`: whatever its pattern finds


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandProblem:
    """What is wrong with a command, under a stable code, and what is right."""

    code: str
    severity: Severity
    message: str
    right: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCommand:
    """A command with what is wrong with it.

    `right` is the command as it should be, "" where none is left; `by_envgen` the one that locks the same packages, ""
    where it installs none of PyPI's names. `judged` is False for what is no installation command that is known here.
    """

    command: Command
    problems: tuple[CommandProblem, ...]
    right: str
    by_envgen: str = ""
    judged: bool = True

    @property
    def ok(self) -> bool:
        """Return whether the command may be followed."""
        return not any(problem.severity == "error" for problem in self.problems)


def judge_command(command: Command, platform: Platform, beside: Sequence[Command] = ()) -> JudgedCommand:
    """Judge a command by the facts; `platform` is the target that the right one is written for.

    `beside` are other commands for the same environment, whose packages count where something is left open.
    """
    others = {name: text for each in beside if each.speaks == command.speaks for name, text in _specifiers(each)}
    rules: list[CommandRule] = []
    for rule in command_rules():
        repeated = rule.pins and rule.pins in [other.pins for other in rules]
        if not repeated and _applies(rule, command, others):
            rules.append(rule)
    problems = [
        CommandProblem(code=rule.code, severity=rule.severity, message=rule.why, right=rule.right) for rule in rules
    ]
    known_names = {name for rule in rules for name in (rule.package, *rule.drops)}
    right = _with_right_names(command, platform, known_names, problems)
    specifiers = dict(_specifiers(right))
    for rule in rules:
        right = _without(_revalued(right, rule), rule)
        right = _with(right, rule, platform, specifiers.get(rule.package, ""))
    return JudgedCommand(
        command=command,
        problems=tuple(problems),
        right=_rendered(right) if right != command else command.text,
        by_envgen=_by_envgen(right, platform),
        judged=bool(problems) or (command.tool is not None and bool(command.verb or not command.tool.verbs)),
    )


def _specifiers(command: Command) -> Iterator[tuple[str, str]]:
    """Yield each package's canonical name with its specifier, "" for what PEP 508 cannot read."""
    for text in command.packages:
        if _SPEC.fullmatch(text):
            requirement = command_requirement(text)
            yield (requirement.name, requirement.specifier) if requirement else (_base_name(text), "")


def _base_name(text: str) -> str:
    """Return the canonical name that a package's text starts with, of PyPI's or of conda's form."""
    return str(canonicalize_name(re.split(r"[=<>!~\[ {;@]", text.rpartition("::")[2])[0]))


def command_requirement(text: str) -> Requirement | None:
    """Return a command's package as a requirement; None for what PEP 508 cannot read."""
    try:
        return Requirement.parse(text, Origin(path="command"))
    except ValueError:
        return None


def _by_envgen(command: Command, platform: Platform) -> str:
    """Return the call of envgen that locks what a command installs; setuptools' bound is among what it knows."""
    if command.speaks != "pypi":
        return ""
    names = {name for name, _ in _specifiers(command)} - {"setuptools"}
    texts = [text for text in command.packages if _base_name(text) in names and not _is_file(text)]
    added = [f"--add {shlex.quote(text)}" for text in texts]
    return " ".join(["envgen new my-env", f"--python {command.python or platform.python}", *added]) if added else ""


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
        and (not rule.option or any(rule.fits_value(value) for value in command.values(rule.option)))
        and not any(option.name in rule.lacks for option in command.options)
        and (not rule.package or _concerns_package(rule, command, others))
    )


def _concerns_package(rule: CommandRule, command: Command, others: Mapping[str, str]) -> bool:
    """Return whether a command asks for the rule's package, in versions that the rule speaks of."""
    specifiers = dict(_specifiers(command))
    if rule.package not in specifiers:
        return False
    if rule.versions and not overlaps(specifiers[rule.package], rule.versions):
        return False
    return not rule.admits or _leaves_open(rule.admits, {**others, **specifiers})


def _leaves_open(text: str, specifiers: Mapping[str, str]) -> bool:
    """Return whether specifiers admit releases of `text`; one of its old name counts as a bound below 2.17."""
    admitted = Requirement.parse(text, Origin(path="rule"))
    if admitted.name in specifiers:
        return overlaps(specifiers[admitted.name], admitted.specifier)
    old = specifiers.get(f"{admitted.name}-macos")
    return True if old is None else overlaps(old, "<2.17", admitted.specifier)


def _with_right_names(
    command: Command, platform: Platform, known: Collection[str], problems: list[CommandProblem]
) -> Command:
    """Replace the names that do not serve on a Mac, and note a problem for each; rules speak of the `known` ones."""
    if command.speaks in ("pypi", "conda"):
        texts = [
            text if _base_name(text) in known else _right_name(command, text, platform, problems)
            for text in command.packages
        ]
        command = replace(command, packages=tuple(text for text in texts if text))
    if command.speaks == "conda":
        options = [_right_channel(option, known, problems) for option in command.options]
        command = replace(command, options=tuple(dict.fromkeys(options)))
    return command


def _right_name(command: Command, text: str, platform: Platform, problems: list[CommandProblem]) -> str:
    """Return what to ask for in the place of one package, "" for nothing."""
    name = _base_name(text)
    why = unwanted_package(name, "conda" if command.speaks == "conda" else "pypi")
    if why:
        message = f"`{name}`: {why}"
        problems.append(CommandProblem(code="NO-USE-ON-MAC", severity="error", message=message, right="leave it out"))
        return ""
    local = _LOCAL.sub(r"\1", text)
    if local != text:
        why = "what stands behind the `+` names a build of one index, which has none for a Mac"
        right = f"ask for `{local}`"
        problems.append(CommandProblem(code="LOCAL-VERSION", severity="error", message=why, right=right))
    requirement = command_requirement(local)
    if requirement is None:
        return local
    code, why, renamed = _renamed(requirement, platform, from_pypi=command.speaks == "pypi")
    if not why:
        return local
    written = str(renamed) if renamed.name else ""
    right = f"ask for `{written}`" if written else "leave it out"
    problems.append(CommandProblem(code=code, severity="error", message=why, right=right))
    return written


def _renamed(requirement: Requirement, platform: Platform, *, from_pypi: bool) -> tuple[str, str, Requirement]:
    """Return the code and the reason of a change of a requirement, "" for none, and what it becomes.

    A requirement without a name means that nothing takes its place.
    """
    row = replacement_of(requirement.name, platform.subdir, requirement.specifier)
    if row:
        specifier = requirement.specifier if row.keep_specifier else ""
        return "REPLACED", row.why, replace(requirement, name=row.replacement, specifier=specifier)
    needless = {extra: needless_extra(requirement.name, extra, platform.subdir) for extra in requirement.extras}
    for found in filter(None, needless.values()):
        kept = tuple(extra for extra in requirement.extras if not needless[extra])
        return "NEEDLESS-EXTRA", found.why, replace(requirement, extras=kept)
    old_name = pypi_name(requirement.specifier)
    if from_pypi and requirement.name == TENSORFLOW != old_name:
        return "OLD-NAME", WHY_TENSORFLOW_MACOS, replace(requirement, name=old_name)
    return "", "", requirement


def _right_channel(option: Option, known: Collection[str], problems: list[CommandProblem]) -> Option:
    """Return conda-forge in the place of a channel that is not to be mixed with it."""
    why = unwanted_channel(option.value or "") if option.name == _CHANNEL else ""
    if not why or f"{_CHANNEL}={option.value}" in known:
        return option
    message = f"the channel `{option.value}`: {why}"
    problems.append(CommandProblem(code="CHANNEL", severity="warning", message=message, right="take conda-forge"))
    return _CONDA_FORGE


def _revalued(command: Command, rule: CommandRule) -> Command:
    def right(option: Option) -> Option:
        if option.name != rule.option or option.value is None or not rule.fits_value(option.value):
            return option
        return replace(option, value=rule.corrected(option.value))

    return replace(command, options=tuple(right(option) for option in command.options))


def _without(command: Command, rule: CommandRule) -> Command:
    """Take what a rule drops out of a command."""
    drops = set(rule.drops)
    pinned = {_base_name(pin) for pin in rule.pins}  # replaced later, at their place in the command

    def found(text: str) -> bool:
        return _FOUND in drops and rule.finds(text)

    def is_dropped(package: str) -> bool:
        name = _base_name(package)
        return found(package) or (name not in pinned and not drops.isdisjoint((package, name)))

    if command.tool is None:
        command = _foreign(command, rule)
    return replace(
        command,
        variables=tuple(pair for pair in command.variables if drops.isdisjoint((pair[0], f"{pair[0]}={pair[1]}"))),
        wrappers=tuple(
            text for text in command.wrappers if not any(text == drop or text.startswith(f"{drop} ") for drop in drops)
        ),
        options=tuple(
            option
            for option in command.options
            if drops.isdisjoint((option.name, f"{option.name}={option.value}")) and not found(option.value or "")
        ),
        packages=tuple(text for text in command.packages if not is_dropped(text)),
    )


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


def _with(command: Command, rule: CommandRule, platform: Platform, specifier: str) -> Command:
    """Add what a rule finds missing in a command; `specifier` is that of the package that the rule is about."""
    words = {"python": command.python or platform.python, "macos": platform.macos}
    added = [text.format(**words).partition("=") for text in rule.adds]
    options = [Option(name=name, value=value or None) for name, _, value in added if name.startswith("-")]
    packages = {_base_name(text): text for text in command.packages}
    for pin in rule.pins:
        text = pin.replace("{specifier}", specifier)
        if _base_name(text) not in packages or _base_name(text) != text:  # without a bound, it changes nothing
            packages[_base_name(text)] = text
    return replace(
        command,
        variables=(*command.variables, *((name, value) for name, _, value in added if not name.startswith("-"))),
        options=(*command.options, *(option for option in options if option not in command.options)),
        packages=tuple(packages.values()),
    )


def _rendered(command: Command) -> str:
    """Return a command as it is typed; "" where nothing is left to install."""
    files = any(option.name in ("--requirement", "--file", "--editable") for option in command.options)
    if command.tool and command.verb and not command.packages and not files:
        return ""
    words = [f"{name}={shlex.quote(value)}" for name, value in command.variables]
    words += [*command.wrappers, *map(shlex.quote, command.program), *command.verb.split()]
    if command.tool is None:
        return " ".join([*words, *map(shlex.quote, command.rest)]) if command.program else ""
    for option in command.options:
        words += [option.name] if option.value is None else [f"{option.name}={shlex.quote(option.value)}"]
    return " ".join([*words, *map(shlex.quote, command.packages)])
