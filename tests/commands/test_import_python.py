"""Test which python is chosen from what a file says."""

from __future__ import annotations

import pytest

from envgen.commands.import_file import choose_python
from envgen.errors import SourceLine
from envgen.importers.items import ImportedPython, Span

SPAN = Span(line=SourceLine(file="f", line=1, text=""), last=1)


def asked(*bounds: str, conda: bool = True) -> list[ImportedPython]:
    return [ImportedPython(span=SPAN, bound=bound, conda=conda) for bound in bounds]


@pytest.mark.parametrize(
    ("bounds", "minor"),
    [
        ([], ""),
        ([""], ""),
        ([">=3.9"], ""),
        (["~=3.7"], ""),
        (["=3.10"], "3.10"),
        (["3.10.*"], "3.10"),
        (["==3.11.13"], "3.11"),
        (["=3.8"], "3.8"),
        (["~=3.11.0"], "3.11"),
        (["<3.10"], "3.9"),
        ([">=3.9,<3.13"], "3.12"),
        (["<=3.12"], "3.12"),
        ([">=3.9", "<3.12"], "3.11"),
        (["3.9|3.10"], ""),
    ],
)
def test_of_condas_bounds(bounds: list[str], minor: str) -> None:
    chosen = choose_python(asked(*bounds))
    assert (chosen.minor, chosen.possible) == (minor, True)
    assert chosen.why


@pytest.mark.parametrize(("bound", "minor"), [(">=3.10", ""), ("~=3.12.0", "3.12"), ("<3.12,>=3.9", "3.11"), ("x", "")])
def test_of_pep440(bound: str, minor: str) -> None:
    assert choose_python(asked(bound, conda=False)).minor == minor


@pytest.mark.parametrize("bounds", [["=3.7"], ["=2.7"], ["=3.9", "=3.10"], [">=4"]])
def test_what_no_mac_has(bounds: list[str]) -> None:
    chosen = choose_python(asked(*bounds))
    assert (chosen.minor, chosen.possible) == ("", False)


def test_a_wish_goes_before() -> None:
    assert choose_python(asked("=3.7"), "3.12").minor == "3.12"
