"""What every plan is: an algorithm on an image of a shape, what it costs, and why no other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import prod
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

import numpy as np

from gpuconv import tiling
from gpuconv.bounded import Bounded
from gpuconv.cost import Machine, Prediction
from gpuconv.errors import ArgumentError
from gpuconv.window import PARTS, Window

__all__ = ["Rejected", "Task", "Whole", "duration", "elect", "size"]

#: Algorithms that were not chosen, each with the reason.
Rejected: TypeAlias = tuple[tuple[str, str], ...]

_Candidate = TypeVar("_Candidate")


@dataclass(frozen=True)
class Whole:
    """The call that a plan does a part of, as far as the bits of a result may depend on it."""

    batch: tuple[int, ...]
    y: tiling.Axis
    x: tiling.Axis


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Task(ABC):
    """A decision: which algorithm runs on what, in which tiles, and why no other."""

    #: The name of what runs.
    algorithm: str
    #: Planes of the batch: the leading axes of the image, channels among them.
    batch: tuple[int, ...]
    #: Arithmetic of the rows axis and of the columns axis.
    y: tiling.Axis
    x: tiling.Axis
    #: Border modes along y and along x, and the value of "constant".
    border: tuple[str, str]
    cval: float
    #: Read from, computed in, written to.
    dtype: np.dtype[Any]
    accumulator: np.dtype[Any]
    out_dtype: np.dtype[Any]
    #: Output rows and columns of a tile.
    tile: tuple[int, int]
    #: Operations per output pixel: multiply–adds of a linear filter.
    operations: float
    #: Seconds, bytes and peak memory that it is expected to take on `machine`.
    prediction: Prediction
    machine: Machine
    #: Other algorithms, each with the reason why it was not chosen.
    rejected: Rejected
    #: What this is a part of; None: it is the whole.
    whole: Whole | None = None
    #: What the engine of the GPU that it was planned for says of it.
    engine: tuple[str, ...] = ()
    #: What ``plan(image)`` calls.
    runner: Callable[..., Any] | None = None

    #: Fields that others decide, and that have neither a hash nor a plain ==.
    _DERIVED: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def _identity(self) -> tuple[object, ...]:
        return tuple(getattr(self, f.name) for f in fields(self) if f.name not in self._DERIVED)

    @cached_property
    def _hash(self) -> int:
        return hash(self._identity)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return self._identity == other._identity if isinstance(other, Task) else NotImplemented

    def __repr__(self) -> str:
        image = f"{self.image_shape} {self.dtype}"
        expected = duration(self.prediction.seconds)
        return f"<Plan {self.algorithm}, {self._what()} over {image}, {expected} predicted>"

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
    def planes(self) -> tuple[int, ...]:
        """All axes of the image before its rows and columns."""
        return self.batch

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, batch first."""
        return (*self.planes, self.y.out, self.x.out)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of the image, batch first."""
        return (*self.planes, self.y.n, self.x.n)

    @property
    def bytes_moved(self) -> int:
        """Bytes read from the image plus bytes written to the output."""
        read = prod(self.image_shape) * self.dtype.itemsize
        return read + prod(self.shape) * self.out_dtype.itemsize

    @property
    def extent(self) -> Whole:
        """The whole call: what this is a part of, or this."""
        return self.whole or Whole(self.batch, self.y, self.x)

    def within(self, **changes: Any) -> Self:
        """Return a plan with other batch axes, rows or columns, that remembers the whole."""
        return replace(self, whole=self.extent, **changes)

    def part(self, window: Window, batch: tuple[int, ...] | None = None) -> Self:
        """Return the plan of the part of the output that is made from a window of the image.

        It runs the same algorithm in tiles of the same size. Where these lie as the whole's do, as
        the engines' ``grain`` tells, the part has the whole's bits. `batch` are its planes, where
        they are not all.

        For windows that are read alike it is the same plan: engines keep scratch for each.
        """
        high, wide = window.size
        batch = self.batch if batch is None else batch
        y = self.y.part(*window.rows, window.origin[0], high)
        x = self.x.part(*window.columns, window.origin[1], wide)
        return self._parts.get((batch, y, x), lambda: self._part(batch, y, x), bytes=1)

    @cached_property
    def _parts(self) -> Bounded[Self]:
        return Bounded(most=PARTS)

    def _part(self, batch: tuple[int, ...], y: tiling.Axis, x: tiling.Axis) -> Self:
        part = self.within(batch=batch, y=y, x=x, engine=(), runner=None)
        share = prod((*batch, y.out, x.out)) / max(prod((*self.batch, self.y.out, self.x.out)), 1)
        seconds, beside = self.prediction.seconds * share, self.prediction.peak - self.bytes_moved
        moved = part.bytes_moved
        expected = replace(self.prediction, seconds=seconds, bytes=moved, peak=moved + beside)
        return replace(part, prediction=expected)

    def rows(self) -> list[tuple[str, str]]:
        """Return what the plan has to say as pairs (what, said)."""
        expected = self.prediction
        reads = f"{self.dtype} → {self.accumulator} → {self.out_dtype}"
        rows = [
            ("algorithm", self._named()),
            *self._computed(),
            ("image", f"{self.image_shape} → {self.shape}, {reads}"),
            ("border", f"{self.border[0]} along y, {self.border[1]} along x"),
            *self._beside(),
            ("time", f"{duration(expected.seconds)} predicted, {self._rates()}"),
            ("operations", f"{self.operations:.4g} {self._unit()} per output pixel"),
            (
                "memory",
                f"{size(expected.bytes)} read and written, {size(expected.peak)} at the peak",
            ),
        ]
        if not self.engine:
            rows.append(("tile", f"{self.tile[0]}×{self.tile[1]} output pixels"))
        rows += [(line[:12].strip(), line[12:]) for line in self.engine]
        return rows + [(f"not {name}", why) for name, why in self.rejected]

    def _named(self) -> str:
        """Return what runs, in words."""
        return self.algorithm

    @abstractmethod
    def _what(self) -> str:
        """Return what is computed, in a few words."""

    @abstractmethod
    def _computed(self) -> list[tuple[str, str]]:
        """Return rows that say what is computed."""

    def _beside(self) -> list[tuple[str, str]]:
        """Return rows that say what is done beside that, if anything is."""
        return []

    def _unit(self) -> str:
        """Return what is counted as an operation."""
        return "multiply-adds"

    def _rates(self) -> str:
        if self.machine.measured:
            return f"at rates measured on {self.machine.name}"
        return f"at rates assumed for {self.machine.name}: gpuconv tune measures them"

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


def elect(
    asked: str,
    names: Iterable[str],
    answer: Callable[[str], tuple[_Candidate, Prediction] | str],
) -> tuple[_Candidate, Prediction, Rejected]:
    """Return the candidate that is expected to finish first, what it takes, and why no other.

    Parameters
    ----------
    asked : str
        "auto", or the one algorithm that is wanted.
    names : iterable of str
        Every algorithm; where two are expected to take as long, the first is chosen.
    answer : callable
        Returns how an algorithm would do it and what that takes, or why it cannot.

    Raises
    ------
    ArgumentError
        The algorithm that is asked for cannot do it; the message says why. Or none can.
    """
    if asked != "auto":
        found = answer(asked)
        if isinstance(found, str):
            raise ArgumentError(f"method={asked!r} cannot run this: {found}; use method='auto'")
        others = tuple((name, f"method={asked!r} was asked for") for name in names)
        return *found, tuple(other for other in others if other[0] != asked)
    answers = {name: answer(name) for name in names}
    able = {name: found for name, found in answers.items() if not isinstance(found, str)}
    if not able:
        reasons = "; ".join(f"{name}: {why}" for name, why in answers.items())
        raise ArgumentError(f"no method can run this: {reasons}")
    chosen, best = min(able.values(), key=lambda found: found[1].seconds)
    rejected = (
        (name, found if isinstance(found, str) else _slower(found[1], best))
        for name, found in answers.items()
        if isinstance(found, str) or found[0] is not chosen
    )
    return chosen, best, tuple(rejected)


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
