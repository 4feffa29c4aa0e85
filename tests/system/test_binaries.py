"""Test that programs are told apart by their first bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from envgen.system.machine import HEAD, architectures, interpreter

ARM = (0x0100000C).to_bytes(4, "little")
INTEL = (0x01000007).to_bytes(4, "little")
OTHER = (0x00000012).to_bytes(4, "little")


def thin(cpu: bytes) -> bytes:
    return b"\xcf\xfa\xed\xfe" + cpu + bytes(24)


def fat(*cpus: bytes, magic: bytes = b"\xca\xfe\xba\xbe", size: int = 20) -> bytes:
    entries = b"".join(cpu[::-1] + bytes(size - 4) for cpu in cpus)
    return magic + len(cpus).to_bytes(4, "big") + entries


def elf(machine: int, order: str = "little") -> bytes:
    return b"\x7fELF\x02" + (b"\x01" if order == "little" else b"\x02") + bytes(12) + machine.to_bytes(2, order)  # type: ignore[arg-type]


HEADS = {
    "arm64": (thin(ARM), ("arm64",)),
    "Intel": (thin(INTEL), ("x86_64",)),
    "PowerPC": (thin(OTHER), ()),
    "universal": (fat(INTEL, ARM), ("arm64", "x86_64")),
    "universal, large": (fat(ARM, INTEL, magic=b"\xca\xfe\xba\xbf", size=32), ("arm64", "x86_64")),
    "universal in name alone": (fat(INTEL), ("x86_64",)),
    "a Java class, which has the same first bytes": (b"\xca\xfe\xba\xbe\x00\x00\x00\x41" + bytes(60), ()),
    "Linux on x86-64": (elf(0x3E), ("x86_64",)),
    "Linux on arm64": (elf(0xB7), ("arm64",)),
    "Linux on something else": (elf(0xF3), ()),
    "a script": (b"#!/bin/sh\n", ()),
    "cut short": (b"\xcf\xfa\xed\xfe", ()),
    "empty": (b"", ()),
}


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS)
def test_heads(head: bytes, expected: tuple[str, ...]) -> None:
    assert architectures(head) == expected


def test_a_real_program() -> None:
    with Path(sys.executable).open("rb") as file:
        assert architectures(file.read(HEAD))


@pytest.mark.parametrize(
    ("head", "program"),
    [
        (b"#!/opt/python\nimport x", "/opt/python"),
        (b"#! /opt/python -I\n", "/opt/python"),
        (b"#!/usr/bin/env python3\n", "python3"),
        (b"#!/usr/bin/env\n", "/usr/bin/env"),
        (b"#!\n", ""),
        (b"import x", ""),
        (b"", ""),
    ],
)
def test_first_lines_of_scripts(head: bytes, program: str) -> None:
    assert interpreter(head) == program
