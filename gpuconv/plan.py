"""What to run, and why: a pure function from a request and a machine to a frozen value.

No device is touched here. The same inputs give the same plan, and plans are cached, so that a
repeated call finds its decisions made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from gpuconv import tiling
from gpuconv.algorithms import ALGORITHMS, answer
from gpuconv.bounded import Bounded
from gpuconv.cost import Machine, Prediction, predict
from gpuconv.epilogue import Epilogue
from gpuconv.errors import ArgumentError
from gpuconv.kernel import Kernel
from gpuconv.request import Candidate, Request
from gpuconv.weights import Term

__all__ = ["Plan", "duration", "kept_bytes", "make_plan", "size"]


@dataclass(frozen=True, eq=False, repr=False)
class Plan:
    """A decision: which algorithm runs on what, in which tiles, and why no other.

    Make one with :func:`gpuconv.plan`; call it with an image as often as you like, from any thread;
    :meth:`explain` says its reasons. In a notebook it shows itself as a table.
    """

    #: One of ``gpuconv.algorithms.ALGORITHMS``.
    algorithm: str
    #: The kernel as it is correlated with the image (turned by 180° for a convolution), without
    #: margins of zeros.
    kernel: Kernel
    #: Separable terms (column, row), where the algorithm needs them.
    terms: tuple[Term, ...]
    #: Planes of the batch: the leading axes of the image, channels among them.
    batch: tuple[int, ...]
    #: Arithmetic of the rows axis and of the columns axis.
    y: tiling.Axis
    x: tiling.Axis
    #: Border modes along y and along x, and the value of "constant".
    border: tuple[str, str]
    cval: float
    #: Read from, summed in, written to.
    dtype: np.dtype[Any]
    accumulator: np.dtype[Any]
    out_dtype: np.dtype[Any]
    #: Point-wise work on each result.
    epilogue: Epilogue
    #: Whether pixels have weights of their own, and whether NaN has none: results are normalised.
    masked: bool
    ignore_nan: bool
    #: Output rows and columns of a tile.
    tile: tuple[int, int]
    #: Rows and columns of a Fourier transform.
    transform: tuple[int, int] | None
    #: Standard deviations (along y, along x) of a recursive Gaussian.
    sigma: tuple[float, float] | None
    #: Multiply–adds per output pixel.
    operations: float
    #: Seconds, bytes and peak memory that it is expected to take on `machine`.
    prediction: Prediction
    machine: Machine
    #: Other algorithms, each with the reason why it was not chosen.
    rejected: tuple[tuple[str, str], ...]
    #: What the engine of the GPU that it was planned for says of it.
    engine: tuple[str, ...] = ()
    #: What ``plan(image)`` calls.
    runner: Callable[..., Any] | None = None

    # Terms hold arrays, which have neither a hash nor a plain ==; the kernel decides them.
    @cached_property
    def _identity(self) -> tuple[object, ...]:
        return tuple(getattr(self, f.name) for f in fields(self) if f.name != "terms")

    @cached_property
    def _hash(self) -> int:
        return hash(self._identity)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return self._identity == other._identity if isinstance(other, Plan) else NotImplemented

    def __repr__(self) -> str:
        rows, columns = self.kernel.shape
        image = f"{(*self.batch, self.y.n, self.x.n)} {self.dtype}"
        expected = duration(self.prediction.seconds)
        return f"<Plan {self.algorithm}, {rows}×{columns} over {image}, {expected} predicted>"

    def __getstate__(self) -> dict[str, object]:
        # Hashes of text differ between processes.
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def __call__(self, image: Any, out: Any = None, mask: Any = None) -> Any:
        """Filter an image of the shape and dtype that were planned for.

        Parameters
        ----------
        image : array
            Of the planned shape and dtype.
        out : array, optional
            Where the result is written; may be the image.
        mask : array, optional
            Which pixels count, for a plan made with ``masked=True``.

        Returns
        -------
        array
            `out`, or a new array.

        Raises
        ------
        ArgumentError
            The image is not what was planned for, or `out` cannot hold the result.
        """
        if self.runner is None:
            raise ArgumentError("a plan that was not made by gpuconv.plan cannot be called")
        return self.runner(image, out, mask)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, batch first."""
        return (*self.batch, self.y.out, self.x.out)

    @property
    def weighed(self) -> bool:
        """Whether pixels have weights of their own, by which results are normalised."""
        return self.masked or self.ignore_nan

    @property
    def bytes_moved(self) -> int:
        """Bytes read from the image plus bytes written to the output."""
        read = prod(self.batch) * self.y.n * self.x.n * self.dtype.itemsize
        return read + prod(self.shape) * self.out_dtype.itemsize

    def rows(self) -> list[tuple[str, str]]:
        """Return what the plan has to say as pairs (what, said)."""
        height, width = self.kernel.shape
        count, expected = len(self.terms), self.prediction
        form = f"{count} separable term{'s' if count > 1 else ''}" if count else "dense"
        reads = f"{self.dtype} → {self.accumulator} → {self.out_dtype}"
        rows = [
            ("algorithm", self._named()),
            ("kernel", f"{height}×{width}, {form}, anchor {self.kernel.anchor}"),
            ("image", f"{(*self.batch, self.y.n, self.x.n)} → {self.shape}, {reads}"),
            ("border", f"{self.border[0]} along y, {self.border[1]} along x"),
            *self._beside(),
            ("time", f"{duration(expected.seconds)} predicted, {self._rates()}"),
            ("operations", f"{self.operations:.4g} multiply-adds per output pixel"),
            (
                "memory",
                f"{size(expected.bytes)} read and written, {size(expected.peak)} at the peak",
            ),
        ]
        if not self.engine:
            rows.append(("tile", f"{self.tile[0]}×{self.tile[1]} output pixels"))
        rows += [(line[:12].strip(), line[12:]) for line in self.engine]
        return rows + [(f"not {name}", why) for name, why in self.rejected]

    def _beside(self) -> list[tuple[str, str]]:
        """Return what is done beside the sums, if anything is."""
        who = [("a mask", self.masked), ("NaN", self.ignore_nan)]
        out = " and ".join(name for name, does in who if does)
        rows = [("normalised", f"as {out} may leave pixels out")] if out else []
        return rows + ([("epilogue", repr(self.epilogue))] if self.epilogue else [])

    def _rates(self) -> str:
        if self.machine.measured:
            return f"at rates measured on {self.machine.name}"
        return f"at rates assumed for {self.machine.name}: gpuconv tune measures them"

    def _named(self) -> str:
        if self.transform:
            rows, columns = self.transform
            return f"{self.algorithm}, transforms of {rows}×{columns}"
        return self.algorithm

    def explain(self) -> str:
        """Return what will run, what it costs, and why each other algorithm was turned down."""
        rows = self.rows()
        wide = max(len(what) for what, _ in rows)
        return "\n".join(f"{what:<{wide}}  {said}" for what, said in rows)

    def _repr_html_(self) -> str:
        from html import escape  # in a notebook only: nobody else waits for it

        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(what)}</th>"
            f"<td style='text-align:left'>{escape(said)}</td></tr>"
            for what, said in self.rows()
        )
        return f"<table>{rows}</table>"


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
    chosen, prediction, rejected = _choose(request, machine)
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
        tile=chosen.tile,
        transform=chosen.transform,
        sigma=chosen.sigma,
        operations=chosen.operations,
        prediction=prediction,
        machine=machine,
        rejected=rejected,
    )


