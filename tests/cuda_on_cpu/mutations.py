"""Kernels with one thing wrong: a barrier or a wait left out, or a bound moved by one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from cuda_on_cpu.build import runtime_library
from cuda_on_cpu.runtime import CpuRuntime
from gpuconv.backends.cuda.source import folder

__all__ = ["MutatedRuntime", "Mutation", "compiled_lines", "mutated", "mutations", "part_of"]

_BARRIER = re.compile(r"\b(__syncthreads|__syncwarp|cpu_copy_async_wait|wait\w*)\s*\([^()]*\);")

#: A comparison, as the sources write it: with spaces, which template brackets lack.
_BOUND = re.compile(r" (<|<=|>=) (0\b)?")
_MOVED = {
    "<": " <= ",
    "<=": " - 1 <= ",
    ">=": " > ",
}
_MOVED_FROM_ZERO = {"<": " < -1", "<=": " < 0", ">=": " >= -1"}

_LINE = re.compile(r'#line (\d+) "([\w.]+)"')


@dataclass(frozen=True)
class Mutation:
    """A line of a source, and what takes its place."""

    file: str
    number: int
    line: str
    mutant: str
    #: The line after it.
    after: str

    @property
    def code(self) -> str:
        """The mutant without indentation and comment."""
        return self.mutant.partition("//")[0].strip()

    @property
    def waits_less(self) -> bool:
        """Whether a barrier or a wait is what is left out."""
        return len(_BARRIER.findall(self.mutant)) < len(_BARRIER.findall(self.line))

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.code}"


def _mutants(line: str) -> Iterator[str]:
    code, slashes, comment = line.partition("//")
    if code.startswith("#") or "template" in code or "asm" in code:
        return
    for found in _BARRIER.finditer(code):
        yield code[: found.start()] + ";" + code[found.end() :] + slashes + comment
    for found in _BOUND.finditer(code):
        moved = _MOVED_FROM_ZERO[found[1]] if found[2] else _MOVED[found[1]]
        yield code[: found.start()] + moved + code[found.end() :] + slashes + comment


#: Sources by their parts, each of which has a test file; all others are shared.
_PARTS = {
    "dense": ("dense.cu", "dense.cuh", "dense_bytes.cu"),
    "separable": ("separable.cu", "march.cuh", "ring.cuh"),
    "fourier": ("fourier.cu",),
    "box": ("box.cu", "moving.cuh"),
    "recursive": ("recursive.cu",),
    "ordered": ("ordered.cu",),
    "masked": ("masked.cu", "weighted.cuh", "weigh.cu", "normalise.cu"),
    "bank": ("bank.cu", "reduction.cuh", "reduce.cu"),
    "canny": ("canny.cu",),
    "rank": (
        *("network.cu", "sorting.cuh", "order.cuh"),
        *("select.cu", "histogram.cu", "runs.cuh", "extreme.cu"),
    ),
    "nl_means": ("nl_means.cu",),
    "bilateral": ("bilateral.cu", "bilateral_many.cu", "likeness.cuh"),
}


def part_of(file: str) -> str:
    """Return the part that a source belongs to."""
    return next((part for part, files in _PARTS.items() if file in files), "shared")


def mutations(part: str) -> list[Mutation]:
    """Return every mutation of a part of kernels_cuda/: a key of _PARTS, or "shared"."""
    paths = sorted(path for path in folder().iterdir() if path.suffix in (".cu", ".cuh"))
    found = []
    for path in paths:
        if part_of(path.name) != part:
            continue
        lines = path.read_text("utf-8").splitlines()
        for number, (line, after) in enumerate(zip(lines, [*lines[1:], ""], strict=True), 1):
            found += [Mutation(path.name, number, line, new, after) for new in _mutants(line)]
    return found


def _located(text: str) -> Iterator[tuple[int, str, str, int]]:
    """Yield the index of each line of a program's text, the line, its file and number there."""
    file, number = "", 0
    for i, line in enumerate(text.split("\n")):
        if found := _LINE.match(line):
            file, number = found[2], int(found[1])
            continue
        yield i, line, file, number
        number += 1


def mutated(text: str, mutation: Mutation) -> str:
    """Return a program's text with the mutation, where the program has the line."""
    lines = text.split("\n")
    for i, line, *place in _located(text):
        if place == [mutation.file, mutation.number]:
            assert line == mutation.line, f"#line leads astray: {line!r} is not {mutation.line!r}"
            lines[i] = mutation.mutant
    return "\n".join(lines)


@cache
def compiled_lines(text: str) -> frozenset[tuple[str, int]]:
    """Return the lines, by file and number, that the preprocessor leaves of a program's text."""
    command = ["g++", "-E", "-x", "c++", "-DGPUCONV_ON_CPU", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    left = done.stdout.replace("\n# ", "\n#line ")
    return frozenset((file, number) for _, line, file, number in _located(left) if line.strip())


@dataclass(frozen=True)
class _Mutant:
    """A program with a text of its own."""

    text: str
    entry: str
    label: str


class MutatedRuntime(CpuRuntime):
    """Runs every program with the mutation; what is compiled for that is kept in `place`."""

    def __init__(self, mutation: Mutation, place: str, **options: Any) -> None:
        super().__init__(**options)
        self.mutation, self._place = mutation, place

    def compile(self, program: Any) -> Any:
        """Return the mutant of `program`, compiled; `program` where it has not the line."""
        text = mutated(program.text, self.mutation)
        if text == program.text:
            return super().compile(program)
        runtime_library()  # stays where all processes find it
        with patch.dict(os.environ, GPUCONV_CPU_CACHE=self._place):
            return super().compile(_Mutant(text, program.entry, program.label))
