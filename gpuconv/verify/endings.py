"""What a case asks for beside sums: an epilogue, weights of pixels, several filters."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import api, dtypes, reference, responses
from gpuconv.epilogue import Epilogue
from gpuconv.verify.case import Case

__all__ = ["compute", "define"]

Array = NDArray[Any]

_EPILOGUE = Epilogue(scale=0.5, offset=3, absolute=True, low=2, high=100)


def _options(case: Case, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the options by which pixels are weighed: one in eight does not count."""
    if case.ending == "mask":
        return {"mask": np.arange(np.prod(shape)).reshape(shape) % 8 != 3}
    return {"nan": "ignore"} if case.ending == "nan" else {}


def compute(case: Case, image: Any, **options: Any) -> Any:
    """Call what the case calls."""
    if case.ending == "bank":
        kernels = [case.weights, case.weights.flip()]
        flip = case.call == "convolve"
        return responses.filter_bank(image, kernels, reduce="max", flip=flip, **options)
    if case.ending == "epilogue":
        options["epilogue"] = _EPILOGUE
    filter_ = getattr(api, case.call)
    return filter_(image, case.weights, **options, **_options(case, image.shape))


def define(case: Case, image: Array, dtype: Any, **options: Any) -> Array:
    """Return the same by definition."""
    filter_ = getattr(reference, case.call)
    if case.ending not in ("epilogue", "bank"):
        found: Array = filter_(
            image, case.weights, dtype=dtype, **options, **_options(case, image.shape)
        )
        return found
    sums: Array = filter_(image, case.weights, dtype=np.float64, **options)
    if case.ending == "epilogue":
        _EPILOGUE.apply(sums)
    else:
        other = filter_(image, case.weights.flip(), dtype=np.float64, **options)
        sums = np.maximum(sums, other)
    out = np.empty(sums.shape, dtype)
    dtypes.store(sums, out)
    return out
