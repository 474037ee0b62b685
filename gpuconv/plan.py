"""What to run, and why: a pure function from a request and a machine to a frozen value.

No device is touched here. The same inputs give the same plan, and plans are cached, so that a
repeated call finds its decisions made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gpuconv import tiling
from gpuconv.algorithms import ALGORITHMS, answer
from gpuconv.bounded import Bounded
from gpuconv.cost import Machine, Prediction, predict
from gpuconv.epilogue import Epilogue
from gpuconv.kernel import Kernel
from gpuconv.request import Candidate, Request
from gpuconv.task import Task, elect
from gpuconv.weights import Term

__all__ = ["Plan", "kept_bytes", "make_plan"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Plan(Task):
    """How a linear filter runs: which algorithm, in which tiles, and why no other.

    Make one with :func:`gpuconv.plan`; call it with an image as often as you like, from any thread;
    :meth:`explain` says its reasons. In a notebook it shows itself as a table.
    """

    #: The kernel as it is correlated with the image (turned by 180° for a convolution), without
    #: margins of zeros.
    kernel: Kernel
    #: Separable terms (column, row), where the algorithm needs them.
    terms: tuple[Term, ...]
    #: Point-wise work on each result.
    epilogue: Epilogue
    #: Whether pixels have weights of their own, and whether NaN has none: results are normalised.
    masked: bool
    ignore_nan: bool
    #: Rows and columns of a Fourier transform.
    transform: tuple[int, int] | None
    #: Standard deviations (along y, along x) of a recursive Gaussian.
    sigma: tuple[float, float] | None

    # Terms hold arrays; the kernel decides them.
    _DERIVED: ClassVar[tuple[str, ...]] = ("terms",)

    @property
    def weighed(self) -> bool:
        """Whether pixels have weights of their own, by which results are normalised."""
        return self.masked or self.ignore_nan

    def _what(self) -> str:
        rows, columns = self.kernel.shape
        return f"{rows}×{columns}"

    def _computed(self) -> list[tuple[str, str]]:
        count = len(self.terms)
        form = f"{count} separable term{'s' if count > 1 else ''}" if count else "dense"
        return [("kernel", f"{self._what()}, {form}, anchor {self.kernel.anchor}")]

    def _beside(self) -> list[tuple[str, str]]:
        who = [("a mask", self.masked), ("NaN", self.ignore_nan)]
        out = " and ".join(name for name, does in who if does)
        rows = [("normalised", f"as {out} may leave pixels out")] if out else []
        return rows + ([("epilogue", repr(self.epilogue))] if self.epilogue else [])

    def _named(self) -> str:
        if self.transform:
            rows, columns = self.transform
            return f"{self.algorithm}, transforms of {rows}×{columns}"
        return self.algorithm


#: Plans keep kernels, which may be large.
_PLANS: Bounded[Plan] = Bounded(most=64 * 2**20)


def kept_bytes(kernel: Kernel) -> int:
    """Return about how many bytes a plan of `kernel`, or what refers to one, keeps alive."""
    return 4096 + kernel.nbytes


def make_plan(request: Request, machine: Machine) -> Plan:
    """Return the plan of a request on a machine; the same one when asked again.

    Raises
    ------
    ArgumentError
        The request's method cannot run it; the message says why.
    """
    size = kept_bytes(request.kernel)
    return _PLANS.get((request, machine), lambda: _plan(request, machine), bytes=size)


def _plan(request: Request, machine: Machine) -> Plan:
    def weighed(name: str) -> tuple[Candidate, Prediction] | str:
        found = answer(name, request, machine)
        return found if isinstance(found, str) else (found, predict(found, request, machine))

    chosen, prediction, rejected = elect(request.method, ALGORITHMS, weighed)
    return Plan(
        algorithm=chosen.algorithm,
        kernel=request.kernel,
        terms=chosen.terms,
        batch=request.batch,
        y=request.y,
        x=request.x,
        border=request.border,
        cval=request.cval,
        dtype=request.dtype,
        accumulator=chosen.accumulator,
        out_dtype=request.out_dtype,
        epilogue=request.epilogue,
        masked=request.masked,
        ignore_nan=request.ignore_nan,
        tile=tiling.clipped(chosen.tile, request.y, request.x),
        transform=chosen.transform,
        sigma=chosen.sigma,
        operations=chosen.operations,
        prediction=prediction,
        machine=machine,
        rejected=rejected,
    )
