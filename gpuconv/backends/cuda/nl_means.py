"""Launch geometry of kernels_cuda/nl_means.cu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import e, log2, prod

import numpy as np

from gpuconv.backends.cuda.launch import Launch, Scratch
from gpuconv.backends.cuda.parameters import Constants, program, up
from gpuconv.backends.cuda.problem import Problem
from gpuconv.backends.cuda.protocol import Limits
from gpuconv.neighbourhood import NeighbourhoodPlan, NonLocalMeans

__all__ = ["block_of", "launches"]

#: Warps of a block, and its output rows: WARPS and HEIGHT in nl_means.cu.
_WARPS, _HEIGHT = 8, 32
#: Sizes of patches whose sums are unrolled: with more, the code gets long; and those where pixels
#: are read from the image, which takes registers.
_UNROLLED, _UNROLLED_FAR = 31, 8
#: Registers of a thread that its own pixels may take, which are compared with all others; and sizes
#: of patches up to which several of its sums are made from the same of them.
_OWN, _MOST_OWN = 96, 15
#: Channels whose sums fit into registers.
_TOGETHER = 4
#: Registers of a thread's own pixels, as if all were kept, with which two blocks share a
#: multiprocessor: no thread has more than 128 then.
_TWICE = 47
#: Outputs of a thread: where there is one channel, of 4 bytes; else; and where pixels of 8 bytes
#: are read from the image.
_WIDE, _USUAL, _NARROW = 16, 8, 4
#: Rows of pixels in shared memory are as long as a multiple of these, and one more.
_PITCH = 16


def launches(
    problem: Problem, plan: NeighbourhoodPlan, channels: tuple[int, int], limits: Limits
) -> tuple[Sequence[Launch], Mapping[str, Scratch]]:
    """Return what is launched, and the scratch arrays it needs.

    `channels` are the elements from a channel to the next, in the image and in the output.
    """
    wanted, count = plan.neighbourhood, plan.channels or 1
    assert isinstance(wanted, NonLocalMeans)
    scale, spared = wanted.exponent(count)
    powers = np.array([-scale, spared]) * log2(e)
    constants = Constants(problem, powers, fixed=False, variant="patches")
    shape = _shape(problem, wanted, count, limits)
    macros = [
        *shape.macros,
        ("SPARED", int(spared > 0)),
        ("VECTOR", min(problem.vector, 1)),
        ("STORE", min(problem.store(1), 1)),
        ("GUARD", 0),
    ]
    fields = {"image_channel": channels[0], "out_channel": channels[1], "channels": count}
    launch = Launch(
        program("nl_means", "nl_means", problem, macros, constants, divisor=1),
        problem.blocks(shape.width, _HEIGHT, limits.grid),
        (32, _WARPS, 1),
        shape.shared,
        ("image", "out", None, *constants.operands),
        constants.parameters(1, patch=wanted.patch_size, search=wanted.search_distance, **fields),
    )
    return [*constants.launches(), launch], constants.scratch


def block_of(each: int, patch: int) -> tuple[int, int]:
    """Return the output rows and columns of a block, whose patches are unrolled if not 0."""
    wide = _WARPS * each
    return _HEIGHT, wide - patch + 1 if patch else wide


@dataclass(frozen=True)
class _Shape:
    """How a block does its work; nl_means.cu says what the macros mean."""

    patch: int
    #: Bytes of a sum.
    size: int
    channels: int
    #: Outputs of a thread.
    each: int
    #: Rows and columns that an output reads.
    rows: int
    columns: int
    #: Whether pixels lie in shared memory.
    tiled: bool

    @property
    def unrolled(self) -> bool:
        """Whether the sums over patches are unrolled."""
        return self.patch <= (_UNROLLED if self.tiled else _UNROLLED_FAR)

    @property
    def width(self) -> int:
        """Output columns of a block."""
        return block_of(self.each, self.patch if self.unrolled else 0)[1]

    @property
    def pitch(self) -> int:
        """Pixels of a row in shared memory, 0 if they are not there."""
        return up(_WARPS * self.each + self.columns - 2, _PITCH) + 1 if self.tiled else 0

    @property
    def shared(self) -> int:
        """Bytes of shared memory: of sums, in one or two buffers, and of pixels."""
        sums = (1 + self.unrolled) * _HEIGHT * (up(_WARPS * self.each + self.patch - 1, 8) + 4)
        return (sums + self.channels * (_HEIGHT + self.rows - 1) * self.pitch) * self.size

    @property
    def own(self) -> bool:
        """Whether a thread's own pixels lie in registers."""
        needed = self.channels * (self.each + self.patch - 1) * self.size // 4
        return needed <= _OWN and self.patch <= _MOST_OWN and self.few

    @property
    def few(self) -> bool:
        """Whether the code goes through all channels without a loop."""
        # To find a pixel in the image takes registers, too.
        return self.channels <= (_TOGETHER if self.tiled else 1)

    @property
    def macros(self) -> tuple[tuple[str, int], ...]:
        """The macros that say so."""
        needed = self.channels * (self.each + min(self.patch, _MOST_OWN))
        twice = self.tiled and self.size == 4 and needed <= _TWICE
        return (
            ("PATCH", self.patch if self.unrolled else 0),
            ("X", self.each),
            ("CHANNELS", self.channels if self.few else 0),
            ("OWN", int(self.own)),
            ("PITCH", self.pitch),
            ("BLOCKS", 1 + twice),
        )


def _shape(problem: Problem, wanted: NonLocalMeans, channels: int, limits: Limits) -> _Shape:
    """Return the shape that is expected to be fastest, of those that can be."""
    size, taps = problem.sum.itemsize, (problem.y.taps, problem.x.taps)
    given = wanted.patch_size, size, channels
    wide = channels == 1 and size == 4 and _busy(problem, limits)
    tiled = [_Shape(*given, each, *taps, True) for each in (_WIDE, _USUAL)[not wide :]]
    fitting = (shape for shape in tiled if shape.shared <= limits.shared)
    return next(fitting, _Shape(*given, _USUAL if size == 4 else _NARROW, *taps, False))


def _busy(problem: Problem, limits: Limits) -> bool:
    """Return whether there are enough wide blocks for all multiprocessors.

    Those of the whole call: a patch's sum is made from a thread's other sums, so parts of an image
    are made of the same blocks.
    """
    whole = problem.extent
    columns, rows = -(-whole.x.out // (_WARPS * _WIDE)), -(-whole.y.out // _HEIGHT)
    return columns * rows * prod(whole.batch) >= 2 * limits.multiprocessors
