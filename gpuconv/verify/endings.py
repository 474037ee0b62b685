"""What a case asks for beside sums: an epilogue, weights of pixels, several filters, parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpuconv import api, reference, responses
from gpuconv.epilogue import Epilogue
from gpuconv.kernel import Kernel
from gpuconv.verify import parts
from gpuconv.verify.case import Case
from gpuconv.verify.operations import Operation, stored

__all__ = ["compute", "define"]

Array = NDArray[Any]

_EPILOGUE = Epilogue(scale=0.5, offset=3, absolute=True, low=2, high=100)
_EPILOGUES = {"epilogue": _EPILOGUE, "wrap": Epilogue(wrap=True)}


def _options(case: Case, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the options by which pixels are weighed: one in eight does not count."""
    if case.ending == "mask":
        return {"mask": np.arange(np.prod(shape)).reshape(shape) % 8 != 3}
    return {"nan": "ignore"} if case.ending == "nan" else {}


def compute(case: Case, image: Any, **options: Any) -> Any:
    """Call what the case calls."""
    if case.operation:
        return _operate(case.operation, image, **options)
    if case.ending in ("magnitude", "direction"):
        reduce: Any = case.ending
        return responses.filter_bank(image, _slopes(case), reduce=reduce, **options)
    if case.ending == "bank":
        kernels = [case.weights, case.weights.flip()]
        flip = case.call == "convolve"
        return responses.filter_bank(image, kernels, reduce="max", flip=flip, **options)
    if case.ending == "parts":
        return parts.compute(case, image, **options)
    if case.ending in _EPILOGUES:
        options["epilogue"] = _EPILOGUES[case.ending]
    filter_ = getattr(api, case.call)
    return filter_(image, case.weights, **options, **_options(case, image.shape))


def _operate(operation: Operation, image: Any, **options: Any) -> Any:
    """Call a filter that is no sum, with those options that it has."""
    names = {"channel_axis", "out", "device", *operation.options}
    known = {name: value for name, value in options.items() if name in names}
    return operation.function(image, **operation.arguments, **known)


def _slopes(case: Case) -> list[Kernel]:
    """Return the case's kernel, and the same along the other axis."""
    return [case.weights, Kernel(case.weights.numerators.T, divisor=case.weights.divisor)]


def define(case: Case, image: Array, dtype: Any, **options: Any) -> Array:
    """Return the same by definition; channels, if there are any, lie on the first axis."""
    if case.operation:
        joint, around = case.channel_axis is not None, {"border", "cval"}
        planes = np.moveaxis(image, 0, -3) if joint else image
        border = {name: options[name] for name in around & {*case.operation.options}}
        found = case.operation.define(planes, dtype, joint, **border)
        return np.moveaxis(found, -3, 0) if joint else found
    if case.ending in ("magnitude", "direction"):
        x, y = (
            reference.convolve(image, kernel, dtype=np.float64, **options)
            for kernel in _slopes(case)
        )
        return stored(np.hypot(x, y) if case.ending == "magnitude" else np.arctan2(y, x), dtype)
    filter_ = getattr(reference, case.call)
    options["ordered"] = case.method == "ordered"
    if case.ending not in ("epilogue", "bank"):
        options |= _options(case, image.shape) | {"wrap": case.ending == "wrap"}
        found = filter_(image, case.weights, dtype=dtype, **options)
        return np.asarray(found)
    sums: Array = filter_(image, case.weights, dtype=np.float64, **options)
    if case.ending == "epilogue":
        _EPILOGUE.apply(sums)
    else:
        other = filter_(image, case.weights.flip(), dtype=np.float64, **options)
        sums = np.maximum(sums, other)
    return stored(sums, dtype)
