"""Launch geometry of kernels_cuda/separable.cu, and of its check and fallback: two passes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends.cuda.dense import dense
from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.kernel import Kernel
from gpuconv.weights import Term

__all__ = ["REPAIR_THREADS", "march", "ring", "two_pass"]

Array = NDArray[Any]
Made = tuple[list[Launch], dict[str, Scratch]]

#: Threads of a block: THREADS in separable.cu.
_THREADS = 128
#: Rows that a block makes in one round of its loop: Inside::unrolled in march.cuh.
_UNROLLED = 4
#: 32-bit registers of a multiprocessor.
_REGISTER_FILE = 65536
#: 32-bit registers of a thread for sums and pixels, by the bytes of a sum; and what is left of them
#: where addresses, a second term, a guard or an epilogue take some. Compilers for all architectures
#: do with the rest of 255 and spill nothing (tests/test_compile_gate.py).
_REGISTERS, _FEWER_REGISTERS = {4: 200, 8: 104}, {4: 128, 8: 100}
#: Of these for rows that are being read: of neighbouring taps, and of taps apart.
_READING, _READING_APART = 72, 64
#: Rows on their way, of blocks that need no border: Inside::ahead in march.cuh.
_AHEAD = 2


def march(
    problem: Problem, terms: tuple[Term, ...], kernel: Kernel, limits: Limits, guard: bool
) -> Made | str:
    """Return the launch of the kernel that marches down a strip with its sums in registers.

    Or the reason why it cannot be: strides, dilation along y, or a kernel too long.
    """
    y, x = problem.y, problem.x
    if not problem.unit_steps:
        return "strides, or a dilation along y"
    wide = _columns(problem, len(terms), guard)
    if not wide:
        return f"{y.taps}×{x.taps} taps, {x.dilation} apart, do not fit into registers"
    constants = Constants(problem, _weights(terms, kernel, guard), fixed=True)
    vector = min(problem.vector, wide)
    macros = [
        ("ROWS", y.taps),
        ("COLUMNS", x.taps),
        ("TERMS", len(terms)),
        ("SPACING", x.dilation),
        ("LEAD", x.offset % vector if vector > 1 else 0),
        ("X", wide),
        ("VECTOR", vector),
        ("STORE", problem.store(wide)),
        ("GUARD", int(guard)),
    ]
    at_once = limits.multiprocessors * _resident(problem, wide)
    segment = up(_segment(problem, _THREADS * wide, at_once, least=8), _UNROLLED)
    launch = Launch(
        program("separable", "march", problem, macros, constants, kernel.divisor),
        problem.blocks(_THREADS * wide, segment, limits.grid),
        (_THREADS, 1, 1),
        0,
        ("image", "out", None, *constants.operands),
        constants.parameters(kernel.divisor, segment=segment),
    )
    return [*constants.launches(), launch], constants.scratch


def _columns(problem: Problem, terms: int, guard: bool) -> int:
    """Return the output columns of a thread: the most that fit into registers; 0 if none do."""
    size = problem.sum.itemsize
    plain = problem.vector > 1 and terms == 1 and not guard and not problem.epilogue
    most = (_REGISTERS if plain else _FEWER_REGISTERS)[size]
    most_reading = _READING if problem.x.dilation == 1 else _READING_APART
    small = problem.dtype.itemsize <= 2 and size == 4
    for wide in (8, 4) if small else (16 // size,):
        reading, all_ = _registers(problem, wide, terms)
        if reading <= most_reading and all_ <= most:
            return wide
    return 0


def _registers(problem: Problem, wide: int, terms: int) -> tuple[int, int]:
    """Return about how many registers hold pixels that are being read, and pixels and sums."""
    vector, offset = max(1, min(problem.vector, wide)), problem.x.offset
    if terms > 1:
        # The ring adds terms in another order, so which kernel runs may not depend on where a part
        # of an image begins, or its rows: it is decided as for a whole image that is aligned.
        vector = min(16 // problem.dtype.itemsize, wide)
        offset = problem.extent.x.offset
    window = up(offset % vector + wide + problem.x.footprint - 1, vector)
    words = problem.sum.itemsize // 4
    ahead = _AHEAD * window * problem.dtype.itemsize // 4
    # Pixels of the sums' type stay where they are; others become numbers somewhere else.
    numbers = 0 if problem.dtype == problem.sum else words * window
    sums = words * wide * (problem.y.taps + terms)
    return ahead + numbers // 2, ahead + 3 * numbers // 2 + sums


#: Output rows of a block, at most: its halo is then a small part, and no block is waited for long.
_MOST_ROWS = 512


def _segment(problem: Problem, width: int, at_once: int, least: int) -> int:
    """Return the output rows of a block that makes `width` columns.

    Its halo of rows is read twice, so a block should be tall; but the device can run `at_once` of
    them at once, so there are as many as that, or twice, or three times: no half-empty last wave.
    """
    strips, _, planes = problem.blocks(width, 1)
    share = -(-strips * planes * problem.y.out // at_once)
    waves = -(-share // _MOST_ROWS)
    return max(least, -(-share // waves))


def _resident(problem: Problem, wide: int) -> int:
    """Return the blocks of the marching kernel that the registers of a multiprocessor hold.

    A thread has its sums, and windows of two rows, some of them twice, beside 40 registers for
    addresses: within a tenth of what compilers take (``make static``).
    """
    words = problem.sum.itemsize // 4
    numbers = words * (wide * (problem.y.taps + 1) + 2 * (wide + problem.x.footprint - 1))
    return max(1, _REGISTER_FILE // (_THREADS * (40 + 5 * numbers // 4)))


#: Output columns of a block and rows of a step of the ring, columns of a thread, and taps at once:
#: STRIP, STEP, COLUMNS_EACH and TAPS in separable.cu.
_STRIP, _STEP, _EACH, _TAPS = 128, 32, 4, 4


def ring(
    problem: Problem, terms: tuple[Term, ...], kernel: Kernel, limits: Limits, guard: bool
) -> Made | str:
    """Return the launch of the kernel that marches down a strip with filtered rows in a ring.

    Or why it cannot be: strides, dilation along y, or more rows than shared memory holds.
    """
    x = problem.x
    if not problem.unit_steps:
        return "strides, or a dilation along y"
    vector = min(problem.vector, _EACH)
    lead = x.offset % vector if vector > 1 else 0
    shared, most = (_ring_bytes(problem, len(terms), before) for before in (lead, _EACH - 1))
    # Two passes may round otherwise, so the choice may not depend on how rows are aligned.
    if most > limits.shared:
        return f"{most} bytes of shared memory, of which the device has {limits.shared}"
    constants = Constants(problem, _weights(terms, kernel, guard), fixed=False)
    at_once = limits.multiprocessors * max(1, limits.shared // shared)
    segment = up(_segment(problem, _STRIP, at_once, least=_STEP), _STEP)
    macros = [
        ("ROWS", 0),
        ("COLUMNS", 0),
        ("TERMS", len(terms)),
        ("SPACING", x.dilation),
        ("LEAD", lead),
        ("VECTOR", vector),
        ("STORE", problem.store(_EACH)),
        ("GUARD", int(guard)),
    ]
    launch = Launch(
        program("separable", "ring", problem, macros, constants, kernel.divisor),
        problem.blocks(_STRIP, segment, limits.grid),
        (_STRIP // _EACH, _STEP // _EACH, 1),
        shared,
        ("image", "out", None, *constants.operands),
        constants.parameters(kernel.divisor, segment=segment),
    )
    return [*constants.launches(), launch], constants.scratch


def _ring_bytes(problem: Problem, terms: int, lead: int) -> int:
    """Return the bytes of shared memory of a block of the ring."""
    y, x = problem.y, problem.x
    width = lead + _STRIP + (up(x.taps, _TAPS) - 1) * x.dilation
    kept = up(y.taps - 1, _EACH) + _STEP
    return problem.sum.itemsize * (_STEP * up(width, _EACH) + terms * _STRIP * kept)


def _weights(terms: tuple[Term, ...], kernel: Kernel, guard: bool) -> Array:
    """Return what the fused kernels read: the terms and, to guard sums, all weights behind."""
    parts = [part for term in terms for part in term]
    return np.concatenate([*parts, kernel.numerators.ravel()] if guard else parts)


def two_pass(
    problem: Problem, terms: tuple[Term, ...], kernel: Kernel, limits: Limits, guard: bool
) -> Made:
    """Return launches that filter rows into a scratch array, and that along columns, term by term.

    All terms but the last are summed in scratch arrays. Where sums are guarded the last one is too,
    and is repaired on its way to the output.
    """
    across, down, between = problem.between()
    into_sums, whole = down.contiguous(problem.sum)
    made: list[Launch] = []
    scratch = {"between": Scratch(between, problem.sum)}
    sums = None
    for number, (column, row) in enumerate(terms):
        first = dense(
            across, row[None, :], 1.0, limits, operands=("image", "between"), label=f"row{number} "
        )
        to_out = number == len(terms) - 1 and not guard
        target = "out" if to_out else f"sums{number % 2}"
        second = dense(
            down if to_out else into_sums,
            column[:, None],
            kernel.divisor if to_out else 1.0,
            limits,
            operands=("between", target),
            before=sums,
            label=f"column{number} ",
        )
        if not to_out:
            sums = target
            scratch[sums] = Scratch(whole, problem.sum)
        for launches, more in (first, second):
            made += launches
            scratch |= more
    if guard:
        launches, more = _repair(problem, kernel, limits, sums)
        made += launches
        scratch |= more
    return made, scratch


#: Threads of a block of kernels_cuda/repair.cu and normalise.cu, which make an output each.
REPAIR_THREADS = (32, 8, 1)


def _repair(problem: Problem, kernel: Kernel, limits: Limits, sums: str | None) -> Made:
    """Return the launch that stores sums, and takes those again that are not finite."""
    constants = Constants(problem, kernel.numerators, fixed=False, label="repair ")
    macros = [("VECTOR", min(problem.vector, 1)), ("STORE", problem.store(1))]
    launch = Launch(
        program("repair", "repair", problem, macros, constants, kernel.divisor),
        problem.blocks(*REPAIR_THREADS[:2], limits.grid),
        REPAIR_THREADS,
        0,
        ("image", "out", sums, *constants.operands),
        constants.parameters(kernel.divisor),
    )
    return [*constants.launches(), launch], constants.scratch
