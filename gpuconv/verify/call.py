"""A case made into arrays and called: on a device, or in rehearsal, without computing anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv.backends import cuda
from gpuconv.backends.cuda import runtime
from gpuconv.backends.cuda.rehearsal import Rehearsal
from gpuconv.backends.cuda.source import Program
from gpuconv.verify import endings
from gpuconv.verify.arrays import CONTENTS, LAYOUTS, poison
from gpuconv.verify.case import Case

__all__ = ["Answer", "Place", "answer", "by_definition", "convolve", "image_of", "programs"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Place:
    """A device: how arrays get there and back."""

    device: str
    put: Callable[[Any], Any]
    get: Callable[[Any], Any]

    @classmethod
    def of(cls, device: str) -> Place:
        """Return the place that is called `device`."""
        if device == "cpu":
            return cls(device, lambda a: a, lambda a: a)
        return cls(device, cuda.asarray, cuda.asnumpy)


@dataclass(frozen=True)
class Answer:
    """What an engine made of a case, and what it should have made."""

    found: Array
    expected: Array
    #: The reference in float64, before it was rounded to integers; else `expected`.
    exact: Array
    image: Array
    #: Whether memory beside the output was written.
    spilt: bool = False


def image_of(case: Case, seed: int) -> Array:
    """Return the plain array of which the case's image is a view."""
    dtype, layout = np.dtype(case.dtype), LAYOUTS[case.layout]
    shape = layout.plain(case.shape)
    # Of one case, the same pixels whatever other cases there are; of two cases, different ones.
    rng = np.random.default_rng([seed, *shape, *case.kernel.encode(), ord(dtype.char)])
    return CONTENTS[case.content](rng, shape, dtype) if 0 not in shape else np.empty(shape, dtype)


def answer(case: Case, place: Place, seed: int = 0) -> Answer:
    """Compute a case on a device, and by definition."""
    plain = image_of(case, seed)
    if case.out == "overlapping":
        plain = np.pad(plain, ((0, 1), (0, 1)))
    view = _overlapped if case.out == "overlapping" else LAYOUTS[case.layout].view
    image = view(plain)
    expected, exact = by_definition(case, image)
    there = plain.copy() if case.host else place.put(plain.copy())
    if case.out in ("new", "in place", "overlapping"):
        out = {"new": None, "in place": view(there), "overlapping": there[1:, 1:]}[case.out]
        return Answer(place.get(convolve(case, view(there), out, place)), expected, exact, image)
    layout = LAYOUTS[case.out]
    room = np.full(layout.plain(expected.shape), 77, case.stored)
    layout.view(room)[...] = poison(expected)
    target = room.copy() if case.host else place.put(room.copy())
    convolve(case, view(there), layout.view(target), place)
    after = np.array(target if case.host else place.get(target))
    found = layout.view(after).copy()
    layout.view(after)[...] = poison(expected)
    return Answer(found, expected, exact, image, spilt=after.tobytes() != room.tobytes())


def _overlapped(plain: Any) -> Any:
    return plain[:-1, :-1]


def convolve(case: Case, image: Any, out: Any, place: Place) -> Any:
    """Call what the case calls."""
    options = _options(case) | {"channel_axis": case.channel_axis, "method": case.asked}
    options["accuracy"] = case.accuracy
    dtype = case.stored if out is None else None
    return endings.compute(case, image, dtype=dtype, out=out, device=place.device, **options)


def _options(case: Case) -> dict[str, Any]:
    names = ("border", "cval", "size", "stride", "dilation")
    return {name: getattr(case, name) for name in names}


def by_definition(case: Case, image: Array) -> tuple[Array, Array]:
    """Return the result by definition, and the same before integers are rounded."""
    axis = case.channel_axis
    planes = image if axis is None else np.moveaxis(image, axis, 0)

    def result(dtype: Any) -> Array:
        found: Array = endings.define(case, planes, dtype, **_options(case))
        return found if axis is None else np.moveaxis(found, 0, axis)

    # An overflow of float16 is right where the definition overflows too.
    with np.errstate(all="ignore"):
        expected = result(case.stored)
        inner = case.stored.kind in "iu" and not case.exact
        return expected, result(np.float64) if inner else expected


# ------------------------------------------------------------------------ rehearsal


class _Noted(Rehearsal):
    """A rehearsal that knows what was compiled."""

    def __init__(self, limits: runtime.Limits) -> None:
        super().__init__(limits)
        self.programs: dict[Program, None] = {}

    def compile(self, program: Program) -> runtime.Kernel:
        self.programs[program] = None
        return super().compile(program)


def programs(case: Case, limits: runtime.Limits) -> Sequence[Program]:
    """Return the programs that a case runs on a device of `limits`, in their order.

    Examples
    --------
    >>> limits = runtime.Limits(multiprocessors=132, shared=232448)
    >>> [p.family for p in programs(Case("float32", "Gaussian 2"), limits)]
    ['separable']
    """
    rehearsal = _Noted(limits)
    plain = np.empty(LAYOUTS[case.layout].plain(case.shape), case.dtype)
    image, out = LAYOUTS[case.layout].view(plain), None
    if case.out in LAYOUTS:
        layout = LAYOUTS[case.out]
        out = layout.view(np.empty(layout.plain(case.out_shape), case.stored))
    # Nothing streams here; and sums of what happens to lie in memory may overflow.
    with runtime.use(rehearsal), np.errstate(all="ignore"):  # type: ignore[arg-type]
        convolve(case, image, out, Place("cuda", rehearsal.asarray, rehearsal.asnumpy))
    return tuple(rehearsal.programs)
