"""Tell from a program's first bytes which processors it runs on."""

from __future__ import annotations

from envgen.models.host_facts import ARM, INTEL

HEAD = 4096
_MACH_O = b"\xcf\xfa\xed\xfe"  # 64 bits, little-endian, as all Macs since 2006
_FAT = {b"\xca\xfe\xba\xbe": 20, b"\xca\xfe\xba\xbf": 32}
_CPUS = {0x0100000C: ARM, 0x01000007: INTEL}
_ELF_MACHINES = {0x3E: INTEL, 0xB7: ARM}
_MOST = 16


def architectures(head: bytes) -> tuple[str, ...]:
    """Name the processors of a Mach-O or ELF program, sorted; () for anything else."""
    magic = head[:4]
    if magic in _FAT:
        return _of_fat(head, _FAT[magic])
    if magic == _MACH_O:
        found = [_CPUS.get(int.from_bytes(head[4:8], "little"))]
    elif magic == b"\x7fELF":
        found = [_ELF_MACHINES.get(int.from_bytes(head[18:20], "big" if head[5:6] == b"\x02" else "little"))]
    else:
        found = []
    return tuple(name for name in found if name)


def interpreter(head: bytes) -> str:
    """Give the program that a script's first line names, "" where it names none; `env` stands for what follows it."""
    line, _, _ = head.partition(b"\n")
    if not line.startswith(b"#!"):
        return ""
    words = line[2:].decode("utf-8", "replace").split()
    if len(words) > 1 and words[0].endswith("/env"):
        return words[1]
    return words[0] if words else ""


def _of_fat(head: bytes, size: int) -> tuple[str, ...]:
    """Read the table of a universal binary, whose numbers are big-endian."""
    count = min(int.from_bytes(head[4:8], "big"), _MOST)
    types = (int.from_bytes(head[8 + size * place : 12 + size * place], "big") for place in range(count))
    return tuple(sorted({_CPUS[cpu] for cpu in types if cpu in _CPUS}))
