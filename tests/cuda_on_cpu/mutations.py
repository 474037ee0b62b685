"""Kernels with one thing wrong: a barrier or a wait left out, or a bound moved by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cuda_on_cpu.runtime import CpuRuntime
from gpuconv.backends.cuda.source import folder

__all__ = ["MutatedRuntime", "Mutation", "mutated", "mutations"]

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

    @property
    def code(self) -> str:
        """The mutant without indentation and comment."""
        return self.mutant.partition("//")[0].strip()

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


def mutations() -> list[Mutation]:
    """Return every mutation of every source in kernels_cuda/."""
    paths = sorted(path for path in folder().iterdir() if path.suffix in (".cu", ".cuh"))
    return [
        Mutation(path.name, number, line, mutant)
        for path in paths
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        for mutant in _mutants(line)
    ]


def mutated(text: str, mutation: Mutation) -> str:
    """Return a program's text with the mutation, where the program has the line."""
    lines = text.split("\n")
    file, number = "", 0
    for i, line in enumerate(lines):
        if found := _LINE.match(line):
            file, number = found[2], int(found[1])
            continue
        if (file, number) == (mutation.file, mutation.number):
            assert line == mutation.line, f"#line leads astray: {line!r} is not {mutation.line!r}"
            lines[i] = mutation.mutant
        number += 1
    return "\n".join(lines)


@dataclass(frozen=True)
class _Mutant:
    """A program with a text of its own."""

    text: str
    entry: str
    label: str


class MutatedRuntime(CpuRuntime):
    """Runs every program with the mutation."""

    def __init__(self, mutation: Mutation, **options: Any) -> None:
        super().__init__(**options)
        self.mutation = mutation

    def compile(self, program: Any) -> Any:
        """Return the mutant of `program`, compiled."""
        text = mutated(program.text, self.mutation)
        return super().compile(_Mutant(text, program.entry, program.label))
