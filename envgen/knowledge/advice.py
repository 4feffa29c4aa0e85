"""What is wrong with installation commands that are passed around, and with machines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from envgen.knowledge.tables import lazy_table
from envgen.models.findings import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTool:
    """A tool whose commands are judged.

    `programs` are the names it is called by; `verbs` what it can do with packages, as words behind the program;
    `values` are the options that take a value, each with its other spellings: `--channel -c`; `speaks` says whose names
    its packages have, `pypi_option` the option that makes them PyPI's ("" = none).
    """

    name: str
    programs: tuple[str, ...]
    verbs: tuple[str, ...]
    values: tuple[str, ...]
    speaks: str
    source: str
    verified: date
    pypi_option: str = ""

    @property
    def rule(self) -> str:
        return f"commands of {', '.join(self.programs)} are read: {', '.join(self.verbs)}"

    def option(self, text: str) -> str:
        """Return the first spelling of an option that takes a value, or "" where it takes none."""
        return next((listed.split()[0] for listed in self.values if text in listed.split()), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRule:
    """What is wrong with commands of some tools, and what is right.

    It speaks of a command of one of `tools` (() = any) with one of `verbs` (() = any), whose packages are those of
    `speaks` ("" = any), where all that is given is true: `option` is there, with a value like `value`; none of `lacks`
    is; `pattern` is found in the text; `package` is among its packages, in versions that overlap `versions`; what
    `admits` names is left open, by a bound that overlaps it or by none. The patterns are regular expressions.

    Right is the command with the option's value (of a program that is no tool: what the pattern finds) replaced by
    `becomes` (a template of the pattern's groups), without `drops` (options, variables, wrappers, packages; `{found}`
    for the packages and options in which the pattern is found) and with `adds` and the requirements `pins`, where
    `{specifier}` is that of `package`; `right` says it in words.
    """

    code: str
    severity: Severity
    why: str
    right: str
    source: str
    verified: date
    tools: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    speaks: str = ""
    option: str = ""
    value: str = ""
    lacks: tuple[str, ...] = ()
    pattern: str = ""
    package: str = ""
    versions: str = ""
    admits: str = ""
    becomes: str = ""
    drops: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        return f"{self.code}: {self.why}; right: {self.right}"

    def finds(self, text: str) -> bool:
        """Return whether the pattern is in a text; no pattern is in every one."""
        return not self.pattern or re.search(self.pattern, text) is not None

    def fits_value(self, value: str) -> bool:
        """Return whether an option's value is like the rule's; no value is like every one."""
        return not self.value or re.fullmatch(self.value, value) is not None

    def rewritten(self, text: str) -> str:
        """Return a text with `becomes` in the place of what the pattern finds, for programs that are no tool."""
        return re.sub(self.pattern, self.becomes, text) if self.becomes and not self.option else text

    def corrected(self, value: str) -> str:
        """Return the value that is right in the place of one."""
        return re.sub(self.value, self.becomes, value, count=1) if self.becomes else value


command_tools = lazy_table("advice.toml", "tool", CommandTool)
command_rules = lazy_table("advice.toml", "rule", CommandRule)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRule:
    """What a finding about a machine breaks, and the way out."""

    code: str
    severity: Severity
    why: str
    fix: str
    source: str
    verified: date

    @property
    def rule(self) -> str:
        return f"{self.code}: {self.why}; fix: {self.fix}"


host_rules = lazy_table("host.toml", "finding", HostRule)


def host_rule(code: str) -> HostRule:
    """Return the rule of a finding's code; raise KeyError for one that is none."""
    return {rule.code: rule for rule in host_rules()}[code]