Rejected = tuple[tuple[str, str], ...]


def _choose(request: Request, machine: Machine) -> tuple[Candidate, Prediction, Rejected]:
    """Return the candidate that finishes first, what it takes, and why no other."""
    asked = request.method
    if asked != "auto":
        found = answer(asked, request, machine)
        if isinstance(found, str):
            raise ArgumentError(f"method={asked!r} cannot run this: {found}; use method='auto'")
        others = tuple((name, f"method={asked!r} was asked for") for name in ALGORITHMS)
        rejected = tuple(other for other in others if other[0] != asked)
        return found, predict(found, request, machine), rejected
    candidates = list[tuple[Candidate, Prediction]]()
    reasons = dict[str, str]()
    for name in ALGORITHMS:
        found = answer(name, request, machine)
        if isinstance(found, str):
            reasons[name] = found
        else:
            candidates.append((found, predict(found, request, machine)))
    chosen, best = min(candidates, key=lambda c: c[1].seconds)
    for candidate, prediction in candidates:
        if candidate is not chosen:
            reasons[candidate.algorithm] = _slower(prediction, best)
    return chosen, best, tuple((name, reasons[name]) for name in ALGORITHMS if name in reasons)


def _slower(prediction: Prediction, best: Prediction) -> str:
    ratio = prediction.seconds / best.seconds
    return f"{duration(prediction.seconds)} predicted, {ratio:.3g} times as long"


def size(count: int) -> str:
    """Return a number of bytes in the unit that suits it.

    Examples
    --------
    >>> size(512), size(67_108_864), size(2_000_000_000)
    ('512 B', '67.1 MB', '2 GB')
    """
    for unit, each in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= each:
            return f"{count / each:.3g} {unit}"
    return f"{count} B"


def duration(seconds: float) -> str:
    """Return seconds in the unit that suits them.

    Examples
    --------
    >>> duration(0.0123), duration(4.56e-5), duration(7.8)
    ('12.3 ms', '45.6 µs', '7.8 s')
    """
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
