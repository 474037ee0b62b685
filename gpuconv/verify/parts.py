"""Calls in parts: each made from a window of the image alone, and held to the bits of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import api, backends
from gpuconv.plan import Plan
from gpuconv.verify.case import Case
from gpuconv.window import Run, Window, gather, needs

__all__ = ["CASES", "compute"]

Array = NDArray[Any]

_PARTS = Case("float32", "box 5", (150, 700), ending="parts")

#: A case of each algorithm that shares work between outputs, and of some that do not.
CASES: tuple[Case, ...] = (
    replace(_PARTS, method="box"),
    replace(_PARTS, method="box", shape=(150, 300, 3), channel_axis=-1, border="constant"),
    replace(_PARTS, dtype="uint8", method="box", border="wrap"),
    replace(_PARTS, kernel="Gaussian 5", shape=(300, 500), method="recursive", accuracy="fast"),
    replace(_PARTS, kernel="dense 3", shape=(700, 900), method="fft"),
    replace(_PARTS, kernel="dense 15", border="constant", method="dense"),
    replace(_PARTS, kernel="dense 5", dtype="uint8"),
    replace(_PARTS, kernel="rank 2", border="mirror"),
    replace(_PARTS, kernel="separable 31", border="nearest"),
)


def compute(case: Case, image: Any, device: str, out: Any, **options: Any) -> Any:
    """Return the result put together from parts, and spoilt where the whole's has other bits."""
    filter_, options["dtype"] = getattr(api, case.call), case.stored
    whole = filter_(image, case.weights, device=device, **options)
    made = backends.owner(image).empty(whole.shape, whole.dtype) if out is None else out
    for rows, columns, window in _windows(_planned(case, device), image, device):
        part = filter_(window, case.weights, device=device, **options)
        made[slice(*rows), slice(*columns)] = part
    # No sum of these cases is near that.
    made[made != whole] = 99 if whole.dtype.kind in "iu" else np.nan
    return made


def _planned(case: Case, device: str) -> Plan:
    given: dict[str, Any] = {"border": case.border, "cval": case.cval, "method": case.asked}
    given |= {"channel_axis": case.channel_axis, "accuracy": case.accuracy}
    return api.plan(case.shape, case.dtype, case.weights, device=device, **given)  # type: ignore[return-value]


def _windows(plan: Plan, image: Any, device: str) -> Iterator[tuple[Run, Run, Window]]:
    """Yield parts that meet near the middle, and what each is made from."""
    grain, home = backends.select(image, device).grain((plan,)), backends.owner(image)
    cut = (_halves(axis.out, n) for axis, n in zip((plan.y, plan.x), grain, strict=True))
    for rows, columns in product(*cut):
        high = needs((plan.y,), plan.border[0], *rows)
        wide = needs((plan.x,), plan.border[1], *columns)
        pixels = gather(high, wide, lambda y, x: image[slice(*y), slice(*x)], home.empty)
        yield rows, columns, Window(pixels, image.shape, rows, columns, (high.origin, wide.origin))


def _halves(n: int, grain: int) -> list[Run]:
    middle = max(n // 2 // grain, 1) * grain
    return [(0, middle), (middle, n)] if middle < n else [(0, n)]
