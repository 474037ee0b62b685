"""SASS, the GPU's machine code, as values: instructions, what each is for, and the loops."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.static import nvrtc

__all__ = [
    "KINDS",
    "PIPES",
    "Code",
    "Instruction",
    "Loop",
    "disassemble",
    "find",
    "kind",
    "lacking",
    "mix",
    "pipe",
]

_LINE = re.compile(r"\s*/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P[T\d]+)\s+)?([A-Z][\w.]*)\s*(.*?)\s*;")
_REMARK = re.compile(r"\s*\(\*.*?\*\)")
_LABEL = re.compile(r"^([.$\w]+):")
_TARGET = re.compile(r"`\((.*?)\)")
#: Between operands; none is written before the label of a RET.
_BETWEEN = re.compile(r",\s*|\s+(?=`)")

#: What instructions are for, by the first part of the opcode; a U before it is the uniform twin.
KINDS: dict[str, tuple[str, ...]] = {
    "fma": ("FFMA", "FMUL", "FADD", "DFMA", "DMUL", "DADD", "HFMA2", "HADD2", "HMUL2", "IDP"),
    "lds": ("LDS",),
    "sts": ("STS", "ATOMS"),
    "ldg": ("LDG", "LD", "LDGSTS"),
    "stg": ("STG", "ST"),
    "local": ("LDL", "STL"),
    "convert": ("I2F", "I2FP", "F2I", "F2F", "F2FP", "F2IP", "I2I", "I2IP", "FRND"),
    "move": ("MOV", "CS2R", "SEL", "PRMT", "S2R", "S2UR", "R2UR", "FSEL", "LDC", "ULDC", "SHFL"),
    "integer": (
        "IMAD",
        "IADD",
        "IADD3",
        "LEA",
        "SHF",
        "LOP3",
        "IABS",
        "VIADD",
        "VIMNMX",
        "VIMNMX3",
        "IMNMX",
        "VIADDMNMX",
    ),
    "test": (
        "ISETP",
        "FSETP",
        "FSET",
        "DSETP",
        "PLOP3",
        "FCHK",
        "R2P",
        "P2R",
        "VOTE",
        "FMNMX",
    ),
    "barrier": ("BAR", "LDGDEPBAR", "DEPBAR", "WARPSYNC", "SYNCS"),
    "branch": ("BRA", "BRX", "EXIT", "CALL", "RET", "BSSY", "BSYNC", "BREAK"),
}
_KIND = {name: kind for kind, names in KINDS.items() for name in names}

#: Which part of a multiprocessor executes them, where it takes fewer than are issued. ALU and FMA
#: pipe as Nsight Compute's documentation divides them ("Metrics Decoder", pipelines).
PIPES: dict[str, tuple[str, ...]] = {
    "fma": ("FFMA", "FMUL", "FADD", "HFMA2", "HADD2", "HMUL2"),
    "multiply": ("IMAD", "IDP"),
    "alu": (
        *("IADD", "IADD3", "LEA", "SHF", "LOP3", "IABS", "VIADD", "VIMNMX", "VIMNMX3", "IMNMX"),
        *("VIADDMNMX", "ISETP", "FSETP", "FSET", "PLOP3", "R2P", "P2R", "FMNMX", "SEL", "FSEL"),
        *("PRMT", "MOV", "I2FP"),
    ),
    "convert": ("I2F", "F2I", "F2F", "F2FP", "F2IP", "I2I", "I2IP", "FRND"),
    "double": ("DFMA", "DMUL", "DADD", "DSETP"),
    "special": ("MUFU", "POPC"),
}
_PIPE = {name: pipe for pipe, names in PIPES.items() for name in names}


@dataclass(frozen=True)
class Instruction:
    """One instruction, the words of its line taken apart."""

    #: Predicate that lets it run, such as "!P0"; "" if it always does.
    guard: str
    opcode: str
    operands: tuple[str, ...]
    #: Index of the instruction that a branch names; -1 for what is no branch.
    target: int = -1

    @property
    def name(self) -> str:
        """The first part of the opcode."""
        return self.opcode.partition(".")[0]

    @property
    def flags(self) -> frozenset[str]:
        """The other parts of the opcode."""
        return frozenset(self.opcode.split(".")[1:])


@dataclass(frozen=True)
class Loop:
    """Instructions from a backward branch's target to the branch."""

    first: int
    last: int
    #: Loops around this one.
    depth: int


@dataclass(frozen=True)
class Code:
    """The instructions of one kernel, those of functions that it calls included."""

    instructions: tuple[Instruction, ...]

    def loops(self) -> list[Loop]:
        """Return the loops, outer ones first."""
        ends: dict[int, int] = {}
        for i, each in enumerate(self.instructions):
            # NVCC ends every function with a branch to itself, which is never reached.
            if each.name == "BRA" and 0 <= each.target < i:
                ends[each.target] = max(i, ends.get(each.target, 0))
        spans = sorted(ends.items(), key=lambda span: (span[0], -span[1]))
        return [
            Loop(first, last, sum(a < first and last <= b for a, b in spans))
            for first, last in spans
        ]


def find() -> Path | None:
    """Return nvdisasm: that of the wheel, else that on the path; None if absent."""
    for each in nvrtc.wheels():
        for tool in sorted(each.glob("cu1*/bin/nvdisasm")):
            return tool
    tool = shutil.which("nvdisasm")
    return Path(tool) if tool else None


def lacking() -> str:
    """Return why nothing can be disassembled here; "" where it can."""
    return "" if find() else "nvdisasm is not installed: pip install 'gpuconv[kernels]'"


def disassemble(cubin: bytes, entry: str) -> Code:
    """Return the machine code of a kernel."""
    if (tool := find()) is None:
        raise FileNotFoundError(lacking())
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        done = subprocess.run([tool, "-c", file.name], check=True, capture_output=True, text=True)
    return parse(done.stdout, entry)


def parse(listing: str, entry: str) -> Code:
    """Return the code of a kernel from nvdisasm's listing."""
    labels: dict[str, int] = {}
    found: list[tuple[str, str, str]] = []
    here = False
    for line in _REMARK.sub("", listing).splitlines():
        if "\t.section\t" in line:
            here = f".text.{entry}," in line
        elif here and (label := _LABEL.match(line)):
            labels[label[1]] = len(found)
        elif here and (read := _LINE.match(line)):
            found.append((read[2] or "", read[3], read[4]))
    return Code(tuple(_instruction(*each, labels) for each in found))


def _instruction(guard: str, opcode: str, rest: str, labels: dict[str, int]) -> Instruction:
    target = _TARGET.search(rest)
    operands = tuple(_BETWEEN.split(rest.strip())) if rest else ()
    return Instruction(guard, opcode, operands, labels.get(target[1], -1) if target else -1)


def kind(instruction: Instruction) -> str:
    """Return what an instruction is for: a key of `KINDS`, or "other".

    Several are moves in disguise, which use a pipe that is idle: ``IMAD.MOV``, and ``HFMA2`` of
    zeros to make a constant.
    """
    name = instruction.name
    if "MOV" in instruction.flags or (name == "HFMA2" and "RZ" in instruction.operands):
        return "move"
    return _KIND.get(name) or _KIND.get(name.removeprefix("U"), "other")


def pipe(instruction: Instruction) -> str:
    """Return what executes an instruction: a key of `PIPES`; "" for what none of them does."""
    return _PIPE.get(instruction.name, "")


def mix(instructions: Iterable[Instruction]) -> Counter[str]:
    """Return how many instructions there are of each kind."""
    return Counter(map(kind, instructions))
