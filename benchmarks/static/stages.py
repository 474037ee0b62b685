"""Stages of filters that are several launches, counted one by one as the calls of cases.py are.

Not here: how Canny's strong edges spread, which costs what the edges are long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gpuconv.backends.cuda import canny, lucy
from gpuconv.backends.cuda.launch import Layout, Scratch, Work
from gpuconv.backends.cuda.protocol import Limits

__all__ = ["STAGES", "Stage"]


@dataclass(frozen=True)
class Stage:
    """One launch: of "lucy", the iteration of Richardson and Lucy, or of "canny"."""

    family: str
    stage: str
    #: Arrays that it takes: "image" and "out" are of the dtype; others as `others` says.
    operands: tuple[str | None, ...]
    others: tuple[tuple[str, str], ...] = ()
    dtype: str = "float32"
    shape: tuple[int, int] = (4096, 4096)

    budget: ClassVar[float | None] = None
    halo: ClassVar[float | None] = None
    mask: ClassVar[str] = ""
    #: What such a launch is compared with is no copy of an image.
    predicted: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.dtype} {self.family}: {self.stage}"

    @property
    def layout(self) -> Layout:
        """Where the pixels lie."""
        return Layout.contiguous(self.shape)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the output."""
        return self.shape

    def work(self, limits: Limits) -> Work:
        """Return what is launched on a device with these limits."""
        make = {"lucy": lucy.launch, "canny": canny.launch}[self.family]
        made = make(self.stage, self.operands, self.shape, np.dtype(self.dtype), limits)
        sizes = {"changes": (1,)}
        return Work(
            (made,),
            {
                name: Scratch(sizes.get(name, self.shape), np.dtype(dtype))
                for name, dtype in self.others
            },
        )


STAGES: tuple[Stage, ...] = (
    # Written over an operand, so that more is moved than a copy would.
    Stage("lucy", "compare", ("image", "out")),
    Stage("lucy", "correct", ("out", "image", "shares"), (("shares", "float32"),)),
    Stage(
        "canny",
        "ridges",
        ("image", "y", None, "pixels", "changes"),
        (("y", "float32"), ("pixels", "uint8"), ("changes", "uint32")),
    ),
)
