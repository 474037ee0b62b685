"""What GPUs of compute capability 9.0 can do in a second, and what bounds counts set to time.

A bound is what a launch takes at least if nothing else held it up: the bytes at the rate of a copy,
the instructions at the rate of issue, those of each pipe at the rate of that pipe, the passes
through shared memory at one a clock. The largest is the prediction; latency, launches and the ends
of the image are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["GPUS", "H100", "H200", "LANES", "PER_CLOCK", "Gpu", "bounds"]

#: Lanes that a multiprocessor issues in a clock: four warps.
LANES = 128
#: Lanes of each pipe (`sass.PIPES`) and clock, of a multiprocessor: CUDA C++ Programming Guide,
#: "Throughput of Native Arithmetic Instructions", column 9.0. That conversions of floats to bytes
#: and back run at 64, and not at the 16 of older devices, is the guide's word; no GPU was asked.
PER_CLOCK = {"fma": 128, "alu": 64, "multiply": 64, "convert": 64, "double": 64, "special": 16}


@dataclass(frozen=True)
class Gpu:
    """A GPU, by its rates."""

    name: str
    #: Bytes per second of a device copy, read plus written.
    copy: float
    multiprocessors: int
    #: Clocks a second, boosted.
    clock: float

    @property
    def folder(self) -> str:
        """What its results are called.

        Examples
        --------
        >>> H200.folder
        'nvidia-h200'
        """
        return self.name.casefold().replace(" ", "-")

    def issued(self, lanes: float = LANES) -> float:
        """Return the lane-instructions per second at so many lanes a clock."""
        return lanes * self.multiprocessors * self.clock


#: What a copy leaves of 4.8 TB/s: 0.9 of it, as on devices before. 132 multiprocessors at 1.98 GHz
#: (NVIDIA H100 Tensor Core GPU Architecture, table of the SXM5 board; the H200 has the same chip).
H200 = Gpu("NVIDIA H200", 4.3e12, 132, 1.98e9)
#: The same of 3.35 TB/s.
H100 = Gpu("NVIDIA H100", 3.0e12, 132, 1.98e9)

GPUS = (H200, H100)


def bounds(
    gpu: Gpu, moved: float, instructions: float, passes: float, pipes: Mapping[str, float]
) -> dict[str, float]:
    """Return the seconds that each bound sets, by its name.

    Parameters
    ----------
    gpu : Gpu
        By whose rates.
    moved : float
        Bytes read and written.
    instructions : float
        Lane-instructions.
    passes : float
        Passes of warps through shared memory: a multiprocessor makes one a clock.
    pipes : mapping from str to float
        Lane-instructions of each pipe.

    Examples
    --------
    >>> found = bounds(H200, 4.3e12, 33.45e12, 0, {"special": 8.36e12})
    >>> {name: round(seconds, 2) for name, seconds in found.items()}
    {'memory': 1.0, 'issue': 1.0, 'shared memory': 0.0, 'special': 2.0}
    """
    return {
        "memory": moved / gpu.copy,
        "issue": instructions / gpu.issued(),
        "shared memory": passes / gpu.issued(1),
        **{pipe: lanes / gpu.issued(PER_CLOCK[pipe]) for pipe, lanes in pipes.items()},
    }
